//! The last page of a recovery: the new password, and the member's other sign-in methods.

use axum::response::Response;
use vestibule_app::{
    account::notice::SecurityNotice,
    error::Error,
    flow::{
        prepare::Achievement,
        recovery::{self, OtherMethod, RecoveryChoice},
    },
};
use vestibule_domain::{credential::password::Assessment, promotion::CredentialRemoval, secret::Secret};
use vestibule_protocol::form::Form;
use vestibule_web::elapsed::Elapsed;

use super::{Scene, View};
use crate::{
    flow::password::{NewPasswordPage, RemovableMethod},
    messages::new_password_field,
};

fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).ok().flatten().unwrap_or_default()
}

/// The field of the box that removes a sign-in method, and the one that says how the page showed it.
fn fields_of(other: &OtherMethod) -> (String, String) {
    let name = match other.shown.removal {
        CredentialRemoval::LoginId(id) | CredentialRemoval::Passkey(id) | CredentialRemoval::ExternalAccount(id) => {
            id.to_string()
        }
        CredentialRemoval::Password => "password".into(),
    };
    (format!("remove-{name}"), format!("shown-{name}"))
}

/// Whether the form's page showed the sign-in method as it is now.
fn is_shown(form: &Form, other: &OtherMethod) -> bool {
    field(form, &fields_of(other).1) == other.shown.content
}

fn is_ticked(form: &Form, other: &OtherMethod) -> bool {
    !field(form, &fields_of(other).0).is_empty()
}

impl Scene {
    pub(super) async fn choose_password(&mut self, form: &Form) -> Result<Response, Error> {
        let (visit, writer) = (self.visit.clone(), self.writer());
        let write = |to: &str, notice: &SecurityNotice| writer.write_notice(to, notice);
        let typed = Secret::new(field(form, "password").to_string());
        let Some(choice) = self.read_choice(form) else {
            return Ok(self.again(&self.new_password_page(Some(form), &Assessment::default())));
        };
        let chosen = recovery::choose_password(&visit.ctx(), &self.flow, (typed, choice), &write).await?;
        match chosen {
            Ok(Some(proof)) => self.commit(Achievement::Proved(Box::new(proof))).await,
            Ok(None) => Ok(self.go(View::Current)),
            Err(found) => Ok(self.again(&self.new_password_page(Some(form), &found))),
        }
    }

    /// What the form says of the other sign-in methods. One that its page did not show was added while the page was open, perhaps by a
    /// thief who is still signed in: it is removed. `None` for a form that does not say what its page showed: it is of the release
    /// before.
    fn read_choice(&self, form: &Form) -> Option<RecoveryChoice> {
        let mut choice = RecoveryChoice::default();
        for other in &self.others {
            let is_kept = is_shown(form, other) && !is_ticked(form, other);
            let list = if is_kept { &mut choice.kept } else { &mut choice.removed };
            list.push(other.shown.clone());
        }
        (self.others.is_empty() || !field(form, "shown").is_empty()).then_some(choice)
    }

    pub(super) fn new_password_page(&self, form: Option<&Form>, found: &Assessment) -> NewPasswordPage {
        let others = self.others.iter().map(|other| {
            let (field, shown_field) = fields_of(other);
            // What the user has not seen is selected by its age, also when the page is shown again.
            let seen = form.filter(|form| is_shown(form, other));
            RemovableMethod {
                checked: seen.map_or(other.is_recent, |form| is_ticked(form, other)),
                field,
                shown_field,
                content: other.shown.content.clone(),
                name: other.name.clone(),
                is_passkey: matches!(other.shown.removal, CredentialRemoval::Passkey(_)),
                added: Elapsed::from_seconds(self.visit.now.since(other.created_at).as_secs()),
            }
        });
        let attempt = self.flow.state.attempt.as_ref();
        let min_length = self.visit.project.settings.password_policy().min_length;
        let typed = form.map(|form| field(form, "password")).unwrap_or_default();
        NewPasswordPage {
            action: self.at(View::NewPassword),
            login_id: attempt.map(|attempt| self.flow.state.show(&attempt.login_id)).unwrap_or_default(),
            password: new_password_field(min_length, typed, found),
            others: others.collect(),
            cancel_href: self.cancel_href(),
        }
    }
}
