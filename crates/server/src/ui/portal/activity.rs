//! What operators did to their ways in and to each other, page by page.

use askama::Template;

use super::{
    frame::{PortalContext, PortalPage},
    moment::Moment,
};
use crate::ui::page::finish;

/// One act, in words.
#[derive(Clone, Debug)]
pub struct ActivityLine {
    /// What.
    pub what: String,
    /// With what, or where; may be empty.
    pub detail: String,
    /// Whether it did not work.
    pub is_failure: bool,
    /// Whom it is about; may be empty.
    pub whom: String,
    /// Who did it, where that is somebody else.
    pub by: Option<String>,
    /// From which network address.
    pub ip: Option<String>,
    /// When.
    pub at: Moment,
}

impl ActivityLine {
    /// One of each kind.
    pub(super) fn samples() -> Vec<Self> {
        let plain = Self {
            what: "Signed in".into(),
            detail: "with a password".into(),
            is_failure: false,
            whom: "kim@shop.example".into(),
            by: None,
            ip: Some("203.0.113.9".into()),
            at: Moment::new("2030-05-01T08:00:00.000Z"),
        };
        let failed = Self { what: "Wrong password or passkey".into(), is_failure: true, ..plain.clone() };
        let other = Self {
            what: "Role changed".into(),
            detail: "editor of <shop>".into(),
            by: Some("olga@house.example".into()),
            ip: None,
            ..plain.clone()
        };
        vec![plain, failed, other]
    }
}

/// What operators did, newest first.
#[derive(Clone, Debug)]
pub struct ActivityPage {
    /// The acts.
    pub lines: Vec<ActivityLine>,
    /// The query of the next page.
    pub next: Option<String>,
    /// Whether this is a later page.
    pub is_later: bool,
    /// For how many days it is kept; 0 for ever.
    pub keep_days: u32,
}

impl ActivityPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let some =
            Self { lines: ActivityLine::samples(), next: Some("before=0190".into()), is_later: true, keep_days: 365 };
        let none = Self { lines: Vec::new(), next: None, is_later: false, keep_days: 0 };
        vec![("some", some), ("none", none)]
    }
}

impl PortalPage for ActivityPage {
    fn title(&self) -> String {
        "Operator activity".into()
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/portal".into(), "Projects".into()))
    }

    fn body(&self, _: &PortalContext) -> String {
        finish(Body { page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/activity.html")]
struct Body<'a> {
    page: &'a ActivityPage,
}
