//! Asks a member whether a third-party application may have access to its account.

use askama::Template;
use vestibule_web::{context::PageContext, page::Page, template::finish, text::Text};

/// A scope as people understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentScope {
    /// The user ID, and what every application learns.
    OpenId,
    Profile,
    Email,
    Phone,
    Address,
    /// All login IDs and authenticators.
    LoginMethods,
    /// Everything that the person itself can do. Third-party applications do not get it.
    FullAccess,
    /// Access while the member is away.
    OfflineAccess,
}

impl ConsentScope {
    /// Every scope, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::OpenId,
        Self::Profile,
        Self::Email,
        Self::Phone,
        Self::Address,
        Self::LoginMethods,
        Self::FullAccess,
        Self::OfflineAccess,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::OpenId => "consent-openid",
            Self::Profile => "consent-profile",
            Self::Email => "consent-email",
            Self::Phone => "consent-phone",
            Self::Address => "consent-address",
            Self::LoginMethods => "consent-login-methods",
            Self::FullAccess => "consent-full-access",
            Self::OfflineAccess => "consent-offline",
        }
    }

    fn detail_key(self) -> &'static str {
        match self {
            Self::OpenId => "consent-openid-detail",
            Self::Profile => "consent-profile-detail",
            Self::Email => "consent-email-detail",
            Self::Phone => "consent-phone-detail",
            Self::Address => "consent-address-detail",
            Self::LoginMethods => "consent-login-methods-detail",
            Self::FullAccess => "consent-full-access-detail",
            Self::OfflineAccess => "consent-offline-detail",
        }
    }

    /// What the application gets, in a few words.
    pub fn name(self) -> Text {
        Text::new(self.key())
    }

    /// What that shows of the person.
    pub fn detail(self) -> Text {
        Text::new(self.detail_key())
    }
}

/// Names a third-party application, its scopes and what each shows. The form posts `action=allow` or `action=deny`.
#[derive(Clone, Debug)]
pub(crate) struct ConsentPage {
    pub action: String,
    /// The application's name, which its operator chose.
    pub app: String,
    /// The host that the browser continues to; `None` for an application on the device.
    pub site: Option<String>,
    /// The name or login ID of the member.
    pub person: Option<String>,
    /// A second line, such as the email address below a name.
    pub detail: Option<String>,
    pub scopes: Vec<ConsentScope>,
}

impl ConsentPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let full = Self {
            action: "/flow/sample/consent".into(),
            app: "Parcel Tracker".into(),
            site: Some("parcels.example".into()),
            person: Some("Ada Lovelace".into()),
            detail: Some("ada@example.com".into()),
            scopes: ConsentScope::ALL.to_vec(),
        };
        let least = Self {
            app: "parcel-tracker-for-phones".into(),
            site: None,
            person: Some("ada@example.com".into()),
            detail: None,
            scopes: vec![ConsentScope::OpenId],
            ..full.clone()
        };
        let few = Self { scopes: vec![ConsentScope::OpenId, ConsentScope::Email], ..full.clone() };
        vec![("full", full), ("few", few), ("least", least)]
    }
}

impl Page for ConsentPage {
    fn title(&self) -> Text {
        Text::new("consent-title").with("client", self.app.as_str())
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(ConsentBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentBody<'a> {
    ctx: &'a PageContext,
    page: &'a ConsentPage,
}
