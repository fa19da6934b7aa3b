//! An app for unit tests: a new SQLite store in a folder, with one project.

use std::{path::Path, sync::Arc};

use vestibule_domain::project::ProjectSettings;

use crate::{
    adapters::{clock::Clock, entropy::Entropy, mailer::Mailer, sms::SmsSender},
    config, open,
    state::{Adapters, App},
};

/// Opens an app whose store is in this folder, with the project of this file.
pub async fn open_app(folder: &Path, project: &str) -> Arc<App> {
    let url = format!("sqlite:{}", folder.join("store.db").display());
    let environment = [("VESTIBULE__STORE__URL".to_string(), url)];
    let config = config::load(None, environment.into_iter()).expect("a configuration");
    let settings = ProjectSettings::parse_toml(project).expect("a project");
    let adapters = Adapters { clock: Clock::System, entropy: Entropy::Os, mailer: Mailer::None, sms: SmsSender::None };
    open::open_with_project(config, adapters, &settings).await.expect("an app")
}
