//! Passkeys in flows: the options for the browser, registration and sign-in.

use vestibule_store::passkeys;

use super::{
    Flow,
    basis::Basis,
    begin::owns,
    sign_in::{LoginProof, SignIn},
    steps::InputErrors,
};
use crate::{
    ctx::Ctx,
    error::Error,
    limits::tries::Buckets,
    passkeys::{Assertion, Expected, NewPasskey, PasskeyUser, Site},
    projects::Project,
};

fn site(project: &Project) -> Site<'_> {
    Site::new(project.settings.public_origin(), project.settings.display_name())
}

fn challenge(project: &Project, flow: &Flow, purpose: &str) -> [u8; 32] {
    // Unguessable because of the flow's random ID, and single-use because the flow ends with the first success.
    project.keys.mac.passkey_challenge(purpose, flow.id.as_bytes())
}

/// The options for creating a passkey.
pub fn creation_options(project: &Project, flow: &Flow) -> String {
    let name = flow.state.pending.as_ref().filter(|pending| pending.is_settled());
    let name = name.map_or_else(|| project.settings.display_name(), |pending| pending.login_id.original.as_str());
    let person = PasskeyUser { handle: *flow.future_user().as_bytes(), name, passkeys: &[] };
    site(project).creation_options(&challenge(project, flow, "create"), &person)
}

/// The options for signing in with a passkey.
pub fn request_options(project: &Project, flow: &Flow) -> String {
    site(project).request_options(&challenge(project, flow, "use"), &[])
}

/// Verifies the browser's response to the creation options.
pub fn read_new(project: &Project, flow: &Flow, answer: &str) -> Option<NewPasskey> {
    match site(project).register(answer, &challenge(project, flow, "create")) {
        Ok(passkey) => Some(passkey),
        Err(problem) => {
            tracing::debug!(error = %problem, "a new passkey was refused");
            None
        }
    }
}

/// Verifies the browser's response to the request options; a failure is counted before the response is sent.
pub async fn sign_in(ctx: &Ctx<'_>, flow: &Flow, answer: &str) -> Result<SignIn, Error> {
    let buckets = Buckets::of_passkey(ctx);
    buckets.check(ctx.app, ctx.now).await?;
    match find_proof(ctx, flow, answer).await? {
        Some(proof) => Ok(SignIn::Proved(Box::new(proof))),
        None => {
            buckets.record_failure(ctx.app, ctx.now).await?;
            Ok(SignIn::Invalid(InputErrors { wrong_credentials: true, ..InputErrors::default() }))
        }
    }
}

async fn find_proof(ctx: &Ctx<'_>, flow: &Flow, answer: &str) -> Result<Option<LoginProof>, Error> {
    let Ok(assertion) = Assertion::read(answer) else { return Ok(None) };
    let found = passkeys::find(&mut *ctx.app.store.read().await?, ctx.project.no, &assertion.credential_id).await?;
    let wanted = found.filter(|row| flow.state.only_user.is_none_or(|only| only == row.owner));
    let Some(row) = wanted else { return Ok(None) };
    if let Some(login_id) = &flow.state.enforced
        && !owns(ctx, row.owner, login_id).await?
    {
        return Ok(None);
    }
    let expected = Expected {
        challenge: &challenge(ctx.project, flow, "use"),
        owner: row.owner.as_bytes(),
        public_key: &row.public_key,
        backup_eligible: row.backup_eligible,
        requires_user_handle_match: false,
    };
    match site(ctx.project).verify(assertion, &expected) {
        Ok(used) => {
            let proof = LoginProof::new(row.owner, "pop user", Basis::of_passkey(flow));
            Ok(Some(LoginProof { passkey: Some(used), ..proof }))
        }
        Err(problem) => {
            tracing::info!(request.id = ctx.log_id(), user.id = %row.owner, error = %problem, "a passkey was refused");
            Ok(None)
        }
    }
}
