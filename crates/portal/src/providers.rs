//! The providers of external accounts: their order, their client secrets, and whether they work. `provider_settings.rs` edits them.

use askama::Template;
use vestibule_app::{
    admin::{
        AdminError,
        providers::{self as order, Direction},
    },
    providers::{
        check::{self, Finding, Verdict},
        secrets::{self, ProviderInfo},
    },
};
use vestibule_domain::{operator::Role, project::ProviderType, secret::Secret};
use vestibule_web::{policy::Forms, template::finish};

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    confirmation::{ConfirmActionPage, Hidden},
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    moment::Moment,
    notice::PortalNotice,
};

pub(super) const LIST: &str = "/providers";

pub(super) fn routes() -> Vec<PortalRoute> {
    const SECRET: &str = "/portal/p/{project}/providers/{alias}/secret";
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/providers", Role::Viewer, show),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/providers/{alias}/move", Role::Editor, shift),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/providers/{alias}/check", Role::Editor, look_into),
        PortalRoute::project(Verb::Get, SECRET, Role::Owner, ask_secret).requires_reauthentication(),
        PortalRoute::project(Verb::Post, SECRET, Role::Owner, set_secret).requires_reauthentication(),
    ]
}

/// The provider in the path.
pub(super) async fn find(request: &ProjectRequest) -> Result<ProviderInfo, PortalError> {
    let all = secrets::list(&request.ctx()).await?;
    all.into_iter().find(|info| info.provider.alias == request.param("alias")).ok_or(PortalError::Missing)
}

/// Whether the client secret is set, in words.
pub(super) fn describe_secret(info: &ProviderInfo) -> String {
    let day = |at: vestibule_domain::time::Timestamp| Moment::new(at.to_rfc3339()).short();
    info.secret_set_at.map_or_else(|| "Not set.".to_string(), |at| format!("Set {} UTC.", day(at)))
}

/// A provider's type in words.
pub(super) fn type_name(kind: ProviderType) -> &'static str {
    kind.brand().unwrap_or("OpenID provider")
}

async fn page(request: &ProjectRequest, checked: Option<Checked>) -> Result<ProvidersPage, PortalError> {
    let all = secrets::list(&request.ctx()).await?;
    let providers = all.iter().map(|info| ProviderLine {
        alias: info.provider.alias.clone(),
        name: info.provider.display_name().to_string(),
        kind: type_name(info.provider.kind).to_string(),
        issuer: info.provider.issuer.clone(),
        callback: info.callback.clone(),
        is_set: info.secret_set_at.is_some(),
        secret: describe_secret(info),
    });
    Ok(ProvidersPage { providers: providers.collect(), checked })
}

async fn show(request: ProjectRequest) -> PageResult {
    let page = page(&request, None).await?;
    request.show(&page)
}

async fn shift(request: ProjectRequest) -> PageResult {
    let direction = if request.field("to") == "down" { Direction::Down } else { Direction::Up };
    match order::shift(&request.ctx(), &request.acting(), request.param("alias"), direction).await {
        Ok(()) => request.done(LIST, PortalNotice::Saved),
        Err(AdminError::NotFound(_)) => request.done(LIST, PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

async fn look_into(request: ProjectRequest) -> PageResult {
    let alias = request.param("alias").to_string();
    let findings = match check::check(&request.ctx(), &alias).await {
        Ok(findings) => findings,
        Err(AdminError::NotFound(_)) => return request.done(LIST, PortalNotice::Gone),
        Err(error) => return Err(error.into()),
    };
    let page = page(&request, Some(Checked { alias, findings })).await?;
    request.show(&page)
}

fn secret_page(request: &ProjectRequest, info: &ProviderInfo, error: Option<String>) -> ConfirmActionPage {
    let name = info.provider.display_name();
    // Apple's is a key file of several lines.
    let (kind, hint) = match info.provider.kind.as_str() {
        "apple" => (ControlKind::Lines { rows: 6 }, "The text of the key file (.p8), with its BEGIN and END lines."),
        _ => (ControlKind::Password, ""),
    };
    ConfirmActionPage {
        title: format!("Set the client secret of {name}"),
        facts: vec![
            format!("It belongs to the client ID {}. Copy it from the provider's page.", info.provider.client_id),
            "It is stored encrypted, and can't be shown again. Sign-ins use it at once, instead of an earlier one."
                .into(),
        ],
        section: "providers",
        back: (LIST.into(), "Providers".into()),
        action: request.path().to_string(),
        controls: vec![
            Control::new("secret", "Client secret", kind, "").hint(hint).autocomplete("off").required().error(error),
        ],
        hidden: Hidden::default(),
        button: "Set client secret".into(),
        is_danger: false,
    }
}

async fn ask_secret(request: ProjectRequest) -> PageResult {
    let info = find(&request).await?;
    request.show(&secret_page(&request, &info, None))
}

async fn set_secret(request: ProjectRequest) -> PageResult {
    let info = find(&request).await?;
    let secret = Secret::new(request.field("secret").trim().replace("\r\n", "\n"));
    match secrets::set(&request.ctx(), &request.acting(), &info.provider.alias, secret).await {
        Ok(()) => request.done(LIST, PortalNotice::ProviderSecretSet),
        Err(AdminError::Invalid(faults)) => {
            let text = faults.first().map(crate::settings_form::describe);
            request.show_again(&secret_page(&request, &info, text))
        }
        Err(error) => Err(error.into()),
    }
}

/// A provider in the list.
#[derive(Clone, Debug)]
pub(crate) struct ProviderLine {
    pub alias: String,
    pub name: String,
    pub kind: String,
    pub issuer: Option<String>,
    pub callback: String,
    pub is_set: bool,
    /// Whether its client secret is set, in words.
    pub secret: String,
}

/// What a check found.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub alias: String,
    pub findings: Vec<Finding>,
}

impl Checked {
    fn level(&self) -> &'static str {
        let has = |verdict| self.findings.iter().any(|finding| finding.verdict == verdict);
        if has(Verdict::Bad) {
            "warning"
        } else if has(Verdict::Unclear) {
            "info"
        } else {
            "success"
        }
    }

    fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict == Verdict::Good)
    }
}

/// The providers, in the order in which pages offer them.
#[derive(Clone, Debug)]
pub(crate) struct ProvidersPage {
    pub providers: Vec<ProviderLine>,
    pub checked: Option<Checked>,
}

impl ProvidersPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let line = |alias: &str, name: &str, is_set: bool| ProviderLine {
            alias: alias.into(),
            name: name.into(),
            kind: type_name(if alias == "google" { ProviderType::Google } else { ProviderType::Oidc }).into(),
            issuer: (alias != "google").then(|| "https://id.shop.example".into()),
            callback: format!("https://auth.shop.example/sso/oauth2/callback/{alias}"),
            is_set,
            secret: if is_set { "Set 2030-05-01 08:00 UTC.".into() } else { "Not set.".into() },
        };
        let some = Self {
            providers: vec![
                line("google", "Google", true),
                line("staff", "Staff <accounts>", false),
                line("other", "Other", true),
            ],
            checked: None,
        };
        let finding = |verdict, text: &str| Finding { verdict, text: text.into() };
        let good = vec![finding(Verdict::Good, "It accepts the client ID and the client secret.")];
        let bad = vec![
            finding(Verdict::Good, "The keys of its ID tokens were read."),
            finding(Verdict::Bad, "The client secret is not set."),
        ];
        let unclear = vec![finding(Verdict::Unclear, "It answers server_error.")];
        let checked =
            |alias: &str, findings| Self { checked: Some(Checked { alias: alias.into(), findings }), ..some.clone() };
        vec![
            ("some", some.clone()),
            ("none", Self { providers: Vec::new(), checked: None }),
            ("good", checked("google", good)),
            ("bad", checked("staff", bad)),
            ("unclear", checked("other", unclear)),
        ]
    }
}

impl ProvidersPage {
    fn checked_of(&self, alias: &str) -> Option<&Checked> {
        self.checked.as_ref().filter(|checked| checked.alias == alias)
    }
}

impl PortalPage for ProvidersPage {
    fn title(&self) -> String {
        "Providers".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("providers")
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ProvidersBody { ctx, page: self }.render())
    }

    fn may_be_stored(&self) -> bool {
        true
    }

    /// The test of a provider leads there.
    fn forms(&self) -> Forms {
        Forms::Leave
    }
}

#[derive(Template)]
#[template(path = "portal/providers.html")]
struct ProvidersBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ProvidersPage,
}
