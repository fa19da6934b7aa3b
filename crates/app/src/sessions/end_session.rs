//! Ends the cookie session (OIDC RP-Initiated Logout).

use vestibule_domain::{
    event::{Event, UserModel},
    session::Session,
    user::User,
};
use vestibule_protocol::claims::Sid;
use vestibule_store::{StoreError, grants, sessions};

use crate::{ctx::Ctx, error::Error, events, identities::LoadedUser, projects::Project};

/// Whether an ID token hint was issued to a first-party application for this session: for the session itself, or for a grant
/// that belongs to it. Another session of the same user is not meant, also not one of the guest that the user was: the page
/// asks then (OpenID Connect RP-Initiated Logout §2).
pub async fn hint_is_for(ctx: &Ctx<'_>, hint: &str, session: &Session) -> Result<bool, Error> {
    let project = ctx.project;
    // Expired hints are accepted: only the signature matters.
    let Some(claims) = project.keys.read_jwt("JWT", hint) else { return Ok(false) };
    let audience = claims.get("aud").and_then(|aud| aud.as_str().or_else(|| aud.get(0)?.as_str()));
    let first_party = audience
        .and_then(|client_id| project.settings.client(client_id))
        .is_some_and(|client| !client.is_third_party());
    let sid = claims.get("sid").and_then(|sid| sid.as_str()).and_then(Sid::parse);
    if !first_party || claims.get("iss").and_then(|iss| iss.as_str()) != Some(project.origin.as_str()) {
        return Ok(false);
    }
    let grant = match sid {
        Some(Sid::Idp(id)) => return Ok(id == session.id.to_string()),
        Some(Sid::OfflineGrant(id)) => id.parse().ok(),
        None => None,
    };
    let Some(grant) = grant else { return Ok(false) };
    let grant = grants::find(&mut *ctx.app.store.read().await?, project.no, grant).await?;
    Ok(grant.is_some_and(|grant| grant.session_id == Some(session.id)))
}

/// Ends a cookie session and its grants.
pub async fn end(ctx: &Ctx<'_>, user: &User, session: &Session) -> Result<(), Error> {
    let (no, now) = (ctx.project.no, ctx.now);
    let loaded = LoadedUser::read(ctx.app, ctx.project, user.clone()).await?;
    let event =
        Event::UserSignedOut { user: UserModel::copy(&loaded.account()), session: events::model_of_session(session) };
    let event = events::prepare(ctx, &event, user.id, &events::EventOrigin::default());
    let input = (session.id, user.id, event);
    ctx.app
        .store
        .write("end_session", input, move |tx, (id, user, event)| {
            Box::pin(async move {
                grants::remove_of_session(tx, no, *id).await?;
                // A concurrent request may have ended it, and queued its event.
                if sessions::remove(tx, no, *id).await? {
                    events::queue(tx, no, *user, event, now).await?;
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

/// The destination after sign-out: the registered URI with `state`, or the project's page, or this server's.
pub fn destination(project: &Project, redirect_uri: Option<&str>, state: Option<&str>) -> Destination {
    let registered = redirect_uri.and_then(|uri| {
        let client = project.settings.clients().iter().find(|client| client.allows_post_logout_redirect_uri(uri));
        client.and_then(|_| url::Url::parse(uri).ok())
    });
    if let Some(mut uri) = registered {
        if let Some(state) = state {
            uri.query_pairs_mut().append_pair("state", state);
        }
        return Destination::Registered(uri.into());
    }
    Destination::Ours(project.settings.default_client_uri().unwrap_or("/settings").to_string())
}
