//! Creating and deleting projects, for operators.

use serde_json::json;
use vestibule_domain::{
    operator::{OperatorAct, OperatorEvent},
    project::ProjectSettings,
    time::Timestamp,
};
use vestibule_store::{operator_events, projects};

use super::{AdminError, Fault, Thing};
use crate::{
    actor::{ActError, Actor, check_permit},
    ctx::Ctx,
    operators::audit,
    projects::change::{ApplyError, ProjectWriter, find},
    state::App,
};

/// Creates a project from its ID, its name (may be empty), its origin, and whether it has guests.
pub async fn create(
    app: &App,
    actor: &Actor,
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
        Err(problems) => {
            return Ok(Err(problems.into_iter().map(Fault::from).collect()));
        }
    };
    if find(&app.store, id).await?.is_some() {
        return Ok(Err(vec![Fault::new("project.id", "another project has this ID")]));
    }
    match ProjectWriter::of(app).create(&settings, actor, now).await {
        Ok(()) => {}
        Err(ApplyError::ChangedConcurrently) => {
            return Ok(Err(vec![Fault::new("project.id", "another project with this ID was created just now")]));
        }
        Err(ApplyError::Host(clash)) => {
            return Ok(Err(vec![Fault::new("project.public_origin", clash.to_string())]));
        }
        Err(error) => return Err(error.into()),
    }
    app.projects.reload(&app.store, &app.master).await?;
    Ok(Ok(()))
}

/// Deletes a project and everything in it, at once and for good; the activity of operators and the server's log keep who did it.
pub async fn delete(ctx: &Ctx<'_>, actor: &Actor) -> Result<(), AdminError> {
    let (no, permit) = (ctx.project.no, actor.permit);
    let event = note_deletion(ctx, actor);
    let deleted = ctx
        .app
        .store
        .write("delete_project", event, move |tx, event| {
            Box::pin(async move {
                check_permit(permit, tx, no).await?;
                let deleted = projects::delete(tx, no).await?;
                if deleted {
                    operator_events::insert(tx, event).await?;
                }
                Ok::<_, ActError>(deleted)
            })
        })
        .await?;
    ctx.app.projects.reload(&ctx.app.store, &ctx.app.master).await?;
    let by = actor.audit_context.get("operator_id").and_then(serde_json::Value::as_str).unwrap_or_default();
    tracing::warn!(request.id = ctx.log_id(), project.id = ctx.project.id, actor.id = by, at = %ctx.now, "a project was deleted with everything in it");
    if deleted { Ok(()) } else { Err(AdminError::NotFound(Thing::Project)) }
}

/// The event of a deletion, for the operators' log: the project's own is deleted with it.
fn note_deletion(ctx: &Ctx<'_>, actor: &Actor) -> OperatorEvent {
    let text = |name: &str| actor.audit_context.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let email = text("operator_email");
    let by = if email.is_empty() { text("command") } else { email };
    let operator = actor.permit.map(|permit| permit.operator);
    let deleted = OperatorAct::ProjectDeleted;
    audit::event_about(&ctx.app.entropy, (operator, email), (by, actor.ip), deleted, &ctx.project.id, ctx.now)
}
