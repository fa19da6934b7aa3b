//! Assesses new passwords, which takes some milliseconds of CPU time.

use std::sync::Arc;

use vestibule_domain::{
    credential::password::{self, Assessment, Policy},
    id::ProjectNo,
    secret::Secret,
};

use crate::{error::Error, state::App};

/// Assesses a new password of a project's user with these login IDs and names; operators belong to `EVERY_PROJECT`.
///
/// # Errors
/// When too many passwords are queued.
pub async fn assess(
    app: &App,
    project: ProjectNo,
    policy: Policy,
    typed: &str,
    names: &[&str],
) -> Result<Assessment, Error> {
    let typed = Secret::new(typed.to_string());
    let names: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
    let breached = Arc::clone(&app.breached);
    let work = move || {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        password::assess(&policy, typed.expose(), &names, breached.as_ref())
    };
    Ok(app.pool.run(project, 1, work).await?)
}
