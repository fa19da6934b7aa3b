//! UserInfo (OIDC Core §5.3): what the caller may know of the user, read live.

use serde_json::{Map, Value};
use vestibule_domain::userinfo::{self, Asker};

use super::{
    Error,
    account::Loaded,
    caller::{Caller, Via},
    issue::{began_with_key, scopes_of},
};
use crate::{app::App, projects::Project};

/// The claims for this caller.
pub(crate) async fn assemble(app: &App, project: &Project, caller: &Caller) -> Result<Map<String, Value>, Error> {
    let user = caller.user.clone();
    let loaded = match caller.grant() {
        Some(grant) if user.is_anonymous() && began_with_key(grant) => {
            Loaded::load_guest_with_keys(&mut *app.store.read().await?, project, user).await?
        }
        Some(_) | None if user.is_anonymous() => Loaded { user, identities: Vec::new(), authenticators: Vec::new() },
        Some(_) | None => Loaded::load(&mut *app.store.read().await?, project, user).await?,
    };
    let account = loaded.account();
    Ok(match &caller.via {
        Via::Session(_) => userinfo::describe(&account, Asker::CookieSession),
        Via::Grant(grant) => {
            let scopes = scopes_of(grant);
            let scopes: Vec<&str> = scopes.iter().collect();
            match project.settings.client(&grant.client_id) {
                Some(client) => userinfo::describe(&account, Asker::Application(client, &scopes)),
                None => userinfo::identify(&account),
            }
        }
    })
}
