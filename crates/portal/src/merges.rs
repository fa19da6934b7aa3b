//! The merges of guests into members: those that wait for the application first, and what an operator does about one.

use askama::Template;
use vestibule_app::admin::{
    AdminError, Clash,
    handshakes::{self, Decision, MergeRow},
};
use vestibule_domain::{
    handshake::MergeState,
    id::{MergeId, UserId},
    operator::Role,
};
use vestibule_protocol::form::Form;
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    confirmation::{ConfirmActionPage, Hidden},
    frame::{PortalContext, PortalPage},
    moment::Moment,
    notice::PortalNotice,
};

const PATH: &str = "/portal/p/{project}/merges";
const DECIDE: &str = "/portal/p/{project}/merges/decide";
const LIMIT: u32 = 50;
/// Sent only by the button of the confirmation.
const CONFIRMED: &str = "confirmed";

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, PATH, Role::Viewer, show),
        PortalRoute::project(Verb::Get, DECIDE, Role::Editor, ask),
        PortalRoute::project(Verb::Post, DECIDE, Role::Editor, decide),
    ]
}

/// The states and their labels, open ones first.
const STATES: [(MergeState, &str); 5] = [
    (MergeState::Requested, "Open"),
    (MergeState::Settled, "Settled"),
    (MergeState::Refused, "Refused"),
    (MergeState::TimedOut, "Timed out"),
    (MergeState::Undone, "Undone"),
];

fn name_of(state: MergeState) -> &'static str {
    STATES.iter().find(|(one, _)| *one == state).map_or("Open", |(_, name)| name)
}

async fn show(request: ProjectRequest) -> PageResult {
    let ctx = request.ctx();
    let user: Option<UserId> = request.field("user").parse().ok();
    let state = MergeState::parse(request.field("state")).unwrap_or(MergeState::Requested);
    let (rows, next) = match user {
        Some(user) => (handshakes::list_of_user(&ctx, user).await?, None),
        None => {
            let cursor = Some(request.field("cursor")).filter(|cursor| !cursor.is_empty());
            let page = handshakes::list(&ctx, Some(state), cursor, LIMIT).await?;
            (page.items, page.next)
        }
    };
    let merging = request.project.settings.merging();
    let lines = rows.iter().map(|row| MergeLine::of(&request, row)).collect();
    let next = next.map(|cursor| Form::from_pairs([("state", state.as_str()), ("cursor", &cursor)]).print());
    request.show(&MergesPage {
        user: user.map(|user| user.to_string()),
        state,
        waits: merging.answer_time().is_some(),
        lines,
        next,
    })
}

/// What an operator does about a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Settle,
    Refuse,
    Ask,
    Undo,
}

impl Act {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "settle" => Self::Settle,
            "refuse" => Self::Refuse,
            "ask" => Self::Ask,
            "undo" => Self::Undo,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Settle => "settle",
            Self::Refuse => "refuse",
            Self::Ask => "ask",
            Self::Undo => "undo",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Settle => "Settle",
            Self::Refuse => "Refuse",
            Self::Ask => "Ask again",
            Self::Undo => "Undo",
        }
    }

    /// The title of the confirmation, and what follows.
    fn explain(self) -> (&'static str, &'static str) {
        match self {
            Self::Settle => (
                "Settle this merge?",
                "The guest becomes another name of the member, and its attributes go to the member. Do this only if your server has moved the guest's data.",
            ),
            Self::Refuse => (
                "Refuse this merge?",
                "The guest stays a guest of its own, with all that it has. Its sessions stay ended; a device key opens it again.",
            ),
            Self::Ask => (
                "Ask your server again?",
                "The event is sent again, and there is as much time for the answer as at first.",
            ),
            Self::Undo => (
                "Undo this merge?",
                "The guest is a guest of its own again, with its attributes. The member loses what it got and did not change since. Your server has to move its own data back.",
            ),
        }
    }

    /// What can be done about a merge now.
    fn list(request: &ProjectRequest, row: &MergeRow) -> Vec<Self> {
        match row.merge.state {
            MergeState::Requested => vec![Self::Settle, Self::Refuse, Self::Ask],
            MergeState::Settled if row.merge.undo_until.is_some_and(|last| request.now <= last) => vec![Self::Undo],
            MergeState::Settled | MergeState::Refused | MergeState::TimedOut | MergeState::Undone => Vec::new(),
        }
    }
}

fn read(request: &ProjectRequest) -> Result<(MergeId, Act), PortalError> {
    let id = request.field("merge").parse().map_err(|_| PortalError::Missing)?;
    Ok((id, Act::parse(request.field("act")).ok_or(PortalError::Missing)?))
}

async fn ask(request: ProjectRequest) -> PageResult {
    let (id, act) = read(&request)?;
    let row = handshakes::find(&request.ctx(), id).await?;
    if !Act::list(&request, &row).contains(&act) {
        return request.done("/merges", PortalNotice::Gone);
    }
    let (title, fact) = act.explain();
    request.show(&ConfirmActionPage {
        title: title.to_string(),
        facts: vec![format!("The guest {} and the member {}.", row.merge.from, row.merge.into), fact.to_string()],
        section: "merges",
        back: ("/merges".to_string(), "Merges".to_string()),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::of([("merge", id.to_string().as_str()), ("act", act.word()), (CONFIRMED, "on")]),
        button: act.label().to_string(),
        is_danger: matches!(act, Act::Settle | Act::Undo),
    })
}

async fn decide(request: ProjectRequest) -> PageResult {
    if !request.is_checked(CONFIRMED) {
        return ask(request).await;
    }
    let (id, act) = read(&request)?;
    let (ctx, actor) = (request.ctx(), request.acting());
    let decided = match act {
        Act::Settle => handshakes::decide(&ctx, &actor, id, Decision::Settle).await,
        Act::Refuse => handshakes::decide(&ctx, &actor, id, Decision::Refuse(String::new())).await,
        Act::Undo => handshakes::decide(&ctx, &actor, id, Decision::Undo).await,
        Act::Ask => handshakes::ask_again(&ctx, &actor, id).await,
    };
    match decided {
        Ok(row) => {
            let notice = if act == Act::Ask { PortalNotice::MergeAsked } else { PortalNotice::MergeDecided };
            request.done(&format!("/merges?state={}", row.merge.state.as_str()), notice)
        }
        Err(AdminError::NotFound(_) | AdminError::Conflict(Clash::MergeEnded(_) | Clash::MergeNotUndoable)) => {
            request.done("/merges", PortalNotice::Gone)
        }
        Err(error) => Err(error.into()),
    }
}

/// A merge in the list.
#[derive(Clone, Debug)]
pub(crate) struct MergeLine {
    pub id: String,
    pub from: String,
    pub into: String,
    pub state: &'static str,
    /// The application in which the person agreed; none for a merge by an operator.
    pub application: Option<String>,
    pub requested_at: Moment,
    /// How long ago.
    pub age: String,
    pub answer_by: Option<Moment>,
    pub changed_at: Option<Moment>,
    pub asked: i64,
    pub reason: String,
    /// What can be done: the word and the label.
    pub acts: Vec<(&'static str, &'static str)>,
}

impl MergeLine {
    fn of(request: &ProjectRequest, row: &MergeRow) -> Self {
        let merge = &row.merge;
        let is_open = merge.state == MergeState::Requested;
        let application = |id: &String| match request.project.settings.client(id) {
            Some(client) => client.display_name().to_string(),
            None => id.clone(),
        };
        Self {
            id: merge.id.to_string(),
            from: merge.from.to_string(),
            into: merge.into.to_string(),
            state: name_of(merge.state),
            application: row.client_id.as_ref().map(application),
            requested_at: Moment::new(merge.requested_at.to_rfc3339()),
            age: describe_age(handshakes::age(row, request.now).as_secs()),
            answer_by: merge.answer_by.filter(|_| is_open).map(|at| Moment::new(at.to_rfc3339())),
            changed_at: (!is_open).then(|| Moment::new(merge.changed_at.to_rfc3339())),
            asked: row.asked,
            reason: row.reason.clone().unwrap_or_default(),
            acts: Act::list(request, row).into_iter().map(|act| (act.word(), act.label())).collect(),
        }
    }

    fn tries(&self) -> String {
        match self.asked {
            0 => "not asked yet".into(),
            1 => "asked once".into(),
            times => format!("asked {times} times"),
        }
    }
}

fn describe_age(seconds: u64) -> String {
    let age = |count: u64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match seconds {
        0..60 => "less than a minute".into(),
        60..3_600 => age(seconds / 60, "minute"),
        3_600..86_400 => age(seconds / 3_600, "hour"),
        _ => age(seconds / 86_400, "day"),
    }
}

#[derive(Clone, Debug)]
pub(crate) struct MergesPage {
    /// Only the merges of this user.
    pub user: Option<String>,
    pub state: MergeState,
    /// Whether merges wait for the application.
    pub waits: bool,
    pub lines: Vec<MergeLine>,
    pub next: Option<String>,
}

impl MergesPage {
    fn states(&self) -> [(&'static str, &'static str, bool); 5] {
        STATES.map(|(state, name)| (state.as_str(), name, self.user.is_none() && state == self.state))
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let at = Moment::new("2030-05-01T08:00:00.000Z");
        let open = MergeLine {
            id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2aa".into(),
            from: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab".into(),
            into: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ac".into(),
            state: "Open",
            application: Some("Shop <Web>".into()),
            requested_at: at.clone(),
            age: describe_age(7_200),
            answer_by: Some(at.clone()),
            changed_at: None,
            asked: 3,
            reason: String::new(),
            acts: vec![("settle", "Settle"), ("refuse", "Refuse"), ("ask", "Ask again")],
        };
        let refused = MergeLine {
            state: "Refused",
            application: None,
            answer_by: None,
            changed_at: Some(at),
            reason: "Both have an <open> order".into(),
            acts: Vec::new(),
            ..open.clone()
        };
        let page = Self {
            user: None,
            state: MergeState::Requested,
            waits: true,
            lines: vec![open.clone()],
            next: Some("state=requested&cursor=018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2aa".into()),
        };
        let none = Self { lines: Vec::new(), next: None, waits: false, ..page.clone() };
        let of_user = Self { user: Some(open.into), lines: vec![refused], next: None, ..page.clone() };
        vec![("open", page), ("none", none), ("of-user", of_user)]
    }
}

impl PortalPage for MergesPage {
    fn title(&self) -> String {
        "Merges".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("merges")
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(MergesBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/merges.html")]
struct MergesBody<'a> {
    ctx: &'a PortalContext,
    page: &'a MergesPage,
}
