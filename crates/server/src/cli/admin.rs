//! `vestibule admin …`: Admin API keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use vestibule_app::{
    actor::Actor,
    admin::keys::{self, AdminScope, print_scopes},
};
use vestibule_protocol::text;

use super::{CommandError, ConfigFile, Opened};

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Create, list and revoke API keys of the Admin API
    #[command(subcommand)]
    Key(AdminKeyCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum AdminKeyCommand {
    /// Create an API key and print it once, or register the public key of a signing key
    Create(CreateAdminKey),
    /// List the API keys of a project
    List(ListAdminKeys),
    /// Revoke an API key; requests with it are refused at once
    Revoke(RevokeAdminKey),
}

#[derive(Debug, Args)]
pub(super) struct CreateAdminKey {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    #[arg(long)]
    project: String,
    /// The key's name
    #[arg(long)]
    name: String,
    /// Scopes, comma-separated: settings:read, settings:write, users:read, users:write, users:transfer,
    /// events:read, statistics:read, keys:write; all scopes if not set
    #[arg(long, value_delimiter = ',', value_name = "SCOPES")]
    scopes: Vec<String>,
    /// A file with an RSA or P-256 public key (JWK), for callers that sign JWTs
    #[arg(long, value_name = "FILE")]
    public_jwk: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ListAdminKeys {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    #[arg(long)]
    project: String,
}

#[derive(Debug, Args)]
pub(super) struct RevokeAdminKey {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    #[arg(long)]
    project: String,
    /// The key ID, as printed by `list`
    id: String,
}

impl AdminCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let Self::Key(command) = self;
        match command {
            AdminKeyCommand::Create(create) => create.run().await,
            AdminKeyCommand::List(list) => list.run().await,
            AdminKeyCommand::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl CreateAdminKey {
    async fn run(self) -> Result<(), CommandError> {
        let mut scopes = Vec::new();
        for word in &self.scopes {
            let known = || AdminScope::ALL.map(AdminScope::as_str).join(", ");
            scopes.push(
                AdminScope::parse(word)
                    .ok_or_else(|| CommandError(format!("--scopes: \"{word}\" is not one of {}", known())))?,
            );
        }
        if scopes.is_empty() {
            scopes = AdminScope::ALL.to_vec();
        }
        let jwk = match &self.public_jwk {
            None => None,
            Some(file) => Some(
                std::fs::read_to_string(file)
                    .map_err(|error| CommandError(format!("can't read {}: {error}", file.display())))?,
            ),
        };
        if !text::is_name(self.name.trim()) {
            return Err(CommandError(format!("--name: write 1 to {} characters", text::MAX_NAME_CHARS)));
        }
        let opened = Opened::open(&self.config, &self.project).await?;
        let by = Actor::at_terminal("admin key create");
        let made = match jwk {
            Some(jwk) => {
                keys::register_public_key(&opened.ctx(), &by, &self.name, &jwk, &scopes).await.map(|key| key.id)
            }
            None => keys::create_api_key(&opened.ctx(), &by, &self.name, &scopes).await.map(|(_, text)| text),
        };
        opened.close().await;
        println!("{}", made?);
        Ok(())
    }
}

impl ListAdminKeys {
    async fn run(self) -> Result<(), CommandError> {
        let opened = Opened::open(&self.config, &self.project).await?;
        let all = keys::list(&opened.ctx()).await;
        opened.close().await;
        for key in all? {
            let state = key.revoked_at.map_or_else(|| "valid".to_string(), |at| format!("revoked {}", at.to_rfc3339()));
            println!("{}\t{}\t{}\t{}\t{state}", key.id, key.kind.as_str(), key.name, print_scopes(&key.scopes, ","));
        }
        Ok(())
    }
}

impl RevokeAdminKey {
    async fn run(self) -> Result<(), CommandError> {
        let opened = Opened::open(&self.config, &self.project).await?;
        let by = Actor::at_terminal("admin key revoke");
        let revoked = keys::revoke(&opened.ctx(), &by, &self.id).await;
        opened.close().await;
        if revoked? { Ok(()) } else { Err(CommandError(format!("there is no valid key \"{}\"", self.id))) }
    }
}
