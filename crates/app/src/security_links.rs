//! The links in security mails: one use of one opens no account, it only takes something away. Opening the link shows what
//! it does; only the form on that page does it, because mail programs open links by themselves.

mod undo;

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    event::{RevocationReason, TriggeredBy},
    id::UserId,
    user::User,
};
use vestibule_store::{StoreError, codes, login_method_changes, spent, users};

pub use self::undo::{NamedMethod, UndoStep, Undone};
use crate::{
    account::{LoginMethods, external_account::ConnectionReport, method_log, notice::WriteNotice},
    crypto::security_links::{LinkAction, LinkContent, SecurityLink},
    ctx::Ctx,
    error::Error,
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

/// The result of redeeming a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    Done(Undone),
    /// It was redeemed before, or a link from before it was.
    Used,
}

/// A link that can be redeemed.
pub struct OpenedLink {
    link: SecurityLink,
    user: User,
    login_methods: LoginMethods,
    /// What it undoes, besides ending all sessions.
    pub steps: Vec<UndoStep>,
    /// Whether changes from before stay, which the links of other mails undo.
    pub leaves_earlier: bool,
    /// The sessions that it ends.
    pub sessions: Vec<ListedSession>,
}

impl OpenedLink {
    /// The token of the form that redeems it.
    pub fn form_token(&self, ctx: &Ctx<'_>) -> String {
        ctx.project.keys.mac.security_form_token(&self.link.fingerprint)
    }
}

/// Reads a link; `None` when it is invalid, has expired or was redeemed, when one from before it was, or when its user is gone.
/// Changes nothing.
pub async fn open(ctx: &Ctx<'_>, secret: &str) -> Result<Option<OpenedLink>, Error> {
    let link = ctx.project.keys.mac.read_security_link(secret).filter(|link| ctx.now <= link.content.expires_at);
    let Some(link) = link else { return Ok(None) };
    let (no, id) = (ctx.project.no, link.content.user_id);
    let mut conn = ctx.app.store.read().await?;
    if spent::find(&mut conn, no, &link.fingerprint).await?.is_some() {
        return Ok(None);
    }
    let user = users::find(&mut conn, no, id).await?;
    let login_methods = LoginMethods::read(&mut conn, no, id).await?;
    let steps = match link.content.action {
        LinkAction::EndSessions { .. } => Some((Vec::new(), false)),
        LinkAction::Undo { change } => {
            let changes = method_log::live(login_method_changes::list(&mut conn, no, id).await?, ctx.now);
            let undone = undo::since(&changes, change);
            undone.map(|undone| (undo::steps(undone, &login_methods, (ctx.project, id)), undone.len() < changes.len()))
        }
    };
    drop(conn);
    let Some((user, (steps, leaves_earlier))) = user.filter(User::is_active).zip(steps) else {
        return Ok(None);
    };
    let sessions = sessions::list(ctx, &user).await?;
    Ok(Some(OpenedLink { link, user, login_methods, steps, leaves_earlier, sessions }))
}

/// Does what an opened link says, once.
pub async fn redeem(ctx: &Ctx<'_>, opened: &OpenedLink, write: WriteNotice<'_>) -> Result<Redeemed, Error> {
    let (project, user, now) = (Arc::clone(ctx.project), opened.user.id, ctx.now);
    let no = project.no;
    let cause = (RevocationReason::User, TriggeredBy::User);
    let ending = Ending::new(ctx, opened.user.id, Selection::All, cause);
    let mails = undo::RedemptionMails::write(ctx, &opened.login_methods, write);
    let report = ConnectionReport::new(ctx, user);
    let input = (opened.link.clone(), ending, project, mails, report);
    let redeemed =
        ctx.app.store.write("redeem_security_link", input, move |tx, (link, ending, project, mails, report)| {
            Box::pin(async move {
                if !spent::spend(tx, no, &link.fingerprint, None, link.content.expires_at).await? {
                    return Ok::<_, StoreError>(Redeemed::Used);
                }
                users::note_change(tx, no, user, now).await?;
                // The code first: a concurrent exchange then either has added its grant already, or finds no code.
                if let Some(code) = link.content.action.code() {
                    codes::take(tx, no, code).await?;
                }
                let progress = match link.content.action {
                    LinkAction::EndSessions { .. } => Some(undo::Progress::default()),
                    LinkAction::Undo { change } => undo::apply(tx, (project.as_ref(), user), change, now).await?,
                };
                let Some(progress) = progress else { return Ok(Redeemed::Used) };
                ending.write(tx).await?;
                mails.push(tx, no, &progress, now).await?;
                for account in &progress.disconnected {
                    report.disconnected(tx, account).await?;
                }
                for account in &progress.connected {
                    report.connected(tx, account).await?;
                }
                Ok(Redeemed::Done(progress.undone))
            })
        });
    Ok(redeemed.await?)
}
