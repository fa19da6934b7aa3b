//! The mails of the portal: invitations, and codes that prove an operator's address.

use askama::Template;
use vestibule_app::adapters::mailer::Mail;
use vestibule_web::{rendered_mail::RenderedMail, template::finish};

/// A mail to an operator, always from the server's own sender. A project's sender is chosen by its owner, who would get the
/// link or code back if the mail could not be delivered.
pub(crate) fn mail_to_operator(to: &str, words: RenderedMail) -> Mail {
    Mail {
        from: None,
        to: to.to_string(),
        subject: words.subject,
        text: words.text,
        html: words.html,
        useful_seconds: None,
    }
}

/// The invitation from `from` to the project `place`; an operator with an account needs no personal link.
pub fn invitation_mail(from: &str, place: &str, role: &str, href: &str, is_new: bool) -> RenderedMail {
    let text = if is_new {
        format!(
            "{from} invites you to the Vestibule portal, as {role} of {place}.\n\nThis link works once, within 7 days:\n\n{href}\n\n\
             If you don't know {from}, ignore this email.\n"
        )
    } else {
        format!("{from} made you {role} of {place} in the Vestibule portal.\n\n{href}\n")
    };
    let html = finish(InvitationHtml { from, place, role, href, is_new }.render());
    let subject = format!("{from} invites you to {place}").replace(['\r', '\n'], " ");
    RenderedMail { subject, text, html }
}

#[derive(Template)]
#[template(path = "mail/invitation.html")]
struct InvitationHtml<'a> {
    from: &'a str,
    place: &'a str,
    role: &'a str,
    href: &'a str,
    is_new: bool,
}

/// The code that proves an operator's address.
pub(crate) fn address_code_mail(code: &str) -> RenderedMail {
    let text = format!(
        "Your code for the Vestibule portal is {code}\n\nIt confirms this email address, within 10 minutes. If you did not ask for it, ignore this email.\n"
    );
    let html = finish(AddressCodeHtml { code }.render());
    RenderedMail { subject: "Confirm your email address".into(), text, html }
}

#[derive(Template)]
#[template(
    source = "<p>Your code for the Vestibule portal is <strong>{{ code }}</strong></p><p>It confirms this email address, within 10 minutes. If you did not ask for it, ignore this email.</p>",
    ext = "html"
)]
struct AddressCodeHtml<'a> {
    code: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_carries_its_link_and_escapes_names() {
        let mail = invitation_mail("Kim <b>\r\nBcc: x", "Corner & Shop", "editor", "https://a.example/portal", true);
        assert!(mail.text.contains("https://a.example/portal") && mail.html.contains("https://a.example/portal"));
        assert!(!mail.html.contains("<b>") && !mail.subject.contains(['\r', '\n']));
    }
}
