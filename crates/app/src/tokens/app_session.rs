//! App sessions: the token with which an app opens the account page in the browser. It carries its own proof, so
//! issuing it costs no write; the browser exchanges it for a cookie.

use std::time::Duration;

use vestibule_domain::{grant::RefreshTokenMatch as PresentedToken, time::Timestamp, user::User};
use vestibule_store::spent;

use super::dpop::{self, PresentedProof};
use crate::{
    account::LoginMethods,
    authorize::{BrowserState, Submission},
    caller::{LiveGrant, find_app_sessions, find_live, grant_lifetime, has_full_access},
    crypto::is_equal,
    ctx::Ctx,
    error::Error,
    guests::unstored,
    limits::rates,
};

/// How long the token can be exchanged for a cookie.
const LIFETIME: Duration = Duration::from_secs(300);

pub struct IssuedToken {
    pub token: String,
    pub expires_at: Timestamp,
}

/// Issues a token for the grant behind a refresh token. This is not a use of the grant.
pub async fn issue(ctx: &Ctx<'_>, refresh_token: &str, proof: &PresentedProof) -> Result<IssuedToken, Error> {
    let mut conn = ctx.app.store.read().await?;
    let found = unstored::find_by_refresh_token(&mut conn, ctx.project, refresh_token, ctx.now).await?;
    drop(conn);
    let (live, hash) = found.ok_or(Error::InvalidRefreshToken)?;
    let LiveGrant { grant, user, .. } = &live;
    let client = ctx.project.settings.client(&grant.client_id).ok_or(Error::InvalidRefreshToken)?;
    match grant.recognize(&hash, client.rotation_grace(), ctx.now) {
        PresentedToken::Current | PresentedToken::PreviousInGrace => {}
        PresentedToken::Reused | PresentedToken::Unknown => return Err(Error::InvalidRefreshToken),
    }
    let used = proof.check(client, grant.dpop_jkt.as_deref())?;
    // The account page has full access, so third-party applications must not open it.
    if !has_full_access(ctx.project, grant) {
        return Err(Error::InsufficientScope);
    }
    // Each redemption writes a row, though a short-lived one.
    rates::charge_user(ctx, user.id)?;
    dpop::use_up(ctx, used).await?;
    // The token names its grant, which must then be there.
    if !unstored::store(ctx, &live).await? {
        return Err(Error::InvalidRefreshToken);
    }
    let expires_at = ctx.now.plus(LIFETIME);
    let token =
        ctx.project.keys.mac.issue_app_session_token((grant.id, user.is_anonymous()), expires_at, &ctx.app.entropy);
    Ok(IssuedToken { token, expires_at })
}

/// The result of redeeming an app session token.
pub enum Opening {
    /// The token is invalid, was redeemed already, or belongs to another application.
    Refused,
    /// Another user is signed in to this browser: the page must ask first. The token stays valid.
    Ask(Box<SwitchQuestion>),
    /// A form of another site carries no session cookie, so the request must be repeated as a navigation. The token
    /// stays valid.
    Navigate,
    /// The account page may open with this cookie.
    Opened { user: User, cookie: String },
}

/// Asks whether the account page of another user may be opened in this browser.
pub struct SwitchQuestion {
    /// The application that wants to open it.
    pub client_id: String,
    /// The owner of the account page.
    pub opened: NamedAccount,
    /// The signed-in user.
    pub present: NamedAccount,
    /// The form value that records the user's agreement.
    pub agreement: String,
}

/// A user's name on the page; guests have none.
pub struct NamedAccount {
    pub name: Option<String>,
}

impl NamedAccount {
    async fn load(ctx: &Ctx<'_>, user: &User) -> Result<Self, Error> {
        if user.is_anonymous() {
            return Ok(Self { name: None });
        }
        let login_methods = LoginMethods::load(ctx, user.id).await?;
        let brand = || ctx.project.settings.display_name();
        Ok(Self { name: Some(login_methods.name().unwrap_or_else(brand).to_string()) })
    }
}

/// Exchanges an app session token for a cookie, once. Where another user is signed in, by session or app session, this
/// requires the user's agreement.
pub async fn open(
    ctx: &Ctx<'_>,
    (client_id, token): (Option<&str>, &str),
    browser: &BrowserState<'_>,
) -> Result<Opening, Error> {
    let Some(read) = ctx.project.keys.mac.read_app_session_token(token).filter(|read| ctx.now <= read.expires_at)
    else {
        return Ok(Opening::Refused);
    };
    let mut conn = ctx.app.store.read().await?;
    let live = find_live::<User>(&mut conn, ctx.project, read.grant_id, ctx.now).await?;
    let live = live.filter(|live| has_full_access(ctx.project, &live.grant));
    // A guest's token ends with its promotion.
    let live = live.filter(|live| !read.is_of_guest || live.user.is_anonymous());
    let wanted = live.filter(|live| client_id.is_none_or(|client_id| client_id == live.grant.client_id));
    let Some(LiveGrant { grant, user, .. }) = wanted else { return Ok(Opening::Refused) };
    if spent::find(&mut conn, ctx.project.no, &read.fingerprint).await?.is_some() {
        return Ok(Opening::Refused);
    }
    let open_pages = find_app_sessions(&mut conn, ctx.project, browser.app_session, ctx.now).await?;
    drop(conn);
    let own = browser.caller.filter(|caller| caller.user.id != user.id);
    let agreed_before = own.is_some_and(|own| {
        open_pages.iter().any(|page| page.live.user.id == user.id && page.agreed_in == Some(own.session.id))
    });
    let other_page = open_pages.into_iter().find(|page| page.live.user.id != user.id);
    let present = match (own, &other_page) {
        (Some(own), _) => Some((*own.session.id.as_bytes(), &own.user)),
        (None, Some(page)) => Some((*page.live.grant.id.as_bytes(), &page.live.user)),
        (None, None) => None,
    };
    let other_holder = present.filter(|_| !agreed_before);
    let agreement =
        other_holder.map(|(holder, _)| ctx.project.keys.mac.app_session_agreement(&read.fingerprint, &holder));
    match (browser.sent, other_holder, agreement) {
        (Submission::Navigation, None, _) => {}
        (Submission::Navigation, Some((_, present)), Some(agreement)) => {
            let opened = NamedAccount::load(ctx, &user).await?;
            let present = NamedAccount::load(ctx, present).await?;
            return Ok(Opening::Ask(Box::new(SwitchQuestion {
                client_id: grant.client_id,
                opened,
                present,
                agreement,
            })));
        }
        (Submission::Form { agreement: Some(given) }, Some(_), Some(wanted)) if is_equal(given, &wanted) => {}
        (Submission::Form { .. } | Submission::Navigation, ..) => return Ok(Opening::Navigate),
    }
    let no = ctx.project.no;
    let fresh = ctx
        .app
        .store
        .write("redeem_app_session_token", read, move |tx, read| {
            Box::pin(async move { spent::spend(tx, no, &read.fingerprint, None, read.expires_at).await })
        })
        .await?;
    if !fresh {
        return Ok(Opening::Refused);
    }
    // The cookie ends with its grant, whose expiry is checked at each use.
    let lifetime = grant_lifetime(ctx.project, &grant, &user);
    let expires_at = lifetime.map_or(ctx.now, |lifetime| grant.created_at.plus(lifetime.hard));
    let agreed_in = own.map(|own| own.session.id);
    let opened = (grant.id, user.is_anonymous());
    let cookie = ctx.project.keys.mac.issue_app_session(opened, expires_at, agreed_in, &ctx.app.entropy);
    Ok(Opening::Opened { user, cookie })
}
