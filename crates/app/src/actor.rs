//! Who changes a project or its users: an operator in the portal, a program with an Admin API key, or a command. An actor makes
//! the audit entries of what it does; each entry is written by the transaction that makes it true.

use std::net::IpAddr;

use serde_json::{Map, Value};
use vestibule_domain::{
    event::{Context, Event, TriggeredBy},
    id::{OperatorId, ProjectNo, UserId},
    operator::{EVERY_PROJECT, Role, role_in},
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, operators};

use crate::{
    adapters::entropy::Entropy,
    admin::idempotency::{Achieved, Once},
    ctx::Ctx,
    events::{self, QueuedEvent},
};

/// The actor of an action and its address.
#[derive(Clone, Debug)]
pub struct Actor {
    pub by: TriggeredBy,
    pub ip: Option<IpAddr>,
    /// What the event remembers about the actor.
    pub audit_context: Map<String, Value>,
    /// The role an operator needs while it acts; none for commands and Admin API keys, which have no role.
    pub permit: Option<Permit>,
    /// The request of a program with an idempotency key: what writes an audit entry keeps the request's answer.
    pub once: Option<Once>,
}

/// The role that an operator needs for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    pub operator: OperatorId,
    pub role: Role,
    /// Whether the role has to be one in every project.
    pub everywhere: bool,
}

/// Why an action was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The operator lost the role between its request and the transaction.
    #[error("the operator does not have the role for this any more")]
    RoleLost,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Actor {
    /// A person at the command line; the event log records the command.
    #[must_use]
    pub fn at_terminal(command: &str) -> Self {
        let audit_context = Map::from_iter([("command".to_string(), Value::from(format!("vestibule {command}")))]);
        Self { by: TriggeredBy::System, ip: None, audit_context, permit: None, once: None }
    }

    /// The server itself, in a job.
    pub fn server() -> Self {
        Self { by: TriggeredBy::System, ip: None, audit_context: Map::new(), permit: None, once: None }
    }

    /// The context of an event of this actor's.
    pub fn context(&self, project_id: &str, user: Option<UserId>, now: Timestamp) -> Context {
        let mut context = Context::new(project_id, self.by, now);
        context.user_id = user;
        context.ip_address = self.ip.map(|ip| ip.to_string());
        context.audit_context.clone_from(&self.audit_context);
        context
    }

    /// The same actor, whose next audit entry keeps this answer. One that says nothing else keeps an answer without content.
    pub(crate) fn answering(&self, achieved: &Achieved<'_>) -> Self {
        let once = self.once.as_ref().map(|once| once.answering(achieved));
        Self { once, ..self.clone() }
    }

    /// Makes the audit entry of an action, for the transaction that carries it out.
    pub fn prepare(&self, ctx: &Ctx<'_>, event: &Event, user: Option<UserId>) -> AuditEntry {
        self.prepare_for(&ctx.app.entropy, (&ctx.project.id, user), event, ctx.now)
    }

    /// As [`Self::prepare`], of what happened to a user in an application.
    pub(crate) fn prepare_in(
        &self,
        ctx: &Ctx<'_>,
        event: &Event,
        (user, client_id): (UserId, Option<&str>),
    ) -> AuditEntry {
        let mut context = self.context(&ctx.project.id, Some(user), ctx.now);
        context.client_id = client_id.map(str::to_string);
        let event = events::prepare_in(&ctx.app.entropy, event, &context);
        AuditEntry { event, user: Some(user), permit: self.permit, once: self.once.clone() }
    }

    /// As [`Self::prepare`], also for a project that is not served yet.
    pub(crate) fn prepare_for(
        &self,
        entropy: &Entropy,
        (project_id, user): (&str, Option<UserId>),
        event: &Event,
        now: Timestamp,
    ) -> AuditEntry {
        let event = events::prepare_in(entropy, event, &self.context(project_id, user, now));
        AuditEntry { event, user, permit: self.permit, once: self.once.clone() }
    }
}

/// Checks that the operator has the role, and keeps its roles from changing until the transaction ends. Actors without a
/// permit need no role.
///
/// # Errors
/// [`ActError::RoleLost`] when it has not.
pub(crate) async fn check_permit(permit: Option<Permit>, tx: &mut Tx, no: ProjectNo) -> Result<(), ActError> {
    let Some(permit) = permit else { return Ok(()) };
    let roles = operators::hold_roles_of(tx, permit.operator).await?;
    let place = if permit.everywhere { EVERY_PROJECT } else { no };
    if role_in(&roles, place) >= Some(permit.role) { Ok(()) } else { Err(ActError::RoleLost) }
}

/// The event of an action, with the role that the action takes.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    event: QueuedEvent,
    user: Option<UserId>,
    permit: Option<Permit>,
    once: Option<Once>,
}

impl AuditEntry {
    /// Queues the event, in the transaction of the action, and keeps the answer of a request with an idempotency key.
    ///
    /// # Errors
    /// [`ActError::RoleLost`] when the operator may not do it any more, and [`StoreError::Busy`] when another request with
    /// the idempotency key did it: the transaction must be rolled back.
    pub async fn write(&self, tx: &mut Tx, no: ProjectNo, now: Timestamp) -> Result<(), ActError> {
        self.write_once(tx, no, now, self.once.as_ref()).await
    }

    /// As [`Self::write`], with an answer that is known only in the transaction.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(crate) async fn write_answering(
        &self,
        tx: &mut Tx,
        no: ProjectNo,
        now: Timestamp,
        achieved: &Achieved<'_>,
    ) -> Result<(), ActError> {
        let once = self.once.as_ref().map(|once| once.answering(achieved));
        self.write_once(tx, no, now, once.as_ref()).await
    }

    async fn write_once(
        &self,
        tx: &mut Tx,
        no: ProjectNo,
        now: Timestamp,
        once: Option<&Once>,
    ) -> Result<(), ActError> {
        check_permit(self.permit, tx, no).await?;
        match self.user {
            Some(user) => events::queue(tx, no, user, &self.event, now).await?,
            None => events::queue_of_project(tx, no, &self.event, now).await?,
        }
        if let Some(once) = once {
            once.write(tx, now).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
