//! Converts results of use cases to texts of the pages: errors, kinds, messages with codes.

use std::time::Duration;

use axum::http::HeaderMap;
use vestibule_app::{
    account::notice::SecurityNotice,
    adapters::{mailer, sms::Sms},
    authorize::PendingRequest,
    flow::{CodeMessage, CodeUse, steps::InputErrors},
    messages::Message,
};
use vestibule_domain::{
    credential::{
        otp::{LIFE, OtpDecision},
        password::{Assessment, Weakness},
    },
    identifier::{IdentifierProblem, LoginIdKind, email::EmailProblem, phone::PhoneProblem, username::UsernameProblem},
    project::Origin,
};
use vestibule_protocol::oauth::Scope;
use vestibule_web::{
    field::{PasswordField, Strength},
    field_problem::FieldProblem,
    mail::{MailContext, MailKind, sms_text},
    text::Text,
    user_agent::Device,
    visit::Visit,
};

use crate::{consent::ConsentScope, context, flow::verify_code::CodeChannel};

/// Seconds to wait, rounded up.
pub(super) fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).unwrap_or(u32::MAX)
}

/// The pages' type for a kind of login ID.
pub(super) fn ui_kind(kind: LoginIdKind) -> vestibule_web::field::LoginIdField {
    match kind {
        LoginIdKind::Email => vestibule_web::field::LoginIdField::Email,
        LoginIdKind::Phone => vestibule_web::field::LoginIdField::Phone,
        LoginIdKind::Username => vestibule_web::field::LoginIdField::Username,
    }
}

/// The pages' types for space-separated scopes, in the order of the pages.
pub(super) fn consent_scopes(scope: &str) -> Vec<ConsentScope> {
    let has = |wanted: Scope| scope.split(' ').any(|word| word == wanted.as_str());
    let is_wanted = |one: &ConsentScope| match one {
        ConsentScope::OpenId => has(Scope::OPENID),
        ConsentScope::Profile => has(Scope::PROFILE),
        ConsentScope::Email => has(Scope::EMAIL),
        ConsentScope::Phone => has(Scope::PHONE),
        ConsentScope::Address => has(Scope::ADDRESS),
        ConsentScope::LoginMethods => has(Scope::FULL_USERINFO),
        ConsentScope::FullAccess => has(Scope::FULL_ACCESS),
        ConsentScope::OfflineAccess => has(Scope::OFFLINE_ACCESS),
    };
    ConsentScope::ALL.into_iter().filter(is_wanted).collect()
}

/// The channel of a code for this kind.
pub(super) fn channel(kind: LoginIdKind) -> CodeChannel {
    match kind {
        LoginIdKind::Phone => CodeChannel::Sms,
        LoginIdKind::Email | LoginIdKind::Username => CodeChannel::Email,
    }
}

/// The error of a login ID.
pub(super) fn describe_login_id_problem(errors: &InputErrors, kind: LoginIdKind) -> Option<Text> {
    match errors.login_id {
        None => errors.taken.then(|| describe_taken(kind)),
        Some(problem) => Some(describe_identifier_problem(problem)),
    }
}

/// The error of a taken login ID.
pub(super) fn describe_taken(kind: LoginIdKind) -> Text {
    match kind {
        LoginIdKind::Username => FieldProblem::UsernameTaken.text(),
        LoginIdKind::Email | LoginIdKind::Phone => FieldProblem::LoginIdTaken.text(),
    }
}

/// The error of an invalid login ID.
pub(super) fn describe_identifier_problem(problem: IdentifierProblem) -> Text {
    let problem = match problem {
        IdentifierProblem::Email(EmailProblem::Missing) => FieldProblem::EmailMissing,
        IdentifierProblem::Email(EmailProblem::NotDeliverable) => FieldProblem::EmailNotDeliverable,
        IdentifierProblem::Email(_) => FieldProblem::EmailInvalid,
        IdentifierProblem::Phone(PhoneProblem::Missing) => FieldProblem::PhoneMissing,
        IdentifierProblem::Phone(PhoneProblem::CountryNotAllowed) => FieldProblem::PhoneCountry,
        IdentifierProblem::Phone(_) => FieldProblem::PhoneInvalid,
        IdentifierProblem::Username(UsernameProblem::Missing) => FieldProblem::UsernameMissing,
        IdentifierProblem::Username(UsernameProblem::Reserved) => FieldProblem::UsernameReserved,
        IdentifierProblem::Username(_) => FieldProblem::UsernameInvalid,
    };
    problem.text()
}

/// The field for a new password, with the problems of the last input.
pub(super) fn new_password_field(min_length: usize, typed: &str, found: &Assessment) -> PasswordField {
    let mut field = PasswordField::new(u32::try_from(min_length).unwrap_or(u32::MAX));
    if let Some(weakness) = found.weaknesses.first() {
        field = field.with_error(describe_password_problem(*weakness, typed));
        let strength = found.strength.filter(|_| !typed.is_empty());
        field.strength = strength.map(|strength| Strength::ALL[usize::from(strength).min(Strength::ALL.len() - 1)]);
    }
    field
}

fn describe_password_problem(weakness: Weakness, typed: &str) -> FieldProblem {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    match weakness {
        Weakness::TooShort { .. } if typed.is_empty() => FieldProblem::PasswordMissing,
        Weakness::TooShort { min } => FieldProblem::PasswordTooShort { min: number(min) },
        Weakness::TooLong { max } => FieldProblem::PasswordTooLong { max: number(max) },
        Weakness::LikeLoginId => FieldProblem::PasswordLikeLoginId,
        Weakness::TooGuessable => FieldProblem::PasswordTooWeak,
        Weakness::Breached => FieldProblem::PasswordBreached,
    }
}

pub(super) fn describe_code_problem(decision: OtpDecision) -> FieldProblem {
    match decision {
        OtpDecision::Expired => FieldProblem::CodeExpired,
        OtpDecision::Exhausted | OtpDecision::Wrong { tries_left: 0 } => FieldProblem::CodeSpent,
        OtpDecision::Wrong { .. } | OtpDecision::Accepted => FieldProblem::CodeWrong,
    }
}

/// Renders messages in one user's language.
pub struct MessageWriter {
    context: MailContext,
    from: Option<String>,
    project: String,
    origin: Origin,
}

impl MessageWriter {
    /// The renderer for the user of a page.
    #[must_use]
    pub fn new(visit: &Visit, headers: &HeaderMap, request: Option<&PendingRequest>) -> Self {
        let project = &visit.project;
        let page = context(visit, headers, request, String::new());
        let texts = project.settings.mail.texts.of(page.locale.tag()).cloned().unwrap_or_default();
        let device = Device::of(headers);
        Self {
            context: MailContext { texts, device, ..MailContext::new(page.locale, page.brand, page.app_name) },
            from: project.settings.mail.from.clone(),
            project: project.id.clone(),
            origin: project.settings.public_origin().clone(),
        }
    }

    /// Renders a message with a code.
    pub fn compose(&self, message: &CodeMessage<'_>) -> Message {
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
        Message::Mail(mailer::Mail { useful_seconds: Some(LIFE.as_secs()), ..self.write_mail(&message.to, &kind) })
    }

    /// Renders the mail about a change or promotion of the account.
    pub fn write_notice(&self, to: &str, notice: &SecurityNotice) -> mailer::Mail {
        self.write_mail(to, &MailKind::of_notice(notice))
    }

    fn write_mail(&self, to: &str, kind: &MailKind) -> mailer::Mail {
        let vestibule_web::rendered_mail::RenderedMail { subject, text, html } = kind.render(&self.context);
        mailer::Mail { from: self.from.clone(), to: to.to_string(), subject, text, html, useful_seconds: None }
    }
}
