//! The secrets of confidential applications: made here, shown once, stored as hashes.

use vestibule_domain::{
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use vestibule_store::{StoreError, client_secrets};

use crate::{app::App, crypto::sha256, projects::Project};

/// Why a secret cannot be made or listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such application.
    #[error("there is no such application")]
    UnknownClient,
    /// It could not keep a secret.
    #[error("a public application has no secrets")]
    Public,
}

/// Makes a secret. An application may have several, so that it can change over without a gap.
pub(crate) async fn create(
    app: &App,
    project: &Project,
    client_id: &str,
    now: Timestamp,
) -> Result<(Secret<String>, TokenHash), SecretError> {
    check(project, client_id)?;
    let secret = Secret::new(app.entropy.alphanumeric());
    let hash = sha256(secret.expose().as_bytes());
    let no = project.no;
    app.store
        .write("create_client_secret", client_id.to_string(), move |tx, client_id| {
            Box::pin(client_secrets::insert(tx, no, client_id, hash, now))
        })
        .await?;
    Ok((secret, hash))
}

/// The hashes of an application's secrets and when they were made, oldest first.
pub(crate) async fn list(
    app: &App,
    project: &Project,
    client_id: &str,
) -> Result<Vec<(TokenHash, Timestamp)>, SecretError> {
    check(project, client_id)?;
    Ok(client_secrets::list(&mut *app.store.read().await?, project.no, client_id).await?)
}

/// Removes a secret; false when there is no such one.
pub(crate) async fn remove(
    app: &App,
    project: &Project,
    client_id: &str,
    hash: TokenHash,
) -> Result<bool, SecretError> {
    let no = project.no;
    let removed = app
        .store
        .write("remove_client_secret", client_id.to_string(), move |tx, client_id| {
            Box::pin(client_secrets::remove(tx, no, client_id, hash))
        })
        .await?;
    Ok(removed)
}

fn check(project: &Project, client_id: &str) -> Result<(), SecretError> {
    let client = project.settings.client(client_id).ok_or(SecretError::UnknownClient)?;
    if client.application_type().is_confidential() { Ok(()) } else { Err(SecretError::Public) }
}
