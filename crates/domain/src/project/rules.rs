//! Rules for single values of a settings document: identifiers, addresses, colors, languages.
//! A refusal says what to write instead.

use url::Url;
use vestibule_protocol::{
    cors, echo,
    jose::{JwkError, KeySet},
    oauth::{Scope, ScopeSet},
    text,
};

use super::{limits::Period, origin::Origin, provider_type::ProviderType, providers::is_tenant_id};
use crate::{client::Resource, userinfo::PROFILE_CLAIMS};

type RuleResult = Result<(), String>;

fn require(is_good: bool, otherwise: &str) -> RuleResult {
    if is_good { Ok(()) } else { Err(otherwise.to_owned()) }
}

pub(super) fn check_project_id(text: &str) -> RuleResult {
    let is_good = (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    require(is_good, "write 1 to 40 lower-case letters, digits and dashes, such as \"shop\"")
}

pub(super) fn check_client_id(text: &str) -> RuleResult {
    let is_good = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    require(is_good, "write 1 to 64 letters, digits, \"-\", \"_\" and \".\", such as \"shop-web\"")
}

pub(super) fn check_alias(text: &str) -> RuleResult {
    let is_good =
        (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    require(is_good, "write 1 to 40 letters, digits, \"-\" and \"_\", such as \"google\"")
}

pub(super) fn check_attribute_key(text: &str) -> RuleResult {
    let is_standard = |name: &str| name == "address" || PROFILE_CLAIMS.contains(&name);
    let (standard, custom) = (text.strip_prefix("standard_attributes."), text.strip_prefix("custom_attributes."));
    let is_good = standard.is_some_and(is_standard) || custom.is_some_and(|name| !name.is_empty());
    require(
        is_good,
        "write \"custom_attributes.\" and a name, or \"standard_attributes.\" and the name of a standard attribute",
    )
}

/// The types that other servers with this format know and this one does not; those that are OpenID providers first.
const OTHER_PROVIDER_TYPES: [&str; 3] = ["adfs", "azureadb2c", "wechat"];

pub(super) fn check_provider_type(text: &str) -> RuleResult {
    if ProviderType::ALL.iter().any(|kind| kind.as_str() == text) {
        return Ok(());
    }
    if OTHER_PROVIDER_TYPES[..2].contains(&text) {
        let otherwise = "write \"oidc\" if its discovery document and its ID tokens name the same issuer";
        return Err(format!("{text:?} is not supported: {otherwise}"));
    }
    if OTHER_PROVIDER_TYPES.contains(&text) {
        return Err(format!("{text:?} is not supported: remove this provider"));
    }
    let known = ProviderType::ALL.map(|kind| format!("{:?}", kind.as_str()));
    Err(format!("write one of {}; \"oidc\" is any OpenID provider", known.join(", ")))
}

/// The ID of a developer team or of a key, as Apple makes them.
pub(super) fn check_apple_id(text: &str) -> RuleResult {
    let is_good = text.len() == 10 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    require(is_good, "write the 10 capital letters and digits that Apple shows, such as \"A1B2C3D4E5\"")
}

/// A tenant of Microsoft Entra ID: its ID, one of its domains, or a word for many of them.
pub(super) fn check_tenant(text: &str) -> RuleResult {
    let is_name = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let is_word = matches!(text, "common" | "organizations" | "consumers");
    let is_domain = text.len() <= 253 && text.contains('.') && text.split('.').all(is_name);
    require(
        is_word || is_domain || is_tenant_id(text),
        "write the tenant's ID or domain in lower case, or \"common\", \"organizations\" or \"consumers\"",
    )
}

pub(super) fn check_foreign_client_id(text: &str) -> RuleResult {
    let is_good = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    require(is_good, "write the client ID that the provider gave you: 1 to 255 characters without spaces")
}

/// An issuer (OpenID Connect Discovery §3), as ID tokens spell it.
pub(super) fn check_issuer(text: &str) -> RuleResult {
    check_web_uri(text)?;
    let uri = Url::parse(text).map_err(|error| error.to_string())?;
    require(
        uri.query().is_none() && uri.fragment().is_none() && uri.username().is_empty() && uri.password().is_none(),
        "write the issuer without query, fragment, user name and password, such as \"https://id.example\"",
    )
}

/// A scope token (RFC 6749 §3.3).
pub(super) fn check_scope(text: &str) -> RuleResult {
    let is_good =
        (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'));
    require(is_good, "write one scope without spaces, such as \"email\"")
}

pub(super) fn check_name(name: &str) -> RuleResult {
    require(text::is_name(name), "write a name of 1 to 100 characters, or leave the key out")
}

pub(super) fn check_origin(text: &str) -> RuleResult {
    Origin::parse(text).map(|_| ()).map_err(|refusal| refusal.0)
}

/// An absolute URI without fragment (RFC 6749 §3.1.2); native applications may use custom schemes.
pub(super) fn check_redirect_uri(text: &str) -> RuleResult {
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("write an absolute URI without spaces, such as \"https://shop.example/after-login\"".to_owned());
    }
    let Ok(uri) = Url::parse(text) else {
        return Err("write an absolute URI, such as \"https://shop.example/after-login\"".to_owned());
    };
    if text.contains('#') {
        return Err("remove the fragment: a redirect URI has no \"#\" (RFC 6749 §3.1.2)".to_owned());
    }
    match uri.scheme() {
        "http" | "https" => {
            let has_slashes = text.get(uri.scheme().len()..).is_some_and(|rest| rest.starts_with("://"));
            require(has_slashes, "write \"//\" after the scheme, such as \"https://shop.example/after-login\"")?;
            require(
                uri.username().is_empty() && uri.password().is_none(),
                "remove the user name and password from the URI",
            )
        }
        "javascript" | "data" | "vbscript" | "blob" | "file" | "about" => Err(format!(
            "a browser cannot be sent to a {:?} URI: use https or the application's own scheme",
            uri.scheme()
        )),
        scheme => {
            // "localhost:3000/back" parses with the scheme "localhost", which is never intended.
            let rest = &text[scheme.len() + 1..];
            let is_host_and_port = rest.starts_with(|c: char| c.is_ascii_digit());
            require(!is_host_and_port, "put \"https://\" (or \"http://\") in front")?;
            require(!rest.is_empty(), "write something after the scheme, such as \"com.shop.app://after-login\"")
        }
    }
}

/// The URI of an API (RFC 8707 §2: absolute, without fragment), then scopes, each after one space.
pub(super) fn check_resource(text: &str) -> RuleResult {
    if text.split(' ').any(str::is_empty) || text.chars().any(|c| c != ' ' && (c.is_whitespace() || c.is_control())) {
        return Err(
            "write a URI, then scopes, each after one space, such as \"https://orders.example read\"".to_owned()
        );
    }
    let resource = Resource::read(text);
    let is_uri = Url::parse(resource.uri).is_ok() && !resource.uri.contains('#');
    require(is_uri, "begin with an absolute URI without \"#\", such as \"https://orders.shop.example\"")?;
    let written: Vec<&str> = resource.scopes().collect();
    let known = ScopeSet::parse(&written.join(" ")).map_err(|refusal| refusal.description().to_owned())?;
    require(known.iter().count() == written.len(), "a scope is written twice: remove one")?;
    match written.iter().find(|scope| Scope::ALL.iter().any(|one| one.as_str() == **scope)) {
        Some(scope) => Err(format!("{scope:?} is a scope of users' tokens: name a scope of the API")),
        None => Ok(()),
    }
}

/// The URL of a receiver of logout tokens (OpenID Connect Back-Channel Logout §2.2).
pub(super) fn check_logout_url(text: &str) -> RuleResult {
    check_web_uri(text)?;
    require(!text.contains('#'), "remove the fragment: the URL has no \"#\"")
}

/// A JWK set with a key that can be used here.
pub(super) fn check_jwks(text: &str) -> RuleResult {
    match KeySet::parse(text.as_bytes()) {
        Ok(_) => Ok(()),
        Err(JwkError::Private) => Err(
            "this has a private key, which only the application may know: make a new key, and write its public half"
                .to_owned(),
        ),
        Err(why) => {
            Err(format!("write a JWK set with an RSA or P-256 key, such as {{\"keys\":[{{\"kty\":\"EC\",…}}]}}: {why}"))
        }
    }
}

/// The URL of a JWK set. Without TLS, others could write keys of their own into the answer.
pub(super) fn check_keys_url(text: &str) -> RuleResult {
    check_web_uri(text)?;
    let is_safe = Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https" || matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
    });
    require(is_safe, "write an https URL: other computers on the way could replace the keys")
}

pub(super) fn check_web_uri(text: &str) -> RuleResult {
    let is_good = Url::parse(text).is_ok_and(|uri| matches!(uri.scheme(), "http" | "https") && uri.has_host())
        && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    require(is_good, "write an absolute http or https URL, such as \"https://shop.example/\"")
}

/// `[scheme://]host[:port]`, where the first labels of the host may hold a `*`.
pub(super) fn check_origin_entry(text: &str) -> RuleResult {
    cors::check_entry(text).map_err(|refusal| refusal.to_string())
}

pub(super) fn check_cookie_domain(text: &str) -> RuleResult {
    if let Some(rest) = text.strip_prefix('.') {
        return Err(format!("remove the leading dot: write {:?}", echo(rest)));
    }
    let is_name = matches!(url::Host::parse(text), Ok(url::Host::Domain(name)) if name == text);
    require(is_name, "write a lower-case domain name without scheme and port, such as \"shop.example\"")
}

/// A cookie name's characters (RFC 6265 §4.1.1, `token`), kept short.
pub(super) fn check_cookie_prefix(text: &str) -> RuleResult {
    let is_good = (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    require(is_good, "write up to 32 letters, digits, \"-\", \"_\" and \".\", or leave the key out")
}

pub(super) fn check_color(text: &str) -> RuleResult {
    let is_good =
        text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    require(is_good, "write a color as \"#rrggbb\", such as \"#0f766e\"")
}

/// The structure of a language tag (RFC 5646 §2.1): letters first, then subtags of at most eight characters.
pub(super) fn check_language(text: &str) -> RuleResult {
    let mut subtags = text.split('-');
    let is_primary =
        subtags.next().is_some_and(|tag| (2..=3).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphabetic()));
    let is_good =
        is_primary && subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric()));
    require(is_good, "write a language tag, such as \"en\" or \"zh-Hant\"")
}

pub(super) fn check_country(text: &str) -> RuleResult {
    let is_good = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
    require(is_good, "write a country as two capital letters (ISO 3166-1), such as \"DE\"")
}

/// Stands for all countries in a list of them.
pub(super) const EVERY_COUNTRY: &str = "*";

pub(super) fn check_country_entry(text: &str) -> RuleResult {
    if text == EVERY_COUNTRY { Ok(()) } else { check_country(text) }
}

pub(super) fn check_period(text: &str) -> RuleResult {
    text.parse::<Period>().map(|_| ()).map_err(|refusal| refusal.to_string())
}

/// `name@host` or `Display name <name@host>`: catches typing errors; the mail library validates strictly.
pub(super) fn check_mailbox(text: &str) -> RuleResult {
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    let is_address = address.rsplit_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !local.contains(['@', '<', '>']) && url::Host::parse(host).is_ok()
    });
    let is_good = is_address && !address.contains(char::is_whitespace) && !text.chars().any(char::is_control);
    require(is_good, "write an email address, such as \"Shop <no-reply@shop.example>\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(rule: fn(&str) -> RuleResult, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(rule(text), Ok(()), "{text}");
        }
        for text in bad {
            assert!(rule(text).is_err(), "{text}");
        }
    }

    #[test]
    fn redirect_uris_are_absolute_and_without_fragment() {
        judge(
            check_redirect_uri,
            &[
                "https://shop.example",
                "https://shop.example/a?b=c",
                "http://localhost:3000/",
                "com.shop.app://done",
                "com.shop.app:/done",
                "com.shop.app:done",
            ],
            &[
                "",
                "/after-login",
                "shop.example/x",
                "localhost:3000/x",
                "https:shop.example",
                "https://shop.example/#x",
                "https://shop.example/#",
                "https://u:p@shop.example/",
                "https://shop.example/a b",
                "javascript:alert(1)",
                "com.shop.app:",
            ],
        );
    }

    #[test]
    fn a_resource_is_a_uri_with_scopes_of_its_own() {
        judge(
            check_resource,
            &["https://orders.example", "https://orders.example/v1 orders:read orders:write", "urn:stock read"],
            &[
                "",
                "orders read",
                "read https://orders.example",
                "https://orders.example#x",
                "https://orders.example  read",
                "https://orders.example read ",
                " https://orders.example",
                "https://orders.example\tread",
                "https://orders.example\nread",
                "https://orders.example read read",
                "https://orders.example re\"ad",
                "https://orders.example openid",
                "https://orders.example https://authgear.com/scopes/full-access",
            ],
        );
    }

    #[test]
    fn a_receiver_of_logout_tokens_has_no_fragment() {
        judge(
            check_logout_url,
            &["https://app.example/logout", "http://app.internal:8080/logout?x=y"],
            &["", "https://app.example/#logout", "/logout", "com.example:/logout"],
        );
    }

    #[test]
    fn keys_are_public_and_fetched_over_tls() {
        let key = r#""kty":"EC","crv":"P-256","x":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","y":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE""#;
        let set = |key: &str| format!(r#"{{"keys":[{{{key}}}]}}"#);
        let private = set(&format!(r#"{key},"d":"AQ""#));
        judge(check_jwks, &[&set(key)], &["", "{}", r#"{"keys":[]}"#, &format!("{{{key}}}"), &private]);
        assert!(check_jwks(&private).unwrap_err().contains("private"));
        judge(
            check_keys_url,
            &["https://app.example/jwks", "http://localhost:3000/jwks", "http://127.0.0.1/jwks"],
            &["http://app.example/jwks", "http://127.0.0.1.app.example/", "ftp://app.example/", ""],
        );
    }

    #[test]
    fn an_allowed_origin_is_refused_with_the_reason() {
        judge(
            check_origin_entry,
            &[
                "*.shop.example",
                "https://*-team.vercel.app",
                "capacitor://localhost",
                "http://localhost:3000",
                "[::1]:80",
            ],
            &["", "*", "https://*", "file://", "shop.example/", "a.*.shop.example", "shop.example:0", "a b"],
        );
        assert!(check_origin_entry("*").unwrap_err().contains("every web page"));
    }

    #[test]
    fn words_of_a_fixed_form_are_checked() {
        judge(check_project_id, &["shop", "a-1"], &["", "Shop", "-a", "a-", "a_b", &"a".repeat(41)]);
        judge(check_client_id, &["shop-web", "A.b_C"], &["", "a b", "ü", &"a".repeat(65)]);
        judge(check_color, &["#0f766e"], &["0f766e", "#fff", "#12345g"]);
        judge(check_language, &["en", "zh-Hant", "es-419"], &["", "e", "english", "en_US", "en-"]);
        judge(check_alias, &["google", "my_idp-2"], &["", "a b", "a/b", "a.b", &"a".repeat(41)]);
        let types = ["google", "apple", "azureadv2", "github", "facebook", "linkedin", "oidc"];
        judge(check_provider_type, &types, &["", "Google", "adfs", "azureadb2c", "wechat", "azuread"]);
        judge(check_apple_id, &["A1B2C3D4E5"], &["", "a1b2c3d4e5", "A1B2C3D4E", "A1B2C3D4E56", "A1B2C3D4E "]);
        let guid = "72f988bf-86f1-41af-91ab-2d7cd011db47";
        let upper = guid.to_uppercase();
        let tenants = ["common", "organizations", "consumers", "shop.onmicrosoft.com", guid];
        judge(check_tenant, &tenants, &["", "any", "Shop.com", "a..b", ".com", "a/b.c", "{tenantid}", &upper]);
        judge(check_foreign_client_id, &["1-a.apps.googleusercontent.com"], &["", "a b", &"a".repeat(256)]);
        judge(check_scope, &["openid", "https://a.example/b"], &["", "a b", "a\"b"]);
        judge(
            check_issuer,
            &["https://id.example", "https://id.example/", "https://id.example/tenant/v2.0"],
            &["", "id.example", "https://id.example?a", "https://id.example/#a", "https://u:p@id.example", "ftp://a"],
        );
        judge(check_country, &["DE"], &["de", "DEU", "", "*"]);
        judge(check_country_entry, &["DE", "*"], &["de", "DEU", "", "**"]);
        judge(check_cookie_domain, &["shop.example", "localhost"], &["", ".shop.example", "Shop.example", "127.0.0.1"]);
        judge(check_cookie_prefix, &["shop_"], &["", "a b", "a;b"]);
        judge(
            check_mailbox,
            &["a@shop.example", "Shop <a@shop.example>", "demo@localhost"],
            &[
                "",
                "a",
                "@b.example",
                "Shop <a@shop.example",
                "a@b@c.example",
                "a b@c.example",
                "a@c.example\nBcc: x@y.z",
            ],
        );
    }
}
