//! The audit log: what happened, filtered, page by page, and to take away.

use askama::Template;

use super::{
    frame::{PortalContext, PortalPage},
    user::EventLine,
};
use crate::ui::page::finish;

/// The audit log.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The event's name to filter by; empty for all.
    pub kind: String,
    /// The names to choose from.
    pub kinds: Vec<&'static str>,
    /// The user's id to filter by.
    pub user: String,
    /// The first day, `YYYY-MM-DD`.
    pub from: String,
    /// The last day.
    pub to: String,
    /// What is wrong with the filter.
    pub complaint: Option<String>,
    /// The events, newest first.
    pub events: Vec<EventLine>,
    /// The filter as a query, for the export.
    pub filter: String,
    /// The query of the next page.
    pub next: Option<String>,
    /// Whether this is a later page.
    pub is_later: bool,
}

impl AuditPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let some = Self {
            kind: "user.deleted".into(),
            kinds: vec!["user.created", "user.deleted"],
            user: String::new(),
            from: "2030-05-01".into(),
            to: String::new(),
            complaint: None,
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
            Self { complaint: Some("Enter a date such as 2030-05-31.".into()), from: "May".into(), ..none.clone() };
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

    fn complaints(&self) -> Vec<(String, String)> {
        self.complaint.iter().map(|complaint| ("from".to_string(), complaint.clone())).collect()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(Body { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/audit.html")]
struct Body<'a> {
    ctx: &'a PortalContext,
    page: &'a AuditPage,
}
