//! The texts of a project's emails: a form for each language and kind, a preview in light and dark, and a test to the
//! operator's own address.

use askama::Template;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use vestibule_app::{
    adapters::mailer::Mail,
    admin::messages::{self, TestMessage},
};
use vestibule_domain::{
    client::Client,
    operator::Role,
    project::{MailPart, MailTextKind, Placeholder, ProjectSettings},
};
use vestibule_web::{
    brand::brand_of,
    context::PageColorScheme,
    locale::{Locale, Locales},
    mail::{MailContext, MailKind, server_text},
    template::finish,
    user_agent::Device,
};

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    bound_control::{BoundControl, control},
    settings_form::{self, DocumentScope, FormView, Panel, SettingsForm},
    settings_page::{Extra, SettingsFormPage},
    webhooks::TestResultLine,
};

const PATH: &str = "/portal/p/{project}/email-texts/{language}/{kind}";
/// The field of the buttons that do not save.
const ACTION: &str = "_do";

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/email-texts", Role::Viewer, open),
        PortalRoute::project(Verb::Get, PATH, Role::Viewer, show),
        PortalRoute::project(Verb::Post, PATH, Role::Editor, save),
        PortalRoute::project(
            Verb::Get,
            "/portal/p/{project}/email-texts/{language}/{kind}/preview",
            Role::Viewer,
            preview_saved,
        ),
    ]
}

/// The email of a page.
struct ChosenEmail {
    locale: Locale,
    kind: MailTextKind,
}

impl ChosenEmail {
    fn of(request: &ProjectRequest) -> Result<Self, PortalError> {
        let (language, kind) = (request.param("language"), request.param("kind"));
        let locale = Locales::shared().locales().iter().find(|locale| locale.tag() == language);
        let kind = MailTextKind::ALL.into_iter().find(|one| one.as_str() == kind);
        let (locale, kind) = locale.cloned().zip(kind).ok_or(PortalError::Missing)?;
        Ok(Self { locale, kind })
    }

    fn href(&self, request: &ProjectRequest) -> String {
        href(request, self.locale.tag(), self.kind)
    }

    /// The email with the texts of these settings.
    fn context(&self, request: &ProjectRequest, settings: &ProjectSettings) -> MailContext {
        let name = settings.clients().first().map_or_else(|| settings.display_name(), Client::display_name);
        let texts = settings.mail.texts.of(self.locale.tag()).cloned().unwrap_or_default();
        let device = Some(Device::BrowserOn("Chrome", "Linux"));
        MailContext { texts, device, ..MailContext::new(self.locale.clone(), brand_of(&request.project), name) }
    }

    fn example(&self, ctx: &MailContext, settings: &ProjectSettings) -> MailKind {
        MailKind::example(self.kind, settings.public_origin().as_str(), &ctx.app_name)
    }

    fn form(&self) -> SettingsForm {
        build_form(&self.locale, self.kind)
    }
}

fn href(request: &ProjectRequest, language: &str, kind: MailTextKind) -> String {
    request.href(&format!("/email-texts/{language}/{}", kind.as_str()))
}

/// The English name of a language.
pub(crate) fn describe_language(tag: &str) -> &'static str {
    match tag {
        "es" => "Spanish",
        "de" => "German",
        "ja" => "Japanese",
        "zh-TW" => "Traditional Chinese",
        "ar" => "Arabic",
        _ => "English",
    }
}

fn describe_kind(kind: MailTextKind) -> &'static str {
    match kind {
        MailTextKind::VerificationCode => "Verification code",
        MailTextKind::LoginCode => "Sign-in code",
        MailTextKind::PasswordResetCode => "Password reset code",
        MailTextKind::AccountChanged => "Account changed",
        MailTextKind::StillSignedIn => "Still signed in",
    }
}

/// What of an email cannot be written.
fn describe_rest(kind: MailTextKind) -> &'static str {
    match kind {
        MailTextKind::VerificationCode | MailTextKind::LoginCode | MailTextKind::PasswordResetCode => {
            "The code, and what it was requested for and with, are always shown."
        }
        MailTextKind::AccountChanged => "What was changed, and how to undo it, is always shown in the server's words.",
        MailTextKind::StillSignedIn => "What is signed in, and how to end it, is always shown in the server's words.",
    }
}

pub(super) fn build_form(locale: &Locale, kind: MailTextKind) -> SettingsForm {
    let row = |part: &MailPart| -> BoundControl {
        let path = format!("mail.texts.{}.{}.{}", locale.tag(), kind.as_str(), part.as_str());
        let (label, rows) = match part {
            MailPart::Subject => ("Subject", None),
            MailPart::Heading => ("Heading", None),
            MailPart::Lead => ("Text", Some(2)),
            MailPart::Closing => ("Closing", Some(4)),
        };
        let bound = control(&path, part.as_str(), label)
            .hint(&format!("At most {} characters.", part.max_chars()))
            .placeholder(&server_text(locale, kind, *part));
        match rows {
            Some(rows) => bound.rows(rows),
            None => bound,
        }
    };
    let placeholders: Vec<&str> = kind.placeholders().iter().map(|one| one.as_str()).collect();
    let hint = format!(
        "Placeholders: {}. They become {}. {}",
        placeholders.join(", "),
        kind.placeholders().iter().map(|one| describe_placeholder(*one)).collect::<Vec<_>>().join(", "),
        describe_rest(kind)
    );
    let title = format!("{} in {}", describe_kind(kind), describe_language(locale.tag()));
    let panel = Panel::new(title, hint, kind.parts().iter().map(row).collect());
    SettingsForm { scope: DocumentScope::Project, panels: vec![panel] }
}

fn describe_placeholder(placeholder: Placeholder) -> &'static str {
    match placeholder {
        Placeholder::Code => "the code",
        Placeholder::App => "the application's name",
        Placeholder::Brand => "the project's name",
    }
}

/// Opens the texts in the project's fallback language.
async fn open(request: ProjectRequest) -> PageResult {
    let fallback = request.project.settings.fallback_language();
    let locale = Locales::shared().negotiate(Some(fallback), None, &[]);
    request.go(&href(&request, locale.tag(), MailTextKind::ALL[0]))
}

fn look(request: &ProjectRequest, chosen: &ChosenEmail) -> FormView {
    let (language, kind) = (chosen.locale.tag(), chosen.kind);
    let languages = Locales::shared().locales().iter().map(|locale| EmailLink {
        href: href(request, locale.tag(), kind),
        label: describe_language(locale.tag()),
        is_current: locale.tag() == language,
    });
    let kinds = MailTextKind::ALL.into_iter().map(|one| EmailLink {
        href: href(request, language, one),
        label: describe_kind(one),
        is_current: one == kind,
    });
    let extra = EmailTexts {
        languages: languages.collect(),
        kinds: kinds.collect(),
        preview: format!("{}/preview", chosen.href(request)),
        to: request.signed_in.operator.email.clone(),
        test_result: None,
    };
    FormView {
        title: "Email texts".into(),
        lead: "The words of the emails to your users. An empty field has the server's own text, shown in it in gray."
            .into(),
        section: "email-texts",
        above: None,
        extra: Extra::EmailTexts(Box::new(extra)),
    }
}

async fn show(request: ProjectRequest) -> PageResult {
    let chosen = ChosenEmail::of(&request)?;
    settings_form::show(&request, chosen.form(), look(&request, &chosen)).await
}

/// Saves the texts, or shows or sends them as they are typed.
async fn save(request: ProjectRequest) -> PageResult {
    let chosen = ChosenEmail::of(&request)?;
    match request.field(ACTION) {
        "preview" => preview_typed(&request, &chosen).await,
        "test" => try_out(&request, &chosen).await,
        _ => settings_form::save(&request, chosen.form(), |request| look(request, &chosen)).await,
    }
}

async fn preview_saved(request: ProjectRequest) -> PageResult {
    let chosen = ChosenEmail::of(&request)?;
    Ok(preview(&request, &chosen, &request.project.settings))
}

async fn preview_typed(request: &ProjectRequest, chosen: &ChosenEmail) -> PageResult {
    let typed = chosen.form().try_on(request).await?;
    match typed.settings {
        Some(settings) => Ok(preview(request, chosen, &settings)),
        None => Ok(framed(PreviewDocument { problems: typed.settings_form.problems(), ..PreviewDocument::default() })),
    }
}

/// Sends the texts as they are typed to the operator, and to no other address: they need not be saved, and may say anything.
async fn try_out(request: &ProjectRequest, chosen: &ChosenEmail) -> PageResult {
    let typed = chosen.form().try_on(request).await?;
    let mut look = look(request, chosen);
    if let (Some(settings), Extra::EmailTexts(extra)) = (&typed.settings, &mut look.extra) {
        let ctx = chosen.context(request, settings);
        let mail = chosen.example(&ctx, settings).render(&ctx);
        let write = |to: String| Mail {
            from: settings.mail.from.clone(),
            to,
            subject: mail.subject.clone(),
            text: mail.text.clone(),
            html: mail.html.clone(),
            useful_seconds: None,
        };
        let test = TestMessage::Mail(&write);
        let error = messages::try_out(&request.ctx(), &request.acting(), &test, &extra.to).await?;
        let is_good = error.is_none();
        let (url, outcome) = (extra.to.clone(), error.unwrap_or_default());
        extra.test_result = Some(TestResultLine { url, is_good, outcome });
    }
    let page = typed.settings_form.page(request, typed.base, None, look);
    match typed.settings {
        Some(_) => request.show(&SettingsFormPage { is_edited: typed.is_edited, ..page }),
        None => request.show_again(&page),
    }
}

fn preview(request: &ProjectRequest, chosen: &ChosenEmail, settings: &ProjectSettings) -> Response {
    let ctx = chosen.context(request, settings);
    let example = chosen.example(&ctx, settings);
    let schemes = [("Light", PageColorScheme::Light), ("Dark", PageColorScheme::Dark)];
    let emails = schemes.map(|(name, scheme)| (name, example.render_in(&ctx, scheme).html));
    framed(PreviewDocument { subject: example.render(&ctx).subject, emails: emails.into(), problems: Vec::new() })
}

/// The document in the frame of the page: with the inline styles of emails, without scripts, and in no frame of others.
fn framed(document: PreviewDocument) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                          frame-ancestors 'self'; sandbox";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, finish(document.render())).into_response()
}

/// An email in light and dark, or what is wrong with its texts.
#[derive(Default, Template)]
#[template(path = "portal/email_preview.html")]
struct PreviewDocument {
    subject: String,
    emails: Vec<(&'static str, String)>,
    problems: Vec<String>,
}

/// A link to the texts of an email.
#[derive(Clone, Debug)]
pub(crate) struct EmailLink {
    pub href: String,
    pub label: &'static str,
    pub is_current: bool,
}

/// What the page of an email's texts has besides their form.
#[derive(Clone, Debug)]
pub(crate) struct EmailTexts {
    pub languages: Vec<EmailLink>,
    pub kinds: Vec<EmailLink>,
    pub preview: String,
    /// The operator's address, for tests.
    pub to: String,
    pub test_result: Option<TestResultLine>,
}

impl EmailTexts {
    #[cfg(test)]
    pub(crate) fn sample(test_result: Option<TestResultLine>) -> Self {
        let link = |label, is_current| EmailLink {
            href: "/portal/p/shop/email-texts/en/login_code".into(),
            label,
            is_current,
        };
        Self {
            languages: vec![link("English", true), link("Spanish", false)],
            kinds: vec![link("Verification code", false), link("Sign-in code", true)],
            preview: "/portal/p/shop/email-texts/en/login_code/preview".into(),
            to: "kim@shop.example".into(),
            test_result,
        }
    }

    /// The rows of links, each with its name.
    pub(crate) fn links(&self) -> [(&'static str, &[EmailLink]); 2] {
        [("Language", &self.languages), ("Email", &self.kinds)]
    }
}
