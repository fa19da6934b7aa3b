//! Login IDs and passwords that an operator gives a user: parses, validates and prepares them for the transaction.

use vestibule_domain::{
    credential::password::{self, Weakness},
    id::UserId,
    identifier::{LoginId, LoginIdKind},
    identity::OwnedLoginId,
    secret::Secret,
};

use super::{AdminError, Fault};
use crate::{ctx::Ctx, passwords::new_password};

/// A login ID as entered by an operator.
#[derive(Clone, Debug)]
pub struct NewLoginId {
    pub kind: LoginIdKind,
    pub value: String,
    /// Whether the operator confirms that the user controls the address.
    pub is_verified: bool,
}

/// Validates a login ID and builds its row.
pub fn read_login_id(ctx: &Ctx<'_>, path: &str, new: &NewLoginId, user: UserId) -> Result<OwnedLoginId, Fault> {
    if !ctx.project.settings.login_id_kinds().contains(&new.kind) {
        let message = format!("the project has no login IDs of type {:?}", new.kind.as_str());
        return Err(Fault::new(format!("{path}.type"), message));
    }
    let parsed = LoginId::parse(new.kind, &new.value, ctx.project.settings.default_country())
        .map_err(|problem| Fault::new(format!("{path}.value"), format!("{problem} ({})", problem.key())))?;
    Ok(OwnedLoginId {
        id: ctx.app.entropy.id(ctx.now),
        user_id: user,
        kind: new.kind.as_str().to_string(),
        value: parsed.value,
        original: parsed.original,
        verified_at: new.is_verified.then_some(ctx.now),
        created_at: ctx.now,
        updated_at: ctx.now,
    })
}

/// Validates a password against the project's policy and hashes it.
pub(crate) async fn hash_password(ctx: &Ctx<'_>, text: &str, login_ids: &[OwnedLoginId]) -> Result<String, AdminError> {
    let names: Vec<&str> = login_ids.iter().map(|row| row.value.as_str()).collect();
    let policy = ctx.project.settings.password_policy();
    let found = new_password::assess(ctx.app, ctx.project.no, policy, text, &names).await.map_err(AdminError::Flow)?;
    if !found.is_good() {
        let faults = found
            .weaknesses
            .iter()
            .map(|weakness| Fault::new("password", format!("{} ({})", describe_weakness(*weakness), weakness.key())));
        return Err(AdminError::Invalid(faults.collect()));
    }
    let prepared: Secret<String> = password::prepare(text);
    Ok(ctx.app.hasher.hash(ctx.project.no, prepared, &ctx.app.entropy).await.map_err(crate::error::Error::from)?)
}

fn describe_weakness(weakness: Weakness) -> String {
    match weakness {
        Weakness::TooShort { min } => format!("use at least {min} characters"),
        Weakness::TooLong { max } => format!("use at most {max} characters"),
        Weakness::LikeLoginId => "the password is too similar to the login ID".to_string(),
        Weakness::TooGuessable => "the password is too easy to guess".to_string(),
        Weakness::Breached => "the password is on the list of breached passwords".to_string(),
    }
}
