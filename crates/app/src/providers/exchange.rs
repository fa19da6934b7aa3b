//! Exchanges the code of a provider's answer for the user whom it authenticated.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value};
use vestibule_domain::{
    project::{Provider, ProviderProof, ProviderType, TokenEndpointAuthMethod},
    secret::Secret,
    time::Timestamp,
};
use vestibule_protocol::{echo, jose::Jws};

use super::{
    ProviderError, ProviderUser,
    apple::{self, PersonName},
    callback_of,
    id_token::{self, Expected},
    known::{KnownProvider, Metadata},
    microsoft, secrets, user_api,
};
use crate::{adapters::provider_http::ProviderAnswer, ctx::Ctx};

/// Maximum bytes of a code or access token.
const TOKEN_BYTES: usize = 8 * 1024;

/// The answer of a provider, as the browser brought it.
#[derive(Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub code: &'a str,
    /// The issuer that it names (RFC 9207).
    pub issuer: Option<&'a str>,
    /// The user's name, of a provider that says it beside the ID token.
    pub name: &'a PersonName,
}

/// What the request to the provider had.
#[derive(Clone, Copy)]
pub(crate) struct Exchange<'a> {
    pub nonce: &'a str,
    pub verifier: &'a str,
}

/// The calls of one exchange.
pub(super) struct Call<'a> {
    pub(super) ctx: &'a Ctx<'a>,
    pub(super) provider: &'a Provider,
    pub(super) known: &'a KnownProvider,
    pub(super) metadata: &'a Metadata,
}

impl Call<'_> {
    /// Reads a document with an access token.
    pub(super) async fn get(&self, url: &str, token: &str) -> Result<ProviderAnswer, ProviderError> {
        if token.len() > TOKEN_BYTES || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ProviderError::Unproven("the access token cannot be used"));
        }
        let call = self.ctx.app.providers.http.get(url, Some(token));
        self.known.call((&self.ctx.app.metrics, self.ctx.now), call).await
    }
}

#[derive(Deserialize)]
pub(super) struct Tokens {
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    /// A text, and an object at Facebook. Some providers answer errors with the status 200.
    #[serde(default)]
    error: Option<Value>,
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
    known.check_answer(&metadata, answer.issuer)?;
    if answer.code.is_empty() || answer.code.len() > TOKEN_BYTES {
        return Err(ProviderError::Unproven("the answer has no usable code"));
    }
    let call = Call { ctx, provider, known: &known, metadata: &metadata };
    let secret = secrets::find(ctx, provider).await?;
    let tokens = redeem(&call, &secret, answer.code, of.verifier).await?;
    if provider.kind.proof() == ProviderProof::UserApi {
        return user_api::read_user(&call, tokens.access_token.as_deref(), &secret).await;
    }
    let (subject, claims, authenticated_at) = read_id_token(&call, &tokens, of.nonce).await?;
    let user = ProviderUser::read(provider, subject, &claims).authenticated(authenticated_at);
    Ok(if provider.kind.says_name_once() { user.with_name(answer.name) } else { user })
}

/// The subject and the claims of the ID token, with those of UserInfo where it is asked, and when the user signed in there.
async fn read_id_token(
    call: &Call<'_>,
    tokens: &Tokens,
    nonce: &str,
) -> Result<(String, Map<String, Value>, Option<Timestamp>), ProviderError> {
    let kind = call.provider.kind;
    let id_token = tokens.id_token.as_deref().ok_or(ProviderError::Unproven("the answer has no ID token"))?;
    let (clients, nonces) = ([call.provider.client_id.as_str()], [nonce]);
    let wanted = Wanted { clients: &clients, nonces: kind.takes_nonce().then_some(&nonces), since: None };
    let (subject, mut claims) = verify_id_token(call, id_token, &wanted).await?;
    let authenticated_at = id_token::read_auth_time(&claims);
    match kind.proof() {
        ProviderProof::IdToken if claims.contains_key("email") => {}
        // A signed answer is no object. The ID token says enough without it.
        ProviderProof::IdToken => {
            let said = read_user_info(call, tokens, &subject).await?.unwrap_or_default();
            for (name, value) in said {
                claims.entry(name).or_insert(value);
            }
        }
        ProviderProof::IdTokenAndUserInfo => {
            let said = read_user_info(call, tokens, &subject).await?;
            claims.extend(said.ok_or(ProviderError::Unproven("UserInfo says nothing about the user"))?);
        }
        ProviderProof::IdTokenAlone | ProviderProof::UserApi => {}
    }
    Ok((read_account_id(kind, subject, &claims)?, claims, authenticated_at))
}

/// What only the caller of [`verify_id_token`] knows of [`Expected`].
pub(super) struct Wanted<'a> {
    pub(super) clients: &'a [&'a str],
    pub(super) nonces: Option<&'a [&'a str]>,
    pub(super) since: Option<Timestamp>,
}

/// Verifies an ID token of the provider; answers its subject and its claims.
pub(super) async fn verify_id_token(
    call: &Call<'_>,
    id_token: &str,
    wanted: &Wanted<'_>,
) -> Result<(String, Map<String, Value>), ProviderError> {
    let ctx = call.ctx;
    let jws = Jws::parse(id_token).map_err(|_| ProviderError::Unproven("the ID token is not a signed token"))?;
    let jwks_uri = call.metadata.jwks_uri.as_deref();
    let jwks_uri = jwks_uri.ok_or(ProviderError::Unproven("the metadata does not say where the keys are"))?;
    let keys = (&ctx.app.providers.http, jwks_uri);
    let key_issuer = call.known.verify(keys, &jws, (&ctx.app.metrics, ctx.now)).await?;
    let claims = jws.claims().map_err(|_| ProviderError::Unproven("the ID token cannot be read"))?;
    let issuer = call.known.expect_issuer(call.metadata, &claims, key_issuer.as_deref())?;
    let expected = Expected {
        kind: call.provider.kind,
        issuer: &issuer,
        clients: wanted.clients,
        nonces: wanted.nonces,
        since: wanted.since,
        now: ctx.now,
    };
    Ok((id_token::check(&claims, &expected)?, claims))
}

/// The ID of the account: the subject, which is a number at Facebook, but at Microsoft.
pub(super) fn read_account_id(
    kind: ProviderType,
    subject: String,
    claims: &Map<String, Value>,
) -> Result<String, ProviderError> {
    match kind {
        ProviderType::Microsoft => microsoft::read_subject(claims),
        ProviderType::Facebook => user_api::check_number(&subject).map(str::to_string),
        ProviderType::Google
        | ProviderType::Apple
        | ProviderType::GitHub
        | ProviderType::LinkedIn
        | ProviderType::Oidc => Ok(subject),
    }
}

/// The request of RFC 6749 §4.1.3, with the verifier of RFC 7636 where the provider takes one.
pub(super) async fn redeem(
    call: &Call<'_>,
    secret: &Secret<String>,
    code: &str,
    verifier: &str,
) -> Result<Tokens, ProviderError> {
    let (ctx, provider) = (call.ctx, call.provider);
    let secret = if provider.kind.signs_secret() {
        apple::sign_secret((provider, &call.metadata.issuer), secret, ctx.now)?
    } else {
        secret.clone()
    };
    let callback = callback_of(ctx.project, provider);
    let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", callback.as_str())];
    if provider.kind.takes_verifier() {
        form.push(("code_verifier", verifier));
    }
    let basic = match provider.auth_method() {
        TokenEndpointAuthMethod::ClientSecretBasic => Some(print_basic(&provider.client_id, secret.expose())),
        TokenEndpointAuthMethod::ClientSecretPost => {
            form.extend([("client_id", provider.client_id.as_str()), ("client_secret", secret.expose().as_str())]);
            None
        }
    };
    let posted = ctx.app.providers.http.post(&call.metadata.token_endpoint, &form, basic);
    let answer = call.known.call((&ctx.app.metrics, ctx.now), posted).await?;
    read_tokens(&answer)
}

fn read_tokens(answer: &ProviderAnswer) -> Result<Tokens, ProviderError> {
    let read: Result<Tokens, _> = serde_json::from_slice(&answer.body);
    match read {
        Ok(Tokens { error: Some(error), .. }) => Err(ProviderError::Refused(name_error(&error))),
        Ok(tokens) if answer.status == 200 => Ok(tokens),
        Ok(_) | Err(_) => Err(ProviderError::Unavailable(format!("its token endpoint answered {}", answer.status))),
    }
}

/// The name of an error: a text, or the type and number in an object.
fn name_error(error: &Value) -> String {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let name = error.as_str().or_else(|| text("type")).unwrap_or("an error without a name");
    let number = error.get("code").and_then(Value::as_i64).map(|number| format!(" {number}")).unwrap_or_default();
    format!("{}{number}", echo(name))
}

/// HTTP Basic credentials (RFC 6749 §2.3.1): both parts form-encoded first.
fn print_basic(client_id: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret))))
}

/// The claims of UserInfo, if there is one that answers with an object; they must be about the user of the ID token (OpenID Connect
/// Core §5.3.2).
async fn read_user_info(
    call: &Call<'_>,
    tokens: &Tokens,
    subject: &str,
) -> Result<Option<Map<String, Value>>, ProviderError> {
    let (Some(endpoint), Some(token)) = (&call.metadata.userinfo_endpoint, &tokens.access_token) else {
        return Ok(None);
    };
    let answer = call.get(endpoint, token).await?;
    let claims: Option<Map<String, Value>> =
        (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok()).flatten();
    let Some(claims) = claims else { return Ok(None) };
    if claims.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(ProviderError::Unproven("UserInfo is about another user"));
    }
    Ok(Some(claims))
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
        let of_facebook = r#"{"error":{"message":"This code was used.","type":"OAuthException","code":100}}"#;
        for (body, name) in [(of_facebook, "OAuthException 100"), (r#"{"error":[]}"#, "an error without a name")] {
            assert_eq!(read(400, body).err(), Some(ProviderError::Refused(name.into())));
        }
        assert!(read(200, r#"{"id_token":"a"}"#).is_ok());
        assert!(matches!(read(404, r#"{"id_token":"a"}"#), Err(ProviderError::Unavailable(_))));
        assert!(matches!(read(200, "<html>"), Err(ProviderError::Unavailable(_))));
    }
}
