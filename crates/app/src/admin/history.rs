//! A user's history, newest first: the events of the audit log about it, and what its rows say besides. Pages follow the index of
//! events by user.

use vestibule_domain::{
    identifier::LoginIdKind,
    identity::{Identity, IdentityDetail},
    session::SessionRef,
    time::Timestamp,
};

use super::{
    AdminError, ListPage,
    audit::{self, AuditLine, Filter},
    user_details::UserDetails,
};
use crate::ctx::Ctx;

/// Events this close to what a row says are about the same change, in microseconds: both have times of their own.
const SAME: i64 = 5_000_000;

/// What a row of a user says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Milestone {
    GuestSince,
    MemberCreated,
    Promoted,
    Disabled,
    DeviceKeyAdded {
        device: Option<String>,
    },
    LoginIdAdded {
        kind: LoginIdKind,
        value: String,
    },
    PasskeyAdded,
    ExternalAccountAdded {
        provider: String,
    },
    /// A session that is still open.
    SessionBegan {
        client_id: Option<String>,
        device: Option<String>,
    },
}

impl Milestone {
    /// Whether an event of this name says the same.
    fn is_said_by(&self, kind: &str) -> bool {
        match self {
            Self::GuestSince | Self::DeviceKeyAdded { .. } => false,
            Self::MemberCreated => kind == "user.created",
            Self::Promoted => kind == "user.anonymous.promoted",
            Self::Disabled => kind == "user.disabled",
            // A new member's login ID comes with it.
            Self::LoginIdAdded { .. } | Self::PasskeyAdded => {
                matches!(kind, "user.created" | "user.anonymous.promoted")
            }
            Self::ExternalAccountAdded { .. } => {
                matches!(kind, "user.created" | "user.anonymous.promoted" | "identity.oauth.connected")
            }
            Self::SessionBegan { .. } => matches!(kind, "user.authenticated" | "user.anonymous.promoted"),
        }
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub enum HistoryEntry {
    Event(Box<AuditLine>),
    Milestone(Timestamp, Milestone),
}

impl HistoryEntry {
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Event(line) => line.at,
            Self::Milestone(at, _) => *at,
        }
    }
}

/// One page. What the rows say is between the events of its time; the last page has all that is older.
pub async fn list(
    ctx: &Ctx<'_>,
    details: &UserDetails,
    cursor: Option<&str>,
    limit: u32,
) -> Result<ListPage<HistoryEntry>, AdminError> {
    let (seq, above) = match cursor {
        Some(cursor) => {
            let (seq, above) = read_cursor(cursor)?;
            (Some(seq), above)
        }
        None => (None, Timestamp::from_micros(i64::MAX)),
    };
    let filter = Filter { user: Some(details.loaded.user.id), ..Filter::default() };
    let page = audit::list_lines(ctx, &filter, seq.as_deref(), limit).await?;
    // The pages share the time among them, even where the times of events do not rise with their numbers.
    let last = page.items.last().map_or(above, |line| line.at).min(above);
    let below = if page.next.is_some() { last } else { Timestamp::from_micros(i64::MIN) };
    let next = page.next.map(|seq| format!("{seq}.{}", last.as_micros()));
    Ok(ListPage { items: weave(page.items, milestones(details), below..above), next })
}

fn read_cursor(cursor: &str) -> Result<(String, Timestamp), AdminError> {
    let read = cursor.split_once('.').and_then(|(seq, above)| Some((seq.to_string(), above.parse().ok()?)));
    let (seq, above) = read.ok_or_else(|| AdminError::fault("cursor", "the cursor is not valid for this list"))?;
    Ok((seq, Timestamp::from_micros(above)))
}

/// What a user's rows say, in any order.
fn milestones(details: &UserDetails) -> Vec<(Timestamp, Milestone)> {
    let user = &details.loaded.user;
    let was_guest = user.anonymous_since.is_some() || user.promoted_at.is_some();
    let began = if was_guest { Milestone::GuestSince } else { Milestone::MemberCreated };
    let mut all = vec![(user.created_at, began)];
    all.extend(user.promoted_at.map(|at| (at, Milestone::Promoted)));
    all.extend(user.disabled_at.map(|at| (at, Milestone::Disabled)));
    let keys = details.keys.iter();
    all.extend(keys.map(|key| (key.created_at, Milestone::DeviceKeyAdded { device: key.device.clone() })));
    // What came with the user, or with its promotion, is said by these.
    let is_own = |at: Timestamp| is_same(at, user.created_at) || user.promoted_at.is_some_and(|then| is_same(at, then));
    let added = details.loaded.identities.iter().filter(|identity| !is_own(identity.created_at));
    all.extend(added.filter_map(|identity| Some((identity.created_at, describe(identity)?))));
    for session in details.sessions.iter().filter(|session| !is_same(session.created_at, user.created_at)) {
        // A grant that belongs to a cookie session began with it.
        if session.parent.is_some() && matches!(session.id, SessionRef::Grant(_)) {
            continue;
        }
        let (client_id, device) = (session.client_id.clone(), session.device.clone());
        all.push((session.created_at, Milestone::SessionBegan { client_id, device }));
    }
    all
}

fn describe(identity: &Identity) -> Option<Milestone> {
    match &identity.detail {
        IdentityDetail::Anonymous { .. } => None,
        IdentityDetail::Passkey => Some(Milestone::PasskeyAdded),
        IdentityDetail::External(external) => {
            let provider = external.alias.clone().unwrap_or_else(|| external.provider.clone());
            Some(Milestone::ExternalAccountAdded { provider })
        }
        IdentityDetail::LoginId { login_id, .. } => {
            Some(Milestone::LoginIdAdded { kind: login_id.kind, value: login_id.original.clone() })
        }
    }
}

fn is_same(one: Timestamp, other: Timestamp) -> bool {
    one.as_micros().abs_diff(other.as_micros()) <= SAME.unsigned_abs()
}

/// Puts milestones of a time between events, newest first, without those that an event says.
fn weave(
    lines: Vec<AuditLine>,
    milestones: Vec<(Timestamp, Milestone)>,
    between: std::ops::Range<Timestamp>,
) -> Vec<HistoryEntry> {
    let is_said = |at: Timestamp, milestone: &Milestone| {
        lines.iter().any(|line| is_same(line.at, at) && milestone.is_said_by(&line.kind))
    };
    let added: Vec<HistoryEntry> = milestones
        .into_iter()
        .filter(|(at, milestone)| between.contains(at) && !is_said(*at, milestone))
        .map(|(at, milestone)| HistoryEntry::Milestone(at, milestone))
        .collect();
    let mut all: Vec<HistoryEntry> = lines.into_iter().map(|line| HistoryEntry::Event(Box::new(line))).collect();
    all.extend(added);
    all.sort_by_key(|entry| std::cmp::Reverse(entry.at()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn line(seq: i64, kind: &str) -> AuditLine {
        AuditLine {
            seq,
            at: at(seq * 100),
            kind: kind.into(),
            is_sign_in_instead: false,
            user: None,
            by: "user".into(),
            client_id: None,
            facts: audit::EventFacts::default(),
            body: "{}".into(),
        }
    }

    fn print(entries: &[HistoryEntry]) -> Vec<String> {
        let print = |entry: &HistoryEntry| match entry {
            HistoryEntry::Event(line) => line.kind.clone(),
            HistoryEntry::Milestone(at, milestone) => format!("{milestone:?} {}", at.as_seconds()),
        };
        entries.iter().map(print).collect()
    }

    #[test]
    fn milestones_stand_between_the_events_of_their_time() {
        let milestones = || {
            vec![
                (at(0), Milestone::GuestSince),
                (at(302), Milestone::Promoted),
                (at(250), Milestone::PasskeyAdded),
                (at(50), Milestone::Disabled),
            ]
        };
        let newer = weave(
            vec![line(3, "user.anonymous.promoted"), line(2, "user.authenticated")],
            milestones(),
            at(200)..at(9_999),
        );
        assert_eq!(print(&newer), ["user.anonymous.promoted", "PasskeyAdded 250", "user.authenticated"]);
        let older = weave(vec![line(1, "user.updated")], milestones(), Timestamp::from_micros(i64::MIN)..at(200));
        assert_eq!(print(&older), ["user.updated", "Disabled 50", "GuestSince 0"]);
    }

    #[test]
    fn a_cursor_reads_back() {
        assert_eq!(read_cursor("7.12").map(|(seq, above)| (seq, above.as_micros())).ok(), Some(("7".into(), 12)));
        assert!(read_cursor("7").is_err() && read_cursor("7.x").is_err());
    }
}
