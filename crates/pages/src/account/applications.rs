//! The third-party applications with access to the account, and removing their access.

use askama::Template;
use axum::{extract::Request, response::Response};
use vestibule_app::{
    consent::{self, ThirdPartyAccess},
    error::Error,
};
use vestibule_web::{
    context::PageContext,
    credentials::AccountCookies,
    elapsed::Elapsed,
    notice::NoticeKind,
    page::{Page, Shell},
    template::finish,
    text::Text,
    visit::Visit,
};

use super::{AccountRequest, HOME, elapsed, sub_page, with_notice};
use crate::{account::overview::ApplicationsSummary, consent::ConsentScope, messages::consent_scopes, see_other};

const HERE: &str = "/settings/applications";

/// `GET /settings/applications`
pub async fn show(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    match consent::list(&request.visit.ctx(), request.caller.user.id).await {
        Ok(listed) => request.show(&page(&request, listed)),
        Err(error) => request.fail(&error),
    }
}

/// `POST /settings/applications`
pub async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::receive(visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if request.field("action") != "remove" {
        return see_other(HERE);
    }
    let (ctx, user) = (request.visit.ctx(), request.caller.user.id);
    match consent::revoke_by_member(&ctx, user, request.field("client_id")).await {
        Ok(true) => see_other(&with_notice(HERE, NoticeKind::AccessRemoved)),
        Ok(false) => see_other(HERE),
        Err(error) => request.fail(&error),
    }
}

/// The overview's line; `None` while no application has access.
pub(super) async fn summarize(request: &AccountRequest) -> Result<Option<ApplicationsSummary>, Error> {
    let count = consent::list(&request.visit.ctx(), request.caller.user.id).await?.len();
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Ok((count > 0).then(|| ApplicationsSummary { count, href: HERE.into() }))
}

fn page(request: &AccountRequest, listed: Vec<ThirdPartyAccess>) -> ApplicationsPage {
    let (settings, now) = (&request.visit.project.settings, request.visit.now);
    let entries = listed.into_iter().map(|one| ApplicationEntry {
        name: settings.client_name(&one.client_id).to_string(),
        scopes: consent_scopes(&one.scope),
        granted: elapsed(one.granted_at, now),
        last_used: one.last_used_at.map(|at| elapsed(at, now)),
        client_id: one.client_id,
    });
    ApplicationsPage { entries: entries.collect(), remove_action: HERE.into(), back_href: HOME.into() }
}

/// One application.
#[derive(Clone, Debug)]
pub struct ApplicationEntry {
    /// Posted as `client_id` when its access is removed.
    pub client_id: String,
    pub name: String,
    pub scopes: Vec<ConsentScope>,
    pub granted: Elapsed,
    pub last_used: Option<Elapsed>,
}

/// The list of applications. Removing access posts `client_id` and `action=remove`.
#[derive(Clone, Debug)]
pub struct ApplicationsPage {
    pub entries: Vec<ApplicationEntry>,
    pub remove_action: String,
    pub back_href: String,
}

impl ApplicationsPage {
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let entry = |client_id: &str, name: &str, scopes: &[ConsentScope], last_used| ApplicationEntry {
            client_id: client_id.into(),
            name: name.into(),
            scopes: scopes.to_vec(),
            granted: Elapsed::from_seconds(9_000_000),
            last_used,
        };
        let empty =
            Self { entries: Vec::new(), remove_action: "/settings/applications".into(), back_href: "/settings".into() };
        let used = Some(Elapsed::from_seconds(7_300));
        let two = Self {
            entries: vec![
                entry("parcels", "Parcel Tracker", &ConsentScope::ALL, used),
                entry("receipts", "Receipt Collector", &[ConsentScope::OpenId, ConsentScope::Email], None),
            ],
            ..empty.clone()
        };
        vec![("two", two), ("empty", empty)]
    }
}

impl Page for ApplicationsPage {
    fn title(&self) -> Text {
        Text::new("settings-applications")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(ApplicationsBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        sub_page(&self.back_href)
    }
}

#[derive(Template)]
#[template(path = "account/applications.html")]
struct ApplicationsBody<'a> {
    ctx: &'a PageContext,
    page: &'a ApplicationsPage,
}
