//! What the proof of a member rests on. Between a code or password and the end of its flow, the owner may have removed the login ID
//! or the external account, or ended all sessions: then the proof is worth nothing.

use serde::{Deserialize, Serialize};
use vestibule_domain::{id::ProjectNo, id::UserId, identifier::LoginIdKind, time::Timestamp};
use vestibule_store::{Conn, StoreError, credentials, external_accounts, passkeys, users::LoginState};

use super::{Attempt, Flow};
use crate::authorize::FLOW_LIFETIME;

/// What a proof rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    via: Via,
    since: Since,
}

/// What must still belong to the member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Via {
    /// The login ID that was entered.
    LoginId(LoginIdKind, String),
    /// The account at a provider that was used.
    ExternalAccount { provider: String, subject: String },
    /// Recording the use of a passkey finds out whether it is there.
    Passkey,
    /// The passkey whose use was recorded before.
    UsedPasskey(Vec<u8>),
}

/// The moment of a proof: it does not outlive the next end of all sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Since {
    /// The member's credential generation before its password was read.
    Generation(i64),
    /// How often all sessions had ended without an exception when the member's code was sent. Otherwise a thief with a session could
    /// keep the owner from recovering or signing in, by signing out everywhere else again and again.
    FullEnding(i64),
    /// The begin of the flow, where the member is not known before it answers; or a moment at which the proof was valid.
    Time(Timestamp),
}

impl Basis {
    /// That of a password, whose member was found by this login ID in this generation.
    pub(crate) fn of_password(kind: LoginIdKind, value: &str, generation: i64) -> Self {
        Self { via: Via::LoginId(kind, value.to_string()), since: Since::Generation(generation) }
    }

    /// That of a code which was sent to a member.
    pub(crate) fn of_attempt(attempt: &Attempt) -> Self {
        let via = Via::LoginId(attempt.login_id.kind, attempt.login_id.value.clone());
        Self { via, since: Since::FullEnding(attempt.full_endings) }
    }

    /// That of a passkey. The challenge is the same for the whole flow, so the answer may be as old as the flow.
    pub(crate) fn of_passkey(flow: &Flow) -> Self {
        Self { via: Via::Passkey, since: Since::Time(flow.expires_at.minus(FLOW_LIFETIME)) }
    }

    /// That of an account at a provider. The provider may have been asked at any time since the flow began.
    pub(crate) fn of_external_account(flow: &Flow, provider: &str, subject: &str) -> Self {
        let via = Via::ExternalAccount { provider: provider.to_string(), subject: subject.to_string() };
        Self { via, ..Self::of_passkey(flow) }
    }

    /// The key of the provider whose account it is.
    pub(crate) fn provider(&self) -> Option<&str> {
        match &self.via {
            Via::ExternalAccount { provider, .. } => Some(provider),
            Via::LoginId(..) | Via::Passkey | Via::UsedPasskey(_) => None,
        }
    }

    /// That of a code for a login ID which turned out to belong to a member.
    pub(crate) fn of_taken(flow: &Flow, kind: LoginIdKind, value: &str) -> Self {
        Self { via: Via::LoginId(kind, value.to_string()), ..Self::of_passkey(flow) }
    }

    /// That of a proof which held at a moment, with this passkey if with one, and is kept for a later step.
    pub(crate) fn kept_at(self, at: Timestamp, passkey: Option<&[u8]>) -> Self {
        let via = passkey.map_or(self.via, |credential_id| Via::UsedPasskey(credential_id.to_vec()));
        Self { via, since: Since::Time(at) }
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
        if !is_current {
            return Ok(false);
        }
        let owner = match &self.via {
            Via::Passkey => return Ok(true),
            Via::UsedPasskey(credential_id) => passkeys::find(conn, no, credential_id).await?.map(|row| row.owner),
            Via::LoginId(kind, value) => {
                credentials::find_login_id(conn, no, kind.as_str(), value).await?.map(|row| row.user_id)
            }
            Via::ExternalAccount { provider, subject } => {
                external_accounts::find(conn, no, provider, subject).await?.map(|row| row.user_id)
            }
        };
        Ok(owner == Some(user))
    }
}
