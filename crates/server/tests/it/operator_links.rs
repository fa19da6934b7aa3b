//! Links into the portal at the moment of their use: whose maker is not known is dead, and an acceptance is judged once more when it
//! is written.

use std::net::{IpAddr, Ipv4Addr};

use vestibule_app::{
    crypto::sha256,
    operators::{
        SignedIn,
        acceptance::{Offer, accept, find},
    },
};
use vestibule_domain::{
    id::ProjectNo,
    operator::{Assignment, EVERY_PROJECT, LinkMaker, LinkPurpose, OperatorLink, Role},
};
use vestibule_store::{operator_links, operator_sessions, operators};

use crate::{
    portal_operators::{invite, make_second_project, newest_invitation, send_invitation},
    support::{Engine, TestServer, on_both_engines},
};

on_both_engines!(
    a_link_without_a_recorded_maker_is_dead_but_for_the_first,
    an_acceptance_is_judged_again_when_it_is_written,
);

const ED: &str = "ed@house.example";
const GONE: &str = "This link no longer works";

/// Stores a link and returns its path.
async fn store(server: &TestServer, maker: LinkMaker, purpose: LinkPurpose, project: ProjectNo) -> String {
    let token = format!("a-link-of-{maker:?}-for-{}", purpose.as_str());
    let now = server.clock.now();
    let link = OperatorLink {
        token: sha256(token.as_bytes()),
        purpose,
        assignment: Assignment { project, role: Role::Owner },
        email: if purpose == LinkPurpose::FirstRun { String::new() } else { ED.to_string() },
        created_at: now,
        expires_at: now.plus(purpose.lifetime()),
        maker,
        is_mailed: false,
    };
    let written = server.app.store.write("test", link, |tx, link| Box::pin(operator_links::insert(tx, link))).await;
    written.expect("the store works");
    format!("/portal/welcome/{token}")
}

async fn a_link_without_a_recorded_maker_is_dead_but_for_the_first(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let no = server.app.projects.find_by_id("test").expect("the project").no;
    let mut browser = server.browser();
    for maker in [LinkMaker::Unknown, LinkMaker::CommandLine] {
        browser.open(&store(&server, maker, LinkPurpose::FirstRun, EVERY_PROJECT).await).await;
        assert_eq!(browser.reply().status, 200, "{maker:?}");
    }
    // The operator whose account a reset would open.
    let mut owner = server.owner().await;
    make_second_project(&mut owner).await;
    invite(&server, &mut owner, "second", ED, "Editor").await;
    for (purpose, project) in [(LinkPurpose::Reset, EVERY_PROJECT), (LinkPurpose::Invitation, no)] {
        browser.open(&store(&server, LinkMaker::Unknown, purpose, project).await).await;
        let page = browser.expect_page(410, GONE);
        assert!(page.text.contains("was made by an earlier release"), "{}", page.text);
        assert!(page.text.contains("vestibule operator link --email"), "{}", page.text);
        browser.open(&store(&server, LinkMaker::CommandLine, purpose, project).await).await;
        assert_eq!(browser.reply().status, 200, "{purpose:?}");
    }
}

async fn an_acceptance_is_judged_again_when_it_is_written(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    make_second_project(&mut owner).await;
    let mut editor = invite(&server, &mut owner, "second", ED, "Editor").await;
    send_invitation(&mut owner, "test", ED, "Viewer").await;
    let offer = newest_invitation(&server, ED, 2).await;
    let token = offer.rsplit('/').next().expect("a token").to_string();
    let (app, now) = (&server.app, server.clock.now());
    let (store, ip) = (&app.store, IpAddr::V4(Ipv4Addr::LOCALHOST));
    // The editor's request, judged before something happens.
    let mut conn = store.read().await.expect("a connection");
    let operator = operators::find_by_email(&mut conn, ED).await.expect("the store works").expect("the editor");
    let cookie = sha256(editor.cookie("vestibule_operator").expect("a session").as_bytes());
    let session = operator_sessions::find(&mut conn, cookie).await.expect("the store works").expect("a session");
    let assignments = operators::roles_of(&mut conn, operator.id).await.expect("the store works");
    drop(conn);
    let (id, proved_at) = (operator.id, operator.email_proved_at);
    let signed_in = SignedIn { operator, session, assignments };
    let try_it = async || {
        let Offer::Open(link) = find(app, &signed_in, &token, now).await.expect("the store works") else {
            panic!("the invitation is open")
        };
        accept(app, &signed_in, (*link, "the shop"), ip, now).await.expect("the store works")
    };
    let set_proved = async |at| {
        let written = store.write("test", at, move |tx, at| Box::pin(operators::set_email_proved(tx, id, *at))).await;
        assert!(written.expect("the store works"));
    };
    // Its address was taken as not proved by a recovery link.
    set_proved(None).await;
    assert!(!try_it().await);
    set_proved(proved_at).await;
    // It signed out.
    editor.open("/portal").await;
    editor.press("Sign out").await;
    assert!(!try_it().await);
    let mut conn = store.read().await.expect("a connection");
    assert_eq!(operators::roles_of(&mut conn, id).await.expect("the store works"), signed_in.assignments);
    drop(conn);
    // With a session, it may.
    let taken =
        store.write("test", cookie, move |tx, cookie| Box::pin(operator_sessions::insert(tx, *cookie, id, now)));
    taken.await.expect("the store works");
    assert!(try_it().await);
}
