//! Ends the cookie session (OIDC RP-Initiated Logout).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    client::Client,
    event::{Event, UserModel},
    session::Session,
    time::Timestamp,
    user::User,
};
use vestibule_protocol::claims::Sid;
use vestibule_store::{StoreError, ended, grants, sessions};

use crate::{
    crypto::{base64url, read_base64url},
    ctx::Ctx,
    error::Error,
    events,
    identities::LoadedUser,
    logout_notices::LogoutNotices,
    projects::Project,
};

/// How long a sealed hint stands for the ID token of a posted request.
const SEALED_HINT_LIFETIME: Duration = Duration::from_secs(300);

/// What an ID token hint says: for whom and in which session the token was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutHint {
    client_id: String,
    sid: String,
    sub: String,
}

impl LogoutHint {
    /// Reads an ID token of this project. Expired ones are accepted: only the signature matters.
    #[must_use]
    pub fn read(project: &Project, token: &str) -> Option<Self> {
        let claims = project.keys.read_jwt("JWT", token)?;
        let text = |name: &str| claims.get(name)?.as_str().map(str::to_string);
        let audience = claims.get("aud")?;
        let client_id = audience.as_str().or_else(|| audience.get(0)?.as_str())?.to_string();
        let is_own = text("iss").as_deref() == Some(project.origin.as_str());
        if !is_own {
            return None;
        }
        Some(Self { client_id, sid: text("sid")?, sub: text("sub")? })
    }

    /// The application that the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether it was issued to a first-party application for this session: for the session itself, or for a grant that
    /// belongs to it. Another session of the same user is not meant, also not one of the guest that the user was: the page
    /// asks then (OpenID Connect RP-Initiated Logout §2).
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_for(&self, ctx: &Ctx<'_>, session: &Session) -> Result<bool, Error> {
        let client = ctx.project.settings.client(&self.client_id);
        if client.is_none_or(Client::is_third_party) || self.sub != session.user_id.to_string() {
            return Ok(false);
        }
        let grant = match Sid::parse(&self.sid) {
            Some(Sid::Idp(id)) => return Ok(id == session.id.to_string()),
            Some(Sid::OfflineGrant(id)) => id.parse().ok(),
            None => None,
        };
        let Some(grant) = grant else { return Ok(false) };
        let grant = grants::find(&mut *ctx.app.store.read().await?, ctx.project.no, grant).await?;
        Ok(grant.is_some_and(|grant| grant.session_id == Some(session.id)))
    }

    /// The hint for the URL to which a posted request is redirected: the ID token itself must not get into logs and histories.
    #[must_use]
    pub fn seal(&self, ctx: &Ctx<'_>) -> String {
        let plain = serde_json::to_vec(&(self, ctx.now.plus(SEALED_HINT_LIFETIME))).expect("a hint is plain JSON");
        base64url(ctx.app.master.seal(&plain, &seal_context(ctx), &ctx.app.entropy))
    }

    /// Reads a hint that [`LogoutHint::seal`] made.
    #[must_use]
    pub fn unseal(ctx: &Ctx<'_>, sealed: &str) -> Option<Self> {
        let plain = ctx.app.master.open(&read_base64url(sealed)?, &seal_context(ctx)).ok()?;
        let (hint, expires_at): (Self, Timestamp) = serde_json::from_slice(&plain).ok()?;
        (ctx.now <= expires_at).then_some(hint)
    }
}

fn seal_context(ctx: &Ctx<'_>) -> String {
    format!("end_session|{}", ctx.project.no.0)
}

/// Ends a cookie session and its grants.
pub async fn end(ctx: &Ctx<'_>, user: &User, session: &Session) -> Result<(), Error> {
    let (no, now) = (ctx.project.no, ctx.now);
    let loaded = LoadedUser::read(ctx.app, ctx.project, user.clone()).await?;
    let event =
        Event::UserSignedOut { user: UserModel::copy(&loaded.account()), session: events::model_of_session(session) };
    let event = events::prepare(ctx, &event, user.id, &events::EventOrigin::default());
    let input = (session.id, user.id, event, LogoutNotices::of(ctx.app, ctx.project));
    ctx.app
        .store
        .write("end_session", input, move |tx, (id, user, event, notices)| {
            Box::pin(async move {
                let noticed = notices.find_of_session(tx, *id).await?;
                grants::remove_of_session(tx, no, *id).await?;
                // A concurrent request may have ended it, and queued its event.
                if sessions::remove(tx, no, *id).await? {
                    ended::note_left(tx, no, *user, None, now).await?;
                    events::queue(tx, no, *user, event, now).await?;
                    notices.queue(tx, &noticed, now).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

/// The destination after sign-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A registered URI that the application requested.
    Registered(String),
    /// The project's page, or one of this server.
    Ours(String),
}

impl Destination {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Registered(uri) | Self::Ours(uri) => uri,
        }
    }
}

/// Where an application wants the browser to go after sign-out.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogoutTarget<'a> {
    pub uri: Option<&'a str>,
    pub state: Option<&'a str>,
    /// The application that asks, as it or its hint says.
    pub client_id: Option<&'a str>,
}

impl LogoutTarget<'_> {
    /// The registered URI. A request that names no application gets only to those of the SDKs, which send none in cookie mode; for all
    /// others, the address alone is no proof that they ask (OpenID Connect RP-Initiated Logout §3).
    fn find_registered(&self, project: &Project) -> Option<String> {
        self.find(project, |client| match self.client_id {
            Some(client_id) => client.client_id == client_id,
            None => uses_sdk(client),
        })
    }

    /// Whether it may be the request of an application with an SDK, which signs out without a hint in cookie mode: not when it names, by
    /// its ID or its address, an application that has ID tokens to hint with.
    #[must_use]
    pub fn may_be_of_sdk(&self, project: &Project) -> bool {
        match self.client_id {
            Some(client_id) => project.settings.client(client_id).is_some_and(uses_sdk),
            None => self.find(project, uses_sdk).is_some() || self.find(project, |_| true).is_none(),
        }
    }

    fn find(&self, project: &Project, may_ask: impl Fn(&Client) -> bool) -> Option<String> {
        let uri = self.uri?;
        let mut clients = project.settings.clients().iter().filter(|client| may_ask(client));
        clients.find_map(|client| client.find_post_logout_redirect_uri(uri))
    }
}

fn uses_sdk(client: &Client) -> bool {
    client.application_type().has_full_access()
}

/// The destination after sign-out: the registered URI with `state`, or the project's page, or this server's.
pub fn destination(project: &Project, target: &LogoutTarget<'_>) -> Destination {
    let registered = target.find_registered(project).and_then(|uri| url::Url::parse(&uri).ok());
    if let Some(mut uri) = registered {
        if let Some(state) = target.state {
            uri.query_pairs_mut().append_pair("state", state);
        }
        return Destination::Registered(uri.into());
    }
    Destination::Ours(project.settings.default_client_uri().unwrap_or("/settings").to_string())
}
