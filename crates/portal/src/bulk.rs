//! Actions on all users of a filter: first a dry run in numbers, then the confirmation, which repeats the number.

use askama::Template;
use vestibule_app::{
    admin::{
        AdminError, Clash,
        bulk::{self, BulkAction, BulkResult, BulkSelection},
        user_lists::UserFilter,
    },
    error::Error,
};
use vestibule_domain::operator::Role;
use vestibule_web::{count::count_of, template::finish};

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    confirmation::{ConfirmActionPage, Hidden},
    control::{Control, ControlKind, Pick},
    frame::{PortalContext, PortalPage},
    users::{KINDS, filter_of},
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const PATH: &str = "/portal/p/{project}/users/bulk";
    vec![
        PortalRoute::project(Verb::Get, PATH, Role::Editor, show).requires_reauthentication(),
        PortalRoute::project(Verb::Post, PATH, Role::Editor, act).requires_reauthentication(),
    ]
}

fn label(action: BulkAction) -> &'static str {
    match action {
        BulkAction::Disable => "Disable",
        BulkAction::Enable => "Enable",
        BulkAction::EndSessions => "End all sessions",
        BulkAction::Delete => "Delete",
    }
}

/// The sentence about the users before the action.
fn describe(action: BulkAction, selection: &BulkSelection) -> Vec<String> {
    let users = number(selection.count());
    let first = match action {
        BulkAction::Disable => {
            format!("Disables {users}: signs them out and refuses every sign-in until they are enabled.")
        }
        BulkAction::Enable => format!("Enables {users}. Ended sessions stay ended."),
        BulkAction::EndSessions => format!("Signs {users} out everywhere."),
        BulkAction::Delete => format!("Deletes {users} permanently, with their sessions, identities and device keys."),
    };
    let mut facts = vec![first, format!("Guests: {}. Members: {}.", selection.guests, selection.members)];
    if action != BulkAction::Enable && action != BulkAction::Delete && selection.guests > 0 {
        facts.push("A guest without a device key can't return after its sessions ended.".to_string());
    }
    if selection.has_more {
        facts.push(format!("More users match. One run has at most {}; repeat it for the rest.", bulk::MOST));
    }
    facts
}

fn number(users: usize) -> String {
    count_of(i64::try_from(users).unwrap_or(i64::MAX), "user", "users")
}

/// The action and the filter of a request.
struct Order {
    action: BulkAction,
    filter: (UserFilter, &'static str),
    days: u32,
}

impl Order {
    fn of(request: &ProjectRequest) -> Option<Self> {
        let action = BulkAction::parse(request.field("action"))?;
        let (filter, days) = filter_of(request);
        Some(Self { action, filter, days })
    }

    fn filter_name(&self) -> &'static str {
        KINDS.iter().find(|(word, _)| *word == self.filter.1).map_or("All users", |(_, name)| name)
    }
}

/// The choice of an action, or its dry run.
async fn show(request: ProjectRequest) -> PageResult {
    match Order::of(&request) {
        Some(order) => dry_run(&request, &order, None).await,
        None => {
            let (filter, days) = filter_of(&request);
            request.show(&BulkPage::choose(filter.1, days))
        }
    }
}

async fn dry_run(request: &ProjectRequest, order: &Order, error: Option<String>) -> PageResult {
    let selection = bulk::select(&request.ctx(), (order.filter.0, order.days), order.action, None).await?;
    let Some(newest) = selection.newest() else {
        return request.show(&BulkPage::done(vec!["No user matches the filter: there is nothing to do.".to_string()]));
    };
    let days = order.days.to_string();
    let (through, fingerprint) = (newest.to_string(), selection.fingerprint(order.action));
    let hidden = [
        ("action", order.action.as_str()),
        ("kind", order.filter.1),
        ("days", days.as_str()),
        ("through", through.as_str()),
        ("confirmed", fingerprint.as_str()),
    ];
    let is_again = error.is_some();
    let count = selection.count();
    let typed = Control::new("typed", format!("Type the number of users: {count}"), ControlKind::Line("text"), "")
        .error(error)
        .required();
    let mut facts = vec![format!("Filter: {}.", order.filter_name())];
    facts.extend(describe(order.action, &selection));
    let of = if order.action == BulkAction::EndSessions { " of" } else { "" };
    let page = ConfirmActionPage {
        title: format!("{}{of} {}?", label(order.action), number(count)),
        facts,
        section: "users",
        back: (format!("/users?kind={}&days={days}", order.filter.1), "Users".into()),
        action: request.path().to_string(),
        controls: vec![typed],
        hidden: Hidden::of(hidden),
        button: label(order.action).to_string(),
        is_danger: order.action != BulkAction::Enable,
    };
    if is_again { request.show_again(&page) } else { request.show(&page) }
}

async fn act(request: ProjectRequest) -> PageResult {
    let Some(order) = Order::of(&request) else {
        return Err(PortalError::Unreadable("The form is incomplete. Reload the page and try again.".into()));
    };
    let through = request.field("through").parse().ok();
    let operator = request.signed_in.operator.id.to_string();
    let _place = request.app.shares.transfers.take_for(request.project.no, &operator).map_err(Error::from)?;
    let (ctx, filter) = (request.ctx(), (order.filter.0, order.days));
    let selection = bulk::select(&ctx, filter, order.action, through).await?;
    if request.field("typed").trim() != selection.count().to_string() {
        let error = "Type the number of users to continue.".to_string();
        return dry_run(&request, &order, Some(error)).await;
    }
    match bulk::run(&ctx, &request.acting(), order.action, (&selection, request.field("confirmed"))).await {
        Ok(BulkResult { done, gone, waiting }) => {
            let mut facts = vec![format!("{}: done for {}.", label(order.action), number(done))];
            if gone > 0 {
                facts.push(format!("Already gone: {}.", number(gone)));
            }
            if waiting > 0 {
                facts.push(format!(
                    "Not deleted, because they wait to be merged: {}. Settle or refuse their merges first.",
                    number(waiting)
                ));
            }
            if selection.has_more {
                facts.push("More users match the filter: repeat it for the rest.".to_string());
            }
            request.show(&BulkPage::done(facts))
        }
        Err(AdminError::Conflict(Clash::SelectionChanged)) => {
            let error = "Other users match the filter now. Nothing was done. Check the numbers again.".to_string();
            dry_run(&request, &order, Some(error)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The choice of an action, or what a run did.
#[derive(Clone, Debug)]
pub(crate) struct BulkPage {
    pub controls: Vec<Control>,
    /// What was done.
    pub facts: Vec<String>,
}

impl BulkPage {
    fn choose(kind: &str, days: u32) -> Self {
        let kinds = KINDS.iter().map(|(word, name)| Pick::new(*word, *name, "")).collect();
        let actions = BulkAction::ALL.map(|action| Pick::new(action.as_str(), label(action), "")).to_vec();
        let controls = vec![
            Control::new("kind", "Users", ControlKind::Select(kinds), kind),
            Control::new("days", "Days", ControlKind::Line("text"), days.to_string())
                .hint("For recently promoted users and dormant guests."),
            Control::new("action", "Action", ControlKind::Radio(actions), BulkAction::EndSessions.as_str()),
        ];
        Self { controls, facts: Vec::new() }
    }

    fn done(facts: Vec<String>) -> Self {
        Self { controls: Vec::new(), facts }
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        vec![
            ("choose", Self::choose("dormant", 30)),
            ("done", Self::done(vec!["Disable: done for 37 users.".to_string()])),
        ]
    }
}

impl PortalPage for BulkPage {
    fn title(&self) -> String {
        "Many users at once".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/users".into(), "Users".into()))
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(BulkBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/bulk.html")]
struct BulkBody<'a> {
    ctx: &'a PortalContext,
    page: &'a BulkPage,
}
