//! Making and ending projects, for operators.

use serde_json::json;
use vestibule_domain::{
    event::{Event, OperatorAction},
    project::ProjectSettings,
    time::Timestamp,
};
use vestibule_store::projects;

use super::{AdminError, Fault, Operator};
use crate::{
    app::App,
    events,
    flows::projects::{Applied, ApplyError, apply, find},
    projects::Project,
};

/// Makes a project from its id, its name (may be empty), its origin, and whether it has guests.
pub(crate) async fn create(
    app: &App,
    operator: &Operator,
    (id, name, origin, guests): (&str, &str, &str, bool),
    now: Timestamp,
) -> Result<Result<(), Vec<Fault>>, AdminError> {
    let mut document = json!({"project": {"id": id, "public_origin": origin}});
    if !name.is_empty() {
        document["project"]["name"] = name.into();
    }
    if guests {
        document["authentication"] = json!({"identities": ["login_id", "anonymous"]});
    }
    let settings = match ProjectSettings::parse_json(&document) {
        Ok(settings) => settings,
        Err(complaints) => {
            return Ok(Err(complaints.into_iter().map(|one| Fault::new(one.path, one.message)).collect()));
        }
    };
    if find(&app.store, id).await?.is_some() {
        return Ok(Err(vec![Fault::new("project.id", "another project has this ID")]));
    }
    let portal = app.projects.portal_host();
    match apply(&app.store, &app.master, &app.entropy, portal, &settings, now).await {
        Ok(Applied::Created) => {}
        Ok(Applied::Changed(_) | Applied::Unchanged) | Err(ApplyError::ChangedMeanwhile) => {
            return Ok(Err(vec![Fault::new(
                "project.id",
                "another project with this ID was created at the same time",
            )]));
        }
        Err(ApplyError::Host(clash)) => {
            return Ok(Err(vec![Fault::new("project.public_origin", clash.to_string())]));
        }
        Err(ApplyError::Store(error)) => return Err(error.into()),
        Err(ApplyError::Key(error)) => {
            return Err(AdminError::Load(crate::projects::LoadError::Settings(id.into(), error.to_string())));
        }
        Err(ApplyError::Unreadable(id, why)) => {
            return Err(AdminError::Load(crate::projects::LoadError::Settings(id, why)));
        }
    }
    app.projects.reload(&app.store, &app.master).await?;
    if let Some(project) = app.projects.find_by_id(id) {
        let event = Event::OperatorActed { action: OperatorAction::ProjectCreated, target: id.to_string() };
        note(app, &project, operator, &event, now).await?;
    }
    Ok(Ok(()))
}

/// Queues an event about something done without another write.
async fn note(
    app: &App,
    project: &Project,
    operator: &Operator,
    event: &Event,
    now: Timestamp,
) -> Result<(), AdminError> {
    let no = project.no;
    let event = operator.prepare(app, project, event, None, now);
    app.store
        .write("note_operator_action", event, move |tx, event| Box::pin(events::queue_of_project(tx, no, event, now)))
        .await?;
    app.outbox_bell.notify_one();
    Ok(())
}

/// Deletes a project and everything in it, at once and for good; the server's log keeps who did it.
pub(crate) async fn delete(
    app: &App,
    project: &Project,
    operator: &Operator,
    now: Timestamp,
) -> Result<(), AdminError> {
    let no = project.no;
    let deleted = app
        .store
        .write("delete_project", (), move |tx, ()| Box::pin(async move { projects::delete(tx, no).await }))
        .await?;
    app.projects.reload(&app.store, &app.master).await?;
    let by = operator.audit_context.get("operator_id").and_then(serde_json::Value::as_str).unwrap_or_default();
    tracing::warn!(project.id = project.id, operator.id = by, at = %now, "a project was deleted with everything in it");
    if deleted { Ok(()) } else { Err(AdminError::NotFound("project")) }
}
