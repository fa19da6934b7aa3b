//! Reauthentication before sensitive changes: by password or passkey here, by code in `login_id`, by provider in `connection`.

use std::time::Duration;

use vestibule_domain::{credential::password, identity::ExternalAccount, session::SessionRef, time::Timestamp};
use vestibule_store::passkeys::{self, PasskeyUse};

use super::{
    LoginMethods, authenticated_at,
    change::{AccountChange, ChangeOutcome, ChangeRequest, Proof, commit},
    passkey::site,
    settings_action::SettingsAction,
};
use crate::{
    caller::AccountCaller,
    ctx::Ctx,
    error::Error,
    known_devices::KnownDevice,
    limits::tries::{Buckets, Trier},
    passkeys::{Assertion, Expected},
    passwords::PasswordVerdict,
    projects::Project,
    providers::DatedProof,
};

/// How long a reauthentication is valid for sensitive changes.
const FRESH: Duration = Duration::from_secs(300);

/// Whether the caller authenticated recently, as a member: a session or grant of the guest that it was is no proof.
pub fn is_fresh(caller: &AccountCaller, now: Timestamp) -> bool {
    caller.via.proved_at().is_some_and(|proved_at| now <= proved_at.plus(FRESH))
}

/// Verifies the member's password; a wrong one is counted before the response is sent.
pub(crate) async fn check_password(
    ctx: &Ctx<'_>,
    caller: &AccountCaller,
    login_methods: &LoginMethods,
    typed: &str,
) -> Result<bool, Error> {
    // The member is signed in: failures elsewhere do not count here.
    let own = KnownDevice::of_session(caller.user.id, caller.via.reference());
    let buckets = Buckets::of_password(ctx, Trier::Known(own));
    buckets.check(ctx.app, ctx.now).await?;
    let hash = login_methods.password.as_ref().map(|row| row.hash.clone());
    match ctx.app.hasher.verify(ctx.project.no, password::prepare(typed), hash).await? {
        // Check the limit again after hashing: concurrent guesses must not pass between check and verify.
        PasswordVerdict::Right { .. } => buckets.check(ctx.app, ctx.now).await.map(|()| true),
        PasswordVerdict::Wrong => {
            buckets.record_failure(ctx.app, ctx.now).await?;
            Ok(false)
        }
    }
}

/// Reauthenticates by password; `None` when it is wrong.
pub async fn by_password(ctx: &Ctx<'_>, caller: &AccountCaller, typed: &str) -> Result<Option<ChangeOutcome>, Error> {
    let login_methods = LoginMethods::load(ctx, caller.user.id).await?;
    if !check_password(ctx, caller, &login_methods, typed).await? {
        return Ok(None);
    }
    note(ctx, caller, Proof::of(caller, "pwd"), None).await.map(Some)
}

/// The challenge for the member's passkeys; it changes with every reauthentication.
fn challenge(project: &Project, caller: &AccountCaller) -> [u8; 32] {
    let session_ref = match caller.via.reference() {
        SessionRef::Session(id) => *id.as_bytes(),
        SessionRef::Grant(id) => *id.as_bytes(),
    };
    let place = [session_ref.as_slice(), &authenticated_at(caller).as_micros().to_be_bytes()].concat();
    project.keys.mac.passkey_challenge("use", &place)
}

/// The options for reauthenticating with a passkey.
pub fn request_options(project: &Project, caller: &AccountCaller, login_methods: &LoginMethods) -> String {
    let known: Vec<Vec<u8>> = login_methods.passkeys.iter().map(|row| row.credential_id.clone()).collect();
    site(project).request_options(&challenge(project, caller), &known)
}

/// Reauthenticates by passkey; `None` when the browser's response is invalid.
pub async fn by_passkey(ctx: &Ctx<'_>, caller: &AccountCaller, answer: &str) -> Result<Option<ChangeOutcome>, Error> {
    let buckets = Buckets::of_passkey(ctx);
    buckets.check(ctx.app, ctx.now).await?;
    let Some(used) = judge(ctx, caller, answer).await? else {
        buckets.record_failure(ctx.app, ctx.now).await?;
        return Ok(None);
    };
    note(ctx, caller, Proof { passkey: Some(used), ..Proof::of(caller, "pop user") }, None).await.map(Some)
}

async fn judge(ctx: &Ctx<'_>, caller: &AccountCaller, answer: &str) -> Result<Option<PasskeyUse>, Error> {
    let Ok(assertion) = Assertion::read(answer) else { return Ok(None) };
    let found = passkeys::find(&mut *ctx.app.store.read().await?, ctx.project.no, &assertion.credential_id).await?;
    let Some(row) = found.filter(|row| row.owner == caller.user.id) else { return Ok(None) };
    let expected = Expected {
        challenge: &challenge(ctx.project, caller),
        owner: row.owner.as_bytes(),
        public_key: &row.public_key,
        backup_eligible: row.backup_eligible,
        requires_user_handle_match: true,
    };
    match site(ctx.project).verify(assertion, &expected) {
        Ok(used) => Ok(Some(used)),
        Err(problem) => {
            tracing::info!(request.id = ctx.log_id(), user.id = %row.owner, error = %problem, "a passkey was refused");
            Ok(None)
        }
    }
}

/// Reauthenticates with the member's account at a provider, which has just authenticated its user; the pending step ends.
pub(super) async fn by_provider(
    ctx: &Ctx<'_>,
    caller: &AccountCaller,
    step: &SettingsAction,
    (used, dated): (ExternalAccount, DatedProof),
) -> Result<ChangeOutcome, Error> {
    // Never back: the challenge of a passkey would be the same once more.
    let at = caller.via.proved_at().map_or(dated.at, |before| before.max(dated.at));
    let proof = Proof { external: Some(used), at: Some(at), ..Proof::of(caller, dated.amr) };
    note(ctx, caller, proof, Some(step)).await
}

/// Records the reauthentication in the caller's session or grant.
async fn note(
    ctx: &Ctx<'_>,
    caller: &AccountCaller,
    proof: Proof,
    settings_action: Option<&SettingsAction>,
) -> Result<ChangeOutcome, Error> {
    commit(ctx, caller, ChangeRequest { settings_action, ..ChangeRequest::of(AccountChange::Prove(proof)) }).await
}
