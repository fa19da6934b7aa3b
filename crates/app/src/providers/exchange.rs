//! Exchanges the code of a provider's answer for the user whom it authenticated.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value};
use vestibule_domain::project::{Provider, TokenEndpointAuthMethod};
use vestibule_protocol::{echo, jose::Jws};

use super::{
    ProviderError, ProviderUser, callback_of,
    id_token::{self, Expected},
    known::{KnownProvider, Metadata},
    secrets,
};
use crate::{adapters::provider_http::ProviderAnswer, ctx::Ctx};

/// Maximum bytes of a code or access token.
const TOKEN_BYTES: usize = 8 * 1024;

/// The answer of a provider, as the browser brought it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub code: &'a str,
    /// The issuer that it names (RFC 9207).
    pub issuer: Option<&'a str>,
}

/// What the request to the provider had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange<'a> {
    pub nonce: &'a str,
    pub verifier: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Tokens {
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    /// Some providers answer errors with the status 200.
    #[serde(default)]
    error: Option<String>,
}

/// Exchanges a code. The provider's tokens are not kept.
///
/// # Errors
/// [`ProviderError`].
pub(crate) async fn exchange(
    ctx: &Ctx<'_>,
    provider: &Provider,
    answer: Answer<'_>,
    of: Exchange<'_>,
) -> Result<ProviderUser, ProviderError> {
    let providers = &ctx.app.providers;
    let known = providers.find(provider);
    let metadata = known.metadata(&providers.http, &ctx.app.metrics, ctx.now).await?;
    // Before the code is sent anywhere: it may be another provider's (RFC 9207 §2.4).
    match answer.issuer {
        Some(issuer) if issuer != metadata.issuer => {
            return Err(ProviderError::Unproven("the answer names another issuer"));
        }
        None if metadata.names_issuer => return Err(ProviderError::Unproven("the answer does not name its issuer")),
        Some(_) | None => {}
    }
    if answer.code.is_empty() || answer.code.len() > TOKEN_BYTES {
        return Err(ProviderError::Unproven("the answer has no usable code"));
    }
    let tokens = redeem(ctx, provider, (&known, &metadata), answer.code, of.verifier).await?;
    let id_token = tokens.id_token.ok_or(ProviderError::Unproven("the answer has no ID token"))?;
    let jws = Jws::parse(&id_token).map_err(|_| ProviderError::Unproven("the ID token is not a signed token"))?;
    let keys = (&providers.http, metadata.jwks_uri.as_str());
    known.verify(keys, &jws, (&ctx.app.metrics, ctx.now)).await?;
    let mut claims = jws.claims().map_err(|_| ProviderError::Unproven("the ID token cannot be read"))?;
    let expected = Expected {
        kind: provider.kind,
        issuer: &metadata.issuer,
        client_id: &provider.client_id,
        nonce: of.nonce,
        now: ctx.now,
    };
    let subject = id_token::check(&claims, &expected)?;
    if !claims.contains_key("email")
        && let (Some(endpoint), Some(token)) = (&metadata.userinfo_endpoint, &tokens.access_token)
    {
        for (name, value) in read_user_info(ctx, (&known, endpoint), token, &subject).await? {
            claims.entry(name).or_insert(value);
        }
    }
    Ok(ProviderUser::read(provider, subject, &claims))
}

/// The request of RFC 6749 §4.1.3, with the verifier of RFC 7636.
pub(super) async fn redeem(
    ctx: &Ctx<'_>,
    provider: &Provider,
    (known, metadata): (&KnownProvider, &Metadata),
    code: &str,
    verifier: &str,
) -> Result<Tokens, ProviderError> {
    let secret = secrets::find(ctx, provider).await?;
    let callback = callback_of(ctx.project, provider);
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", callback.as_str()),
        ("code_verifier", verifier),
    ];
    let basic = match provider.auth_method() {
        TokenEndpointAuthMethod::ClientSecretBasic => Some(print_basic(&provider.client_id, secret.expose())),
        TokenEndpointAuthMethod::ClientSecretPost => {
            form.extend([("client_id", provider.client_id.as_str()), ("client_secret", secret.expose().as_str())]);
            None
        }
    };
    let call = ctx.app.providers.http.post(&metadata.token_endpoint, &form, basic);
    let answer = known.call((&ctx.app.metrics, ctx.now), call).await?;
    read_tokens(&answer)
}

fn read_tokens(answer: &ProviderAnswer) -> Result<Tokens, ProviderError> {
    let read: Result<Tokens, _> = serde_json::from_slice(&answer.body);
    match read {
        Ok(Tokens { error: Some(error), .. }) => Err(ProviderError::Refused(echo(&error).into_owned())),
        Ok(tokens) if answer.status == 200 => Ok(tokens),
        Ok(_) | Err(_) => Err(ProviderError::Unavailable(format!("its token endpoint answered {}", answer.status))),
    }
}

/// HTTP Basic credentials (RFC 6749 §2.3.1): both parts form-encoded first.
fn print_basic(client_id: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret))))
}

/// The claims of UserInfo; they must be about the user of the ID token (OpenID Connect Core §5.3.2).
async fn read_user_info(
    ctx: &Ctx<'_>,
    (known, endpoint): (&KnownProvider, &str),
    token: &str,
    subject: &str,
) -> Result<Map<String, Value>, ProviderError> {
    if token.len() > TOKEN_BYTES || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ProviderError::Unproven("the access token cannot be used"));
    }
    let call = ctx.app.providers.http.get(endpoint, Some(token));
    let answer = known.call((&ctx.app.metrics, ctx.now), call).await?;
    let claims: Option<Map<String, Value>> =
        (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok()).flatten();
    // A signed answer is no object. The ID token says enough without it.
    let Some(claims) = claims else { return Ok(Map::new()) };
    if claims.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(ProviderError::Unproven("UserInfo is about another user"));
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_encoded_first() {
        // The example of RFC 6749 §2.3.1 has nothing to encode.
        assert_eq!(
            print_basic("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"),
            "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
        );
        assert_eq!(print_basic("a b", "c:d"), format!("Basic {}", STANDARD.encode("a+b:c%3Ad")));
    }

    #[test]
    fn an_error_is_one_whatever_its_status() {
        let read = |status, body: &str| read_tokens(&ProviderAnswer { status, max_age: None, body: body.into() });
        for status in [200, 400, 401] {
            let found = read(status, r#"{"error":"invalid_grant"}"#).err();
            assert_eq!(found, Some(ProviderError::Refused("invalid_grant".into())));
        }
        assert!(read(200, r#"{"id_token":"a"}"#).is_ok());
        assert!(matches!(read(404, r#"{"id_token":"a"}"#), Err(ProviderError::Unavailable(_))));
        assert!(matches!(read(200, "<html>"), Err(ProviderError::Unavailable(_))));
    }
}
