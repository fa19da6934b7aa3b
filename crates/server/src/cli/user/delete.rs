//! `vestibule user delete`.

use clap::Args;
use vestibule_app::{
    actor::Actor,
    admin::{user_details, users},
};
use vestibule_domain::id::UserId;

use super::{InProject, explain, name_kind};
use crate::cli::{CommandError, Opened, printable, question};

/// Delete a user with everything it owns; asks first
#[derive(Debug, Args)]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    of: InProject,
    /// The user ID, the `sub` of the user's tokens
    #[arg(value_name = "USER")]
    user: UserId,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Delete {
    pub(in crate::cli) async fn run(self) -> Result<(), CommandError> {
        if !self.yes && !question::is_possible() {
            return Err(CommandError("nothing was deleted: without a terminal to ask at, add --yes".into()));
        }
        let opened = self.of.open().await?;
        let deleted = self.delete(&opened).await;
        opened.close().await;
        deleted?;
        println!("User {} deleted.", self.user);
        Ok(())
    }

    async fn delete(&self, opened: &Opened) -> Result<(), CommandError> {
        if !self.yes {
            let question = self.describe(opened).await?;
            if !question::confirm(&question)? {
                return Err(CommandError("nothing was deleted".into()));
            }
        }
        users::delete(&opened.ctx(), &Actor::at_terminal("user delete"), self.user).await.map_err(explain)
    }

    /// The question, with what is lost.
    async fn describe(&self, opened: &Opened) -> Result<String, CommandError> {
        let details = user_details::load(&opened.ctx(), self.user).await.map_err(explain)?;
        let user = &details.loaded.user;
        let login_ids = details.loaded.identities.iter().filter_map(|identity| identity.login_id());
        let names: Vec<String> = login_ids.map(|(login_id, _)| printable(&login_id.original)).collect();
        let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        Ok(format!(
            "Delete the {} {}{names} of \"{}\", with {} and {}? This can't be undone.",
            name_kind(user),
            user.id,
            opened.project.id,
            count(details.sessions.len(), "session"),
            count(details.keys.len(), "device key")
        ))
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
