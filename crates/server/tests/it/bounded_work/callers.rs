//! Callers of every kind, and where the routes of the table lead for them.

use serde_json::json;

use crate::{
    guest_journey::promote,
    support::{Admin, Browser, TestServer},
};

const FLOW: &str = "01234567-89ab-7def-8123-456789abcdef";

/// What each of them sends: a line of cookies, or an `Authorization` header.
pub(super) struct Callers {
    pub(super) guest: String,
    pub(super) member: String,
    pub(super) operator: String,
    pub(super) admin: String,
    /// The ID of the guest.
    pub(super) subject: String,
}

impl Callers {
    /// The callers, and the browsers of the member and of the owner.
    pub(super) async fn of(server: &TestServer) -> (Self, [Browser; 2]) {
        let client = server.app_client();
        let guest = client.sign_up().await;
        let (member, owner) = (sign_in(server).await, server.owner().await);
        let callers = Self {
            subject: client.subject(&guest.access).await,
            guest: format!("Bearer {}", guest.access),
            member: member.cookie_line(),
            operator: owner.cookie_line(),
            admin: format!("Bearer {}", Admin::of(server).await.token),
        };
        (callers, [member, owner])
    }

    /// A path with values for its parameters.
    pub(super) fn path(&self, template: &str) -> String {
        let path = if template.starts_with("/flow/") { template.replace("{id}", FLOW) } else { template.to_string() };
        path.replace("{project}", "test")
            .replace("{client_id}", "web")
            .replace("{user_id}", &self.subject)
            .replace("{framework}", "react")
            .replace("{view}", "identify")
            .replace("{*path}", "form.css")
            .replace("{*rest}", "x/y")
            .replace(['{', '}', '*'], "")
    }
}

/// A browser with a session of a member.
async fn sign_in(server: &TestServer) -> Browser {
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    browser.fetch_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await.result();
    let guest = client.sign_up().await;
    promote(&client, &guest, &mut browser, &mut mailbox, "lee@shop.example").await;
    let mut member = server.browser();
    let address = client.authorize_url(&[
        ("prompt", "login"),
        ("x_sso_enabled", "true"),
        ("x_suppress_idp_session_cookie", "false"),
    ]);
    member.open(&address).await;
    member.fill("Email address", "lee@shop.example");
    member.fill("Password", "violet tugboat marmalade");
    member.press("Sign in").await;
    member.at_app();
    member
}
