//! What an operator does after it lost its role: its request was let in, its transaction is not.

use serde_json::json;
use vestibule_domain::operator::Assignment;
use vestibule_store::projects;

use super::*;
use crate::{
    admin::{
        AdminError,
        keys::{self, AdminScope, KeyError},
        projects as admin_projects, settings,
    },
    ctx::Ctx,
    operators::project_operators::tests::{add, open, operator},
};

#[tokio::test]
async fn a_role_that_is_gone_when_the_transaction_begins_changes_nothing() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let app = open(&folder).await;
    let project = app.projects.find_by_id("shop").expect("the project");
    let now = app.clock.now();
    let former = operator(1, "former@house.example");
    add(&app, &former, Assignment { project: project.no, role: Role::Viewer }).await;
    let acting = |role, everywhere| Actor {
        permit: Some(Permit { operator: former.id, role, everywhere }),
        ..Actor::at_terminal("portal")
    };
    let (editor, owner, owner_of_all) =
        (acting(Role::Editor, false), acting(Role::Owner, false), acting(Role::Owner, true));

    let rename = |document: &mut Value| {
        document["project"]["name"] = json!("Renamed");
        Ok(())
    };
    let renamed = settings::change(&Ctx::without_request(&app, &project, now), &editor, rename).await;
    assert!(matches!(renamed, Err(AdminError::RoleLost)), "{renamed:?}");
    let rotated = settings::rotate_webhook_secret(&Ctx::without_request(&app, &project, now), &editor).await;
    assert!(matches!(rotated, Err(AdminError::RoleLost)), "{rotated:?}");
    let key =
        keys::create_api_key(&Ctx::without_request(&app, &project, now), &owner, "Report", &[AdminScope::UsersRead])
            .await;
    assert!(matches!(key, Err(KeyError::RoleLost)), "{key:?}");
    let deleted = admin_projects::delete(&Ctx::without_request(&app, &project, now), &owner).await;
    assert!(matches!(deleted, Err(AdminError::RoleLost)), "{deleted:?}");
    let created =
        admin_projects::create(&app, &owner_of_all, ("second", "", "https://second.example", true), now).await;
    assert!(matches!(created, Err(AdminError::RoleLost)), "{created:?}");

    let rows = projects::list_any_project(&mut app.store.read().await.expect("a connection")).await;
    let rows = rows.expect("the projects");
    assert_eq!(rows.iter().map(|row| (row.id.as_str(), row.version)).collect::<Vec<_>>(), [("shop", 1)]);
    assert!(keys::list(&Ctx::without_request(&app, &project, app.clock.now())).await.expect("the keys").is_empty());

    // A role that is still there does.
    let viewer = acting(Role::Viewer, false);
    settings::change(&Ctx::without_request(&app, &project, now), &viewer, rename).await.expect("the role is there");
}
