//! Creates what a client receives: grants with refresh tokens, access tokens, ID tokens, cookie sessions.
//! Writes nothing; the caller's transaction stores them.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use vestibule_domain::{
    client::{Client, TokenSigningAlgorithm},
    grant::Grant,
    id::{GrantId, SessionId, UserId},
    identity::UserAccount,
    secret::TokenHash,
    session::{BY_PROVIDER, BY_PROVIDER_UNTIMED, Session, SessionRef, has_known_time},
    time::Timestamp,
    userinfo,
};
use vestibule_protocol::{claims::Sid, oauth::ScopeSet};

use crate::{
    crypto::{
        self, sha256,
        unstored::{REFRESH_SECRET, UnstoredGuest},
    },
    ctx::Ctx,
    projects::Project,
    state::App,
};

const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// The stored `amr` of a grant that began with a device key. It is empty because the SDKs have no name for it. It marks
/// users who may have device keys, so that others cost no query for them.
pub(crate) const BY_DEVICE_KEY: &str = "";

pub(crate) fn began_with_key(grant: &Grant) -> bool {
    grant.amr.as_deref() == Some(BY_DEVICE_KEY)
}

pub struct IssuedAccessToken {
    pub token: String,
    pub expires_in: u64,
}

/// The parameters of a new grant.
pub(crate) struct NewGrant<'a> {
    pub user_id: UserId,
    pub client_id: &'a str,
    /// `None` means the default scopes of a guest.
    pub scope: Option<String>,
    pub authenticated_at: Timestamp,
    pub amr: Option<String>,
    pub session_id: Option<SessionId>,
    pub dpop_jkt: Option<String>,
    pub device: Option<String>,
}

/// Creates a grant and its refresh token.
pub(crate) fn make_grant(app: &App, new: NewGrant<'_>, now: Timestamp) -> (Grant, String) {
    let id: GrantId = app.entropy.id(now);
    let secret = app.entropy.alphanumeric();
    let grant = Grant {
        id,
        user_id: new.user_id,
        client_id: new.client_id.to_string(),
        token_hash: sha256(secret.as_bytes()),
        scope: new.scope,
        created_at: now,
        last_access_at: now,
        authenticated_at: new.authenticated_at,
        amr: new.amr,
        session_id: new.session_id,
        dpop_jkt: new.dpop_jkt,
        device: new.device,
        previous: None,
        has_revoked_tokens: false,
        ends_at: None,
    };
    let token = format!("{id}.{secret}");
    (grant, token)
}

/// Creates a cookie session and the value of its cookie.
pub(crate) fn make_session(
    app: &App,
    user_id: UserId,
    authenticated_at: Timestamp,
    amr: Option<String>,
    device: Option<String>,
    now: Timestamp,
) -> (Session, String) {
    let id: SessionId = app.entropy.id(now);
    let secret = app.entropy.alphanumeric();
    let session = Session {
        id,
        user_id,
        secret_hash: sha256(secret.as_bytes()),
        created_at: now,
        last_access_at: now,
        authenticated_at,
        amr,
        device,
    };
    let cookie = format!("{id}.{secret}");
    (session, cookie)
}

/// Splits `<UUID>.<secret>`, the format of refresh tokens and session cookies, into the ID and the secret's hash.
pub(crate) fn split_token<K>(token: &str) -> Option<(vestibule_domain::id::Id<K>, TokenHash)> {
    let (id, secret) = token.split_once('.')?;
    // A UUID has several spellings; accept only the canonical one.
    let parsed = id.parse::<vestibule_domain::id::Id<K>>().ok()?;
    if parsed.to_string() != id || ![32, REFRESH_SECRET].contains(&secret.len()) {
        return None;
    }
    Some((parsed, sha256(secret.as_bytes())))
}

pub(crate) fn scopes_of(grant: &Grant) -> ScopeSet {
    grant.scope.as_deref().map_or_else(ScopeSet::guest_default, |scope| {
        ScopeSet::parse(scope).unwrap_or_else(|_| ScopeSet::guest_default())
    })
}

/// The scope to store for a new guest of this application: `None` means the default scopes.
pub(crate) fn guest_scope(client: &Client) -> Option<String> {
    if client.has_default_guest_scopes() { None } else { Some(client.scopes_for_guest().join(" ")) }
}

/// Issues an access token for a grant: opaque, or a JWT when the application is configured so (RFC 9068). With `narrowed`, it has only
/// these scopes of the grant.
pub(crate) fn make_access_token(
    ctx: &Ctx<'_>,
    client: &Client,
    grant: &Grant,
    account: &UserAccount<'_>,
    narrowed: Option<&ScopeSet>,
) -> IssuedAccessToken {
    make_token(ctx, client, (grant, None), account, narrowed)
}

/// The same for a guest that is not stored.
pub(crate) fn make_unstored_access_token(
    ctx: &Ctx<'_>,
    client: &Client,
    (grant, guest): (&Grant, &UnstoredGuest),
    account: &UserAccount<'_>,
) -> IssuedAccessToken {
    make_token(ctx, client, (grant, Some(guest)), account, None)
}

fn make_token(
    ctx: &Ctx<'_>,
    client: &Client,
    (grant, unstored): (&Grant, Option<&UnstoredGuest>),
    account: &UserAccount<'_>,
    narrowed: Option<&ScopeSet>,
) -> IssuedAccessToken {
    let (mac, entropy) = (&ctx.project.keys.mac, &ctx.app.entropy);
    let expires_at = grant.cut(ctx.now.plus(client.access_token_lifetime(account.user.is_anonymous())));
    let narrow = narrowed.and_then(ScopeSet::to_bits);
    let token = if client.issues_jwt_access_tokens() {
        let mut claims = json!({
            "iss": ctx.project.origin,
            "aud": [ctx.project.origin],
            "iat": ctx.now.as_seconds(),
            "exp": expires_at.as_seconds(),
            "client_id": client.client_id,
            "scope": narrowed.map_or_else(|| scopes_of(grant).print(), ScopeSet::print),
            "sid": Sid::OfflineGrant(grant.id.to_string()).encode(),
            "jti": match unstored {
                None => crypto::base64url(entropy.bytes::<16>()),
                Some(guest) => mac.make_unstored_jti(guest, entropy),
            },
        });
        let object = claims.as_object_mut().expect("json! with braces makes an object");
        object.extend(userinfo::identify(account));
        if let Some(at) = shown_auth_time(grant.authenticated_at, grant.amr.as_deref()) {
            object.insert("auth_time".into(), at.into());
        }
        if let Some(amr) = amr_claim(grant.amr.as_deref()) {
            object.insert("amr".into(), amr);
        }
        signer(ctx.project, client.access_token_algorithm(), ctx.now).sign("at+jwt", &claims)
    } else if let Some(guest) = unstored {
        mac.issue_unstored_access_token(guest, expires_at, entropy)
    } else if let Some(bits) = narrow {
        mac.issue_narrow_access_token(grant.id, expires_at, bits, entropy)
    } else {
        mac.issue_access_token(grant.id, expires_at, entropy)
    };
    IssuedAccessToken { token, expires_in: expires_at.since(ctx.now).as_secs() }
}

/// What an ID token says of its session.
#[derive(Clone, Copy)]
pub struct Authentication<'a> {
    session: SessionRef,
    at: Timestamp,
    amr: Option<&'a str>,
    /// When the session ends at the latest, if that is soon.
    ends_at: Option<Timestamp>,
}

impl<'a> Authentication<'a> {
    pub(crate) fn of_grant(grant: &'a Grant) -> Self {
        let (session, amr) = (SessionRef::Grant(grant.id), grant.amr.as_deref());
        Self { session, at: grant.authenticated_at, amr, ends_at: grant.ends_at }
    }

    pub fn of_session(session: &'a Session) -> Self {
        let (id, amr) = (SessionRef::Session(session.id), session.amr.as_deref());
        Self { session: id, at: session.authenticated_at, amr, ends_at: None }
    }
}

pub(crate) fn make_id_token(
    ctx: &Ctx<'_>,
    client: &Client,
    authentication: Authentication<'_>,
    account: &UserAccount<'_>,
    scopes: &ScopeSet,
    nonce: Option<&str>,
) -> String {
    let sid = match authentication.session {
        SessionRef::Grant(id) => Sid::OfflineGrant(id.to_string()),
        SessionRef::Session(id) => Sid::Idp(id.to_string()),
    };
    let scopes: Vec<&str> = scopes.iter().collect();
    let expires_at = ctx.now.plus(ID_TOKEN_LIFETIME);
    let expires_at = authentication.ends_at.map_or(expires_at, |ends_at| ends_at.min(expires_at));
    let claims = IdToken {
        iss: &ctx.project.origin,
        aud: [&client.client_id],
        iat: ctx.now.as_seconds(),
        exp: expires_at.as_seconds(),
        auth_time: shown_auth_time(authentication.at, authentication.amr),
        sid: sid.encode(),
        nonce,
        amr: amr_claim(authentication.amr),
        about: userinfo::describe_for_id_token(account, client, &scopes),
    };
    signer(ctx.project, client.id_token_algorithm(), ctx.now).sign("JWT", &claims)
}

/// The claims of an ID token, serialized as they are.
#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    aud: [&'a str; 1],
    iat: i64,
    exp: i64,
    /// Missing where a provider authenticated the user and does not say when. A request with `max_age` never leads there.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    sid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<Value>,
    #[serde(flatten)]
    about: userinfo::Claims<'a>,
}

pub(crate) fn signer(
    project: &Project,
    algorithm: TokenSigningAlgorithm,
    now: Timestamp,
) -> &crypto::signing::SigningKey {
    let algorithm = match algorithm {
        TokenSigningAlgorithm::Rs256 => crypto::signing::KeyAlgorithm::Rs256,
        TokenSigningAlgorithm::Es256 => crypto::signing::KeyAlgorithm::Es256,
    };
    project.keys.signer(algorithm, now)
}

/// What applications see of a stored `amr`.
pub(crate) fn shown_amr(amr: Option<&str>) -> Option<&str> {
    amr.filter(|amr| !amr.is_empty() && ![BY_PROVIDER, BY_PROVIDER_UNTIMED].contains(amr))
}

/// What applications see of when the user authenticated (`auth_time`): nothing if that is not known.
pub(crate) fn shown_auth_time(authenticated_at: Timestamp, amr: Option<&str>) -> Option<i64> {
    has_known_time(amr).then_some(authenticated_at.as_seconds())
}

/// The `amr` claim for a stored value.
pub(crate) fn amr_claim(amr: Option<&str>) -> Option<Value> {
    shown_amr(amr).map(|amr| json!(amr.split(' ').collect::<Vec<_>>()))
}
