//! What the proof of a member rests on. Between a code or password and the end of its flow, the owner may have removed the login ID,
//! or ended all sessions: then the proof is worth nothing.

use vestibule_domain::{id::ProjectNo, id::UserId, identifier::LoginIdKind, time::Timestamp};
use vestibule_store::{Conn, StoreError, credentials, users::LoginState};

use super::{Attempt, Flow};
use crate::authorize::FLOW_LIFETIME;

/// What a proof rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// The login ID that was entered: it must still belong to the member.
    login_id: Option<(LoginIdKind, String)>,
    since: Since,
}

/// The moment of a proof: it does not outlive the next end of all sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// The member's credential generation before its password was read.
    Generation(i64),
    /// How often all sessions had ended without an exception when the member's code was sent. Otherwise a thief with a session could
    /// keep the owner from recovering or signing in, by signing out everywhere else again and again.
    FullEnding(i64),
    /// The begin of the flow, where the member is not known before it answers.
    Time(Timestamp),
}

impl Basis {
    /// That of a password, whose member was found by this login ID in this generation.
    pub(crate) fn of_password(kind: LoginIdKind, value: &str, generation: i64) -> Self {
        Self { login_id: Some((kind, value.to_string())), since: Since::Generation(generation) }
    }

    /// That of a code which was sent to a member.
    pub(crate) fn of_attempt(attempt: &Attempt) -> Self {
        let login_id = Some((attempt.login_id.kind, attempt.login_id.value.clone()));
        Self { login_id, since: Since::FullEnding(attempt.full_endings) }
    }

    /// That of a passkey. The challenge is the same for the whole flow, so the answer may be as old as the flow.
    pub(crate) fn of_passkey(flow: &Flow) -> Self {
        Self { login_id: None, since: Since::Time(flow.expires_at.minus(FLOW_LIFETIME)) }
    }

    /// That of a code for a login ID which turned out to belong to a member.
    pub(crate) fn of_taken(flow: &Flow, kind: LoginIdKind, value: &str) -> Self {
        Self { login_id: Some((kind, value.to_string())), ..Self::of_passkey(flow) }
    }

    /// Whether the proof still counts for its member, which has this state. In a transaction that has locked the member, it stays so.
    pub(crate) async fn holds(
        &self,
        conn: &mut Conn,
        no: ProjectNo,
        user: UserId,
        state: LoginState,
    ) -> Result<bool, StoreError> {
        let is_current = match self.since {
            Since::Generation(generation) => state.endings.generation == generation,
            Since::FullEnding(full) => state.endings.full == full,
            Since::Time(since) => state.sessions_ended_at.is_none_or(|ended_at| ended_at <= since),
        };
        let Some((kind, value)) = self.login_id.as_ref().filter(|_| is_current) else { return Ok(is_current) };
        let row = credentials::find_login_id(conn, no, kind.as_str(), value).await?;
        Ok(row.is_some_and(|row| row.user_id == user))
    }
}
