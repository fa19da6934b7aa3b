//! Roles that change after the request was authorized: the transaction uses the current ones.

use vestibule_domain::{id::Id, time::Timestamp};
use vestibule_store::operator_sessions::OperatorSession;

use super::*;
use crate::{ctx::Ctx, test_app};

const PROJECT: &str = "[project]\nid = \"shop\"\npublic_origin = \"http://auth.test\"\n";

pub async fn open(folder: &tempfile::TempDir) -> std::sync::Arc<App> {
    test_app::open_app(folder.path(), PROJECT).await
}

pub fn operator(number: u64, email: &str) -> Operator {
    let id = Id::from_parts(number, [7; 10]);
    let created_at = Timestamp::from_seconds(1);
    Operator {
        id,
        email: email.into(),
        name: email.into(),
        password_hash: None,
        created_at,
        email_proved_at: None,
        credential_generation: 0,
    }
}

pub async fn add(app: &App, operator: &Operator, assignment: Assignment) {
    let written = app.store.write("test", operator.clone(), move |tx, operator| {
        Box::pin(async move {
            operators::insert(tx, operator).await?;
            operators::set_role(tx, operator.id, assignment).await
        })
    });
    written.await.expect("the store works");
}

/// A request that was authorized for an owner of all projects.
fn let_in_as_owner(operator: &Operator) -> SignedIn {
    let at = Timestamp::from_seconds(1);
    let session = OperatorSession {
        token: TokenHash([1; 32]),
        operator_id: operator.id,
        created_at: at,
        last_access_at: at,
        proved_at: at,
    };
    let assignments = vec![Assignment { project: EVERY_PROJECT, role: Role::Owner }];
    SignedIn { operator: operator.clone(), session, assignments }
}

#[tokio::test]
async fn a_role_that_is_gone_when_the_transaction_begins_is_worth_nothing() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let app = open(&folder).await;
    let project = app.projects.find_by_id("shop").expect("the project");
    let now = app.clock.now();
    let (former, other) = (operator(1, "former@house.example"), operator(2, "other@house.example"));
    add(&app, &former, Assignment { project: project.no, role: Role::Editor }).await;
    add(&app, &other, Assignment { project: EVERY_PROJECT, role: Role::Owner }).await;
    let signed_in = let_in_as_owner(&former);
    let write_mail = |to: &str, _: Option<&str>| Mail {
        from: None,
        to: to.to_string(),
        subject: String::new(),
        text: String::new(),
        html: String::new(),
        useful_seconds: None,
    };
    for (email, everywhere) in [("new@house.example", false), ("former@house.example", true)] {
        let new_invitation = Invitation { email, role: Role::Owner, everywhere, write_mail: &write_mail };
        let invited = invite(&Ctx::without_request(&app, &project, now), &signed_in, &new_invitation)
            .await
            .expect("the store works");
        assert_eq!(invited.err(), Some(Obstacle::NotYours), "{email}");
    }
    for change in [RoleChange::To(Role::Viewer), RoleChange::Remove] {
        let changed =
            change_role(&Ctx::without_request(&app, &project, now), &signed_in, (other.id, true), change).await;
        assert_eq!(changed.expect("the store works"), Err(Obstacle::NotYours));
    }
    let link =
        make_link(&Ctx::without_request(&app, &project, now), &signed_in, other.id).await.expect("the store works");
    assert_eq!(link, Err(Obstacle::WorksElsewhere));
    let mut conn = app.store.read().await.expect("a connection");
    assert_eq!(operators::count_owners_of_all(&mut conn).await.expect("a number"), 1);
    let operators = list(&Ctx::without_request(&app, &project, now)).await.expect("the store works");
    assert!(operators.invitations.is_empty());
    assert_eq!(operators.members.len(), 2);
    // The same request by an operator who still is an owner.
    let signed_in = let_in_as_owner(&other);
    let new_invitation =
        Invitation { email: "new@house.example", role: Role::Viewer, everywhere: false, write_mail: &write_mail };
    let invited = invite(&Ctx::without_request(&app, &project, now), &signed_in, &new_invitation).await;
    // Without a mail server, the link is shown.
    assert!(
        matches!(invited.expect("the store works"), Ok(Invited::Link(path)) if path.starts_with("/portal/welcome/"))
    );
    let invitation = crate::crypto::hex(
        &list(&Ctx::without_request(&app, &project, now)).await.expect("staff").invitations[0].token.0,
    );
    let revoked =
        revoke_invitation(&Ctx::without_request(&app, &project, now), &let_in_as_owner(&former), &invitation).await;
    assert_eq!(revoked.expect("the store works"), Err(Obstacle::NotYours));
}

#[tokio::test]
async fn a_link_is_dead_once_its_operator_gets_another_role_or_none() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let app = open(&folder).await;
    let project = app.projects.find_by_id("shop").expect("the project");
    let now = app.clock.now();
    let (owner, other) = (operator(1, "owner@house.example"), operator(2, "other@house.example"));
    add(&app, &owner, Assignment { project: EVERY_PROJECT, role: Role::Owner }).await;
    add(&app, &other, Assignment { project: project.no, role: Role::Viewer }).await;
    let signed_in = let_in_as_owner(&owner);
    for change in [RoleChange::To(Role::Owner), RoleChange::Remove] {
        let token = make_link(&Ctx::without_request(&app, &project, now), &signed_in, other.id)
            .await
            .expect("the store works")
            .expect("a link");
        assert!(links::find(&app, &token, now).await.expect("the store works").is_some());
        let changed =
            change_role(&Ctx::without_request(&app, &project, now), &signed_in, (other.id, false), change).await;
        assert_eq!(changed.expect("the store works"), Ok(()));
        assert!(links::find(&app, &token, now).await.expect("the store works").is_none(), "{change:?}");
    }
}
