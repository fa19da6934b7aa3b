//! Handles the forms of a flow's pages: each calls one step, which determines the next page.

use axum::{http::StatusCode, response::Response};
use vestibule_app::{
    account::notice::SecurityNotice,
    authorize::{cancel_redirect, issue_for_caller},
    error::Error,
    flow::{
        self, CodeMessage, Goal,
        commit::{self, Committed, CookieChange},
        consent::{self, ConsentDecision, Continuation, Decided},
        external, login_methods, merging, passkey,
        prepare::{Achievement, Browser},
        sign_in::{self, LoginCode, LoginProof, SignIn},
        steps::{self, CodeOutcome, Identification, PasskeyStep, StepOutcome},
    },
    known_devices::{self, KnownAccount},
    messages::Message,
};
use vestibule_domain::{credential::otp::ResendDecision, identifier::LoginIdKind, merge::MergeChoice, secret::Secret};
use vestibule_protocol::form::Form;
use vestibule_web::{
    cookies, error, field_problem::FieldProblem, notice::NoticeKind, page::Page, user_agent::device_name,
};

use super::{Scene, View, show::SubmittedForm};
use crate::{
    end_pages::{ErrorKind, TooManyTriesPage},
    error_page,
    flow::promotion::AlreadyPromotedPage,
    flow_error_in, link_to_app,
    messages::{MessageWriter, describe_code_problem, whole_seconds},
    see_other, to_app,
};

fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).ok().flatten().unwrap_or_default()
}

/// Sets the cookie of a new session.
impl Scene {
    /// The response of a flow that signed its user in: sets the cookies of the session and of the known device.
    fn signed_in(&self, mut response: Response, session_cookie: CookieChange, account: KnownAccount) -> Response {
        let visit = &self.visit;
        if let Some(value) = known_devices::renew_for_user(&visit.ctx(), &self.flow.known_devices, account) {
            cookies::set_known_device(response.headers_mut(), &visit.project, &value);
        }
        match session_cookie {
            CookieChange::Stays => {}
            CookieChange::Set(cookie) => cookies::set_session(response.headers_mut(), &visit.project, &cookie),
            CookieChange::Removed => cookies::forget_session(response.headers_mut(), &visit.project),
        }
        response
    }

    /// Handles a form that was sent to one of the flow's URLs.
    pub(super) async fn act(&mut self, view: View, form: &Form) -> Response {
        let result = match view {
            View::Identify => self.identify(form).await,
            View::Code if field(form, "action") == "resend" => self.resend(view).await,
            View::Code => self.verify(field(form, "code")).await,
            View::SkipPasskey => self.skip_passkey().await,
            View::NewPasskey | View::PasskeyAlone => self.join_with_passkey(view, field(form, "credential")).await,
            View::Login => self.log_in(form).await,
            View::Password => self.try_password(form).await,
            View::UseCode => self.ask_for_code(form, Goal::Login).await,
            View::Forgotten => self.ask_for_code(form, Goal::Recover).await,
            View::LoginCode if field(form, "action") == "resend" => self.resend(view).await,
            View::LoginCode => self.try_login_code(field(form, "code")).await,
            View::NewPassword => self.choose_password(form).await,
            View::Passkey => self.use_passkey(field(form, "credential")).await,
            View::Continue => self.go_on(field(form, "action")).await,
            View::Provider => self.choose_provider(form).await,
            View::Merge => self.decide_merge(field(form, "action")).await,
            View::Consent => self.decide_consent(field(form, "action")).await,
            // These views have no form.
            View::HaveAccount | View::Start | View::Cancel | View::Current => Ok(self.go(View::Current)),
        };
        result.unwrap_or_else(|error| self.fail(view, &error))
    }

    /// A final error; for a limit, it says when and how to try again.
    pub(super) fn fail(&self, view: View, problem: &Error) -> Response {
        let (Error::RateLimited(_), Some(wait)) = (problem, error::retry_after(problem)) else {
            return flow_error_in(&self.visit, &self.headers, Some(&self.flow.state.request), problem);
        };
        error::log(&self.visit, problem);
        let page = TooManyTriesPage {
            retry_after_seconds: whole_seconds(wait),
            retry_href: Some(self.at(view)),
            cancel_href: self.cancel_href(),
        };
        error::with_retry_after(self.render(StatusCode::TOO_MANY_REQUESTS, None, &page), Some(wait))
    }

    pub(super) fn again(&self, page: &dyn Page) -> Response {
        self.render(StatusCode::UNPROCESSABLE_ENTITY, None, page)
    }

    /// The form's input; a login ID that the app enforces replaces the one in the form.
    fn read(&self, form: &Form, kinds: &[LoginIdKind]) -> Identification {
        let password = Secret::new(field(form, "password").to_string());
        if let Some(enforced) = &self.flow.state.enforced {
            return Identification { kind: enforced.kind, login_id: enforced.original.clone(), password };
        }
        let kind = LoginIdKind::from_name(field(form, "login_id_kind")).filter(|kind| kinds.contains(kind));
        let kind = kind.or_else(|| kinds.first().copied()).unwrap_or(LoginIdKind::Email);
        let masked = self.flow.state.masked_login_id().filter(|(of, _)| *of == kind);
        let login_id = masked.map_or_else(|| field(form, "login_id"), |(_, login_id)| login_id).to_string();
        Identification { kind, login_id, password }
    }

    /// Checks that joining is allowed: a guest may join even if sign-up is closed.
    fn check_joining(&self) -> Result<(), Error> {
        let closed = self.visit.project.settings.public_signup_disabled() && self.flow.state.guest().is_none();
        if closed || self.flow.state.only_user.is_some() { Err(Error::PublicSignUpDisabled) } else { Ok(()) }
    }

    async fn identify(&mut self, form: &Form) -> Result<Response, Error> {
        self.check_joining()?;
        let kinds = self.narrow(self.visit.project.settings.login_id_kinds());
        if kinds.is_empty() {
            return Ok(self.go(View::Current));
        }
        let input = self.read(form, &kinds);
        let (visit, writer) = (self.visit.clone(), self.writer());
        let write = |message: &CodeMessage<'_>| -> Message { writer.compose(message) };
        // A user who joins has declined the offered account and earlier attempts.
        self.flow.state.offered_user = None;
        self.flow.state.attempt = None;
        self.flow.state.external = None;
        let step = steps::identify(&visit.ctx(), &mut self.flow, input, &write).await?;
        Ok(match step {
            StepOutcome::Invalid(errors) => {
                self.again(&self.identify_page(None, Some(&SubmittedForm { form, errors: &errors })))
            }
            StepOutcome::Next | StepOutcome::Stale => self.go(View::Current),
            StepOutcome::Ready => self.commit(Achievement::Joined(None)).await?,
        })
    }

    async fn verify(&mut self, typed: &str) -> Result<Response, Error> {
        if typed.trim().is_empty() {
            return Ok(self.again(&self.code_page(Some(FieldProblem::CodeMissing))));
        }
        let visit = self.visit.clone();
        let mut outcome = steps::try_code(&visit.ctx(), &mut self.flow, typed).await?;
        if matches!(outcome, CodeOutcome::Stale) {
            // The same form, sent twice at once: the other request may have accepted the code and not committed yet.
            self.reload().await?;
            if !self.flow.state.finished {
                outcome = steps::try_code(&visit.ctx(), &mut self.flow, typed).await?;
            }
        }
        Ok(match outcome {
            CodeOutcome::Ready => self.commit(Achievement::Joined(None)).await?,
            CodeOutcome::Next => self.go(View::Current),
            CodeOutcome::Stale => self.go_on_elsewhere().await?,
            CodeOutcome::Refused(decision) => self.again(&self.code_page(Some(describe_code_problem(decision)))),
        })
    }

    async fn resend(&mut self, view: View) -> Result<Response, Error> {
        let (visit, writer) = (self.visit.clone(), self.writer());
        let write = |message: &CodeMessage<'_>| -> Message { writer.compose(message) };
        let flow = &mut self.flow;
        let decision = if view == View::Code {
            steps::resend(&visit.ctx(), flow, &write).await?
        } else {
            sign_in::resend(&visit.ctx(), flow, &write).await?
        };
        let Some(decision) = decision else { return Ok(self.go(View::Current)) };
        let notice = match decision {
            ResendDecision::Allowed => NoticeKind::CodeSent,
            ResendDecision::Later { .. } | ResendDecision::Exhausted => NoticeKind::CodeTooSoon,
        };
        let page = if view == View::Code { self.code_page(None) } else { self.login_code_page(None) };
        Ok(self.render(StatusCode::OK, Some(notice), &page))
    }

    async fn join_with_passkey(&mut self, view: View, answer: &str) -> Result<Response, Error> {
        self.check_joining()?;
        let project = &self.visit.project;
        let alone = view == View::PasskeyAlone;
        let open =
            if alone { self.may_join_by_passkey_alone() } else { steps::passkey_step(project, &self.flow).is_some() };
        if !open {
            return Ok(self.go(View::Current));
        }
        let Some(made) = passkey::read_new(project, &self.flow, answer) else { return Ok(self.passkey_failed()) };
        self.flow.state.external = None;
        if alone {
            self.flow.state.pending = None;
        }
        self.commit(Achievement::Joined(Some(made))).await
    }

    /// "Maybe later": joins without a passkey.
    async fn skip_passkey(&mut self) -> Result<Response, Error> {
        self.check_joining()?;
        if steps::passkey_step(&self.visit.project, &self.flow) != Some(PasskeyStep::Offered) {
            return Ok(self.go(View::Current));
        }
        self.flow.state.passkey_skipped = true;
        self.commit(Achievement::Joined(None)).await
    }

    fn passkey_failed(&self) -> Response {
        let page = self.current_page();
        self.render(StatusCode::UNPROCESSABLE_ENTITY, Some(NoticeKind::PasskeyFailed), page.as_ref())
    }

    async fn log_in(&mut self, form: &Form) -> Result<Response, Error> {
        let kinds = self.narrow(login_methods::login_kinds(&self.visit.project.settings));
        if kinds.is_empty() {
            return Ok(self.go(View::Login));
        }
        let input = self.read(form, &kinds);
        let (visit, writer) = (self.visit.clone(), self.writer());
        let write = |message: &CodeMessage<'_>| -> Message { writer.compose(message) };
        self.flow.state.offered_user = None;
        self.flow.state.external = None;
        let step = sign_in::log_in(&visit.ctx(), &mut self.flow, input, &write).await?;
        match step {
            SignIn::Invalid(errors) => {
                Ok(self.again(&self.login_page(None, Some(&SubmittedForm { form, errors: &errors }))))
            }
            SignIn::Next => Ok(self.go(View::Current)),
            SignIn::Stale => self.go_on_elsewhere().await,
            SignIn::Proved(proof) => self.commit(Achievement::Proved(proof)).await,
        }
    }

    async fn try_password(&mut self, form: &Form) -> Result<Response, Error> {
        let visit = self.visit.clone();
        let typed = Secret::new(field(form, "password").to_string());
        let step = sign_in::try_password(&visit.ctx(), &self.flow, typed).await?;
        match step {
            SignIn::Invalid(_) => Ok(self.again(&self.password_page(true))),
            SignIn::Next => Ok(self.go(View::Current)),
            SignIn::Stale => self.go_on_elsewhere().await,
            SignIn::Proved(proof) => self.commit(Achievement::Proved(proof)).await,
        }
    }

    async fn ask_for_code(&mut self, form: &Form, goal: Goal) -> Result<Response, Error> {
        let settings = &self.visit.project.settings;
        let mut kinds = match goal {
            Goal::Recover => login_methods::recovery_kinds(settings),
            Goal::Login => login_methods::login_kinds(settings),
        };
        if goal == Goal::Login {
            kinds.retain(|kind| login_methods::has_code(settings, *kind));
        }
        let kinds = self.narrow(kinds);
        if kinds.is_empty() {
            return Ok(self.go(View::Login));
        }
        let input = self.read(form, &kinds);
        let (visit, writer) = (self.visit.clone(), self.writer());
        let write = |message: &CodeMessage<'_>| -> Message { writer.compose(message) };
        let named = (input.kind, input.login_id.as_str());
        let step = sign_in::ask_for_code(&visit.ctx(), &mut self.flow, named, goal, &write).await?;
        Ok(match step {
            SignIn::Invalid(errors) => {
                let typed = SubmittedForm { form, errors: &errors };
                match goal {
                    Goal::Login => self.again(&self.use_code_page(Some(&typed))),
                    Goal::Recover => self.again(&self.forgotten_page(None, Some(&typed))),
                }
            }
            SignIn::Next | SignIn::Stale => self.go(View::Current),
            SignIn::Proved(proof) => self.commit(Achievement::Proved(proof)).await?,
        })
    }

    async fn try_login_code(&mut self, typed: &str) -> Result<Response, Error> {
        if typed.trim().is_empty() {
            return Ok(self.again(&self.login_code_page(Some(FieldProblem::CodeMissing))));
        }
        let visit = self.visit.clone();
        let outcome = sign_in::try_code(&visit.ctx(), &mut self.flow, typed).await?;
        match outcome {
            LoginCode::Proved(proof) => self.commit(Achievement::Proved(proof)).await,
            LoginCode::Next => Ok(self.go(View::Current)),
            LoginCode::Stale => self.go_on_elsewhere().await,
            LoginCode::Refused(decision) => {
                Ok(self.again(&self.login_code_page(Some(describe_code_problem(decision)))))
            }
        }
    }

    async fn use_passkey(&mut self, answer: &str) -> Result<Response, Error> {
        if !login_methods::has_passkeys(&self.visit.project.settings) {
            return Ok(self.go(View::Current));
        }
        let visit = self.visit.clone();
        let step = passkey::sign_in(&visit.ctx(), &self.flow, answer).await?;
        match step {
            SignIn::Proved(proof) => self.commit(Achievement::Proved(proof)).await,
            SignIn::Invalid(_) | SignIn::Next | SignIn::Stale => {
                let page = self.login_page(None, None);
                Ok(self.render(StatusCode::UNPROCESSABLE_ENTITY, Some(NoticeKind::PasskeyFailed), &page))
            }
        }
    }

    /// "Continue", or "use another account".
    async fn go_on(&mut self, action: &str) -> Result<Response, Error> {
        let visit = self.visit.clone();
        if action != "continue" {
            // Discard the taken login ID.
            self.flow.state.pending = None;
            flow::start_over(&visit.ctx(), &mut self.flow).await?;
            return Ok(self.go(View::Current));
        }
        if let Some(wanted) = self.flow.state.offered_user {
            let resolution = self.cookies.resolve(&visit).await?;
            let Some(caller) = resolution.live().filter(|caller| caller.user.id == wanted) else {
                return Ok(self.go(View::Current));
            };
            return match consent::go_on(&visit.ctx(), &mut self.flow, caller).await? {
                Continuation::Issue => {
                    let redirect = issue_for_caller(&visit.ctx(), &self.flow.state.request, caller).await?;
                    Ok(to_app(&visit, &redirect))
                }
                Continuation::Ask => Ok(self.go(View::Consent)),
                Continuation::Elsewhere => Ok(self.go(View::Current)),
            };
        }
        let proof: Option<LoginProof> = sign_in::open_taken(&visit.ctx(), &self.flow).await?;
        match proof {
            Some(proof) => self.commit(Achievement::Proved(Box::new(proof))).await,
            None => Ok(self.go(View::Login)),
        }
    }

    /// "Bring my things along", "sign in without them" or "cancel", for the guest.
    async fn decide_merge(&mut self, action: &str) -> Result<Response, Error> {
        let choice = match action {
            "bring" => MergeChoice::Bring,
            "leave" => MergeChoice::Leave,
            "cancel" => return Ok(self.cancel().await),
            _ => return Ok(self.go(View::Merge)),
        };
        match merging::proof_of(&self.flow) {
            Some(proof) => self.commit(Achievement::Decided(Box::new(proof), choice)).await,
            None => Ok(self.go(View::Current)),
        }
    }

    /// "Allow", or "don't allow", for a third-party application.
    async fn decide_consent(&self, action: &str) -> Result<Response, Error> {
        match action {
            "allow" => self.decide(ConsentDecision::Allow).await,
            "deny" => self.decide(ConsentDecision::Deny).await,
            _ => Ok(self.go(View::Consent)),
        }
    }

    /// Returns to the app without a result. Where the member decides about an application, that is a refusal: it ends the flow.
    pub(super) async fn cancel(&self) -> Response {
        if self.flow.state.finished {
            return self.finished();
        }
        if self.flow.state.awaits_merge.is_some() {
            return self.cancel_merge().await.unwrap_or_else(|error| self.fail(View::Merge, &error));
        }
        if self.flow.state.awaits_consent.is_none() {
            return to_app(&self.visit, &cancel_redirect(&self.flow.state.request));
        }
        self.decide(ConsentDecision::Deny).await.unwrap_or_else(|error| self.fail(View::Consent, &error))
    }

    /// Returns to the app without a result; the guest is unchanged, and the proof of the member is forgotten.
    async fn cancel_merge(&self) -> Result<Response, Error> {
        if merging::cancel(&self.visit.ctx(), &self.flow).await? {
            return Ok(to_app(&self.visit, &cancel_redirect(&self.flow.state.request)));
        }
        Ok(see_other(&self.here()))
    }

    async fn decide(&self, decision: ConsentDecision) -> Result<Response, Error> {
        let visit = &self.visit;
        let resolution = self.cookies.resolve(visit).await?;
        let decided = consent::decide(&visit.ctx(), &self.flow, resolution.live(), decision).await?;
        Ok(match decided {
            Decided::Done(redirect) => to_app(visit, &redirect),
            Decided::SignedOut => {
                let request = Some(&self.flow.state.request);
                error_page(visit, &self.headers, request, StatusCode::GONE, ErrorKind::FlowExpired)
            }
            // The flow is in the store now, where another form ended it.
            Decided::Stale => see_other(&self.here()),
        })
    }

    pub(super) async fn commit(&mut self, achievement: Achievement) -> Result<Response, Error> {
        let visit = self.visit.clone();
        let resolution = self.cookies.resolve(&visit).await?;
        let session = resolution.live().map(|caller| caller.session.clone());
        let browser = Browser { session, device: device_name(&self.headers), grant: None };
        let writer = self.writer();
        let write_notice = |to: &str, notice: &SecurityNotice| writer.write_notice(to, notice);
        let done = commit::commit(&visit.ctx(), &self.flow, achievement, browser, &write_notice).await?;
        Ok(match done {
            Committed::Done { redirect, session_cookie, account } => {
                self.signed_in(to_app(&visit, &redirect), session_cookie, account)
            }
            Committed::AsksConsent { session_cookie, account } => {
                self.signed_in(see_other(&self.at(View::Consent)), session_cookie, account)
            }
            Committed::AsksMerge => see_other(&self.at(View::Merge)),
            Committed::Taken if self.flow.state.external.is_some() => {
                external::mark_taken(&visit.ctx(), &mut self.flow).await?;
                see_other(&self.here())
            }
            // The user has proved control of the address, or no proof was required: the page may say that it is taken.
            Committed::Taken => {
                steps::mark_taken(&visit.ctx(), &mut self.flow).await?;
                self.render(StatusCode::CONFLICT, None, self.current_page().as_ref())
            }
            Committed::AlreadyPromoted => {
                let back = cancel_redirect(&self.flow.state.request);
                let page = AlreadyPromotedPage { app_href: link_to_app(&visit.project, &back) };
                self.render(StatusCode::CONFLICT, None, &page)
            }
            Committed::UserGone => {
                let request = Some(&self.flow.state.request);
                error_page(&visit, &self.headers, request, StatusCode::GONE, ErrorKind::GuestGone)
            }
            Committed::Disabled => return Err(Error::UserDisabled),
            Committed::PasskeyRefused => self.passkey_failed(),
            Committed::Outdated => {
                // Not the same proof again.
                self.flow.state.pending.take_if(|pending| pending.taken);
                flow::start_over(&visit.ctx(), &mut self.flow).await?;
                self.outdated()
            }
            Committed::Stale => self.go_on_elsewhere().await?,
        })
    }

    pub(super) fn writer(&self) -> MessageWriter {
        MessageWriter::new(&self.visit, &self.headers, Some(&self.flow.state.request))
    }
}
