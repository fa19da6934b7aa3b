//! The handshakes of merges: the merges of a project, and what becomes of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vestibule_app::admin::{
    AdminError, ListPage, Thing,
    handshakes::{self, Decision, MergeRow},
};
use vestibule_domain::{
    handshake::{MergeState, REASON_CHARS, tidy_reason},
    id::{MergeId, UserId},
};

use super::{
    access::Admin,
    answer::Good,
    input::{Body, InPath, Json, PathPart, Query},
    operation::{Operation, Tag},
    problem::Problem,
    read::check_limit,
    schemas::{IdText, TimeText},
};

/// Merges on a page at most.
const MOST_MERGES: u32 = 200;

// The state of a merge.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum StateWord {
    Requested,
    Settled,
    Refused,
    TimedOut,
    Undone,
}

impl From<StateWord> for MergeState {
    fn from(word: StateWord) -> Self {
        match word {
            StateWord::Requested => Self::Requested,
            StateWord::Settled => Self::Settled,
            StateWord::Refused => Self::Refused,
            StateWord::TimedOut => Self::TimedOut,
            StateWord::Undone => Self::Undone,
        }
    }
}

impl From<MergeState> for StateWord {
    fn from(state: MergeState) -> Self {
        match state {
            MergeState::Requested => Self::Requested,
            MergeState::Settled => Self::Settled,
            MergeState::Refused => Self::Refused,
            MergeState::TimedOut => Self::TimedOut,
            MergeState::Undone => Self::Undone,
        }
    }
}

// A merge of a guest into a member, and where its handshake stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MergeStatus")]
pub(crate) struct MergeView {
    merge_id: IdText,
    /// The guest.
    from: IdText,
    /// The member.
    into: IdText,
    state: StateWord,
    /// The application in which the person agreed; null for a merge by an operator.
    client_id: Option<String>,
    requested_at: TimeText,
    /// The last moment for an answer; null for a merge that waited for none.
    answer_by: Option<TimeText>,
    /// When it came to its state.
    changed_at: TimeText,
    /// The last moment at which it can be undone; null when it can't be.
    undo_until: Option<TimeText>,
    /// How often webhooks were asked about it.
    asked: i64,
    /// When a webhook was last asked.
    asked_at: Option<TimeText>,
    /// The application's reason for a refusal.
    reason: Option<String>,
}

impl MergeView {
    pub(super) fn of(row: MergeRow) -> Self {
        let MergeRow { merge, client_id, asked, asked_at, reason, kept: _ } = row;
        Self {
            merge_id: merge.id.into(),
            from: merge.from.into(),
            into: merge.into.into(),
            state: merge.state.into(),
            client_id,
            requested_at: merge.requested_at.into(),
            answer_by: merge.answer_by.map(TimeText::from),
            changed_at: merge.changed_at.into(),
            undo_until: merge.undo_until.map(TimeText::from),
            asked,
            asked_at: asked_at.map(TimeText::from),
            reason,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct MergesPage {
    merges: Vec<MergeView>,
    next_cursor: Option<String>,
}

impl MergesPage {
    fn of(page: ListPage<MergeRow>) -> Self {
        Self { merges: page.items.into_iter().map(MergeView::of).collect(), next_cursor: page.next }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergesQuery {
    /// Only merges in this state.
    state: Option<StateWord>,
    /// Only the merges of this guest or into this member, the newest 200, on one page.
    #[schemars(with = "Option<IdText>")]
    user_id: Option<UserId>,
    /// next_cursor of the previous page.
    #[schemars(extend("format" = "uuid"))]
    cursor: Option<String>,
    /// Items per page: 50 by default, at most 200.
    #[schemars(range(min = 1, max = MOST_MERGES))]
    limit: Option<u32>,
}

pub(super) const LIST: Operation = Operation::new(Tag::Users, "listMerges", "List merges, newest first", "One page.")
    .note("Merges that wait for your application have the state requested. Those that ended more than a year ago are not listed.")
    .may_refuse(&[422]);

/// `GET /merges`
pub(crate) async fn list(admin: Admin, Query(query): Query<MergesQuery>) -> Result<Good<MergesPage>, Problem> {
    let limit = check_limit(query.limit, MOST_MERGES)?;
    let (ctx, state) = (admin.visit.ctx(), query.state.map(MergeState::from));
    let Some(user) = query.user_id else {
        let page = handshakes::list(&ctx, state, query.cursor.as_deref(), limit).await?;
        return Ok(Good::print(&MergesPage::of(page)));
    };
    // All are on one page, but what is wrong is wrong here, too.
    handshakes::read_cursor(query.cursor.as_deref())?;
    let mut items = handshakes::list_of_user(&ctx, user).await?;
    items.retain(|row| state.is_none_or(|state| row.merge.state == state));
    Ok(Good::print(&MergesPage::of(ListPage { items, next: None })))
}

impl PathPart for MergeId {
    const NAME: &'static str = "merge_id";
    const MEANING: &'static str = "The merge ID from the event or the list.";

    fn parse(text: &str) -> Result<Self, Problem> {
        text.parse().map_err(|_| AdminError::NotFound(Thing::Merge).into())
    }
}

pub(super) const GET: Operation = Operation::new(Tag::Users, "getMerge", "Read where a merge stands", "The merge.");

/// `GET /merges/{merge_id}`
pub(crate) async fn get(admin: Admin, InPath(id): InPath<MergeId>) -> Result<Good<MergeView>, Problem> {
    Ok(Good::print(&MergeView::of(handshakes::find(&admin.visit.ctx(), id).await?)))
}

async fn decide(admin: &Admin, id: MergeId, decision: Decision) -> Result<Good<MergeView>, Problem> {
    let row = handshakes::decide(&admin.visit.ctx(), &admin.operator(), id, decision).await?;
    Ok(Good::print(&MergeView::of(row)))
}

pub(super) const SETTLE: Operation =
    Operation::new(Tag::Users, "settleMerge", "Say that your application has moved the guest's data", "The merge.")
        .note("The guest's ID becomes an alias of the member's, and its attributes go to the member. Asked for once more, it changes nothing.")
        .may_refuse(&[409]);

/// `POST /merges/{merge_id}/settle`
pub(crate) async fn settle(admin: Admin, InPath(id): InPath<MergeId>) -> Result<Good<MergeView>, Problem> {
    decide(&admin, id, Decision::Settle).await
}

// Why an application refuses a merge.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a refusal, as an object")]
#[schemars(inline)]
pub(crate) struct RefusalBody {
    /// For operators.
    #[serde(default)]
    #[schemars(length(max = REASON_CHARS))]
    reason: String,
}

impl Body for RefusalBody {
    type Value = Self;
    const EXAMPLE: Option<&'static str> = Some(r#"{"reason": "Both have an open order"}"#);
}

pub(super) const REFUSE: Operation =
    Operation::new(Tag::Users, "refuseMerge", "Say that your application will not move the guest's data", "The merge.")
        .note("The guest is a guest of its own again, with all that it had; its sessions stay ended. Asked for once more, it changes nothing.")
        .may_refuse(&[409]);

/// `POST /merges/{merge_id}/refuse`
pub(crate) async fn refuse(
    admin: Admin,
    InPath(id): InPath<MergeId>,
    Json(body): Json<RefusalBody>,
) -> Result<Good<MergeView>, Problem> {
    decide(&admin, id, Decision::Refuse(tidy_reason(&body.reason))).await
}

pub(super) const UNDO: Operation = Operation::new(Tag::Users, "undoMerge", "Undo a merge", "The merge.")
    .note("While undo_until is not over: the alias is a guest again, with its attributes and device keys. The member loses what it got and did not change since. Asked for once more, it changes nothing.")
    .may_refuse(&[409]);

/// `POST /merges/{merge_id}/undo`
pub(crate) async fn undo(admin: Admin, InPath(id): InPath<MergeId>) -> Result<Good<MergeView>, Problem> {
    decide(&admin, id, Decision::Undo).await
}

pub(super) const ASK: Operation =
    Operation::new(Tag::Users, "askAboutMerge", "Send the event of a merge that waits once more", "The merge.")
        .note("The application has as much time to answer as at first.")
        .may_refuse(&[409]);

/// `POST /merges/{merge_id}/ask`
pub(crate) async fn ask(admin: Admin, InPath(id): InPath<MergeId>) -> Result<Good<MergeView>, Problem> {
    let row = handshakes::ask_again(&admin.visit.ctx(), &admin.operator(), id).await?;
    Ok(Good::print(&MergeView::of(row)))
}
