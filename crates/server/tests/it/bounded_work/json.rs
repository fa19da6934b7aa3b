//! Every parameter and every member of the Admin API and of the SDKs' JSON.

use hyper::Method;
use serde_json::{Value, json};

use super::{
    callers::Callers,
    patterns::Shape,
    targets::{ADDRESS, JSON, Place, Target},
};
use crate::support::{Reply, TestServer};

/// The largest value in a body: all of it together may be a megabyte, which is tried with the body as a whole.
const VALUE: usize = 128 * 1024;
/// The largest value in a body of the SDKs: more is refused unread.
const SDK_VALUE: usize = 18 * 1024;
/// The longest texts that are read further: most are refused, or not looked at, beyond this.
const TEXTS: [usize; 2] = [15 * 1024, 128];
const LINES: &str = "application/x-ndjson";
const API: &str = "/_api/admin/v1";

pub(super) async fn targets(server: &TestServer, callers: &Callers) -> Vec<Target> {
    let mut targets = sdk_targets();
    let api: Value = server.http().get(&format!("{API}/openapi.json")).await.json();
    let project = server.http().request(Method::GET, &format!("{API}/project"));
    let project = Reply::of(project.header("authorization", &callers.admin)).await.expect(200).json();
    for (path, methods) in api["paths"].as_object().expect("paths") {
        // Streams do not end.
        let methods = methods.as_object().into_iter().flatten().filter(|_| !path.ends_with("/stream"));
        for (method, operation) in methods.filter(|(name, _)| *name != "parameters") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let path = format!("{API}{}", callers.path(path));
            for place in places_of(&api, operation, &project["settings"]) {
                targets.push(Target::new(method.clone(), &path, place).with("authorization", &callers.admin));
            }
        }
    }
    assert!(targets.len() > 200, "{} places in JSON and the Admin API", targets.len());
    targets
}

fn places_of(api: &Value, operation: &Value, project: &Value) -> Vec<Place> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let names = parameters.filter_map(|parameter| follow(api, parameter)["name"].as_str());
    let mut places: Vec<Place> = names.map(|name| Place::parameter(name, &[], ADDRESS)).collect();
    for (content_type, body) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let content_type = if content_type == JSON { JSON } else { LINES };
        // An example of lines is a text.
        let line = body["example"].as_str().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        let example = line.as_ref().unwrap_or(if body["example"].is_object() { &body["example"] } else { project });
        if line.is_some() {
            places.push(Place::Body { content_type, shape: Shape::JsonBody, longest: 1024 * 1024 });
        }
        let mut pointers = pointers_of(example);
        let members = follow(api, &body["schema"])["properties"].as_object().into_iter().flatten();
        pointers.extend(members.map(|(name, _)| format!("/{name}")));
        pointers.sort_unstable();
        pointers.dedup();
        places.extend(pointers.iter().flat_map(|pointer| values_at(content_type, example, pointer, VALUE)));
    }
    places
}

fn sdk_targets() -> Vec<Target> {
    let bodies = [
        (
            "/api/anonymous_user/signup",
            json!({"session_type": "refresh_token", "client_id": "web", "refresh_token": "x"}),
        ),
        ("/api/anonymous_user/promotion_code", json!({"session_type": "refresh_token", "refresh_token": "x"})),
        ("/oauth2/challenge", json!({"purpose": "anonymous_request"})),
        ("/oauth2/app_session_token", json!({"refresh_token": "x"})),
    ];
    let targets = bodies.iter().flat_map(|(path, body)| {
        let places = pointers_of(body).into_iter().flat_map(|pointer| values_at(JSON, body, &pointer, SDK_VALUE));
        places.map(|place| Target::new(Method::POST, path, place))
    });
    targets.collect()
}

/// Values of every kind and length for one place in a body.
fn values_at(content_type: &'static str, body: &Value, pointer: &str, longest: usize) -> Vec<Place> {
    let mut values = vec![(Shape::Json, longest)];
    values.extend(TEXTS.map(|longest| (Shape::JsonText, longest)));
    values.into_iter().map(|value| Place::json(content_type, (body, pointer), value)).collect()
}

/// Where the values are that hold no others.
fn pointers_of(value: &Value) -> Vec<String> {
    let of_member = |name: &str, inner: &Value| -> Vec<String> {
        pointers_of(inner).into_iter().map(|rest| format!("/{name}{rest}")).collect()
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().flat_map(|(name, inner)| of_member(name, inner)).collect()
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().take(1).flat_map(|(n, inner)| of_member(&n.to_string(), inner)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            vec![String::new()]
        }
    }
}

fn follow<'a>(api: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|path| api.pointer(path.strip_prefix('#')?));
    target.unwrap_or(value)
}
