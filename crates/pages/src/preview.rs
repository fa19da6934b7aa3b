//! Pages for the portal's preview of the branding: those of this crate, made of a project's settings without a visitor.

use vestibule_app::flow::login_methods::{self, NewLoginMethod};
use vestibule_domain::{
    credential::password::Assessment,
    identifier::LoginIdKind,
    project::{ProjectSettings, Provider},
};
use vestibule_web::{
    context::PageContext,
    field::{LoginIdChoice, PasswordField, Steps},
    page::Page,
    preview::PreviewedPage,
};

use crate::{
    flow::{
        identify::{IdentifyPage, IdentifyPurpose},
        provider::{JOIN, ProviderButtons, ProviderChoice, SIGN_IN},
        verify_code::{CodeChannel, CodePurpose, VerifyCodePage},
    },
    messages::{new_password_field, ui_kind},
};

/// Where the links of a preview lead: to its own top.
const NOWHERE: &str = "#";
/// The action of its forms, which are not sent.
const UNSENT: &str = "/";

/// Renders a page as visitors see it.
pub fn render(settings: &ProjectSettings, ctx: &PageContext, page: PreviewedPage) -> String {
    let html = match page {
        PreviewedPage::Promotion => promotion(settings).render(ctx),
        PreviewedPage::Login => login(settings).render(ctx),
        PreviewedPage::Code => code().render(ctx),
    };
    // The form beside it keeps the focus.
    html.replace(" autofocus>", ">").replace(" autofocus ", " ")
}

fn nowhere() -> Option<String> {
    Some(NOWHERE.to_string())
}

fn first_page(purpose: IdentifyPurpose, kinds: &[LoginIdKind]) -> (IdentifyPage, LoginIdKind) {
    let kind = kinds.first().copied().unwrap_or(LoginIdKind::Email);
    let choice = |kind: &LoginIdKind| LoginIdChoice { kind: ui_kind(*kind), href: NOWHERE.to_string() };
    let page = IdentifyPage {
        kinds: kinds.iter().map(choice).collect(),
        cancel_href: nowhere(),
        ..IdentifyPage::new(purpose, UNSENT, ui_kind(kind))
    };
    (page, kind)
}

fn providers(settings: &ProjectSettings, intent: &'static str) -> Option<ProviderButtons> {
    let choice = |provider: &Provider| ProviderChoice {
        alias: provider.alias.clone(),
        name: provider.display_name().to_string(),
    };
    let providers: Vec<ProviderChoice> = settings.providers().iter().map(choice).collect();
    (!providers.is_empty()).then(|| ProviderButtons { action: UNSENT.to_string(), intent, providers })
}

fn promotion(settings: &ProjectSettings) -> IdentifyPage {
    let (mut page, kind) = first_page(IdentifyPurpose::Promote, &settings.login_id_kinds());
    if login_methods::new_login_method(settings, kind) == NewLoginMethod::Password && !page.kinds.is_empty() {
        let policy = settings.password_policy();
        page.password = Some(new_password_field(policy.min_length, "", &Assessment::default()));
    }
    page.providers = providers(settings, JOIN);
    page.have_account_href = nowhere();
    page.steps = login_methods::needs_proof(settings, kind).then_some(Steps { current: 1, total: 2 });
    page
}

fn login(settings: &ProjectSettings) -> IdentifyPage {
    let (mut page, kind) = first_page(IdentifyPurpose::Login, &login_methods::login_kinds(settings));
    let has_password = login_methods::has_password(settings, kind);
    if has_password && !login_methods::has_code(settings, kind) && !page.kinds.is_empty() {
        page.password = Some(PasswordField::current());
    }
    if has_password && !login_methods::recovery_kinds(settings).is_empty() {
        page.forgot_href = nowhere();
    }
    page.providers = providers(settings, SIGN_IN);
    if !settings.public_signup_disabled() {
        page.create_account_href = nowhere();
    }
    page
}

fn code() -> VerifyCodePage {
    let mut page = VerifyCodePage::new(CodePurpose::Verify, CodeChannel::Email, "kim@shop.example", UNSENT);
    page.back_href = nowhere();
    page.cancel_href = nowhere();
    page.steps = Some(Steps { current: 2, total: 2 });
    page
}

#[cfg(test)]
mod tests {
    use vestibule_domain::project::{AuthenticatorKind, Origin};
    use vestibule_web::{context::AssetPlace, document::check_document, locale::Locales};

    use super::*;
    use crate::sample::sample_context;

    const PAGES: [PreviewedPage; 3] = [PreviewedPage::Promotion, PreviewedPage::Login, PreviewedPage::Code];

    fn settings() -> ProjectSettings {
        ProjectSettings::new("shop", Origin::parse("https://auth.shop.example").expect("an origin"))
    }

    #[test]
    fn previews_keep_the_rules_of_pages_in_every_language() {
        for locale in Locales::shared().locales() {
            let assets = AssetPlace { base: "/portal", theme: Some("/portal/theme.css".into()) };
            let ctx = PageContext { assets, ..sample_context(locale.clone()) };
            for page in PAGES {
                let html = render(&settings(), &ctx, page);
                check_document(&html, &format!("{page:?} in {}", locale.tag()));
                assert!(html.contains("href=\"/portal/theme.css\"") && !html.contains("=\"/assets/"), "{html}");
                assert!(!html.contains("href=\"/flow"), "links lead nowhere: {html}");
                assert!(!html.contains("<script") && !html.contains("autofocus"), "a picture of itself: {html}");
            }
        }
    }

    #[test]
    fn a_preview_offers_what_the_settings_offer() {
        let ctx = sample_context(Locales::shared().locales()[0].clone());
        let has_password =
            |settings: &ProjectSettings| render(settings, &ctx, PreviewedPage::Login).contains("name=\"password\"");
        let mut settings = settings();
        assert!(has_password(&settings));
        settings.authentication.primary_authenticators = Some(vec![AuthenticatorKind::OobOtpEmail]);
        assert!(!has_password(&settings));
    }
}
