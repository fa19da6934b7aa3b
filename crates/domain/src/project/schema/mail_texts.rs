//! The keys of the texts of emails: the same in every language.

use super::{key, section};
use crate::project::{
    mail_texts::{CODE_PLACEHOLDERS, MailPart, NOTICE_PLACEHOLDERS, check_text},
    shape::{DefaultValue::Unset, KeySchema, Shape},
};

const SUBJECT: &str = "The subject.";
const HEADING: &str = "The heading.";
const LEAD: &str = "The text below the heading.";
const CLOSING: &str = "The text at the end.";

const CODE: &[KeySchema] = &[
    key(
        "subject",
        Shape::Text("at most 150 characters, with {code}, {app} and {brand}", |text| {
            check_text(text, MailPart::Subject, CODE_PLACEHOLDERS)
        }),
        Unset,
        SUBJECT,
    ),
    key(
        "heading",
        Shape::Text("at most 100 characters, with {code}, {app} and {brand}", |text| {
            check_text(text, MailPart::Heading, CODE_PLACEHOLDERS)
        }),
        Unset,
        HEADING,
    ),
    key("lead", CODE_TEXT, Unset, LEAD),
    key("closing", CODE_TEXT, Unset, CLOSING),
];
const CODE_TEXT: Shape = Shape::Text("at most 500 characters, with {code}, {app} and {brand}", |text| {
    check_text(text, MailPart::Lead, CODE_PLACEHOLDERS)
});

const CHANGED: &[KeySchema] =
    &[key("subject", NOTICE_SUBJECT, Unset, SUBJECT), key("heading", NOTICE_HEADING, Unset, HEADING)];
const SIGNED_IN: &[KeySchema] = &[
    key("subject", NOTICE_SUBJECT, Unset, SUBJECT),
    key("heading", NOTICE_HEADING, Unset, HEADING),
    key(
        "lead",
        Shape::Text("at most 500 characters, with {app} and {brand}", |text| {
            check_text(text, MailPart::Lead, NOTICE_PLACEHOLDERS)
        }),
        Unset,
        LEAD,
    ),
];
const NOTICE_SUBJECT: Shape = Shape::Text("at most 150 characters, with {app} and {brand}", |text| {
    check_text(text, MailPart::Subject, NOTICE_PLACEHOLDERS)
});
const NOTICE_HEADING: Shape = Shape::Text("at most 100 characters, with {app} and {brand}", |text| {
    check_text(text, MailPart::Heading, NOTICE_PLACEHOLDERS)
});

const LANGUAGE: &[KeySchema] = &[
    section("verification_code", CODE, "The code that verifies an email address. The code is shown in any case."),
    section("login_code", CODE, "The code to sign in. The code is shown in any case."),
    section("password_reset_code", CODE, "The code for a new password. The code is shown in any case."),
    section(
        "account_changed",
        CHANGED,
        "The notice of a changed account. What was changed, and how to undo it, is always told in the server's words.",
    ),
    section(
        "still_signed_in",
        SIGNED_IN,
        "The notice of what is still signed in after a promotion. How to end it is always told in the server's words.",
    ),
];

pub(super) const MAIL_TEXTS: &[KeySchema] = &[
    section("en", LANGUAGE, "Texts in English."),
    section("es", LANGUAGE, "Texts in Spanish, with the keys of `en`."),
    section("de", LANGUAGE, "Texts in German, with the keys of `en`."),
    section("ja", LANGUAGE, "Texts in Japanese, with the keys of `en`."),
    section("zh-TW", LANGUAGE, "Texts in Traditional Chinese, with the keys of `en`."),
    section("ar", LANGUAGE, "Texts in Arabic, with the keys of `en`."),
];
