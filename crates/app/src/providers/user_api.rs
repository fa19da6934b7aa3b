//! Providers without ID tokens: their own API says, to the access token of the exchange, whose it is.

use aws_lc_rs::hmac;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;
use vestibule_domain::{project::ProviderType, secret::Secret};

use super::{ProviderError, ProviderUser, exchange::Call, known::Metadata};
use crate::crypto::hex;

/// Addresses of a GitHub user that are read.
const ADDRESSES: usize = 100;
/// The fields of a Facebook user that are asked for.
const FACEBOOK_FIELDS: &str = "id,name,first_name,middle_name,last_name,email,picture.type(large)";

/// The endpoints of GitHub.
pub(super) fn github(origin: &str, api: &str) -> Metadata {
    Metadata {
        issuer: format!("{origin}/login/oauth"),
        authorization_endpoint: format!("{origin}/login/oauth/authorize"),
        token_endpoint: format!("{origin}/login/oauth/access_token"),
        jwks_uri: None,
        userinfo_endpoint: Some(format!("{api}/user")),
        names_issuer: false,
    }
}

/// The endpoints of Facebook. Only its library for iOS gives ID tokens ("Limited Login"), of the issuer of the dialog.
pub(super) fn facebook(dialog: &str, graph: &str, limited: &str) -> Metadata {
    let issuer = Url::parse(dialog).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    Metadata {
        issuer,
        authorization_endpoint: format!("{dialog}/dialog/oauth"),
        token_endpoint: format!("{graph}/oauth/access_token"),
        jwks_uri: Some(format!("{limited}/.well-known/oauth/openid/jwks/")),
        userinfo_endpoint: Some(format!("{graph}/me")),
        names_issuer: false,
    }
}

/// The user of an access token.
///
/// # Errors
/// [`ProviderError`].
pub(super) async fn read_user(
    call: &Call<'_>,
    token: Option<&str>,
    secret: &Secret<String>,
) -> Result<ProviderUser, ProviderError> {
    let token = token.ok_or(ProviderError::Unproven("the answer has no access token"))?;
    let endpoint = call.metadata.userinfo_endpoint.as_deref().unwrap_or_default();
    let (subject, claims) = if call.provider.kind == ProviderType::Facebook {
        let url = facebook_url(endpoint, token, secret.expose())?;
        read_facebook(&read_object(call, &url, token).await?)?
    } else {
        let user = read_object(call, endpoint, token).await?;
        let addresses = read_addresses(call, &format!("{endpoint}/emails?per_page={ADDRESSES}"), token).await?;
        read_github(&user, &addresses)?
    };
    Ok(ProviderUser::read(call.provider, subject, &claims))
}

async fn read_object(call: &Call<'_>, url: &str, token: &str) -> Result<Map<String, Value>, ProviderError> {
    let answer = call.get(url, token).await?;
    if answer.status != 200 {
        return Err(ProviderError::Unproven("the provider's API refused the access token"));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|_| ProviderError::Unavailable("what its API says about the user cannot be read".into()))
}

/// An address of a GitHub user.
#[derive(Clone, Debug, Default, Deserialize)]
struct Address {
    email: String,
    #[serde(default)]
    primary: bool,
    #[serde(default)]
    verified: bool,
}

/// The user's addresses; none where the user, or the operator of the client, does not let them be read.
async fn read_addresses(call: &Call<'_>, url: &str, token: &str) -> Result<Vec<Address>, ProviderError> {
    let answer = call.get(url, token).await?;
    let unreadable =
        || ProviderError::Unavailable(format!("its list of addresses was answered with {}", answer.status));
    match answer.status {
        200 => serde_json::from_slice(&answer.body).map_err(|_| unreadable()),
        403 | 404 => Ok(Vec::new()),
        _ => Err(unreadable()),
    }
}

/// What GitHub says, as claims. The address of the profile is what the user wants to be public, so only the list counts.
fn read_github(
    user: &Map<String, Value>,
    addresses: &[Address],
) -> Result<(String, Map<String, Value>), ProviderError> {
    let number = user.get("id").and_then(Value::as_u64).filter(|number| *number > 0);
    let number = number.ok_or(ProviderError::Unproven("the user has no number"))?;
    let mut claims = copy(
        user,
        &[("login", "preferred_username"), ("name", "name"), ("avatar_url", "picture"), ("html_url", "profile")],
    );
    if let (None, Some(login)) = (claims.get("name"), user.get("login")) {
        claims.insert("name".to_string(), login.clone());
    }
    if let Some(primary) = addresses.iter().find(|address| address.primary) {
        claims.insert("email".to_string(), Value::from(primary.email.as_str()));
        claims.insert("email_verified".to_string(), Value::from(primary.verified));
    }
    Ok((number.to_string(), claims))
}

/// The ID of a Facebook user, the same in its API and its ID tokens.
pub(super) fn check_number(number: &str) -> Result<&str, ProviderError> {
    let is_number = (1..=32).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(number).ok_or(ProviderError::Unproven("the user has no number"))
}

/// What Facebook says, as claims. It does not say whether the address is verified.
fn read_facebook(user: &Map<String, Value>) -> Result<(String, Map<String, Value>), ProviderError> {
    let number = check_number(user.get("id").and_then(Value::as_str).unwrap_or_default())?;
    let mut claims = copy(
        user,
        &[
            ("name", "name"),
            ("first_name", "given_name"),
            ("middle_name", "middle_name"),
            ("last_name", "family_name"),
            ("email", "email"),
        ],
    );
    let picture = user.get("picture").and_then(|picture| picture.pointer("/data/url"));
    claims.extend(picture.map(|url| ("picture".to_string(), url.clone())));
    Ok((number.to_string(), claims))
}

/// The URL that reads the user, with the proof that the caller has the client secret: Facebook then refuses an access token of
/// another client.
fn facebook_url(endpoint: &str, token: &str, secret: &str) -> Result<String, ProviderError> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let proof = hex(hmac::sign(&key, token.as_bytes()).as_ref());
    let url = Url::parse_with_params(endpoint, [("fields", FACEBOOK_FIELDS), ("appsecret_proof", proof.as_str())]);
    url.map(String::from).map_err(|error| ProviderError::Unavailable(error.to_string()))
}

/// Members of an object under other names.
fn copy(from: &Map<String, Value>, names: &[(&str, &str)]) -> Map<String, Value> {
    let named = names.iter().filter_map(|(theirs, ours)| Some(((*ours).to_string(), from.get(*theirs)?.clone())));
    named.filter(|(_, value)| value.is_string()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_github_user_has_a_number_and_its_primary_address() {
        let address = |email: &str, primary, verified| Address { email: email.into(), primary, verified };
        let user = object(json!({"id": 583_231, "login": "kim", "name": null, "email": "public@id.example"}));
        let read = |addresses: &[Address]| read_github(&user, addresses).expect("a user");
        let (subject, claims) = read(&[address("b@id.example", false, true), address("a@id.example", true, true)]);
        let expected =
            json!({"preferred_username": "kim", "name": "kim", "email": "a@id.example", "email_verified": true});
        assert_eq!((subject.as_str(), Value::from(claims)), ("583231", expected));
        let (_, claims) = read(&[address("b@id.example", false, true), address("a@id.example", true, false)]);
        assert_eq!(claims["email_verified"], false);
        assert!(!read(&[address("b@id.example", false, true)]).1.contains_key("email"));
        assert!(!read(&[]).1.contains_key("email"), "a public address is no proof");
        for id in [json!("583231"), json!(0), json!(-1), json!(1.5), Value::Null] {
            assert!(read_github(&object(json!({"id": id, "login": "kim"})), &[]).is_err(), "{id}");
        }
    }

    #[test]
    fn a_facebook_user_has_a_number_and_an_address_that_is_not_verified() {
        let user = object(json!({
            "id": "10150000000000000", "name": "Kim Li", "first_name": "Kim", "last_name": "Li", "email": "kim@id.example",
            "picture": {"data": {"url": "https://id.example/kim.png"}}, "email_verified": true, "verified": true,
        }));
        let (subject, claims) = read_facebook(&user).expect("a user");
        let expected = json!({
            "name": "Kim Li", "given_name": "Kim", "family_name": "Li", "email": "kim@id.example",
            "picture": "https://id.example/kim.png",
        });
        assert_eq!((subject.as_str(), Value::from(claims)), ("10150000000000000", expected));
        for id in [json!(7), json!(""), json!("a"), json!("1".repeat(33)), Value::Null] {
            assert!(read_facebook(&object(json!({ "id": id }))).is_err(), "{id}");
        }
    }

    #[test]
    fn a_call_of_facebook_proves_the_client_secret() {
        // Test case 2 of RFC 4231.
        let url = facebook_url("https://graph.facebook.com/v23.0/me", "what do ya want for nothing?", "Jefe");
        let url = Url::parse(&url.expect("a URL")).expect("a URL");
        let proof = url.query_pairs().find(|(name, _)| name == "appsecret_proof").expect("a proof").1.into_owned();
        assert_eq!(proof, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
