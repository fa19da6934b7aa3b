//! What the flows say in their terms, in the pages' words: complaints, kinds, messages with codes.

use std::time::Duration;

use vestibule_domain::{
    credential::{
        otp::{LIFE, OtpDecision},
        password::Weakness,
        strength,
    },
    identifier::{IdentifierProblem, LoginIdKind, email::EmailProblem, phone::PhoneProblem, username::UsernameProblem},
    project::Origin,
};

use crate::{
    flows::page_flow::{CodeMessage, CodeUse, Message, steps::Mistakes},
    ports::{mailer, sms::Sms},
    ui::{self, Channel, Complaint, MailContext, MailKind, PasswordField, Strength, Text, sms_text},
};

/// Seconds to wait, rounded up.
pub(super) fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).unwrap_or(u32::MAX)
}

/// The pages' word for a kind of login ID.
pub(super) fn ui_kind(kind: LoginIdKind) -> ui::LoginIdKind {
    match kind {
        LoginIdKind::Email => ui::LoginIdKind::Email,
        LoginIdKind::Phone => ui::LoginIdKind::Phone,
        LoginIdKind::Username => ui::LoginIdKind::Username,
    }
}

/// How a code for this kind travels.
pub(super) fn channel(kind: LoginIdKind) -> Channel {
    match kind {
        LoginIdKind::Phone => Channel::Sms,
        LoginIdKind::Email | LoginIdKind::Username => Channel::Email,
    }
}

/// What is wrong with a login ID.
pub(super) fn complain_of_login_id(mistakes: &Mistakes, kind: LoginIdKind) -> Option<Text> {
    let complaint = match mistakes.login_id {
        None if mistakes.taken && kind == LoginIdKind::Username => Complaint::UsernameTaken,
        None if mistakes.taken => Complaint::LoginIdTaken,
        None => return None,
        Some(IdentifierProblem::Email(EmailProblem::Missing)) => Complaint::EmailMissing,
        Some(IdentifierProblem::Email(_)) => Complaint::EmailInvalid,
        Some(IdentifierProblem::Phone(PhoneProblem::Missing)) => Complaint::PhoneMissing,
        Some(IdentifierProblem::Phone(_)) => Complaint::PhoneInvalid,
        Some(IdentifierProblem::Username(UsernameProblem::Missing)) => Complaint::UsernameMissing,
        Some(IdentifierProblem::Username(UsernameProblem::Reserved)) => Complaint::UsernameReserved,
        Some(IdentifierProblem::Username(_)) => Complaint::UsernameInvalid,
    };
    Some(complaint.text())
}

/// The field for a new password, with what is wrong with the one typed.
pub(super) fn new_password_field(min_length: usize, typed: &str, weaknesses: &[Weakness]) -> PasswordField {
    let mut field = PasswordField::new(u32::try_from(min_length).unwrap_or(u32::MAX));
    if let Some(weakness) = weaknesses.first() {
        field = field.with_error(complain_of_password(*weakness, typed));
        field.strength =
            (!typed.is_empty()).then(|| Strength::ALL[usize::from(strength(typed)).min(Strength::ALL.len() - 1)]);
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

/// What is wrong with a code.
pub(super) fn complain_of_code(decision: OtpDecision) -> Complaint {
    match decision {
        OtpDecision::Expired => Complaint::CodeExpired,
        OtpDecision::Exhausted | OtpDecision::Wrong { tries_left: 0 } => Complaint::CodeSpent,
        OtpDecision::Wrong { .. } | OtpDecision::Accepted => Complaint::CodeWrong,
    }
}

/// Writes messages with codes in one person's language.
pub(super) struct Writer {
    pub(super) context: MailContext,
    pub(super) from: Option<String>,
    pub(super) project: String,
    pub(super) origin: Origin,
}

impl Writer {
    /// Writes one message.
    pub(super) fn write(&self, message: &CodeMessage<'_>) -> Message {
        let code = message.code.to_string();
        if message.kind == LoginIdKind::Phone {
            // Browsers fill in a code that names their origin's host; they know only https (origin-bound codes).
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
        let ui::Mail { subject, text, html } = kind.render(&self.context);
        Message::Mail(mailer::Mail { from: self.from.clone(), to: message.to.clone(), subject, text, html })
    }
}
