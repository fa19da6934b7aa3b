//! Looking at new passwords: what speaks against one takes some milliseconds to find.

use std::sync::Arc;

use vestibule_domain::{
    credential::password::{self, Assessment, Policy},
    id::ProjectNo,
    secret::Secret,
};

use super::Error;
use crate::app::App;

/// Looks at a new password of a project's user with these login IDs and names; operators are of `EVERY_PROJECT`.
///
/// # Errors
/// When too many passwords wait to be looked at.
pub(crate) async fn assess(
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
    Ok(app.pool.run(project, work).await?)
}
