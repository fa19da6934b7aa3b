//! Identities and authenticators of a user, as clients see them.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    id::{IdentityId, UserId},
    identifier::{LoginId, LoginIdKind},
    project::{AuthenticatorKind, ProjectSettings, Provider, type_of_account_key},
    time::Timestamp,
    user::User,
};

/// An identity of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Its id.
    pub id: IdentityId,
    /// When the user got it.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its kind and data.
    pub detail: IdentityDetail,
}

/// Kind and data of an identity.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityDetail {
    /// The anonymous identity of a guest, with its device key if it has one.
    Anonymous {
        /// The device key's ID; `None` for a web guest.
        key_id: Option<String>,
    },
    /// A login ID.
    LoginId {
        /// The login ID.
        login_id: LoginId,
        /// When the user proved control of the address.
        verified_at: Option<Timestamp>,
    },
    /// A passkey that makes a user a member without a login ID.
    Passkey,
    /// An account at a provider.
    External(ExternalIdentity),
}

/// An account at a provider, as its user's identity.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalIdentity {
    /// The key of the provider's accounts ([`Provider::account_key`]).
    pub provider: String,
    /// The alias of the first configured provider with that key; `None` once there is none.
    pub alias: Option<String>,
    /// Whether one of these providers lets its user prove itself anew ([`Provider::proves_anew`]).
    pub proves_anew: bool,
    /// The account's ID at the provider (`sub`).
    pub subject: String,
    /// What the provider said about its user.
    pub profile: Map<String, Value>,
}

impl Identity {
    /// The anonymous identity of a guest without a device key. It is not stored, so it has the user's ID.
    #[must_use]
    pub fn of_web_guest(user: &User) -> Option<Self> {
        user.anonymous_since.map(|since| Self {
            id: IdentityId::from_bytes(*user.id.as_bytes()),
            created_at: since,
            updated_at: since,
            detail: IdentityDetail::Anonymous { key_id: None },
        })
    }

    /// The name in UserInfo and events.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match &self.detail {
            IdentityDetail::Anonymous { .. } => "anonymous",
            IdentityDetail::LoginId { .. } => "login_id",
            IdentityDetail::Passkey => "passkey",
            IdentityDetail::External(_) => "oauth",
        }
    }

    /// The login ID and when it was verified, if it is one.
    #[must_use]
    pub fn login_id(&self) -> Option<(&LoginId, Option<Timestamp>)> {
        match &self.detail {
            IdentityDetail::LoginId { login_id, verified_at } => Some((login_id, *verified_at)),
            IdentityDetail::Anonymous { .. } | IdentityDetail::Passkey | IdentityDetail::External(_) => None,
        }
    }

    /// The account at a provider, if it is one.
    #[must_use]
    pub fn external(&self) -> Option<&ExternalIdentity> {
        match &self.detail {
            IdentityDetail::External(external) => Some(external),
            IdentityDetail::Anonymous { .. } | IdentityDetail::LoginId { .. } | IdentityDetail::Passkey => None,
        }
    }

    /// The entry of UserInfo's list of identities.
    #[must_use]
    pub fn to_userinfo(&self) -> IdentityEntry {
        let kind = self.login_id().map(|(login_id, _)| login_id.kind.as_str());
        let created_at = self.created_at.to_rfc3339();
        let updated_at =
            if self.updated_at == self.created_at { created_at.clone() } else { self.updated_at.to_rfc3339() };
        let type_name = self.type_name();
        let external = self.external();
        IdentityEntry {
            type_name,
            created_at,
            updated_at,
            login_id_key: kind,
            login_id_type: kind,
            oauth_provider_type: external.map(|external| type_of_account_key(&external.provider).to_owned()),
            oauth_provider_alias: external.and_then(|external| external.alias.clone()),
        }
    }

    /// The identity's claims about its user, for events.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        match &self.detail {
            IdentityDetail::Anonymous { key_id } => {
                let key_id = key_id.clone().unwrap_or_default();
                claims.insert("https://authgear.com/claims/anonymous/key_id".to_owned(), Value::from(key_id));
            }
            IdentityDetail::LoginId { login_id, .. } => {
                let value = login_id.address().unwrap_or_else(|| login_id.original.clone());
                claims.insert(login_id.kind.claim().to_owned(), Value::from(value));
                let name = |suffix: &str| format!("https://authgear.com/claims/login_id/{suffix}");
                claims.insert(name("key"), Value::from(login_id.kind.as_str()));
                claims.insert(name("type"), Value::from(login_id.kind.as_str()));
                claims.insert(name("value"), Value::from(login_id.value.as_str()));
                claims.insert(name("original"), Value::from(login_id.original.as_str()));
            }
            IdentityDetail::Passkey => {}
            IdentityDetail::External(external) => {
                claims.extend(external.profile.clone());
                let name = |suffix: &str| format!("https://authgear.com/claims/oauth/{suffix}");
                claims.insert(name("provider_type"), Value::from(type_of_account_key(&external.provider)));
                claims.extend(external.alias.as_deref().map(|alias| (name("provider_alias"), Value::from(alias))));
                claims.insert(name("subject_id"), Value::from(external.subject.as_str()));
                claims.insert(name("profile"), Value::from(external.profile.clone()));
            }
        }
        claims
    }
}

/// An identity in UserInfo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentityEntry {
    #[serde(rename = "type")]
    type_name: &'static str,
    created_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_id_key: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_id_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_provider_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_provider_alias: Option<String>,
}

/// An authenticator of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// Its kind.
    pub kind: AuthenticatorKind,
    /// When the user got it.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Authenticator {
    /// The entry of UserInfo's list of authenticators.
    #[must_use]
    pub fn to_userinfo(&self) -> Value {
        json!({
            "type": self.kind.as_str(),
            "kind": "primary",
            "created_at": self.created_at.to_rfc3339(),
            "updated_at": self.updated_at.to_rfc3339(),
        })
    }
}

/// Times of creation and last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// The authenticators of a member: its password, its passkeys, and codes to verified addresses where the project sends
/// them. The codes are not stored: they follow from login ID and settings.
#[must_use]
pub fn list_authenticators(
    settings: &ProjectSettings,
    identities: &[Identity],
    password: Option<Dates>,
    passkeys: &[Dates],
) -> Vec<Authenticator> {
    let make = |kind, dates: &Dates| Authenticator { kind, created_at: dates.created_at, updated_at: dates.updated_at };
    let mut authenticators = Vec::new();
    authenticators.extend(password.iter().map(|dates| make(AuthenticatorKind::Password, dates)));
    for identity in identities {
        let Some((login_id, verified_at)) = identity.login_id() else { continue };
        let kind = match login_id.kind {
            LoginIdKind::Email => AuthenticatorKind::OobOtpEmail,
            LoginIdKind::Phone => AuthenticatorKind::OobOtpSms,
            LoginIdKind::Username => continue,
        };
        if settings.offers(kind)
            && let Some(since) = verified_at
        {
            authenticators.push(make(kind, &Dates { created_at: since, updated_at: since }));
        }
    }
    authenticators.extend(passkeys.iter().map(|dates| make(AuthenticatorKind::Passkey, dates)));
    authenticators
}

/// A user with its identities and authenticators.
#[derive(Clone, Copy, Debug)]
pub struct UserAccount<'a> {
    /// The user.
    pub user: &'a User,
    /// Its identities; the anonymous identity of a web guest may be left out, since it follows from the user.
    pub identities: &'a [Identity],
    /// Its authenticators.
    pub authenticators: &'a [Authenticator],
    /// Its earlier IDs, for applications that get them.
    pub previous_subs: &'a [String],
}

impl<'a> UserAccount<'a> {
    /// A web guest, which has neither stored identities nor authenticators.
    #[must_use]
    pub fn of_guest(user: &'a User) -> Self {
        Self { user, identities: &[], authenticators: &[], previous_subs: &[] }
    }

    /// Whether one of the user's addresses is verified.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.identities.iter().any(|identity| matches!(identity.login_id(), Some((_, Some(_)))))
    }

    /// Whether the user can reauthenticate: it has a primary authenticator, or an account at a provider of the settings that can prove it
    /// anew. Never true for a guest.
    #[must_use]
    pub fn can_reauthenticate(&self) -> bool {
        let is_usable = |identity: &Identity| identity.external().is_some_and(|external| external.proves_anew);
        !self.user.is_anonymous() && (!self.authenticators.is_empty() || self.identities.iter().any(is_usable))
    }

    /// All identities, including the derived one of a web guest.
    #[must_use]
    pub fn all_identities(&self) -> Vec<Identity> {
        let mut all = self.identities.to_vec();
        let has_anonymous = all.iter().any(|one| matches!(one.detail, IdentityDetail::Anonymous { .. }));
        if !has_anonymous {
            all.extend(Identity::of_web_guest(self.user));
        }
        all
    }
}

/// A login ID as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedLoginId {
    /// The identity's id.
    pub id: IdentityId,
    /// The owner.
    pub user_id: UserId,
    /// `email`, `phone` or `username`.
    pub kind: String,
    /// The normalized value; unique within its kind and project.
    pub value: String,
    /// The value as entered.
    pub original: String,
    /// When the owner proved control of it.
    pub verified_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An account at a provider as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalAccount {
    /// The identity's ID.
    pub id: IdentityId,
    /// The owner.
    pub user_id: UserId,
    /// The key of the provider's accounts.
    pub provider: String,
    /// The account's ID at the provider; unique with `provider` in the project.
    pub subject: String,
    /// What the provider said about its user.
    pub profile: Map<String, Value>,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When it was last used, and the profile read.
    pub updated_at: Timestamp,
}

impl ExternalAccount {
    /// How people recognize the account: by its email address, or else the name. It stands in mails, so a text that could pass for
    /// one of ours, or contains a link, is none.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        let read = |name: &str| self.profile.get(name)?.as_str();
        let email = read("email").filter(|text| LoginId::parse(LoginIdKind::Email, text, None).is_ok());
        email.or_else(|| ["preferred_username", "name"].into_iter().filter_map(read).find(|text| is_short_name(text)))
    }

    /// The identity, with the alias that its provider has in these settings.
    #[must_use]
    pub fn identity(&self, settings: &ProjectSettings) -> Identity {
        let alias = settings.provider_of_account(&self.provider).map(|provider| provider.alias.clone());
        let (provider, subject) = (self.provider.clone(), self.subject.clone());
        let leads_there = |one: &&Provider| one.account_key() == self.provider;
        let proves_anew = settings.providers().iter().filter(leads_there).any(Provider::proves_anew);
        let profile = self.profile.clone();
        let detail = IdentityDetail::External(ExternalIdentity { provider, alias, proves_anew, subject, profile });
        Identity { id: self.id, created_at: self.created_at, updated_at: self.updated_at, detail }
    }
}

/// Whether a text is short and has nothing that mail programs make a link of.
fn is_short_name(text: &str) -> bool {
    const LONGEST: usize = 40;
    let has_dot_inside = text.split(' ').any(|word| word.trim_end_matches('.').contains('.'));
    text.chars().count() <= LONGEST && !text.contains([':', '/', '@']) && !has_dot_inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::UserId, project::Origin};

    #[test]
    fn the_label_of_an_account_is_no_link() {
        let label = |profile: Value| {
            let account = ExternalAccount {
                id: IdentityId::from_parts(1, [1; 10]),
                user_id: UserId::from_parts(1, [1; 10]),
                provider: "google".into(),
                subject: "s".into(),
                profile: profile.as_object().cloned().expect("an object"),
                created_at: Timestamp::from_seconds(1),
                updated_at: Timestamp::from_seconds(1),
            };
            account.label().map(str::to_string)
        };
        assert_eq!(label(json!({"email": "kim@id.example", "name": "Kim"})).as_deref(), Some("kim@id.example"));
        assert_eq!(
            label(json!({"email": "undo it at https://evil.example", "name": "Kim O. Doe"})).as_deref(),
            Some("Kim O. Doe")
        );
        for name in ["https://evil.example", "evil.example", "open evil.example now", "a@b", &"x".repeat(41)] {
            assert_eq!(label(json!({"name": name})), None, "{name}");
        }
    }

    #[test]
    fn an_external_account_is_an_identity_with_the_alias_of_today() {
        let (now, later) = (Timestamp::from_seconds(5), Timestamp::from_seconds(6));
        let account = ExternalAccount {
            id: IdentityId::from_parts(1, [1; 10]),
            user_id: UserId::from_parts(1, [2; 10]),
            provider: "oidc https://id.example".into(),
            subject: "24400320".into(),
            profile: json!({"email": "kim@id.example", "email_verified": false}).as_object().unwrap().clone(),
            created_at: now,
            updated_at: later,
        };
        let settings = |alias: &str| {
            let origin = "[project]\nid = \"a\"\npublic_origin = \"http://localhost\"\n[[identity.oauth.providers]]";
            let text = format!(
                "{origin}\nalias = \"{alias}\"\ntype = \"oidc\"\nclient_id = \"c\"\nissuer = \"https://id.example\""
            );
            ProjectSettings::parse_toml(&text).unwrap()
        };
        let identity = account.identity(&settings("ours"));
        assert_eq!(
            serde_json::to_value(identity.to_userinfo()).unwrap(),
            json!({
                "type": "oauth", "oauth_provider_type": "oidc", "oauth_provider_alias": "ours",
                "created_at": now.to_rfc3339(), "updated_at": later.to_rfc3339(),
            })
        );
        let claims = identity.claims();
        assert_eq!(claims["https://authgear.com/claims/oauth/subject_id"], "24400320");
        assert_eq!(claims["https://authgear.com/claims/oauth/provider_alias"], "ours");
        assert_eq!(claims["https://authgear.com/claims/oauth/profile"]["email"], "kim@id.example");
        assert_eq!(claims["email"], "kim@id.example");
        let gone = ProjectSettings::new("a", Origin::parse("http://localhost").unwrap());
        let guest = User::new_guest(account.user_id, now);
        let member = User { anonymous_since: None, ..guest.clone() };
        let can = |user: &User, settings: &ProjectSettings| {
            let identities = [account.identity(settings)];
            UserAccount { user, identities: &identities, authenticators: &[], previous_subs: &[] }.can_reauthenticate()
        };
        assert!(can(&member, &settings("ours")), "with the provider");
        assert!(!can(&member, &gone) && !can(&guest, &settings("ours")));
        let google = |more: &str| {
            let origin = "[project]\nid = \"a\"\npublic_origin = \"http://localhost\"\n[[identity.oauth.providers]]";
            let text = format!("{origin}\nalias = \"g\"\ntype = \"google\"\nclient_id = \"c\"\n{more}");
            ProjectSettings::parse_toml(&text).unwrap()
        };
        let at_google = ExternalAccount { provider: "google".into(), ..account.clone() };
        let can_there = |settings: &ProjectSettings| {
            let identities = [at_google.identity(settings)];
            let (user, authenticators, previous_subs) = (&member, &[], &[]);
            UserAccount { user, identities: &identities, authenticators, previous_subs }.can_reauthenticate()
        };
        assert!(!can_there(&google("")), "it does not say when its user signed in");
        assert!(can_there(&google("can_reauthenticate = true\n")));
        assert_eq!(
            serde_json::to_value(account.identity(&gone).to_userinfo()).unwrap().get("oauth_provider_alias"),
            None
        );
        assert_eq!(account.label(), Some("kim@id.example"));
    }

    #[test]
    fn codes_are_a_way_to_prove_only_where_sent_and_only_to_verified_addresses() {
        let mut settings = ProjectSettings::new("a", Origin::parse("http://localhost").unwrap());
        let now = Timestamp::from_seconds(5);
        let dates = Dates { created_at: now, updated_at: now };
        let email = |verified_at| Identity {
            id: IdentityId::from_parts(1, [1; 10]),
            created_at: now,
            updated_at: now,
            detail: IdentityDetail::LoginId {
                login_id: LoginId::parse(LoginIdKind::Email, "kim@shop.example", None).unwrap(),
                verified_at,
            },
        };
        let kinds = |settings: &ProjectSettings, verified_at| -> Vec<AuthenticatorKind> {
            list_authenticators(settings, &[email(verified_at)], Some(dates), &[dates]).iter().map(|a| a.kind).collect()
        };
        use AuthenticatorKind::{OobOtpEmail, Passkey, Password};
        assert_eq!(kinds(&settings, Some(now)), [Password, Passkey]);
        settings.authentication.primary_authenticators = Some(vec![Password, OobOtpEmail]);
        assert_eq!(kinds(&settings, Some(now)), [Password, OobOtpEmail, Passkey]);
        assert_eq!(kinds(&settings, None), [Password, Passkey]);
    }

    #[test]
    fn a_guest_has_its_anonymous_identity_once_and_cannot_prove_itself() {
        let guest = User::new_guest(UserId::from_parts(1, [0; 10]), Timestamp::from_seconds(1));
        let account = UserAccount::of_guest(&guest);
        assert_eq!(account.all_identities().len(), 1);
        assert!(!account.can_reauthenticate() && !account.is_verified());
        let with_key = [Identity {
            detail: IdentityDetail::Anonymous { key_id: Some("k".into()) },
            ..Identity::of_web_guest(&guest).unwrap()
        }];
        let account = UserAccount { identities: &with_key, ..account };
        assert_eq!(account.all_identities(), with_key);
    }
}
