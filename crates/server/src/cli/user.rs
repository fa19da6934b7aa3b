//! `vestibule user …`: finding, showing, deleting, exporting and importing users, and their device keys.

mod delete;
mod find;
mod transfer;

use clap::{Args, Subcommand};
use vestibule_app::{
    actor::Actor,
    admin::{self, AdminError},
};
use vestibule_domain::{id::UserId, user::User};
use vestibule_store::{
    StoreError,
    device_keys::{self, DeviceKeyRow},
};

use super::{CommandError, ConfigFile, Opened, printable};

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    Find(find::Find),
    Show(find::Show),
    Delete(delete::Delete),
    Export(transfer::Export),
    Import(transfer::Import),
    /// List and revoke the device keys guests sign in with
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// List the device keys of a user
    List(ListKeys),
    /// Revoke a device key; the device can't sign in with it again
    Revoke(RevokeKey),
}

/// Which project.
#[derive(Debug, Args)]
struct InProject {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    #[arg(long, value_name = "ID")]
    project: String,
}

impl InProject {
    async fn open(&self) -> Result<Opened, CommandError> {
        Opened::open(&self.config, &self.project).await
    }
}

/// What a user is, in a word.
fn name_kind(user: &User) -> &'static str {
    match (user.is_anonymous(), user.promoted_at) {
        (true, _) => "guest",
        (false, Some(_)) => "promoted member",
        (false, None) => "member",
    }
}

/// The reason of a refusal: all faults, not their number.
fn explain(error: AdminError) -> CommandError {
    match error {
        AdminError::Invalid(faults) => {
            CommandError(faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; "))
        }
        AdminError::NotFound(thing) => CommandError(format!("the project has no such {thing}")),
        other @ (AdminError::Store(_)
        | AdminError::Conflict(_)
        | AdminError::Changed { .. }
        | AdminError::OriginFixed
        | AdminError::RoleLost
        | AdminError::Flow(_)
        | AdminError::Load(_)) => other.into(),
    }
}

/// Which user of which project.
#[derive(Debug, Args)]
struct KeyOwner {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    #[arg(long)]
    project: String,
    /// The user ID, the `sub` of the user's tokens
    #[arg(long, value_name = "SUB")]
    user: UserId,
}

#[derive(Debug, Args)]
pub(super) struct ListKeys {
    #[command(flatten)]
    key_owner: KeyOwner,
}

#[derive(Debug, Args)]
pub(super) struct RevokeKey {
    #[command(flatten)]
    key_owner: KeyOwner,
    /// The key ID, as printed by `list`
    #[arg(value_name = "KEY-ID")]
    kid: String,
    /// Also end all sessions of the user, for example if the device was lost
    #[arg(long)]
    end_sessions: bool,
}

impl UserCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Find(find) => find.run().await,
            Self::Show(show) => show.run().await,
            Self::Delete(delete) => delete.run().await,
            Self::Export(export) => export.run().await,
            Self::Import(import) => import.run().await,
            Self::Keys(KeysCommand::List(list)) => list.run().await,
            Self::Keys(KeysCommand::Revoke(revoke)) => revoke.run().await,
        }
    }
}

impl KeyOwner {
    async fn open(&self) -> Result<Opened, CommandError> {
        Opened::open(&self.config, &self.project).await
    }
}

/// The device keys of a user, oldest first; empty for an unknown user.
async fn list(opened: &Opened, user: UserId) -> Result<Vec<DeviceKeyRow>, StoreError> {
    device_keys::list(&mut *opened.app.store.read().await?, opened.project.no, user).await
}

impl ListKeys {
    async fn run(self) -> Result<(), CommandError> {
        let opened = self.key_owner.open().await?;
        let keys = list(&opened, self.key_owner.user).await;
        opened.close().await;
        let keys = keys?;
        if keys.is_empty() {
            println!("User {} has no device keys.", self.key_owner.user);
        }
        for key in keys {
            let state = match key.promoted_at {
                Some(at) => format!("retired by promotion {}", at.to_rfc3339()),
                None => format!("last used {}", key.last_used_at.to_rfc3339()),
            };
            let device = printable(key.device.as_deref().unwrap_or("unnamed device"));
            println!("{}\t{device}\tregistered {}\t{state}", key.kid, key.created_at.to_rfc3339());
        }
        Ok(())
    }
}

impl RevokeKey {
    async fn run(self) -> Result<(), CommandError> {
        let opened = self.key_owner.open().await?;
        let done = self.execute(&opened).await;
        opened.close().await;
        let ended = done?;
        println!("Key {} revoked.", self.kid);
        match ended {
            Some(ended) => println!("Sessions ended: {ended}."),
            None => println!("Open sessions continue; --end-sessions ends them, too."),
        }
        Ok(())
    }

    /// Revokes the key and, if requested, ends the sessions; returns how many.
    async fn execute(&self, opened: &Opened) -> Result<Option<usize>, CommandError> {
        let user = self.key_owner.user;
        let known = list(opened, user).await?;
        let missing = || CommandError(format!("user {user} has no device key \"{}\"", self.kid));
        let key = known.into_iter().find(|key| key.kid == self.kid).ok_or_else(missing)?;
        let by = Actor::at_terminal("user keys revoke");
        let done = if self.end_sessions {
            admin::device_keys::revoke_lost(&opened.ctx(), &by, user, key.id).await.map(Some)
        } else {
            admin::device_keys::revoke(&opened.ctx(), &by, user, key.id).await.map(|()| None)
        };
        match done {
            Err(AdminError::NotFound(_)) => Err(missing()),
            other => Ok(other?),
        }
    }
}
