//! Every route of the table called with every kind of credential. A credential that a route does not declare is ignored, never
//! refused, and does nothing, alone and beside one that the route declares; one that a route declares is accepted.
//!
//! What the routes declare is compared with `declared.rs`. A route that is served is in the table: `route_table::mount` takes a
//! group of the table and not a route, and `boundaries.rs` lets no other file build routes.

mod call;
mod declared;
mod sample;
mod world;

use std::collections::BTreeSet;

use reqwest::header;
use serde_json::json;
use vestibule_app::admin::keys::AdminScope;
use vestibule_server::routes::{CredentialKind, Face, RouteView, list_routes};

use self::{
    call::{Content, first_difference, without_cleared},
    sample::{Carrier, Sample, Worth},
    world::World,
};
use crate::support::{Admin, Engine, Installation, TestServer, TestStore, on_both_engines};

/// Long enough that each use of a session, grant or key is written down.
const LATER: i64 = 600;

/// The routes of the listener that serves projects and portal. The page of metrics is on another one.
fn public_routes() -> Vec<RouteView> {
    list_routes().into_iter().filter(|route| route.face != Face::Metrics).collect()
}

fn name(route: &RouteView) -> String {
    format!("{} {}", route.method, route.path)
}

fn report(route: &RouteView, what: &str, expected: &[String], found: &[String]) -> String {
    format!("{} {what}\n{}", name(route), first_difference(expected, found))
}

/// Where a right credential shows in no answer, because of what it is for.
fn is_silent(route: &RouteView, sample: &Sample) -> bool {
    let path = route.path.as_str();
    match sample.carrier {
        // A flow belongs to its browser, not to the user who is signed in there.
        Carrier::Session if path.starts_with("/flow/") || path.starts_with("/sso/") => true,
        // Only guests are promoted, and only guests sign up for a device in another way than strangers.
        Carrier::Session | Carrier::AppSession => {
            matches!(path, "/settings/promote" | "/device/sign-in") && sample.name != "guest's session cookie"
        }
        // It identifies no operator, and these show no form.
        Carrier::PortalForm => matches!(path, "/portal/" | "/portal/{*rest}"),
        // It ties a guest's promotion to the browser, and comes with the guest's session then.
        Carrier::Flow => path == "/settings/promote",
        // They give limits of their own, and no access (`lockout.rs`).
        Carrier::KnownDevice | Carrier::PortalKnownDevice => true,
        Carrier::Basic | Carrier::Form | Carrier::Bearer | Carrier::Operator => false,
    }
}

/// Whether a route may tell a dead credential from none: where programs present one, they are to learn that it is dead. Pages go
/// on as if a dead cookie had not come, and clear it.
fn may_refuse(route: &RouteView, carrier: Carrier) -> bool {
    let is_for_programs = route.accepts.iter().any(|declared| matches!(declared, CredentialKind::BearerToken(_)));
    carrier.cookie().is_none() || (carrier == Carrier::Session && is_for_programs)
}

/// The samples in as few requests as there can be: of each way to send a credential one, and one `Authorization` header. The
/// first request has none of those.
fn group<'a>(samples: &[&'a Sample]) -> Vec<Vec<&'a Sample>> {
    let of = |carrier: Carrier| samples.iter().copied().filter(move |sample| sample.carrier == carrier);
    let authorizations: Vec<&Sample> = of(Carrier::Bearer).chain(of(Carrier::Basic)).collect();
    let others = Carrier::ALL.into_iter().filter(|carrier| !carrier.is_authorization());
    let others: Vec<Vec<&Sample>> = others.map(|carrier| of(carrier).collect()).collect();
    let longest = others.iter().map(Vec::len).max().unwrap_or_default().max(authorizations.len() + 1);
    let make = |no: usize| {
        let authorization = no.checked_sub(1).and_then(|no| authorizations.get(no)).copied();
        let others = others.iter().filter(|of_one| !of_one.is_empty()).map(|of_one| of_one[no % of_one.len()]);
        authorization.into_iter().chain(others).collect()
    };
    (0..longest).map(make).collect()
}

/// What a run of the test found.
struct Run {
    world: World,
    wrong: Vec<String>,
    ignored: BTreeSet<&'static str>,
    accepted: BTreeSet<&'static str>,
}

impl Run {
    /// The samples that the route does not declare, and that fit into a request to it.
    fn undeclared(&self, route: &RouteView) -> Vec<&Sample> {
        let has_form = self.world.contents(route).iter().any(Content::is_form);
        let fits = |sample: &&Sample| sample.carrier != Carrier::Form || has_form;
        self.world.samples.iter().filter(|sample| !sample.carrier.is_read_by(route)).filter(fits).collect()
    }

    /// Sends each credential that the route does not declare.
    async fn send_undeclared(&mut self, route: &RouteView, nothing: &[String]) {
        let (mut found, mut ignored) = (Vec::new(), BTreeSet::new());
        for group in group(&self.undeclared(route)) {
            ignored.extend(group.iter().map(|sample| sample.name));
            let together = self.world.answers(route, &group).await;
            if together == nothing {
                continue;
            }
            let names: Vec<_> = group.iter().map(|sample| sample.name).collect();
            found.push(report(route, &format!("reads one of {names:?}"), nothing, &together));
            for sample in group {
                let alone = self.world.answers(route, &[sample]).await;
                if alone != nothing {
                    found.push(report(route, &format!("reads: {}", sample.name), nothing, &alone));
                }
            }
        }
        self.wrong.extend(found);
        self.ignored.extend(ignored);
    }

    /// Sends each credential that the route declares, and those that look like one.
    async fn send_declared(&mut self, no: usize, route: &RouteView, nothing: &[String]) {
        let (mut found, mut accepted) = (Vec::new(), BTreeSet::new());
        for carrier in Carrier::ALL.into_iter().filter(|carrier| carrier.is_read_by(route)) {
            let of_it = self.world.samples.iter().filter(|sample| sample.carrier == carrier);
            let (right, wrong): (Vec<&Sample>, Vec<&Sample>) = of_it.partition(|sample| sample.is_right_for(route));
            let (hollow, elsewhere): (Vec<_>, Vec<_>) =
                wrong.into_iter().partition(|one| one.worth != Worth::NewBrowser);
            let dead = self.world.answers(route, &hollow[..1]).await;
            if !may_refuse(route, carrier) && without_cleared(&dead) != nothing {
                found.push(report(route, &format!("minds: {}", hollow[0].name), nothing, &dead));
            }
            for sample in &hollow[1..] {
                let answers = self.world.answers(route, &[sample]).await;
                if without_cleared(&answers) != without_cleared(&dead) {
                    found.push(report(route, &format!("accepts: {}", sample.name), &dead, &answers));
                }
            }
            for sample in right {
                accepted.insert(sample.name);
                let answers = self.world.answers(route, &[sample]).await;
                if (answers == nothing) != is_silent(route, sample) {
                    let what = format!("differs from what is_silent says of: {}", sample.name);
                    found.push(report(route, &what, nothing, &answers));
                } else if answers == dead && answers != nothing {
                    found.push(report(route, &format!("refuses: {}", sample.name), nothing, &answers));
                }
                for other in &elsewhere {
                    if self.world.answers(route, &[other]).await == answers {
                        found.push(report(route, &format!("accepts: {}", other.name), nothing, &answers));
                    }
                }
                let together = [vec![sample], self.undeclared_beside(no, sample, route)].concat();
                let again = self.world.answers(route, &together).await;
                // A use that is written down in between shows in both.
                if again != answers && again != self.world.answers(route, &[sample]).await {
                    let names: Vec<_> = together.iter().map(|sample| sample.name).collect();
                    found.push(report(route, &format!("reads more of {names:?}"), &answers, &again));
                }
            }
        }
        self.wrong.extend(found);
        self.accepted.extend(accepted);
    }

    /// A right credential of each kind that the route does not declare, to be sent beside one that it declares; which of those
    /// in `Authorization` there is changes from route to route.
    fn undeclared_beside(&self, no: usize, declared: &Sample, route: &RouteView) -> Vec<&Sample> {
        let undeclared: Vec<&Sample> =
            self.undeclared(route).into_iter().filter(|sample| sample.is_worth_something()).collect();
        let of = |carrier: Carrier| undeclared.iter().copied().filter(move |sample| sample.carrier == carrier);
        let others = Carrier::ALL.into_iter().filter(|carrier| !carrier.is_authorization());
        let mut chosen: Vec<&Sample> = others.filter_map(|carrier| of(carrier).next()).collect();
        let authorizations: Vec<&Sample> = of(Carrier::Bearer).chain(of(Carrier::Basic)).collect();
        if !authorizations.is_empty() && !declared.carrier.is_authorization() {
            chosen.push(authorizations[no % authorizations.len()]);
        }
        chosen
    }
}

async fn every_route_reads_what_it_declares_and_nothing_else(engine: Engine) {
    let world = World::make(engine).await;
    world.scene.server.clock.advance_seconds(LATER);
    let before = world.traces().await;
    let mut run = Run { world, wrong: Vec::new(), ignored: BTreeSet::new(), accepted: BTreeSet::new() };
    let mut answered = Vec::new();
    for route in public_routes() {
        let nothing = run.world.answers(&route, &[]).await;
        run.send_undeclared(&route, &nothing).await;
        answered.push((route, nothing));
    }
    assert_eq!(run.world.traces().await, before, "a credential that is not declared did something");
    for (no, (route, nothing)) in answered.iter().enumerate() {
        run.send_declared(no, route, nothing).await;
    }
    assert!(run.wrong.is_empty(), "{} differences:\n{}", run.wrong.len(), run.wrong.join("\n"));
    for (now, before) in run.world.traces().await.iter().zip(&before) {
        assert_ne!(now, before, "a use of a declared credential leaves a trace");
    }
    for sample in &run.world.samples {
        assert!(run.ignored.contains(sample.name), "sent to no route that does not declare it: {}", sample.name);
        assert_eq!(
            run.accepted.contains(sample.name),
            sample.is_worth_something(),
            "accepted anywhere: {}",
            sample.name
        );
    }
}

async fn an_admin_key_without_the_scope_is_refused(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let http = server.http();
    let mut needed_somewhere = BTreeSet::new();
    for scope in AdminScope::ALL {
        let narrow = Admin::new(&server, &[scope]).await;
        for route in list_routes() {
            let [CredentialKind::AdminKey(needed)] = route.accepts[..] else { continue };
            let (method, path) = (route.method.parse().expect("a method"), route.path.replace(['{', '}'], ""));
            let request = http.request(method, &path).bearer_auth(&narrow.token).json(&json!({}));
            let status = request.send().await.expect("the server answers").status();
            assert_eq!(status == 403, needed != scope, "{} with {}: {status}", name(&route), scope.as_str());
            needed_somewhere.insert(needed.as_str());
        }
    }
    assert_eq!(needed_somewhere.len(), AdminScope::ALL.len(), "each scope opens something");
}

on_both_engines!(every_route_reads_what_it_declares_and_nothing_else, an_admin_key_without_the_scope_is_refused);

/// On its listener, which only the real process opens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_metrics_reads_no_credential() {
    let place = TestStore::make(Engine::Sqlite).await;
    let process = Installation::make(&place.url()).start();
    let token = process.app_client().sign_up().await.access;
    let bearer = format!("Bearer {token}");
    let (authorization, cookie) = (header::AUTHORIZATION, header::COOKIE);
    let all =
        [(authorization.clone(), bearer.as_str()), (authorization, "Basic YTpi"), (cookie, "session=x; oauth_ui=y")];
    for route in list_routes().into_iter().filter(|route| route.face == Face::Metrics || route.face == Face::Probes) {
        let ask = async |credential: Option<&(header::HeaderName, &str)>| {
            let mut request = process.client().get(format!("http://{}{}", process.metrics, route.path));
            if let Some((name, value)) = credential {
                request = request.header(name, *value);
            }
            let response = request.send().await.expect("an answer");
            let status = response.status();
            let text = response.text().await.expect("text");
            // The numbers change, and a job that writes for the first time adds its label; the names do not change.
            let names = text.lines().map(|line| line.split(['{', ' ']).next().unwrap_or_default().to_string());
            (status, names.collect::<BTreeSet<_>>())
        };
        let nothing = ask(None).await;
        assert_eq!(nothing.0, 200, "{}", name(&route));
        for credential in &all {
            assert_eq!(ask(Some(credential)).await, nothing, "{}: {credential:?}", name(&route));
        }
    }
}
