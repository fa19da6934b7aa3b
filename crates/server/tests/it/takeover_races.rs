//! Taking over an account in the moment in which its owner takes it back: a request that was judged before, and is written after.

use vestibule_app::{
    account::{change::ChangeOutcome, profile},
    adapters::mailer::Mail,
    caller::{AccountCaller, Via},
    candidates::Candidates,
    ctx::Ctx,
    flow::{
        self, Flow,
        commit::{Committed, commit},
        prepare::{Achievement, Browser as CommitBrowser},
        recovery::{RecoveryChoice, choose_password, list_others},
        sign_in::{LoginProof, SignIn, log_in},
        steps::Identification,
    },
    projects::Project,
};
use vestibule_domain::{id::UserId, identifier::LoginIdKind, secret::Secret, session::Session};
use vestibule_store::{grants, sessions, users};

use crate::{
    account::{KIM, PASSWORD, Scene},
    recovery::{NEW_PASSWORD, THIEF, add_address, recover, sign_in},
    support::{Admin, Browser, Engine, TestServer, on_both_engines},
    takeover::save,
};

pub(crate) fn project(server: &TestServer) -> std::sync::Arc<Project> {
    server.app.projects.find_by_id("test").expect("the project")
}

/// The flow that a browser is in.
pub(crate) async fn flow_of(server: &TestServer, browser: &Browser) -> Flow {
    let project = project(server);
    let ctx = Ctx::without_request(&server.app, &project, server.clock.now());
    let mut secrets = Candidates::default();
    secrets.add(browser.cookie("oauth_ui").expect("a flow"), |_| true);
    let action = browser.page().forms.iter().map(|form| form.action.clone()).find(|action| action.contains("/flow/"));
    let action = action.expect("a form of the flow");
    let id = action.split('/').skip_while(|part| *part != "flow").nth(1).expect("its ID").parse().expect("an ID");
    let loaded = flow::load(&ctx, (id, browser.hidden("_flow").as_deref()), &secrets).await.expect("the store works");
    let Ok((flow, _)) = loaded else { panic!("the flow is gone") };
    flow
}

pub(crate) async fn finish(server: &TestServer, flow: &Flow, proof: LoginProof) -> Committed {
    let project = project(server);
    let ctx = Ctx::without_request(&server.app, &project, server.clock.now());
    let browser = CommitBrowser { session: None, device: None, grant: None };
    let write = |_: &str, _: &_| -> Mail { panic!("no mail") };
    commit(&ctx, flow, Achievement::Proved(Box::new(proof)), browser, &write).await.expect("the store works")
}

async fn an_old_password_that_was_right_signs_no_one_in_after_a_recovery(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut thief = scene.server.browser();
    thief.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    let mut flow = flow_of(&scene.server, &thief).await;
    let project = project(&scene.server);
    let ctx = Ctx::without_request(&scene.server.app, &project, scene.server.clock.now());
    let input = Identification {
        kind: LoginIdKind::Email,
        login_id: KIM.to_string(),
        password: Secret::new(PASSWORD.to_string()),
    };
    let judged = log_in(&ctx, &mut flow, input, &|_| panic!("no code")).await.expect("the store works");
    let SignIn::Proved(proof) = judged else { panic!("the password is right") };
    let mut owner = recover(&mut scene).await;
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    assert!(matches!(finish(&scene.server, &flow, *proof).await, Committed::Outdated));
    // It has not brought the old password back either.
    sign_in(&scene.server, KIM, PASSWORD).await.expect_page(422, "Welcome back");
    sign_in(&scene.server, KIM, NEW_PASSWORD).await.expect_page(200, "My account");
}

/// The page of the new password, read up to the transaction: the proof, with everything removed that it showed.
pub(crate) async fn choose(server: &TestServer, flow: &Flow, password: &str) -> LoginProof {
    let project = project(server);
    let ctx = Ctx::without_request(&server.app, &project, server.clock.now());
    let others = list_others(&ctx, flow).await.expect("the store works").expect("the code counts");
    let choice =
        RecoveryChoice { removed: others.into_iter().map(|other| other.shown).collect(), ..RecoveryChoice::default() };
    let write = |to: &str, _: &_| Mail {
        from: None,
        to: to.to_string(),
        subject: "changed".into(),
        text: "changed".into(),
        html: "changed".into(),
        useful_seconds: None,
    };
    let typed = Secret::new(password.to_string());
    let chosen = choose_password(&ctx, flow, (typed, choice), &write).await.expect("the store works");
    chosen.expect("a good password").expect("the code counts")
}

async fn of_two_recoveries_the_second_counts_no_more(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let thief = recover(&mut scene).await;
    let flow = flow_of(&scene.server, &thief).await;
    let proof = choose(&scene.server, &flow, "the thief chose a harbor").await;
    let mut owner = recover(&mut scene).await;
    save(&mut owner, NEW_PASSWORD).await;
    assert!(owner.is_at_app());
    assert!(matches!(finish(&scene.server, &flow, proof).await, Committed::Outdated));
    sign_in(&scene.server, KIM, NEW_PASSWORD).await.expect_page(200, "My account");
}

async fn what_is_added_after_the_form_was_read_is_shown_first(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut owner = recover(&mut scene).await;
    let flow = flow_of(&scene.server, &owner).await;
    let proof = choose(&scene.server, &flow, NEW_PASSWORD).await;
    add_address(&mut scene, THIEF).await;
    assert!(matches!(finish(&scene.server, &flow, proof).await, Committed::Stale));
    sign_in(&scene.server, KIM, PASSWORD).await.expect_page(200, "My account");
    owner.reload().await;
    assert!(owner.page().text.contains("Remove thief@shop.example"), "{}", owner.page().text);
}

/// The thief's session and grant of Kim, as a request found them.
async fn callers(scene: &Scene) -> [AccountCaller; 2] {
    let no = project(&scene.server).no;
    let id: UserId = scene.sub.parse().expect("an ID");
    let mut conn = scene.server.app.store.read().await.expect("a connection");
    let user = users::find(&mut conn, no, id).await.expect("the store works").expect("Kim");
    let session: Session = sessions::list(&mut conn, no, id).await.expect("the store works").pop().expect("a session");
    let grant = grants::list(&mut conn, no, id).await.expect("the store works").pop().expect("a grant");
    [Via::Session(session), Via::Grant(grant)].map(|via| AccountCaller { user: user.clone(), via })
}

async fn a_change_does_not_outlive_its_session(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let callers = callers(&scene).await;
    let project = project(&scene.server);
    let ctx = Ctx::without_request(&scene.server.app, &project, scene.server.clock.now());
    let rename = async |caller: &AccountCaller, name: &str| {
        let names = [Some(name.to_string()), None, None];
        profile::save(&ctx, caller, names).await.expect("the store works")
    };
    for caller in &callers {
        assert!(matches!(rename(caller, "Kim").await, ChangeOutcome::Done(None)));
    }
    Admin::of(&scene.server).await.delete(&format!("/users/{}/sessions", scene.sub)).await.expect(204);
    for caller in &callers {
        assert!(matches!(rename(caller, "Thief").await, ChangeOutcome::SignedOut), "{:?}", caller.via.reference());
    }
    // Neither does that of a session of another user.
    scene.sign_in(KIM, PASSWORD).await;
    let mut conn = scene.server.app.store.read().await.expect("a connection");
    let id: UserId = scene.sub.parse().expect("an ID");
    let session = sessions::list(&mut conn, project.no, id).await.expect("the store works").pop().expect("a session");
    let user = users::find(&mut conn, project.no, id).await.expect("the store works").expect("Kim");
    assert_eq!(user.standard_attributes["given_name"], "Kim");
    drop(conn);
    let held = scene.server.app.store.write("test", session.id, move |tx, session| {
        Box::pin(sessions::hold(tx, project.no, *session, UserId::from_bytes([7; 16])))
    });
    assert!(!held.await.expect("the store works"));
}

on_both_engines!(
    an_old_password_that_was_right_signs_no_one_in_after_a_recovery,
    of_two_recoveries_the_second_counts_no_more,
    what_is_added_after_the_form_was_read_is_shown_first,
    a_change_does_not_outlive_its_session,
);
