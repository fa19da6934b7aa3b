//! `vestibule operator …`: one-time links into the portal, for the first operator or one who lost its credentials.

use clap::{Args, Subcommand};
use vestibule_app::{
    adapters::{clock::Clock, entropy::Entropy},
    open,
    operators::{audit, links, normalize},
};
use vestibule_domain::{operator::OperatorAct, project::Origin};
use vestibule_store::{Store, StoreError, operator_events, operator_links, operator_sessions, operators};

use super::{CommandError, ConfigFile};

#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    /// Print a one-time link: to create an owner of every project, or (with --email) to reset an operator's password or passkey
    Link(CreateOperatorLink),
    /// List operators and their roles
    List(ListOperators),
    /// Remove an operator and sign them out at once
    Remove(RemoveOperator),
}

#[derive(Debug, Args)]
pub(super) struct CreateOperatorLink {
    #[command(flatten)]
    config: ConfigFile,
    /// The email address of the operator to reset; without it, the link creates a new owner
    #[arg(long)]
    email: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListOperators {
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
pub(super) struct RemoveOperator {
    #[command(flatten)]
    config: ConfigFile,
    /// The operator's email address
    email: String,
}

impl OperatorCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Link(link) => link.run().await,
            Self::List(list) => list.run().await,
            Self::Remove(remove) => remove.run().await,
        }
    }
}

impl CreateOperatorLink {
    async fn run(self) -> Result<(), CommandError> {
        let config = self.config.load()?;
        let Ok(origin) = Origin::parse(&config.portal.public_origin) else {
            return Err(CommandError(
                "the portal is not enabled: set portal.public_origin, or name the server's configuration with --config"
                    .into(),
            ));
        };
        let (store, _) = open::open_store(&config, &Entropy::Os).await?;
        let operator = match &self.email {
            None => None,
            Some(typed) => Some(find(&store, typed).await?),
        };
        let (command, now) = ("vestibule operator link", Clock::System.now());
        let token = links::create_by_command(&store, &Entropy::Os, operator.as_ref(), command, now).await?;
        store.close().await;
        println!("{origin}{}", links::path_of(&token));
        Ok(())
    }
}

async fn find(store: &Store, typed: &str) -> Result<vestibule_domain::operator::Operator, CommandError> {
    let email = normalize(typed).unwrap_or_else(|| typed.to_string());
    let found = operators::find_by_email(&mut *store.read().await?, &email).await?;
    found.ok_or_else(|| CommandError(format!("there is no operator \"{typed}\": see `vestibule operator list`")))
}

impl ListOperators {
    async fn run(self) -> Result<(), CommandError> {
        let (store, _) = open::open_existing_store(&self.config.load()?, &Entropy::Os).await?;
        let mut conn = store.read().await?;
        let all = operators::list(&mut conn).await?;
        let projects = vestibule_store::projects::list_any_project(&mut conn).await?;
        drop(conn);
        store.close().await;
        for (operator, assignment) in all {
            let place = projects.iter().find(|project| project.no == assignment.project);
            let place = place.map_or("every project", |project| project.id.as_str());
            println!("{}\t{}\t{}\t{place}", operator.email, operator.name, assignment.role.as_str());
        }
        Ok(())
    }
}

impl RemoveOperator {
    async fn run(self) -> Result<(), CommandError> {
        let (store, _) = open::open_existing_store(&self.config.load()?, &Entropy::Os).await?;
        let operator = find(&store, &self.email).await?;
        let (id, email) = (operator.id, operator.email);
        let by = ("vestibule operator remove", None);
        let event =
            audit::event_about(&Entropy::Os, (Some(id), &email), by, OperatorAct::Removed, "", Clock::System.now());
        store
            .write("remove_operator", (email, event), move |tx, (email, event)| {
                Box::pin(async move {
                    operator_sessions::remove_of_operator(tx, id).await?;
                    operator_links::remove_all_for(tx, email).await?;
                    operator_events::insert(tx, event).await?;
                    operators::remove(tx, id).await.map(drop)
                })
            })
            .await
            .map_err(|error: StoreError| CommandError(error.to_string()))?;
        store.close().await;
        Ok(())
    }
}
