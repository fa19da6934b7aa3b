//! `vestibule operator …`: one-time links into the portal, for the first operator or one who lost its credentials.

use clap::{Args, Subcommand};
use vestibule_domain::{operator::Act, project::Origin};
use vestibule_store::{Store, StoreError, operator_events, operator_links, operator_sessions, operators};

use super::{ConfigFile, Failure};
use crate::{
    boot,
    flows::operators::{links, normalize, trace},
    ports::{clock::Clock, entropy::Entropy},
};

#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    /// Print a one-time link: to create an owner of every project, or (with --email) to reset an operator's password or passkey
    Link(Link),
    /// List operators and their roles
    List(List),
    /// Remove an operator and sign them out at once
    Remove(Remove),
}

#[derive(Debug, Args)]
pub(super) struct Link {
    #[command(flatten)]
    config: ConfigFile,
    /// The email address of the operator to reset; without it, the link creates a new owner
    #[arg(long)]
    email: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    config: ConfigFile,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    #[command(flatten)]
    config: ConfigFile,
    /// The operator's email address
    email: String,
}

impl OperatorCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Link(link) => link.run().await,
            Self::List(list) => list.run().await,
            Self::Remove(remove) => remove.run().await,
        }
    }
}

impl Link {
    async fn run(self) -> Result<(), Failure> {
        let config = self.config.load()?;
        let Ok(origin) = Origin::parse(&config.portal.public_origin) else {
            return Err(Failure("the portal is not enabled: set portal.public_origin".into()));
        };
        let (store, _) = boot::open_store(&config, &Entropy::Os).await?;
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

async fn find(store: &Store, typed: &str) -> Result<vestibule_domain::operator::Operator, Failure> {
    let email = normalize(typed).unwrap_or_else(|| typed.to_string());
    let found = operators::find_by_email(&mut *store.read().await?, &email).await?;
    found.ok_or_else(|| Failure(format!("there is no operator \"{typed}\": see `vestibule operator list`")))
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let (store, _) = boot::open_store(&self.config.load()?, &Entropy::Os).await?;
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

impl Remove {
    async fn run(self) -> Result<(), Failure> {
        let (store, _) = boot::open_store(&self.config.load()?, &Entropy::Os).await?;
        let operator = find(&store, &self.email).await?;
        let (id, email) = (operator.id, operator.email);
        let by = ("vestibule operator remove", None);
        let event = trace::done_to(&Entropy::Os, (Some(id), &email), by, Act::Removed, "", Clock::System.now());
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
            .map_err(|error: StoreError| Failure(error.to_string()))?;
        store.close().await;
        Ok(())
    }
}
