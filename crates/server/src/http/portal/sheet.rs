//! Settings as forms: which control stands for which key, how it is saved and checked, and what happens when two operators
//! edit at once. A key that nobody changed stays absent, so that defaults stay defaults.

use axum::http::StatusCode;
use serde_json::{Value, json};
use vestibule_protocol::form::Form;

pub(super) use super::place::Place;
use super::{Answer, Desk, Problem, place};
use crate::{
    flows::admin::{
        AdminError, Fault, Operator, settings,
        webhooks::{self, HandlerKind},
    },
    ui::portal::{ConflictNote, ConflictRow, Control, ControlKind, Extra, PanelView, PortalNotice, SheetPage},
};

/// How often a save is tried again when somebody changes something else in the project at the same moment.
const ROUNDS: usize = 4;

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
    /// A webhook that is there, by its name.
    Handler(HandlerKind, String),
    /// A webhook to be.
    NewHandler(HandlerKind),
}

/// What a thing to be is before it is.
static NOTHING: Value = Value::Null;

impl Part {
    /// The list it is an entry of.
    fn list(&self) -> Option<&'static str> {
        match self {
            Self::Project => None,
            Self::Application(_) => Some("oauth.clients"),
            Self::Handler(kind, _) | Self::NewHandler(kind) => Some(kind.list()),
        }
    }

    /// Where in the list it is, or will be.
    fn index(&self, document: &Value) -> Option<usize> {
        let list = place::find(document, self.list()?).and_then(Value::as_array);
        match self {
            Self::Project => None,
            Self::Application(id) => list?.iter().position(|client| client["client_id"] == **id),
            Self::Handler(kind, name) => webhooks::find(document, *kind, name),
            Self::NewHandler(_) => Some(list.map_or(0, Vec::len)),
        }
    }

    fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Project => Some(document),
            Self::NewHandler(_) => Some(&NOTHING),
            Self::Application(_) | Self::Handler(..) => place::find(document, self.list()?)?.get(self.index(document)?),
        }
    }

    fn find_mut<'a>(&self, document: &'a mut Value) -> Option<&'a mut Value> {
        let Some(list) = self.list() else { return Some(document) };
        let index = self.index(document)?;
        if matches!(self, Self::NewHandler(_)) {
            if index == 0 {
                place::set(document, list, json!([]));
            }
            place::find_mut(document, list)?.as_array_mut()?.push(json!({}));
        }
        place::find_mut(document, list)?.get_mut(index)
    }

    /// What stands before the sheet's paths in complaints.
    fn prefix(&self, document: &Value) -> String {
        match (self.list(), self.index(document)) {
            (Some(list), Some(index)) => format!("{list}[{index}]."),
            _ => String::new(),
        }
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

    /// What was typed.
    fn read(&self, desk: &Desk) -> Form {
        Form::from_pairs(self.rows().map(|row| (row.control.name.clone(), typed_value(desk, row))))
    }

    /// Saves what was sent, unless it is not right or somebody else changed the same fields meanwhile.
    pub(super) async fn save(self, desk: &Desk) -> Result<Sent, Problem> {
        self.save_unless(desk, &[]).await
    }

    /// Saves what was sent, unless something is wrong with it that the settings alone do not show: fields by name.
    pub(super) async fn save_unless(mut self, desk: &Desk, known: &[(String, String)]) -> Result<Sent, Problem> {
        let base = Form::parse_query(desk.field("_base")).unwrap_or_default();
        let typed = self.read(desk);
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
            let mut faults = known.to_vec();
            let is_new = matches!(self.part, Part::NewHandler(_));
            let part = self.part.find_mut(&mut document).ok_or(Problem::Missing)?;
            for row in self.rows() {
                let name = row.control.name.as_str();
                let value = value_of(&typed, name);
                if (is_new || value != value_of(&now, name))
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

    /// The sheet of something that is gone: what was typed, beside what it was, to be saved as something new.
    pub(super) async fn start_anew(mut self, desk: &Desk, part: Part) -> Result<Sent, Problem> {
        let base = Form::parse_query(desk.field("_base")).unwrap_or_default();
        let typed = self.read(desk);
        let compare = |row: &Row| ConflictRow {
            label: row.control.label.clone(),
            was: row.control.show(value_of(&base, &row.control.name)),
            theirs: "gone, or changed".to_string(),
            yours: Some(row.control.show(value_of(&typed, &row.control.name))),
        };
        let note = self.note(desk, self.rows().map(compare).collect()).await?;
        self.part = part;
        let base = self.fill(&load(desk).await?)?;
        self.put(&typed);
        Ok(Sent::Again { sheet: self, base, conflict: Some(note) })
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
        ControlKind::Checks(ref picks) => {
            let chosen = picks.iter().filter(|pick| desk.is_checked(&row.control.box_name(pick)));
            chosen.map(|pick| pick.value.as_str()).collect::<Vec<_>>().join("\n")
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

pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_name_the_line() {
        assert_eq!((line_of("redirect_uris[1]"), line_of("redirect_uris")), (Some(2), None));
    }
}
