//! Every field of every form that members and operators are shown, and every parameter and member of the Admin API.

use reqwest::Method;
use serde_json::{Map, Value};
use vestibule_server::routes::{Face, list_routes};

use super::{Place, Target, callers::Callers};
use crate::support::{Browser, TestServer};

/// The largest value of a field: with its form it stays below 64 KiB, though some signs take three bytes.
const FIELD: usize = 19 * 1024;
/// The longest password: what is longer is not looked at.
const PASSWORD: usize = 128;

/// Account pages that are asked with a query.
const ACCOUNT_PAGES: [&str; 2] = ["/settings/identity/add?kind=email", "/settings/identity/add?kind=username"];

pub(super) async fn targets(server: &TestServer, callers: &Callers, browsers: [Browser; 2]) -> Vec<Target> {
    let [member, owner] = browsers;
    let mut targets = flow_targets(server).await;
    targets.extend(account_targets(member).await);
    targets.extend(admin_targets(server, callers).await);
    targets.extend(portal_targets(owner, callers).await);
    // The same form is on many pages; and some end what the others need.
    let mut seen = std::collections::HashSet::new();
    targets.retain(|target| match &target.place {
        Place::Field { name, longest, .. } => seen.insert((target.path.clone(), name.clone(), *longest)),
        Place::Query | Place::Parameter { .. } | Place::Body { .. } | Place::Member { .. } | Place::Headers(_) => true,
    });
    targets.sort_by_key(|target| ["logout", "sign-out", "delete", "end"].iter().any(|word| target.path.contains(word)));
    targets
}

/// The paths of a face, for one method.
fn paths_of(face: Face, method: &str) -> impl Iterator<Item = String> {
    list_routes().into_iter().filter(move |route| route.face == face && route.method == method).map(|route| route.path)
}

/// A target for each field of a form but the token it needs.
fn fields_of(path: &str, cookies: &str, beside: &[(String, String)]) -> Vec<Target> {
    let names = beside.iter().map(|(name, _)| name).filter(|name| *name != "_csrf" && !name.is_empty());
    let lengths = names.flat_map(|name| {
        let short = name.contains("password").then_some(PASSWORD);
        [Some(FIELD), short].into_iter().flatten().map(move |longest| (name, longest))
    });
    let targets = lengths.map(|(name, longest)| {
        let place = Place::Field { name: name.clone(), beside: beside.to_vec(), longest };
        Target::new(Method::POST, path, place).with("cookie", cookies).with("accept", "text/html")
    });
    targets.collect()
}

/// A target for each field of each form of the page a browser is on.
fn forms_of(browser: &Browser, cookies: &str) -> Vec<Target> {
    let forms = browser.page().forms.iter();
    let here = browser.url().clone();
    let targets = forms.flat_map(|form| {
        let action = here.join(&form.action).expect("an address");
        let path = action[url::Position::BeforePath..].to_string();
        if form.asks {
            let beside: Vec<(String, String)> = form.fields.clone();
            let of_field = move |(name, _): (String, String)| {
                let place = Place::Parameter { name, beside: beside.clone(), longest: FIELD };
                Target::new(Method::GET, &path, place).with("cookie", cookies).with("accept", "text/html")
            };
            form.fields.clone().into_iter().map(of_field).collect()
        } else {
            fields_of(&path, cookies, &form.fields)
        }
    });
    targets.collect()
}

async fn flow_targets(server: &TestServer) -> Vec<Target> {
    let mut targets = Vec::new();
    for prompt in ["login", "create"] {
        let mut browser = server.browser();
        browser.open(&server.app_client().authorize_url(&[("prompt", prompt), ("state", "s")])).await;
        let path = browser.url().path().to_string();
        let (flow, _) = path.rsplit_once('/').expect("a flow");
        let cookies = browser.cookie_line();
        targets.extend(forms_of(&browser, &cookies));
        let token = browser.page().forms.iter().flat_map(|form| &form.fields).find(|(name, _)| name == "_csrf");
        let mut beside = vec![token.expect("a token").clone()];
        for (name, value) in [
            ("login_id_kind", "email"),
            ("login_id", "kim@shop.example"),
            ("password", "violet tugboat marmalade"),
            ("code", "123456"),
            ("credential", "{}"),
            ("action", "x"),
        ] {
            beside.push((name.into(), value.into()));
        }
        for route in paths_of(Face::HostedPages, "POST").filter(|path| path.starts_with("/flow/{id}/")) {
            let path = route.replace("/flow/{id}", flow).replace(['{', '}'], "");
            targets.extend(fields_of(&path, &cookies, &beside));
        }
    }
    targets
}

async fn account_targets(mut member: Browser) -> Vec<Target> {
    let mut targets = Vec::new();
    let pages = paths_of(Face::AccountPages, "GET").filter(|path| path != "/logout" && !path.contains('{'));
    for path in pages.chain(ACCOUNT_PAGES.map(str::to_string)) {
        member.open(&path).await;
        if !member.is_at_app() && member.reply().status == 200 {
            targets.extend(forms_of(&member, &member.cookie_line()));
        }
    }
    assert!(targets.len() > 8, "{} fields of account pages", targets.len());
    targets
}

async fn admin_targets(server: &TestServer, callers: &Callers) -> Vec<Target> {
    let api: Value = server.http().get("/_api/admin/v1/openapi.json").await.json();
    let mut targets = Vec::new();
    for (path, methods) in api["paths"].as_object().expect("paths") {
        let path = format!("/_api/admin/v1{}", callers.path(path));
        for (method, operation) in
            methods.as_object().expect("methods").iter().filter(|(name, _)| *name != "parameters")
        {
            // Streams do not end, and the key of this test must not.
            if path.ends_with("/stream") || method == "delete" {
                continue;
            }
            let method: Method = method.to_uppercase().parse().expect("a method");
            let mut add = |place: Place| {
                let target = Target::new(method.clone(), &path, place).with("authorization", &callers.admin);
                targets.push(target.with("if-match", "\"1\""));
            };
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = follow(&api, parameter)["name"].as_str().unwrap_or_default().to_string();
                add(Place::Parameter { name, beside: Vec::new(), longest: 9 * 1024 });
            }
            let Some(content) = operation["requestBody"]["content"].as_object() else { continue };
            for (content_type, body) in content {
                if content_type.contains("ndjson") {
                    add(Place::Body { content_type: "application/x-ndjson", longest: 1024 * 1024 });
                }
                let members = follow(&api, &body["schema"])["properties"].as_object().cloned().unwrap_or_default();
                for name in members.keys() {
                    add(Place::Member { name: name.clone(), beside: Map::new() });
                }
            }
        }
    }
    assert!(targets.len() > 60, "{} places in the Admin API", targets.len());
    targets
}

fn follow<'a>(api: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|path| api.pointer(path.strip_prefix('#')?));
    target.unwrap_or(value)
}

async fn portal_targets(mut owner: Browser, callers: &Callers) -> Vec<Target> {
    let mut targets = Vec::new();
    for path in paths_of(Face::Portal, "GET") {
        owner.open(&callers.path(&path)).await;
        if !owner.is_at_app() && owner.reply().status == 200 {
            targets.extend(forms_of(&owner, &owner.cookie_line()));
        }
    }
    assert!(targets.len() > 80, "{} fields of the portal", targets.len());
    targets
}
