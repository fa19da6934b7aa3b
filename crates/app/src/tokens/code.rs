//! The `authorization_code` grant (RFC 6749 §4.1.3, RFC 7636).

use vestibule_domain::{
    client::Client,
    event::RevocationReason,
    grant::Grant,
    id::{ProjectNo, SessionId},
    secret::TokenHash,
    session::proves_member,
    time::Timestamp,
    user::User,
};
use vestibule_protocol::{device_info::DeviceInfo, oauth::ScopeSet};
use vestibule_store::{StoreError, Tx, codes, device_codes, grants, users};

use super::{
    ClientProof, Tokens, authenticate_client, print_tokens,
    used_code::{self, Exchanger, UsedCode},
};
use crate::{
    authorize::{CODE_LIFETIME, CodePayload},
    consent,
    crypto::{base64url, is_equal, sha256},
    ctx::Ctx,
    error::Error,
    identities::LoadedUser,
    limits::rates,
    logout_notices::LogoutNotices,
    sessions::{Ending, Selection, is_session_of, lock_signed_in_by},
    tokens::{
        dpop::{self, PresentedProof, ProofUse},
        issue::{NewGrant, make_grant},
    },
};

/// The request of the client.
pub struct CodeRequest<'a> {
    pub client: &'a ClientProof,
    pub code: &'a str,
    pub redirect_uri: Option<&'a str>,
    pub code_verifier: Option<&'a str>,
    pub proof: &'a PresentedProof,
    pub device_info: Option<&'a str>,
    /// The browser's name, for clients that do not describe their device.
    pub browser: Option<String>,
}

impl<'a> CodeRequest<'a> {
    fn exchanger(&self, client: &'a Client) -> Exchanger<'a> {
        Exchanger { client_id: &client.client_id, redirect_uri: self.redirect_uri, code_verifier: self.code_verifier }
    }
}

/// Exchanges an authorization code for tokens. The code is redeemed in the transaction that creates the grant.
pub async fn exchange(ctx: &Ctx<'_>, request: CodeRequest<'_>) -> Result<Tokens, Error> {
    let device = request.device_info.map(DeviceInfo::parse).transpose()?;
    let hash = sha256(request.code.as_bytes());
    let mut conn = ctx.app.store.read().await?;
    let client = authenticate_client(&mut conn, ctx.project, request.client).await?;
    let exchanger = request.exchanger(client);
    let Some((payload, expires_at)) = codes::find(&mut conn, ctx.project.no, hash).await? else {
        drop(conn);
        return Err(used_code::refuse(ctx, hash, &exchanger).await?);
    };
    let payload: CodePayload = serde_json::from_str(&payload).map_err(|_| Error::InvalidCode)?;
    check_payload(ctx, &payload, client, &request, expires_at)?;
    drop(conn);
    let device = device.map(|device| device.display_name().to_string()).or_else(|| request.browser.clone());
    let voucher = NewVoucher::Code(hash, &exchanger);
    issue(ctx, client, TokenOrder { payload: &payload, expires_at, voucher, proof: request.proof, device }).await
}

/// What is redeemed for tokens.
pub(super) enum NewVoucher<'a> {
    Code(TokenHash, &'a Exchanger<'a>),
    DeviceCode(TokenHash, &'a Exchanger<'a>),
}

/// A code whose request was checked.
pub(super) struct TokenOrder<'a> {
    pub payload: &'a CodePayload,
    /// When the code expires.
    pub expires_at: Timestamp,
    pub voucher: NewVoucher<'a>,
    pub proof: &'a PresentedProof,
    /// The name of the device.
    pub device: Option<String>,
}

/// Makes the tokens of a code and redeems it.
///
/// # Errors
/// [`Error::InvalidCode`] when what it was issued for has ended.
pub(super) async fn issue(ctx: &Ctx<'_>, client: &Client, order: TokenOrder<'_>) -> Result<Tokens, Error> {
    let TokenOrder { payload, expires_at, voucher, proof, device } = order;
    let no = ctx.project.no;
    let user = users::find(&mut *ctx.app.store.read().await?, no, payload.user_id).await?.ok_or(Error::InvalidCode)?;
    check_user(payload, &user)?;
    rates::charge_user(ctx, user.id)?;
    let scopes = ScopeSet::parse(&payload.scope).map_err(|_| Error::InvalidCode)?;
    let binding = proof.bind(client)?;
    let new = NewGrant {
        user_id: user.id,
        client_id: &client.client_id,
        scope: Some(payload.scope.clone()),
        authenticated_at: payload.authenticated_at,
        amr: payload.amr.clone(),
        session_id: payload.session_id,
        dpop_jkt: binding.jkt,
        device,
    };
    let (grant, refresh_token) = make_grant(ctx.app, new, ctx.now);
    let loaded = LoadedUser::read(ctx.app, ctx.project, user).await?;
    let redemption = Redemption {
        voucher: Voucher::of(&voucher, &grant, ctx.now),
        proof_use: binding.proof_use,
        grant: grant.clone(),
        is_third_party: client.is_third_party(),
        is_of_guest: loaded.user.is_anonymous(),
        origin: CodeOrigin::of(payload, expires_at),
        only_one: client.allows_one_session_only(),
        endings: plan_endings(ctx, client, payload),
        notices: LogoutNotices::of(ctx.app, ctx.project),
    };
    let redeemed = ctx
        .app
        .store
        .write("exchange_code", redemption, move |tx, redemption| Box::pin(redeem(tx, no, redemption)))
        .await?;
    match redeemed {
        RedeemResult::Done => {}
        RedeemResult::SpentBefore => return Err(voucher.refuse(ctx).await?),
        RedeemResult::ProofReplayed => return Err(Error::DpopProofReplayed),
        RedeemResult::ConsentRevoked | RedeemResult::Promoted | RedeemResult::SignedOut => {
            return Err(Error::InvalidCode);
        }
    }
    let tokens = print_tokens(ctx, client, &grant, &loaded.account(), payload.nonce.as_deref(), None);
    let refresh_token = scopes.contains("offline_access").then_some(refresh_token);
    Ok(Tokens { refresh_token, limited_scope: payload.is_scope_limited.then_some(scopes), ..tokens })
}

impl NewVoucher<'_> {
    /// The error for one that a concurrent request redeemed.
    async fn refuse(&self, ctx: &Ctx<'_>) -> Result<Error, Error> {
        match self {
            Self::Code(code, exchanger) => used_code::refuse(ctx, *code, exchanger).await,
            Self::DeviceCode(code, exchanger) => {
                used_code::refuse(ctx, *code, exchanger).await.map(|_| Error::InvalidDeviceCode)
            }
        }
    }
}

/// What ends when the tokens of this code are delivered.
fn plan_endings(ctx: &Ctx<'_>, client: &Client, payload: &CodePayload) -> Vec<Ending> {
    let of_application = || client.client_id.clone();
    let promoted = payload.ends_earlier_grants.then(|| {
        let guest = Selection::OfGuest(of_application());
        Ending::by_rule(ctx, payload.user_id, guest, RevocationReason::Promotion)
    });
    let only_one = client.allows_one_session_only().then(|| {
        let others = Selection::OfApplication(of_application());
        Ending::by_rule(ctx, payload.user_id, others, RevocationReason::AnotherSession)
    });
    only_one.into_iter().chain(promoted).collect()
}

/// Checks that the request is the one that the code was issued for.
fn check_payload(
    ctx: &Ctx<'_>,
    payload: &CodePayload,
    client: &Client,
    request: &CodeRequest<'_>,
    expires_at: Timestamp,
) -> Result<(), Error> {
    // Nor for an earlier application with this ID, or when this one had another type.
    let is_of_another = ctx.project.is_from_before(&client.client_id, expires_at.minus(CODE_LIFETIME));
    if payload.client_id != client.client_id || is_of_another {
        return Err(Error::InvalidCode);
    }
    // Without a bound key the proof only has to be valid for the new grant.
    if let Some(bound) = &payload.dpop_jkt {
        request.proof.check(client, Some(bound))?;
    }
    if ctx.now > expires_at {
        return Err(Error::InvalidCode);
    }
    if !request.redirect_uri.is_some_and(|sent| Client::is_redirect_uri_of_code(&payload.redirect_uri, sent)) {
        return Err(Error::RedirectUriMismatch);
    }
    check_pkce(payload.code_challenge.as_deref(), request.code_verifier)
}

/// Checks that the user may still have the tokens of the code.
fn check_user(payload: &CodePayload, user: &User) -> Result<(), Error> {
    if !user.is_active() {
        return Err(Error::UserDisabled);
    }
    // A code that was issued to a guest ends with its promotion.
    if !user.is_anonymous() && !proves_member(payload.amr.as_deref()) {
        return Err(Error::InvalidCode);
    }
    Ok(())
}

/// Ends the grant of a code that is reused in a request which is refused for another reason.
pub async fn note_reuse(ctx: &Ctx<'_>, client: &Client, request: &CodeRequest<'_>) -> Result<(), Error> {
    let exchanger = request.exchanger(client);
    used_code::refuse(ctx, sha256(request.code.as_bytes()), &exchanger).await.map(|_| ())
}

/// A code, and what is remembered of its exchange.
struct Voucher {
    code: TokenHash,
    is_of_device: bool,
    used: UsedCode,
}

impl Voucher {
    fn of(new: &NewVoucher<'_>, grant: &Grant, now: Timestamp) -> Self {
        let (code, exchanger, is_of_device) = match new {
            NewVoucher::Code(code, exchanger) => (*code, exchanger, false),
            NewVoucher::DeviceCode(code, exchanger) => (*code, exchanger, true),
        };
        Self { code, is_of_device, used: UsedCode::new(grant.id, exchanger, now) }
    }

    /// Redeems it; `false` when that was done before.
    async fn spend(&self, tx: &mut Tx, no: ProjectNo) -> Result<bool, StoreError> {
        let is_taken = if self.is_of_device {
            device_codes::take(tx, no, self.code).await?
        } else {
            codes::take(tx, no, self.code).await?.is_some()
        };
        if is_taken {
            used_code::remember(tx, no, self.code, &self.used).await?;
        }
        Ok(is_taken)
    }
}

/// A code and its result.
struct Redemption {
    voucher: Voucher,
    proof_use: Option<ProofUse>,
    grant: Grant,
    /// Whether the grant needs the user's consent.
    is_third_party: bool,
    /// Whether the user is a guest.
    is_of_guest: bool,
    origin: CodeOrigin,
    /// Whether the user may have no other grant of the application.
    only_one: bool,
    /// The earlier grants that end.
    endings: Vec<Ending>,
    notices: LogoutNotices,
}

/// What a code was issued for. Ending all sessions of a user ends its codes, too.
#[derive(Clone, Copy)]
enum CodeOrigin {
    /// A cookie session.
    Session(SessionId),
    /// A sign-in that made no cookie session, at this time.
    SignIn(Timestamp),
}

impl CodeOrigin {
    fn of(payload: &CodePayload, expires_at: Timestamp) -> Self {
        payload.issued_to.map_or_else(|| Self::SignIn(expires_at.minus(CODE_LIFETIME)), Self::Session)
    }

    /// Whether the user is still signed in by it. Locks the user, so that an end of all sessions comes before, or finds the grant.
    async fn is_good(self, tx: &mut Tx, no: ProjectNo, redemption: &Redemption) -> Result<bool, StoreError> {
        let user = redemption.grant.user_id;
        match self {
            // Guests are locked already.
            Self::Session(id) if redemption.is_of_guest => is_session_of(tx, no, id, user).await,
            Self::Session(id) => lock_signed_in_by(tx, no, id, user).await,
            // The codes of guests come from sessions.
            Self::SignIn(_) if redemption.is_of_guest => Ok(true),
            Self::SignIn(at) => users::lock_signed_in_since(tx, no, user, at).await,
        }
    }
}

/// The result of redeeming a code.
enum RedeemResult {
    Done,
    /// A concurrent request redeemed it.
    SpentBefore,
    /// The DPoP proof was used before; the code stays valid.
    ProofReplayed,
    /// The user has revoked its consent since.
    ConsentRevoked,
    /// A concurrent request promoted the guest.
    Promoted,
    /// The sessions of the user were ended since.
    SignedOut,
}

/// Redeems the proof and the code and creates the grant.
async fn redeem(tx: &mut Tx, no: ProjectNo, redemption: &Redemption) -> Result<RedeemResult, StoreError> {
    if !dpop::spend(tx, no, redemption.proof_use).await? {
        return Ok(RedeemResult::ProofReplayed);
    }
    let grant = &redemption.grant;
    if redemption.is_of_guest && !users::lock_guest(tx, no, grant.user_id).await? {
        return Ok(RedeemResult::Promoted);
    }
    if !redemption.origin.is_good(tx, no, redemption).await? {
        return Ok(RedeemResult::SignedOut);
    }
    if !redemption.voucher.spend(tx, no).await? {
        return Ok(RedeemResult::SpentBefore);
    }
    if !consent::confirm(tx, no, (grant, redemption.is_third_party), grant.created_at).await? {
        return Ok(RedeemResult::ConsentRevoked);
    }
    for ending in &redemption.endings {
        ending.write(tx).await?;
    }
    grants::insert(tx, no, grant).await?;
    if redemption.only_one {
        remove_others(tx, no, grant, &redemption.notices).await?;
    }
    Ok(RedeemResult::Done)
}

/// Removes the user's other grants of the application: a concurrent exchange may have added one.
pub(super) async fn remove_others(
    tx: &mut Tx,
    no: ProjectNo,
    grant: &Grant,
    notices: &LogoutNotices,
) -> Result<(), StoreError> {
    let mut others = notices.find_of_user(tx, grant.user_id).await?;
    others.retain(|other| other.client_id == grant.client_id && other.id != grant.id);
    notices.queue(tx, &others, grant.created_at).await?;
    grants::remove_of_client(tx, no, grant.user_id, &grant.client_id, Some(grant.id)).await?;
    Ok(())
}

/// Checks the verifier against the challenge (RFC 7636 §4.6). A verifier without a challenge is rejected: otherwise an
/// attacker could remove the challenge from the request unnoticed (RFC 9700 §2.1.1).
pub(crate) fn check_pkce(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), Error> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) | (Some(_), None) => Err(Error::InvalidCode),
        (Some(challenge), Some(verifier)) => {
            let verifier = vestibule_protocol::oauth::PkceVerifier::parse(verifier).map_err(|_| Error::InvalidCode)?;
            let computed = base64url(sha256(verifier.as_bytes()).0);
            if is_equal(&computed, challenge) { Ok(()) } else { Err(Error::InvalidCode) }
        }
    }
}
