//! Settings as forms: which control stands for which key, how it is saved and checked, and what happens when two operators
//! edit at once. A key that nobody changed stays absent, so that defaults stay defaults.

use axum::http::StatusCode;
use serde_json::Value;
use vestibule_domain::project::ProjectSettings;
use vestibule_protocol::form::Form;

use super::{Answer, Desk, Problem, question};
pub(super) use super::{part::Part, place::Place};
use crate::{
    flows::admin::{AdminError, Fault, Operator, settings},
    ui::portal::{
        ConfirmActionPage, ConflictNote, ConflictRow, Control, ControlKind, Extra, PanelView, PortalNotice, SheetPage,
    },
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
#[derive(Clone, Debug, Default)]
pub(super) struct Panel {
    pub(super) view: PanelView,
    pub(super) rows: Vec<Row>,
    /// What it is about, where that is not what the sheet is about.
    pub(super) part: Option<Part>,
}

impl Panel {
    pub(super) fn new(title: impl Into<String>, hint: impl Into<String>, rows: Vec<Row>) -> Self {
        let view = PanelView { title: title.into(), hint: hint.into(), ..PanelView::default() };
        Self { view, rows, part: None }
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
    settings: ProjectSettings,
    document: Value,
    version: i64,
}

/// Loads the settings as they are now.
pub(super) async fn load(desk: &Desk) -> Result<Current, Problem> {
    let current = settings::get(&desk.app, &desk.project).await?;
    let document = serde_json::to_value(&current.settings).map_err(|_| Problem::Broken)?;
    Ok(Current { settings: current.settings, document, version: current.version })
}

/// What became of a sheet that was sent.
pub(super) enum Sent {
    /// It is saved, or said what was there already.
    Done(PortalNotice),
    /// Something typed is not right, or somebody else was faster; the sheet shows it.
    Again { sheet: Sheet, base: String, conflict: Option<ConflictNote> },
    /// It reaches people who are signed in: nothing is saved before that is confirmed.
    Ask(Box<ConfirmActionPage>),
    /// The operator went back from that question to the form.
    Back { sheet: Sheet, base: String },
}

impl Sheet {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.panels.iter().flat_map(|panel| &panel.rows)
    }

    fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        self.panels.iter_mut().flat_map(|panel| &mut panel.rows)
    }

    fn rows_with_parts(&self) -> impl Iterator<Item = (&Row, &Part)> {
        self.panels.iter().flat_map(|panel| {
            let part = panel.part.as_ref().unwrap_or(&self.part);
            panel.rows.iter().map(move |row| (row, part))
        })
    }

    /// Drops the panels whose own part is gone.
    fn keep_what_is_there(&mut self, current: &Current) {
        let is_there = |part: &Part| part.find(&current.document).is_some();
        self.panels.retain(|panel| panel.part.as_ref().is_none_or(is_there));
    }

    /// Every field as it is now.
    fn print(&self, current: &Current) -> Option<Form> {
        let mut pairs = Vec::new();
        for (row, part) in self.rows_with_parts() {
            pairs.push((row.control.name.clone(), row.place.print(part.find(&current.document)?)));
        }
        Some(Form::from_pairs(pairs))
    }

    /// The form, with what is there now of panels that were not when it was opened.
    fn follow(&self, form: &Form, base: &Form, now: &Form) -> Form {
        let pairs = self.panels.iter().flat_map(|panel| {
            let is_new = panel.part.is_some()
                && !panel.rows.iter().any(|row| base.pairs().any(|(name, _)| name == row.control.name));
            let from = if is_new { now } else { form };
            panel.rows.iter().map(|row| (row.control.name.clone(), value_of(from, &row.control.name).to_string()))
        });
        Form::from_pairs(pairs)
    }

    /// What was changed here of things that are gone.
    fn list_lost(&self, desk: &Desk, base: &Form) -> Vec<ConflictRow> {
        let is_lost = |name: &str| !self.rows().any(|row| row.control.name == name);
        let changed = base.pairs().filter(|(name, was)| is_lost(name) && desk.field(name) != *was);
        let mut lost: Vec<&str> = changed.filter_map(|(name, _)| Some(name.split_once('.')?.1)).collect();
        lost.dedup();
        let row = |thing: &str| ConflictRow {
            label: thing.to_string(),
            was: "there".into(),
            theirs: "gone".into(),
            yours: Some("changed".into()),
        };
        lost.into_iter().map(row).collect()
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

    /// Saves what was sent, unless it is not right, another operator changed the same fields meanwhile, or it has to be
    /// confirmed first. `known` is what is wrong with it that the settings alone do not show: fields by name.
    pub(super) async fn save(
        mut self,
        desk: &Desk,
        known: &[(String, String)],
        called: (&'static str, &str),
    ) -> Result<Sent, Problem> {
        let base = Form::parse_query(desk.field("_base")).unwrap_or_default();
        if question::is_going_back(desk) {
            let typed = self.read(desk);
            self.put(&typed);
            return Ok(Sent::Back { sheet: self, base: base.print() });
        }
        for _ in 0..ROUNDS {
            let current = load(desk).await?;
            self.keep_what_is_there(&current);
            let now = self.print(&current).ok_or(Problem::Missing)?;
            let mut rows = self.list_lost(desk, &base);
            let typed = self.follow(&self.read(desk), &base, &now);
            let base = self.follow(&base, &base, &now);
            rows.extend(self.compare(&base, &now, &typed));
            if !rows.is_empty() {
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
            for panel in &self.panels {
                let part = panel.part.as_ref().unwrap_or(&self.part);
                let part = part.find_mut(&mut document).ok_or(Problem::Missing)?;
                for row in &panel.rows {
                    let name = row.control.name.as_str();
                    let value = value_of(&typed, name);
                    if (is_new || value != value_of(&now, name))
                        && let Err(message) = row.place.put_into(part, value)
                    {
                        faults.push((name.to_string(), message));
                    }
                }
            }
            // What is wrong with the document is said when it is replaced.
            if faults.is_empty()
                && let Ok(new) = ProjectSettings::parse_json(&document)
                && let Some(page) = question::find(desk, (&current.settings, &new), called).await?
            {
                return Ok(Sent::Ask(Box::new(page)));
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
                    self.put(&typed);
                    self.complain(faults, &complaints, &current.document)?;
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
    fn compare(&self, base: &Form, now: &Form, typed: &Form) -> Vec<ConflictRow> {
        self.rows()
            .filter_map(|row| {
                let name = row.control.name.as_str();
                let (was, is, mine) = (value_of(base, name), value_of(now, name), value_of(typed, name));
                let show = |value: &str| row.control.show(value);
                (was != is && mine != is).then(|| ConflictRow {
                    label: row.control.full_label(),
                    was: show(was),
                    theirs: show(is),
                    yours: (mine != was).then(|| show(mine)),
                })
            })
            .collect()
    }

    async fn note(&self, desk: &Desk, rows: Vec<ConflictRow>) -> Result<ConflictNote, Problem> {
        let who = settings::find_last_editor(&desk.app, &desk.project).await?;
        Ok(ConflictNote { who, rows })
    }

    /// Puts each complaint beside the control it is about; what has no control here is told as it is.
    fn complain(
        &mut self,
        faults: Vec<(String, String)>,
        complaints: &[Fault],
        document: &Value,
    ) -> Result<(), Problem> {
        for (name, message) in faults {
            if let Some(row) = self.rows_mut().find(|row| row.control.name == name) {
                row.control.error.get_or_insert(message);
            }
        }
        for fault in complaints {
            let is_about = |(row, part): (&Row, &Part)| {
                let prefix = part.prefix(document);
                let path = fault.path.strip_prefix(&prefix).unwrap_or(&fault.path);
                let own = row.place.path();
                path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                    || own.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
            };
            let line = line_of(&fault.path);
            let index = self.rows_with_parts().position(is_about);
            match index.and_then(|index| self.rows_mut().nth(index)) {
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
            is_edited: false,
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
    let look = look(desk);
    match sheet.save(desk, &[], (look.section, &look.title)).await? {
        Sent::Done(notice) => desk.go_and_say(desk.path(), notice),
        Sent::Ask(page) => desk.show(&*page),
        Sent::Back { sheet, base } => desk.show(&SheetPage { is_edited: true, ..sheet.page(desk, base, None, look) }),
        Sent::Again { sheet, base, conflict } => {
            let is_conflict = conflict.is_some();
            let page = sheet.page(desk, base, conflict, look);
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
