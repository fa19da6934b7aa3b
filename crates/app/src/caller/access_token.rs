//! Reads access tokens of this server, opaque or JWT.

use vestibule_domain::{id::GrantId, time::Timestamp};
use vestibule_protocol::{claims::Sid, oauth::ScopeSet};

use crate::{
    crypto::{tokens::MacKey, unstored::UnstoredGuest},
    projects::Project,
};

/// The content of an access token that this server issued.
pub(crate) struct ReadToken<'t> {
    pub grant_id: GrantId,
    pub expires_at: Timestamp,
    name: TokenName<'t>,
    /// Its scopes, where they may be fewer than those of its grant.
    pub(super) scopes: Option<ScopeSet>,
    /// What it says of its guest, who was not stored when it was issued.
    pub unstored: Option<UnstoredGuest>,
}

enum TokenName<'t> {
    Opaque(&'t str),
    Jti(String),
}

impl ReadToken<'_> {
    /// The key of its revocation record. Computed on demand: most grants have no revoked token.
    pub(crate) fn fingerprint(&self) -> [u8; 16] {
        match &self.name {
            TokenName::Opaque(token) => MacKey::fingerprint_of_access_token(token),
            TokenName::Jti(jti) => MacKey::fingerprint_of_jti(jti),
        }
    }
}

/// Reads an access token of this project, opaque or JWT, expired or not.
pub(crate) fn read_access_token<'t>(project: &Project, token: &'t str) -> Option<ReadToken<'t>> {
    let mac = &project.keys.mac;
    if !token.contains('.') {
        let name = TokenName::Opaque(token);
        if let Some((guest, expires_at)) = mac.read_unstored_access_token(token) {
            return Some(ReadToken { grant_id: guest.grant_id, expires_at, name, scopes: None, unstored: Some(guest) });
        }
        let read = mac.read_access_token(token)?;
        let scopes = read.scope_bits.map(ScopeSet::from_bits);
        return Some(ReadToken { grant_id: read.grant_id, expires_at: read.expires_at, name, scopes, unstored: None });
    }
    let claims = project.keys.read_jwt("at+jwt", token)?;
    let sid = Sid::parse(claims.get("sid")?.as_str()?)?;
    let grant_id: GrantId = match sid {
        Sid::OfflineGrant(id) => id.parse().ok()?,
        Sid::Idp(_) => return None,
    };
    let jti = claims.get("jti")?.as_str()?;
    Some(ReadToken {
        grant_id,
        expires_at: Timestamp::from_seconds(claims.get("exp")?.as_i64()?),
        name: TokenName::Jti(jti.to_string()),
        scopes: claims.get("scope").and_then(|scopes| ScopeSet::parse(scopes.as_str()?).ok()),
        unstored: mac.read_unstored_jti(jti).filter(|guest| guest.grant_id == grant_id),
    })
}
