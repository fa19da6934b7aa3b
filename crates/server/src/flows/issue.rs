//! Making what a client receives: grants with their refresh tokens, access tokens, ID tokens, cookie sessions.
//! Nothing is written here; the caller's transaction does that.

use serde::Serialize;
use serde_json::{Value, json};
use vestibule_domain::{
    client::{Client, SigningAlgorithm},
    grant::Grant,
    id::{GrantId, SessionId, UserId},
    identity::Account,
    secret::TokenHash,
    session::Session,
    time::Timestamp,
    userinfo,
};
use vestibule_protocol::{claims::Sid, oauth::ScopeSet};

use crate::{
    app::App,
    crypto::{self, sha256},
    projects::Project,
};

/// How long an ID token is good for, in seconds.
const ID_TOKEN_SECONDS: i64 = 300;

/// The `amr` a grant is stored with that began with a device key: the SDKs know no name for it, so none is told; but
/// its user may own device keys, which are worth a look only then.
pub(crate) const BY_DEVICE_KEY: &str = "";

/// Whether a grant began with a device key.
pub(crate) fn began_with_key(grant: &Grant) -> bool {
    grant.amr.as_deref() == Some(BY_DEVICE_KEY)
}

/// An access token and how long it lives.
pub(crate) struct AccessToken {
    pub(crate) token: String,
    pub(crate) expires_in: u64,
}

/// What a new grant starts from.
pub(crate) struct NewGrant<'a> {
    pub(crate) user_id: UserId,
    pub(crate) client_id: &'a str,
    /// `None` means the default set of a guest.
    pub(crate) scope: Option<String>,
    pub(crate) authenticated_at: Timestamp,
    pub(crate) amr: Option<String>,
    pub(crate) session_id: Option<SessionId>,
    pub(crate) dpop_jkt: Option<String>,
    pub(crate) device: Option<String>,
}

/// Makes a grant and the refresh token that stands for it.
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
    };
    let token = format!("{id}.{secret}");
    (grant, token)
}

/// Makes a cookie session and the value of its cookie.
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

/// Splits `<UUID>.<secret>`, as refresh tokens and session cookies are written, into the id and the secret's hash.
pub(crate) fn split_token<K>(token: &str) -> Option<(vestibule_domain::id::Id<K>, TokenHash)> {
    let (id, secret) = token.split_once('.')?;
    // A UUID has several spellings; a token of ours has one.
    let parsed = id.parse::<vestibule_domain::id::Id<K>>().ok()?;
    if parsed.to_string() != id || secret.len() != 32 {
        return None;
    }
    Some((parsed, sha256(secret.as_bytes())))
}

/// The scopes a grant holds.
pub(crate) fn scopes_of(grant: &Grant) -> ScopeSet {
    grant.scope.as_deref().map_or_else(ScopeSet::guest_default, |scope| {
        ScopeSet::parse(scope).unwrap_or_else(|_| ScopeSet::guest_default())
    })
}

/// The scope to store for a new guest of this application: `None` is the default set.
pub(crate) fn guest_scope(client: &Client) -> Option<String> {
    if client.has_default_guest_scopes() { None } else { Some(client.scopes_for_guest().join(" ")) }
}

/// Issues an access token for a grant: opaque, or a JWT when the application asks for it (RFC 9068).
pub(crate) fn make_access_token(
    app: &App,
    project: &Project,
    client: &Client,
    grant: &Grant,
    account: &Account<'_>,
    now: Timestamp,
) -> AccessToken {
    let lifetime = client.access_token_lifetime(account.user.is_anonymous());
    let expires_at = now.plus(lifetime);
    let token = if client.issues_jwt_access_tokens() {
        let mut claims = json!({
            "iss": project.origin,
            "aud": [project.origin],
            "iat": now.as_seconds(),
            "exp": expires_at.as_seconds(),
            "client_id": client.client_id,
            "scope": scopes_of(grant).print(),
            "auth_time": grant.authenticated_at.as_seconds(),
            "sid": Sid::OfflineGrant(grant.id.to_string()).encode(),
            "jti": crypto::base64url(app.entropy.bytes::<16>()),
        });
        let object = claims.as_object_mut().expect("json! with braces makes an object");
        object.extend(userinfo::identify(account));
        if let Some(amr) = amr_claim(grant.amr.as_deref()) {
            object.insert("amr".into(), amr);
        }
        signer(project, client.access_token_algorithm(), now).sign("at+jwt", &claims)
    } else {
        project.keys.mac.issue_access_token(grant.id, expires_at, &app.entropy)
    };
    AccessToken { token, expires_in: lifetime.as_secs() }
}

/// Which session an ID token speaks of.
pub(crate) enum TokenSession<'a> {
    /// A refresh-token grant.
    Grant(&'a Grant),
    /// A cookie session.
    Cookie(&'a Session),
}

/// Issues an ID token (OIDC Core §2).
pub(crate) fn make_id_token(
    project: &Project,
    client: &Client,
    session: TokenSession<'_>,
    account: &Account<'_>,
    scopes: &ScopeSet,
    nonce: Option<&str>,
    now: Timestamp,
) -> String {
    let (sid, authenticated_at, amr) = match session {
        TokenSession::Grant(grant) => {
            (Sid::OfflineGrant(grant.id.to_string()), grant.authenticated_at, grant.amr.as_deref())
        }
        TokenSession::Cookie(session) => {
            (Sid::Idp(session.id.to_string()), session.authenticated_at, session.amr.as_deref())
        }
    };
    let scopes: Vec<&str> = scopes.iter().collect();
    let claims = IdToken {
        iss: &project.origin,
        aud: [&client.client_id],
        iat: now.as_seconds(),
        exp: now.as_seconds() + ID_TOKEN_SECONDS,
        auth_time: authenticated_at.as_seconds(),
        sid: sid.encode(),
        nonce,
        amr: amr_claim(amr),
        about: userinfo::describe_for_id_token(account, client, &scopes),
    };
    signer(project, client.id_token_algorithm(), now).sign("JWT", &claims)
}

/// The claims of an ID token, printed as they are.
#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    aud: [&'a str; 1],
    iat: i64,
    exp: i64,
    auth_time: i64,
    sid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<Value>,
    #[serde(flatten)]
    about: userinfo::Claims<'a>,
}

fn signer(project: &Project, algorithm: SigningAlgorithm, now: Timestamp) -> &crypto::signing::SigningKey {
    let algorithm = match algorithm {
        SigningAlgorithm::Rs256 => crypto::signing::SigningAlgorithm::Rs256,
        SigningAlgorithm::Es256 => crypto::signing::SigningAlgorithm::Es256,
    };
    project.keys.signer(algorithm, now)
}

fn amr_claim(amr: Option<&str>) -> Option<Value> {
    amr.filter(|amr| !amr.is_empty()).map(|amr| json!(amr.split(' ').collect::<Vec<_>>()))
}
