//! Settings forms: which control edits which key, validation and saving, and concurrent changes by two operators. An
//! unchanged key stays absent, so that it keeps following the default.

mod typed_form;

use axum::http::StatusCode;
use serde_json::Value;
use vestibule_app::{
    actor::Actor,
    admin::{AdminError, Fault, settings},
};
use vestibule_domain::{
    operator::Role,
    project::{ProblemKind, ProjectSettings},
};
use vestibule_protocol::form::Form;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    confirmation::{self, ConfirmActionPage},
    control::ControlKind,
    notice::PortalNotice,
    settings_page::{ConflictNote, ConflictRow, Extra, PanelView, SettingsFormPage},
};
pub(super) use crate::{bound_control::BoundControl, document_scope::DocumentScope};

/// Maximum number of attempts to save when other settings of the project change concurrently.
const ROUNDS: usize = 4;

/// A group of controls.
#[derive(Clone, Debug, Default)]
pub(super) struct Panel {
    pub(super) view: PanelView,
    pub(super) rows: Vec<BoundControl>,
    /// The part it edits, if it differs from the form's.
    pub(super) scope: Option<DocumentScope>,
}

impl Panel {
    pub(super) fn new(title: impl Into<String>, hint: impl Into<String>, rows: Vec<BoundControl>) -> Self {
        let view = PanelView { title: title.into(), hint: hint.into(), ..PanelView::default() };
        Self { view, rows, scope: None }
    }
}

/// A form for a part of the settings.
#[derive(Clone, Debug)]
pub(super) struct SettingsForm {
    pub(super) scope: DocumentScope,
    pub(super) panels: Vec<Panel>,
}

/// The current settings, to fill a form with.
pub(super) struct Current {
    settings: ProjectSettings,
    document: Value,
    version: i64,
}

pub(super) async fn load(request: &ProjectRequest) -> Result<Current, PortalError> {
    let current = settings::get(&request.ctx()).await?;
    let document = serde_json::to_value(&current.settings).map_err(|_| PortalError::Broken)?;
    Ok(Current { settings: current.settings, document, version: current.version })
}

/// The result of sending a form.
pub(super) enum SaveResult {
    /// It is saved, or changed nothing.
    Done(PortalNotice),
    /// The input is invalid, or another operator changed the same fields; the form shows it.
    Again { settings_form: SettingsForm, base: String, conflict: Option<ConflictNote> },
    /// It affects signed-in users and must be confirmed before it is saved.
    Ask(Box<ConfirmActionPage>),
    /// The operator returned from the confirmation to the form.
    Back { settings_form: SettingsForm, base: String },
}

impl SettingsForm {
    fn rows(&self) -> impl Iterator<Item = &BoundControl> {
        self.panels.iter().flat_map(|panel| &panel.rows)
    }

    fn rows_mut(&mut self) -> impl Iterator<Item = &mut BoundControl> {
        self.panels.iter_mut().flat_map(|panel| &mut panel.rows)
    }

    fn rows_with_parts(&self) -> impl Iterator<Item = (&BoundControl, &DocumentScope)> {
        self.panels.iter().flat_map(|panel| {
            let scope = panel.scope.as_ref().unwrap_or(&self.scope);
            panel.rows.iter().map(move |row| (row, scope))
        })
    }

    /// Drops the panels whose part was deleted.
    fn drop_missing_panels(&mut self, current: &Current) {
        let is_there = |scope: &DocumentScope| scope.find(&current.document).is_some();
        self.panels.retain(|panel| panel.scope.as_ref().is_none_or(is_there));
    }

    /// The current value of every field.
    fn print(&self, current: &Current) -> Option<Form> {
        let mut pairs = Vec::new();
        for (row, scope) in self.rows_with_parts() {
            pairs.push((row.control.name.clone(), row.binding.print(scope.find(&current.document)?)));
        }
        Some(Form::from_pairs(pairs))
    }

    /// The form, with current values for panels that were added since it was opened.
    fn follow(&self, form: &Form, base: &Form, now: &Form) -> Form {
        let pairs = self.panels.iter().flat_map(|panel| {
            let is_new = panel.scope.is_some()
                && !panel.rows.iter().any(|row| base.pairs().any(|(name, _)| name == row.control.name));
            let from = if is_new { now } else { form };
            panel.rows.iter().map(|row| (row.control.name.clone(), value_of(from, &row.control.name).to_string()))
        });
        Form::from_pairs(pairs)
    }

    /// Changes made in this form to parts that were deleted meanwhile.
    fn list_lost(&self, request: &ProjectRequest, base: &Form) -> Vec<ConflictRow> {
        let is_lost = |name: &str| !self.rows().any(|row| row.control.name == name);
        let changed = base.pairs().filter(|(name, was)| is_lost(name) && request.field(name) != *was);
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

    /// Fills the controls. Returns the values that the form sends back, to detect concurrent changes.
    pub(super) fn fill(&mut self, current: &Current) -> Result<String, PortalError> {
        let values = self.print(current).ok_or(PortalError::Missing)?;
        self.put(&values);
        Ok(values.print())
    }

    fn put(&mut self, values: &Form) {
        for row in self.rows_mut() {
            row.control.value = value_of(values, &row.control.name).to_string();
        }
    }

    /// The input of all fields.
    fn read(&self, request: &ProjectRequest) -> Form {
        Form::from_pairs(self.rows().map(|row| (row.control.name.clone(), typed_value(request, row))))
    }

    /// Saves the form, unless its input is invalid, another operator changed the same fields meanwhile, or it needs
    /// confirmation. `known` has errors that the settings alone do not show, by field name.
    pub(super) async fn save(
        mut self,
        request: &ProjectRequest,
        known: &[(String, String)],
        called: (&'static str, &str),
    ) -> Result<SaveResult, PortalError> {
        let base = Form::parse_query(request.field("_base")).unwrap_or_default();
        if confirmation::is_going_back(request) {
            let typed = self.read(request);
            self.put(&typed);
            return Ok(SaveResult::Back { settings_form: self, base: base.print() });
        }
        for _ in 0..ROUNDS {
            let current = load(request).await?;
            self.drop_missing_panels(&current);
            let now = self.print(&current).ok_or(PortalError::Missing)?;
            let mut rows = self.list_lost(request, &base);
            let typed = self.follow(&self.read(request), &base, &now);
            let base = self.follow(&base, &base, &now);
            rows.extend(self.compare(&base, &now, &typed));
            if !rows.is_empty() {
                let note = self.note(request, rows).await?;
                // Changed fields keep their input; unchanged ones take the other operator's value.
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
                return Ok(SaveResult::Again { settings_form: self, base: now.print(), conflict: Some(note) });
            }
            let mut document = current.document.clone();
            let mut faults = known.to_vec();
            let is_new = self.scope.is_new();
            for panel in &self.panels {
                let scope = panel.scope.as_ref().unwrap_or(&self.scope);
                let scope = scope.find_mut(&mut document).ok_or(PortalError::Missing)?;
                for row in &panel.rows {
                    let name = row.control.name.as_str();
                    let value = value_of(&typed, name);
                    if ((is_new && row.binding.key().is_required()) || value != value_of(&now, name))
                        && let Err(message) = row.binding.put_into(scope, value)
                    {
                        faults.push((name.to_string(), message.to_string()));
                    }
                }
            }
            let read = ProjectSettings::parse_json(&document);
            if faults.is_empty()
                && let Ok(new) = &read
                && let Some(page) = confirmation::find(request, (&current.settings, new), called).await?
            {
                return Ok(SaveResult::Ask(Box::new(page)));
            }
            let saved = if faults.is_empty() {
                replace(request, &request.acting(), document, current.version).await
            } else {
                Ok(Err(read.err().into_iter().flatten().map(Fault::from).collect()))
            };
            match saved {
                Ok(Ok(true)) => return Ok(SaveResult::Done(PortalNotice::Saved)),
                Ok(Ok(false)) => return Ok(SaveResult::Done(PortalNotice::Unchanged)),
                Ok(Err(problems)) => {
                    self.put(&typed);
                    self.show_again(faults, &problems, &current.document)?;
                    return Ok(SaveResult::Again { settings_form: self, base: base.print(), conflict: None });
                }
                Err(AdminError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(PortalError::Busy(std::time::Duration::from_secs(1), None))
    }

    /// The form of an entry that was deleted: shows the input beside the former values, to be saved as a new entry.
    pub(super) async fn start_anew(
        mut self,
        request: &ProjectRequest,
        scope: DocumentScope,
    ) -> Result<SaveResult, PortalError> {
        let base = Form::parse_query(request.field("_base")).unwrap_or_default();
        let typed = self.read(request);
        let compare = |row: &BoundControl| ConflictRow {
            label: row.control.label.clone(),
            was: row.control.show(value_of(&base, &row.control.name)),
            theirs: "gone, or changed".to_string(),
            yours: Some(row.control.show(value_of(&typed, &row.control.name))),
        };
        let note = self.note(request, self.rows().map(compare).collect()).await?;
        self.scope = scope;
        let base = self.fill(&load(request).await?)?;
        self.put(&typed);
        Ok(SaveResult::Again { settings_form: self, base, conflict: Some(note) })
    }

    /// Fields that another operator changed, unless to the same value as here.
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

    async fn note(&self, request: &ProjectRequest, rows: Vec<ConflictRow>) -> Result<ConflictNote, PortalError> {
        let editor = settings::find_last_editor(&request.ctx()).await?;
        Ok(ConflictNote { editor, rows })
    }

    /// Assigns each error to its control; an error without a control here is shown as it is.
    fn show_again(
        &mut self,
        faults: Vec<(String, String)>,
        problems: &[Fault],
        document: &Value,
    ) -> Result<(), PortalError> {
        for (name, message) in faults {
            if let Some(row) = self.rows_mut().find(|row| row.control.name == name) {
                row.control.error.get_or_insert(message);
            }
        }
        for fault in problems {
            let is_about = |(row, scope): (&BoundControl, &DocumentScope)| {
                let prefix = scope.prefix(document);
                let path = fault.path.strip_prefix(&prefix).unwrap_or(&fault.path);
                let own = row.binding.path();
                path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                    || own.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
            };
            let line = line_of(&fault.path);
            let index = self.rows_with_parts().position(is_about);
            match index.and_then(|index| self.rows_mut().nth(index)) {
                Some(row) => {
                    row.control.error.get_or_insert(match line {
                        Some(number) => format!("Line {number}: {}.", fault.message),
                        None => describe(fault),
                    });
                }
                None => return Err(PortalError::Clash(format!("{}: {}", fault.path, fault.message))),
            }
        }
        Ok(())
    }

    pub(super) fn page(
        self,
        request: &ProjectRequest,
        base: String,
        conflict: Option<ConflictNote>,
        look: FormView,
    ) -> SettingsFormPage {
        let is_locked = !request.may_edit();
        let panels = self
            .panels
            .into_iter()
            .map(|panel| PanelView {
                controls: panel.rows.into_iter().map(|row| row.show(is_locked)).collect(),
                ..panel.view
            })
            .collect();
        SettingsFormPage {
            title: look.title,
            lead: look.lead,
            section: look.section,
            above: look.above,
            action: request.path().to_string(),
            panels,
            base,
            conflict,
            is_locked,
            is_edited: false,
            extra: look.extra,
        }
    }
}

/// The parts of a form's page besides its controls.
pub(super) struct FormView {
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) section: &'static str,
    pub(super) above: Option<(String, String)>,
    pub(super) extra: Extra,
}

/// The routes of a page that is a settings form: viewers see it, editors save it.
pub(super) fn routes(
    path: &'static str,
    build_form: fn(&ProjectRequest) -> SettingsForm,
    look: fn(&ProjectRequest) -> FormView,
) -> Vec<PortalRoute> {
    let show_page =
        move |request: ProjectRequest| async move { show(&request, build_form(&request), look(&request)).await };
    let save_page = move |request: ProjectRequest| async move { save(&request, build_form(&request), look).await };
    vec![
        PortalRoute::project(Verb::Get, path, Role::Viewer, show_page),
        PortalRoute::project(Verb::Post, path, Role::Editor, save_page),
    ]
}

/// Shows a form.
pub(super) async fn show(request: &ProjectRequest, mut settings_form: SettingsForm, look: FormView) -> PageResult {
    let current = load(request).await?;
    let base = settings_form.fill(&current)?;
    request.show(&settings_form.page(request, base, None, look))
}

/// Saves a form and redirects to its page.
pub(super) async fn save(
    request: &ProjectRequest,
    settings_form: SettingsForm,
    look: impl FnOnce(&ProjectRequest) -> FormView,
) -> PageResult {
    let look = look(request);
    match settings_form.save(request, &[], (look.section, &look.title)).await? {
        SaveResult::Done(notice) => request.redirect_with_notice(request.path(), notice),
        SaveResult::Ask(page) => request.show(&*page),
        SaveResult::Back { settings_form, base } => {
            request.show(&SettingsFormPage { is_edited: true, ..settings_form.page(request, base, None, look) })
        }
        SaveResult::Again { settings_form, base, conflict } => {
            let is_conflict = conflict.is_some();
            let page = settings_form.page(request, base, conflict, look);
            if is_conflict { Ok(request.page(StatusCode::CONFLICT, &page)) } else { request.show_again(&page) }
        }
    }
}

async fn replace(
    request: &ProjectRequest,
    actor: &Actor,
    document: Value,
    version: i64,
) -> Result<Result<bool, Vec<Fault>>, AdminError> {
    match settings::replace(&request.ctx(), actor, document, version).await {
        Ok(now) => Ok(Ok(now.version != version)),
        Err(AdminError::Invalid(faults)) => Ok(Err(faults)),
        Err(error) => Err(error),
    }
}

fn value_of<'a>(values: &'a Form, name: &str) -> &'a str {
    values.pairs().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
}

/// The input in the format in which settings are printed.
fn typed_value(request: &ProjectRequest, row: &BoundControl) -> String {
    let typed = request.field(&row.control.name).replace("\r\n", "\n");
    match row.control.kind {
        ControlKind::Lines { .. } => {
            typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
        }
        ControlKind::Checks(ref picks) => {
            let chosen = picks.iter().filter(|pick| request.is_checked(&row.control.box_name(pick)));
            chosen.map(|pick| pick.value.as_str()).collect::<Vec<_>>().join("\n")
        }
        // Accept leading zeros.
        ControlKind::Number { .. } => match typed.trim().trim_start_matches('0') {
            "" if typed.contains('0') => "0".to_string(),
            digits => digits.to_string(),
        },
        ControlKind::Line(_)
        | ControlKind::Color
        | ControlKind::Period
        | ControlKind::Toggle
        | ControlKind::Radio(_)
        | ControlKind::Select(_)
        | ControlKind::NewPassword
        | ControlKind::Password => typed.trim().to_string(),
    }
}

/// The line of a list that an error is about, from 1.
fn line_of(path: &str) -> Option<usize> {
    let index = path.strip_suffix(']')?.rsplit_once('[')?.1;
    index.parse::<usize>().ok().map(|index| index + 1)
}

/// The problem of a field, for the reader of a form.
pub(super) fn describe(fault: &Fault) -> String {
    match fault.kind {
        ProblemKind::NotInRange { min, max } => format!("Enter a whole number from {min} to {max}."),
        ProblemKind::EmptyList => "Choose or enter at least one.".to_string(),
        ProblemKind::MissingKey => "Enter a value.".to_string(),
        ProblemKind::Other => sentence(&fault.message),
    }
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
    fn problems_name_the_line() {
        assert_eq!((line_of("redirect_uris[1]"), line_of("redirect_uris")), (Some(2), None));
    }

    #[test]
    fn problems_of_fields_do_not_speak_of_files() {
        let document = serde_json::json!({
            "project": {"public_origin": "https://auth.shop.example"},
            "authentication": {"identities": []},
            "session": {"lifetime_seconds": "a week", "idle_timeout_seconds": -1},
        });
        let problems = ProjectSettings::parse_json(&document).expect_err("problems");
        let described = |path: &str| {
            let problem = problems.iter().find(|problem| problem.path == path).expect("a problem");
            describe(&Fault::from(problem.clone()))
        };
        let whole = "Enter a whole number from 1 to 3153600000.";
        assert_eq!(described("session.lifetime_seconds"), whole);
        assert_eq!(described("session.idle_timeout_seconds"), whole);
        assert_eq!(described("authentication.identities"), "Choose or enter at least one.");
        assert_eq!(described("project.id"), "Enter a value.");
    }
}
