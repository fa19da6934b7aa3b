//! `vestibule project …`: projects from files, without a portal.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use vestibule_domain::project::{Origin, ProjectSettings};

use super::{ConfigFile, Failure};
use crate::{
    boot,
    crypto::seal::MasterKey,
    flows::projects::{self, Applied},
    hosts::PortalHost,
    ports::{clock::Clock, entropy::Entropy},
};
use vestibule_store::Store;

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
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
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
        let (store, master, portal) = open(&self.config).await?;
        if self.dry_run {
            let shown = show_changes(&store, &settings).await;
            store.close().await;
            return shown;
        }
        let now = Clock::System.now();
        let applied = projects::apply(&store, &master, &Entropy::Os, &portal, &settings, now).await;
        store.close().await;
        print_applied(settings.id(), &applied?);
        Ok(())
    }
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
        let rows = vestibule_store::projects::list_any_project(&mut *store.read().await?).await?;
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

async fn show_changes(store: &Store, settings: &ProjectSettings) -> Result<(), Failure> {
    match projects::find(store, settings.id()).await? {
        None => println!("{}: would be created", settings.id()),
        Some(row) => {
            let stored = ProjectSettings::from_json(&row.settings)?;
            let changes = vestibule_domain::project::diff(&stored, settings);
            let applied = if changes.is_empty() { Applied::Unchanged } else { Applied::Changed(changes) };
            print_applied(settings.id(), &applied);
        }
    }
    Ok(())
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
