//! `vestibule project …`: projects from files, without a portal.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use vestibule_domain::project::{Origin, ProjectSettings, diff, removals};

use super::{ConfigFile, Failure};
use crate::{
    boot,
    crypto::seal::MasterKey,
    flows::projects::{self, Applied},
    hosts::{self, PortalHost},
    ports::{clock::Clock, entropy::Entropy},
};
use vestibule_store::{Store, projects::list_any_project};

#[derive(Debug, Subcommand)]
pub(super) enum ProjectCommand {
    /// Create a project with nothing but a name and an origin, and print its file
    Create(Create),
    /// Make a project what a file says; prints what changes, safe to repeat
    Apply(Apply),
    /// Print a project's settings as a file
    Export(Export),
    /// List the projects
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    config: ConfigFile,
    /// The project's id: small letters, digits and hyphens
    #[arg(long)]
    id: String,
    /// Where end users reach it, e.g. https://auth.shop.example
    #[arg(long)]
    public_origin: String,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    #[command(flatten)]
    config: ConfigFile,
    /// Only say what would change; nothing is created or written
    #[arg(long)]
    dry_run: bool,
    /// Also remove what the file does not name: applications, webhooks and settings made in the portal
    #[arg(long)]
    prune: bool,
    /// The project file (TOML)
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    config: ConfigFile,
    /// The project's id
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    config: ConfigFile,
}

impl ProjectCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run().await,
            Self::Apply(apply) => apply.run().await,
            Self::Export(export) => export.run().await,
            Self::List(list) => list.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let origin =
            Origin::parse(&self.public_origin).map_err(|error| Failure(format!("--public-origin: {error}")))?;
        let settings = ProjectSettings::new(&self.id, origin);
        settings.validate().map_err(|all| complaints("the new project", &all))?;
        let (store, master, portal) = open(&self.config).await?;
        if projects::find(&store, &self.id).await?.is_some() {
            return Err(Failure(format!("there is a project \"{}\" already: change it with `project apply`", self.id)));
        }
        let now = Clock::System.now();
        let result = projects::apply(&store, &master, &Entropy::Os, &portal, &settings, now).await;
        store.close().await;
        result?;
        print!("{}", settings.to_toml());
        Ok(())
    }
}

impl Apply {
    async fn run(self) -> Result<(), Failure> {
        let settings = read_project(&self.file)?;
        if self.dry_run {
            return self.show_changes(&settings).await;
        }
        let (store, master, portal) = open(&self.config).await?;
        let applied = self.apply(&store, &master, &portal, &settings).await;
        store.close().await;
        print_applied(settings.id(), &applied?);
        Ok(())
    }

    async fn apply(
        &self,
        store: &Store,
        master: &MasterKey,
        portal: &PortalHost,
        settings: &ProjectSettings,
    ) -> Result<Applied, Failure> {
        let existing = projects::find(store, settings.id()).await?;
        if let Some(row) = existing.as_ref().filter(|_| !self.prune) {
            let lost = removals(&projects::read(row)?, settings);
            if !lost.is_empty() {
                return Err(refuse_to_remove(settings.id(), &lost));
            }
        }
        let (wanted, now) = ((existing, settings), Clock::System.now());
        Ok(projects::apply_to(store, master, &Entropy::Os, portal, wanted, now).await?)
    }

    /// Reads the store as it is, if there is one.
    async fn show_changes(&self, settings: &ProjectSettings) -> Result<(), Failure> {
        let config = self.config.load()?;
        let rows = match Store::look(&boot::location(&config.store)).await? {
            Some(mut conn) => list_any_project(&mut conn).await?,
            None => Vec::new(),
        };
        let id = settings.id();
        let row = rows.iter().find(|row| row.id == id);
        let origins: Vec<_> = rows.iter().map(|row| (row.no, row.public_origin.clone())).collect();
        let (portal, no) = (PortalHost::of(&config.portal), row.map(|row| row.no));
        hosts::judge_among(&origins, &portal, (no, id), settings.public_origin())
            .map_err(|clash| Failure(format!("project.public_origin: {clash}")))?;
        let Some(row) = row else {
            println!("{id}: would be created");
            return Ok(());
        };
        let stored = projects::read(row)?;
        let changes = diff(&stored, settings);
        print_applied(id, &if changes.is_empty() { Applied::Unchanged } else { Applied::Changed(changes) });
        let lost = removals(&stored, settings);
        if !lost.is_empty() && !self.prune {
            println!("Without --prune this is refused: it removes what the file does not name.");
            lost.iter().for_each(|path| println!("  {path}"));
        }
        Ok(())
    }
}

fn refuse_to_remove(id: &str, lost: &[String]) -> Failure {
    Failure(format!(
        "nothing was changed: the file does not name what \"{id}\" has, and applying it removes that:\n  {}\n\
         Add it to the file (`vestibule project export {id}` prints all of it), or remove it with --prune.",
        lost.join("\n  ")
    ))
}

impl Export {
    async fn run(self) -> Result<(), Failure> {
        let (store, ..) = open(&self.config).await?;
        let row = projects::find(&store, &self.id).await?;
        store.close().await;
        let row = row.ok_or_else(|| Failure(format!("there is no project \"{}\"", self.id)))?;
        print!("{}", ProjectSettings::from_json(&row.settings)?.to_toml());
        Ok(())
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let (store, ..) = open(&self.config).await?;
        let rows = list_any_project(&mut *store.read().await?).await?;
        store.close().await;
        for row in rows {
            println!("{}\t{}\tversion {}", row.id, row.public_origin, row.version);
        }
        Ok(())
    }
}

async fn open(config: &ConfigFile) -> Result<(Store, MasterKey, PortalHost), Failure> {
    let config = config.load()?;
    let (store, master) = boot::open_store(&config, &Entropy::Os).await?;
    Ok((store, master, PortalHost::of(&config.portal)))
}

/// Reads a project file; everything that is wrong with it is said at once.
pub(super) fn read_project(file: &Path) -> Result<ProjectSettings, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Failure(format!("{name} cannot be read: {error}")))?;
    ProjectSettings::parse_toml(&text).map_err(|all| complaints(&name, &all))
}

fn complaints(what: &str, all: &[vestibule_domain::project::Complaint]) -> Failure {
    let lines: Vec<String> = all.iter().map(|complaint| format!("  {complaint}")).collect();
    Failure(format!("{what} is not right, nothing was changed:\n{}", lines.join("\n")))
}

pub(super) fn print_applied(id: &str, applied: &Applied) {
    match applied {
        Applied::Created => println!("{id}: created"),
        Applied::Unchanged => println!("{id}: nothing to change"),
        Applied::Changed(changes) => {
            println!("{id}: {} change(s)", changes.len());
            for change in changes {
                let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".into());
                println!("  {}: {} → {}", change.path, show(&change.from), show(&change.to));
            }
        }
    }
}
