//! The pages of promotion, sign-up and login: shows where the person is, takes what it does.

use std::time::Duration;

use axum::{
    extract::{Path, Request},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use vestibule_domain::{
    credential::{
        otp::{OtpDecision, ResendDecision, may_resend},
        password::Weakness,
    },
    id::{FlowId, SessionId},
    identifier::{IdentifierProblem, LoginIdKind, email::EmailProblem, phone::PhoneProblem, username::UsernameProblem},
    project::PromotionConflict,
    secret::Secret,
};
use vestibule_protocol::form::Form;

use super::{Frame, context, device_name, error_page, flow_error, link_to_app, render, to_app};
use crate::{
    flows::{
        authorize::cancel_redirect,
        page_flow::{
            self, Flow, FlowProblem, Purpose,
            commit::{self, Browser, Committed},
            steps::{self, CodeOutcome, Identification, Mistakes, Step},
        },
    },
    http::{body, cookies, error, visit::Visit},
    ports::mailer::Mail,
    ui::{
        AlreadyPromotedPage, Channel, CodePurpose, Complaint, ConflictPage, ErrorKind, HaveAccountPage, IdentifyPage,
        LoginIdChoice, NoticeKind, Page, PasswordField, Purpose as UiPurpose, Resend, Steps, Strength, VerifyCodePage,
    },
};

/// One request to a flow's pages, with its flow loaded.
struct Scene {
    visit: Visit,
    headers: HeaderMap,
    browser: String,
    flow: Flow,
}

/// `GET /flow/{id}`
pub(crate) async fn show(visit: Visit, Path(id): Path<String>, request: Request) -> Response {
    let query = Form::parse_query(request.uri().query().unwrap_or_default()).ok();
    let view = query.as_ref().and_then(|query| query.get("view").ok().flatten()).unwrap_or_default().to_string();
    let kind = query.as_ref().and_then(|query| query.get("kind").ok().flatten()).and_then(LoginIdKind::from_name);
    let scene = match open(visit, &id, request.headers()).await {
        Ok(scene) => scene,
        Err(response) => return response,
    };
    scene.show(&view, kind)
}

/// `GET /flow/{id}/cancel`
pub(crate) async fn cancel(visit: Visit, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match open(visit, &id, &headers).await {
        Ok(scene) => to_app(&scene.visit, &cancel_redirect(&scene.flow.state.request)),
        Err(response) => response,
    }
}

/// `POST /flow/{id}`
pub(crate) async fn act(visit: Visit, Path(id): Path<String>, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = match body::read(&visit, request).await {
        Ok(body) => body,
        Err(_) => return error_page(&visit, &headers, None, StatusCode::PAYLOAD_TOO_LARGE, ErrorKind::TooLarge),
    };
    let form = match body.form() {
        Ok(form) => form,
        Err(problem) => return error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    let mut scene = match open(visit, &id, &headers).await {
        Ok(scene) => scene,
        Err(response) => return response,
    };
    let field = |name| form.get(name).ok().flatten().unwrap_or_default();
    if !scene.is_own_form(field("_csrf")) {
        return scene.render(StatusCode::FORBIDDEN, Some(NoticeKind::FormExpired), scene.current_page().as_ref());
    }
    if scene.flow.state.finished {
        return scene.finished();
    }
    match field("action") {
        "verify" => scene.verify(field("code")).await,
        "resend" => scene.resend().await,
        "login" => scene.log_in(&form).await,
        _ => scene.identify(&form).await,
    }
}

async fn open(visit: Visit, id: &str, headers: &HeaderMap) -> Result<Scene, Response> {
    let Ok(id) = id.parse::<FlowId>() else {
        return Err(error_page(&visit, headers, None, StatusCode::NOT_FOUND, ErrorKind::NotFound));
    };
    let jar = cookies::Jar::read(headers);
    let browser = jar.get(&cookies::Names::of(&visit.project).flow).map(str::to_string);
    let loaded = page_flow::load(&visit.app, &visit.project, id, browser.as_deref(), visit.now).await;
    match (loaded, browser) {
        (Ok(Ok(flow)), Some(browser)) => Ok(Scene { visit, headers: headers.clone(), browser, flow }),
        (Ok(Err(FlowProblem::Expired)), _) => {
            Err(error_page(&visit, headers, None, StatusCode::GONE, ErrorKind::FlowExpired))
        }
        (Ok(_), _) => Err(error_page(&visit, headers, None, StatusCode::FORBIDDEN, ErrorKind::CookiesBlocked)),
        (Err(error), _) => Err(flow_error(&visit, headers, &error)),
    }
}

impl Scene {
    fn is_own_form(&self, token: &str) -> bool {
        let expected = self.csrf();
        aws_lc_rs::constant_time::verify_slices_are_equal(token.as_bytes(), expected.as_bytes()).is_ok()
    }

    fn csrf(&self) -> String {
        self.visit.project.keys.mac.form_token(self.flow.id, &self.browser)
    }

    fn here(&self) -> String {
        format!("/flow/{}", self.flow.id)
    }

    fn cancel_href(&self) -> Option<String> {
        Some(format!("{}/cancel", self.here()))
    }

    fn render(&self, status: StatusCode, notice: Option<NoticeKind>, page: &dyn Page) -> Response {
        let frame = Frame { status, request: Some(&self.flow.state.request), csrf: self.csrf(), notice };
        render(&self.visit, &self.headers, frame, page)
    }

    fn show(&self, view: &str, kind: Option<LoginIdKind>) -> Response {
        if self.flow.state.finished {
            return self.finished();
        }
        let page: Box<dyn Page> = match view {
            "start" if self.flow.state.purpose == Purpose::Login => Box::new(self.login_page(kind, None)),
            "start" | "identify" => Box::new(self.identify_page(kind, None)),
            "login" => Box::new(self.login_page(kind, None)),
            "have-account" => Box::new(HaveAccountPage {
                login_href: None,
                back_href: format!("{}?view=identify", self.here()),
                cancel_href: self.cancel_href(),
            }),
            _ => self.current_page(),
        };
        self.render(StatusCode::OK, None, page.as_ref())
    }

    fn finished(&self) -> Response {
        let app_href = self.app_home();
        self.render(StatusCode::OK, None, &AlreadyPromotedPage { app_href })
    }

    /// Where the app lives, as far as its redirect URI tells: without the answer, which was given already.
    fn app_home(&self) -> Option<String> {
        let request = &self.flow.state.request;
        let client = self.visit.project.settings.client(&request.client_id)?;
        client.client_uri.clone().or_else(|| Some(request.redirect_uri.clone()))
    }

    /// The page the flow's state asks for.
    fn current_page(&self) -> Box<dyn Page> {
        match (&self.flow.state.pending, self.flow.state.purpose) {
            (Some(pending), _) if pending.taken => Box::new(self.conflict_page(&pending.original)),
            (Some(pending), _) if pending.code.is_some() => Box::new(self.code_page(None)),
            (_, Purpose::Login) => Box::new(self.login_page(None, None)),
            (_, Purpose::Promote { .. } | Purpose::SignUp) => Box::new(self.identify_page(None, None)),
        }
    }

    fn identify_page(&self, kind: Option<LoginIdKind>, typed: Option<(&Form, &Mistakes)>) -> IdentifyPage {
        let (purpose, leads) = match self.flow.state.purpose {
            Purpose::Promote { .. } => (UiPurpose::Promote, "have-account"),
            Purpose::SignUp | Purpose::Login => (UiPurpose::SignUp, "login"),
        };
        let mut page = self.first_page(purpose, kind, typed);
        let min_length = u32::try_from(self.visit.project.settings.password_policy().min_length).unwrap_or(u32::MAX);
        let mut field = PasswordField::new(min_length);
        if let Some((form, mistakes)) = typed {
            let password = form.get("password").ok().flatten().unwrap_or_default();
            if let Some(weakness) = mistakes.password.first() {
                field = field.with_error(complaint_of_password(*weakness, password));
                field.strength = (!password.is_empty()).then(|| strength(password));
            }
        }
        page.password = Some(field);
        page.have_account_href = Some(format!("{}?view={leads}", self.here()));
        page.steps = self
            .visit
            .project
            .settings
            .verification_enabled(LoginIdKind::Email)
            .then_some(Steps { current: 1, total: 2 });
        page
    }

    fn login_page(&self, kind: Option<LoginIdKind>, typed: Option<(&Form, &Mistakes)>) -> IdentifyPage {
        let mut page = self.first_page(UiPurpose::Login, kind, typed);
        let mut field = PasswordField::current();
        if typed.is_some_and(|(_, mistakes)| mistakes.wrong_credentials) {
            field = field.with_error(Complaint::CredentialsWrong);
        }
        page.password = Some(field);
        page.create_account_href = Some(format!("{}?view=identify", self.here()));
        page
    }

    fn first_page(
        &self,
        purpose: UiPurpose,
        kind: Option<LoginIdKind>,
        typed: Option<(&Form, &Mistakes)>,
    ) -> IdentifyPage {
        let kinds: Vec<LoginIdKind> = self
            .visit
            .project
            .settings
            .login_id_kinds()
            .into_iter()
            .filter(|kind| *kind == LoginIdKind::Email)
            .collect();
        let state = &self.flow.state;
        let suggested = state.pending.as_ref().map(|pending| (pending.kind, pending.original.clone()));
        let suggested = suggested.or_else(|| state.prefill.clone());
        let posted = typed.map(|(form, _)| form.get("login_id").ok().flatten().unwrap_or_default().to_string());
        let kind = kind.or_else(|| suggested.as_ref().map(|(kind, _)| *kind)).or_else(|| kinds.first().copied());
        let kind = kind.unwrap_or(LoginIdKind::Email);
        let mut page = IdentifyPage::new(purpose, self.here(), ui_kind(kind));
        page.kinds = kinds
            .iter()
            .map(|kind| LoginIdChoice {
                kind: ui_kind(*kind),
                href: format!("{}?view=identify&kind={}", self.here(), kind.as_str()),
            })
            .collect();
        let suggested = suggested.filter(|(of, _)| *of == kind).map(|(_, value)| value);
        page.value = posted.or(suggested).unwrap_or_default();
        page.value_error =
            typed.and_then(|(_, mistakes)| mistakes.login_id.as_ref()).map(|e| complaint_of_login_id(*e).text());
        page.cancel_href = self.cancel_href();
        page
    }

    fn code_page(&self, error: Option<Complaint>) -> VerifyCodePage {
        let pending = self.flow.state.pending.as_ref();
        let destination = pending.map(|pending| pending.original.clone()).unwrap_or_default();
        let mut page = VerifyCodePage::new(CodePurpose::Verify, Channel::Email, destination, self.here());
        page.error = error.map(|complaint| complaint.text());
        page.resend =
            pending.and_then(|pending| pending.code.as_ref()).map_or(Resend::Never, |code| {
                match may_resend(code, self.visit.now) {
                    ResendDecision::Allowed => Resend::Now,
                    ResendDecision::Later { retry_after } => Resend::After(whole_seconds(retry_after)),
                    ResendDecision::Exhausted => Resend::Never,
                }
            });
        page.back_href = Some(format!("{}?view=identify", self.here()));
        page.cancel_href = self.cancel_href();
        page.steps = Some(Steps { current: 2, total: 2 });
        page
    }

    fn conflict_page(&self, login_id: &str) -> ConflictPage {
        let login = self.visit.project.settings.promotion_conflict() == PromotionConflict::Login;
        ConflictPage {
            login_id: login_id.to_string(),
            login_href: login.then(|| format!("{}?view=login", self.here())),
            another_href: format!("{}?view=identify", self.here()),
            cancel_href: self.cancel_href(),
        }
    }

    fn read(&self, form: &Form) -> Identification {
        let field = |name| form.get(name).ok().flatten().unwrap_or_default();
        let kinds = self.visit.project.settings.login_id_kinds();
        let kind = LoginIdKind::from_name(field("login_id_kind")).filter(|kind| kinds.contains(kind));
        Identification {
            kind: kind.or_else(|| kinds.first().copied()).unwrap_or(LoginIdKind::Email),
            login_id: field("login_id").to_string(),
            password: Secret::new(field("password").to_string()),
        }
    }

    async fn identify(&mut self, form: &Form) -> Response {
        if self.flow.state.purpose == Purpose::Login {
            return self.log_in(form).await;
        }
        if self.flow.state.purpose == Purpose::SignUp && self.visit.project.settings.public_signup_disabled() {
            return flow_error(&self.visit, &self.headers, &crate::flows::Error::PublicSignUpDisabled);
        }
        let input = self.read(form);
        let (visit, write) = (self.visit.clone(), self.mail_writer());
        let step =
            steps::identify(&visit.app, &visit.project, &mut self.flow, input, visit.ip, &write, visit.now).await;
        match step {
            Ok(Step::Mistaken(mistakes)) => {
                let page = self.identify_page(None, Some((form, &mistakes)));
                self.render(StatusCode::UNPROCESSABLE_ENTITY, None, &page)
            }
            Ok(Step::CodeSent | Step::Stale) => super::see_other(&self.here()),
            Ok(Step::Ready) => self.commit(None).await,
            Err(error) => flow_error(&self.visit, &self.headers, &error),
        }
    }

    async fn verify(&mut self, typed: &str) -> Response {
        if typed.trim().is_empty() {
            let page = self.code_page(Some(Complaint::CodeMissing));
            return self.render(StatusCode::UNPROCESSABLE_ENTITY, None, &page);
        }
        let visit = self.visit.clone();
        match steps::try_code(&visit.app, &visit.project, &mut self.flow, typed, visit.ip, visit.now).await {
            Ok(CodeOutcome::Ready) => self.commit(None).await,
            Ok(CodeOutcome::Refused(decision)) => {
                let complaint = match decision {
                    OtpDecision::Expired => Complaint::CodeExpired,
                    OtpDecision::Exhausted | OtpDecision::Wrong { tries_left: 0 } => Complaint::CodeSpent,
                    OtpDecision::Wrong { .. } | OtpDecision::Accepted => Complaint::CodeWrong,
                };
                let page = self.code_page(Some(complaint));
                self.render(StatusCode::UNPROCESSABLE_ENTITY, None, &page)
            }
            Ok(CodeOutcome::Stale) => super::see_other(&self.here()),
            Err(error) => flow_error(&self.visit, &self.headers, &error),
        }
    }

    async fn resend(&mut self) -> Response {
        let (visit, write) = (self.visit.clone(), self.mail_writer());
        match steps::resend(&visit.app, &visit.project, &mut self.flow, visit.ip, &write, visit.now).await {
            Ok(None) => super::see_other(&self.here()),
            Ok(Some(decision)) => {
                let notice = match decision {
                    ResendDecision::Allowed => NoticeKind::CodeSent,
                    ResendDecision::Later { .. } | ResendDecision::Exhausted => NoticeKind::CodeTooSoon,
                };
                self.render(StatusCode::OK, Some(notice), &self.code_page(None))
            }
            Err(error) => flow_error(&self.visit, &self.headers, &error),
        }
    }

    async fn log_in(&mut self, form: &Form) -> Response {
        if self.flow.promotes() {
            // Logging in instead of being promoted is the conflict's way, and is not open here.
            return super::see_other(&self.here());
        }
        let input = self.read(form);
        let visit = self.visit.clone();
        match steps::check_password(&visit.app, &visit.project, input, visit.ip, visit.now).await {
            Ok(Ok(user)) => {
                self.flow.state.purpose = Purpose::Login;
                self.commit(Some(user)).await
            }
            Ok(Err(mistakes)) => {
                let page = self.login_page(None, Some((form, &mistakes)));
                self.render(StatusCode::UNPROCESSABLE_ENTITY, None, &page)
            }
            Err(error) => flow_error(&self.visit, &self.headers, &error),
        }
    }

    async fn commit(&mut self, login: Option<vestibule_domain::id::UserId>) -> Response {
        let visit = self.visit.clone();
        let session = match visit.resolve(&self.headers).await {
            Ok(resolution) => resolution.live().and_then(|caller| caller.session()).map(|session| session.id),
            Err(error) => return flow_error(&visit, &self.headers, &error),
        };
        let browser = Browser { session: session as Option<SessionId>, device: device_name(&self.headers) };
        match commit::commit(&visit.app, &visit.project, &self.flow, login, browser, visit.now).await {
            Ok(Committed::Done { redirect, session_cookie }) => {
                let mut response = to_app(&visit, &redirect);
                if let Some(cookie) = session_cookie {
                    cookies::set_session(response.headers_mut(), &visit.project, &cookie);
                }
                response
            }
            Ok(Committed::Taken) => self.taken().await,
            Ok(Committed::AlreadyPromoted) => {
                let page = AlreadyPromotedPage { app_href: link_to_app(&cancel_redirect(&self.flow.state.request)) };
                self.render(StatusCode::CONFLICT, None, &page)
            }
            Ok(Committed::UserGone) => error_page(
                &visit,
                &self.headers,
                Some(&self.flow.state.request),
                StatusCode::GONE,
                ErrorKind::GuestGone,
            ),
            Ok(Committed::Stale) => super::see_other(&self.here()),
            Err(error) => flow_error(&visit, &self.headers, &error),
        }
    }

    /// The address belongs to somebody, and the person proved that it is theirs: now it may be said.
    async fn taken(&mut self) -> Response {
        let visit = self.visit.clone();
        match steps::mark_taken(&visit.app, &visit.project, &mut self.flow, visit.now).await {
            Ok(()) => self.render(StatusCode::CONFLICT, None, self.current_page().as_ref()),
            Err(error) => flow_error(&visit, &self.headers, &error),
        }
    }

    fn mail_writer(&self) -> impl Fn(&str, &str) -> Mail + Send + Sync + use<> {
        let context = context(&self.visit, &self.headers, Some(&self.flow.state.request), String::new());
        let from = self.visit.project.settings.mail.from.clone();
        move |to, code| {
            let subject = format!("{code} · {}", context.brand.name);
            let text = format!("{}: {code}\n", context.brand.name);
            let html = format!("<p>{}: <strong>{code}</strong></p>", context.brand.name);
            Mail { from: from.clone(), to: to.to_string(), subject, text, html }
        }
    }
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).unwrap_or(u32::MAX)
}

fn strength(text: &str) -> Strength {
    Strength::ALL[usize::from(vestibule_domain::credential::strength(text)).min(Strength::ALL.len() - 1)]
}

fn ui_kind(kind: LoginIdKind) -> crate::ui::LoginIdKind {
    match kind {
        LoginIdKind::Email => crate::ui::LoginIdKind::Email,
        LoginIdKind::Phone => crate::ui::LoginIdKind::Phone,
        LoginIdKind::Username => crate::ui::LoginIdKind::Username,
    }
}

fn complaint_of_login_id(problem: IdentifierProblem) -> Complaint {
    match problem {
        IdentifierProblem::Email(EmailProblem::Missing) => Complaint::EmailMissing,
        IdentifierProblem::Email(_) => Complaint::EmailInvalid,
        IdentifierProblem::Phone(PhoneProblem::Missing) => Complaint::PhoneMissing,
        IdentifierProblem::Phone(_) => Complaint::PhoneInvalid,
        IdentifierProblem::Username(UsernameProblem::Missing) => Complaint::UsernameMissing,
        IdentifierProblem::Username(UsernameProblem::Reserved) => Complaint::UsernameReserved,
        IdentifierProblem::Username(_) => Complaint::UsernameInvalid,
    }
}

fn complaint_of_password(weakness: Weakness, typed: &str) -> Complaint {
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
