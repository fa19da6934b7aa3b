//! `vestibule user …`: looking after single users, without a portal.

use clap::{Args, Subcommand};
use vestibule_domain::id::UserId;
use vestibule_store::{Store, device_keys, grants, sessions};

use super::{ConfigFile, Failure};
use crate::{boot, flows::projects, ports::entropy::Entropy};

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// See and revoke the device keys a guest comes back with
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// List the device keys of a user
    List(ListKeys),
    /// Revoke a device key: nobody signs in with it any more
    Revoke(RevokeKey),
}

/// Which user of which project.
#[derive(Debug, Args)]
struct Whose {
    #[command(flatten)]
    config: ConfigFile,
    /// The project's id
    #[arg(long)]
    project: String,
    /// The user's id, the `sub` of its tokens
    #[arg(long, value_name = "SUB")]
    user: UserId,
}

#[derive(Debug, Args)]
pub(super) struct ListKeys {
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Args)]
pub(super) struct RevokeKey {
    #[command(flatten)]
    whose: Whose,
    /// The key's id, as `list` prints it
    #[arg(value_name = "KEY-ID")]
    kid: String,
    /// Also end all the user's sessions: for a device that was lost or stolen
    #[arg(long)]
    end_sessions: bool,
}

impl UserCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Keys(KeysCommand::List(list)) => list.run().await,
            Self::Keys(KeysCommand::Revoke(revoke)) => revoke.run().await,
        }
    }
}

impl Whose {
    async fn open(&self) -> Result<(Store, vestibule_domain::id::ProjectNo), Failure> {
        let (store, _) = boot::open_store(&self.config.load()?, &Entropy::Os).await?;
        match projects::find(&store, &self.project).await? {
            Some(row) => Ok((store, row.no)),
            None => {
                store.close().await;
                Err(Failure(format!("there is no project \"{}\"", self.project)))
            }
        }
    }
}

impl ListKeys {
    async fn run(self) -> Result<(), Failure> {
        let (store, no) = self.whose.open().await?;
        let keys = device_keys::list(&mut *store.read().await?, no, self.whose.user).await;
        store.close().await;
        let keys = keys?;
        if keys.is_empty() {
            println!("The user {} has no device key.", self.whose.user);
        }
        for key in keys {
            let state = match key.promoted_at {
                Some(at) => format!("retired by promotion {}", at.to_rfc3339()),
                None => format!("last used {}", key.last_used_at.to_rfc3339()),
            };
            let device = key.device.as_deref().unwrap_or("unnamed device");
            println!("{}\t{device}\tregistered {}\t{state}", key.kid, key.created_at.to_rfc3339());
        }
        Ok(())
    }
}

impl RevokeKey {
    async fn run(self) -> Result<(), Failure> {
        let (store, no) = self.whose.open().await?;
        let (user, ends) = (self.whose.user, self.end_sessions);
        let revoked = store
            .write("revoke_device_key", self.kid.clone(), move |tx, kid| {
                Box::pin(async move {
                    let removed = device_keys::remove(tx, no, kid, user).await?;
                    let ended = if removed && ends {
                        grants::remove_all(tx, no, user).await? + sessions::remove_all(tx, no, user).await?
                    } else {
                        0
                    };
                    Ok::<_, vestibule_store::StoreError>((removed, ended))
                })
            })
            .await;
        store.close().await;
        let (removed, ended) = revoked?;
        if !removed {
            return Err(Failure(format!("the user {user} has no device key \"{}\"", self.kid)));
        }
        println!("The key {} is revoked.", self.kid);
        if ends {
            println!("Sessions ended: {ended}.");
        } else {
            println!("Sessions that are open stay open; --end-sessions ends them too.");
        }
        Ok(())
    }
}
