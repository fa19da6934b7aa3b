//! The first page of promotion, sign-up and sign-in: asks for a login ID.

use askama::Template;
use vestibule_web::{
    context::PageContext,
    field::{Field, LoginIdChoice, LoginIdField, PasswordField, PasswordUse, Steps},
    page::Page,
    passkey::PasskeyCeremony,
    template::finish,
    text::Text,
};

use super::provider::ProviderButtons;

/// The purpose of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentifyPurpose {
    Promote,
    SignUp,
    Login,
}

/// Asks for a login ID and, depending on the project, a password.
///
/// The form posts `login_id_kind`, `login_id`, `password` and `action=continue`.
#[derive(Clone, Debug)]
pub(crate) struct IdentifyPage {
    pub purpose: IdentifyPurpose,
    pub action: String,
    /// The project's kinds in its order; a single one needs no choice. With none, only passkeys and providers are offered.
    pub kinds: Vec<LoginIdChoice>,
    pub kind: LoginIdField,
    pub value: String,
    /// The app enforces the value: it cannot be changed.
    pub fixed: bool,
    pub value_error: Option<Text>,
    /// `None` where a code replaces it.
    pub password: Option<PasswordField>,
    /// The providers of external accounts.
    pub providers: Option<ProviderButtons>,
    pub passkey: Option<PasskeyCeremony>,
    /// Promotion and sign-up: leads users with an account to sign-in. `None` for sign-in.
    pub have_account_href: Option<String>,
    /// Sign-in: leads users without an account to sign-up.
    pub create_account_href: Option<String>,
    /// Sign-in: leads to password recovery.
    pub forgot_href: Option<String>,
    pub cancel_href: Option<String>,
    pub steps: Option<Steps>,
    /// Promotion: the guest has no session in this browser, so another person may have begun it.
    pub from_elsewhere: bool,
    /// The provider whose account the sign-in connects.
    pub linking: Option<String>,
}

impl IdentifyPage {
    /// An empty page for one kind of login ID, to be completed with struct update syntax.
    pub(crate) fn new(purpose: IdentifyPurpose, action: impl Into<String>, kind: LoginIdField) -> Self {
        Self {
            purpose,
            action: action.into(),
            kinds: vec![LoginIdChoice { kind, href: String::new() }],
            kind,
            value: String::new(),
            fixed: false,
            value_error: None,
            password: None,
            providers: None,
            passkey: None,
            have_account_href: None,
            create_account_href: None,
            forgot_href: None,
            cancel_href: None,
            steps: None,
            from_elsewhere: false,
            linking: None,
        }
    }

    /// The login ID, and the password if the page has one.
    fn fields(&self) -> Vec<Field> {
        let signing_in = self.purpose == IdentifyPurpose::Login;
        // With a new password beside it, the login ID is the name that a password manager stores.
        let named = signing_in || self.password.is_some();
        let login_id = self.kind.field(&self.value, self.value_error.as_ref(), named);
        let mut fields = vec![Field { readonly: self.fixed, ..login_id }];
        fields.extend(self.password.as_ref().map(PasswordField::field));
        if signing_in && !self.fixed && fields.iter().all(|field| field.error.is_none()) {
            fields[0].autofocus = true;
        }
        Field::focus_only_problem(&mut fields);
        fields
    }

    fn lead(&self) -> &'static str {
        match self.purpose {
            IdentifyPurpose::Promote => "promote-lead",
            IdentifyPurpose::SignUp => "sign-up-lead",
            IdentifyPurpose::Login => "login-lead",
        }
    }

    fn submit(&self) -> &'static str {
        match (self.purpose, &self.password) {
            (IdentifyPurpose::Login, Some(_)) => "button-sign-in",
            (IdentifyPurpose::Promote, Some(PasswordField { purpose: PasswordUse::New { .. }, .. })) => {
                "button-save-progress"
            }
            (IdentifyPurpose::SignUp, Some(_)) => "button-create-account",
            (IdentifyPurpose::Promote | IdentifyPurpose::SignUp | IdentifyPurpose::Login, _) => "button-continue",
        }
    }

    fn promotes(&self) -> bool {
        self.purpose == IdentifyPurpose::Promote
    }
}

impl Page for IdentifyPage {
    fn title(&self) -> Text {
        Text::new(match self.purpose {
            IdentifyPurpose::Promote => "promote-title",
            IdentifyPurpose::SignUp => "sign-up-title",
            IdentifyPurpose::Login => "login-title",
        })
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(IdentifyBody { ctx, page: self }.render())
    }

    fn steps(&self) -> Option<Steps> {
        self.steps
    }

    fn problems(&self) -> Vec<(&'static str, Text)> {
        self.fields().iter().filter_map(Field::problem).collect()
    }

    fn has_passkey(&self) -> bool {
        self.passkey.is_some()
    }
}

impl IdentifyPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::field::Strength;
        use vestibule_web::field_problem::FieldProblem;
        use vestibule_web::passkey::Ceremony;
        let kinds = |kinds: &[LoginIdField]| {
            let choice = |kind: &LoginIdField| LoginIdChoice { kind: *kind, href: format!("?kind={}", kind.as_str()) };
            kinds.iter().map(choice).collect::<Vec<_>>()
        };
        let promote = Self {
            password: Some(PasswordField::new(8)),
            have_account_href: Some("/flow/sample/have-account".into()),
            cancel_href: Some("/flow/sample/cancel".into()),
            steps: Some(Steps { current: 1, total: 2 }),
            ..Self::new(IdentifyPurpose::Promote, "/flow/sample", LoginIdField::Email)
        };
        let sign_up = Self {
            kinds: kinds(&[LoginIdField::Email, LoginIdField::Phone, LoginIdField::Username]),
            password: Some(PasswordField::new(8)),
            have_account_href: Some("/login".into()),
            ..Self::new(IdentifyPurpose::SignUp, "/flow/sample", LoginIdField::Username)
        };
        let login = Self {
            password: Some(PasswordField::current()),
            create_account_href: Some("/signup".into()),
            forgot_href: Some("/forgot".into()),
            cancel_href: Some("/flow/sample/cancel".into()),
            ..Self::new(IdentifyPurpose::Login, "/flow/sample", LoginIdField::Email)
        };
        vec![
            ("promote", promote.clone()),
            ("promote-providers", Self { providers: Some(ProviderButtons::sample()), ..promote.clone() }),
            ("promote-elsewhere", Self { from_elsewhere: true, ..promote.clone() }),
            (
                "promote-errors",
                Self {
                    value: "ada.example.com".into(),
                    value_error: Some(FieldProblem::EmailInvalid.text()),
                    password: Some(PasswordField {
                        strength: Some(Strength::Weak),
                        ..PasswordField::new(8).with_error(FieldProblem::PasswordTooShort { min: 8 })
                    }),
                    ..promote.clone()
                },
            ),
            (
                "promote-choices",
                Self {
                    kinds: kinds(&[LoginIdField::Email, LoginIdField::Phone]),
                    kind: LoginIdField::Phone,
                    password: None,
                    passkey: Some(PasskeyCeremony::sample(Ceremony::Create)),
                    ..promote.clone()
                },
            ),
            (
                "promote-passkey-only",
                Self {
                    kinds: Vec::new(),
                    password: None,
                    passkey: Some(PasskeyCeremony::sample(Ceremony::Create)),
                    steps: None,
                    ..promote
                },
            ),
            ("sign-up", sign_up.clone()),
            (
                "sign-up-strong",
                Self {
                    value: "ada".into(),
                    value_error: Some(FieldProblem::UsernameTaken.text()),
                    password: Some(PasswordField { strength: Some(Strength::Strong), ..PasswordField::new(8) }),
                    ..sign_up
                },
            ),
            ("login-providers", Self { providers: Some(ProviderButtons::sample()), ..login.clone() }),
            ("login", Self { passkey: Some(PasskeyCeremony::sample(Ceremony::Use)), ..login.clone() }),
            ("login-fixed", Self { value: "ada@example.com".into(), fixed: true, ..login.clone() }),
            (
                "login-wrong",
                Self {
                    value: "ada@example.com".into(),
                    password: Some(
                        PasswordField::current()
                            .with_error(FieldProblem::CredentialsWrong { kind: LoginIdField::Email }),
                    ),
                    ..login
                },
            ),
        ]
    }
}

#[derive(Template)]
#[template(path = "identify.html")]
struct IdentifyBody<'a> {
    ctx: &'a PageContext,
    page: &'a IdentifyPage,
}
