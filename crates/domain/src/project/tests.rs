//! The settings document as a whole: defaults, files good and bad, round trips, differences.

mod full;

use std::time::Duration;

use proptest::prelude::*;

use self::full::full;
use super::*;
use crate::retention::GuestClass;

fn shop() -> ProjectSettings {
    ProjectSettings::new("shop", Origin::parse("https://auth.shop.example").unwrap())
}

#[test]
fn an_empty_document_means_the_documented_defaults() {
    let shop = shop();
    assert!(!shop.anonymous_enabled());
    assert_eq!(shop.login_id_kinds(), [LoginIdKind::Email]);
    assert_eq!(shop.promotion_conflict(), PromotionConflict::Error);
    assert_eq!(shop.session_lifetime().hard, Duration::from_secs(31_449_600));
    assert_eq!(shop.session_lifetime().idle, Some(Duration::from_secs(2_592_000)));
    assert_eq!(shop.limit(LimitName::SignupAnonymousPerIp).unwrap().burst, 60);
    assert!(shop.verification_required(LoginIdKind::Email));
    assert!(!shop.verification_required(LoginIdKind::Username));
    assert_eq!(shop.cookie_name("session"), "session");
    assert_eq!(shop.display_name(), "shop");
}

#[test]
fn a_project_without_a_name_is_called_as_its_only_application() {
    let mut shop = shop();
    let client = |name: Option<&str>| Client { name: name.map(str::to_owned), ..Client::default() };
    shop.oauth.clients = vec![client(Some("Corner Shop"))];
    assert_eq!(shop.display_name(), "Corner Shop");
    shop.oauth.clients.push(client(Some("Corner Blog")));
    assert_eq!(shop.display_name(), "shop");
    for unnamed in [None, Some("")] {
        shop.oauth.clients = vec![client(unnamed)];
        assert_eq!(shop.display_name(), "shop");
    }
    shop.oauth.clients = vec![client(Some("Corner Shop"))];
    shop.project.name = Some("Corner".to_owned());
    assert_eq!(shop.display_name(), "Corner");
    shop.ui.name = Some("Corner & Sons".to_owned());
    assert_eq!(shop.display_name(), "Corner & Sons");
}

#[test]
fn allowed_origins_come_from_the_setting_and_from_redirect_uris() {
    let mut shop = shop();
    shop.http.allowed_origins = Some(vec!["*".into(), "*.shop.example".into(), "tauri://localhost".into()]);
    shop.oauth.clients = vec![Client {
        redirect_uris: vec![
            "https://store.example/a".into(),
            "com.shop.app://done".into(),
            "https://*.partner.example/cb".into(),
            String::new(),
        ],
        ..Client::default()
    }];
    let matcher = shop.allowed_origins();
    for origin in [
        "https://auth.shop.example",
        "https://www.shop.example",
        "tauri://localhost",
        "https://store.example",
        "com.shop.app://done",
    ] {
        assert!(matcher.matches(origin), "{origin}");
    }
    for origin in ["https://other.example", "https://a.partner.example", "http://store.example", "null"] {
        assert!(!matcher.matches(origin), "{origin}");
    }
}

#[test]
fn an_absent_member_stays_absent_in_the_document() {
    let json = serde_json::to_value(shop()).unwrap();
    assert_eq!(json, serde_json::json!({"project": {"id": "shop", "public_origin": "https://auth.shop.example"}}));
}

const FILE: &str = r#"
[project]
id = "shop"
public_origin = "https://auth.shop.example"

[authentication]
identities = ["login_id", "anonymous"]

[session]
lifetime_seconds = 31449600

[[oauth.clients]]
client_id = "shop-web"
name = "Shop"
x_application_type = "spa"
redirect_uris = ["https://shop.example/after-login"]
post_logout_redirect_uris = ["https://shop.example/"]
refresh_token_idle_timeout_seconds = 2592000
"#;

/// `FILE` with one line replaced by others.
fn edit(line: &str, by: &str) -> String {
    assert!(FILE.contains(line), "{line} is in the file");
    FILE.replacen(line, by, 1)
}

fn add_problem(text: &str) -> Vec<(String, String)> {
    ProjectSettings::parse_toml(text).unwrap_err().into_iter().map(|c| (c.place, c.message)).collect()
}

#[test]
fn a_good_file_means_what_it_says() {
    let settings = ProjectSettings::parse_toml(FILE).unwrap();
    assert!(settings.anonymous_enabled());
    let client = settings.client("shop-web").unwrap();
    assert!(client.find_redirect_uri("https://shop.example/after-login").is_some());
    assert!(client.application_type().allows_anonymous());
    assert!(settings.client("other").is_none());
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let text = r#"
[project]
id = "Shop"
name = 7

[authentication]
identites = ["login_id"]
primary_authenticators = ["pasword"]

[session]
lifetime_seconds = 0
refresh_token_lifetime_seconds = 5
colour = "red"

[[oauth.clients]]
client_id = "a"
redirect_uris = ["https://ok.example/", "/back"]
access_token_lifetime_seconds = 4000
refresh_token_lifetime_seconds = 3000

[[oauth.clients]]
client_id = "a"
redirect_uris = ["https://ok.example/", "https://ok.example/"]
"#;
    let found = add_problem(text);
    let expected = [
        (
            "line 2, column 1: project.public_origin",
            "this key is missing: write an origin such as \"https://auth.shop.example\"",
        ),
        ("line 3, column 6: project.id", "write 1 to 40 lower-case letters, digits and dashes, such as \"shop\""),
        ("line 4, column 8: project.name", "this is a number: write a name of 1 to 100 characters"),
        ("line 7, column 1: authentication.identites", "unknown key: did you mean \"identities\"?"),
        (
            "line 8, column 27: authentication.primary_authenticators[0]",
            "\"pasword\" is not allowed here: did you mean \"password\"?",
        ),
        (
            "line 11, column 20: session.lifetime_seconds",
            "0 is out of range: write a whole number from 1 to 3153600000",
        ),
        (
            "line 12, column 1: session.refresh_token_lifetime_seconds",
            "unknown key here: it belongs under [[oauth.clients]]",
        ),
        (
            "line 13, column 1: session.colour",
            "unknown key: the keys here are \"lifetime_seconds\", \"idle_timeout_enabled\", \"idle_timeout_seconds\", \"use_session_cookie\"",
        ),
        (
            "line 17, column 41: oauth.clients[0].redirect_uris[1]",
            "write an absolute URI, such as \"https://shop.example/after-login\"",
        ),
        (
            "line 19, column 34: oauth.clients[0].refresh_token_lifetime_seconds",
            "refresh token lifetime must be greater than or equal to access token lifetime",
        ),
        (
            "line 22, column 13: oauth.clients[1].client_id",
            "\"a\" is the client_id of an earlier application: choose another",
        ),
        (
            "line 23, column 41: oauth.clients[1].redirect_uris[1]",
            "\"https://ok.example/\" is listed twice: remove one",
        ),
    ];
    let found: Vec<(&str, &str)> = found.iter().map(|(place, message)| (place.as_str(), message.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_syntax_error_is_one_problem_with_its_line() {
    let problems = ProjectSettings::parse_toml("[project]\nid = \n").unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].line, Some(2));
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    let origin = "public_origin = \"https://auth.shop.example\"";
    let identities = "identities = [\"login_id\", \"anonymous\"]";
    let redirect = "redirect_uris = [\"https://shop.example/after-login\"]";
    let session = "[session]";
    let table = [
        (redirect, "", "oauth.clients[0].redirect_uris"),
        (redirect, "redirect_uris = []", "oauth.clients[0].redirect_uris"),
        (
            "x_application_type = \"spa\"",
            "x_application_type = \"m2m\"\naccess_token_lifetime_seconds = 2419201",
            "oauth.clients[0].access_token_lifetime_seconds",
        ),
        (
            "name = \"Shop\"",
            "anonymous_access_token_lifetime_seconds = 600\nanonymous_refresh_token_lifetime_seconds = 500",
            "oauth.clients[0].anonymous_refresh_token_lifetime_seconds",
        ),
        (
            "name = \"Shop\"",
            "refresh_token_lifetime_seconds = 2000\nanonymous_access_token_lifetime_seconds = 3000",
            "oauth.clients[0].anonymous_access_token_lifetime_seconds",
        ),
        ("name = \"Shop\"", "anonymous_scopes = [\"offline_access\"]", "oauth.clients[0].anonymous_scopes"),
        (
            "x_application_type = \"spa\"",
            "x_application_type = \"spa\"\nguest_retention.with_key = { idle_seconds = 86400, warning_seconds = 86400 }",
            "oauth.clients[0].guest_retention.with_key.warning_seconds",
        ),
        (
            "x_application_type = \"spa\"",
            "x_application_type = \"spa\"\nguest_retention.with_key.idle_seconds = 3600",
            "oauth.clients[0].guest_retention.with_key.idle_seconds",
        ),
        (
            "x_application_type = \"spa\"",
            "x_application_type = \"spa\"\nguest_retention.with_key.ends_with_session = true",
            "oauth.clients[0].guest_retention.with_key.ends_with_session",
        ),
        (
            "x_application_type = \"spa\"",
            "x_application_type = \"spa\"\nresources = [\"urn:stock\"]",
            "oauth.clients[0].resources",
        ),
        (
            "x_application_type = \"spa\"",
            "x_application_type = \"m2m\"\nresources = [\"https://auth.shop.example/orders read\"]",
            "oauth.clients[0].resources[0]",
        ),
        (
            "x_application_type = \"spa\"",
            "x_application_type = \"confidential\"\nresources = [\"urn:stock read\", \"urn:stock write\"]",
            "oauth.clients[0].resources[1]",
        ),
        (
            "x_application_type = \"spa\"",
            "x_application_type = \"native\"\njwks_uri = \"https://shop.example/jwks\"",
            "oauth.clients[0].jwks_uri",
        ),
        (
            "x_application_type = \"spa\"",
            "x_application_type = \"m2m\"\nbackchannel_logout_uri = \"https://shop.example/logout\"",
            "oauth.clients[0].backchannel_logout_uri",
        ),
        (identities, "identities = [\"passkey\"]", "authentication.primary_authenticators"),
        (identities, "primary_authenticators = [\"oob_otp_sms\"]", "authentication.primary_authenticators"),
        (session, "[http]\ncookie_domain = \"other.example\"\n[session]", "http.cookie_domain"),
        (session, "[http]\ncookie_domain = \"example\"\n[session]", "http.cookie_domain"),
        (session, "[ui]\nlanguages = [\"de\"]\n[session]", "ui.fallback_language"),
        (
            session,
            "[[identity.login_id.keys]]\ntype = \"email\"\n[[identity.login_id.keys]]\ntype = \"email\"\n[session]",
            "identity.login_id.keys[1].type",
        ),
        (identities, "primary_authenticators = [\"password\", \"passkey\"]\n[http]", ""),
        (
            origin,
            "public_origin = \"http://10.0.0.1\"\n[authentication]\nprimary_authenticators = [\"passkey\"]\n[x]",
            "project.public_origin",
        ),
    ];
    for (line, by, path) in table {
        let text = if by.ends_with("[x]") {
            edit(line, by).replace("[x]", "").replace("[authentication]\nidentities", "[ui]\n#")
        } else {
            edit(line, by)
        };
        match ProjectSettings::parse_toml(&text) {
            Ok(_) => assert_eq!(path, "", "{text} was accepted"),
            Err(problems) => {
                let paths: Vec<&str> = problems.iter().map(|c| c.path.as_str()).collect();
                assert_eq!(paths, [path], "{problems:?}");
                assert!(problems[0].line.is_some());
            }
        }
    }
}

#[test]
fn the_defaults_written_out_mean_the_same_as_their_absence() {
    let mut tables: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    for key in SettingKey::list() {
        let Some(default) = key.default_toml() else { continue };
        let (table, name) = key.path().rsplit_once('.').unwrap();
        let line = format!("{name} = {default}\n");
        tables.entry(table.to_owned()).or_default().push_str(&line);
    }
    let mut text = "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n".to_owned();
    for (table, lines) in tables {
        if table == "oauth.clients[]" {
            text.push_str("[[oauth.clients]]\nclient_id = \"a\"\nredirect_uris = [\"https://a.example/\"]\n");
        } else if table == "identity.oauth.providers[]" {
            text.push_str("[[identity.oauth.providers]]\nalias = \"a\"\ntype = \"oidc\"\nclient_id = \"c\"\nissuer = \"https://id.example\"\n");
        } else {
            text.push_str(&format!("[{}]\n", table.replace("[]", "")));
        }
        text.push_str(&lines);
    }
    let written = ProjectSettings::parse_toml(&text).unwrap();
    let mut absent = shop();
    absent.oauth.clients =
        vec![Client { client_id: "a".into(), redirect_uris: vec!["https://a.example/".into()], ..Client::default() }];
    providers::assert_defaults(written.provider("a").unwrap());
    assert_ne!(written, absent, "the defaults are written");
    assert_eq!(written.identities(), absent.identities());
    assert_eq!(written.primary_authenticators(), absent.primary_authenticators());
    assert_eq!(written.public_signup_disabled(), absent.public_signup_disabled());
    assert_eq!(written.passkey_offer_enabled(), absent.passkey_offer_enabled());
    assert_eq!(written.recovery_preselect_age(), absent.recovery_preselect_age());
    assert_eq!(written.retention_confirm_percent(), absent.retention_confirm_percent());
    assert_eq!(written.login_id_kinds(), absent.login_id_kinds());
    assert_eq!(written.promotion_conflict(), absent.promotion_conflict());
    assert_eq!(written.external_conflict(), absent.external_conflict());
    assert_eq!(written.session_lifetime(), absent.session_lifetime());
    assert_eq!(written.uses_session_cookie(), absent.uses_session_cookie());
    assert_eq!(written.allowed_origins(), absent.allowed_origins());
    assert_eq!(written.color_scheme(), absent.color_scheme());
    assert_eq!(written.fallback_language(), absent.fallback_language());
    assert_eq!(written.password_policy(), absent.password_policy());
    for kind in LoginIdKind::ALL {
        assert_eq!(written.verification_required(kind), absent.verification_required(kind));
    }
    for name in LimitName::ALL {
        assert_eq!(written.limit(name), absent.limit(name));
    }
    let (written, absent) = (written.client("a").unwrap(), absent.client("a").unwrap());
    for is_anonymous in [true, false] {
        assert_eq!(written.grant_lifetime(is_anonymous), absent.grant_lifetime(is_anonymous));
        assert_eq!(written.access_token_lifetime(is_anonymous), absent.access_token_lifetime(is_anonymous));
    }
    assert_eq!(written.application_type(), absent.application_type());
    assert_eq!(written.rotates_refresh_tokens(), absent.rotates_refresh_tokens());
    assert_eq!(written.rotation_grace(), absent.rotation_grace());
    assert_eq!(written.allows_one_session_only(), absent.allows_one_session_only());
    assert_eq!(written.is_dpop_disabled(), absent.is_dpop_disabled());
    assert_eq!(written.issues_jwt_access_tokens(), absent.issues_jwt_access_tokens());
    assert_eq!(written.access_token_algorithm(), absent.access_token_algorithm());
    assert_eq!(written.id_token_algorithm(), absent.id_token_algorithm());
    assert_eq!(written.scopes_for_guest(), absent.scopes_for_guest());
    assert_eq!(written.guest_creation(), absent.guest_creation());
    assert_eq!(written.stores_guest_on_use(), absent.stores_guest_on_use());
    for class in [GuestClass::WithoutKey, GuestClass::WithKey, GuestClass::WithAttributes] {
        assert_eq!(written.retention_rule(class), absent.retention_rule(class));
    }
}

#[test]
fn codes_go_to_the_listed_countries_else_to_the_projects_own_else_everywhere() {
    let mut settings = shop();
    let to = |settings: &ProjectSettings| [Some("DE"), Some("US"), None].map(|country| settings.allows_sms_to(country));
    settings.identity.login_id.default_country = None;
    assert_eq!(to(&settings), [true, true, true]);
    settings.identity.login_id.default_country = Some("DE".into());
    assert_eq!(to(&settings), [true, false, false]);
    settings.sms.allowed_countries = Some(vec!["US".into()]);
    assert_eq!(to(&settings), [false, true, false]);
    settings.sms.allowed_countries = Some(vec!["US".into(), "*".into()]);
    assert_eq!(to(&settings), [true, true, true]);
}

#[test]
fn the_schema_knows_exactly_the_keys_of_the_document() {
    fn collect(value: &serde_json::Value, path: &str, paths: &mut std::collections::BTreeSet<String>) {
        if !path.is_empty() && !path.ends_with(']') {
            paths.insert(path.to_owned());
        }
        match value {
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    collect(value, &shape::join(path, name), paths);
                }
            }
            serde_json::Value::Array(items) if items.iter().all(serde_json::Value::is_object) => {
                for item in items {
                    collect(item, &format!("{path}[]"), paths);
                }
            }
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_)
            | serde_json::Value::Array(_) => {}
        }
    }
    let mut in_document = std::collections::BTreeSet::new();
    collect(&serde_json::to_value(full()).unwrap(), "", &mut in_document);
    let in_schema: std::collections::BTreeSet<String> =
        SettingKey::list().iter().map(|key| key.path().to_owned()).collect();
    assert_eq!(in_document, in_schema);
}

#[test]
fn a_document_survives_its_file_and_its_store() {
    let full = full();
    assert_eq!(full.validate(), Ok(()));
    assert_eq!(ProjectSettings::parse_toml(&full.to_toml()).unwrap(), full, "{}", full.to_toml());
    assert_eq!(ProjectSettings::from_json(&full.to_json()).unwrap(), full);
    assert_eq!(shop().to_toml(), "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n");
}

#[test]
fn a_stored_document_of_a_newer_release_is_still_read() {
    let text = r#"{"project":{"id":"a","public_origin":"https://a.example","mood":"good"},"novelty":{"x":1}}"#;
    assert_eq!(ProjectSettings::from_json(text).unwrap().id(), "a");
    let sent: serde_json::Value = serde_json::from_str(text).unwrap();
    let paths: Vec<String> = ProjectSettings::parse_json(&sent).unwrap_err().into_iter().map(|c| c.path).collect();
    assert_eq!(paths, ["novelty", "project.mood"]);
}

#[test]
fn removals_are_what_the_new_document_does_not_name() {
    let full = r#"
[project]
id = "shop"
public_origin = "https://auth.shop.example"
name = "Shop"

[session]
lifetime_seconds = 3600

[[oauth.clients]]
client_id = "web"
x_application_type = "spa"
name = "Web"
redirect_uris = ["https://shop.example/a", "https://shop.example/b"]

[[oauth.clients]]
client_id = "made-in-the-portal"
x_application_type = "spa"
redirect_uris = ["https://shop.example/c"]

[[hook.non_blocking_handlers]]
events = ["user.created"]
url = "https://shop.example/hook"

[[hook.non_blocking_handlers]]
events = ["user.created"]
url = "https://shop.example/other"
"#;
    let stored = ProjectSettings::parse_toml(full).unwrap();
    let gone = |text: &str| removals(&stored, &ProjectSettings::parse_toml(text).unwrap());
    assert!(gone(full).is_empty());
    let changed = full.replace("3600", "60").replace("https://shop.example/b", "https://shop.example/z");
    assert!(gone(&changed).is_empty(), "another value is no removal");
    let cut = full.split("[[oauth.clients]]\nclient_id = \"made").next().unwrap().replace("name = \"Web\"\n", "");
    let cut = format!("{cut}[[hook.non_blocking_handlers]]\nevents = [\"*\"]\nurl = \"https://shop.example/hook\"\n");
    assert_eq!(
        gone(&cut.replace("[session]\nlifetime_seconds = 3600\n", "")),
        [
            "hook.non_blocking_handlers[https://shop.example/other]",
            "oauth.clients[web].name",
            "session.lifetime_seconds",
            "oauth.clients[made-in-the-portal]",
        ]
    );
}

#[test]
fn a_document_changed_in_memory_is_checked_like_a_file() {
    let mut settings = full();
    settings.oauth.clients[0].refresh_token_lifetime_seconds = Some(400);
    settings.ui.accent_color = Some("red".into());
    let mut paths: Vec<String> = settings.validate().unwrap_err().into_iter().map(|c| c.path).collect();
    paths.sort();
    assert_eq!(paths, ["oauth.clients[0].refresh_token_lifetime_seconds", "ui.accent_color"]);
}

#[test]
fn a_difference_names_the_application_and_the_key() {
    let old = ProjectSettings::parse_toml(FILE).unwrap();
    let mut new = old.clone();
    new.session.lifetime_seconds = None;
    new.oauth.clients[0].name = Some("Boutique".into());
    new.oauth
        .clients
        .insert(0, Client { client_id: "b".into(), redirect_uris: vec!["b:/x".into()], ..Client::default() });
    let changes: Vec<(String, Option<String>, Option<String>)> =
        diff(&old, &new).into_iter().map(|change| (change.path, change.from, change.to)).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        changes,
        [
            ("oauth.clients[shop-web].name".into(), text("\"Shop\""), text("\"Boutique\"")),
            ("oauth.clients[b].client_id".into(), None, text("\"b\"")),
            ("oauth.clients[b].redirect_uris".into(), None, text("[\"b:/x\"]")),
            ("session.lifetime_seconds".into(), text("31449600"), None),
        ]
    );
    assert_eq!(diff(&new, &new), []);
    let mut reordered = new.clone();
    reordered.oauth.clients.reverse();
    assert_eq!(diff(&new, &reordered).len(), 1);
}

proptest! {
    #[test]
    fn whatever_file_is_read_can_be_written_and_read_again(
        name in "[^\\p{C}]{1,40}",
        identities in prop::sample::subsequence(vec!["login_id", "anonymous"], 1..=2),
        lifetime in prop::option::of(1u32..1_000_000),
        access in prop::option::of(0u32..5_000),
        refresh in prop::option::of(0u32..5_000),
        uri in "(https://[a-z]{1,5}\\.example/[a-z?=]{0,4}|[a-z]{2,6}:/?/?[a-z]{0,3})",
    ) {
        let sent = serde_json::json!({
            "project": {"id": "a", "public_origin": "http://a.localhost:4100", "name": name},
            "authentication": {"identities": identities},
            "session": {"lifetime_seconds": lifetime},
            "oauth": {"clients": [{
                "client_id": "a",
                "redirect_uris": [uri],
                "access_token_lifetime_seconds": access,
                "refresh_token_lifetime_seconds": refresh,
            }]},
        });
        if let Ok(settings) = ProjectSettings::parse_json(&sent) {
            let again = ProjectSettings::parse_toml(&settings.to_toml());
            prop_assert_eq!(again.as_ref(), Ok(&settings), "{}", settings.to_toml());
            prop_assert_eq!(ProjectSettings::from_json(&settings.to_json()).unwrap(), settings);
        } else {
            let written = access.unwrap_or(1_800).max(300);
            prop_assert!(
                !vestibule_protocol::text::is_name(&name)
                    || access.is_some_and(|seconds| seconds < 300)
                    || refresh.is_some_and(|seconds| seconds < written)
                    || !uri.starts_with("https:"),
            );
        }
    }

    #[test]
    fn no_text_makes_the_reader_fall_over(text in ".{0,200}") {
        let outcome = ProjectSettings::parse_toml(&text);
        prop_assert!(outcome.is_err());
    }
}
