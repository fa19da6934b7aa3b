//! `vestibule project …`: projects from files.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use vestibule_domain::project::{Origin, ProjectSettings, SettingsWarning, diff, removals};

use super::{CommandError, ConfigFile, logo::LogoCommand};
use vestibule_app::{
    actor::Actor,
    adapters::{clock::Clock, entropy::Entropy},
    crypto::seal::MasterKey,
    hosts::{self, PortalHost},
    open,
    projects::change::{self, Applied, ProjectWriter},
};
use vestibule_store::{
    Store, logos,
    projects::{ProjectRow, list_any_project},
};

#[derive(Debug, Subcommand)]
pub(super) enum ProjectCommand {
    /// Create a project with an ID and an origin, and print its project file
    Create(CreateProject),
    /// Create or change a project from a project file, and print the changes; safe to repeat
    Apply(Apply),
    /// Print a project's settings as a project file
    Export(ExportProject),
    /// Show, replace, save or remove a project's uploaded logo
    Logo(LogoCommand),
    /// List the projects
    List(ListProjects),
}

#[derive(Debug, Args)]
pub(super) struct CreateProject {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID: lower-case letters, digits and hyphens
    #[arg(long)]
    id: String,
    /// The origin users reach it at, such as `https://auth.shop.example`
    #[arg(long)]
    public_origin: String,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    #[command(flatten)]
    config: ConfigFile,
    /// Only print what would change; nothing is created or written
    #[arg(long)]
    dry_run: bool,
    /// Also remove what the file does not contain: applications, webhooks and settings made in the portal
    #[arg(long)]
    prune: bool,
    /// Only create the project; one that exists is left as it is
    #[arg(long, conflicts_with_all = ["dry_run", "prune"])]
    if_new: bool,
    /// The project file (TOML)
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ExportProject {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct ListProjects {
    #[command(flatten)]
    config: ConfigFile,
}

impl ProjectCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Create(create) => create.run().await,
            Self::Apply(apply) => apply.run().await,
            Self::Export(export) => export.run().await,
            Self::Logo(logo) => logo.run().await,
            Self::List(list) => list.run().await,
        }
    }
}

impl CreateProject {
    async fn run(self) -> Result<(), CommandError> {
        let origin =
            Origin::parse(&self.public_origin).map_err(|error| CommandError(format!("--public-origin: {error}")))?;
        let settings = ProjectSettings::new(&self.id, origin);
        settings.validate().map_err(|all| problems("the new project", &all))?;
        let (store, master, portal) = open(&self.config).await?;
        if change::find(&store, &self.id).await?.is_some() {
            return Err(CommandError(format!(
                "the project \"{}\" exists already: change it with `project apply`",
                self.id
            )));
        }
        let now = Clock::System.now();
        let writer = ProjectWriter { store: &store, master: &master, entropy: &Entropy::Os, portal: &portal };
        let created = writer.create(&settings, &Actor::at_terminal("project create"), now).await;
        store.close().await;
        created?;
        print!("{}", settings.to_toml());
        Ok(())
    }
}

impl Apply {
    async fn run(self) -> Result<(), CommandError> {
        let settings = read_project(&self.file)?;
        if self.dry_run {
            self.show_changes(&settings).await?;
            print_warnings(&settings);
            return Ok(());
        }
        let (store, master, portal) = open(&self.config).await?;
        let applied = self.apply(&store, &master, &portal, &settings).await;
        store.close().await;
        match applied? {
            Some(applied) => print_applied(settings.id(), &applied),
            None => println!("{}: exists, and is left as it is", settings.id()),
        }
        print_warnings(&settings);
        Ok(())
    }

    async fn apply(
        &self,
        store: &Store,
        master: &MasterKey,
        portal: &PortalHost,
        settings: &ProjectSettings,
    ) -> Result<Option<Applied>, CommandError> {
        let existing = change::find(store, settings.id()).await?;
        if self.if_new && existing.is_some() {
            return Ok(None);
        }
        if let Some(row) = existing.as_ref().filter(|_| !self.prune) {
            let lost = removals(&change::read(row)?, settings);
            if !lost.is_empty() {
                return Err(refuse_to_remove(settings.id(), &lost));
            }
        }
        let writer = ProjectWriter { store, master, entropy: &Entropy::Os, portal };
        let (actor, now) = (Actor::at_terminal("project apply"), Clock::System.now());
        Ok(Some(writer.apply_to(existing, settings, &actor, now).await?))
    }

    /// Reads the store without creating or changing it.
    async fn show_changes(&self, settings: &ProjectSettings) -> Result<(), CommandError> {
        let config = self.config.load()?;
        let rows = match Store::look(&open::location(&config.store)).await? {
            Some(mut conn) => list_any_project(&mut conn).await?,
            None => Vec::new(),
        };
        let id = settings.id();
        let row = rows.iter().find(|row| row.id == id);
        let origins: Vec<_> = rows.iter().map(|row| (row.no, row.public_origin.clone())).collect();
        let (portal, no) = (PortalHost::of(&config.portal), row.map(|row| row.no));
        hosts::judge_among(&origins, &portal, (no, id), settings.public_origin())
            .map_err(|clash| CommandError(format!("project.public_origin: {clash}")))?;
        let Some(row) = row else {
            println!("{id}: would be created");
            return Ok(());
        };
        let stored = change::read(row)?;
        let changes = diff(&stored, settings);
        print_applied(id, &if changes.is_empty() { Applied::Unchanged } else { Applied::Changed(changes) });
        let lost = removals(&stored, settings);
        if !lost.is_empty() && !self.prune {
            println!("Without --prune this is refused, because it removes what the file does not contain:");
            lost.iter().for_each(|path| println!("  {path}"));
        }
        Ok(())
    }
}

fn refuse_to_remove(id: &str, lost: &[String]) -> CommandError {
    CommandError(format!(
        "nothing was changed: applying the file would remove settings of \"{id}\" that it does not contain:\n  {}\n\
         Add them to the file (`vestibule project export {id}` prints all of them), or remove them with --prune.",
        lost.join("\n  ")
    ))
}

impl ExportProject {
    async fn run(self) -> Result<(), CommandError> {
        let store = open_existing(&self.config).await?;
        let found = self.find(&store).await;
        store.close().await;
        let (row, has_logo) = found?;
        print!("{}", ProjectSettings::from_json(&row.settings)?.to_toml());
        if has_logo {
            // Not on standard output, which is the project file.
            eprintln!(
                "note: the uploaded logo is not part of the project file: `vestibule project logo {} --save FILE` saves it",
                self.id
            );
        }
        Ok(())
    }

    /// The project, and whether it has a logo.
    async fn find(&self, store: &Store) -> Result<(ProjectRow, bool), CommandError> {
        let row = change::find(store, &self.id).await?;
        let row = row.ok_or_else(|| CommandError(format!("there is no project \"{}\"", self.id)))?;
        let logo = logos::find(&mut *store.read().await?, row.no).await?;
        Ok((row, logo.is_some()))
    }
}

impl ListProjects {
    async fn run(self) -> Result<(), CommandError> {
        let store = open_existing(&self.config).await?;
        let rows = list_any_project(&mut *store.read().await?).await?;
        store.close().await;
        for row in rows {
            println!("{}\t{}\tversion {}", row.id, row.public_origin, row.version);
        }
        Ok(())
    }
}

/// Opens the store, or creates it, to write a project to it.
async fn open(config: &ConfigFile) -> Result<(Store, MasterKey, PortalHost), CommandError> {
    let config = config.load()?;
    let (store, master) = open::open_store(&config, &Entropy::Os).await?;
    Ok((store, master, PortalHost::of(&config.portal)))
}

async fn open_existing(config: &ConfigFile) -> Result<Store, CommandError> {
    Ok(open::open_existing_store(&config.load()?, &Entropy::Os).await?.0)
}

/// Parses a project file; reports all its problems.
pub(super) fn read_project(file: &Path) -> Result<ProjectSettings, CommandError> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| CommandError(format!("can't read {name}: {error}")))?;
    ProjectSettings::parse_toml(&text).map_err(|all| problems(&name, &all))
}

fn problems(what: &str, all: &[vestibule_domain::project::DocumentProblem]) -> CommandError {
    let lines: Vec<String> = all.iter().map(|problem| format!("  {problem}")).collect();
    CommandError(format!("{what} is not valid, nothing was changed:\n{}", lines.join("\n")))
}

/// Prints what is valid and probably a mistake.
fn print_warnings(settings: &ProjectSettings) {
    for SettingsWarning { path, message } in settings.warnings() {
        println!("warning: {path}: {message}");
    }
}

pub(super) fn print_applied(id: &str, applied: &Applied) {
    match applied {
        Applied::Created => println!("{id}: created"),
        Applied::Unchanged => println!("{id}: no changes"),
        Applied::Changed(changes) => {
            let noun = if changes.len() == 1 { "change" } else { "changes" };
            println!("{id}: {} {noun}", changes.len());
            for change in changes {
                let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".into());
                println!("  {}: {} → {}", change.path, show(&change.from), show(&change.to));
            }
        }
    }
}
