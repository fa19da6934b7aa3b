//! One-time links into the portal: the first run's, invitations, new passwords. What is stored of one is its hash.

use vestibule_domain::{
    operator::{Assignment, EVERY_PROJECT, LinkPurpose, Operator, Role},
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_store::{
    Store, StoreError,
    operator_links::{self, OperatorLink},
    operator_sessions, operators,
};

use super::{EmailMistake, Mistakes, Typed, check_name, check_password, hash_password, normalize, sign_in::make_token};
use crate::{app::App, crypto::sha256, flows::Error, ports::entropy::Entropy};

/// Where a link leads, below the portal's origin.
pub(crate) fn path_of(token: &str) -> String {
    format!("/portal/welcome/{token}")
}

/// Makes a link; older ones of the same purpose, place and address are dead from now on. The answer is its secret part.
pub(crate) async fn create(
    store: &Store,
    entropy: &Entropy,
    purpose: LinkPurpose,
    assignment: Assignment,
    email: &str,
    now: Timestamp,
) -> Result<String, StoreError> {
    let token = entropy.alphanumeric();
    let link = OperatorLink {
        token: sha256(token.as_bytes()),
        purpose,
        assignment,
        email: email.to_string(),
        created_at: now,
        expires_at: now.plus(purpose.lifetime()),
    };
    store
        .write("create_operator_link", link, |tx, link| {
            Box::pin(async move {
                operator_links::remove_of(tx, link.assignment.project, link.purpose, &link.email).await?;
                operator_links::insert(tx, link).await
            })
        })
        .await?;
    Ok(token)
}

/// The link of the first run, while there is no operator: whoever sees the server start may become one.
pub(crate) async fn create_first(
    store: &Store,
    entropy: &Entropy,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    if operators::exists(&mut *store.read().await?).await? {
        return Ok(None);
    }
    let owner = Assignment { project: EVERY_PROJECT, role: Role::Owner };
    create(store, entropy, LinkPurpose::FirstRun, owner, "", now).await.map(Some)
}

/// The link behind a secret part, if it still holds.
pub(crate) async fn find(app: &App, token: &str, now: Timestamp) -> Result<Option<OperatorLink>, Error> {
    Ok(operator_links::find(&mut *app.store.read().await?, sha256(token.as_bytes()), now).await?)
}

/// What redeeming a link came to.
pub(crate) enum Redeemed {
    /// Its holder is signed in; this is the cookie.
    SignedIn(String),
    /// Something typed is not right; the link still holds.
    Mistaken(Mistakes),
    /// Somebody was faster, or it holds no more.
    Gone,
}

/// What one transaction does.
struct Deed {
    link: TokenHash,
    assignment: Assignment,
    operator: Operator,
    is_new: bool,
    session: TokenHash,
}

/// Why the transaction undid itself.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error("the link holds no more")]
    Gone,
    #[error("another operator has the address")]
    Taken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the operator, or changes its password, and signs it in: all of it or nothing, once.
pub(crate) async fn redeem(
    app: &App,
    link: &OperatorLink,
    typed: &Typed<'_>,
    now: Timestamp,
) -> Result<Redeemed, Error> {
    let known = if link.purpose == LinkPurpose::Reset {
        let found = operators::find_by_email(&mut *app.store.read().await?, &link.email).await?;
        let Some(found) = found else { return Ok(Redeemed::Gone) };
        Some(found)
    } else {
        None
    };
    let is_new = known.is_none();
    let email = match (&known, link.email.as_str()) {
        (Some(operator), _) => Some(operator.email.clone()),
        (None, "") => normalize(typed.email),
        (None, email) => Some(email.to_string()),
    };
    let name = known.as_ref().map_or_else(|| typed.name.trim().to_string(), |operator| operator.name.clone());
    let mut mistakes = Mistakes { name: !check_name(&name), ..Mistakes::default() };
    mistakes.weaknesses = check_password(app, typed.password, &[email.as_deref().unwrap_or_default(), &name]);
    match &email {
        None => mistakes.email = Some(EmailMistake::Invalid),
        Some(email) if is_new => {
            let taken = operators::find_by_email(&mut *app.store.read().await?, email).await?.is_some();
            mistakes.email = taken.then_some(EmailMistake::Taken);
        }
        Some(_) => {}
    }
    let Some(email) = email.filter(|_| mistakes == Mistakes::default()) else {
        return Ok(Redeemed::Mistaken(mistakes));
    };
    let password_hash = hash_password(app, typed.password).await?;
    let operator = match known {
        Some(operator) => Operator { password_hash, ..operator },
        None => Operator { id: app.entropy.id(now), email, name, password_hash, created_at: now },
    };
    let (cookie, session) = make_token(app);
    let deed = Deed { link: link.token, assignment: link.assignment, operator, is_new, session };
    let written = app
        .store
        .write("redeem_operator_link", deed, move |tx, deed| {
            Box::pin(async move {
                if !operator_links::take(tx, deed.link, now).await? {
                    return Err(Undone::Gone);
                }
                let id = deed.operator.id;
                if deed.is_new {
                    if !operators::insert(tx, &deed.operator).await? {
                        return Err(Undone::Taken);
                    }
                    operators::set_role(tx, id, deed.assignment).await?;
                    operator_links::remove_of(tx, EVERY_PROJECT, LinkPurpose::FirstRun, "").await?;
                } else {
                    if !operators::set_password(tx, id, &deed.operator.password_hash).await? {
                        return Err(Undone::Gone);
                    }
                    operator_sessions::remove_of_operator(tx, id).await?;
                }
                operator_sessions::insert(tx, deed.session, id, now).await?;
                Ok(())
            })
        })
        .await;
    match written {
        Ok(()) => Ok(Redeemed::SignedIn(cookie)),
        Err(Undone::Gone) => Ok(Redeemed::Gone),
        Err(Undone::Taken) => {
            Ok(Redeemed::Mistaken(Mistakes { email: Some(EmailMistake::Taken), ..Mistakes::default() }))
        }
        Err(Undone::Store(error)) => Err(error.into()),
    }
}
