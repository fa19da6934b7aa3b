//! UserInfo (OIDC Core §5.3): what the application may know of the user, read live.

use serde_json::{Map, Value};
use vestibule_domain::{client::Client, time::Timestamp, user::User, userinfo};
use vestibule_protocol::oauth::ScopeSet;
use vestibule_store::{
    credentials::{self, LoginIdRow, PasswordRow},
    db::Conn,
};

use super::{
    Error,
    caller::{Caller, Via},
    issue::scopes_of,
};
use crate::{app::App, projects::Project};

/// What a user owns besides its row: read when it is a member, known without looking for a guest.
pub(crate) struct Facts {
    login_ids: Vec<LoginIdRow>,
    password: Option<PasswordRow>,
}
