//! Signing in with a provider: the request to it, which belongs to the browser's flow and is answered once, and what its answer
//! means. Nothing about a user is decided before the answer is verified.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    id::{FlowId, UserId},
    identifier::{LoginId, LoginIdKind},
    identity::OwnedLoginId,
    project::{PromotionConflict, Provider},
    time::Timestamp,
};
use vestibule_protocol::form::Form;
use vestibule_store::{credentials, external_accounts};

use super::{
    Flow, FlowPurpose, PendingLoginId,
    basis::Basis,
    continuation::KeptAnswer,
    keep,
    link::{self, PendingLink},
    merging, posted_answer,
    prepare::Achievement,
    save,
    sign_in::LoginProof,
};
use crate::{
    account::connection::make_account,
    adapters::lookup::calling,
    crypto::{hex, is_equal, sha256},
    ctx::Ctx,
    error::Error,
    limits::rates,
    promotion::change::{Credentials, NewExternalAccount},
    providers::{
        self, Answer, AuthorizationRequest, DatedProof, Exchange, Freshness, ProviderError, ProviderUser,
        apple::PersonName, secrets,
    },
};

/// Maximum bytes of a state.
pub(super) const STATE_BYTES: usize = 128;

/// What the user wanted when it chose the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// A new account, or the guest's promotion.
    Join,
    /// The account that the provider's user has here.
    SignIn,
}

/// A sign-in with a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalStep {
    pub alias: String,
    /// The key of the provider's accounts: the alias may lead to another one later.
    provider: String,
    pub intent: Intent,
    /// The SHA-256 of the secret in the request's `state`; `None` once the answer was taken.
    state: Option<String>,
    /// When its user must have signed in there at the earliest, for a reauthentication or a new sign-in.
    #[serde(default)]
    anew_since: Option<Timestamp>,
    /// Why it led to no user.
    pub problem: Option<ExternalProblem>,
}

impl ExternalStep {
    /// One that waits for no answer.
    fn new(provider: &Provider, intent: Intent) -> Self {
        let (alias, provider) = (provider.alias.clone(), provider.account_key());
        Self { alias, provider, intent, state: None, anew_since: None, problem: None }
    }
}

/// Why a sign-in with a provider led to no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalProblem {
    /// The user, or the provider for it, declined.
    Denied,
    /// The provider does not answer.
    Unavailable,
    /// What it answered proves nothing.
    NotAccepted,
    /// The project has not set it up.
    NotSetUp,
    /// The account belongs to a member, and the user wanted a new account.
    BelongsToMember,
    /// The account belongs to no member, and the user wanted to sign in.
    Unknown,
    /// The account is not the one of the member who is to authenticate again.
    OtherAccount,
}

/// The result of choosing a provider.
pub enum Started {
    /// The browser goes to this URL of the provider.
    Redirect(String),
    /// The provider has answered already, to an application: the flow can be committed.
    Achieved(Achievement),
    /// The flow's state says why not.
    Problem,
    /// The flow changed in another tab, or there is no such provider any more.
    Stale,
}

/// The result of a provider's answer.
pub enum Answered {
    /// The flow can be committed.
    Achieved(Achievement),
    /// The flow's state determines the next page.
    Next,
    /// The answer was taken before, or another request has replaced the one that it answers.
    Stale,
}

/// An account at a provider for a new member.
pub struct NewConnection {
    pub(super) user: ProviderUser,
    pub(super) dated: DatedProof,
}

/// The providers that a flow offers: none where the app enforces a login ID; where it asks for a recent authentication, those that can
/// prove one; and a member who is signed in, and is to authenticate again, those of its accounts. Without its session the page must not
/// say which they are, so it offers all.
pub fn offered<'a>(ctx: &Ctx<'a>, flow: &Flow) -> Vec<&'a Provider> {
    let state = &flow.state;
    if state.enforced.is_some() {
        return Vec::new();
    }
    let is_offered =
        |provider: &&Provider| state.own_providers.as_ref().is_none_or(|own| own.contains(&provider.account_key()));
    let can_prove = |provider: &&Provider| state.max_age.is_none() || provider.proves_anew();
    ctx.project.settings.providers().iter().filter(is_offered).filter(can_prove).collect()
}

/// Sends the user to a provider: stores the flow, so that the answer finds it.
pub async fn start(ctx: &Ctx<'_>, flow: &mut Flow, alias: &str, intent: Intent) -> Result<Started, Error> {
    let Some(provider) = offered(ctx, flow).into_iter().find(|provider| provider.alias == alias) else {
        return Ok(Started::Stale);
    };
    if intent == Intent::Join {
        check_joining(ctx, flow)?;
    }
    rates::charge_provider(ctx)?;
    flow.state.offered_user = None;
    flow.state.attempt = None;
    flow.state.pending = None;
    flow.state.linking = None;
    let max_age = flow.state.max_age;
    // Where the application may do without its key, the code is of use without it.
    let client = ctx.project.settings.client(&flow.state.request.client_id);
    let needs_key = client.is_some_and(|client| !client.is_dpop_disabled());
    let kept = flow.state.kept.clone().filter(|kept| needs_key && kept.is_proof_on_page(provider, max_age, ctx.now));
    if let Some(kept) = kept {
        return Ok(match decide_kept(ctx, flow, (provider, *kept), intent).await? {
            Answered::Achieved(achievement) => Started::Achieved(achievement),
            Answered::Next => Started::Problem,
            Answered::Stale => Started::Stale,
        });
    }
    flow.state.kept = None;
    let secret = ctx.app.entropy.alphanumeric();
    let state = format!("{}.{secret}", flow.id);
    // A new sign-in is more than one of a limited age.
    let wanted = if flow.state.renews_login && provider.can_be_asked_anew() { Some(0) } else { max_age };
    let anew_since = wanted.map(|seconds| ctx.now.minus(Duration::from_secs(seconds)));
    flow.state.external =
        Some(ExternalStep { state: Some(hash(&secret)), anew_since, ..ExternalStep::new(provider, intent) });
    match request_url(ctx, provider, (&state, &secret), wanted).await {
        Ok(url) => Ok(if save(ctx, flow, None).await? { Started::Redirect(url) } else { Started::Stale }),
        Err(error) => {
            providers::log(ctx, provider, &error);
            set_problem(flow, problem_of(&error));
            Ok(if keep(ctx, flow).await? { Started::Problem } else { Started::Stale })
        }
    }
}

/// The URL of a request to a provider; the state has the secret. With a maximum age, in seconds, a user who signed in there longer ago has
/// to prove itself anew.
///
/// # Errors
/// When the provider cannot be asked.
pub(crate) async fn request_url(
    ctx: &Ctx<'_>,
    provider: &Provider,
    (state, secret): (&str, &str),
    max_age: Option<u64>,
) -> Result<String, ProviderError> {
    match secrets::is_set(ctx, provider).await {
        Ok(true) => {}
        Ok(false) => return Err(ProviderError::NotSetUp),
        Err(error) => return Err(ProviderError::Unavailable(error.to_string())),
    }
    let (nonce, verifier) = ctx.project.keys.mac.provider_request(secret);
    let request = AuthorizationRequest { state, nonce: &nonce, verifier: &verifier, max_age };
    let providers = &ctx.app.providers;
    let url = providers.authorization_url(ctx.project, provider, &request, (&ctx.app.metrics, ctx.now));
    calling(ctx.project.no, url).await
}

pub(crate) fn hash(secret: &str) -> String {
    hex(&sha256(secret.as_bytes()).0)
}

/// The flow of a state, and the secret in it.
#[must_use]
pub fn read_state(state: &str) -> Option<(FlowId, &str)> {
    let (flow, secret) = state.split_once('.').filter(|_| state.len() <= STATE_BYTES)?;
    Some((flow.parse().ok()?, secret))
}

/// Takes a provider's answer to the request of this flow, once.
pub async fn answer(ctx: &Ctx<'_>, flow: &mut Flow, (alias, form): (&str, &Form)) -> Result<Answered, Error> {
    let field = |name: &str| form.get(name).ok().flatten();
    let secret = field("state").and_then(read_state).map(|(_, secret)| secret).unwrap_or_default();
    let Some(step) = flow.state.external.clone().filter(|step| is_answered_by(step, secret)) else {
        return Ok(Answered::Stale);
    };
    // The answer is of no further use, whatever it leads to: of two requests with it one goes on.
    flow.state.external = Some(ExternalStep { state: None, ..step.clone() });
    if !save(ctx, flow, None).await? {
        return Ok(Answered::Stale);
    }
    let provider = offered(ctx, flow).into_iter().find(|provider| provider.alias == step.alias);
    let Some(provider) = provider.filter(|provider| alias == step.alias && provider.account_key() == step.provider)
    else {
        // Another provider's answer to this request (RFC 9700 §4.4), or the provider was removed meanwhile.
        return refuse(ctx, flow, ExternalProblem::NotAccepted).await;
    };
    // `prompt=login` alone is no limit of the age: an answer that does not say it makes a sign-in without a time.
    let takes_untimed = flow.state.max_age.is_none();
    let anew = step.anew_since.map(|since| Freshness { since, takes_untimed });
    match judge(ctx, provider, (form, secret), anew).await {
        Ok(user) => decide(ctx, flow, (provider, user), step.intent).await,
        Err(problem) => refuse(ctx, flow, problem).await,
    }
}

/// The user whom a provider's answer to a request with this secret proves; of a request that asked for a fresh proof, with when its user
/// must have signed in there at the earliest.
///
/// # Errors
/// Why it proves none.
pub(crate) async fn judge(
    ctx: &Ctx<'_>,
    provider: &Provider,
    answered: (&Form, &str),
    anew: Option<Freshness>,
) -> Result<ProviderUser, ExternalProblem> {
    verify(ctx, provider, answered, anew).await.map_err(|(problem, error)| {
        providers::log(ctx, provider, &error);
        problem
    })
}

/// As [`judge`], with the reason for the log.
///
/// # Errors
/// Why it proves none.
pub(crate) async fn verify(
    ctx: &Ctx<'_>,
    provider: &Provider,
    (form, secret): (&Form, &str),
    anew: Option<Freshness>,
) -> Result<ProviderUser, (ExternalProblem, ProviderError)> {
    let field = |name: &str| form.get(name).ok().flatten();
    if let Some(error) = field("error") {
        let problem = match error {
            // Apple and LinkedIn have words of their own for it.
            "access_denied" | "user_cancelled_authorize" | "user_cancelled_login" => ExternalProblem::Denied,
            "server_error" | "temporarily_unavailable" => ExternalProblem::Unavailable,
            _ => ExternalProblem::NotAccepted,
        };
        return Err((problem, ProviderError::Refused(vestibule_protocol::echo(error).into_owned())));
    }
    let (nonce, verifier) = ctx.project.keys.mac.provider_request(secret);
    // A parameter that is repeated counts as missing (RFC 6749 §3.1); a repeated issuer must not pass for none.
    let issuer = form.get("iss").unwrap_or(Some(""));
    let name = PersonName {
        given: field(posted_answer::GIVEN_NAME).map(str::to_string),
        family: field(posted_answer::FAMILY_NAME).map(str::to_string),
    };
    let answer = Answer { code: field("code").unwrap_or_default(), issuer, name: &name };
    let of = Exchange { nonce: &nonce, verifier: &verifier };
    let exchanged = calling(ctx.project.no, providers::exchange(ctx, provider, answer, of)).await;
    let is_fresh = |user: ProviderUser| match anew {
        Some(anew) => providers::check_fresh(provider, user, anew),
        None => Ok(user),
    };
    exchanged.and_then(is_fresh).map_err(|error| (problem_of(&error), error))
}

fn is_answered_by(step: &ExternalStep, secret: &str) -> bool {
    is_secret_of(step.state.as_deref(), secret)
}

/// Whether a request with this state, of which the hash is kept, had this secret.
pub(crate) fn is_secret_of(state: Option<&str>, secret: &str) -> bool {
    state.is_some_and(|state| is_equal(&hash(secret), state))
}

pub(crate) fn problem_of(error: &ProviderError) -> ExternalProblem {
    match error {
        ProviderError::Unavailable(_) => ExternalProblem::Unavailable,
        ProviderError::Refused(_) | ProviderError::Unproven(_) => ExternalProblem::NotAccepted,
        ProviderError::NotSetUp => ExternalProblem::NotSetUp,
    }
}

fn set_problem(flow: &mut Flow, problem: ExternalProblem) {
    if let Some(step) = &mut flow.state.external {
        step.state = None;
        step.problem = Some(problem);
    }
}

async fn refuse(ctx: &Ctx<'_>, flow: &mut Flow, problem: ExternalProblem) -> Result<Answered, Error> {
    set_problem(flow, problem);
    Ok(if keep(ctx, flow).await? { Answered::Next } else { Answered::Stale })
}

/// Decides what the kept answer of a provider means. It stays kept until the flow ends: a person may look at several pages.
async fn decide_kept(
    ctx: &Ctx<'_>,
    flow: &mut Flow,
    (provider, kept): (&Provider, KeptAnswer),
    intent: Intent,
) -> Result<Answered, Error> {
    flow.state.external = Some(ExternalStep::new(provider, intent));
    let user = kept.user.clone();
    flow.state.kept = Some(Box::new(kept));
    decide(ctx, flow, (provider, user), intent).await
}

/// What the answer that a provider gave to an application leads to.
pub(crate) enum Exchanged {
    /// The change can be made.
    Achieved(Achievement),
    /// The account belongs to another user.
    BelongsToMember,
    /// Its email address does.
    EmailTaken,
    /// It belongs to nobody, and sign-up is closed.
    Unknown,
}

/// Decides what the answer that a provider gave to an application means, in a flow of which nothing is stored. The same as for an answer to
/// a page, but where a page would ask.
pub(crate) async fn decide_exchange(
    ctx: &Ctx<'_>,
    flow: &mut Flow,
    (provider, kept): (&Provider, KeptAnswer),
    intent: Intent,
) -> Result<Exchanged, Error> {
    Ok(match decide_kept(ctx, flow, (provider, kept), intent).await? {
        Answered::Achieved(Achievement::Proved(proof)) => {
            // Its member decides about the guest on a page.
            match merging::find_undecided(ctx, flow, proof.user).await? {
                Some(_) => Exchanged::BelongsToMember,
                None => Exchanged::Achieved(Achievement::Proved(proof)),
            }
        }
        Answered::Achieved(achievement) => Exchanged::Achieved(achievement),
        Answered::Next | Answered::Stale => match flow.state.external.as_ref().and_then(|step| step.problem) {
            Some(ExternalProblem::BelongsToMember) => Exchanged::BelongsToMember,
            Some(_) => Exchanged::Unknown,
            None => Exchanged::EmailTaken,
        },
    })
}

/// Prepares the first page of a flow that goes on with a kept answer. It commits nothing: a link may have led the browser here.
pub(crate) async fn go_on(ctx: &Ctx<'_>, flow: &mut Flow, kept: KeptAnswer) -> Result<(), Error> {
    let Some(provider) = ctx.project.settings.provider(&kept.alias).filter(|one| kept.is_usable(one, ctx.now)) else {
        return Ok(());
    };
    let intent = if flow.state.guest().is_some() { Intent::Join } else { Intent::SignIn };
    if let Answered::Achieved(achievement) = decide_kept(ctx, flow, (provider, kept), intent).await? {
        match achievement {
            Achievement::Proved(_) => set_problem(flow, ExternalProblem::BelongsToMember),
            // The account or its address is free by now: the first page offers the provider.
            Achievement::Connected(_) | Achievement::Joined(_) | Achievement::Decided(..) => flow.state.external = None,
        }
    }
    Ok(())
}

/// Decides what a verified answer means: the account's owner signs in, or the account gets an owner.
async fn decide(
    ctx: &Ctx<'_>,
    flow: &mut Flow,
    (provider, user): (&Provider, ProviderUser),
    intent: Intent,
) -> Result<Answered, Error> {
    let mut user = user.under(provider);
    // What the provider said to an application minutes ago proves nothing of this moment.
    let dated = user.dated(provider, flow.state.kept.as_ref().map_or(ctx.now, |kept| kept.proved_at()));
    let mut conn = ctx.app.store.read().await?;
    let no = ctx.project.no;
    let known = external_accounts::find(&mut conn, no, &user.provider, &user.subject).await?;
    if let Some(only) = flow.state.only_user
        && known.as_ref().is_none_or(|account| account.user_id != only)
    {
        return refuse(ctx, flow, ExternalProblem::OtherAccount).await;
    }
    if let Some(account) = known {
        drop(conn);
        let goes_on = ctx.project.settings.promotion_conflict() != PromotionConflict::Error;
        let is_promotion = matches!(flow.state.purpose, FlowPurpose::Promote { .. });
        if is_promotion && intent == Intent::Join && !goes_on {
            return refuse(ctx, flow, ExternalProblem::BelongsToMember).await;
        }
        user.keep_name(&account.profile);
        let basis = Basis::of_external_account(flow, &user.provider, &user.subject);
        let basis = match &flow.state.kept {
            Some(kept) => basis.kept_at(kept.asked_since, None),
            None => basis,
        };
        let proved_at = Some(dated.at);
        let proof =
            LoginProof { external: Some(user), proved_at, ..LoginProof::new(account.user_id, dated.amr, basis) };
        return Ok(Answered::Achieved(Achievement::Proved(Box::new(proof))));
    }
    // Only an address that is believed counts; another one must neither block its owner nor show that it is known.
    let taken = match login_id_of(ctx, &user).cloned() {
        Some(email) => {
            let owner = credentials::find_login_id(&mut conn, no, email.kind.as_str(), &email.value).await?;
            owner.map(|row| (row.user_id, email))
        }
        None => None,
    };
    drop(conn);
    if let Some(taken) = taken.clone().filter(|_| link::is_offered(&ctx.project.settings)) {
        // An answer given to an application comes here by a link, maybe of another person: the owner of the address who follows it
        // signs in, and connects nothing.
        if flow.state.kept.is_none() {
            flow.state.linking = Some(PendingLink::new(provider, taken.clone(), user));
        }
        return mark_email_taken(ctx, flow, taken.1).await;
    }
    // Who came to sign in may have another account, so a guest is promoted only at its own wish.
    let is_closed = ctx.project.settings.public_signup_disabled() && flow.state.guest().is_none();
    if is_closed || (intent == Intent::SignIn && flow.state.guest().is_some()) {
        return refuse(ctx, flow, ExternalProblem::Unknown).await;
    }
    if let Some((_, email)) = taken {
        return mark_email_taken(ctx, flow, email).await;
    }
    Ok(Answered::Achieved(Achievement::Connected(Box::new(NewConnection { user, dated }))))
}

/// Says that the address is a member's. Without a proof, so that it opens nothing: the owner signs in with its own methods.
async fn mark_email_taken(ctx: &Ctx<'_>, flow: &mut Flow, login_id: LoginId) -> Result<Answered, Error> {
    let pending = PendingLoginId { login_id, password_hash: None, code: None, proved_at: None, taken: true };
    flow.state.pending = Some(pending);
    flow.state.external = None;
    Ok(if keep(ctx, flow).await? { Answered::Next } else { Answered::Stale })
}

/// The email address that becomes a login ID of the new member.
fn login_id_of<'a>(ctx: &Ctx<'_>, user: &'a ProviderUser) -> Option<&'a LoginId> {
    let uses_email = ctx.project.settings.login_id_kinds().contains(&LoginIdKind::Email);
    user.verified_email.as_ref().filter(|_| uses_email)
}

/// Checks that joining is allowed: a guest may join even if sign-up is closed.
fn check_joining(ctx: &Ctx<'_>, flow: &Flow) -> Result<(), Error> {
    let closed = ctx.project.settings.public_signup_disabled() && flow.state.guest().is_none();
    if closed { Err(Error::PublicSignUpDisabled) } else { Ok(()) }
}

/// Says that the account or its address got another owner while the answer was verified.
pub async fn mark_taken(ctx: &Ctx<'_>, flow: &mut Flow) -> Result<(), Error> {
    set_problem(flow, ExternalProblem::BelongsToMember);
    keep(ctx, flow).await?;
    Ok(())
}

impl NewConnection {
    /// The credentials of the new member.
    pub(crate) fn credentials(self, ctx: &Ctx<'_>, user_id: UserId) -> Credentials {
        let login_id = login_id_of(ctx, &self.user).map(|email| OwnedLoginId {
            id: ctx.app.entropy.id(ctx.now),
            user_id,
            kind: email.kind.as_str().to_string(),
            value: email.value.clone(),
            original: email.original.clone(),
            verified_at: Some(ctx.now),
            created_at: ctx.now,
            updated_at: ctx.now,
        });
        let attributes = self.user.attributes();
        let account = make_account(ctx, user_id, self.user);
        let external = Some(NewExternalAccount { account, attributes });
        Credentials { login_id, password_hash: None, passkey: None, external }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_names_its_flow_and_has_one_secret() {
        let flow = FlowId::from_parts(1, [7; 10]);
        let state = format!("{flow}.abc");
        assert_eq!(read_state(&state), Some((flow, "abc")));
        for bad in ["", "abc", &flow.to_string(), "x.abc", &format!("{flow}.{}", "a".repeat(STATE_BYTES))] {
            assert_eq!(read_state(bad), None, "{bad}");
        }
        let step = ExternalStep {
            alias: "a".into(),
            provider: "google".into(),
            intent: Intent::Join,
            state: Some(hash("abc")),
            anew_since: None,
            problem: None,
        };
        assert!(is_answered_by(&step, "abc"));
        assert!(!is_answered_by(&step, "abx") && !is_answered_by(&step, ""));
        assert!(!is_answered_by(&ExternalStep { state: None, ..step }, "abc"), "it was answered");
    }
}
