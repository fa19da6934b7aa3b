//! Claims about a user in UserInfo, ID tokens and access tokens.
//! The decoders of the official SDKs are strict; see the tests before changing a member.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use crate::{
    client::{Client, FULL_ACCESS_SCOPE},
    identifier::LoginIdKind,
    identity::{Identity, UserAccount},
};

/// `…/is_anonymous`: whether the user is a guest.
pub const IS_ANONYMOUS: &str = "https://authgear.com/claims/user/is_anonymous";
/// `…/is_verified`: whether one of its addresses is verified.
pub const IS_VERIFIED: &str = "https://authgear.com/claims/user/is_verified";
/// `…/can_reauthenticate`: whether it has an authenticator, or an account at a provider, to reauthenticate with.
pub const CAN_REAUTHENTICATE: &str = "https://authgear.com/claims/user/can_reauthenticate";
/// `…/roles`: the keys of its roles.
pub const ROLES: &str = "https://authgear.com/claims/user/roles";
const RECOVERY_CODE_ENABLED: &str = "https://authgear.com/claims/user/recovery_code_enabled";
const AUTHENTICATORS: &str = "https://authgear.com/claims/user/authenticators";
const IDENTITIES: &str = "https://authgear.com/claims/user/identities";
const FULL_USERINFO_SCOPE: &str = "https://authgear.com/scopes/full-userinfo";

/// The standard claims of the `profile` scope (OpenID Connect Core §5.4).
pub(crate) const PROFILE_CLAIMS: [&str; 13] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "picture",
    "profile",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
];

/// The recipient of UserInfo, which decides what it contains.
#[derive(Clone, Copy, Debug)]
pub enum UserInfoRequester<'a> {
    /// The user's own cookie session.
    CookieSession,
    /// An application with its granted scopes.
    Application(&'a Client, &'a [&'a str]),
}

impl UserInfoRequester<'_> {
    fn has_scope(&self, scope: &str) -> bool {
        match self {
            Self::CookieSession => true,
            Self::Application(_, scopes) => scopes.contains(&scope),
        }
    }

    /// Whether it sees identities and authenticators. What its type may not have now counts for nothing, whatever scopes its
    /// grant has from before.
    fn sees_login_methods(&self) -> bool {
        let has_full_access = match self {
            Self::CookieSession => true,
            Self::Application(client, _) => client.application_type().has_full_access(),
        };
        (has_full_access && self.has_scope(FULL_ACCESS_SCOPE)) || self.has_scope(FULL_USERINFO_SCOPE)
    }

    fn is_first_party(&self) -> bool {
        match self {
            Self::CookieSession => true,
            Self::Application(client, _) => client.application_type().is_first_party(),
        }
    }
}

/// The claims of every token and of UserInfo: `sub` and the kind of user.
#[must_use]
pub fn identify(account: &UserAccount<'_>) -> Map<String, Value> {
    match serde_json::to_value(describe_without_attributes(account)) {
        Ok(Value::Object(claims)) => claims,
        // A map of texts, numbers and flags always serializes to an object.
        Ok(_) | Err(_) => Map::new(),
    }
}

/// As [`identify`], in serializable form.
#[must_use]
pub fn describe_without_attributes<'a>(account: &'a UserAccount<'a>) -> Claims<'a> {
    Claims { account, standard: Map::new(), more: None, previous_subs: &[] }
}

/// The claims of an ID token about the user: as [`identify`], with standard attributes only for applications that keep
/// the token on a server, by scope.
#[must_use]
pub fn describe_for_id_token<'a>(account: &'a UserAccount<'a>, client: &Client, scopes: &[&str]) -> Claims<'a> {
    let standard = if client.application_type().has_attributes_in_id_token() {
        filter_by_scope(list_standard_claims(account), scopes).collect()
    } else {
        Map::new()
    };
    Claims { account, standard, more: None, previous_subs: list_previous(account, client) }
}

/// The complete response of the UserInfo endpoint.
#[must_use]
pub fn describe<'a>(account: &'a UserAccount<'a>, requester: UserInfoRequester<'_>) -> Claims<'a> {
    let mut standard = list_standard_claims(account);
    if !requester.is_first_party()
        && let UserInfoRequester::Application(_, scopes) = requester
    {
        standard = filter_by_scope(standard, scopes).collect();
    }
    let more = ExtraClaims {
        // Two SDKs reject a response without this object, so third-party applications get an empty one.
        custom_attributes: requester.is_first_party().then_some(&account.user.custom_attributes),
        is_full: requester.sees_login_methods(),
    };
    let previous_subs = match requester {
        UserInfoRequester::CookieSession => &[],
        UserInfoRequester::Application(client, _) => list_previous(account, client),
    };
    Claims { account, standard, more: Some(more), previous_subs }
}

/// The earlier IDs of the user that this application gets.
fn list_previous<'a>(account: &'a UserAccount<'a>, client: &Client) -> &'a [String] {
    if client.gets_previous_subs() { account.previous_subs } else { &[] }
}

/// Claims about a user, serialized directly: UserInfo is called too often to build a tree first.
#[derive(Debug)]
pub struct Claims<'a> {
    account: &'a UserAccount<'a>,
    standard: Map<String, Value>,
    more: Option<ExtraClaims<'a>>,
    previous_subs: &'a [String],
}

/// Claims that only UserInfo contains.
#[derive(Debug)]
struct ExtraClaims<'a> {
    custom_attributes: Option<&'a Map<String, Value>>,
    is_full: bool,
}

impl Serialize for Claims<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let account = self.account;
        let mut claims = serializer.serialize_map(None)?;
        claims.serialize_entry("sub", &account.user.id)?;
        claims.serialize_entry(IS_ANONYMOUS, &account.user.is_anonymous())?;
        claims.serialize_entry(IS_VERIFIED, &account.is_verified())?;
        claims.serialize_entry(CAN_REAUTHENTICATE, &account.can_reauthenticate())?;
        claims.serialize_entry(ROLES, &[(); 0])?;
        for (name, value) in &self.standard {
            claims.serialize_entry(name, value)?;
        }
        if !self.previous_subs.is_empty() {
            claims.serialize_entry("previous_subs", self.previous_subs)?;
        }
        if let Some(more) = &self.more {
            let nothing = Map::new();
            claims.serialize_entry("custom_attributes", more.custom_attributes.unwrap_or(&nothing))?;
            claims.serialize_entry("x_web3", &nothing)?;
            if more.is_full {
                claims.serialize_entry(RECOVERY_CODE_ENABLED, &false)?;
                let authenticators: Vec<Value> = account.authenticators.iter().map(|one| one.to_userinfo()).collect();
                claims.serialize_entry(AUTHENTICATORS, &authenticators)?;
                let identities = account.all_identities();
                let identities: Vec<_> = identities.iter().map(Identity::to_userinfo).collect();
                claims.serialize_entry(IDENTITIES, &identities)?;
            }
        }
        claims.end()
    }
}

/// The user's standard attributes, with those derived from its login IDs; never null, never an empty text.
#[must_use]
pub fn list_standard_claims(account: &UserAccount<'_>) -> Map<String, Value> {
    let mut claims = Map::new();
    for (name, value) in &account.user.standard_attributes {
        let is_known = PROFILE_CLAIMS.contains(&name.as_str()) || name == "address";
        let is_printed = match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty() && name != "address",
            // The only standard claim that is an object (OpenID Connect Core §5.1.1).
            Value::Object(members) => !members.is_empty() && name == "address",
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
        };
        if is_known && is_printed {
            claims.insert(name.clone(), value.clone());
        }
    }
    for kind in LoginIdKind::ALL {
        let of_kind = |verified: bool| {
            account
                .identities
                .iter()
                .filter_map(|identity| identity.login_id())
                .find(|(login_id, verified_at)| login_id.kind == kind && (!verified || verified_at.is_some()))
        };
        // Prefer the first verified login ID; use the first one when none is verified.
        let Some((login_id, verified_at)) = of_kind(true).or_else(|| of_kind(false)) else { continue };
        let value = login_id.address().unwrap_or_else(|| login_id.original.clone());
        claims.insert(kind.claim().to_owned(), Value::from(value));
        match kind {
            LoginIdKind::Email | LoginIdKind::Phone => {
                claims.insert(format!("{}_verified", kind.claim()), Value::from(verified_at.is_some()));
            }
            LoginIdKind::Username => {}
        }
    }
    claims.insert("updated_at".to_owned(), Value::from(account.user.updated_at.as_seconds()));
    claims
}

fn filter_by_scope(claims: Map<String, Value>, scopes: &[&str]) -> impl Iterator<Item = (String, Value)> {
    let has = |scope: &str| scopes.contains(&scope);
    let (profile, email, phone, address) = (has("profile"), has("email"), has("phone"), has("address"));
    claims.into_iter().filter(move |(name, _)| match name.as_str() {
        "email" | "email_verified" => email,
        "phone_number" | "phone_number_verified" => phone,
        "address" => address,
        _ => profile,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        client::ApplicationType,
        id::{IdentityId, UserId},
        identifier::LoginId,
        identity::{Authenticator, Identity, IdentityDetail},
        project::AuthenticatorKind,
        time::Timestamp,
        user::User,
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_893_456_000);

    fn user_id() -> UserId {
        "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab".parse().unwrap()
    }

    fn print(claims: &Claims<'_>) -> Map<String, Value> {
        serde_json::to_value(claims).unwrap().as_object().cloned().unwrap()
    }

    fn member() -> User {
        let mut user = User::new_member(user_id(), NOW);
        user.standard_attributes = json!({
            "name": "Kim Lee", "nickname": "", "locale": null, "email": "old@shop.example", "age": 7,
            "address": {"country": "HK"},
        })
        .as_object()
        .cloned()
        .unwrap();
        user.custom_attributes = json!({"cart": "c-1"}).as_object().cloned().unwrap();
        user
    }

    fn login_id(kind: LoginIdKind, typed: &str, verified_at: Option<Timestamp>) -> Identity {
        Identity {
            id: IdentityId::from_parts(1, [3; 10]),
            created_at: NOW,
            updated_at: NOW,
            detail: IdentityDetail::LoginId { login_id: LoginId::parse(kind, typed, None).unwrap(), verified_at },
        }
    }

    fn password() -> Authenticator {
        Authenticator { kind: AuthenticatorKind::Password, created_at: NOW, updated_at: NOW }
    }

    fn client(x_application_type: ApplicationType) -> Client {
        Client { client_id: "a".into(), x_application_type, ..Client::default() }
    }

    #[test]
    fn the_claims_of_a_guest_decode_in_every_sdk() {
        let guest = User::new_guest(user_id(), NOW);
        let spa = client(ApplicationType::Spa);
        let scopes = spa.scopes_for_guest();
        let account = UserAccount::of_guest(&guest);
        assert_eq!(
            Value::Object(print(&describe(&account, UserInfoRequester::Application(&spa, &scopes)))),
            json!({
                "sub": "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab",
                "custom_attributes": {},
                "x_web3": {},
                "updated_at": 1_893_456_000,
                "https://authgear.com/claims/user/is_anonymous": true,
                "https://authgear.com/claims/user/is_verified": false,
                "https://authgear.com/claims/user/can_reauthenticate": false,
                "https://authgear.com/claims/user/recovery_code_enabled": false,
                "https://authgear.com/claims/user/roles": [],
                "https://authgear.com/claims/user/authenticators": [],
                "https://authgear.com/claims/user/identities": [{
                    "type": "anonymous",
                    "created_at": "2030-01-01T00:00:00.000Z",
                    "updated_at": "2030-01-01T00:00:00.000Z",
                }],
            })
        );
    }

    #[test]
    fn the_claims_of_a_member_begin_with_its_verified_address_and_have_no_null() {
        let user = member();
        let identities = [
            login_id(LoginIdKind::Email, "first@shop.example", None),
            login_id(LoginIdKind::Email, "Kim@shop.example", Some(NOW)),
            login_id(LoginIdKind::Username, "Kim", None),
            login_id(LoginIdKind::Phone, "+49 30 901820", None),
        ];
        let account =
            UserAccount { user: &user, identities: &identities, authenticators: &[password()], previous_subs: &[] };
        let printed = print(&describe(&account, UserInfoRequester::CookieSession));
        assert_eq!(printed["email"], "Kim@shop.example");
        assert_eq!(printed["email_verified"], true);
        assert_eq!(printed["phone_number"], "+4930901820");
        assert_eq!(printed["phone_number_verified"], false);
        assert_eq!(printed["preferred_username"], "Kim");
        assert_eq!(printed["name"], "Kim Lee");
        assert_eq!(printed["address"], json!({"country": "HK"}));
        assert_eq!(printed["custom_attributes"], json!({"cart": "c-1"}));
        assert_eq!(printed[IS_ANONYMOUS], false);
        assert_eq!(printed[IS_VERIFIED], true);
        assert_eq!(printed[CAN_REAUTHENTICATE], true);
        assert_eq!(
            printed[AUTHENTICATORS],
            json!([{"type": "password", "kind": "primary",
                "created_at": "2030-01-01T00:00:00.000Z", "updated_at": "2030-01-01T00:00:00.000Z"}])
        );
        assert_eq!(printed[IDENTITIES][0]["login_id_type"], "email");
        assert!(printed.values().all(|value| !value.is_null()));
        assert!(!printed.contains_key("nickname") && !printed.contains_key("locale") && !printed.contains_key("age"));
    }

    #[test]
    fn a_third_party_application_gets_the_claims_of_its_scopes() {
        let user = member();
        let identities = [login_id(LoginIdKind::Email, "kim@shop.example", Some(NOW))];
        let account =
            UserAccount { user: &user, identities: &identities, authenticators: &[password()], previous_subs: &[] };
        let other_client = client(ApplicationType::ThirdPartyApp);
        let table: [(&[&str], &[&str], &[&str]); 3] = [
            (
                &["openid"],
                &["sub", "custom_attributes", "x_web3"],
                &["email", "name", "updated_at", "address", AUTHENTICATORS],
            ),
            (&["openid", "email"], &["email", "email_verified"], &["name"]),
            (&["openid", "profile"], &["name", "updated_at"], &["email", "address"]),
        ];
        for (scopes, present, absent) in table {
            let printed = print(&describe(&account, UserInfoRequester::Application(&other_client, scopes)));
            assert_eq!(printed["custom_attributes"], json!({}));
            for name in present {
                assert!(printed.contains_key(*name), "{scopes:?} {name}");
            }
            for name in absent {
                assert!(!printed.contains_key(*name), "{scopes:?} {name}");
            }
        }
    }

    #[test]
    fn full_access_counts_only_while_the_application_may_have_it() {
        let user = member();
        let identities = [login_id(LoginIdKind::Email, "kim@shop.example", Some(NOW))];
        let account =
            UserAccount { user: &user, identities: &identities, authenticators: &[password()], previous_subs: &[] };
        let of_before = ["openid", FULL_ACCESS_SCOPE];
        for (kind, expected) in [
            (ApplicationType::Spa, true),
            (ApplicationType::Native, true),
            (ApplicationType::Confidential, false),
            (ApplicationType::ThirdPartyApp, false),
        ] {
            let printed = print(&describe(&account, UserInfoRequester::Application(&client(kind), &of_before)));
            for name in [AUTHENTICATORS, IDENTITIES, RECOVERY_CODE_ENABLED] {
                assert_eq!(printed.contains_key(name), expected, "{kind:?} {name}");
            }
        }
        // Any type may ask for this one, and the consent page says what it shows.
        let scopes = ["openid", FULL_USERINFO_SCOPE];
        let other = client(ApplicationType::ThirdPartyApp);
        assert!(print(&describe(&account, UserInfoRequester::Application(&other, &scopes))).contains_key(IDENTITIES));
    }

    #[test]
    fn an_id_token_says_who_the_user_is_only_to_applications_with_a_server() {
        let user = member();
        let identities = [login_id(LoginIdKind::Email, "kim@shop.example", Some(NOW))];
        let account = UserAccount { user: &user, identities: &identities, authenticators: &[], previous_subs: &[] };
        let scopes = ["openid", "email"];
        for (kind, has_details) in [(ApplicationType::Spa, false), (ApplicationType::Confidential, true)] {
            let printed = print(&describe_for_id_token(&account, &client(kind), &scopes));
            assert_eq!(printed.contains_key("email"), has_details, "{kind:?}");
            assert_eq!(printed[ROLES], json!([]));
            assert!(!printed.contains_key("custom_attributes"));
        }
    }
}
