//! UserInfo (OIDC Core §5.3): the claims that the caller may see, read live.

use vestibule_domain::{
    client::Client,
    identity::UserAccount,
    userinfo::{self, Claims, UserInfoRequester},
};
use vestibule_protocol::oauth::ScopeSet;

use super::issue::{began_with_key, scopes_of};
use crate::{
    caller::{ApiCaller, Via},
    error::Error,
    identities::LoadedUser,
    projects::Project,
    state::App,
};

/// A user, and the right by which the caller sees it.
pub struct UserInfoSubject<'p> {
    loaded: LoadedUser,
    right: Right<'p>,
}

enum Right<'p> {
    CookieSession,
    Grant { client: Option<&'p Client>, scopes: ScopeSet },
}

/// Loads the user of this caller.
pub async fn look_up<'p>(app: &App, project: &'p Project, caller: ApiCaller) -> Result<UserInfoSubject<'p>, Error> {
    let ApiCaller { user, via } = caller;
    let (began_with_key, right) = match &via {
        Via::Session(_) => (false, Right::CookieSession),
        Via::Grant(grant) => {
            let client = project.settings.client(&grant.client_id);
            (began_with_key(grant), Right::Grant { client, scopes: scopes_of(grant) })
        }
    };
    let loaded = if via.is_limited() {
        LoadedUser::before_promotion(user)
    } else if !user.is_anonymous() {
        LoadedUser::read(app, project, user).await?
    } else if began_with_key {
        LoadedUser::load_guest_with_keys(&mut *app.store.read().await?, project, user).await?
    } else {
        LoadedUser::of_guest(user)
    };
    Ok(UserInfoSubject { loaded, right })
}

impl UserInfoSubject<'_> {
    pub fn account(&self) -> UserAccount<'_> {
        self.loaded.account()
    }

    /// The claims about the user.
    pub fn describe<'a>(&self, account: &'a UserAccount<'a>) -> Claims<'a> {
        match &self.right {
            Right::CookieSession => userinfo::describe(account, UserInfoRequester::CookieSession),
            Right::Grant { client: Some(client), scopes } => {
                let scopes: Vec<&str> = scopes.iter().collect();
                userinfo::describe(account, UserInfoRequester::Application(client, &scopes))
            }
            // The grant's application was deleted: identify the user, and nothing more.
            Right::Grant { client: None, .. } => userinfo::describe_without_attributes(account),
        }
    }
}
