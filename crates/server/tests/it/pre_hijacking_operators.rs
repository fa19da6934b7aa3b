//! The classes of account pre-hijacking (Sudhodanan and Paverd, "Pre-hijacked accounts", USENIX Security 2022) against operators
//! of the portal: the attacker prepares an account or a link for the victim's address, and waits until it is worth something.
//!
//! The attacker owns the project `second`; the victim, `chief`, gets a role in the project `test` later.

use vestibule_domain::operator::Role;

use crate::{
    portal_operators::{invite, make_second_project, newest_invitation, send_invitation},
    support::{Browser, Engine, OWNER_PASSWORD, SoftPasskey, TestServer, on_both_engines},
};

on_both_engines!(
    an_account_made_for_the_address_gets_no_role_elsewhere,
    a_session_begun_before_ends_when_the_address_is_proved,
    a_credential_added_before_is_removed_when_the_address_is_proved,
    a_link_kept_from_before_is_worth_no_more_than_its_maker_is_now,
    an_address_that_was_only_typed_proves_nothing,
    a_role_in_a_new_place_is_accepted_after_a_fresh_proof,
    an_owner_of_one_project_hands_no_account_over,
);

const CHIEF: &str = "chief@house.example";
const ATTACKERS_PASSWORD: &str = "nine grey herons by the weir";
const CHIEFS_PASSWORD: &str = "seven brown owls by the mill";

struct Scene {
    server: TestServer,
    /// An owner of every project.
    owner: Browser,
    /// An owner of the project `second`.
    attacker: Browser,
}

async fn start(engine: Engine) -> Scene {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    make_second_project(&mut owner).await;
    let attacker = invite(&server, &mut owner, "second", "mallory@house.example", "Owner").await;
    Scene { server, owner, attacker }
}

impl Scene {
    /// The account that the attacker makes for the chief's address, with a link that a server without email showed.
    async fn prepare_account(&self) -> Browser {
        let mut browser = self.server.browser();
        browser.open(&self.server.shown_invitation("second", CHIEF, Role::Editor).await).await;
        accept(&mut browser, ATTACKERS_PASSWORD).await;
        browser
    }

    /// The chief opens the newest invitation and chooses a password.
    async fn join_as_chief(&self, number: usize) -> Browser {
        let mut chief = self.server.browser();
        chief.open(&newest_invitation(&self.server, CHIEF, number).await).await;
        accept(&mut chief, CHIEFS_PASSWORD).await;
        chief
    }
}

async fn accept(browser: &mut Browser, password: &str) {
    browser.expect_page(200, "You are invited");
    browser.fill("Your name", "The Chief");
    browser.fill("Password", password);
    browser.press("Accept invitation").await;
    browser.expect_page(200, "Projects");
}

async fn open(browser: &mut Browser, path: &str) -> u16 {
    browser.open(path).await;
    browser.reply().status
}

async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> u16 {
    browser.open("/portal/sign-in").await;
    browser.fill("Email", email);
    browser.fill("Password", password);
    browser.press("Sign in").await;
    browser.reply().status
}

/// Classic-federated merge: two ways to one account, one of which the attacker opened.
async fn an_account_made_for_the_address_gets_no_role_elsewhere(engine: Engine) {
    let mut scene = start(engine).await;
    // Who invites does not get the link, so no account can be made for an address with it.
    send_invitation(&mut scene.attacker, "second", "other@house.example", "Viewer").await;
    let mut prepared = scene.prepare_account().await;
    send_invitation(&mut scene.owner, "test", CHIEF, "Owner").await;
    assert_eq!(open(&mut prepared, "/portal/p/test/users").await, 404);
    assert_eq!(open(&mut prepared, "/portal/p/second/users").await, 200);
    let mut chief = scene.join_as_chief(1).await;
    assert_eq!(open(&mut chief, "/portal/p/test/admin-keys").await, 200);
    let mut thief = scene.server.browser();
    assert_eq!(sign_in(&mut thief, CHIEF, ATTACKERS_PASSWORD).await, 422);
    assert_eq!(sign_in(&mut thief, CHIEF, CHIEFS_PASSWORD).await, 200);
}

/// Unexpired session.
async fn a_session_begun_before_ends_when_the_address_is_proved(engine: Engine) {
    let mut scene = start(engine).await;
    let mut prepared = scene.prepare_account().await;
    send_invitation(&mut scene.owner, "test", CHIEF, "Viewer").await;
    let mut chief = scene.join_as_chief(1).await;
    for path in ["/portal", "/portal/p/test/users", "/portal/p/second/users"] {
        prepared.open(path).await;
        prepared.expect_page(200, "Sign in to the portal");
        assert_eq!(open(&mut chief, path).await, 200);
    }
}

/// Trojan identifier.
async fn a_credential_added_before_is_removed_when_the_address_is_proved(engine: Engine) {
    let mut scene = start(engine).await;
    let mut prepared = scene.prepare_account().await;
    let mut passkey = SoftPasskey::new();
    prepared.open("/portal/me").await;
    prepared.fill("Name of the new passkey", "trojan");
    prepared.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    // A recovery link would be another one.
    scene.attacker.open("/portal/p/second/operators").await;
    let links = scene.attacker.page().links.clone();
    let mut recovery = None;
    for (_, path) in links.iter().filter(|(text, _)| text == "Recovery link") {
        scene.attacker.open(path).await;
        if scene.attacker.page().text.contains(CHIEF) {
            scene.attacker.press("Create link").await;
            let shown = scene.attacker.expect_page(200, "Recovery link");
            recovery = shown.text.split_whitespace().find(|word| word.contains("/welcome/")).map(str::to_string);
        }
    }
    let recovery = recovery.expect("a link for the chief");
    send_invitation(&mut scene.owner, "test", CHIEF, "Viewer").await;
    let mut chief = scene.join_as_chief(1).await;
    let mut thief = scene.server.browser();
    thief.open("/portal/sign-in").await;
    thief.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    thief.expect_page(422, "Sign in to the portal");
    assert_eq!(open(&mut thief, &recovery).await, 410);
    chief.open("/portal/me").await;
    assert!(!chief.page().text.contains("trojan Added"), "{}", chief.page().text);
}

/// Unexpired email change: a capability that was asked for before and is used after.
async fn a_link_kept_from_before_is_worth_no_more_than_its_maker_is_now(engine: Engine) {
    let Scene { server, mut owner, mut attacker } = start(engine).await;
    // A recovery link, made while its operator works in the attacker's project only.
    let mut editor = invite(&server, &mut attacker, "second", "ed@house.example", "Editor").await;
    attacker.open("/portal/p/second/operators").await;
    let page = attacker.page().links.iter().find(|(text, _)| text == "Recovery link").expect("a link").1.clone();
    attacker.open(&page).await;
    attacker.press("Create link").await;
    let shown = attacker.expect_page(200, "Recovery link").text.clone();
    let kept = shown.split_whitespace().find(|word| word.contains("/welcome/")).expect("a link").to_string();
    // An invitation that waits for the same operator, and one that the attacker has sent.
    send_invitation(&mut attacker, "second", "friend@house.example", "Owner").await;
    let friends = newest_invitation(&server, "friend@house.example", 1).await;
    assert_eq!(open(&mut server.browser(), &kept).await, 200);
    assert_eq!(sign_in(&mut editor, "ed@house.example", ATTACKERS_PASSWORD).await, 200);
    send_invitation(&mut owner, "test", "ed@house.example", "Owner").await;
    let offer = newest_invitation(&server, "ed@house.example", 2).await;
    editor.open(&offer).await;
    editor.press("Accept role").await;
    assert_eq!(open(&mut editor, "/portal/p/test/admin-keys").await, 200);
    assert_eq!(open(&mut server.browser(), &kept).await, 410);
    // The attacker is removed: what it sent is dead, and what was sent to it, too.
    send_invitation(&mut owner, "test", "mallory@house.example", "Viewer").await;
    let own = newest_invitation(&server, "mallory@house.example", 2).await;
    assert_eq!(open(&mut server.browser(), &friends).await, 200);
    owner.open("/portal/p/second/operators").await;
    let changes: Vec<_> = owner.page().links.iter().filter(|(text, _)| text == "Change").cloned().collect();
    for (_, path) in changes {
        owner.open(&path).await;
        if owner.page().text.contains("mallory@house.example") {
            owner.tick("None");
            owner.press("Change role").await;
            assert!(owner.expect_page(200, "Operators").text.contains("Operator removed."));
        }
    }
    assert_eq!(sign_in(&mut attacker, "mallory@house.example", ATTACKERS_PASSWORD).await, 422);
    for link in [&friends, &own.replace("/invitations/", "/welcome/")] {
        assert_eq!(open(&mut server.browser(), link).await, 410, "{link}");
    }
}

/// Non-verifying identity provider: an address that was typed, and that no one proved.
async fn an_address_that_was_only_typed_proves_nothing(engine: Engine) {
    let Scene { server, mut owner, .. } = start(engine).await;
    let elsewhere = {
        let mut browser = server.browser();
        sign_in(&mut browser, "olga@house.example", OWNER_PASSWORD).await;
        browser
    };
    owner.open("/portal/p/test/operators").await;
    assert!(owner.page().text.contains("olga@house.example (address not confirmed)"), "{}", owner.page().text);
    owner.open("/portal/me").await;
    owner.press("Send code").await;
    let code = server.mailbox().next_code("olga@house.example").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for (typed, status) in [(wrong, 422), (code.as_str(), 200)] {
        owner.fill("Code", typed);
        owner.fill("Password for your confirmed account", CHIEFS_PASSWORD);
        owner.press("Confirm address").await;
        assert_eq!(owner.reply().status, status, "{}", owner.page().text);
    }
    assert!(owner.page().text.contains("Email address confirmed."), "{}", owner.page().text);
    owner.open("/portal/p/test/operators").await;
    assert!(!owner.page().text.contains("olga@house.example (address not confirmed)"), "{}", owner.page().text);
    // Those who had the old session or the old password have nothing.
    let mut elsewhere = elsewhere;
    elsewhere.open("/portal").await;
    elsewhere.expect_page(200, "Sign in to the portal");
    assert_eq!(sign_in(&mut elsewhere, "olga@house.example", OWNER_PASSWORD).await, 422);
    // The code of another operator, or of another time, is worth nothing: guesses are counted by the day.
    owner.open("/portal/activity").await;
    assert!(owner.page().text.contains("Email address confirmed"), "{}", owner.page().text);
}

async fn a_role_in_a_new_place_is_accepted_after_a_fresh_proof(engine: Engine) {
    let Scene { server, mut owner, mut attacker } = start(engine).await;
    let mut editor = invite(&server, &mut attacker, "second", "ed@house.example", "Editor").await;
    send_invitation(&mut owner, "test", "ed@house.example", "Viewer").await;
    let offer = newest_invitation(&server, "ed@house.example", 2).await;
    assert_eq!(open(&mut editor, "/portal/p/test/users").await, 404, "not before it is accepted");
    // Another operator cannot accept it.
    attacker.open(&offer).await;
    attacker.expect_page(409, "This invitation is for another operator");
    server.clock.advance_seconds(601);
    editor.open(&offer).await;
    editor.expect_page(200, "Confirm that it's you");
    editor.fill("Password", ATTACKERS_PASSWORD);
    editor.press("Continue").await;
    editor.expect_page(200, "You are invited");
    editor.press("Accept role").await;
    assert!(editor.expect_page(200, "Projects").text.contains("Role accepted."));
    assert_eq!(open(&mut editor, "/portal/p/test/users").await, 200);
    assert_eq!(open(&mut editor, &offer).await, 410, "once");
    // In every project it is a new place, too; in a place where the operator works, it is not.
    owner.open("/portal/p/test/operators").await;
    owner.fill("Email", "ed@house.example");
    owner.tick("Editor");
    owner.tick("In every project");
    owner.press("Invite").await;
    owner.expect_page(200, "Invited");
    assert_eq!(open(&mut editor, "/portal/p/test/applications/new").await, 403);
    owner.open("/portal/p/test/operators").await;
    owner.fill("Email", "ed@house.example");
    owner.tick("Editor");
    owner.press("Invite").await;
    owner.expect_page(200, "Operators");
    assert_eq!(open(&mut editor, "/portal/p/test/applications/new").await, 200);
}

/// Otherwise the owner of any project could give an account, with all its roles, to the owner of a mailbox.
async fn an_owner_of_one_project_hands_no_account_over(engine: Engine) {
    let Scene { server, mut attacker, .. } = start(engine).await;
    // Olga's address was only typed, and she owns every project.
    send_invitation(&mut attacker, "second", "olga@house.example", "Viewer").await;
    let mut thief = server.browser();
    thief.open(&newest_invitation(&server, "olga@house.example", 1).await).await;
    thief.expect_page(200, "Sign in to the portal");
    assert_eq!(sign_in(&mut thief, "olga@house.example", OWNER_PASSWORD).await, 200, "her password is the same");
}
