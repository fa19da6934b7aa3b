//! The requirements of the SDKs' decoders: a test fails where an SDK would.

use serde_json::{Map, Value};

use super::{Platform, Reply};

const USER: &str = "https://authgear.com/claims/user";

/// A success of the JSON API; the `result` must be an object that every SDK accepts.
fn result(reply: Reply) -> Map<String, Value> {
    let result = reply.result();
    result.as_object().unwrap_or_else(|| panic!("no object: {result}")).clone()
}

fn text(object: &Map<String, Value>, name: &str) -> String {
    let value = object.get(name).and_then(Value::as_str);
    value.unwrap_or_else(|| panic!("{name} is no text in {object:?}")).to_string()
}

/// Flutter parses it; iOS requires fraction digits in all dates.
fn date(text: &str) {
    assert!(text.parse::<jiff::Timestamp>().is_ok(), "no date: {text}");
    let fraction = text.split_once('.').map(|(_, rest)| rest.trim_end_matches('Z').len());
    assert!(fraction.is_some_and(|digits| digits > 0), "no fraction digits: {text}");
}

/// `/oauth2/challenge`
pub(crate) fn challenge(platform: Platform, reply: Reply) -> String {
    let object = result(reply);
    if platform != Platform::ReactNative {
        date(&text(&object, "expire_at"));
    }
    let token = text(&object, "token");
    assert_eq!(token.len(), 32);
    assert!(token.bytes().all(|sign| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&sign)), "{token}");
    token
}

/// `/oauth2/app_session_token`
pub(crate) fn app_session_token(_: Platform, reply: Reply) -> String {
    let object = result(reply);
    date(&text(&object, "expire_at"));
    text(&object, "app_session_token")
}

/// A token response that starts a session.
pub(crate) fn token(platform: Platform, reply: Reply) -> Map<String, Value> {
    // JavaScript accepts exactly 200, the others 2xx.
    let body = reply.expect(200).json();
    let body = body.as_object().expect("an object").clone();
    assert_eq!(body.get("token_type").and_then(Value::as_str), Some("Bearer"));
    text(&body, "access_token");
    let lifetime = body.get("expires_in").unwrap_or_else(|| panic!("{platform:?} unwraps expires_in"));
    assert!(lifetime.is_u64(), "{platform:?} decodes an integer, not {lifetime}");
    for optional in ["refresh_token", "id_token", "device_secret", "scope", "code"] {
        assert!(body.get(optional).is_none_or(Value::is_string), "{optional} is null or no text: {body:?}");
    }
    body
}

/// UserInfo; a phone that cannot decode it loses its guest.
pub(crate) fn user_info(platform: Platform, reply: Reply) -> Map<String, Value> {
    let body = reply.expect(200).json();
    let body = body.as_object().expect("an object").clone();
    text(&body, "sub");
    for name in ["is_anonymous", "is_verified", "can_reauthenticate"] {
        let value = body.get(&format!("{USER}/{name}"));
        assert!(value.is_some_and(Value::is_boolean), "{platform:?} needs {name}: {body:?}");
    }
    assert!(body.get("custom_attributes").is_some_and(Value::is_object), "{body:?}");
    let roles = body.get(&format!("{USER}/roles")).and_then(Value::as_array);
    assert!(roles.is_some_and(|roles| roles.iter().all(Value::is_string)), "{body:?}");
    assert!(body.get("address").is_none_or(Value::is_object), "{body:?}");
    for list in ["authenticators", "identities"] {
        let entries = body.get(&format!("{USER}/{list}")).and_then(Value::as_array).expect("a list");
        for entry in entries {
            let entry = entry.as_object().expect("an object");
            text(entry, "type");
            date(&text(entry, "created_at"));
            date(&text(entry, "updated_at"));
        }
    }
    assert!(body.values().all(|value| !value.is_null()), "an optional text must be absent, not null: {body:?}");
    body
}
