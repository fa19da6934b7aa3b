//! Converts results of use cases to texts of the pages: errors, kinds, messages with codes.

use std::time::Duration;

use axum::http::HeaderMap;
use vestibule_domain::{
    credential::{
        otp::{LIFE, OtpDecision},
        password::{Assessment, Weakness},
    },
    identifier::{IdentifierProblem, LoginIdKind, email::EmailProblem, phone::PhoneProblem, username::UsernameProblem},
    project::Origin,
};

use super::context;
use crate::{
    flows::{
        authorize::PendingRequest,
        page_flow::{CodeMessage, CodeUse, steps::Mistakes},
        settings::notice::News,
    },
    http::visit::Visit,
    messages::Message,
    ports::{mailer, sms::Sms},
    ui::{self, Change, Channel, Complaint, MailContext, MailKind, PasswordField, Strength, Text, sms_text},
};

/// Seconds to wait, rounded up.
pub(super) fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).unwrap_or(u32::MAX)
}

/// The pages' type for a kind of login ID.
pub(super) fn ui_kind(kind: LoginIdKind) -> ui::LoginIdKind {
    match kind {
        LoginIdKind::Email => ui::LoginIdKind::Email,
        LoginIdKind::Phone => ui::LoginIdKind::Phone,
        LoginIdKind::Username => ui::LoginIdKind::Username,
    }
}

/// The channel of a code for this kind.
pub(super) fn channel(kind: LoginIdKind) -> Channel {
    match kind {
        LoginIdKind::Phone => Channel::Sms,
        LoginIdKind::Email | LoginIdKind::Username => Channel::Email,
    }
}

/// The error of a login ID.
pub(super) fn complain_of_login_id(mistakes: &Mistakes, kind: LoginIdKind) -> Option<Text> {
    match mistakes.login_id {
        None => mistakes.taken.then(|| complain_of_taken(kind)),
        Some(problem) => Some(complain_of_identifier(problem)),
    }
}

/// The error of a taken login ID.
pub(super) fn complain_of_taken(kind: LoginIdKind) -> Text {
    match kind {
        LoginIdKind::Username => Complaint::UsernameTaken.text(),
        LoginIdKind::Email | LoginIdKind::Phone => Complaint::LoginIdTaken.text(),
    }
}

/// The error of an invalid login ID.
pub(super) fn complain_of_identifier(problem: IdentifierProblem) -> Text {
    let complaint = match problem {
        IdentifierProblem::Email(EmailProblem::Missing) => Complaint::EmailMissing,
        IdentifierProblem::Email(_) => Complaint::EmailInvalid,
        IdentifierProblem::Phone(PhoneProblem::Missing) => Complaint::PhoneMissing,
        IdentifierProblem::Phone(_) => Complaint::PhoneInvalid,
        IdentifierProblem::Username(UsernameProblem::Missing) => Complaint::UsernameMissing,
        IdentifierProblem::Username(UsernameProblem::Reserved) => Complaint::UsernameReserved,
        IdentifierProblem::Username(_) => Complaint::UsernameInvalid,
    };
    complaint.text()
}

/// The field for a new password, with the problems of the last input.
pub(super) fn new_password_field(min_length: usize, typed: &str, found: &Assessment) -> PasswordField {
    let mut field = PasswordField::new(u32::try_from(min_length).unwrap_or(u32::MAX));
    if let Some(weakness) = found.weaknesses.first() {
        field = field.with_error(complain_of_password(*weakness, typed));
        let strength = found.strength.filter(|_| !typed.is_empty());
        field.strength = strength.map(|strength| Strength::ALL[usize::from(strength).min(Strength::ALL.len() - 1)]);
    }
    field
}

fn complain_of_password(weakness: Weakness, typed: &str) -> Complaint {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    match weakness {
        Weakness::TooShort { .. } if typed.is_empty() => Complaint::PasswordMissing,
        Weakness::TooShort { min } => Complaint::PasswordTooShort { min: number(min) },
        Weakness::TooLong { max } => Complaint::PasswordTooLong { max: number(max) },
        Weakness::LikeLoginId => Complaint::PasswordLikeLoginId,
        Weakness::TooGuessable => Complaint::PasswordTooWeak,
        Weakness::Breached => Complaint::PasswordBreached,
    }
}

pub(super) fn complain_of_code(decision: OtpDecision) -> Complaint {
    match decision {
        OtpDecision::Expired => Complaint::CodeExpired,
        OtpDecision::Exhausted | OtpDecision::Wrong { tries_left: 0 } => Complaint::CodeSpent,
        OtpDecision::Wrong { .. } | OtpDecision::Accepted => Complaint::CodeWrong,
    }
}

/// Renders messages in one user's language.
pub(super) struct Writer {
    context: MailContext,
    from: Option<String>,
    project: String,
    origin: Origin,
}

impl Writer {
    /// The renderer for the user of a page.
    pub(super) fn new(visit: &Visit, headers: &HeaderMap, request: Option<&PendingRequest>) -> Self {
        let project = &visit.project;
        let page = context(visit, headers, request, String::new());
        Self {
            context: MailContext { locale: page.locale, brand: page.brand, app_name: page.app_name },
            from: project.settings.mail.from.clone(),
            project: project.id.clone(),
            origin: project.settings.public_origin().clone(),
        }
    }

    pub(super) fn compose(&self, message: &CodeMessage<'_>) -> Message {
        let code = message.code.to_string();
        if message.kind == LoginIdKind::Phone {
            // Browsers fill in a code that names their origin's host, with https only (origin-bound one-time codes).
            let host = self.origin.is_https().then(|| self.origin.host());
            let body = sms_text(&self.context, &code, host);
            return Message::Sms(Sms { to: message.to.clone(), body, project: self.project.clone() });
        }
        let minutes = u32::try_from(LIFE.as_secs() / 60).unwrap_or(u32::MAX);
        let kind = match message.purpose {
            CodeUse::Verify => MailKind::VerificationCode { code, minutes },
            CodeUse::Login => MailKind::LoginCode { code, minutes },
            CodeUse::Recover => MailKind::PasswordResetCode { code, minutes },
        };
        Message::Mail(self.write_mail(&message.to, &kind))
    }

    /// Renders the mail about a change of the account.
    pub(super) fn write_news(&self, to: &str, news: &News) -> mailer::Mail {
        let change = match news.clone() {
            News::LoginIdAdded { login_id } => Change::LoginIdAdded { login_id },
            News::LoginIdChanged { from, to } => Change::LoginIdChanged { from, to },
            News::LoginIdRemoved { login_id } => Change::LoginIdRemoved { login_id },
            News::PasswordChanged => Change::PasswordChanged,
        };
        self.write_mail(to, &MailKind::Changed(change))
    }

    fn write_mail(&self, to: &str, kind: &MailKind) -> mailer::Mail {
        let ui::Mail { subject, text, html } = kind.render(&self.context);
        mailer::Mail { from: self.from.clone(), to: to.to_string(), subject, text, html }
    }
}
