//! The settings keys that no settings form edits, each with the reason. A test compares forms and schema both ways.

const MERGING: &str = "Set in the project file or through the Admin API; see the guide of merging.";

/// Paths and reasons, for the settings reference.
pub const WITHOUT_CONTROL: [(&str, &str); 7] = [
    ("project.id", "Chosen when the project is created. It can't be changed."),
    (
        "project.public_origin",
        "Changed under *Project settings › Change public origin*, because it signs out all users, whose passkeys then stop working.",
    ),
    ("oauth.clients[].client_id", "Chosen when the application is created. It can't be changed."),
    ("identity.oauth.providers[].type", "Chosen when the provider is added. It can't be changed."),
    ("identity.merge.attributes[].key", MERGING),
    ("identity.merge.attributes[].rule", MERGING),
    (
        "oauth.clients[].x_application_type",
        "Chosen with the framework when the application is created. It decides what the application may do.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use vestibule_domain::{
        client::{ApplicationType, Client},
        project::{MailTextKind, Origin, ProjectSettings, ProviderType, SettingKey, SettingKind},
    };

    use super::*;
    use crate::{
        anonymous_users, application, branding, document_scope::DocumentScope, email_texts, login_methods,
        project_settings, provider_settings, rate_limits, session, settings_form::Panel, webhook_handlers,
    };
    use vestibule_app::admin::webhooks::WebhookKind;
    use vestibule_web::locale::Locales;

    fn settings() -> ProjectSettings {
        ProjectSettings::new("shop", Origin::parse("https://auth.shop.example").expect("an origin"))
    }

    /// The panels of every settings form, each with what its keys are a part of.
    fn all_panels() -> Vec<(DocumentScope, Panel)> {
        let mut forms = vec![login_methods::build_form(), session::build_form(), branding::build_form(&settings())];
        forms.push(webhook_handlers::time_outs());
        forms.extend(
            ApplicationType::ALL
                .map(|kind| application::build_form(&Client { x_application_type: kind, ..Client::default() })),
        );
        let mut panels: Vec<_> = forms
            .into_iter()
            .flat_map(|form| form.panels.into_iter().map(move |panel| (form.scope.clone(), panel)))
            .collect();
        for locale in Locales::shared().locales() {
            let forms = MailTextKind::ALL.map(|kind| email_texts::build_form(locale, kind));
            panels.extend(forms.into_iter().flat_map(|form| form.panels).map(|panel| (DocumentScope::Project, panel)));
        }
        let of_project = anonymous_users::project_panels().into_iter().chain(rate_limits::panels());
        let of_project = of_project.chain(project_settings::rows().map(|rows| Panel::new("", "", rows)));
        panels.extend(of_project.map(|panel| (DocumentScope::Project, panel)));
        for kind in [WebhookKind::Notification, WebhookKind::Blocking] {
            panels.push((DocumentScope::NewHandler(kind), Panel::new("", "", webhook_handlers::rows(kind))));
        }
        for kind in ProviderType::ALL {
            let rows = provider_settings::rows(kind, true);
            panels.push((DocumentScope::NewProvider(kind), Panel::new("", "", rows)));
        }
        panels
    }

    /// A form names only keys of the schema, or it could not be built; so this is the comparison in both directions.
    #[test]
    fn every_key_has_a_control_or_a_reason() {
        let mut edited = BTreeSet::new();
        for (scope, panel) in all_panels() {
            for row in &panel.rows {
                let key = row.binding.key();
                assert_eq!(key.path(), format!("{}{}", scope.schema_prefix(), row.binding.path()), "in its part");
                edited.insert(key.path().to_string());
                // A list of tables with one word each is edited as a whole.
                if let Some(SettingKind::Words { key: Some(word), .. }) = key.kind() {
                    edited.insert(format!("{}[].{word}", key.path()));
                }
            }
        }
        let excused: BTreeSet<String> = WITHOUT_CONTROL.iter().map(|(path, _)| (*path).to_string()).collect();
        let schema: BTreeSet<String> =
            SettingKey::list().iter().filter(|key| key.kind().is_some()).map(|key| key.path().to_string()).collect();
        let both: Vec<_> = edited.intersection(&excused).collect();
        assert!(both.is_empty(), "these have a control, so they need no reason: {both:?}");
        let answered: BTreeSet<String> = edited.union(&excused).cloned().collect();
        let missing: Vec<_> = schema.difference(&answered).collect();
        assert!(missing.is_empty(), "give these a control, or a reason in WITHOUT_CONTROL: {missing:?}");
        let unknown: Vec<_> = answered.difference(&schema).collect();
        assert!(unknown.is_empty(), "the schema does not know these: {unknown:?}");
    }

    #[test]
    fn controls_of_a_form_have_names_of_their_own() {
        let panels = [login_methods::build_form().panels, rate_limits::panels(), anonymous_users::project_panels()];
        for form in panels {
            let names: Vec<_> = form.iter().flat_map(|panel| &panel.rows).map(|row| &row.control.name).collect();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        }
    }
}
