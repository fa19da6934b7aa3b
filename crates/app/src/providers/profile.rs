//! What a provider says about its user, and what of it is believed.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vestibule_domain::{
    attributes,
    identifier::{LoginId, LoginIdKind},
    project::{Provider, ProviderType},
    session::{BY_PROVIDER, BY_PROVIDER_UNTIMED, proved_at},
    time::Timestamp,
};

use super::{apple::PersonName, microsoft};

/// The claims that are kept (OpenID Connect Core §5.1).
const KEPT: [&str; 12] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "picture",
    "profile",
    "website",
    "locale",
    "zoneinfo",
    "email",
];
/// Maximum bytes of a claim; a longer one is left out.
const CLAIM_BYTES: usize = 1_024;

/// A user whom a provider authenticated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProviderUser {
    /// The key of the provider's accounts.
    pub(crate) provider: String,
    pub(crate) subject: String,
    /// What the provider said: kept with the account, and shown to its owner.
    pub(crate) profile: Map<String, Value>,
    /// The email address, if it is believed to be the user's own.
    pub(crate) verified_email: Option<LoginId>,
    /// Whether it is believed at the operator's word alone.
    #[serde(default)]
    is_email_assumed: bool,
    /// Whether the provider says the name only once.
    says_name_once: bool,
    /// When the user signed in at the provider, if the ID token says so.
    #[serde(default)]
    pub(super) authenticated_at: Option<Timestamp>,
}

/// When a provider's user proved itself, and how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DatedProof {
    pub(crate) at: Timestamp,
    pub(crate) amr: &'static str,
}

impl DatedProof {
    /// Whether its user authenticated at most so many seconds ago.
    pub(crate) fn is_within(self, seconds: u64, now: Timestamp) -> bool {
        proved_at(self.at, Some(self.amr)).is_some_and(|at| now.since(at) <= Duration::from_secs(seconds))
    }
}

/// What a provider that says the name only once does not say again.
const SAID_ONCE: [&str; 3] = ["name", "given_name", "family_name"];

impl ProviderUser {
    /// Reads the claims of an ID token, with those of UserInfo, or what the provider's API says instead.
    pub(super) fn read(provider: &Provider, subject: String, claims: &Map<String, Value>) -> Self {
        let mut profile = Map::new();
        for name in KEPT {
            let value = claims.get(name).and_then(Value::as_str).filter(|value| is_usable(value));
            profile.extend(value.map(|value| (name.to_string(), Value::from(value))));
        }
        if profile.contains_key("email") {
            let is_verified = match provider.kind {
                ProviderType::Microsoft => microsoft::is_domain_verified(claims),
                ProviderType::Facebook => false,
                ProviderType::Google
                | ProviderType::Apple
                | ProviderType::GitHub
                | ProviderType::LinkedIn
                | ProviderType::Oidc => is_true(claims.get("email_verified")),
            };
            profile.insert("email_verified".to_string(), Value::from(is_verified));
            if provider.kind == ProviderType::Apple && is_true(claims.get("is_private_email")) {
                profile.insert("is_private_email".to_string(), Value::from(true));
            }
        }
        let (verified_email, is_email_assumed) = believe_email(provider, claims, &profile).unzip();
        let (says_name_once, is_email_assumed) = (provider.kind.says_name_once(), is_email_assumed.unwrap_or(false));
        let provider = provider.account_key();
        Self { provider, subject, profile, verified_email, is_email_assumed, says_name_once, authenticated_at: None }
    }

    /// The same for these settings of its provider, which may have changed since: an address that was believed at the operator's word
    /// alone is not believed any more without it.
    pub(crate) fn under(self, provider: &Provider) -> Self {
        let is_believed = !self.is_email_assumed || provider.assumes_verified();
        Self { verified_email: self.verified_email.filter(|_| is_believed), ..self }
    }

    /// When it proved itself with an answer that was verified at this time. A provider may answer without a question to a user who is
    /// signed in there.
    pub(crate) fn dated(&self, provider: &Provider, verified_at: Timestamp) -> DatedProof {
        match self.authenticated_at {
            Some(at) => DatedProof { at: at.min(verified_at), amr: BY_PROVIDER },
            None if provider.proves_without_time() => DatedProof { at: verified_at, amr: BY_PROVIDER },
            None => DatedProof { at: verified_at, amr: BY_PROVIDER_UNTIMED },
        }
    }

    /// Adds when the user signed in at the provider.
    pub(super) fn authenticated(self, authenticated_at: Option<Timestamp>) -> Self {
        Self { authenticated_at, ..self }
    }

    /// Adds the name that an application says it got beside the ID token, of a provider that says it there.
    pub(crate) fn with_name_beside(self, name: &PersonName) -> Self {
        if self.says_name_once { self.with_name(name) } else { self }
    }

    /// The same with less of the profile, so that it is short.
    pub(crate) fn with_essential_profile(mut self) -> Self {
        self.profile.retain(|name, _| name.starts_with("email") || SAID_ONCE.contains(&name.as_str()));
        self
    }

    /// Adds the name that is not in the claims.
    pub(super) fn with_name(mut self, name: &PersonName) -> Self {
        let whole = [name.given.as_deref(), name.family.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let parts = [
            ("given_name", name.given.as_deref()),
            ("family_name", name.family.as_deref()),
            ("name", Some(whole.as_str())),
        ];
        for (claim, value) in parts {
            let value = value.filter(|value| is_usable(value));
            self.profile.extend(value.map(|value| (claim.to_string(), Value::from(value))));
        }
        self
    }

    /// Keeps of what was stored before what the provider says only once.
    pub(crate) fn keep_name(&mut self, stored: &Map<String, Value>) {
        if self.says_name_once && !SAID_ONCE.iter().any(|name| self.profile.contains_key(*name)) {
            let kept = SAID_ONCE.iter().filter_map(|name| Some(((*name).to_string(), stored.get(*name)?.clone())));
            self.profile.extend(kept);
        }
    }

    /// The standard attributes for a new member: of the profile, what the attributes take. The email address is a login ID.
    pub(crate) fn attributes(&self) -> Map<String, Value> {
        let usable = |(name, value): &(&String, &Value)| {
            let one = Map::from_iter([((*name).clone(), (*value).clone())]);
            !name.starts_with("email") && attributes::check(&one, &Map::new()).is_empty()
        };
        self.profile.iter().filter(usable).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn is_usable(value: &str) -> bool {
    !value.is_empty() && value.len() <= CLAIM_BYTES && !value.chars().any(char::is_control)
}

/// Some providers send flags as texts.
fn is_true(flag: Option<&Value>) -> bool {
    flag.is_some_and(|flag| *flag == Value::Bool(true) || flag.as_str() == Some("true"))
}

/// The email address that the provider vouches for, or the operator for the provider; and whether only the operator does.
fn believe_email(
    provider: &Provider,
    claims: &Map<String, Value>,
    profile: &Map<String, Value>,
) -> Option<(LoginId, bool)> {
    let typed = claims.get("email")?.as_str()?;
    let email = LoginId::parse(LoginIdKind::Email, typed, None).ok()?;
    let is_said = is_true(profile.get("email_verified"));
    let is_believed = is_said && (provider.kind != ProviderType::Google || is_googles_own(&email, claims));
    (is_believed || provider.assumes_verified()).then_some((email, !is_believed))
}

/// Whether Google itself runs the address. An address elsewhere was verified once, and may have another owner by now.
fn is_googles_own(email: &LoginId, claims: &Map<String, Value>) -> bool {
    let domain = email.value.rsplit_once('@').map(|(_, domain)| domain);
    let is_gmail = domain.is_some_and(|domain| matches!(domain, "gmail.com" | "googlemail.com"));
    is_gmail || claims.get("hd").and_then(Value::as_str).is_some_and(|hd| !hd.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_domain::project::{ProviderClaims, ProviderEmail};

    use super::*;

    fn provider(kind: ProviderType, assume_verified: bool) -> Provider {
        let claims = ProviderClaims { email: ProviderEmail { assume_verified: Some(assume_verified) } };
        let issuer = (kind == ProviderType::Oidc).then(|| "https://id.example".to_string());
        Provider { kind, issuer, claims, ..Provider::default() }
    }

    fn read(provider: &Provider, claims: Value) -> ProviderUser {
        ProviderUser::read(provider, "1".into(), claims.as_object().expect("an object"))
    }

    #[test]
    fn an_address_is_believed_as_configured() {
        use ProviderType::{Apple, Facebook, GitHub, Google, LinkedIn, Microsoft, Oidc};
        for (kind, assumes, claims, believed) in [
            (Oidc, false, json!({"email": "kim@id.example", "email_verified": true}), true),
            (Oidc, false, json!({"email": "kim@id.example", "email_verified": "true"}), true),
            (Oidc, false, json!({"email": "kim@id.example", "email_verified": false}), false),
            (Oidc, false, json!({"email": "kim@id.example", "email_verified": "false"}), false),
            (Oidc, false, json!({"email": "kim@id.example", "email_verified": 1}), false),
            (Oidc, false, json!({"email": "kim@id.example"}), false),
            (Oidc, true, json!({"email": "kim@id.example"}), true),
            (Oidc, true, json!({"email": "no address", "email_verified": true}), false),
            (Oidc, true, json!({"email_verified": true}), false),
            (Google, false, json!({"email": "kim@gmail.com", "email_verified": true}), true),
            (Google, false, json!({"email": "kim@gmail.com", "email_verified": false}), false),
            (Google, false, json!({"email": "kim@id.example", "email_verified": true}), false),
            (Google, false, json!({"email": "kim@id.example", "email_verified": true, "hd": ""}), false),
            (Google, false, json!({"email": "kim@id.example", "email_verified": true, "hd": "id.example"}), true),
            (Google, true, json!({"email": "kim@id.example", "email_verified": false}), true),
            (Apple, false, json!({"email": "kim@id.example", "email_verified": "true"}), true),
            (Apple, false, json!({"email": "kim@id.example", "email_verified": "false"}), false),
            (GitHub, false, json!({"email": "kim@id.example", "email_verified": true}), true),
            (GitHub, false, json!({"email": "kim@id.example", "email_verified": false}), false),
            (LinkedIn, false, json!({"email": "kim@id.example", "email_verified": true}), true),
            (LinkedIn, false, json!({"email": "kim@id.example"}), false),
            (Facebook, false, json!({"email": "kim@id.example", "email_verified": true}), false),
            (Facebook, true, json!({"email": "kim@id.example"}), true),
            (Microsoft, false, json!({"email": "kim@id.example", "email_verified": true}), false),
            (Microsoft, false, json!({"email": "kim@id.example", "xms_edov": false}), false),
            (Microsoft, false, json!({"email": "kim@id.example", "xms_edov": "0"}), false),
            (Microsoft, false, json!({"email": "kim@id.example", "xms_edov": true}), true),
            (Microsoft, false, json!({"email": "kim@id.example", "xms_edov": 1}), true),
            (Microsoft, false, json!({"email": "kim@id.example", "xms_edov": "1"}), true),
            (Microsoft, true, json!({"email": "kim@id.example"}), true),
        ] {
            let user = read(&provider(kind, assumes), claims.clone());
            assert_eq!(user.verified_email.is_some(), believed, "{kind:?} {assumes} {claims}");
        }
    }

    #[test]
    fn an_address_is_not_assumed_longer_than_the_operator_assumes_it() {
        let (trusting, wary) = (provider(ProviderType::Oidc, true), provider(ProviderType::Oidc, false));
        for (is_said, is_kept) in [(false, false), (true, true)] {
            let user = read(&trusting, json!({"email": "kim@id.example", "email_verified": is_said}));
            assert!(user.clone().under(&trusting).verified_email.is_some());
            assert_eq!(user.under(&wary).verified_email.is_some(), is_kept);
        }
    }

    #[test]
    fn a_name_that_is_said_once_is_kept() {
        let claims =
            json!({"email": "x@privaterelay.appleid.com", "email_verified": "true", "is_private_email": "true"});
        let name = PersonName { given: Some("Kim".into()), family: Some("Li".into()) };
        let first = read(&provider(ProviderType::Apple, false), claims.clone()).with_name(&name);
        let expected = json!({
            "email": "x@privaterelay.appleid.com", "email_verified": true, "is_private_email": true,
            "given_name": "Kim", "family_name": "Li", "name": "Kim Li",
        });
        assert_eq!(Value::from(first.profile.clone()), expected);
        let mut later = read(&provider(ProviderType::Apple, false), claims.clone()).with_name(&PersonName::default());
        assert!(!later.profile.contains_key("name"));
        later.keep_name(&first.profile);
        assert_eq!(later.profile, first.profile);
        let mut renamed = read(&provider(ProviderType::Apple, false), claims.clone());
        renamed = renamed.with_name(&PersonName { given: Some("Kimi".into()), family: None });
        renamed.keep_name(&first.profile);
        assert_eq!((&renamed.profile["name"], renamed.profile.get("family_name")), (&json!("Kimi"), None));
        let mut other = read(&provider(ProviderType::Oidc, false), claims);
        other.keep_name(&first.profile);
        assert!(!other.profile.contains_key("name"), "another provider would have said it");
    }

    #[test]
    fn a_profile_keeps_what_is_short_and_known() {
        let claims = json!({
            "name": "Kim", "given_name": "", "nickname": "a".repeat(1_025), "picture": "https://id.example/kim.png",
            "family_name": "Li\u{7}", "locale": 7, "secret": "x", "email": "kim@id.example", "sub": "1",
        });
        let user = read(&provider(ProviderType::Oidc, false), claims);
        let expected = json!({
            "name": "Kim", "picture": "https://id.example/kim.png", "email": "kim@id.example", "email_verified": false,
        });
        assert_eq!(Value::from(user.profile.clone()), expected);
        assert_eq!(user.provider, "oidc https://id.example");
        assert_eq!(Value::from(user.attributes()), json!({"name": "Kim", "picture": "https://id.example/kim.png"}));
    }
}
