//! The settings of one provider of external accounts: adding, changing and removing it.

use askama::Template;
use axum::http::StatusCode;
use vestibule_app::{
    admin::{AdminError, impact, providers as order},
    providers::{callback_of, secrets::ProviderInfo},
};
use vestibule_domain::{
    operator::Role,
    project::{Provider, ProviderType},
};
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    bound_control::{BoundControl, control},
    confirmation::{ConfirmActionPage, Hidden},
    frame::{PortalContext, PortalPage},
    notice::PortalNotice,
    providers::{LIST, describe_secret, find, type_name},
    settings_form::{self, DocumentScope, FormView, Panel, SaveResult, SettingsForm},
    settings_page::{Extra, SettingsFormPage},
};

const TYPES: &str = "/new-provider";

pub(super) fn routes() -> Vec<PortalRoute> {
    // Not below the list: an alias may be any word.
    const NEW: &str = "/portal/p/{project}/new-provider/{type}";
    const ONE: &str = "/portal/p/{project}/providers/{alias}";
    const REMOVE: &str = "/portal/p/{project}/providers/{alias}/remove";
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/new-provider", Role::Editor, choose),
        PortalRoute::project(Verb::Get, NEW, Role::Editor, show_new),
        PortalRoute::project(Verb::Post, NEW, Role::Editor, add),
        PortalRoute::project(Verb::Get, ONE, Role::Viewer, show),
        PortalRoute::project(Verb::Post, ONE, Role::Editor, change),
        // As setting the client secret, which goes with the provider.
        PortalRoute::project(Verb::Get, REMOVE, Role::Owner, ask_remove).requires_reauthentication(),
        PortalRoute::project(Verb::Post, REMOVE, Role::Owner, remove).requires_reauthentication(),
    ]
}

fn kind_of(request: &ProjectRequest) -> Result<ProviderType, PortalError> {
    let word = request.param("type");
    ProviderType::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(PortalError::Missing)
}

/// Where and as what the project is registered.
fn register(kind: ProviderType) -> &'static str {
    match kind {
        ProviderType::Google => {
            "In the Google Cloud console, create an OAuth client ID of the type “Web application”, and add this URI to its authorized redirect URIs."
        }
        ProviderType::Apple => {
            "In a developer account at Apple, create a Services ID with “Sign in with Apple”, and add this URI to its return URLs; and a key for it, whose file is the client secret."
        }
        ProviderType::Microsoft => {
            "In the Microsoft Entra admin center, register an application with this redirect URI of the platform “Web”, and create a client secret."
        }
        ProviderType::GitHub => {
            "In GitHub's developer settings, register an OAuth app with this authorization callback URL, and generate a client secret."
        }
        ProviderType::Facebook => {
            "In Meta for Developers, create an app with Facebook Login, and add this URI to its valid OAuth redirect URIs."
        }
        ProviderType::LinkedIn => {
            "In LinkedIn's developer portal, create an app with “Sign In with LinkedIn using OpenID Connect”, and add this authorized redirect URL."
        }
        ProviderType::Oidc => {
            "Register the project as a web application with a client secret (a confidential client), with this redirect URI."
        }
    }
}

fn of(key: &str) -> String {
    format!("identity.oauth.providers[].{key}")
}

/// The controls of a provider of this type; `is_new` for one that does not exist yet.
pub(super) fn rows(kind: ProviderType, is_new: bool) -> Vec<BoundControl> {
    let mut rows = Vec::new();
    if is_new {
        rows.push(control(&of("alias"), "alias", "Alias").hint(
            "The provider's name in URLs, also in the redirect URI, and in applications that go straight to it. It can't be changed.",
        ));
    }
    let name = control(&of("name"), "name", "Name on buttons");
    rows.push(match kind.brand() {
        None => name.hint("Defaults to the alias."),
        Some(brand) => name.placeholder(brand),
    });
    if kind == ProviderType::Oidc {
        rows.push(
            control(&of("issuer"), "issuer", "Issuer").input("url").placeholder("https://id.shop.example").hint(
                "Exactly as the provider writes it. With another one, users have to connect their accounts again.",
            ),
        );
    }
    if kind == ProviderType::Microsoft {
        rows.push(control(&of("tenant"), "tenant", "Tenant").placeholder("common").hint(
            "A tenant's ID or domain; “organizations” for all organizations, “consumers” for personal accounts, “common” for both.",
        ));
    }
    rows.push(control(&of("client_id"), "client_id", "Client ID").hint(if kind == ProviderType::Apple {
        "The identifier of the Services ID."
    } else {
        "As the provider shows it."
    }));
    if kind == ProviderType::Apple {
        rows.push(control(&of("team_id"), "team_id", "Team ID").hint(
            "The 10 characters of the developer team. With another one, users have to connect their accounts again.",
        ));
        rows.push(control(&of("key_id"), "key_id", "Key ID").hint(
            "The 10 characters of the key for Sign in with Apple. The text of its file (.p8) is the client secret.",
        ));
    }
    if kind == ProviderType::Oidc {
        rows.push(control(&of("scopes"), "scopes", "Scopes").rows(3).hint("One per line; openid must be among them."));
        let method = control(&of("token_endpoint_auth_method"), "auth_method", "How the client secret is sent");
        rows.push(method.choices(|word| match word {
            "client_secret_basic" => ("HTTP Basic authentication", ""),
            "client_secret_post" => ("In the request body", ""),
            other => (other, ""),
        }));
    }
    if kind.own_keys().contains(&"native_client_ids") {
        rows.push(control(&of("native_client_ids"), "native_client_ids", "Client IDs of native apps").rows(3).hint(
            if kind == ProviderType::Apple {
                "One per line: the bundle IDs of your apps. With one of them, apps sign in with Apple's own dialog, without a page."
            } else if kind == ProviderType::Facebook {
                "The app ID once more. With it, apps for iOS sign in with Facebook's Limited Login, without a page."
            } else {
                "One per line, as the provider shows them. With one of them, apps sign in with the provider's own dialog, without a page."
            },
        ));
    }
    if kind.own_keys().contains(&"native_nonce") {
        let nonce = control(&of("native_nonce"), "native_nonce", "Nonce of native apps");
        rows.push(nonce.choices(|word| match word {
            "required" => ("Required", "An ID token is of use only to the app that asked for it."),
            "optional" => {
                ("Optional", "An ID token without a nonce is good once, also for a thief who presents it first.")
            }
            other => (other, ""),
        }));
    }
    rows.push(control(&of("can_reauthenticate"), "can_reauthenticate", "Its answer is enough to confirm").hint(
        "If off, members confirm sensitive changes with an account there only if the provider says when they signed in. Turn it on only if members without another way to confirm matter more than a person at an unlocked browser.",
    ));
    rows.push(
        control(&of("claims.email.assume_verified"), "trust", "Trust every email address of this provider").hint(
            "If off, only addresses that the provider says are verified become login IDs. Turn it on only if the provider proves every address.",
        ),
    );
    rows
}

fn build_form(scope: DocumentScope, kind: ProviderType) -> SettingsForm {
    let is_new = scope.is_new();
    SettingsForm { scope, panels: vec![Panel::new("Settings", "", rows(kind, is_new))] }
}

fn look_at_new(request: &ProjectRequest, kind: ProviderType) -> FormView {
    FormView {
        title: format!("New provider: {}", type_name(kind)),
        lead: "After you add it, set its client secret.".into(),
        section: "providers",
        above: Some((TYPES.into(), "New provider".into())),
        extra: Extra::Provider {
            register: register(kind),
            callback: callback_of(&request.project, &Provider { alias: "<alias>".into(), ..Provider::default() }),
            secret: None,
        },
    }
}

fn look(request: &ProjectRequest, info: &ProviderInfo) -> FormView {
    let provider = &info.provider;
    let href = format!("{LIST}/{}/secret", provider.alias);
    let secret = (describe_secret(info), (request.role >= Role::Owner).then(|| request.href(&href)));
    FormView {
        title: provider.display_name().to_string(),
        lead: format!("{}, with the alias {}.", type_name(provider.kind), provider.alias),
        section: "providers",
        above: Some((LIST.into(), "Providers".into())),
        extra: Extra::Provider {
            register: register(provider.kind),
            callback: info.callback.clone(),
            secret: Some(secret),
        },
    }
}

async fn choose(request: ProjectRequest) -> PageResult {
    request.show(&ProviderTypesPage::new())
}

async fn show_new(request: ProjectRequest) -> PageResult {
    let kind = kind_of(&request)?;
    let mut form = build_form(DocumentScope::NewProvider(kind), kind);
    let base = form.fill(&settings_form::load(&request).await?)?;
    // A suggestion, which the operator may change.
    let taken = request.project.settings.provider(kind.as_str()).is_some();
    for row in form.panels.iter_mut().flat_map(|panel| &mut panel.rows).filter(|row| row.control.name == "alias") {
        if !taken {
            row.control.value = kind.as_str().to_string();
        }
    }
    request.show(&form.page(&request, base, None, look_at_new(&request, kind)))
}

async fn add(request: ProjectRequest) -> PageResult {
    let kind = kind_of(&request)?;
    let look = look_at_new(&request, kind);
    let form = build_form(DocumentScope::NewProvider(kind), kind);
    match form.save(&request, &[], ("providers", &look.title)).await? {
        SaveResult::Done(PortalNotice::Saved) => {
            let alias = request.field("alias").trim();
            request.done(&format!("{LIST}/{alias}"), PortalNotice::ProviderAdded)
        }
        other @ (SaveResult::Done(_) | SaveResult::Again { .. } | SaveResult::Ask(_) | SaveResult::Back { .. }) => {
            answer(&request, other, look)
        }
    }
}

async fn show(request: ProjectRequest) -> PageResult {
    let info = find(&request).await?;
    let scope = DocumentScope::Provider(info.provider.alias.clone());
    settings_form::show(&request, build_form(scope, info.provider.kind), look(&request, &info)).await
}

async fn change(request: ProjectRequest) -> PageResult {
    let info = match find(&request).await {
        Ok(info) => info,
        // Removed by another operator.
        Err(PortalError::Missing) => return request.done(LIST, PortalNotice::Gone),
        Err(error) => return Err(error),
    };
    let look = look(&request, &info);
    let form = build_form(DocumentScope::Provider(info.provider.alias.clone()), info.provider.kind);
    let saved = form.save(&request, &[], ("providers", &look.title)).await?;
    answer(&request, saved, look)
}

fn answer(request: &ProjectRequest, saved: SaveResult, look: FormView) -> PageResult {
    let (form, base, conflict, status) = match saved {
        SaveResult::Done(notice) => return request.done(LIST, notice),
        SaveResult::Ask(page) => return request.show(&*page),
        SaveResult::Back { settings_form, base } => (settings_form, base, None, StatusCode::OK),
        SaveResult::Again { settings_form, base, conflict: None } => {
            (settings_form, base, None, StatusCode::UNPROCESSABLE_ENTITY)
        }
        SaveResult::Again { settings_form, base, conflict } => (settings_form, base, conflict, StatusCode::CONFLICT),
    };
    let page = form.page(request, base, conflict, look);
    Ok(request.page(status, &SettingsFormPage { is_edited: true, ..page }))
}

async fn ask_remove(request: ProjectRequest) -> PageResult {
    let info = find(&request).await?;
    let count = impact::count_external_accounts(&request.ctx(), &info.provider).await?;
    let settings = &request.project.settings;
    let key = info.provider.account_key();
    let has_twin = settings.providers().iter().any(|one| one.alias != info.provider.alias && one.account_key() == key);
    let connected = if count.is_none() {
        "No account of a user is connected".to_string()
    } else {
        count.of("account of a user is connected", "accounts of users are connected")
    };
    let consequence = if has_twin {
        format!("{connected}. Another provider leads to the same accounts, so users can still sign in with them.")
    } else {
        format!(
            "{connected}. No one can sign in with them any more, and users without another login method can't sign in at all. The accounts stay stored, and work again if you add the same provider again."
        )
    };
    request.show(&ConfirmActionPage {
        title: format!("Remove {}?", info.provider.display_name()),
        facts: vec![consequence, "Its client secret is deleted.".into()],
        section: "providers",
        back: (LIST.into(), "Providers".into()),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Remove provider".into(),
        is_danger: true,
    })
}

async fn remove(request: ProjectRequest) -> PageResult {
    match order::remove(&request.ctx(), &request.acting(), request.param("alias")).await {
        Ok(()) => request.done(LIST, PortalNotice::ProviderRemoved),
        Err(AdminError::NotFound(_)) => request.done(LIST, PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

/// Asks for the type of a new provider.
#[derive(Clone, Debug)]
pub(crate) struct ProviderTypesPage {
    /// The name in URLs, the name for people, and what it is for.
    types: Vec<(&'static str, &'static str, &'static str)>,
}

impl ProviderTypesPage {
    fn new() -> Self {
        let describe = |kind: ProviderType| {
            let use_ = match kind.brand() {
                None => "Any other OpenID provider: Keycloak, Auth0, Okta, your own, another Vestibule.",
                Some(_) => "",
            };
            (kind.as_str(), type_name(kind), use_)
        };
        Self { types: ProviderType::ALL.into_iter().map(describe).collect() }
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        vec![("all", Self::new())]
    }
}

impl PortalPage for ProviderTypesPage {
    fn title(&self) -> String {
        "New provider".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("providers")
    }

    fn above(&self) -> Option<(String, String)> {
        Some((LIST.into(), "Providers".into()))
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ProviderTypesBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/provider_types.html")]
struct ProviderTypesBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ProviderTypesPage,
}
