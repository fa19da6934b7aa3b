//! `vestibule admin …`: keys of the Admin API, without an Admin API.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use vestibule_domain::id::ProjectNo;
use vestibule_store::Store;

use super::{ConfigFile, Failure};
use crate::{
    boot,
    flows::{
        admin::keys::{self, Scope},
        projects,
    },
    ports::{clock::Clock, entropy::Entropy},
};

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Make, list and revoke keys of the Admin API
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make an API key and print it, this once; or register the public half of a signing key
    Create(Create),
    /// List the keys of a project
    List(List),
    /// Revoke a key; requests with it are refused from then on
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    config: ConfigFile,
    /// The project's id
    #[arg(long)]
    project: String,
    /// What you call the key
    #[arg(long)]
    name: String,
    /// What it may do, comma-separated: settings:read, settings:write, users:read, users:write, users:transfer,
    /// events:read, statistics:read, keys:write; everything without it
    #[arg(long, value_delimiter = ',', value_name = "SCOPES")]
    scopes: Vec<String>,
    /// A file with the public half of an RSA or P-256 key (JWK), for callers that sign JWTs
    #[arg(long, value_name = "FILE")]
    public_jwk: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    config: ConfigFile,
    /// The project's id
    #[arg(long)]
    project: String,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    config: ConfigFile,
    /// The project's id
    #[arg(long)]
    project: String,
    /// The key's id, as `list` prints it
    id: String,
}

impl AdminCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self::Key(command) = self;
        match command {
            KeyCommand::Create(create) => create.run().await,
            KeyCommand::List(list) => list.run().await,
            KeyCommand::Revoke(revoke) => revoke.run().await,
        }
    }
}

async fn open(config: &ConfigFile, project: &str) -> Result<(Store, ProjectNo), Failure> {
    let (store, _) = boot::open_store(&config.load()?, &Entropy::Os).await?;
    let row = projects::find(&store, project).await?;
    let row = row.ok_or_else(|| Failure(format!("there is no project \"{project}\"")))?;
    Ok((store, row.no))
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let mut scopes = Vec::new();
        for word in &self.scopes {
            let known = || Scope::ALL.map(Scope::as_str).join(", ");
            scopes.push(
                Scope::parse(word).ok_or_else(|| Failure(format!("--scopes: \"{word}\" is not one of {}", known())))?,
            );
        }
        if scopes.is_empty() {
            scopes = Scope::ALL.to_vec();
        }
        let jwk = match &self.public_jwk {
            None => None,
            Some(file) => Some(
                std::fs::read_to_string(file)
                    .map_err(|error| Failure(format!("{} cannot be read: {error}", file.display())))?,
            ),
        };
        let (store, no) = open(&self.config, &self.project).await?;
        let now = Clock::System.now();
        match jwk {
            Some(jwk) => {
                let key = keys::register_public_key(&store, &Entropy::Os, no, &self.name, &jwk, &scopes, now).await?;
                println!("{}", key.id);
            }
            None => {
                let (_, text) = keys::create_api_key(&store, &Entropy::Os, no, &self.name, &scopes, now).await?;
                println!("{text}");
            }
        }
        store.close().await;
        Ok(())
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let (store, no) = open(&self.config, &self.project).await?;
        let all = keys::list(&store, no).await?;
        store.close().await;
        for key in all {
            let state = key.revoked_at.map_or_else(|| "valid".to_string(), |at| format!("revoked {at}"));
            println!("{}\t{}\t{}\t{}\t{state}", key.id, key.kind, key.name, key.scopes.join(","));
        }
        Ok(())
    }
}

impl Revoke {
    async fn run(self) -> Result<(), Failure> {
        let (store, no) = open(&self.config, &self.project).await?;
        let revoked = keys::revoke(&store, no, &self.id, Clock::System.now()).await?;
        store.close().await;
        if revoked { Ok(()) } else { Err(Failure(format!("there is no valid key \"{}\"", self.id))) }
    }
}
