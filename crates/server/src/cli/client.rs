//! `vestibule client secret …`: the secrets of confidential applications. They are shown once and stored as hashes.

use clap::{Args, Subcommand};
use vestibule_domain::secret::TokenHash;

use super::{ConfigFile, Failure, Opened};
use crate::{
    crypto::hex,
    flows::client_secrets::{self, SecretError},
};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// The secrets of a confidential application
    #[command(subcommand)]
    Secret(SecretCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum SecretCommand {
    /// Make one more secret and show it, once
    Create(OfClient),
    /// List the secrets by the start of their hashes
    List(OfClient),
    /// Remove a secret; its application cannot use it from then on
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(super) struct OfClient {
    #[command(flatten)]
    config: ConfigFile,
    /// The project's id
    #[arg(long)]
    project: String,
    /// The application's client id
    #[arg(long)]
    client: String,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    #[command(flatten)]
    of: OfClient,
    /// The secret's name, as `client secret list` prints it
    name: String,
}

/// What people see of a hash: enough to tell secrets apart.
fn name(hash: &TokenHash) -> String {
    hex(&hash.0[..6])
}

impl ClientCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Secret(SecretCommand::Create(of)) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let made = client_secrets::create(&opened.app, &opened.project, &of.client, opened.now()).await;
                opened.close().await;
                let (secret, hash) = made.map_err(|error| explain(error, &of))?;
                eprintln!("Secret {} of \"{}\". It is shown only now; keep it safe:", name(&hash), of.client);
                println!("{}", secret.expose());
            }
            Self::Secret(SecretCommand::List(of)) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let listed = client_secrets::list(&opened.app, &opened.project, &of.client).await;
                opened.close().await;
                for (hash, created_at) in listed.map_err(|error| explain(error, &of))? {
                    println!("{}\tmade {created_at}", name(&hash));
                }
            }
            Self::Secret(SecretCommand::Remove(Remove { of, name: wanted })) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let removed = async {
                    let listed = client_secrets::list(&opened.app, &opened.project, &of.client).await?;
                    match listed.iter().find(|(hash, _)| name(hash) == wanted) {
                        Some((hash, _)) => {
                            client_secrets::remove(&opened.app, &opened.project, &of.client, *hash).await
                        }
                        None => Ok(false),
                    }
                }
                .await;
                opened.close().await;
                if !removed.map_err(|error| explain(error, &of))? {
                    return Err(Failure(format!("\"{}\" has no secret {wanted}", of.client)));
                }
                println!("removed");
            }
        }
        Ok(())
    }
}

fn explain(error: SecretError, of: &OfClient) -> Failure {
    match error {
        SecretError::Store(error) => error.into(),
        SecretError::UnknownClient => {
            Failure(format!("the project \"{}\" has no application \"{}\"", of.project, of.client))
        }
        SecretError::Public => Failure(format!(
            "\"{}\" is a public application: only confidential, third_party_app and m2m applications have secrets",
            of.client
        )),
    }
}
