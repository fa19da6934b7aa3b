//! The exchange of a provider's ID token, as a native application got it, for tokens (RFC 8693): the owner signs in, a guest is promoted,
//! or a member connects the account. What it changes is what a page changes, prepared and written by the same functions; where a page
//! would ask, the application gets a continuation.

use vestibule_domain::{
    client::Client,
    event::RevocationReason,
    grant::Grant,
    id::{ProjectNo, UserId},
    project::Provider,
    time::Timestamp,
};
use vestibule_protocol::{
    api::ChallengePurpose,
    device_info::DeviceInfo,
    oauth::{ProviderAction, ProviderTokenRequest, ProviderVoucher, ResponseMode, ResponseType, Scope, ScopeSet},
};
use vestibule_store::{StoreError, Tx, external_accounts, grants, users};

use super::{
    Tokens,
    code::remove_others,
    dpop::{self, Binding, PresentedProof, ProofUse},
    issue::{NewGrant, make_grant, scopes_of},
    print_tokens,
};
use crate::{
    account::{
        change::ChangeOutcome,
        connection::{self, ConnectionProblem},
        login_id::AccountContext,
        notice::WriteNotice,
        reauthentication,
    },
    adapters::lookup::calling,
    authorize::{PendingRequest, begin::check_scope},
    caller::{AccountCaller, ApiCaller, Resolution, Via, has_full_access},
    ctx::Ctx,
    error::Error,
    events::{self, QueuedEvent},
    flow::{
        Flow, FlowPurpose, FlowState, WriteMessage,
        change::{Endings, UserChange},
        continuation::{Continuation, KeptAnswer, SealedContinuation},
        external::{self, Exchanged, Intent},
        prepare::{Achievement, Browser, Prepared, prepare_change},
    },
    guests::challenge,
    identities::LoadedUser,
    limits::rates,
    logout_notices::LogoutNotices,
    promotion::{
        change::{PromotionError, check_source},
        source::PromotionSource,
    },
    providers::{self, NativeToken, ProviderError, VerifiedToken, apple::PersonName},
    sessions::{Ending, Selection},
    single_use::SingleUse,
};

/// How often a change is tried whose account or address got an owner meanwhile: the second time finds it.
const ATTEMPTS: usize = 3;

const NO_NONCE: &str = "nonce is required: get one from /oauth2/challenge before asking the provider";

/// The request of an application.
pub struct ExchangeRequest<'a> {
    pub client: &'a Client,
    pub exchange: &'a ProviderTokenRequest,
    /// The bearer of the access token in the header.
    pub caller: &'a Resolution<ApiCaller>,
    pub proof: &'a PresentedProof,
    pub device_info: Option<&'a str>,
    pub write_code: WriteMessage<'a>,
    pub write_notice: WriteNotice<'a>,
}

/// The result of an exchange.
pub enum ExchangeOutcome {
    Tokens(Tokens),
    Conflict(IdentityConflict),
}

/// An account at a provider, or its address, that belongs to another user.
pub struct IdentityConflict {
    /// Whether it is the address.
    pub is_claim: bool,
    /// With it, the application goes on at the token endpoint.
    pub continuation: String,
    /// With it, on a page.
    pub page_continuation: String,
}

/// An account at a provider that was proved.
#[derive(Clone)]
struct ProvedAccount<'a> {
    provider: &'a Provider,
    kept: KeptAnswer,
    single_use: SingleUse,
    voucher: VoucherKind,
}

/// What proved an account.
#[derive(Clone, Copy)]
enum VoucherKind {
    Continuation,
    /// An ID token for a nonce of the server.
    WithNonce,
    /// One without.
    WithoutNonce,
}

impl ProvedAccount<'_> {
    /// The error when what proved it was used before.
    fn used(&self) -> Error {
        match self.voucher {
            VoucherKind::Continuation => Error::InvalidContinuation,
            VoucherKind::WithNonce => Error::InvalidProviderNonce,
            VoucherKind::WithoutNonce => Error::InvalidSubjectToken,
        }
    }
}

/// Exchanges an ID token, or the continuation of an earlier exchange.
///
/// # Errors
/// [`Error`]; nothing is changed and nothing used up then.
pub async fn exchange(ctx: &Ctx<'_>, request: ExchangeRequest<'_>) -> Result<ExchangeOutcome, Error> {
    let device = request.device_info.map(DeviceInfo::parse).transpose()?;
    let device = device.map(|device| device.display_name().to_string());
    let scope = request.exchange.scope.as_ref().map_or_else(ScopeSet::guest_default, ScopeSet::served);
    check_scope(request.client, &scope).map_err(Error::InvalidScope)?;
    let caller = find_caller(ctx, &request)?;
    rates::charge_provider(ctx)?;
    if let Some((user, _)) = &caller {
        rates::charge_user(ctx, user.user.id)?;
    }
    let proved = prove(ctx, &request).await?;
    match (request.exchange.action, caller) {
        (ProviderAction::Link, Some((caller, grant))) => link(ctx, &request, (caller, grant), proved).await,
        (ProviderAction::Login | ProviderAction::Promote | ProviderAction::Link, caller) => {
            let guest = caller.map(|(caller, _)| (caller.user.id, PromotionSource::of_caller(caller)));
            let new = NewSignIn { request: &request, scope, device, guest };
            for _ in 0..ATTEMPTS {
                if let Attempted::Done(outcome) = sign_in(ctx, &new, proved.clone()).await? {
                    return Ok(outcome);
                }
            }
            Err(Error::InvalidSubjectToken)
        }
    }
}

/// The guest or member who calls, with its grant of this application; `None` for a sign-in, which needs none.
fn find_caller<'a>(ctx: &Ctx<'_>, request: &ExchangeRequest<'a>) -> Result<Option<(&'a ApiCaller, &'a Grant)>, Error> {
    let wants_guest = match request.exchange.action {
        ProviderAction::Login => return Ok(None),
        ProviderAction::Promote => true,
        ProviderAction::Link => false,
    };
    let caller = match request.caller {
        Resolution::Anonymous => return Err(Error::NothingPresented),
        Resolution::Dead { .. } => return Err(Error::SessionRequired),
        Resolution::Live(caller) => caller.as_ref(),
    };
    let grant = match &caller.via {
        // Another site of the same domain can send it, and would make the account at the provider the guest's.
        Via::Session(_) => return Err(Error::NothingPresented),
        Via::Grant(grant) if grant.client_id != request.client.client_id => return Err(Error::SessionRequired),
        Via::Grant(grant) => grant,
    };
    let refuse = |why: &str| Err(Error::InvalidRequest(why.to_string()));
    if grant.is_limited() {
        return refuse("the guest was promoted: send x_action=login");
    }
    if wants_guest && !caller.user.is_anonymous() {
        return refuse("the caller is a member, not a guest: send x_action=link, or login");
    }
    if !wants_guest && caller.user.is_anonymous() {
        return refuse("the caller is a guest: send x_action=promote");
    }
    if !has_full_access(ctx.project, grant) || !scopes_of(grant).contains(Scope::FULL_ACCESS) {
        return Err(Error::InsufficientScope);
    }
    // What proves the caller must come from its key, too (RFC 9449 §7).
    request.proof.check(request.client, grant.dpop_jkt.as_deref())?;
    Ok(Some((caller, grant)))
}

/// The account at the provider that the request proves.
async fn prove<'a>(ctx: &Ctx<'a>, request: &ExchangeRequest<'_>) -> Result<ProvedAccount<'a>, Error> {
    let (alias, id_token, nonce) = match &request.exchange.voucher {
        ProviderVoucher::IdToken { alias, id_token, nonce } => (alias, id_token, nonce.as_ref()),
        ProviderVoucher::Continuation(sealed) => {
            let opened = Continuation::open_proof(ctx, &request.client.client_id, sealed.as_str());
            let (continuation, provider) = opened.ok_or(Error::InvalidContinuation)?;
            if continuation.dpop_jkt.is_some() {
                request.proof.check(request.client, continuation.dpop_jkt.as_deref())?;
            }
            let single_use = continuation.single_use();
            let voucher = VoucherKind::Continuation;
            return Ok(ProvedAccount { provider, kept: continuation.kept, single_use, voucher });
        }
    };
    let provider = ctx.project.settings.provider(alias).filter(|provider| provider.has_native_sign_in());
    let provider = provider.ok_or_else(|| {
        Error::InvalidRequest("x_oauth_provider_alias must be a provider with native_client_ids".to_string())
    })?;
    let challenge = match nonce {
        None if provider.takes_native_without_nonce() => None,
        None => return Err(Error::InvalidRequest(NO_NONCE.to_string())),
        Some(nonce) => {
            let challenge = challenge::read(ctx.project, ChallengePurpose::IdTokenRequest, nonce, ctx.now);
            Some(challenge.ok_or(Error::InvalidProviderNonce)?)
        }
    };
    let presented = NativeToken { id_token, nonce };
    let verified = calling(ctx.project.no, providers::verify_native(ctx, provider, presented)).await;
    let VerifiedToken { user, issued_at, single_use } = verified.map_err(|error| {
        providers::log(ctx, provider, &error);
        match error {
            ProviderError::Unavailable(_) => Error::ProviderUnavailable,
            ProviderError::Refused(_) | ProviderError::Unproven(_) | ProviderError::NotSetUp => {
                Error::InvalidSubjectToken
            }
        }
    })?;
    let mut conn = ctx.app.store.read().await?;
    let is_known = external_accounts::find(&mut conn, ctx.project.no, &user.provider, &user.subject).await?.is_some();
    drop(conn);
    // It is not signed: it is of a new user only, and changes nothing of an account.
    let name = &request.exchange.name;
    let name = PersonName::read(name.given_name.as_deref(), name.family_name.as_deref());
    let user = if is_known { user } else { user.with_name_beside(&name) };
    let (asked_since, single_use, voucher) = match challenge {
        Some(challenge) => (challenge::issued_at(&challenge), challenge.into(), VoucherKind::WithNonce),
        None => (issued_at.min(ctx.now), single_use, VoucherKind::WithoutNonce),
    };
    let kept = KeptAnswer {
        alias: alias.clone(),
        user,
        asked_since,
        verified_at: ctx.now,
        issued_at: Some(issued_at),
        is_bound: false,
    };
    Ok(ProvedAccount { provider, kept, single_use, voucher })
}

/// A sign-in, sign-up or promotion.
struct NewSignIn<'a> {
    request: &'a ExchangeRequest<'a>,
    scope: ScopeSet,
    device: Option<String>,
    /// The guest to be promoted, and what it called with.
    guest: Option<(UserId, PromotionSource)>,
}

enum Attempted {
    Done(ExchangeOutcome),
    /// The account or its address got an owner meanwhile; nothing changed.
    Overtaken,
}

impl NewSignIn<'_> {
    /// A flow that is never stored, for the functions that prepare what flows change.
    fn begin_flow(&self, ctx: &Ctx<'_>) -> Flow {
        let request = PendingRequest {
            client_id: self.request.client.client_id.clone(),
            redirect_uri: String::new(),
            response_type: ResponseType::Code.as_str().to_string(),
            response_mode: ResponseMode::default().as_str().to_string(),
            state: None,
            scope: self.scope.print(),
            nonce: None,
            code_challenge: None,
            dpop_jkt: None,
            suppress_session: true,
            ui_locales: None,
            color_scheme: None,
            x_state: None,
        };
        let guest = self.guest.as_ref();
        let purpose = guest.map_or(FlowPurpose::Login, |(guest, _)| FlowPurpose::Promote { guest: *guest });
        let mut state = FlowState::new(purpose, request, "");
        state.source = guest.map(|(_, source)| source.clone());
        Flow::begin(ctx.app, state, ctx.now)
    }
}

async fn sign_in(ctx: &Ctx<'_>, new: &NewSignIn<'_>, proved: ProvedAccount<'_>) -> Result<Attempted, Error> {
    let client = new.request.client;
    let mut flow = new.begin_flow(ctx);
    let intent = if new.guest.is_some() { Intent::Join } else { Intent::SignIn };
    let decided = external::decide_exchange(ctx, &mut flow, (proved.provider, proved.kept.clone()), intent).await?;
    let is_claim = match decided {
        Exchanged::Achieved(achievement) => {
            return commit(ctx, new, (&flow, achievement), &proved).await;
        }
        Exchanged::Unknown => return Err(Error::PublicSignUpDisabled),
        Exchanged::EmailTaken => true,
        Exchanged::BelongsToMember => false,
    };
    let binding = new.request.proof.bind(client)?;
    refuse(ctx, client, (binding, new.guest.clone()), (is_claim, proved)).await.map(Attempted::Done)
}

/// Uses up what proved the account, and gives the application a continuation in its place.
async fn refuse(
    ctx: &Ctx<'_>,
    client: &Client,
    (binding, guest): (Binding, Option<(UserId, PromotionSource)>),
    (is_claim, proved): (bool, ProvedAccount<'_>),
) -> Result<ExchangeOutcome, Error> {
    use_up(ctx, &proved, binding.proof_use).await?;
    let SealedContinuation { proof: continuation, page: page_continuation } =
        Continuation::new(ctx, &client.client_id, binding.jkt, guest, proved.kept).seal(ctx);
    Ok(ExchangeOutcome::Conflict(IdentityConflict { is_claim, continuation, page_continuation }))
}

/// Uses up what proved an account and the proof of the request, where nothing else is written.
async fn use_up(ctx: &Ctx<'_>, proved: &ProvedAccount<'_>, proof_use: Option<ProofUse>) -> Result<(), Error> {
    let (no, input) = (ctx.project.no, (proved.single_use, proof_use));
    let write = ctx.app.store.write("use_up_provider_token", input, move |tx, (single_use, proof_use)| {
        Box::pin(spend_both(tx, no, single_use, *proof_use))
    });
    match write.await {
        Ok(()) => Ok(()),
        Err(ExchangeError::Store(error)) => Err(error.into()),
        Err(ExchangeError::ProofReplayed) => Err(Error::DpopProofReplayed),
        Err(
            ExchangeError::Used
            | ExchangeError::Overtaken
            | ExchangeError::Promoted
            | ExchangeError::Gone
            | ExchangeError::Disabled,
        ) => Err(proved.used()),
    }
}

/// Redeems both, or none: an error rolls back.
async fn spend_both(
    tx: &mut Tx,
    no: ProjectNo,
    single_use: &SingleUse,
    proof_use: Option<ProofUse>,
) -> Result<(), ExchangeError> {
    if !dpop::spend(tx, no, proof_use).await? {
        return Err(ExchangeError::ProofReplayed);
    }
    if single_use.spend(tx, no).await? { Ok(()) } else { Err(ExchangeError::Used) }
}

/// Makes the change and the grant, in one transaction.
async fn commit(
    ctx: &Ctx<'_>,
    new: &NewSignIn<'_>,
    (flow, achievement): (&Flow, Achievement),
    proved: &ProvedAccount<'_>,
) -> Result<Attempted, Error> {
    let client = new.request.client;
    let user_id = match &achievement {
        Achievement::Proved(proof) | Achievement::Decided(proof, _) => proof.user,
        Achievement::Connected(_) | Achievement::Joined(_) => flow.future_user(),
    };
    if new.guest.is_none() {
        rates::charge_user(ctx, user_id)?;
    }
    let binding = new.request.proof.bind(client)?;
    let dated = proved.kept.user.dated(proved.provider, proved.kept.proved_at());
    let grant = NewGrant {
        user_id,
        client_id: &client.client_id,
        scope: Some(new.scope.print()),
        authenticated_at: dated.at,
        amr: Some(dated.amr.to_string()),
        session_id: None,
        dpop_jkt: binding.jkt,
        device: new.device.clone(),
    };
    let (grant, refresh_token) = make_grant(ctx.app, grant, ctx.now);
    let browser = Browser { session: None, device: new.device.clone(), grant: Some(events::model_of_grant(&grant)) };
    let Some(prepared) = prepare_change(ctx, flow, achievement, &browser).await? else {
        return Err(gone(new));
    };
    let Prepared { change, event, second, endings, .. } = prepared;
    let is_promotion = matches!(change, UserChange::Promote(_));
    let only_one = client.allows_one_session_only().then(|| {
        let others = Selection::OfApplication(client.client_id.clone());
        Ending::by_rule(ctx, user_id, others, RevocationReason::AnotherSession)
    });
    let input = Exchange {
        single_use: proved.single_use,
        proof_use: binding.proof_use,
        source: flow.state.source.clone().zip(change.guest()),
        change,
        endings,
        only_one,
        grant: grant.clone(),
        events: std::iter::once(event).chain(second).collect(),
        notices: LogoutNotices::of(ctx.app, ctx.project),
        now: ctx.now,
    };
    let no = ctx.project.no;
    let written = ctx.app.store.write("exchange_id_token", input, move |tx, input| Box::pin(write(tx, no, input)));
    match written.await {
        Ok(()) => {}
        Err(ExchangeError::Overtaken) => return Ok(Attempted::Overtaken),
        Err(ExchangeError::Used) => return Err(proved.used()),
        Err(ExchangeError::ProofReplayed) => return Err(Error::DpopProofReplayed),
        Err(ExchangeError::Promoted) => {
            return Err(Error::InvalidRequest("the guest was promoted: send x_action=login".to_string()));
        }
        Err(ExchangeError::Gone) => return Err(gone(new)),
        Err(ExchangeError::Disabled) => return Err(Error::UserDisabled),
        Err(ExchangeError::Store(error)) => return Err(error.into()),
    }
    if is_promotion {
        ctx.app.metrics.count_promotion();
    }
    let tokens = print(ctx, client, &grant).await?;
    let refresh_token = new.scope.contains(Scope::OFFLINE_ACCESS).then_some(refresh_token);
    Ok(Attempted::Done(ExchangeOutcome::Tokens(Tokens { refresh_token, ..tokens })))
}

/// The error for a guest whose session has ended, or for a member that is gone or has ended its sessions since it was proved.
fn gone(new: &NewSignIn<'_>) -> Error {
    if new.guest.is_some() { Error::SessionRequired } else { Error::InvalidSubjectToken }
}

/// Signs tokens of a grant, with what its user has by now.
async fn print(ctx: &Ctx<'_>, client: &Client, grant: &Grant) -> Result<Tokens, Error> {
    let user = users::find(&mut *ctx.app.store.read().await?, ctx.project.no, grant.user_id).await?;
    let loaded = LoadedUser::read(ctx.app, ctx.project, user.ok_or(Error::SessionRequired)?).await?;
    Ok(print_tokens(ctx, client, grant, &loaded.account(), None, None))
}

/// The input of the transaction.
struct Exchange {
    single_use: SingleUse,
    proof_use: Option<ProofUse>,
    /// What the guest called with, and the guest.
    source: Option<(PromotionSource, UserId)>,
    change: UserChange,
    endings: Endings,
    /// The end of the user's other grants of the application, if it may have only one.
    only_one: Option<Ending>,
    grant: Grant,
    events: Vec<QueuedEvent>,
    notices: LogoutNotices,
    now: Timestamp,
}

enum ExchangeError {
    Store(StoreError),
    /// What proved the account was used before.
    Used,
    ProofReplayed,
    Overtaken,
    Promoted,
    Gone,
    Disabled,
}

impl From<StoreError> for ExchangeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PromotionError> for ExchangeError {
    fn from(error: PromotionError) -> Self {
        match error {
            PromotionError::Store(error) => Self::Store(error),
            PromotionError::Taken => Self::Overtaken,
            PromotionError::AlreadyPromoted => Self::Promoted,
            PromotionError::Disabled => Self::Disabled,
            PromotionError::UserGone
            | PromotionError::Outdated
            | PromotionError::PasskeyRefused
            | PromotionError::MethodsChanged => Self::Gone,
        }
    }
}

async fn write(tx: &mut Tx, no: ProjectNo, input: &Exchange) -> Result<(), ExchangeError> {
    spend_both(tx, no, &input.single_use, input.proof_use).await?;
    if let Some((source, guest)) = &input.source {
        check_source(tx, no, source, *guest).await?;
    }
    input.change.apply(tx, no, &input.endings, input.now).await?;
    if let Some(ending) = &input.only_one {
        ending.write(tx).await?;
    }
    grants::insert(tx, no, &input.grant).await?;
    if input.only_one.is_some() {
        remove_others(tx, no, &input.grant, &input.notices).await?;
    }
    for event in &input.events {
        events::queue(tx, no, input.grant.user_id, event, input.now).await?;
    }
    Ok(())
}

/// Connects the account to the member who calls; the member keeps its grant.
async fn link(
    ctx: &Ctx<'_>,
    request: &ExchangeRequest<'_>,
    (caller, grant): (&ApiCaller, &Grant),
    proved: ProvedAccount<'_>,
) -> Result<ExchangeOutcome, Error> {
    let account_caller = AccountCaller { user: caller.user.clone(), via: caller.via.clone() };
    // As on the account page: a stolen device must not get a way in of its own.
    if !reauthentication::is_fresh(&account_caller, ctx.now) {
        return Err(Error::ReauthenticationRequired);
    }
    rates::charge_settings_action(ctx, caller.user.id)?;
    dpop::use_up(ctx, request.proof.check(request.client, grant.dpop_jkt.as_deref())?).await?;
    let asking = AccountContext {
        ctx: *ctx,
        caller: &account_caller,
        write_code: request.write_code,
        write_notice: request.write_notice,
    };
    match connection::connect(&asking, None, (proved.kept.user.clone(), Some(proved.single_use))).await? {
        Ok(ChangeOutcome::Done(_)) => {}
        // Nothing to do, but what proved it was presented.
        Err(ConnectionProblem::Connected) => use_up(ctx, &proved, None).await?,
        Ok(ChangeOutcome::Stale) => return Err(proved.used()),
        Ok(ChangeOutcome::UserGone | ChangeOutcome::SignedOut) => return Err(Error::SessionRequired),
        Ok(ChangeOutcome::Taken | ChangeOutcome::LastLoginMethod) | Err(ConnectionProblem::BelongsToAnother) => {
            // The proof of this request is used up by now.
            let binding = Binding { jkt: grant.dpop_jkt.clone(), proof_use: None };
            return refuse(ctx, request.client, (binding, None), (false, proved)).await;
        }
        Err(ConnectionProblem::TooMany) => {
            let why = "the member has as many external accounts as it may have: remove one first";
            return Err(Error::InvalidRequest(why.to_string()));
        }
        Err(ConnectionProblem::Provider(_) | ConnectionProblem::NotOwn) => return Err(Error::InvalidSubjectToken),
    }
    print(ctx, request.client, grant).await.map(ExchangeOutcome::Tokens)
}
