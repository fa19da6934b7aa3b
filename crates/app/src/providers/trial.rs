//! Tests a provider with its real flow: an operator's browser goes there, and comes back to the callback of sign-ins. That is on the
//! project's host, where the operator has no cookie, so it passes the answer on to the portal. There the operator's session takes it,
//! once, and shows what the provider said. Nothing about the user is stored.

use std::time::Duration;

use serde_json::Value;
use vestibule_domain::{project::Provider, secret::TokenHash};
use vestibule_protocol::form::Form;
use vestibule_store::spent;

use super::{ProviderError, ProviderUser};
use crate::{
    adapters::lookup::calling,
    admin::{AdminError, Thing},
    crypto::hex,
    ctx::Ctx,
    error::Error,
    flow::{
        external::{self, ExternalProblem},
        posted_answer,
    },
    hosts::PORTAL_PATH,
    limits::rates,
};

/// What the state of a test begins with; that of a hosted flow begins with the flow, that of an account page with `account`.
const MARK: &str = "trial.";

/// How long the operator may be at the provider.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The claims that are names.
const NAMES: [&str; 6] = ["name", "given_name", "middle_name", "family_name", "nickname", "preferred_username"];

/// Why a test led to no user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialFailure {
    /// What a user would be told.
    pub problem: ExternalProblem,
    /// The reason, as it is in the log of a sign-in.
    pub reason: String,
}

impl TrialFailure {
    fn new((problem, error): (ExternalProblem, ProviderError)) -> Self {
        Self { problem, reason: error.to_string() }
    }
}

/// The result of starting a test.
pub enum TrialStart {
    /// The browser goes to this URL of the provider.
    Redirect(String),
    Failed(TrialFailure),
}

/// The result of a provider's answer.
pub enum TrialEnd {
    Received(ReceivedUser),
    Failed(TrialFailure),
    /// The answer was taken before, is too old, or belongs to another session or request.
    Stale,
}

/// What a provider said about its user, masked where that is enough to recognize it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedUser {
    pub subject: String,
    pub email: Option<ReceivedEmail>,
    /// The claims that are names.
    pub names: Vec<(&'static str, String)>,
    /// The other claims that would be stored, without their values.
    pub others: Vec<String>,
}

/// An email address that a provider named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedEmail {
    pub masked: String,
    /// Whether the provider says that it is verified.
    pub is_verified: bool,
    /// Whether it would become a verified login ID.
    pub is_believed: bool,
}

/// What a state is bound to: the session of one operator, and the provider as the settings have it.
fn purpose(provider: &Provider, session: &TokenHash) -> String {
    let key = provider.account_key();
    format!("provider trial|{}|{}|{key}|{}", hex(&session.0), provider.alias, provider.client_id)
}

/// Sends an operator with this session to a provider of the settings. Nothing is stored: the state has its own proof.
///
/// # Errors
/// When there is no such provider, or too many were asked.
pub async fn start(ctx: &Ctx<'_>, session: &TokenHash, alias: &str) -> Result<TrialStart, AdminError> {
    let provider = ctx.project.settings.provider(alias).ok_or(AdminError::NotFound(Thing::Provider))?;
    rates::charge_provider(ctx)?;
    let mac = &ctx.project.keys.mac;
    let secret = mac.issue_challenge(&purpose(provider, session), ctx.now.plus(PATIENCE), &ctx.app.entropy);
    let state = format!("{MARK}{secret}");
    Ok(match external::request_url(ctx, provider, (&state, &secret), None).await {
        Ok(url) => TrialStart::Redirect(url),
        Err(error) => TrialStart::Failed(TrialFailure::new((external::problem_of(&error), error))),
    })
}

/// The URL of the portal to which the callback passes an answer on, if it is one to a test.
#[must_use]
pub fn pass_on(ctx: &Ctx<'_>, alias: &str, form: &Form, query: &Form) -> Option<String> {
    form.get("state").ok().flatten().filter(|state| state.starts_with(MARK))?;
    let alias = &ctx.project.settings.provider(alias)?.alias;
    let portal = ctx.app.config.portal.public_origin.as_str();
    let path = format!("{PORTAL_PATH}/p/{}/providers/{alias}/tried", ctx.project.id);
    (!portal.is_empty())
        .then(|| format!("{}{path}?{}", portal.trim_end_matches('/'), posted_answer::known(query).print()))
}

/// Takes the answer to a test, once, and only in the session that began it.
///
/// # Errors
/// When there is no such provider any more, or the project makes too many such calls at once.
pub async fn answer(ctx: &Ctx<'_>, session: &TokenHash, alias: &str, query: Form) -> Result<TrialEnd, AdminError> {
    let provider = ctx.project.settings.provider(alias).ok_or(AdminError::NotFound(Thing::Provider))?;
    let Some(form) = posted_answer::read(ctx, alias, query) else { return Ok(TrialEnd::Stale) };
    let state = form.get("state").ok().flatten().unwrap_or_default().to_string();
    let Some(secret) = state.strip_prefix(MARK) else { return Ok(TrialEnd::Stale) };
    let challenge = ctx.project.keys.mac.read_challenge(&purpose(provider, session), secret);
    let Some(challenge) = challenge.filter(|challenge| ctx.now <= challenge.expires_at) else {
        return Ok(TrialEnd::Stale);
    };
    let _place = ctx.app.shares.trials.take(ctx.project.no).map_err(Error::from)?;
    let (no, expires_at) = (ctx.project.no, challenge.expires_at);
    // Before the code is sent anywhere: of two requests with the answer one goes on.
    let is_first = ctx.app.store.write("spend_provider_trial", challenge.fingerprint, move |tx, fingerprint| {
        Box::pin(spent::spend(tx, no, fingerprint, None, expires_at))
    });
    if !is_first.await? {
        return Ok(TrialEnd::Stale);
    }
    let verified = calling(ctx.project.no, external::verify(ctx, provider, (&form, secret), None)).await;
    Ok(match verified {
        Ok(user) => TrialEnd::Received(describe(&user)),
        Err(failure) => TrialEnd::Failed(TrialFailure::new(failure)),
    })
}

fn describe(user: &ProviderUser) -> ReceivedUser {
    let text = |name: &str| user.profile.get(name).and_then(Value::as_str).map(str::to_string);
    let is_other =
        |name: &&String| !NAMES.contains(&name.as_str()) && !["email", "email_verified"].contains(&name.as_str());
    ReceivedUser {
        subject: mask(&user.subject),
        email: text("email").map(|email| ReceivedEmail {
            masked: mask_email(&email),
            is_verified: user.profile.get("email_verified") == Some(&Value::Bool(true)),
            is_believed: user.verified_email.is_some(),
        }),
        names: NAMES.into_iter().filter_map(|name| Some((name, text(name)?))).collect(),
        others: user.profile.keys().filter(is_other).cloned().collect(),
    }
}

/// The beginning of a text of which the operator sees only whether it is the expected one.
fn mask(text: &str) -> String {
    let shown = text.chars().count().min(8) / 2;
    format!("{}•••", text.chars().take(shown).collect::<String>())
}

fn mask_email(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, host)) => format!("{}•••@{host}", local.chars().take(1).collect::<String>()),
        None => mask(email),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn a_test_shows_no_subject_and_no_address_as_a_whole() {
        let provider = Provider { kind: vestibule_domain::project::ProviderType::Oidc, ..Provider::default() };
        let claims: Map<String, Value> = json!({
            "email": "kim@id.example", "email_verified": true, "name": "Kim Li", "picture": "https://id.example/kim.png",
        })
        .as_object()
        .cloned()
        .expect("an object");
        let seen = describe(&ProviderUser::read(&provider, "1234567890".into(), &claims));
        let email = ReceivedEmail { masked: "k•••@id.example".into(), is_verified: true, is_believed: true };
        let expected = ReceivedUser {
            subject: "1234•••".into(),
            email: Some(email),
            names: vec![("name", "Kim Li".into())],
            others: vec!["picture".into()],
        };
        assert_eq!(seen, expected);
        assert_eq!((mask("ab"), mask("")), ("a•••".into(), "•••".into()));
        assert_eq!(mask_email("no address"), "no a•••");
    }

    #[test]
    fn the_state_of_a_test_is_no_other_flows() {
        for state in ["trial.0123", "trial.0123456789ABCDEFGHJKMNPQRSTVWXYZ"] {
            assert!(external::read_state(state).is_none());
            assert!(crate::account::connection::read_state(state).is_none());
        }
    }
}
