//! Pages for entering, choosing and recovering a password.

use askama::Template;
use vestibule_web::{
    context::PageContext,
    elapsed::Elapsed,
    field::{Field, LoginIdChoice, LoginIdField, PasswordField, PasswordUse},
    page::Page,
    passkey::PasskeyCeremony,
    template::finish,
    text::Text,
};

use crate::security::name_passkey;

/// The purpose of entering the current password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordReason {
    /// Signing in with the login ID entered before.
    Login,
    /// Reauthentication before a sensitive change.
    Confirm,
}

/// Asks for the password of a login ID. The form posts `password` and `action=continue`.
#[derive(Clone, Debug)]
pub(crate) struct PasswordPage {
    pub reason: PasswordReason,
    pub action: String,
    pub login_id: String,
    pub error: Option<Text>,
    /// Sign-in: leads back to enter another login ID.
    pub change_href: Option<String>,
    pub forgot_href: Option<String>,
    pub code_href: Option<String>,
    pub passkey: Option<PasskeyCeremony>,
    pub cancel_href: Option<String>,
}

impl PasswordPage {
    /// A page with only its form.
    pub(crate) fn new(reason: PasswordReason, action: impl Into<String>, login_id: impl Into<String>) -> Self {
        Self {
            reason,
            action: action.into(),
            login_id: login_id.into(),
            error: None,
            change_href: None,
            forgot_href: None,
            code_href: None,
            passkey: None,
            cancel_href: None,
        }
    }

    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::field_problem::FieldProblem;
        use vestibule_web::passkey::Ceremony;
        let login = Self {
            change_href: Some("/login".into()),
            forgot_href: Some("/forgot".into()),
            code_href: Some("/code".into()),
            cancel_href: Some("/cancel".into()),
            ..Self::new(PasswordReason::Login, "/flow/sample", "ada@example.com")
        };
        let confirm = Self {
            passkey: Some(PasskeyCeremony::sample(Ceremony::Use)),
            ..Self::new(PasswordReason::Confirm, "/flow/sample", "ada@example.com")
        };
        let wrong = FieldProblem::CredentialsWrong { kind: LoginIdField::Email };
        vec![
            ("login", login.clone()),
            ("login-wrong", Self { error: Some(wrong.text()), ..login }),
            ("confirm", confirm.clone()),
            ("confirm-wrong", Self { error: Some(FieldProblem::PasswordWrong.text()), ..confirm }),
        ]
    }

    fn password(&self) -> Field {
        Field { autofocus: true, ..PasswordField { error: self.error.clone(), ..PasswordField::current() }.field() }
    }

    fn submit(&self) -> &'static str {
        match self.reason {
            PasswordReason::Login => "button-sign-in",
            PasswordReason::Confirm => "button-continue",
        }
    }
}

impl Page for PasswordPage {
    fn title(&self) -> Text {
        Text::new(match self.reason {
            PasswordReason::Login => "password-title",
            PasswordReason::Confirm => "confirm-title",
        })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(Password { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.password().problem().into_iter().collect()
    }

    fn has_passkey(&self) -> bool {
        self.passkey.is_some()
    }
}

#[derive(Template)]
#[template(path = "password.html")]
struct Password<'a> {
    ctx: &'a PageContext,
    page: &'a PasswordPage,
}

/// Another sign-in method, which can be removed with the recovery.
#[derive(Clone, Debug)]
pub(crate) struct RemovableMethod {
    /// The field of its box, posted as `on` when it is to be removed.
    pub field: String,
    /// The hidden field that says what the page showed, posted with `content`.
    pub shown_field: String,
    pub content: String,
    /// A login ID, or the name of a passkey; `None` for a passkey without a name.
    pub name: Option<String>,
    pub is_passkey: bool,
    pub added: Elapsed,
    pub checked: bool,
}

impl RemovableMethod {
    fn label(&self, ctx: &PageContext) -> String {
        let login_id = self.name.clone().filter(|_| !self.is_passkey);
        let what = login_id.unwrap_or_else(|| name_passkey(ctx, self.name.as_deref()));
        let added = ctx.translate(self.added.text());
        ctx.translate(Text::new("recovery-remove-label").with("what", what).with("when", added))
    }
}

/// Asks for a new password. The form posts `password` and `action=continue`.
#[derive(Clone, Debug)]
pub(crate) struct NewPasswordPage {
    pub action: String,
    /// The login ID under which a password manager stores the password.
    pub login_id: String,
    /// The field, with what the server thought of the last one.
    pub password: PasswordField,
    /// Recovery: the other sign-in methods.
    pub others: Vec<RemovableMethod>,
    pub cancel_href: Option<String>,
}

impl NewPasswordPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::field::Strength;
        use vestibule_web::field_problem::FieldProblem;
        let reset = Self {
            action: "/flow/sample/password".into(),
            login_id: "ada@example.com".into(),
            password: PasswordField::new(8),
            others: Vec::new(),
            cancel_href: None,
        };
        let weak = PasswordField {
            strength: Some(Strength::VeryWeak),
            ..PasswordField::new(8).with_error(FieldProblem::PasswordBreached)
        };
        let other = |field: &str, name: Option<&str>, days: u64, checked| RemovableMethod {
            field: field.into(),
            shown_field: field.replace("remove", "shown"),
            content: name.unwrap_or("passkey").into(),
            name: name.map(str::to_owned),
            is_passkey: name.is_none_or(|name| !name.contains('@')),
            added: Elapsed::from_seconds(days * 86_400),
            checked,
        };
        let others = vec![
            other("remove-1", Some("lee@example.com"), 2, true),
            other("remove-2", Some("Chrome · Linux"), 400, false),
            other("remove-3", None, 1, true),
        ];
        vec![
            ("reset", reset.clone()),
            ("reset-others", Self { others, ..reset.clone() }),
            ("reset-weak", Self { password: weak, ..reset }),
        ]
    }

    fn field(&self) -> Field {
        let field = self.password.field();
        Field { autofocus: field.error.is_some(), ..field }
    }
}

impl Page for NewPasswordPage {
    fn title(&self) -> Text {
        Text::new("reset-password-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(NewPassword { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        debug_assert!(matches!(self.password.purpose, PasswordUse::New { .. }), "the page is for a new password");
        self.password.field().problem().into_iter().collect()
    }
}

#[derive(Template)]
#[template(path = "new_password.html")]
struct NewPassword<'a> {
    ctx: &'a PageContext,
    page: &'a NewPasswordPage,
}

/// Starts the recovery of a password, without revealing whether the account exists.
///
/// The form posts `login_id_kind`, `login_id` and `action=continue`.
#[derive(Clone, Debug)]
pub(crate) struct ForgottenPasswordPage {
    pub action: String,
    /// The kinds that can receive a code; a single one needs no choice.
    pub kinds: Vec<LoginIdChoice>,
    pub kind: LoginIdField,
    pub value: String,
    pub error: Option<Text>,
    /// The app enforces the value: it cannot be changed.
    pub fixed: bool,
    pub back_href: Option<String>,
}

impl ForgottenPasswordPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::field_problem::FieldProblem;
        let choice = |kind: LoginIdField| LoginIdChoice { kind, href: format!("?kind={}", kind.as_str()) };
        let email = Self {
            action: "/forgot".into(),
            kinds: vec![choice(LoginIdField::Email)],
            kind: LoginIdField::Email,
            value: "ada@example.com".into(),
            error: None,
            fixed: false,
            back_href: Some("/login".into()),
        };
        let phone = Self {
            kinds: vec![choice(LoginIdField::Email), choice(LoginIdField::Phone)],
            kind: LoginIdField::Phone,
            value: "12".into(),
            error: Some(FieldProblem::PhoneInvalid.text()),
            ..email.clone()
        };
        vec![("email", email), ("phone-error", phone)]
    }

    fn login_id(&self) -> Field {
        let autofocus = self.error.is_some();
        Field { readonly: self.fixed, autofocus, ..self.kind.field(&self.value, self.error.as_ref(), true) }
    }
}

impl Page for ForgottenPasswordPage {
    fn title(&self) -> Text {
        Text::new("forgot-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(ForgottenPassword { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.login_id().problem().into_iter().collect()
    }
}

#[derive(Template)]
#[template(path = "forgotten_password.html")]
struct ForgottenPassword<'a> {
    ctx: &'a PageContext,
    page: &'a ForgottenPasswordPage,
}
