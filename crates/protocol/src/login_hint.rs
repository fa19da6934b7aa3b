//! The `login_hint` of an authorization request: the SDKs' structured one, a URL whose query names the user, or a plain
//! login ID (OIDC Core §3.1.2.1).

use thiserror::Error;

use crate::Credential;
use crate::form::{Form, FormError, Repeated};

const PREFIX: &str = "https://authgear.com/login_hint?";

/// The user that an authorization request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginHint {
    /// Promote this guest.
    Anonymous(AnonymousHint),
    /// Exchange for a cookie and go straight to the redirect URI.
    AppSessionToken(Credential),
    /// Go on where the exchange of a provider's ID token stopped.
    Continuation(Credential),
    /// Fill in a login ID.
    LoginId {
        /// The login ID.
        login_id: LoginIdHint,
        /// Whether the user is fixed to this one.
        enforce: bool,
    },
    /// A login ID of unspecified kind, as OpenID Connect clients send it: only a suggestion.
    Plain(String),
}

/// How a hint identifies a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnonymousHint {
    /// By a request signed with its device key.
    Jwt(Credential),
    /// By a promotion code.
    PromotionCode(Credential),
}

/// The login ID a hint fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginIdHint {
    /// An email address.
    Email(String),
    /// A phone number.
    Phone(String),
    /// A username.
    Username(String),
}

/// Why a hint was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoginHintError {
    /// Its query is malformed.
    #[error(transparent)]
    Form(#[from] FormError),
    /// A key of its query is repeated.
    #[error(transparent)]
    Repeated(#[from] Repeated),
    /// `type` is missing or unknown.
    #[error("unknown type")]
    Type,
    /// `anonymous` without exactly one of its two keys.
    #[error("type anonymous needs either jwt or promotion_code")]
    Anonymous,
    /// `app_session_token` without the token.
    #[error("type app_session_token needs app_session_token")]
    AppSessionToken,
    /// `continuation` without the continuation.
    #[error("type continuation needs x_continuation")]
    Continuation,
    /// `login_id` without exactly one login ID.
    #[error("type login_id needs one of email, phone and username")]
    LoginId,
}

impl LoginHint {
    /// Parses a hint that was decoded once as a query value. Any text that is not the SDKs' URL is a plain hint and
    /// never rejected.
    ///
    /// ```
    /// use vestibule_protocol::login_hint::{AnonymousHint, LoginHint, LoginHintError, LoginIdHint};
    ///
    /// // What the Web SDK sends to promote a guest.
    /// let hint = LoginHint::parse("https://authgear.com/login_hint?type=anonymous&promotion_code=abc")?;
    /// assert_eq!(hint, LoginHint::Anonymous(AnonymousHint::PromotionCode("abc".into())));
    ///
    /// let hint = LoginHint::parse("https://authgear.com/login_hint?type=login_id&email=kim%40shop.example&enforce=true")?;
    /// let login_id = LoginIdHint::Email("kim@shop.example".into());
    /// assert_eq!(hint, LoginHint::LoginId { login_id, enforce: true });
    ///
    /// // What another OpenID Connect client sends.
    /// assert_eq!(LoginHint::parse("kim@shop.example")?, LoginHint::Plain("kim@shop.example".into()));
    ///
    /// let both = "https://authgear.com/login_hint?type=anonymous&promotion_code=abc&jwt=x.y.z";
    /// assert_eq!(LoginHint::parse(both), Err(LoginHintError::Anonymous));
    /// # Ok::<(), LoginHintError>(())
    /// ```
    ///
    /// # Errors
    /// [`LoginHintError`]; the response is a redirected `invalid_request`.
    pub fn parse(text: &str) -> Result<Self, LoginHintError> {
        let Some(query) = text.strip_prefix(PREFIX) else { return Ok(Self::Plain(text.to_owned())) };
        let form = Form::parse_query(query)?;
        match form.get("type")? {
            Some("anonymous") => match (form.get("jwt")?, form.get("promotion_code")?) {
                (Some(jwt), None) => Ok(Self::Anonymous(AnonymousHint::Jwt(jwt.into()))),
                (None, Some(code)) => Ok(Self::Anonymous(AnonymousHint::PromotionCode(code.into()))),
                (Some(_), Some(_)) | (None, None) => Err(LoginHintError::Anonymous),
            },
            Some("app_session_token") => {
                let token = form.get("app_session_token")?.ok_or(LoginHintError::AppSessionToken)?;
                Ok(Self::AppSessionToken(token.into()))
            }
            Some("continuation") => {
                let continuation = form.get("x_continuation")?.ok_or(LoginHintError::Continuation)?;
                Ok(Self::Continuation(continuation.into()))
            }
            Some("login_id") => {
                let login_id = match (form.get("email")?, form.get("phone")?, form.get("username")?) {
                    (Some(email), None, None) => LoginIdHint::Email(email.to_owned()),
                    (None, Some(phone), None) => LoginIdHint::Phone(restore_plus(phone)),
                    (None, None, Some(username)) => LoginIdHint::Username(username.to_owned()),
                    _ => return Err(LoginHintError::LoginId),
                };
                Ok(Self::LoginId { login_id, enforce: form.get("enforce")? == Some("true") })
            }
            Some(_) | None => Err(LoginHintError::Type),
        }
    }

    /// Serializes the hint as the SDKs send it, before it is encoded once more as a query value.
    pub fn print(&self) -> String {
        let pairs: Vec<(&str, &str)> = match self {
            Self::Plain(text) => return text.clone(),
            Self::Anonymous(AnonymousHint::Jwt(jwt)) => vec![("type", "anonymous"), ("jwt", jwt)],
            Self::Anonymous(AnonymousHint::PromotionCode(code)) => {
                vec![("type", "anonymous"), ("promotion_code", code)]
            }
            Self::AppSessionToken(token) => vec![("type", "app_session_token"), ("app_session_token", token)],
            Self::Continuation(continuation) => vec![("type", "continuation"), ("x_continuation", continuation)],
            Self::LoginId { login_id, enforce } => {
                let login_id = match login_id {
                    LoginIdHint::Email(email) => ("email", email.as_str()),
                    LoginIdHint::Phone(phone) => ("phone", phone.as_str()),
                    LoginIdHint::Username(username) => ("username", username.as_str()),
                };
                let mut pairs = vec![("type", "login_id"), login_id];
                if *enforce {
                    pairs.push(("enforce", "true"));
                }
                pairs
            }
        };
        format!("{PREFIX}{}", Form::from_pairs(pairs).print())
    }
}

/// An unencoded `+` of an international number arrives as a space.
fn restore_plus(phone: &str) -> String {
    match phone.strip_prefix(' ') {
        Some(rest) => format!("+{rest}"),
        None => phone.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &str) -> Result<LoginHint, LoginHintError> {
        LoginHint::parse(&format!("{PREFIX}{query}"))
    }

    #[test]
    fn the_types_are_read() {
        for (query, expected) in [
            ("type=anonymous&jwt=a.b.c", LoginHint::Anonymous(AnonymousHint::Jwt("a.b.c".into()))),
            ("promotion_code=PC&type=anonymous&", LoginHint::Anonymous(AnonymousHint::PromotionCode("PC".into()))),
            ("type=app_session_token&app_session_token=t", LoginHint::AppSessionToken("t".into())),
            ("type=continuation&x_continuation=c", LoginHint::Continuation("c".into())),
            (
                "type=login_id&email=kim%40shop.example&enforce=true",
                LoginHint::LoginId { login_id: LoginIdHint::Email("kim@shop.example".to_owned()), enforce: true },
            ),
            (
                "type=login_id&phone=+85298765432",
                LoginHint::LoginId { login_id: LoginIdHint::Phone("+85298765432".to_owned()), enforce: false },
            ),
            (
                "type=login_id&username=kim&enforce=false",
                LoginHint::LoginId { login_id: LoginIdHint::Username("kim".to_owned()), enforce: false },
            ),
        ] {
            assert_eq!(parse(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (query, error) in [
            ("", LoginHintError::Type),
            ("jwt=a.b.c", LoginHintError::Type),
            ("type=guest&jwt=a.b.c", LoginHintError::Type),
            ("type=anonymous", LoginHintError::Anonymous),
            ("type=anonymous&jwt=", LoginHintError::Anonymous),
            ("type=anonymous&jwt=a&promotion_code=b", LoginHintError::Anonymous),
            ("type=app_session_token", LoginHintError::AppSessionToken),
            ("type=continuation", LoginHintError::Continuation),
            ("type=login_id", LoginHintError::LoginId),
            ("type=login_id&email=a&phone=b", LoginHintError::LoginId),
            ("type=anonymous&jwt=%zz", LoginHintError::Form(FormError::PercentEncoding)),
            ("type=anonymous&jwt=a&jwt=b", LoginHintError::Repeated(Repeated { name: "jwt".to_owned() })),
        ] {
            assert_eq!(parse(query), Err(error), "{query}");
        }
    }

    #[test]
    fn what_is_not_the_url_of_the_sdks_is_a_plain_hint() {
        for text in ["", "kim@shop.example", "https://authgear.com/login_hint", "http://authgear.com/login_hint?type=x"]
        {
            assert_eq!(LoginHint::parse(text), Ok(LoginHint::Plain(text.to_owned())), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,80}", query in "(type|jwt|=|&|%|anonymous|login_id|phone|\\+|a){0,12}") {
            let _ = LoginHint::parse(&text);
            let _ = parse(&query);
        }

        #[test]
        fn a_printed_hint_is_read_back(text in "[^\0]{1,20}", which in 0..6_u8, enforce: bool) {
            let hint = match which {
                0 => LoginHint::Anonymous(AnonymousHint::Jwt(text.as_str().into())),
                1 => LoginHint::Anonymous(AnonymousHint::PromotionCode(text.as_str().into())),
                2 => LoginHint::AppSessionToken(text.as_str().into()),
                3 => LoginHint::Plain(text),
                4 => LoginHint::Continuation(text.as_str().into()),
                _ => LoginHint::LoginId { login_id: LoginIdHint::Email(text), enforce },
            };
            prop_assert_eq!(LoginHint::parse(&hint.print()), Ok(hint));
        }
    }
}
