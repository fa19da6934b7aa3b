//! The first steps of a project, for the overview: what there is to do until guests become members.

use serde_json::Value;
use vestibule_domain::{identifier::LoginIdKind, project::Origin, time::Timestamp};
use vestibule_store::{
    credentials,
    events::{self, EventSelection},
    user_lists::{self, DatedRange, DatedUserList, ListOrder},
};

use super::AdminError;
use crate::ctx::Ctx;

/// Rows of a list that are looked at.
const LOOK: i64 = 20;

/// Which steps are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstSteps {
    /// There is an application.
    pub application: bool,
    /// The public origin can be reached from other machines, with TLS.
    pub origin: bool,
    /// A test email was accepted, or a promoted guest has a verified address; `None` where the project sends no emails.
    pub mail: Option<bool>,
    /// There was a guest.
    pub guest: bool,
    /// A guest was promoted.
    pub promotion: bool,
}

impl FirstSteps {
    pub fn is_done(&self) -> bool {
        self.application && self.origin && self.mail != Some(false) && self.guest && self.promotion
    }
}

/// Looks at a few rows by their indexes.
pub async fn look(ctx: &Ctx<'_>) -> Result<FirstSteps, AdminError> {
    let (no, settings) = (ctx.project.no, &ctx.project.settings);
    let mut conn = ctx.app.store.read().await?;
    let ever = DatedRange { order: ListOrder::Newest, since: Timestamp::from_micros(0), after: None };
    let promoted = user_lists::list_dated(&mut conn, no, DatedUserList::Promoted, &ever, LOOK).await?;
    let promotion = !promoted.is_empty();
    let newest = user_lists::list_newest(&mut conn, no, None, LOOK).await?;
    let guest = promotion || newest.iter().any(|user| user.anonymous_since.is_some());
    let mail = if settings.login_id_kinds().contains(&LoginIdKind::Email) {
        let tests = EventSelection::OfType("message.tested".into());
        let tests = events::list_page(&mut conn, no, &tests, &(0..i64::MAX), LOOK).await?;
        let mut is_proved = tests.iter().any(|test| is_accepted_mail(&test.body));
        for user in &promoted {
            if is_proved {
                break;
            }
            let owned = credentials::list_login_ids(&mut conn, no, user.id).await?;
            is_proved = owned.iter().any(|row| row.kind == LoginIdKind::Email.as_str() && row.verified_at.is_some());
        }
        Some(is_proved)
    } else {
        None
    };
    let application = !settings.clients().is_empty();
    Ok(FirstSteps { application, origin: is_for_others(&ctx.project.origin), mail, guest, promotion })
}

fn is_accepted_mail(body: &str) -> bool {
    let payload = serde_json::from_str::<Value>(body).map(|mut event| event["payload"].take()).unwrap_or_default();
    payload["channel"] == "mail" && payload["is_taken"] == true
}

/// Whether other machines can reach an origin, as far as its text says.
fn is_for_others(origin: &str) -> bool {
    Origin::parse(origin).is_ok_and(|origin| origin.is_https() && !origin.is_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_for_others_has_tls_and_is_not_this_machine() {
        for (origin, expected) in [
            ("https://auth.shop.example", true),
            ("http://auth.shop.example", false),
            ("https://localhost", false),
            ("http://127.0.0.1:4540", false),
        ] {
            assert_eq!(is_for_others(origin), expected, "{origin}");
        }
    }

    #[test]
    fn only_an_accepted_email_proves_it() {
        let test = |channel: &str, is_taken: bool| {
            is_accepted_mail(&serde_json::json!({"payload": {"channel": channel, "is_taken": is_taken}}).to_string())
        };
        assert!(test("mail", true) && !test("mail", false) && !test("sms", true) && !is_accepted_mail("{"));
    }
}
