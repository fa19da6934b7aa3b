//! The `anonymous-request` grant of the SDKs: signs up or signs in a guest with a device key.

use std::{collections::BTreeMap, sync::Arc};

use vestibule_domain::{
    client::Client,
    event::RevocationReason,
    grant::Grant,
    id::{IdentityId, ProjectNo, UserId},
    identity::UserAccount,
    time::Timestamp,
    user::User,
};
use vestibule_protocol::{
    device_info::DeviceInfo,
    jose::{AnonymousAction, Jwk},
};
use vestibule_store::{
    BoxFuture, GroupedWrite, StoreError, Tx,
    device_keys::{self, DeviceKeyRow, SignIn},
    grants, new_guests, spent, users,
};

use super::{Tokens, print_tokens};
use crate::{
    crypto::tokens::Challenge,
    ctx::Ctx,
    error::Error,
    events,
    guests::{
        challenge,
        device_key::{self, Proven, Signer},
        late::LateSignUp,
        returning_guests::{self, Seen},
        sign_up_anonymous::{check_enabled, check_open},
    },
    limits::rates,
    sessions::{Ending, Selection},
    state::App,
    tokens::{
        beside::make_beside,
        dpop::{self, PresentedProof, ProofUse},
        issue::{self, NewGrant, make_grant},
    },
    webhooks::hooks,
};

/// The request of a device.
pub struct KeyRequest<'a> {
    pub client: &'a Client,
    pub jwt: &'a str,
    pub device_info: Option<&'a str>,
    pub proof: &'a PresentedProof,
}

/// The result of one attempt.
enum Attempted {
    Done(Tokens),
    /// The key was registered, promoted or removed between the read and the write: try again.
    Overtaken,
}

/// Signs up the guest of a new key, or issues a new grant to the guest of a known one.
pub async fn log_in(ctx: &Ctx<'_>, request: KeyRequest<'_>) -> Result<Tokens, Error> {
    let refuse = |error| rates::charge_failure(ctx, error);
    let device = check_request(ctx, &request).map_err(refuse)?;
    let mut is_counted = false;
    // Of two concurrent first sign-ups with one key, the loser finds the guest in its second round.
    for _ in 0..3 {
        let origin = events::EventOrigin::of_client(&request.client.client_id);
        let proven = device_key::prove(ctx, request.jwt, AnonymousAction::Auth, &origin).await;
        let Proven { challenge, signer } = proven.map_err(refuse)?;
        if !is_counted {
            // A known key counts for itself, so that many devices behind one address work.
            match &signer {
                Signer::Known { key, .. } => rates::charge_device_key(ctx, &key.kid)?,
                Signer::New { .. } => rates::charge_token_request(ctx)?,
            }
            is_counted = true;
        }
        let tried = match signer {
            Signer::Known { key, user } => {
                Box::pin(sign_in_again(ctx, &request, challenge, *key, *user, &device)).await?
            }
            Signer::New { kid, key } => sign_up(ctx, &request, challenge, kid, *key, &device).await?,
        };
        if let Attempted::Done(tokens) = tried {
            return Ok(tokens);
        }
    }
    Err(Error::InvalidAnonymousCredentials)
}

/// Checks what needs no key; the name of the device.
fn check_request(ctx: &Ctx<'_>, request: &KeyRequest<'_>) -> Result<Option<String>, Error> {
    if !request.client.application_type().allows_anonymous() {
        return Err(Error::ClientWithoutGuests);
    }
    let device = request.device_info.map(DeviceInfo::parse).transpose()?;
    check_enabled(ctx.project)?;
    Ok(device.map(|device| device.display_name().to_string()))
}

async fn sign_in_again(
    ctx: &Ctx<'_>,
    request: &KeyRequest<'_>,
    challenge: Challenge,
    key: DeviceKeyRow,
    user: User,
    device: &Option<String>,
) -> Result<Attempted, Error> {
    device_key::check_guest(&key, &user)?;
    rates::charge_user(ctx, user.id)?;
    let NewLine { grant, refresh_token, proof_use } = begin_grant(ctx.app, request, user.id, device.clone(), ctx.now)?;
    let ends_others = request.client.allows_one_session_only();
    let ending = ends_others.then(|| {
        let others = Selection::OfApplication(request.client.client_id.clone());
        Ending::by_rule(ctx, user.id, others, RevocationReason::AnotherSession)
    });
    let no = ctx.project.no;
    let input = KeySignIn { no, challenge, proof_use, kid: key.kid, grant: grant.clone(), ending, now: ctx.now };
    let write = async {
        // One that ends other sessions locks more than its guest.
        if input.ending.is_none() {
            return ctx.app.store.write_grouped(&ctx.app.key_sign_ins.0, input).await;
        }
        ctx.app.store.write(LOG_IN, input, |tx, input| Box::pin(write_sign_in_again(tx, input))).await
    };
    Box::pin(finish(ctx, request, write, (&user, &grant, refresh_token))).await
}

async fn sign_up(
    ctx: &Ctx<'_>,
    request: &KeyRequest<'_>,
    challenge: Challenge,
    kid: String,
    key: Jwk,
    device: &Option<String>,
) -> Result<Attempted, Error> {
    check_open(ctx)?;
    let mut user = User::new_guest(ctx.app.entropy.id(ctx.now), ctx.now);
    let origin = events::EventOrigin::of_client(&request.client.client_id);
    hooks::ask_before_guest(ctx, &mut user, Some(&kid), &origin).await?;
    let event = events::prepare_new_guest(ctx, &user, Some(&kid), &origin);
    let NewLine { grant, refresh_token, proof_use } = begin_grant(ctx.app, request, user.id, device.clone(), ctx.now)?;
    let identity: IdentityId = ctx.app.entropy.id(ctx.now);
    let key = DeviceKeyRow {
        kid,
        id: identity,
        user_id: user.id,
        jwk: key.without_kid().to_json(),
        created_at: ctx.now,
        last_used_at: ctx.now,
        promoted_at: None,
        device: device.clone(),
    };
    let no = ctx.project.no;
    let input = SignUp {
        no,
        challenge,
        proof_use,
        key,
        user: user.clone(),
        grant: grant.clone(),
        event,
        late: LateSignUp::of(ctx.app),
    };
    let write = ctx.app.store.write_grouped(&ctx.app.sign_ups.with_key.0, input);
    Box::pin(finish(ctx, request, write, (&user, &grant, refresh_token))).await
}

/// A grant to be written, with its refresh token and the proof to redeem.
struct NewLine {
    grant: Grant,
    refresh_token: String,
    proof_use: Option<ProofUse>,
}

fn begin_grant(
    app: &App,
    request: &KeyRequest<'_>,
    user_id: UserId,
    device: Option<String>,
    now: Timestamp,
) -> Result<NewLine, Error> {
    let binding = request.proof.bind(request.client)?;
    let new = NewGrant {
        user_id,
        client_id: &request.client.client_id,
        scope: issue::guest_scope(request.client),
        authenticated_at: now,
        amr: Some(issue::BY_DEVICE_KEY.to_string()),
        session_id: None,
        dpop_jkt: binding.jkt,
        device,
    };
    let (grant, refresh_token) = make_grant(app, new, now);
    Ok(NewLine { grant, refresh_token, proof_use: binding.proof_use })
}

/// Writes, and signs the tokens meanwhile. Whoever comes here has proved its key with a signature over a valid challenge, and is within
/// its limits: a request that loses has cost a signature, but no more than one that wins.
async fn finish(
    ctx: &Ctx<'_>,
    request: &KeyRequest<'_>,
    write: impl Future<Output = Result<(), SignInError>>,
    (user, grant, refresh_token): (&User, &Grant, String),
) -> Result<Attempted, Error> {
    let account = UserAccount::of_guest(user);
    match make_beside(write, || print_tokens(ctx, request.client, grant, &account, None, None)).await {
        Ok(((), tokens)) => Ok(Attempted::Done(Tokens { refresh_token: Some(refresh_token), ..tokens })),
        Err(SignInError::ChallengeSpent) => Err(Error::InvalidAnonymousCredentials),
        Err(SignInError::ProofReplayed) => Err(Error::DpopProofReplayed),
        Err(SignInError::Overtaken) => Ok(Attempted::Overtaken),
        Err(SignInError::Store(error)) => Err(error.into()),
    }
}

enum SignInError {
    Store(StoreError),
    ChallengeSpent,
    ProofReplayed,
    Overtaken,
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Redeems the single-use parts of a request.
async fn spend_once(
    tx: &mut Tx,
    no: ProjectNo,
    challenge: &Challenge,
    proof_use: Option<ProofUse>,
) -> Result<(), SignInError> {
    if !challenge::spend(tx, no, challenge).await? {
        return Err(SignInError::ChallengeSpent);
    }
    if dpop::spend(tx, no, proof_use).await? { Ok(()) } else { Err(SignInError::ProofReplayed) }
}

/// The name of the write of a sign-in with a known key.
const LOG_IN: &str = "log_in_with_key";

/// The sign-ins with a known key that wait for the store, and end no other session.
pub(crate) struct KeySignIns(Arc<GroupedWrite<KeySignIn, (), SignInError>>);

impl Default for KeySignIns {
    fn default() -> Self {
        Self(GroupedWrite::new(LOG_IN, write_sign_ins))
    }
}

struct KeySignIn {
    no: ProjectNo,
    challenge: Challenge,
    proof_use: Option<ProofUse>,
    kid: String,
    grant: Grant,
    ending: Option<Ending>,
    now: Timestamp,
}

fn write_sign_ins<'t>(tx: &'t mut Tx, all: &'t [KeySignIn]) -> BoxFuture<'t, Result<Option<Vec<()>>, SignInError>> {
    Box::pin(async move {
        match all {
            [one] => write_sign_in_again(tx, one).await.map(|()| Some(vec![()])),
            _ => Ok(write_several_again(tx, all).await?.then(|| vec![(); all.len()])),
        }
    })
}

/// `false` when one of them is refused.
async fn write_several_again(tx: &mut Tx, all: &[KeySignIn]) -> Result<bool, StoreError> {
    if !spend_all(tx, all.iter().map(|input| (input.no, &input.challenge, input.proof_use.as_ref()))).await? {
        return Ok(false);
    }
    let sign_ins: Vec<_> = all
        .iter()
        .map(|input| SignIn { project: input.no, kid: &input.kid, user: input.grant.user_id, at: input.now })
        .collect();
    let Some(before) = device_keys::record_sign_ins(tx, &sign_ins).await? else { return Ok(false) };
    let grants: Vec<_> = all.iter().map(|input| (input.no, &input.grant)).collect();
    new_guests::insert_grants(tx, &grants).await?;
    let mut seen: BTreeMap<ProjectNo, Vec<Seen>> = BTreeMap::new();
    for (input, before) in all.iter().zip(before) {
        let user = input.grant.user_id;
        if returning_guests::is_uncounted(user, before.seen_day, input.now) {
            let client_id = input.grant.client_id.clone();
            seen.entry(input.no).or_default().push(Seen { user, client_id, at: input.now });
        }
    }
    for (no, seen) in seen {
        returning_guests::count_all(tx, no, seen).await?;
    }
    Ok(true)
}

async fn write_sign_in_again(tx: &mut Tx, input: &KeySignIn) -> Result<(), SignInError> {
    let no = input.no;
    spend_once(tx, no, &input.challenge, input.proof_use).await?;
    let grant = &input.grant;
    let signed_in = device_keys::record_sign_in(tx, no, &input.kid, grant.user_id, input.now).await?;
    let before = signed_in.ok_or(SignInError::Overtaken)?;
    if let Some(ending) = &input.ending {
        ending.write(tx).await?;
    }
    grants::insert(tx, no, grant).await?;
    // The device may have lost its grant, so there is no earlier use to compare with.
    if returning_guests::is_uncounted(grant.user_id, before.seen_day, input.now) {
        returning_guests::count(tx, no, grant.user_id, &grant.client_id, input.now).await?;
    }
    Ok(())
}

/// The sign-ups with a device key that wait for the store.
pub(crate) struct KeySignUps(Arc<GroupedWrite<SignUp, (), SignInError>>);

impl Default for KeySignUps {
    fn default() -> Self {
        Self(GroupedWrite::new("sign_up_with_key", write_sign_ups))
    }
}

/// [`spend_once`] for several; `false` when one of them was used before.
async fn spend_all<'t>(
    tx: &mut Tx,
    all: impl Iterator<Item = (ProjectNo, &'t Challenge, Option<&'t ProofUse>)> + Clone,
) -> Result<bool, StoreError> {
    let challenges = all.clone().map(|(no, challenge, _)| challenge::spending(no, challenge));
    let proofs = all.filter_map(|(no, _, proof)| Some(dpop::spending(no, proof?)));
    let mut values: Vec<_> = challenges.chain(proofs).collect();
    spent::spend_all(tx, &mut values).await
}

struct SignUp {
    no: ProjectNo,
    challenge: Challenge,
    proof_use: Option<ProofUse>,
    key: DeviceKeyRow,
    user: User,
    grant: Grant,
    event: Option<events::QueuedEvent>,
    late: LateSignUp,
}

fn write_sign_ups<'t>(tx: &'t mut Tx, all: &'t [SignUp]) -> BoxFuture<'t, Result<Option<Vec<()>>, SignInError>> {
    Box::pin(async move {
        match all {
            [one] => write_sign_up(tx, one).await.map(|()| Some(vec![()])),
            _ => Ok(write_several(tx, all).await?.then(|| vec![(); all.len()])),
        }
    })
}

async fn write_sign_up(tx: &mut Tx, input: &SignUp) -> Result<(), SignInError> {
    let no = input.no;
    spend_once(tx, no, &input.challenge, input.proof_use).await?;
    if !device_keys::insert(tx, no, &input.key).await? {
        return Err(SignInError::Overtaken);
    }
    users::insert(tx, no, &input.user).await?;
    input.late.note(tx, no, input.user.id).await?;
    if let Some(event) = &input.event {
        events::queue(tx, no, input.user.id, event, input.user.created_at).await?;
    }
    grants::insert(tx, no, &input.grant).await?;
    Ok(())
}

/// `false` when one of them is refused.
async fn write_several(tx: &mut Tx, all: &[SignUp]) -> Result<bool, StoreError> {
    let mut keys: Vec<_> = all.iter().map(|input| (input.no, &input.key)).collect();
    let once = all.iter().map(|input| (input.no, &input.challenge, input.proof_use.as_ref()));
    if !spend_all(tx, once).await? || !new_guests::insert_device_keys(tx, &mut keys).await? {
        return Ok(false);
    }
    let users: Vec<_> = all.iter().map(|input| (input.no, &input.user)).collect();
    new_guests::insert_users(tx, &users).await?;
    for input in all {
        input.late.note(tx, input.no, input.user.id).await?;
    }
    let events: Vec<_> = all
        .iter()
        .filter_map(|input| Some((input.no, input.user.id, input.event.as_ref()?, input.user.created_at)))
        .collect();
    events::queue_all(tx, &events).await?;
    let grants: Vec<_> = all.iter().map(|input| (input.no, &input.grant)).collect();
    new_guests::insert_grants(tx, &grants).await?;
    Ok(true)
}
