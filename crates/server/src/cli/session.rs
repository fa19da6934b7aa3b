//! `vestibule session …`: listing and ending sessions.

use clap::{Args, Subcommand};
use vestibule_app::{
    actor::Actor,
    sessions::{self, Ending, Selection},
};
use vestibule_domain::{id::UserId, session::SessionRef, user::User};

use super::{CommandError, ConfigFile, Opened, printable};

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// List the active sessions and grants of a user
    List(OfUser),
    /// End one session or grant of a user
    Revoke(RevokeSession),
    /// End all sessions and grants of a user
    RevokeAll(OfUser),
}

#[derive(Debug, Args)]
pub(super) struct OfUser {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    #[arg(long)]
    project: String,
    /// The user ID (`sub`)
    #[arg(long)]
    user: UserId,
}

#[derive(Debug, Args)]
pub(super) struct RevokeSession {
    #[command(flatten)]
    of: OfUser,
    /// The session or grant to end, as printed by `session list`: session:ID or grant:ID
    id: SessionRef,
}

impl SessionCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(of) => {
                let (opened, user) = of.open().await?;
                let listed = sessions::list(&opened.ctx(), &user).await;
                opened.close().await;
                let listed = listed?;
                if listed.is_empty() {
                    println!("no active session");
                }
                for item in listed {
                    let application = item.client_id.as_deref().unwrap_or("(cookie)");
                    let device = printable(item.device.as_deref().unwrap_or_default());
                    println!(
                        "{}\t{application}\tsince {}\tlast used {}\tends {}\t{device}",
                        item.id, item.created_at, item.last_access_at, item.expires_at
                    );
                }
            }
            Self::Revoke(revoke) => {
                let (opened, user) = revoke.of.open().await?;
                let actor = Actor::at_terminal("session revoke");
                let one = Selection::One(revoke.id);
                let ended = sessions::end(&opened.app, Ending::by_actor(&opened.ctx(), &actor, user.id, one)).await;
                opened.close().await;
                if ended? == 0 {
                    return Err(CommandError("the user has no such session".into()));
                }
                println!("ended");
            }
            Self::RevokeAll(of) => {
                let (opened, user) = of.open().await?;
                let actor = Actor::at_terminal("session revoke-all");
                let all = Selection::All;
                let ended = sessions::end(&opened.app, Ending::by_actor(&opened.ctx(), &actor, user.id, all)).await;
                opened.close().await;
                println!("{} ended", ended?);
            }
        }
        Ok(())
    }
}

impl OfUser {
    async fn open(&self) -> Result<(Opened, User), CommandError> {
        let opened = Opened::open(&self.config, &self.project).await?;
        let user = sessions::find_user(&opened.ctx(), self.user).await?;
        let user = user.ok_or_else(|| CommandError(format!("the project has no user {}", self.user)))?;
        Ok((opened, user))
    }
}
