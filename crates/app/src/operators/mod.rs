//! Operators of the portal: invitation, sign-in, reauthentication and roles. The use cases that the Admin API has too
//! are in [`crate::admin`].

pub mod acceptance;
pub mod address;
pub mod audit;
pub mod links;
pub mod passkeys;
pub mod project_operators;
pub mod sign_in;

use std::net::IpAddr;

use serde_json::{Map, Value};
use vestibule_domain::{
    credential::password::{self, Policy, Weakness},
    event::TriggeredBy,
    id::ProjectNo,
    identifier::email,
    operator::{Assignment, EVERY_PROJECT, Operator, Role, role_in},
    secret::Secret,
};
use vestibule_protocol::text;

use crate::{
    actor::Actor, candidates::Candidates, error::Error, known_devices::KnownAccount, passwords::new_password,
    state::App,
};

/// Maximum length of an operator's name, in characters.
pub const LONGEST_NAME: usize = text::MAX_NAME_CHARS;

/// The password policy for operators: one such password gives access to every user's account.
pub const PASSWORD_POLICY: Policy = Policy { min_length: 10, min_strength: 2, refuse_breached: true };

/// The input for creating an operator.
pub struct OperatorInput<'a> {
    pub email: &'a str,
    pub name: &'a str,
}

/// The problems of that input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorInputErrors {
    pub email: Option<OperatorEmailError>,
    pub name: bool,
    pub weaknesses: Vec<Weakness>,
    /// The browser's response for a new passkey is invalid.
    pub passkey: bool,
}

/// A problem of an email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorEmailError {
    /// It is not a valid address.
    Invalid,
    /// Another operator has it.
    Taken,
}

/// The normal form of an address.
pub fn normalize(typed: &str) -> Option<String> {
    email::parse(typed).ok().map(|login_id| login_id.value)
}

fn check_name(name: &str) -> bool {
    text::is_name(name.trim())
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

/// The result of removing a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalOutcome {
    /// It is removed, and every other session of the operator has ended.
    Done,
    /// It does not exist.
    Missing,
    /// It is the last credential: the operator would be locked out.
    LastLoginMethod,
}

/// A session that has just begun.
pub struct StartedSession {
    /// The cookie's value.
    pub cookie: String,
    /// For whom its browser is known.
    pub account: KnownAccount,
}

/// Where a sign-in comes from.
#[derive(Clone, Copy)]
pub struct SignInSource<'a> {
    pub ip: IpAddr,
    /// The cookies by which the browser is known for operators who signed in there before.
    pub known_devices: &'a Candidates,
}

/// A signed-in operator.
#[derive(Clone)]
pub struct SignedIn {
    pub operator: Operator,
    pub session: vestibule_store::operator_sessions::OperatorSession,
    pub assignments: Vec<Assignment>,
}

impl SignedIn {
    /// The role in a project; `None` without one.
    pub fn role_in(&self, project: ProjectNo) -> Option<Role> {
        role_in(&self.assignments, project)
    }

    /// The role in all projects, including future ones.
    pub fn role_everywhere(&self) -> Option<Role> {
        self.role_in(EVERY_PROJECT)
    }

    /// The operator as an actor, of whom no role is asked.
    pub fn acting(&self, ip: Option<IpAddr>) -> Actor {
        let text = |text: &str| Value::from(text);
        let audit_context = Map::from_iter([
            ("operator_id".to_string(), Value::from(self.operator.id.to_string())),
            ("operator_email".to_string(), text(&self.operator.email)),
            ("operator_name".to_string(), text(&self.operator.name)),
        ]);
        Actor { by: TriggeredBy::Portal, ip, audit_context, permit: None, once: None }
    }
}
