//! Rules over several keys of a settings document at once.

use std::collections::HashSet;

use url::Url;

use super::{
    AuthenticatorKind, IdentityType, MAX_MERGE_RULES, MAX_NATIVE_CLIENT_IDS, MAX_PROVIDERS, MergeRule, ProjectSettings,
    Provider, ProviderType,
};
use crate::client::{ApplicationType, Client, GuestCreation, MAX_M2M_ACCESS_TOKEN_SECONDS, Resource};

/// A contradiction between keys that are each valid: the key to point at and what to do.
pub(super) type Finding = (String, String);

/// Finds all contradictions.
pub(super) fn find_contradictions(settings: &ProjectSettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_login_methods(settings, &mut findings);
    check_providers(settings.providers(), &mut findings);
    check_merge_rules(settings.merge_rules(), &mut findings);
    check_cookies(settings, &mut findings);
    check_languages(settings, &mut findings);
    let mut seen = HashSet::new();
    for (index, client) in settings.clients().iter().enumerate() {
        let path = format!("oauth.clients[{index}]");
        if !seen.insert(client.client_id.as_str()) {
            let message = format!("{:?} is the client_id of an earlier application: choose another", client.client_id);
            findings.push((format!("{path}.client_id"), message));
        }
        check_client(client, &path, &mut findings);
        check_retention(client, &path, &mut findings);
        check_resources(settings, client, &path, &mut findings);
        check_keys(client, &path, &mut findings);
        if client.backchannel_logout_uri.is_some() && !client.x_application_type.has_backchannel_logout() {
            let message = "only confidential and third-party applications get notices of ended sessions: remove it";
            findings.push((format!("{path}.backchannel_logout_uri"), message.to_owned()));
        }
    }
    findings
}

fn check_login_methods(settings: &ProjectSettings, findings: &mut Vec<Finding>) {
    if let Some(keys) = &settings.identity.login_id.keys {
        for (index, key) in keys.iter().enumerate() {
            if keys[..index].contains(key) {
                let message = format!("{:?} is listed twice: remove one", key.kind.as_str());
                findings.push((format!("identity.login_id.keys[{index}].type"), message));
            }
        }
    }
    for kind in settings.login_id_kinds() {
        if settings.authenticators_for(kind).is_empty() {
            let message = format!(
                "users with a login ID of type {:?} could not sign in: add \"password\" or a code sent to it",
                kind.as_str()
            );
            findings.push(("authentication.primary_authenticators".to_owned(), message));
        }
    }
    if settings.passkey_identity_enabled() && !settings.offers(AuthenticatorKind::Passkey) {
        findings.push((
            "authentication.primary_authenticators".to_owned(),
            "\"passkey\" is among the identities: add it here too".to_owned(),
        ));
    }
    let uses_passkeys =
        settings.offers(AuthenticatorKind::Passkey) || settings.identities().contains(&IdentityType::Passkey);
    let origin = settings.public_origin();
    if uses_passkeys && (!origin.is_secure_context() || origin.is_ip_address()) {
        findings.push((
            "project.public_origin".to_owned(),
            "passkeys need an https origin with a name (or localhost): change it or remove \"passkey\"".to_owned(),
        ));
    }
}

fn check_providers(providers: &[Provider], findings: &mut Vec<Finding>) {
    if providers.len() > MAX_PROVIDERS {
        let message = format!("there are {} providers; the limit is {MAX_PROVIDERS}", providers.len());
        findings.push(("identity.oauth.providers".to_owned(), message));
    }
    for (index, provider) in providers.iter().enumerate() {
        let mut find = |key: &str, message: &str| {
            findings.push((format!("identity.oauth.providers[{index}].{key}"), message.to_owned()));
        };
        if providers[..index].iter().any(|earlier| earlier.alias == provider.alias) {
            find("alias", "this is the alias of an earlier provider: choose another");
        }
        let (own, needed) = (provider.kind.own_keys(), provider.kind.requires());
        for (key, is_written) in provider.written_keys() {
            if is_written && !own.contains(&key) {
                find(key, &explain_foreign_key(provider.kind, key));
            }
            if !is_written && needed.contains(&key) {
                find(key, &format!("this key is missing: the type {:?} needs it", provider.kind.as_str()));
            }
        }
        if provider.native_client_ids.len() > MAX_NATIVE_CLIENT_IDS {
            let count = provider.native_client_ids.len();
            find("native_client_ids", &format!("there are {count} client IDs; the limit is {MAX_NATIVE_CLIENT_IDS}"));
        }
        if provider.kind == ProviderType::Oidc
            && provider.scopes.as_ref().is_some_and(|scopes| !scopes.iter().any(|scope| scope == "openid"))
        {
            find("scopes", "add \"openid\": without it, the provider sends no ID token");
        }
    }
}

/// Why a key cannot be written for a provider of this type.
fn explain_foreign_key(kind: ProviderType, key: &str) -> String {
    let owners: Vec<ProviderType> =
        ProviderType::ALL.into_iter().filter(|owner| owner.own_keys().contains(&key)).collect();
    match (owners.as_slice(), kind.brand()) {
        ([ProviderType::Oidc], Some(brand)) => {
            format!("{brand}'s is known: remove this key, or write the type \"oidc\"")
        }
        ([owner], _) => format!("only the type {:?} has this key: remove it", owner.as_str()),
        ([others @ .., last], _) => {
            let others: Vec<String> = others.iter().map(|owner| format!("{:?}", owner.as_str())).collect();
            format!("only the types {} and {:?} have this key: remove it", others.join(", "), last.as_str())
        }
        ([], _) => "remove this key".to_owned(),
    }
}

fn check_merge_rules(rules: &[MergeRule], findings: &mut Vec<Finding>) {
    if rules.len() > MAX_MERGE_RULES {
        let message = format!("there are {} rules; the limit is {MAX_MERGE_RULES}", rules.len());
        findings.push(("identity.merge.attributes".to_owned(), message));
    }
    for (index, rule) in rules.iter().enumerate() {
        if rules[..index].iter().any(|earlier| earlier.key == rule.key) {
            let message = "an earlier rule is about this attribute: remove one";
            findings.push((format!("identity.merge.attributes[{index}].key"), message.to_owned()));
        }
    }
}

fn check_cookies(settings: &ProjectSettings, findings: &mut Vec<Finding>) {
    let Some(domain) = settings.cookie_domain() else { return };
    let host = settings.public_origin().host();
    let covers = host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    if !covers {
        let message =
            format!("browsers refuse this: {host:?} is not under {domain:?}; write the host or a parent of it");
        findings.push(("http.cookie_domain".to_owned(), message));
    } else if host != domain && !domain.contains('.') {
        let message = format!("{domain:?} is a whole top-level domain, browsers refuse it: write one more label");
        findings.push(("http.cookie_domain".to_owned(), message));
    }
}

fn check_languages(settings: &ProjectSettings, findings: &mut Vec<Finding>) {
    let Some(languages) = settings.languages() else { return };
    let fallback = settings.fallback_language();
    if !languages.iter().any(|language| language == fallback) {
        let message =
            format!("the fallback {fallback:?} is not among ui.languages: add it there or choose one of them");
        findings.push(("ui.fallback_language".to_owned(), message));
    }
}

fn check_client(client: &Client, path: &str, findings: &mut Vec<Finding>) {
    let mut find = |key: &str, message: String| findings.push((format!("{path}.{key}"), message));
    if client.redirect_uris.is_empty() && client.x_application_type.has_users() {
        find("redirect_uris", "this key is missing: name at least one URI that users return to".to_owned());
    }
    if client.x_application_type == ApplicationType::M2m && client.access_seconds(false) > MAX_M2M_ACCESS_TOKEN_SECONDS
    {
        find(
            "access_token_lifetime_seconds",
            format!("a machine's access token lives at most {MAX_M2M_ACCESS_TOKEN_SECONDS} seconds: write less"),
        );
    }
    if client.refresh_seconds(false) < client.access_seconds(false) {
        find(
            "refresh_token_lifetime_seconds",
            "refresh token lifetime must be greater than or equal to access token lifetime".to_owned(),
        );
    }
    let has_guest_lifetimes = client.anonymous_access_token_lifetime_seconds.is_some()
        || client.anonymous_refresh_token_lifetime_seconds.is_some();
    if has_guest_lifetimes && client.refresh_seconds(true) < client.access_seconds(true) {
        let key = if client.anonymous_refresh_token_lifetime_seconds.is_some() {
            "anonymous_refresh_token_lifetime_seconds"
        } else {
            "anonymous_access_token_lifetime_seconds"
        };
        find(key, "a guest's refresh token must not live shorter than its access token".to_owned());
    }
    if client.guest_creation() == GuestCreation::Lazy && client.x_application_type == ApplicationType::TraditionalWebapp
    {
        let message = "guests of a traditional_webapp have cookie sessions, which are stored at once: write \"eager\", or remove the key";
        find("guest_creation", message.to_owned());
    }
    if let Some(scopes) = &client.anonymous_scopes
        && !scopes.iter().any(|scope| scope == "openid")
    {
        find("anonymous_scopes", "add \"openid\": a guest's token does not identify the guest without it".to_owned());
    }
}

fn check_retention(client: &Client, path: &str, findings: &mut Vec<Finding>) {
    let rules = &client.guest_retention;
    for (name, rule) in [
        ("without_key", &rules.without_key),
        ("with_key", &rules.with_key),
        ("with_attributes", &rules.with_attributes),
    ] {
        if rule.idle_seconds.zip(rule.warning_seconds).is_some_and(|(idle, warning)| warning >= idle) {
            let message = "the warning comes before the guest is idle: write a shorter time than idle_seconds";
            findings.push((format!("{path}.guest_retention.{name}.warning_seconds"), message.to_owned()));
        }
    }
}

fn check_keys(client: &Client, path: &str, findings: &mut Vec<Finding>) {
    let mut find = |key: &str, message: &str| findings.push((format!("{path}.{key}"), message.to_owned()));
    let keys = [("jwks", client.jwks.is_some()), ("jwks_uri", client.jwks_uri.is_some())];
    for (key, _) in keys.iter().filter(|(_, is_set)| *is_set && !client.x_application_type.is_confidential()) {
        find(key, "a public application does not authenticate: remove the keys");
    }
    if keys.iter().all(|(_, is_set)| *is_set) {
        find("jwks_uri", "the keys are in `jwks` already: write one of the two");
    }
}

fn check_resources(settings: &ProjectSettings, client: &Client, path: &str, findings: &mut Vec<Finding>) {
    let path = format!("{path}.resources");
    if !client.resources.is_empty() && !client.x_application_type.has_own_tokens() {
        let message = "only machine and confidential applications get tokens for themselves: remove the resources";
        findings.push((path.clone(), message.to_owned()));
    }
    let uris: Vec<&str> = client.resources.iter().map(|entry| Resource::read(entry).uri).collect();
    for (index, uri) in uris.iter().enumerate() {
        let mut find = |message: String| findings.push((format!("{path}[{index}]"), message));
        // The audience of users' tokens: a token without a user must not pass for one.
        if Url::parse(uri).is_ok_and(|uri| uri.origin().ascii_serialization() == settings.public_origin().as_str()) {
            find("this is the project's own origin: name the URI of another API".to_owned());
        }
        if uris[..index].contains(uri) {
            find("the resource is listed twice: write all its scopes in one item".to_owned());
        }
    }
}
