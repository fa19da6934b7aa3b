//! A form's input before it is saved, for what shows or tries it.

use vestibule_app::admin::Fault;
use vestibule_domain::project::ProjectSettings;
use vestibule_protocol::form::Form;

use super::{BoundControl, SettingsForm, load, value_of};
use crate::{PortalError, ProjectRequest};

/// A form with its input, which is not saved.
pub(crate) struct TypedForm {
    pub(crate) settings_form: SettingsForm,
    pub(crate) base: String,
    /// Whether the input differs from what the form showed when it was opened.
    pub(crate) is_edited: bool,
    /// What saving it would make of the settings; `None` if it is invalid, and the form shows why.
    pub(crate) settings: Option<ProjectSettings>,
}

impl SettingsForm {
    /// Applies the input to the current settings, without saving.
    pub(crate) async fn try_on(mut self, request: &ProjectRequest) -> Result<TypedForm, PortalError> {
        let base = Form::parse_query(request.field("_base")).unwrap_or_default();
        let typed = self.read(request);
        let (mut document, mut faults) = (load(request).await?.document, Vec::new());
        for (row, scope) in self.rows_with_parts() {
            let scope = scope.find_mut(&mut document).ok_or(PortalError::Missing)?;
            let name = row.control.name.as_str();
            if let Err(message) = row.binding.put_into(scope, value_of(&typed, name)) {
                faults.push((name.to_string(), message.to_string()));
            }
        }
        let read = ProjectSettings::parse_json(&document);
        let is_edited = self.rows().any(|row| {
            let name = row.control.name.as_str();
            value_of(&typed, name) != value_of(&base, name)
        });
        self.put(&typed);
        let is_good = faults.is_empty();
        let problems: Vec<Fault> = read.as_ref().err().into_iter().flatten().cloned().map(Fault::from).collect();
        self.show_again(faults, &problems, &document)?;
        let settings = read.ok().filter(|_| is_good);
        Ok(TypedForm { settings_form: self, base: base.print(), is_edited, settings })
    }

    /// The errors of its fields, each with the field's label.
    pub(crate) fn problems(&self) -> Vec<String> {
        let line = |row: &BoundControl| Some(format!("{}: {}", row.control.full_label(), row.control.error.as_ref()?));
        self.rows().filter_map(line).collect()
    }
}
