//! The way of a member to a provider and back: to connect an account there, or to prove itself with one that is connected. It belongs
//! to one session of the member, and is gone once.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    id::{FlowId, UserId},
    identity::ExternalAccount,
    project::{ProjectSettings, Provider},
    session::SessionRef,
    time::Timestamp,
};
use vestibule_protocol::form::Form;
use vestibule_store::external_accounts;

use super::{
    LoginMethods,
    change::{AccountChange, ChangeOutcome, ChangeRequest, commit},
    external_account::{self, ConnectionReport},
    login_id::AccountContext,
    notice::SecurityNotice,
    reauthentication,
    settings_action::SettingsAction,
};
use crate::{
    adapters::lookup::calling,
    ctx::Ctx,
    error::Error,
    flow::external::{self, ExternalProblem},
    limits::rates,
    providers::{DatedProof, Freshness, ProviderUser, log},
    single_use::SingleUse,
};

/// What the state of a request for an account page begins with; that of a hosted flow begins with the flow.
const MARK: &str = "account.";

/// How long a member may be at the provider. It authenticated recently before; the next user of the browser did not.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Maximum number of accounts at providers that a member connects.
pub const MAX_EXTERNAL_ACCOUNTS: usize = 20;

/// A member's way to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingConnection {
    pub alias: String,
    /// The key of the provider's accounts: the alias may lead to another one later.
    provider: String,
    /// The session or grant that began it; no other one ends it.
    session: Option<SessionRef>,
    /// The SHA-256 of the secret in the request's `state`; `None` while no answer is expected.
    state: Option<String>,
    /// When the provider was asked; the proof of the member is not much older.
    #[serde(default)]
    asked_at: Option<Timestamp>,
    /// The page to continue with, if the member proves itself and connects nothing.
    #[serde(default)]
    pub proves_for: Option<String>,
    /// Why it led to no account.
    pub problem: Option<ConnectionProblem>,
}

/// Why no account was connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionProblem {
    /// The provider gave no user.
    Provider(ExternalProblem),
    /// The account is another user's.
    BelongsToAnother,
    /// The account is the member's already.
    Connected,
    /// The member has as many as it may have.
    TooMany,
    /// The member is to prove itself, and the account is not its own.
    NotOwn,
}

impl PendingConnection {
    /// One whose provider is not asked yet.
    #[must_use]
    pub fn new(provider: &Provider) -> Self {
        let (alias, provider) = (provider.alias.clone(), provider.account_key());
        Self { alias, provider, session: None, state: None, asked_at: None, proves_for: None, problem: None }
    }

    /// Its provider, unless the settings have another one under its alias by now.
    #[must_use]
    pub fn provider<'a>(&self, settings: &'a ProjectSettings) -> Option<&'a Provider> {
        settings.provider(&self.alias).filter(|provider| provider.account_key() == self.provider)
    }

    fn is_answered_by(&self, session: SessionRef, secret: &str, now: Timestamp) -> bool {
        let is_in_time = self.asked_at.is_some_and(|asked_at| now.since(asked_at) <= PATIENCE);
        is_in_time && self.session == Some(session) && external::is_secret_of(self.state.as_deref(), secret)
    }
}

/// The pending step of a state, and the secret in it; `None` for the state of a hosted flow.
#[must_use]
pub fn read_state(state: &str) -> Option<(FlowId, &str)> {
    external::read_state(state.strip_prefix(MARK)?)
}

/// The result of choosing a provider.
pub enum ConnectionStart {
    /// The browser goes to this URL of the provider.
    Redirect(String),
    /// The pending step says why not.
    Problem(FlowId),
    /// The pending step changed in another tab, or there is no such provider any more.
    Stale,
}

/// Sends a member to a provider, to connect an account there. The member must have authenticated recently.
pub async fn start(
    asking: &AccountContext<'_>,
    settings_action: Option<SettingsAction>,
    alias: &str,
) -> Result<ConnectionStart, Error> {
    match asking.ctx.project.settings.provider(alias) {
        Some(provider) => go(asking, settings_action, PendingConnection::new(provider), provider).await,
        None => Ok(ConnectionStart::Stale),
    }
}

/// Sends a member to the provider of one of its accounts, to authenticate before it continues with a page.
pub async fn start_proof(asking: &AccountContext<'_>, alias: &str, next: String) -> Result<ConnectionStart, Error> {
    let AccountContext { ctx, caller, .. } = asking;
    let login_methods = LoginMethods::load(ctx, caller.user.id).await?;
    let own = proving_providers(&ctx.project.settings, &login_methods);
    match own.into_iter().find(|provider| provider.alias == alias) {
        Some(provider) => {
            let pending = PendingConnection { proves_for: Some(next), ..PendingConnection::new(provider) };
            go(asking, None, pending, provider).await
        }
        None => Ok(ConnectionStart::Stale),
    }
}

/// The providers at which a member has an account with which it can prove itself anew.
#[must_use]
pub fn proving_providers<'a>(settings: &'a ProjectSettings, login_methods: &LoginMethods) -> Vec<&'a Provider> {
    let is_own = |provider: &&Provider| {
        let key = provider.account_key();
        login_methods.external_accounts.iter().any(|account| account.provider == key)
    };
    settings.providers().iter().filter(|provider| provider.proves_anew()).filter(is_own).collect()
}

async fn go(
    asking: &AccountContext<'_>,
    settings_action: Option<SettingsAction>,
    pending: PendingConnection,
    provider: &Provider,
) -> Result<ConnectionStart, Error> {
    let AccountContext { ctx, caller, .. } = asking;
    rates::charge_provider(ctx)?;
    rates::charge_settings_action(ctx, caller.user.id)?;
    let secret = ctx.app.entropy.alphanumeric();
    let mut step = settings_action.unwrap_or_else(|| SettingsAction::new(ctx.app, caller.user.id, None, ctx.now));
    let state = format!("{MARK}{}.{secret}", step.id);
    let max_age = pending.proves_for.is_some().then_some(0);
    let answer = match external::request_url(ctx, provider, (&state, &secret), max_age).await {
        Ok(url) => {
            let (session, state) = (Some(caller.via.reference()), Some(external::hash(&secret)));
            step.state.connection = Some(PendingConnection { session, state, asked_at: Some(ctx.now), ..pending });
            ConnectionStart::Redirect(url)
        }
        Err(error) => {
            log(ctx, provider, &error);
            let problem = Some(ConnectionProblem::Provider(external::problem_of(&error)));
            step.state.connection = Some(PendingConnection { problem, ..pending });
            ConnectionStart::Problem(step.id)
        }
    };
    Ok(if asking.save(&mut step, None).await? { answer } else { ConnectionStart::Stale })
}

/// The result of a provider's answer.
pub enum ConnectionEnd {
    /// The result of the change.
    Ended(ChangeOutcome),
    /// The member proved itself, and continues with this page.
    Proved(String),
    /// The pending step says why nothing was connected, or proved.
    Refused,
    /// The answer was taken before, is for another session, or another request has replaced the one that it answers.
    Stale,
}

/// Takes a provider's answer, once, and connects the account that it proves, or takes it for the member's proof.
pub async fn answer(
    asking: &AccountContext<'_>,
    step: &mut SettingsAction,
    (alias, form): (&str, &Form),
) -> Result<ConnectionEnd, Error> {
    let AccountContext { ctx, caller, .. } = asking;
    let state = form.get("state").ok().flatten();
    let secret = state.and_then(read_state).map(|(_, secret)| secret).unwrap_or_default();
    let session = caller.via.reference();
    let Some(pending) =
        step.state.connection.clone().filter(|pending| pending.is_answered_by(session, secret, ctx.now))
    else {
        return Ok(ConnectionEnd::Stale);
    };
    // The answer is of no further use, whatever it leads to: of two requests with it one goes on.
    step.state.connection = Some(PendingConnection { state: None, ..pending.clone() });
    if !asking.save(step, None).await? {
        return Ok(ConnectionEnd::Stale);
    }
    // Another provider's answer to this request (RFC 9700 §4.4), or the provider was removed meanwhile.
    let provider = pending.provider(&ctx.project.settings).filter(|_| alias == pending.alias);
    let proved = match provider {
        Some(provider) => {
            let since = pending.asked_at.filter(|_| pending.proves_for.is_some());
            let anew = since.map(|since| Freshness { since, takes_untimed: false });
            let judged = calling(ctx.project.no, external::judge(ctx, provider, (form, secret), anew)).await;
            judged.map(|user| (user.dated(provider, ctx.now), user))
        }
        None => Err(ExternalProblem::NotAccepted),
    };
    let done = match proved {
        Ok((dated, user)) if pending.proves_for.is_some() => prove(asking, step, (user, dated)).await?,
        Ok((_, user)) => connect(asking, Some(step), (user, None)).await?,
        Err(problem) => Err(ConnectionProblem::Provider(problem)),
    };
    match (done, &pending.proves_for) {
        (Ok(ChangeOutcome::Done(_)), Some(next)) => Ok(ConnectionEnd::Proved(next.clone())),
        (Ok(outcome), _) => Ok(ConnectionEnd::Ended(outcome)),
        (Err(problem), _) => {
            step.state.connection = Some(PendingConnection { state: None, problem: Some(problem), ..pending });
            Ok(if asking.save(step, None).await? { ConnectionEnd::Refused } else { ConnectionEnd::Stale })
        }
    }
}

/// Records that the member has authenticated with an account of its own.
async fn prove(
    asking: &AccountContext<'_>,
    step: &SettingsAction,
    (mut user, dated): (ProviderUser, DatedProof),
) -> Result<Result<ChangeOutcome, ConnectionProblem>, Error> {
    let AccountContext { ctx, caller, .. } = asking;
    let mut conn = ctx.app.store.read().await?;
    let known = external_accounts::find(&mut conn, ctx.project.no, &user.provider, &user.subject).await?;
    drop(conn);
    let Some(known) = known.filter(|known| known.user_id == caller.user.id) else {
        return Ok(Err(ConnectionProblem::NotOwn));
    };
    user.keep_name(&known.profile);
    let used = ExternalAccount { profile: user.profile, ..known };
    reauthentication::by_provider(ctx, caller, step, (used, dated)).await.map(Ok)
}

/// Connects an account whose user the provider has proved. What proved it may be good once.
pub(crate) async fn connect(
    asking: &AccountContext<'_>,
    settings_action: Option<&SettingsAction>,
    (user, single_use): (ProviderUser, Option<SingleUse>),
) -> Result<Result<ChangeOutcome, ConnectionProblem>, Error> {
    let AccountContext { ctx, caller, .. } = asking;
    let mut conn = ctx.app.store.read().await?;
    let known = external_accounts::find(&mut conn, ctx.project.no, &user.provider, &user.subject).await?;
    drop(conn);
    if let Some(known) = known {
        let is_own = known.user_id == caller.user.id;
        return Ok(Err(if is_own { ConnectionProblem::Connected } else { ConnectionProblem::BelongsToAnother }));
    }
    let login_methods = LoginMethods::load(ctx, caller.user.id).await?;
    if login_methods.external_accounts.len() >= MAX_EXTERNAL_ACCOUNTS {
        return Ok(Err(ConnectionProblem::TooMany));
    }
    let account = make_account(ctx, caller.user.id, user);
    let name = external_account::name(&ctx.project.settings, &account);
    let notice = |link| SecurityNotice::ExternalAccountAdded { name: name.clone(), link };
    let change_kind = AccountChange::AddExternalAccount(account, ConnectionReport::new(ctx, caller.user.id));
    let change_request = asking.plan(&login_methods, None, (change_kind, &notice)).await?;
    let change_request = ChangeRequest { settings_action, single_use, ..change_request };
    match commit(ctx, caller, change_request).await? {
        ChangeOutcome::Taken => Ok(Err(ConnectionProblem::BelongsToAnother)),
        outcome @ (ChangeOutcome::Done(_)
        | ChangeOutcome::LastLoginMethod
        | ChangeOutcome::Stale
        | ChangeOutcome::UserGone
        | ChangeOutcome::SignedOut) => Ok(Ok(outcome)),
    }
}

/// The account at a provider, for its new owner.
pub(crate) fn make_account(ctx: &Ctx<'_>, user_id: UserId, user: ProviderUser) -> ExternalAccount {
    let id = ctx.app.entropy.id(ctx.now);
    let ProviderUser { provider, subject, profile, .. } = user;
    ExternalAccount { id, user_id, provider, subject, profile, created_at: ctx.now, updated_at: ctx.now }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_an_account_page_is_no_flows() {
        let id = FlowId::from_parts(1, [7; 10]);
        let state = format!("{MARK}{id}.abc");
        assert_eq!(read_state(&state), Some((id, "abc")));
        assert_eq!(external::read_state(&state), None);
        assert_eq!(read_state(&format!("{id}.abc")), None);
    }

    #[test]
    fn only_the_session_that_began_ends() {
        let provider = Provider { alias: "google".into(), ..Provider::default() };
        let (own, other) = ([1; 16], [2; 16]);
        let at = Timestamp::from_seconds;
        let session = |bytes| SessionRef::Session(vestibule_domain::id::Id::from_bytes(bytes));
        let new = PendingConnection::new(&provider);
        assert!(!new.is_answered_by(session(own), "", at(0)), "no answer is expected");
        let pending = PendingConnection {
            session: Some(session(own)),
            state: Some(external::hash("abc")),
            asked_at: Some(at(0)),
            ..new
        };
        assert!(pending.is_answered_by(session(own), "abc", at(600)));
        assert!(!pending.is_answered_by(session(own), "abc", at(601)), "the member authenticated too long ago");
        assert!(!pending.is_answered_by(session(other), "abc", at(0)));
        assert!(!pending.is_answered_by(session(own), "abx", at(0)));
        assert!(!PendingConnection { state: None, ..pending }.is_answered_by(session(own), "abc", at(0)));
    }
}
