//! The operators' audit log, by page.

use askama::Template;

use super::{
    frame::{PortalContext, PortalPage},
    moment::Moment,
};
use crate::ui::template::finish;

/// An event of the log.
#[derive(Clone, Debug)]
pub struct ActivityLine {
    pub what: String,
    /// The credential, project or role; may be empty.
    pub detail: String,
    pub is_failure: bool,
    /// How often within the hour after `at`; once is not shown.
    pub times: i64,
    /// Whom it is about; may be empty.
    pub whom: String,
    /// The actor, if it is another operator.
    pub by: Option<String>,
    pub ip: Option<String>,
    pub at: Moment,
}

impl ActivityLine {
    /// One of each kind.
    pub(super) fn samples() -> Vec<Self> {
        let plain = Self {
            what: "Signed in".into(),
            detail: "with a password".into(),
            is_failure: false,
            times: 1,
            whom: "kim@shop.example".into(),
            by: None,
            ip: Some("203.0.113.9".into()),
            at: Moment::new("2030-05-01T08:00:00.000Z"),
        };
        let failed = Self { what: "Wrong password or passkey".into(), is_failure: true, times: 7, ..plain.clone() };
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

/// The log, newest first.
#[derive(Clone, Debug)]
pub struct ActivityPage {
    pub lines: Vec<ActivityLine>,
    pub next: Option<String>,
    pub is_later: bool,
    /// How many days events are kept; 0 for unlimited.
    pub keep_days: u32,
}

impl ActivityPage {
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
        finish(ActivityBody { page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/activity.html")]
struct ActivityBody<'a> {
    page: &'a ActivityPage,
}
