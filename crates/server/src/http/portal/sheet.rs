//! Settings as forms: which control stands for which key, how it is printed, read back, checked, and what happens when two
//! operators edit at once. A key that nobody changed stays absent, so that defaults stay defaults.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use vestibule_protocol::form::Form;

use super::{Answer, Desk, Problem};
use crate::{
    flows::admin::{AdminError, Fault, Operator, settings},
    ui::portal::{ConflictNote, ConflictRow, Control, ControlKind, Extra, PanelView, PortalNotice, SheetPage},
};

/// How often a save is tried again when somebody changes something else in the project at the same moment.
const ROUNDS: usize = 4;

/// Where a control's value lives, below the sheet's part of the document, and what absence means.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A whole number; an empty field removes the key.
    Number { path: &'static str, default: u32 },
    /// A whole number that may be absent for good.
    OptionalNumber { path: &'static str },
    /// On or off.
    Flag { path: &'static str, default: bool },
    /// On or off, the other way round.
    Inverted { path: &'static str },
    /// 1 or 0.
    One { path: &'static str },
    /// A text; an empty field removes the key.
    Text { path: &'static str, default: &'static str },
    /// A list of texts, one a line.
    Lines { path: &'static str },
    /// Whether a list holds a word; `key` names the member in a list of objects.
    Member { path: &'static str, word: &'static str, default: &'static [&'static str], key: Option<&'static str> },
}

impl Place {
    fn path(&self) -> &'static str {
        match self {
            Self::Number { path, .. }
            | Self::OptionalNumber { path }
            | Self::Flag { path, .. }
            | Self::Inverted { path }
            | Self::One { path }
            | Self::Text { path, .. }
            | Self::Lines { path }
            | Self::Member { path, .. } => path,
        }
    }

    /// What the control shows.
    fn print(&self, part: &Value) -> String {
        let found = part.pointer(&pointer(self.path()));
        let on = |is_on: bool| if is_on { "on" } else { "" }.to_string();
        match self {
            Self::Number { default, .. } => found.and_then(Value::as_u64).unwrap_or(u64::from(*default)).to_string(),
            Self::OptionalNumber { .. } => found.and_then(Value::as_u64).map(|n| n.to_string()).unwrap_or_default(),
            Self::Flag { default, .. } => on(found.and_then(Value::as_bool).unwrap_or(*default)),
            Self::Inverted { .. } => on(!found.and_then(Value::as_bool).unwrap_or(false)),
            Self::One { .. } => on(found.and_then(Value::as_u64) == Some(1)),
            Self::Text { default, .. } => found.and_then(Value::as_str).unwrap_or(default).to_string(),
            Self::Lines { .. } => words(found, None).unwrap_or_default().join("\n"),
            Self::Member { word, default, key, .. } => on(match words(found, *key) {
                Some(words) => words.contains(word),
                None => default.contains(word),
            }),
        }
    }

    /// Puts what was typed into the document.
    fn put_into(&self, part: &mut Value, typed: &str) -> Result<(), String> {
        let path = self.path();
        match self {
            Self::Number { .. } | Self::OptionalNumber { .. } => {
                let typed = typed.trim();
                if typed.is_empty() {
                    remove(part, path);
                } else if typed.len() <= 12 && typed.bytes().all(|byte| byte.is_ascii_digit()) {
                    set(part, path, typed.parse::<u64>().unwrap_or(u64::MAX).into());
                } else {
                    return Err("Write a whole number, digits only.".into());
                }
            }
            Self::Flag { .. } => set(part, path, (typed == "on").into()),
            Self::Inverted { .. } => set(part, path, (typed != "on").into()),
            Self::One { .. } => set(part, path, u8::from(typed == "on").into()),
            Self::Text { .. } => match typed.trim() {
                "" => remove(part, path),
                text => set(part, path, text.into()),
            },
            Self::Lines { .. } => {
                let lines: Vec<&str> = typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                if lines.is_empty() { remove(part, path) } else { set(part, path, lines.into()) }
            }
            Self::Member { word, default, key, .. } => {
                let old = words(part.pointer(&pointer(path)), *key).unwrap_or_else(|| default.to_vec());
                let mut next: Vec<&str> = old.iter().copied().filter(|one| one != word).collect();
                if typed == "on" {
                    next.push(word);
                }
                let list: Vec<Value> = next
                    .into_iter()
                    .map(|word| key.map_or_else(|| Value::from(word), |key| json!({key: word})))
                    .collect();
                set(part, path, list.into());
            }
        }
        Ok(())
    }
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// The words of a list of texts, or of a list of objects with the word under `key`.
fn words<'a>(list: Option<&'a Value>, key: Option<&str>) -> Option<Vec<&'a str>> {
    let item = |one: &'a Value| key.map_or(Some(one), |key| one.get(key)).and_then(Value::as_str);
    Some(list?.as_array()?.iter().filter_map(item).collect())
}

fn set(part: &mut Value, path: &str, value: Value) {
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut table = part;
    for name in parents.split('.').filter(|name| !name.is_empty()) {
        if !table[name].is_object() {
            table[name] = Value::Object(Map::new());
        }
        table = &mut table[name];
    }
    table[key] = value;
}

fn remove(part: &mut Value, path: &str) {
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let parents = if parents.is_empty() { String::new() } else { pointer(parents) };
    if let Some(table) = part.pointer_mut(&parents).and_then(Value::as_object_mut) {
        table.remove(key);
    }
}

/// A control and its place.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) control: Control,
    pub(super) place: Place,
}

/// A group of controls.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub(super) view: PanelView,
    pub(super) rows: Vec<Row>,
}

/// Which part of the document a sheet is about.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Project,
    Application(String),
}

impl Part {
    fn index(&self, document: &Value) -> Option<usize> {
        let Self::Application(id) = self else { return None };
        document["oauth"]["clients"].as_array()?.iter().position(|client| client["client_id"] == **id)
    }

    fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Project => Some(document),
            Self::Application(_) => document["oauth"]["clients"].get(self.index(document)?),
        }
    }

    fn find_mut<'a>(&self, document: &'a mut Value) -> Option<&'a mut Value> {
        match self {
            Self::Project => Some(document),
            Self::Application(_) => {
                let index = self.index(document)?;
                document["oauth"]["clients"].get_mut(index)
            }
        }
    }

    /// What stands before the sheet's paths in complaints.
    fn prefix(&self, document: &Value) -> String {
        self.index(document).map_or_else(String::new, |index| format!("oauth.clients[{index}]."))
    }
}

/// A form over a part of the settings.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pub(super) part: Part,
    pub(super) panels: Vec<Panel>,
}

/// The settings as they are now, to fill a sheet with.
pub(super) struct Current {
    document: Value,
    version: i64,
}

/// Loads the settings as they are now.
pub(super) async fn load(desk: &Desk) -> Result<Current, Problem> {
    let current = settings::get(&desk.app, &desk.project).await?;
    let document = serde_json::to_value(&current.settings).map_err(|_| Problem::Broken)?;
    Ok(Current { document, version: current.version })
}

/// What became of a sheet that was sent.
pub(super) enum Sent {
    /// It is saved, or said what was there already.
    Done(PortalNotice),
    /// Something typed is not right, or somebody else was faster; the sheet shows it.
    Again { sheet: Sheet, base: String, conflict: Option<ConflictNote> },
}

impl Sheet {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.panels.iter().flat_map(|panel| &panel.rows)
    }

    fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        self.panels.iter_mut().flat_map(|panel| &mut panel.rows)
    }

    /// Every field as it is now.
    fn print(&self, current: &Current) -> Option<Form> {
        let part = self.part.find(&current.document)?;
        Some(Form::from_pairs(self.rows().map(|row| (row.control.name.clone(), row.place.print(part)))))
    }

    /// Fills the controls; the answer is what the form has to send back to tell later what was there.
    pub(super) fn fill(&mut self, current: &Current) -> Result<String, Problem> {
        let values = self.print(current).ok_or(Problem::Missing)?;
        self.put(&values);
        Ok(values.print())
    }

    fn put(&mut self, values: &Form) {
        for row in self.rows_mut() {
            row.control.value = value_of(values, &row.control.name).to_string();
        }
    }

    /// Saves what was sent, unless it is not right or somebody else changed the same fields meanwhile.
    pub(super) async fn save(mut self, desk: &Desk) -> Result<Sent, Problem> {
        let base = Form::parse_query(desk.field("_base")).unwrap_or_default();
        let typed: Vec<(String, String)> =
            self.rows().map(|row| (row.control.name.clone(), typed_value(desk, row))).collect();
        let typed = Form::from_pairs(typed);
        for _ in 0..ROUNDS {
            let current = load(desk).await?;
            let now = self.print(&current).ok_or(Problem::Missing)?;
            if let Some(rows) = self.compare(&base, &now, &typed) {
                let note = self.note(desk, rows).await?;
                // What was typed stays; what was left alone is what the other made of it.
                let merged: Vec<(String, String)> = self
                    .rows()
                    .map(|row| {
                        let name = row.control.name.as_str();
                        let mine = value_of(&typed, name);
                        let value = if mine == value_of(&base, name) { value_of(&now, name) } else { mine };
                        (name.to_string(), value.to_string())
                    })
                    .collect();
                self.put(&Form::from_pairs(merged));
                return Ok(Sent::Again { sheet: self, base: now.print(), conflict: Some(note) });
            }
            let mut document = current.document.clone();
            let mut faults = Vec::new();
            let part = self.part.find_mut(&mut document).ok_or(Problem::Missing)?;
            for row in self.rows() {
                let name = row.control.name.as_str();
                let value = value_of(&typed, name);
                if value != value_of(&now, name)
                    && let Err(message) = row.place.put_into(part, value)
                {
                    faults.push((name.to_string(), message));
                }
            }
            let saved = if faults.is_empty() {
                replace(desk, &desk.acting(), &document, current.version).await
            } else {
                Ok(Err(Vec::new()))
            };
            match saved {
                Ok(Ok(true)) => return Ok(Sent::Done(PortalNotice::Saved)),
                Ok(Ok(false)) => return Ok(Sent::Done(PortalNotice::Unchanged)),
                Ok(Err(complaints)) => {
                    let prefix = self.part.prefix(&current.document);
                    self.put(&typed);
                    self.complain(faults, &complaints, &prefix)?;
                    return Ok(Sent::Again { sheet: self, base: base.print(), conflict: None });
                }
                Err(AdminError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Problem::Busy(std::time::Duration::from_secs(1)))
    }

    /// What somebody else changed of this sheet, if it is not what is wanted here as well.
    fn compare(&self, base: &Form, now: &Form, typed: &Form) -> Option<Vec<ConflictRow>> {
        let changed: Vec<ConflictRow> = self
            .rows()
            .filter_map(|row| {
                let name = row.control.name.as_str();
                let (was, is, mine) = (value_of(base, name), value_of(now, name), value_of(typed, name));
                let show = |value: &str| row.control.show(value);
                (was != is && mine != is).then(|| ConflictRow {
                    label: row.control.label.clone(),
                    was: show(was),
                    theirs: show(is),
                    yours: (mine != was).then(|| show(mine)),
                })
            })
            .collect();
        (!changed.is_empty()).then_some(changed)
    }

    async fn note(&self, desk: &Desk, rows: Vec<ConflictRow>) -> Result<ConflictNote, Problem> {
        let who = settings::find_last_editor(&desk.app, &desk.project).await?;
        Ok(ConflictNote { who, rows })
    }

    /// Puts each complaint beside the control it is about; what has no control here is told as it is.
    fn complain(&mut self, faults: Vec<(String, String)>, complaints: &[Fault], prefix: &str) -> Result<(), Problem> {
        for (name, message) in faults {
            if let Some(row) = self.rows_mut().find(|row| row.control.name == name) {
                row.control.error.get_or_insert(message);
            }
        }
        for fault in complaints {
            let path = fault.path.strip_prefix(prefix).unwrap_or(&fault.path).to_string();
            let is_about = |row: &&mut Row| {
                let own = row.place.path();
                path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                    || own.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('.'))
            };
            let line = line_of(&path);
            match self.rows_mut().find(is_about) {
                Some(row) => {
                    row.control.error.get_or_insert(match line {
                        Some(number) => format!("Line {number}: {}.", fault.message),
                        None => sentence(&fault.message),
                    });
                }
                None => return Err(Problem::Clash(format!("{}: {}", fault.path, fault.message))),
            }
        }
        Ok(())
    }

    /// The page of the sheet.
    pub(super) fn page(self, desk: &Desk, base: String, conflict: Option<ConflictNote>, look: Look) -> SheetPage {
        let is_locked = !desk.may_edit();
        let panels = self
            .panels
            .into_iter()
            .map(|panel| {
                let controls = panel.rows.into_iter().map(|row| Control { is_locked, ..row.control });
                PanelView { controls: controls.collect(), ..panel.view }
            })
            .collect();
        SheetPage {
            title: look.title,
            lead: look.lead,
            section: look.section,
            above: look.above,
            action: desk.path().to_string(),
            panels,
            base,
            conflict,
            is_locked,
            extra: look.extra,
        }
    }
}

/// What a sheet's page looks like, besides its controls.
pub(super) struct Look {
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) section: &'static str,
    pub(super) above: Option<(String, String)>,
    pub(super) extra: Extra,
}

/// Shows a sheet as it is.
pub(super) async fn show(desk: &Desk, mut sheet: Sheet, look: Look) -> Answer {
    let current = load(desk).await?;
    let base = sheet.fill(&current)?;
    desk.show(&sheet.page(desk, base, None, look))
}

/// Saves a sheet, and goes back to where it is shown.
pub(super) async fn save(desk: &Desk, sheet: Sheet, look: impl FnOnce(&Desk) -> Look) -> Answer {
    match sheet.save(desk).await? {
        Sent::Done(notice) => desk.go_and_say(desk.path(), notice),
        Sent::Again { sheet, base, conflict } => {
            let is_conflict = conflict.is_some();
            let page = sheet.page(desk, base, conflict, look(desk));
            if is_conflict { Ok(desk.page(StatusCode::CONFLICT, &page)) } else { desk.complain(&page) }
        }
    }
}

async fn replace(
    desk: &Desk,
    operator: &Operator,
    document: &Value,
    version: i64,
) -> Result<Result<bool, Vec<Fault>>, AdminError> {
    match settings::replace(&desk.app, &desk.project, operator, document, version, desk.now).await {
        Ok(now) => Ok(Ok(now.version != version)),
        Err(AdminError::Invalid(faults)) => Ok(Err(faults)),
        Err(AdminError::Conflict(clash)) => Ok(Err(vec![Fault::new("project.public_origin", clash.to_string())])),
        Err(error) => Err(error),
    }
}

fn value_of<'a>(values: &'a Form, name: &str) -> &'a str {
    values.pairs().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
}

/// What was typed, in the form in which the settings print it.
fn typed_value(desk: &Desk, row: &Row) -> String {
    let typed = desk.field(&row.control.name).replace("\r\n", "\n");
    match row.control.kind {
        ControlKind::Lines { .. } => {
            typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
        }
        // Leading zeros are forgiven.
        ControlKind::Number { .. } => match typed.trim().trim_start_matches('0') {
            "" if typed.contains('0') => "0".to_string(),
            digits => digits.to_string(),
        },
        ControlKind::Line(_)
        | ControlKind::Toggle
        | ControlKind::Radio(_)
        | ControlKind::Select(_)
        | ControlKind::NewPassword
        | ControlKind::Password => typed.trim().to_string(),
    }
}

/// Which line of a list a complaint is about, from 1.
fn line_of(path: &str) -> Option<usize> {
    let index = path.strip_suffix(']')?.rsplit_once('[')?.1;
    index.parse::<usize>().ok().map(|index| index + 1)
}

fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_printed_with_its_default_and_written_where_it_belongs() {
        let number = Place::Number { path: "session.lifetime_seconds", default: 7 };
        let member =
            Place::Member { path: "authentication.identities", word: "anonymous", default: &["login_id"], key: None };
        let key =
            Place::Member { path: "identity.login_id.keys", word: "phone", default: &["email"], key: Some("type") };
        let mut part = json!({});
        assert_eq!((number.print(&part).as_str(), member.print(&part).as_str()), ("7", ""));
        number.put_into(&mut part, "9").expect("a number");
        member.put_into(&mut part, "on").expect("a switch");
        key.put_into(&mut part, "on").expect("a switch");
        assert_eq!(
            part,
            json!({
                "session": {"lifetime_seconds": 9},
                "authentication": {"identities": ["login_id", "anonymous"]},
                "identity": {"login_id": {"keys": [{"type": "email"}, {"type": "phone"}]}},
            })
        );
        number.put_into(&mut part, "").expect("a default");
        member.put_into(&mut part, "").expect("a switch");
        key.put_into(&mut part, "").expect("a switch");
        assert_eq!(
            (number.print(&part).as_str(), member.print(&part).as_str(), key.print(&part).as_str()),
            ("7", "", "")
        );
        for wrong in ["-1", "1.5", "x", "9999999999999"] {
            assert!(number.put_into(&mut part, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_are_lines_and_complaints_name_the_line() {
        let uris = Place::Lines { path: "redirect_uris" };
        let mut part = json!({});
        uris.put_into(&mut part, " a \n\n b").expect("lines");
        assert_eq!(part, json!({"redirect_uris": ["a", "b"]}));
        assert_eq!(uris.print(&part), "a\nb");
        uris.put_into(&mut part, " \n").expect("lines");
        assert_eq!(part, json!({}));
        assert_eq!((line_of("redirect_uris[1]"), line_of("redirect_uris")), (Some(2), None));
    }
}
