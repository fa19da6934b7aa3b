//! An app for unit tests: a new SQLite store in a folder, with one project.

use std::sync::Arc;

use tempfile::TempDir;
use vestibule_domain::project::ProjectSettings;

use crate::{
    adapters::{clock::Clock, entropy::Entropy, mailer::Mailer, sms::SmsSender},
    app::{Adapters, App},
    config, open,
};

/// Opens an app whose store is in this folder, with the project of this file.
pub(crate) async fn open_app(folder: &TempDir, project: &str) -> Arc<App> {
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let environment = [("VESTIBULE__STORE__URL".to_string(), url)];
    let config = config::load(None, environment.into_iter()).expect("a configuration");
    let settings = ProjectSettings::parse_toml(project).expect("a project");
    let adapters = Adapters { clock: Clock::System, entropy: Entropy::Os, mailer: Mailer::None, sms: SmsSender::None };
    open::open_with_project(config, adapters, &settings).await.expect("an app")
}
