//! App sessions: the token an app opens its account page with (it costs no write, it carries its own proof), and what it is
//! exchanged for in the browser.

use std::time::Duration;

use vestibule_domain::{grant::Presented as PresentedToken, time::Timestamp, user::User};
use vestibule_store::spent;

use super::{
    Error,
    authorize::{BrowserState, Sent},
    caller::{LiveGrant, find_app_sessions, find_live, find_live_grant, grant_lifetime, has_full_access},
    dpop::{self, Presented},
    issue::split_token,
    rates,
    settings::Standing,
};
use crate::{app::App, projects::Project};

/// How long the token waits to be exchanged for a cookie.
const LIFETIME: Duration = Duration::from_secs(300);

/// A token and when it stops working.
pub(crate) struct IssuedToken {
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
}

/// Issues a token for the grant behind a refresh token; that is no use of the grant.
pub(crate) async fn issue(
    app: &App,
    project: &Project,
    refresh_token: &str,
    proof: &Presented,
    now: Timestamp,
) -> Result<IssuedToken, Error> {
    let (id, hash) = split_token(refresh_token).ok_or(Error::InvalidRefreshToken)?;
    let live = find_live_grant(&mut *app.store.read().await?, project, id, now).await?;
    let (grant, user) = live.ok_or(Error::InvalidRefreshToken)?;
    let client = project.settings.client(&grant.client_id).ok_or(Error::InvalidRefreshToken)?;
    match grant.recognise(&hash, client.rotation_grace(), now) {
        PresentedToken::Current | PresentedToken::PreviousInGrace => {}
        PresentedToken::Reused | PresentedToken::Unknown => return Err(Error::InvalidRefreshToken),
    }
    let used = proof.check(client, grant.dpop_jkt.as_deref())?;
    // The account page can do everything: a third-party application must not get there.
    if !has_full_access(project, &grant) {
        return Err(Error::InsufficientScope);
    }
    // Each redemption is a row, if a short-lived one.
    rates::charge_user(app, project, user.id, now)?;
    dpop::use_up(app, project, used).await?;
    let expires_at = now.plus(LIFETIME);
    let token = project.keys.mac.issue_app_session_token(grant.id, expires_at, &app.entropy);
    Ok(IssuedToken { token, expires_at })
}

/// What came of an app session token.
pub(crate) enum Opening {
    /// It is not good, was used already, or is of another application.
    Refused,
    /// Another user is signed in in this browser: the person is asked first. The token is still good.
    Ask(Box<Question>),
    /// Who is signed in cannot be told from a form of another site: the request must come as a navigation. The token is
    /// still good.
    Navigate,
    /// The cookie that opens the user's account page.
    Opened { user: User, cookie: String },
}

/// Whether the account page of another user may be opened in this browser.
pub(crate) struct Question {
    /// The application that asks for it.
    pub(crate) client_id: String,
    /// Whose page is to be opened.
    pub(crate) opened: Account,
    /// Who is signed in.
    pub(crate) present: Account,
    /// What the form sends back when the person agrees.
    pub(crate) agreement: String,
}

/// A user, as a page names it; a guest has no name.
pub(crate) struct Account {
    pub(crate) name: Option<String>,
}

impl Account {
    async fn load(app: &App, project: &Project, user: &User) -> Result<Self, Error> {
        if user.is_anonymous() {
            return Ok(Self { name: None });
        }
        let standing = Standing::load(app, project, user.id).await?;
        let brand = || project.settings.display_name();
        Ok(Self { name: Some(standing.name().unwrap_or_else(brand).to_string()) })
    }
}

/// Exchanges an app session token for the cookie it stands for, once. Where another user is signed in, by session or by app
/// session, only with the person's agreement.
pub(crate) async fn open(
    app: &App,
    project: &Project,
    (client_id, token): (Option<&str>, &str),
    browser: &BrowserState<'_>,
    now: Timestamp,
) -> Result<Opening, Error> {
    let Some(read) = project.keys.mac.read_app_session_token(token).filter(|read| now <= read.expires_at) else {
        return Ok(Opening::Refused);
    };
    let mut conn = app.store.read().await?;
    let live = find_live(&mut conn, project, read.grant_id, now).await?;
    let live = live.filter(|live| has_full_access(project, &live.grant));
    let wanted = live.filter(|live| client_id.is_none_or(|client_id| client_id == live.grant.client_id));
    let Some(LiveGrant { grant, user, .. }) = wanted else { return Ok(Opening::Refused) };
    if spent::find(&mut conn, project.no, &read.fingerprint).await?.is_some() {
        return Ok(Opening::Refused);
    }
    let open_pages = find_app_sessions(&mut conn, project, browser.app_session, now).await?;
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
    let asked = present.filter(|_| !agreed_before);
    let agreement = asked.map(|(holder, _)| project.keys.mac.app_session_agreement(&read.fingerprint, &holder));
    match (browser.sent, asked, agreement) {
        (Sent::Navigation, None, _) => {}
        (Sent::Navigation, Some((_, present)), Some(agreement)) => {
            let opened = Account::load(app, project, &user).await?;
            let present = Account::load(app, project, present).await?;
            return Ok(Opening::Ask(Box::new(Question { client_id: grant.client_id, opened, present, agreement })));
        }
        (Sent::Form { agreement: Some(given) }, Some(_), Some(wanted)) if is_equal(given, &wanted) => {}
        (Sent::Form { .. } | Sent::Navigation, ..) => return Ok(Opening::Navigate),
    }
    let no = project.no;
    let fresh = app
        .store
        .write("redeem_app_session_token", read, move |tx, read| {
            Box::pin(async move { spent::spend(tx, no, &read.fingerprint, None, read.expires_at).await })
        })
        .await?;
    if !fresh {
        return Ok(Opening::Refused);
    }
    // The cookie dies with its grant, whose own expiry is checked at each use.
    let lifetime = grant_lifetime(project, &grant, &user);
    let expires_at = lifetime.map_or(now, |lifetime| grant.created_at.plus(lifetime.hard));
    let agreed_in = own.map(|own| own.session.id);
    let cookie = project.keys.mac.issue_app_session(grant.id, expires_at, agreed_in, &app.entropy);
    Ok(Opening::Opened { user, cookie })
}

fn is_equal(given: &str, wanted: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), wanted.as_bytes()).is_ok()
}
