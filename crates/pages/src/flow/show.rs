//! Builds the pages of a flow from its state and the settings; changes nothing.

use vestibule_app::flow::{
    FlowPurpose, Goal,
    external::Intent,
    login_methods::{self, NewLoginMethod},
    merging::AwaitedMerge,
    passkey, sign_in,
    steps::{self, InputErrors, PasskeyStep},
};
use vestibule_domain::{
    credential::otp::{CodeState, ResendDecision, may_resend},
    credential::password::Assessment,
    identifier::{LoginId, LoginIdKind},
    project::PromotionConflict,
};
use vestibule_protocol::form::Form;
use vestibule_web::{
    elapsed::Elapsed,
    field::{LoginIdChoice, PasswordField, Steps},
    field_problem::FieldProblem,
    page::Page,
    passkey::{Ceremony, PasskeyCeremony},
};

use super::{Scene, View};
use crate::{
    consent::ConsentPage,
    flow::{
        continue_as::ContinueAsPage,
        identify::{IdentifyPage, IdentifyPurpose as UiPurpose},
        merge_page::MergePage,
        passkey_page::PasskeyPage,
        password::{ForgottenPasswordPage, PasswordPage, PasswordReason},
        promotion::{ConflictPage, HaveAccountPage},
        verify_code::{CodePurpose, Resend, VerifyCodePage},
    },
    messages::{channel, consent_scopes, describe_login_id_problem, new_password_field, ui_kind, whole_seconds},
};

/// The input of a page that is shown again, with its errors.
pub(super) struct SubmittedForm<'a> {
    pub(super) form: &'a Form,
    pub(super) errors: &'a InputErrors,
}

impl SubmittedForm<'_> {
    fn field(&self, name: &str) -> &str {
        self.form.get(name).ok().flatten().unwrap_or_default()
    }
}

impl Scene {
    /// The page of a URL of the flow, or the one its state requires if that URL is not possible now.
    pub(super) fn page_of(&self, view: View, kind: Option<LoginIdKind>) -> Box<dyn Page> {
        let state = &self.flow.state;
        let attempt = state.attempt.as_ref();
        if state.awaits_consent.is_some() {
            return Box::new(self.consent_page());
        }
        if let Some(awaited) = &state.awaits_merge {
            return Box::new(self.merge_page(awaited));
        }
        match view {
            View::Start if state.offered_user.is_none() => self.first_page_of_all(kind),
            View::Identify if state.only_user.is_none() => Box::new(self.identify_page(kind, None)),
            View::Login if sign_in::may_open_taken(&self.visit.project, &self.flow) => Box::new(self.open_taken_page()),
            View::Login => Box::new(self.login_page(kind, None)),
            View::Password if attempt.is_some() => Box::new(self.password_page(false)),
            View::UseCode if attempt.is_some() => Box::new(self.use_code_page(None)),
            View::LoginCode if attempt.is_some_and(|attempt| attempt.code.is_some()) => {
                Box::new(self.login_code_page(None))
            }
            View::Forgotten => Box::new(self.forgotten_page(kind, None)),
            View::NewPassword if attempt.is_some_and(|attempt| attempt.proved_at.is_some()) => {
                Box::new(self.new_password_page(None, &Assessment::default()))
            }
            View::HaveAccount => Box::new(HaveAccountPage {
                login_href: self.at(View::Login),
                merges: self.merges(),
                back_href: self.at(View::Identify),
                cancel_href: self.cancel_href(),
            }),
            View::Current
            | View::Start
            | View::Identify
            | View::Code
            | View::NewPasskey
            | View::SkipPasskey
            | View::PasskeyAlone
            | View::Password
            | View::UseCode
            | View::LoginCode
            | View::NewPassword
            | View::Passkey
            | View::Provider
            | View::Continue
            | View::Merge
            | View::Consent
            | View::Cancel => self.current_page(),
        }
    }

    /// The page that the flow's state requires.
    pub(super) fn current_page(&self) -> Box<dyn Page> {
        let state = &self.flow.state;
        if state.awaits_consent.is_some() {
            return Box::new(self.consent_page());
        }
        if let Some(awaited) = &state.awaits_merge {
            return Box::new(self.merge_page(awaited));
        }
        if state.offered_user.is_some() {
            return Box::new(self.continue_page());
        }
        if let Some(attempt) = &state.attempt {
            return match (&attempt.code, attempt.proved_at, attempt.goal) {
                (Some(_), _, _) => Box::new(self.login_code_page(None)),
                (None, Some(_), Goal::Recover) => Box::new(self.new_password_page(None, &Assessment::default())),
                (None, Some(_) | None, Goal::Login) | (None, None, Goal::Recover) => {
                    Box::new(self.password_page(false))
                }
            };
        }
        match &state.pending {
            Some(pending) if pending.taken => Box::new(self.conflict_page(&pending.login_id)),
            Some(pending) if pending.code.is_some() => Box::new(self.code_page(None)),
            Some(_) if steps::passkey_step(&self.visit.project, &self.flow).is_some() => {
                Box::new(self.new_passkey_page())
            }
            // Whatever the user did after it came first.
            Some(_) | None => match self.provider_page() {
                Some(page) => Box::new(page),
                None => self.first_page_of_all(None),
            },
        }
    }

    fn first_page_of_all(&self, kind: Option<LoginIdKind>) -> Box<dyn Page> {
        match self.flow.state.purpose {
            FlowPurpose::Login => Box::new(self.login_page(kind, None)),
            FlowPurpose::Promote { .. } | FlowPurpose::SignUp => Box::new(self.identify_page(kind, None)),
        }
    }

    pub(super) fn identify_page(&self, kind: Option<LoginIdKind>, typed: Option<&SubmittedForm<'_>>) -> IdentifyPage {
        let settings = &self.visit.project.settings;
        let (purpose, leads) = match (self.flow.state.purpose, self.flow.state.guest()) {
            (FlowPurpose::Promote { .. }, _) => (UiPurpose::Promote, View::HaveAccount),
            (FlowPurpose::SignUp | FlowPurpose::Login, Some(_)) => (UiPurpose::Promote, View::Login),
            (FlowPurpose::SignUp | FlowPurpose::Login, None) => (UiPurpose::SignUp, View::Login),
        };
        let (mut page, kind) = self.first_page(purpose, View::Identify, settings.login_id_kinds(), kind, typed);
        if login_methods::new_login_method(settings, kind) == NewLoginMethod::Password && !page.kinds.is_empty() {
            let nothing = Assessment::default();
            let (password, found) =
                typed.map_or(("", &nothing), |typed| (typed.field("password"), &typed.errors.password));
            page.password = Some(new_password_field(settings.password_policy().min_length, password, found));
        }
        if self.may_join_by_passkey_alone() {
            page.passkey = Some(self.create_ceremony(View::PasskeyAlone));
        }
        page.providers = self.provider_buttons(Intent::Join);
        page.have_account_href = Some(self.at(leads));
        page.from_elsewhere = self.flow.state.from_elsewhere;
        page.steps = (!page.kinds.is_empty()).then(|| self.steps(kind, 1)).flatten();
        page
    }

    fn steps(&self, kind: LoginIdKind, current: u8) -> Option<Steps> {
        let settings = &self.visit.project.settings;
        let offered = steps::offers_passkey(settings) && !self.flow.state.passkey_skipped;
        let passkey = u8::from(offered || login_methods::new_login_method(settings, kind) == NewLoginMethod::Passkey);
        let total = 1 + u8::from(login_methods::needs_proof(settings, kind)) + passkey;
        (total > 1).then_some(Steps { current, total })
    }

    pub(super) fn login_page(&self, kind: Option<LoginIdKind>, typed: Option<&SubmittedForm<'_>>) -> IdentifyPage {
        let settings = &self.visit.project.settings;
        let kinds = login_methods::login_kinds(settings);
        let (mut page, kind) = self.first_page(UiPurpose::Login, View::Login, kinds, kind, typed);
        let (password, code) = (login_methods::has_password(settings, kind), login_methods::has_code(settings, kind));
        if password && !code && !page.kinds.is_empty() {
            let mut field = PasswordField::current();
            if typed.is_some_and(|typed| typed.errors.wrong_credentials) {
                field = field.with_error(FieldProblem::CredentialsWrong { kind: ui_kind(kind) });
            }
            page.password = Some(field);
        }
        if password && !login_methods::recovery_kinds(settings).is_empty() {
            page.forgot_href = Some(self.at(View::Forgotten));
        }
        if login_methods::has_passkeys(settings) {
            page.passkey = Some(self.use_ceremony());
        }
        page.providers = self.provider_buttons(Intent::SignIn);
        page.linking = self.linking();
        let may_join = !settings.public_signup_disabled() || self.flow.state.guest().is_some();
        if may_join && self.flow.state.only_user.is_none() {
            page.create_account_href = Some(self.at(View::Identify));
        }
        page
    }

    fn first_page(
        &self,
        purpose: UiPurpose,
        view: View,
        kinds: Vec<LoginIdKind>,
        kind: Option<LoginIdKind>,
        typed: Option<&SubmittedForm<'_>>,
    ) -> (IdentifyPage, LoginIdKind) {
        let state = &self.flow.state;
        let kinds = self.narrow(kinds);
        let pending = state.pending.as_ref().map(|pending| (pending.login_id.kind, pending.login_id.original.clone()));
        let suggested = pending.or_else(|| state.prefill.clone());
        let posted = typed.map(|typed| typed.field("login_id").to_string());
        let posted_kind = typed.and_then(|typed| LoginIdKind::from_name(typed.field("login_id_kind")));
        let wanted = [kind, posted_kind, suggested.as_ref().map(|(kind, _)| *kind)].into_iter().flatten();
        let kind = wanted.chain(kinds.first().copied()).find(|kind| kinds.contains(kind)).unwrap_or(LoginIdKind::Email);
        let mut page = IdentifyPage::new(purpose, self.at(view), ui_kind(kind));
        page.kinds = self.choices(&kinds, view);
        page.value = posted.or(suggested.filter(|(of, _)| *of == kind).map(|(_, value)| value)).unwrap_or_default();
        if let Some(enforced) = &state.enforced {
            page.value = enforced.original.clone();
            page.fixed = true;
        }
        if let Some((of, login_id)) = state.masked_login_id()
            && of == kind
        {
            let country = self.visit.project.settings.default_country();
            page.value = LoginId::parse(kind, login_id, country).map_or_else(|_| String::new(), |own| own.mask());
            page.fixed = true;
        }
        page.value_error = typed.and_then(|typed| describe_login_id_problem(typed.errors, kind));
        page.cancel_href = self.cancel_href();
        (page, kind)
    }

    fn choices(&self, kinds: &[LoginIdKind], view: View) -> Vec<LoginIdChoice> {
        let choice = |kind: &LoginIdKind| LoginIdChoice {
            kind: ui_kind(*kind),
            href: format!("{}?kind={}", self.at(view), kind.as_str()),
        };
        kinds.iter().map(choice).collect()
    }

    fn create_ceremony(&self, view: View) -> PasskeyCeremony {
        let options_json = passkey::creation_options(&self.visit.project, &self.flow);
        PasskeyCeremony { ceremony: Ceremony::Create, options_json, action: self.at(view) }
    }

    fn use_ceremony(&self) -> PasskeyCeremony {
        let options_json = passkey::request_options(&self.visit.project, &self.flow);
        PasskeyCeremony { ceremony: Ceremony::Use, options_json, action: self.at(View::Passkey) }
    }

    /// Of these kinds, the enforced one, or all.
    pub(super) fn narrow(&self, mut kinds: Vec<LoginIdKind>) -> Vec<LoginIdKind> {
        if let Some(enforced) = &self.flow.state.enforced {
            kinds.retain(|kind| *kind == enforced.kind);
        }
        kinds
    }

    /// Whether only a passkey is enough: not where the app enforces a login ID.
    pub(super) fn may_join_by_passkey_alone(&self) -> bool {
        self.visit.project.settings.passkey_identity_enabled() && self.flow.state.enforced.is_none()
    }

    pub(super) fn new_passkey_page(&self) -> PasskeyPage {
        let is_offer = steps::passkey_step(&self.visit.project, &self.flow) == Some(PasskeyStep::Offered);
        PasskeyPage {
            passkey: self.create_ceremony(View::NewPasskey),
            skip_action: is_offer.then(|| self.at(View::SkipPasskey)),
            other_href: None,
            cancel_href: self.cancel_href(),
        }
    }

    pub(super) fn code_page(&self, error: Option<FieldProblem>) -> VerifyCodePage {
        let pending = self.flow.state.pending.as_ref();
        let login_id = pending.map(|pending| &pending.login_id);
        let mut page = self.page_for_code(CodePurpose::Verify, login_id, View::Code, error);
        page.resend = self.resend_of(pending.and_then(|pending| pending.code.as_ref()));
        page.back_href = Some(self.at(View::Identify));
        page.steps = login_id.and_then(|login_id| self.steps(login_id.kind, 2));
        page
    }

    pub(super) fn login_code_page(&self, error: Option<FieldProblem>) -> VerifyCodePage {
        let attempt = self.flow.state.attempt.as_ref();
        let purpose = match attempt.map(|attempt| attempt.goal) {
            Some(Goal::Recover) => CodePurpose::Recover,
            Some(Goal::Login) | None => CodePurpose::Login,
        };
        let login_id = attempt.map(|attempt| &attempt.login_id);
        let mut page = self.page_for_code(purpose, login_id, View::LoginCode, error);
        page.resend = self.resend_of(attempt.and_then(|attempt| attempt.code.as_ref()));
        let back = if purpose == CodePurpose::Recover { View::Forgotten } else { View::Login };
        page.back_href = Some(self.at(back));
        page
    }

    fn page_for_code(
        &self,
        purpose: CodePurpose,
        login_id: Option<&LoginId>,
        view: View,
        error: Option<FieldProblem>,
    ) -> VerifyCodePage {
        let destination = login_id.map(|login_id| self.flow.state.show(login_id)).unwrap_or_default();
        let channel = channel(login_id.map_or(LoginIdKind::Email, |login_id| login_id.kind));
        let mut page = VerifyCodePage::new(purpose, channel, destination, self.at(view));
        page.error = error.map(|problem| problem.text());
        page.cancel_href = self.cancel_href();
        page
    }

    fn resend_of(&self, code: Option<&CodeState>) -> Resend {
        code.map_or(Resend::Never, |code| match may_resend(code, self.visit.now) {
            ResendDecision::Allowed => Resend::Now,
            ResendDecision::Later { retry_after } => Resend::After(whole_seconds(retry_after)),
            ResendDecision::Exhausted => Resend::Never,
        })
    }

    /// The provider whose account the sign-in connects.
    fn linking(&self) -> Option<String> {
        let linking = self.flow.state.linking.as_ref();
        linking.filter(|linking| linking.is_open(&self.visit.project.settings)).map(|linking| linking.provider.clone())
    }

    pub(super) fn conflict_page(&self, login_id: &LoginId) -> ConflictPage {
        ConflictPage {
            login_id: login_id.original.clone(),
            merges: self.merges(),
            login_href: self.at(View::Login),
            another_href: self.at(View::Identify),
            linking: self.linking(),
            cancel_href: self.cancel_href(),
        }
    }

    /// Whether the visitor can bring the guest's things along.
    fn merges(&self) -> bool {
        self.visit.project.settings.promotion_conflict() == PromotionConflict::Merge
    }

    fn merge_page(&self, awaited: &AwaitedMerge) -> MergePage {
        let age = self.visit.now.since(awaited.guest_since).as_secs();
        let settings = self.visit.project.settings.merging();
        MergePage {
            action: self.at(View::Merge),
            person: self.offered.as_ref().and_then(|offered| offered.person.clone()),
            detail: self.offered.as_ref().and_then(|offered| offered.detail.clone()),
            begun: self.flow.state.from_elsewhere.then(|| Elapsed::from_seconds(age)),
            waits: settings.answer_time().is_some(),
            is_final: settings.undo_time().is_none(),
        }
    }

    fn open_taken_page(&self) -> ContinueAsPage {
        let pending = self.flow.state.pending.as_ref();
        ContinueAsPage {
            action: self.at(View::Continue),
            person: pending.map(|pending| pending.login_id.original.clone()),
            detail: None,
            cancel_href: self.cancel_href(),
        }
    }

    fn continue_page(&self) -> ContinueAsPage {
        ContinueAsPage {
            action: self.at(View::Continue),
            person: self.offered.as_ref().and_then(|offered| offered.person.clone()),
            detail: self.offered.as_ref().and_then(|offered| offered.detail.clone()),
            cancel_href: self.cancel_href(),
        }
    }

    fn consent_page(&self) -> ConsentPage {
        let request = &self.flow.state.request;
        let returns_to = url::Url::parse(&request.redirect_uri).ok();
        // A scheme of the application's own names no site.
        let site = returns_to.as_ref().filter(|uri| matches!(uri.scheme(), "http" | "https"));
        ConsentPage {
            action: self.at(View::Consent),
            app: self.visit.project.settings.client_name(&request.client_id).to_string(),
            site: site.and_then(|uri| uri.host_str().map(str::to_string)),
            person: self.offered.as_ref().and_then(|offered| offered.person.clone()),
            detail: self.offered.as_ref().and_then(|offered| offered.detail.clone()),
            scopes: consent_scopes(&request.scope),
        }
    }

    pub(super) fn password_page(&self, wrong: bool) -> PasswordPage {
        let settings = &self.visit.project.settings;
        let attempt = self.flow.state.attempt.as_ref();
        let reason = if self.flow.state.only_user.is_some() { PasswordReason::Confirm } else { PasswordReason::Login };
        let login_id = attempt.map(|attempt| self.flow.state.show(&attempt.login_id)).unwrap_or_default();
        let mut page = PasswordPage::new(reason, self.at(View::Password), login_id);
        let kind = attempt.map(|attempt| attempt.login_id.kind);
        page.error = kind.filter(|_| wrong).map(|kind| FieldProblem::CredentialsWrong { kind: ui_kind(kind) }.text());
        page.change_href = self.flow.state.enforced.is_none().then(|| self.at(View::Login));
        page.forgot_href = (!login_methods::recovery_kinds(settings).is_empty()).then(|| self.at(View::Forgotten));
        page.code_href = kind.filter(|kind| login_methods::has_code(settings, *kind)).map(|_| self.at(View::UseCode));
        page.passkey = login_methods::has_passkeys(settings).then(|| self.use_ceremony());
        page.cancel_href = self.cancel_href();
        page
    }

    pub(super) fn use_code_page(&self, typed: Option<&SubmittedForm<'_>>) -> IdentifyPage {
        let settings = &self.visit.project.settings;
        let mut kinds = login_methods::login_kinds(settings);
        kinds.retain(|kind| login_methods::has_code(settings, *kind));
        let attempt = self.flow.state.attempt.as_ref().map(|attempt| &attempt.login_id);
        let kind = attempt.map(|login_id| login_id.kind);
        let (mut page, _) = self.first_page(UiPurpose::Login, View::UseCode, kinds, kind, typed);
        if let (Some(login_id), None, false) = (attempt, typed, page.fixed) {
            page.value = login_id.original.clone();
        }
        page
    }

    pub(super) fn forgotten_page(
        &self,
        kind: Option<LoginIdKind>,
        typed: Option<&SubmittedForm<'_>>,
    ) -> ForgottenPasswordPage {
        let kinds = login_methods::recovery_kinds(&self.visit.project.settings);
        let (page, kind) = self.first_page(UiPurpose::Login, View::Forgotten, kinds, kind, typed);
        let attempt = self.flow.state.attempt.as_ref().map(|attempt| &attempt.login_id);
        let named = attempt.filter(|login_id| typed.is_none() && login_id.kind == kind && !page.fixed);
        ForgottenPasswordPage {
            action: page.action,
            kinds: page.kinds,
            kind: page.kind,
            value: named.map_or(page.value, |login_id| login_id.original.clone()),
            error: page.value_error,
            fixed: page.fixed,
            back_href: Some(self.at(View::Login)),
        }
    }
}
