//! `vestibule client secret …`: secrets of confidential applications. They are shown once and stored as hashes.

use clap::{Args, Subcommand};
use vestibule_app::{
    actor::Actor,
    admin::{AdminError, Thing, applications},
};

use super::{CommandError, ConfigFile, Opened};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Manage the client secrets of a confidential application
    #[command(subcommand)]
    Secret(SecretCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum SecretCommand {
    /// Create a secret and print it once
    Create(OfClient),
    /// List the secrets by the first digits of their hashes
    List(OfClient),
    /// Remove a secret; requests with it are refused at once
    Remove(RemoveClientSecret),
}

#[derive(Debug, Args)]
pub(super) struct OfClient {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    #[arg(long)]
    project: String,
    /// The client ID of the application
    #[arg(long)]
    client: String,
}

#[derive(Debug, Args)]
pub(super) struct RemoveClientSecret {
    #[command(flatten)]
    of: OfClient,
    /// The secret's name, as printed by `client secret list`
    name: String,
}

impl ClientCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Secret(SecretCommand::Create(of)) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let by = Actor::at_terminal("client secret create");
                let made = applications::create_secret(&opened.ctx(), &by, &of.client).await;
                opened.close().await;
                let (view, secret) = made.map_err(|error| explain(error, &of, ""))?;
                eprintln!("Secret {} of \"{}\". Copy it now; it is not shown again:", view.id, of.client);
                println!("{secret}");
            }
            Self::Secret(SecretCommand::List(of)) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let listed = applications::list_secrets(&opened.ctx(), &of.client).await;
                opened.close().await;
                for secret in listed.map_err(|error| explain(error, &of, ""))? {
                    println!("{}\tmade {}", secret.id, secret.created_at.to_rfc3339());
                }
            }
            Self::Secret(SecretCommand::Remove(RemoveClientSecret { of, name })) => {
                let opened = Opened::open(&of.config, &of.project).await?;
                let by = Actor::at_terminal("client secret remove");
                let removed = applications::delete_secret(&opened.ctx(), &by, &of.client, &name).await;
                opened.close().await;
                removed.map_err(|error| explain(error, &of, &name))?;
                println!("removed");
            }
        }
        Ok(())
    }
}

fn explain(error: AdminError, of: &OfClient, name: &str) -> CommandError {
    match error {
        AdminError::NotFound(Thing::ClientSecret) => CommandError(format!("\"{}\" has no secret {name}", of.client)),
        AdminError::NotFound(_) => {
            CommandError(format!("the project \"{}\" has no application \"{}\"", of.project, of.client))
        }
        AdminError::Conflict(_) => CommandError(format!(
            "\"{}\" is a public application: only confidential, third_party_app and m2m applications have secrets",
            of.client
        )),
        other @ (AdminError::Store(_)
        | AdminError::Invalid(_)
        | AdminError::Changed { .. }
        | AdminError::OriginFixed
        | AdminError::RoleLost
        | AdminError::Flow(_)
        | AdminError::Load(_)) => other.into(),
    }
}
