//! Every field of every form that members and operators are shown.

use hyper::Method;
use vestibule_server::routes::{Face, list_routes};

use super::{
    callers::Callers,
    targets::{Place, Target},
};
use crate::support::{Browser, TestServer};

/// The largest value of a field: with its form it stays below 64 KiB, though some signs take three bytes.
const FIELD: usize = 19 * 1024;
/// The longest password: what is longer is not looked at.
const PASSWORD: usize = 128;

/// Account pages that are asked with a query.
const ACCOUNT_PAGES: [&str; 2] = ["/settings/identity/add?kind=email", "/settings/identity/add?kind=username"];

pub(super) async fn targets(server: &TestServer, callers: &Callers, browsers: &mut [Browser; 2]) -> Vec<Target> {
    let [member, owner] = browsers;
    let mut targets = flow_targets(server).await;
    targets.extend(account_targets(member).await);
    targets.extend(portal_targets(owner, callers).await);
    // The same form is on many pages; and some end what the others need.
    let mut seen = std::collections::HashSet::new();
    targets.retain(|target| {
        let Place::Field { name, longest, .. } = &target.place else { return true };
        seen.insert((target.path.clone(), name.clone(), *longest))
    });
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
        Target::new(Method::POST, path, Place::field(name, beside, longest))
            .with("cookie", cookies)
            .with("accept", "text/html")
    });
    targets.collect()
}

/// A target for each field of each form of the page a browser is on.
fn forms_of(browser: &Browser, cookies: &str) -> Vec<Target> {
    let forms = browser.page().forms.iter();
    let here = browser.url().clone();
    let targets = forms.flat_map(|form| -> Vec<Target> {
        let action = here.join(&form.action).expect("an address");
        let path = action[url::Position::BeforePath..].to_string();
        if form.asks {
            let of_field = |(name, _): &(String, String)| {
                let place = Place::parameter(name, &form.fields, FIELD);
                Target::new(Method::GET, &path, place).with("cookie", cookies).with("accept", "text/html")
            };
            form.fields.iter().map(of_field).collect()
        } else {
            fields_of(&path, cookies, &form.fields)
        }
    });
    targets.collect()
}

/// The pages of a flow whose forms are sent there, though the page it has come to may be another.
const VIEWS: [&str; 16] = [
    "start",
    "identify",
    "code",
    "new-passkey",
    "skip-passkey",
    "passkey-alone",
    "have-account",
    "login",
    "password",
    "use-code",
    "login-code",
    "passkey",
    "forgotten",
    "new-password",
    "continue",
    "cancel",
];
/// What those forms consist of.
const FIELDS: [(&str, &str); 6] = [
    ("login_id_kind", "email"),
    ("login_id", "kim@shop.example"),
    ("password", "violet tugboat marmalade"),
    ("code", "123456"),
    ("credential", "{}"),
    ("action", "x"),
];

async fn flow_targets(server: &TestServer) -> Vec<Target> {
    let mut targets = Vec::new();
    for (prompt, is_new) in [("login", false), ("create", false), ("create", true)] {
        let mut browser = server.browser();
        browser.open(&server.app_client().authorize_url(&[("prompt", prompt), ("state", "s")])).await;
        if is_new {
            browser.fill("Email address", "kim@shop.example");
            browser.fill("Password", "violet tugboat marmalade");
            browser.press("Create account").await;
        }
        let cookies = browser.cookie_line();
        targets.extend(forms_of(&browser, &cookies));
        let form = browser.page().forms.iter().find(|form| !form.asks).expect("a form");
        let action = browser.url().join(&form.action).expect("an address");
        let mut segments = action.path().split('/');
        let id = segments.find(|segment| *segment == "flow").and_then(|_| segments.next()).expect("a flow");
        let mut beside = form.fields.clone();
        for (name, value) in FIELDS {
            if !beside.iter().any(|(known, _)| known == name) {
                beside.push((name.into(), value.into()));
            }
        }
        targets.extend(VIEWS.iter().flat_map(|view| fields_of(&format!("/flow/{id}/{view}"), &cookies, &beside)));
    }
    targets
}

async fn account_targets(member: &mut Browser) -> Vec<Target> {
    let mut targets = Vec::new();
    let pages = paths_of(Face::AccountPages, "GET").filter(|path| path != "/logout" && !path.contains('{'));
    for path in pages.chain(ACCOUNT_PAGES.map(str::to_string)) {
        member.open(&path).await;
        if !member.is_at_app() && member.reply().status == 200 {
            targets.extend(forms_of(member, &member.cookie_line()));
        }
    }
    assert!(targets.len() > 8, "{} fields of account pages", targets.len());
    targets
}

async fn portal_targets(owner: &mut Browser, callers: &Callers) -> Vec<Target> {
    let mut targets = Vec::new();
    for path in paths_of(Face::Portal, "GET") {
        let path = callers.path(&path);
        owner.open(&path).await;
        if !owner.is_at_app() && owner.reply().status == 200 {
            let of_page = forms_of(owner, &owner.cookie_line()).into_iter();
            targets.extend(of_page.map(|target| target.on_page(&path)));
        }
    }
    assert!(targets.len() > 80, "{} fields of the portal", targets.len());
    targets
}

/// Reads the form anew from its page.
pub(super) async fn refresh(owner: &mut Browser, target: &mut Target) {
    let (Some(page), Place::Field { name, longest, .. }) = (&target.page, &target.place) else { return };
    owner.open(page).await;
    let has_it = |other: &&Target| {
        let Place::Field { name: others, .. } = &other.place else { return false };
        other.path == target.path && others == name
    };
    let forms = forms_of(owner, &owner.cookie_line());
    if let Some(Place::Field { beside, .. }) = forms.iter().find(has_it).map(|found| &found.place) {
        target.place = Place::Field { name: name.clone(), beside: beside.clone(), longest: *longest };
    }
}
