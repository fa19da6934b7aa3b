//! The links in security mails: one use of one opens no account, it only takes something away. Opening the link shows what
//! it does; only the form on that page does it, because mail programs open links by themselves.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    event::{RevocationReason, TriggeredBy},
    id::{IdentityId, ProjectNo, UserId},
    identity::OwnedLoginId,
    promotion::{CredentialRemoval, is_last_login_credential},
    user::User,
};
use vestibule_store::{StoreError, Tx, codes, credentials, spent, users};

use crate::{
    account::LoginMethods,
    crypto::security_links::{LinkAction, LinkContent, ReplacedLoginId, SecurityLink},
    ctx::Ctx,
    error::Error,
    projects::Project,
    sessions::{self, Ending, ListedSession, Selection},
};

/// How long a link works.
pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// The path before a link's secret.
pub const PATH: &str = "/security/";

/// The URL of a new link.
pub fn make(ctx: &Ctx<'_>, user: UserId, action: LinkAction) -> String {
    let content = LinkContent { user_id: user, action, expires_at: ctx.now.plus(LIFETIME) };
    let secret = ctx.project.keys.mac.issue_security_link(&content, &ctx.app.entropy);
    format!("{}{PATH}{secret}", ctx.project.origin)
}

/// What a link undoes, besides ending all sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undoing {
    /// Nothing, or what it would undo is gone already.
    Nothing,
    RemovesLoginId(String),
    /// The passkey's name, if it has one.
    RemovesPasskey(Option<String>),
    RestoresLoginId(String),
}

/// The result of redeeming a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redeemed {
    Done,
    /// All sessions ended, but the login method stays, because it is the last one.
    LastLoginMethod,
    /// It was redeemed before.
    Used,
}

/// A link that can be redeemed.
pub struct OpenedLink {
    link: SecurityLink,
    user: User,
    pub undoing: Undoing,
    /// The sessions that it ends.
    pub sessions: Vec<ListedSession>,
}

impl OpenedLink {
    /// The token of the form that redeems it.
    pub fn form_token(&self, ctx: &Ctx<'_>) -> String {
        ctx.project.keys.mac.security_form_token(&self.link.fingerprint)
    }
}

/// Reads a link; `None` when it is invalid, has expired or was redeemed, or when its user is gone. Changes nothing.
pub async fn open(ctx: &Ctx<'_>, secret: &str) -> Result<Option<OpenedLink>, Error> {
    let link = ctx.project.keys.mac.read_security_link(secret).filter(|link| ctx.now <= link.content.expires_at);
    let Some(link) = link else { return Ok(None) };
    let mut conn = ctx.app.store.read().await?;
    if spent::find(&mut conn, ctx.project.no, &link.fingerprint).await?.is_some() {
        return Ok(None);
    }
    let user = users::find(&mut conn, ctx.project.no, link.content.user_id).await?;
    drop(conn);
    let Some(user) = user.filter(User::is_active) else { return Ok(None) };
    let sessions = sessions::list(ctx, &user).await?;
    let undoing = find_undoing(&LoginMethods::load(ctx, user.id).await?, &link.content.action);
    Ok(Some(OpenedLink { link, user, undoing, sessions }))
}

fn find_undoing(login_methods: &LoginMethods, action: &LinkAction) -> Undoing {
    let found = match action {
        LinkAction::EndSessions { .. } => None,
        LinkAction::RemoveLoginId { id } => {
            login_methods.find(*id).map(|row| Undoing::RemovesLoginId(row.original.clone()))
        }
        LinkAction::RemovePasskey { id } => {
            let row = login_methods.passkeys.iter().find(|row| row.id == *id);
            row.map(|row| Undoing::RemovesPasskey(row.name.clone()))
        }
        LinkAction::RestoreLoginId { id, login_id } => {
            let row = login_methods.find(*id).filter(|row| row.value != login_id.value);
            row.map(|_| Undoing::RestoresLoginId(login_id.original.clone()))
        }
    };
    found.unwrap_or(Undoing::Nothing)
}

/// Does what an opened link says, once.
pub async fn redeem(ctx: &Ctx<'_>, opened: &OpenedLink) -> Result<Redeemed, Error> {
    let (project, user, now) = (Arc::clone(ctx.project), opened.user.id, ctx.now);
    let no = project.no;
    let cause = (RevocationReason::User, TriggeredBy::User);
    let ending = Ending::new(ctx, opened.user.id, Selection::All, cause);
    let input = (opened.link.clone(), ending, project);
    let redeemed = ctx.app.store.write("redeem_security_link", input, move |tx, (link, ending, project)| {
        Box::pin(async move {
            if !spent::spend(tx, no, &link.fingerprint, None, link.content.expires_at).await? {
                return Ok::<_, StoreError>(Redeemed::Used);
            }
            users::note_change(tx, no, user, now).await?;
            // The code first: a concurrent exchange then either has added its grant already, or finds no code.
            if let Some(code) = link.content.action.code() {
                codes::take(tx, no, code).await?;
            }
            ending.write(tx).await?;
            undo(tx, project, user, &link.content.action).await
        })
    });
    Ok(redeemed.await?)
}

async fn undo(tx: &mut Tx, project: &Project, user: UserId, action: &LinkAction) -> Result<Redeemed, StoreError> {
    match action {
        LinkAction::EndSessions { .. } => Ok(Redeemed::Done),
        LinkAction::RemoveLoginId { id } => remove(tx, project, user, CredentialRemoval::LoginId(*id)).await,
        LinkAction::RemovePasskey { id } => remove(tx, project, user, CredentialRemoval::Passkey(*id)).await,
        LinkAction::RestoreLoginId { id, login_id } => restore(tx, project.no, user, (*id, login_id)).await,
    }
}

async fn remove(
    tx: &mut Tx,
    project: &Project,
    user: UserId,
    removal: CredentialRemoval,
) -> Result<Redeemed, StoreError> {
    let login_methods = LoginMethods::read(tx, project.no, user).await?;
    if is_last_login_credential(&login_methods.login_credentials(), removal, &project.settings) {
        return Ok(Redeemed::LastLoginMethod);
    }
    login_methods.remove(tx, (project.no, user), removal).await?;
    Ok(Redeemed::Done)
}

/// Puts the old login ID in the place of the one that replaced it, unless it belongs to another user by now.
async fn restore(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    (id, old): (IdentityId, &ReplacedLoginId),
) -> Result<Redeemed, StoreError> {
    let rows = credentials::list_login_ids(tx, no, user).await?;
    let Some(present) = rows.into_iter().find(|row| row.id == id) else { return Ok(Redeemed::Done) };
    if credentials::find_login_id(tx, no, &old.kind, &old.value).await?.is_some() {
        return Ok(Redeemed::Done);
    }
    credentials::remove_login_id(tx, no, &present.kind, &present.value).await?;
    let ReplacedLoginId { kind, value, original, verified_at } = old.clone();
    credentials::insert_login_id(tx, no, &OwnedLoginId { kind, value, original, verified_at, ..present }).await?;
    Ok(Redeemed::Done)
}
