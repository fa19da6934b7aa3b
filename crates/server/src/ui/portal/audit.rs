//! The audit log: filtered, by page, and with an export.

use askama::Template;

use super::{
    frame::{PortalContext, PortalPage},
    user::EventLine,
};
use crate::ui::template::finish;

#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The event name to filter by; empty for all.
    pub kind: String,
    pub kinds: Vec<&'static str>,
    pub user: String,
    /// The first day, `YYYY-MM-DD`.
    pub from: String,
    pub to: String,
    pub problem: Option<String>,
    pub events: Vec<EventLine>,
    /// The filter as a query, for the export.
    pub filter: String,
    pub next: Option<String>,
    pub is_later: bool,
}

impl AuditPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let some = Self {
            kind: "user.deleted".into(),
            kinds: vec!["user.created", "user.deleted"],
            user: String::new(),
            from: "2030-05-01".into(),
            to: String::new(),
            problem: None,
            events: vec![EventLine::sample(), EventLine { seq: 8, user_id: None, ..EventLine::sample() }],
            filter: "type=user.deleted&from=2030-05-01".into(),
            next: Some("cursor=7".into()),
            is_later: true,
        };
        let none = Self {
            kind: String::new(),
            from: String::new(),
            events: Vec::new(),
            filter: String::new(),
            next: None,
            is_later: false,
            ..some.clone()
        };
        let wrong =
            Self { problem: Some("Enter a date such as 2030-05-31.".into()), from: "May".into(), ..none.clone() };
        vec![("some", some), ("none", none), ("wrong", wrong)]
    }

    fn choices(&self) -> Vec<(&'static str, bool)> {
        self.kinds.iter().map(|kind| (*kind, *kind == self.kind)).collect()
    }

    fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
    }
}

impl PortalPage for AuditPage {
    fn title(&self) -> String {
        "Audit log".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("events")
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.problem.iter().map(|problem| ("from".to_string(), problem.clone())).collect()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(AuditBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/audit.html")]
struct AuditBody<'a> {
    ctx: &'a PortalContext,
    page: &'a AuditPage,
}
