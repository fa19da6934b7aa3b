//! Operators of the portal: how they come, sign in, prove who they are, and what role they have. Settings, applications
//! and users they change with the same flows as the Admin API (`flows/admin`).

pub(crate) mod links;
pub(crate) mod passkeys;
pub(crate) mod sign_in;
pub(crate) mod staff;
pub(crate) mod trace;

use serde_json::{Map, Value};
use vestibule_domain::{
    credential::password::{self, Policy, Weakness},
    event::TriggeredBy,
    id::ProjectNo,
    identifier::email,
    operator::{Assignment, EVERY_PROJECT, Operator, Role, role_in},
    secret::Secret,
};

use super::{Error, admin, new_password};
use crate::app::App;

/// The longest name an operator may have, in characters.
pub(crate) const LONGEST_NAME: usize = 100;

/// What a new password of an operator must be like: it opens every user's account.
pub(crate) const PASSWORD_POLICY: Policy = Policy { min_length: 10, min_strength: 2, refuse_breached: true };

/// What somebody typed to become an operator.
pub(crate) struct Typed<'a> {
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
}

/// What is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mistakes {
    pub(crate) email: Option<EmailMistake>,
    pub(crate) name: bool,
    pub(crate) weaknesses: Vec<Weakness>,
    /// The browser's answer with a new passkey is not good.
    pub(crate) passkey: bool,
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmailMistake {
    /// It is none.
    Invalid,
    /// Another operator has it.
    Taken,
}

/// The normal form of an address.
pub(crate) fn normalize(typed: &str) -> Option<String> {
    email::parse(typed).ok().map(|login_id| login_id.value)
}

fn check_name(name: &str) -> bool {
    let length = name.trim().chars().count();
    (1..=LONGEST_NAME).contains(&length) && !name.chars().any(char::is_control)
}

async fn check_password(app: &App, typed: &str, names: &[&str]) -> Result<Vec<Weakness>, Error> {
    Ok(new_password::assess(app, EVERY_PROJECT, PASSWORD_POLICY, typed, names).await?.weaknesses)
}

async fn hash_password(app: &App, typed: &str) -> Result<String, Error> {
    Ok(app.hasher.hash(EVERY_PROJECT, password::prepare(typed), &app.entropy).await?)
}

fn prepare_password(typed: &str) -> Secret<String> {
    password::prepare(typed)
}

/// What became of a way in that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is gone, and every other session of the operator has ended.
    Done,
    /// It is not there.
    Missing,
    /// There is no other: the operator would be locked out.
    LastWayIn,
}

/// Somebody who is signed in to the portal.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) operator: Operator,
    pub(crate) session: vestibule_store::operator_sessions::OperatorSession,
    pub(crate) assignments: Vec<Assignment>,
}

impl SignedIn {
    /// The role in a project; none for a stranger to it.
    pub(crate) fn role_in(&self, project: ProjectNo) -> Option<Role> {
        role_in(&self.assignments, project)
    }

    /// The role in every project, those to come included.
    pub(crate) fn role_everywhere(&self) -> Option<Role> {
        self.role_in(EVERY_PROJECT)
    }

    /// Who acts, for the flows the Admin API has too.
    pub(crate) fn acting(&self, ip: std::net::IpAddr) -> admin::Operator {
        let text = |text: &str| Value::from(text);
        let audit_context = Map::from_iter([
            ("operator_id".to_string(), Value::from(self.operator.id.to_string())),
            ("operator_email".to_string(), text(&self.operator.email)),
            ("operator_name".to_string(), text(&self.operator.name)),
        ]);
        admin::Operator { by: TriggeredBy::Portal, ip: Some(ip), audit_context }
    }
}
