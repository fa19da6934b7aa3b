use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};

/// The user that calls and whether it is a guest; `None` when the token is not good.
fn authenticate(token: &str, issuer: &str, keys: &JwkSet) -> Option<(String, bool)> {
    let header = decode_header(token).ok()?;
    if header.typ.as_deref() != Some("at+jwt") {
        return None;
    }
    let key = DecodingKey::from_jwk(keys.find(&header.kid?)?).ok()?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[issuer]);
    let claims = decode::<serde_json::Value>(token, &key, &validation).ok()?.claims;
    let guest = claims["https://authgear.com/claims/user/is_anonymous"] != false;
    Some((claims["sub"].as_str()?.to_string(), guest))
}
