//! What applications are made with, and the few lines that begin with each. The calls are those of the SDKs, the names and
//! addresses the project's own.

use vestibule_domain::client::ApplicationType;

/// A framework or kind of program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// React, in the browser.
    React,
    /// Vue, in the browser.
    Vue,
    /// Anything else in the browser.
    Web,
    /// A web site that is rendered on a server and uses cookies.
    Server,
    /// iOS.
    Ios,
    /// Android.
    Android,
    /// Flutter.
    Flutter,
    /// React Native.
    ReactNative,
    /// A client of one's own with a secret.
    Oidc,
    /// Somebody else's client.
    ThirdParty,
    /// A program without people.
    Machine,
}

impl Framework {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 11] = [
        Self::React,
        Self::Vue,
        Self::Web,
        Self::Server,
        Self::Ios,
        Self::Android,
        Self::Flutter,
        Self::ReactNative,
        Self::Oidc,
        Self::ThirdParty,
        Self::Machine,
    ];

    /// The word in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::React => "react",
            Self::Vue => "vue",
            Self::Web => "web",
            Self::Server => "server",
            Self::Ios => "ios",
            Self::Android => "android",
            Self::Flutter => "flutter",
            Self::ReactNative => "react-native",
            Self::Oidc => "oidc",
            Self::ThirdParty => "third-party",
            Self::Machine => "machine",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|framework| framework.as_str() == word)
    }

    /// What it is called.
    pub fn label(self) -> &'static str {
        match self {
            Self::React => "React",
            Self::Vue => "Vue",
            Self::Web => "Other web app",
            Self::Server => "Server-rendered web site",
            Self::Ios => "iOS",
            Self::Android => "Android",
            Self::Flutter => "Flutter",
            Self::ReactNative => "React Native",
            Self::Oidc => "OpenID Connect client",
            Self::ThirdParty => "Somebody else's client",
            Self::Machine => "Machine",
        }
    }

    /// One sentence about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::React | Self::Vue => "A single-page application with tokens.",
            Self::Web => "Any script in the browser, with tokens.",
            Self::Server => "Pages from your server, with cookies and a reverse proxy.",
            Self::Ios | Self::Android | Self::Flutter | Self::ReactNative => "Guests with a key on the device.",
            Self::Oidc => "A backend of yours that keeps a secret. No guests.",
            Self::ThirdParty => "A partner's program. No guests, no full access.",
            Self::Machine => "Client credentials, no people.",
        }
    }

    /// What kind of application it makes.
    pub fn kind(self) -> ApplicationType {
        match self {
            Self::React | Self::Vue | Self::Web => ApplicationType::Spa,
            Self::Server => ApplicationType::TraditionalWebapp,
            Self::Ios | Self::Android | Self::Flutter | Self::ReactNative => ApplicationType::Native,
            Self::Oidc => ApplicationType::Confidential,
            Self::ThirdParty => ApplicationType::ThirdPartyApp,
            Self::Machine => ApplicationType::M2m,
        }
    }

    /// A redirect URI to begin with.
    pub fn example_redirect(self) -> &'static str {
        match self {
            Self::React => "http://localhost:5173/after-login",
            Self::Vue => "http://localhost:5173/after-login",
            Self::Web | Self::Server => "http://localhost:3000/after-login",
            Self::Ios | Self::Android | Self::Flutter | Self::ReactNative => "com.example.app://host/path",
            Self::Oidc | Self::ThirdParty => "https://app.example/callback",
            Self::Machine => "",
        }
    }

    /// The frameworks that make this kind of application.
    pub fn of_kind(kind: ApplicationType) -> Vec<Self> {
        let kind = if kind == ApplicationType::Unspecified { ApplicationType::Spa } else { kind };
        Self::ALL.into_iter().filter(|framework| framework.kind() == kind).collect()
    }

    /// What to paste where: a heading and a piece of code each.
    pub(super) fn steps(self, endpoint: &str, client_id: &str, redirect: &str) -> Vec<(&'static str, String)> {
        let configure = |package: &str| {
            format!(
                "import authgear from \"{package}\";\n\nawait authgear.configure({{\n  endpoint: \"{endpoint}\",\n  clientID: \
                 \"{client_id}\",\n  sessionType: \"refresh_token\",\n}});"
            )
        };
        let web_guest = || {
            (
                "A guest on the first action",
                "if (authgear.sessionState !== \"AUTHENTICATED\") {\n  await authgear.authenticateAnonymously();\n}\n\
                 const { sub } = await authgear.fetchUserInfo();"
                    .to_string(),
            )
        };
        let promote = || {
            (
                "Keep it: the guest signs up",
                format!(
                    "await authgear.startPromoteAnonymousUser({{ redirectURI: \"{redirect}\" }});\n\n// on {redirect}:\n\
                     const {{ userInfo }} = await authgear.finishPromoteAnonymousUser();\nuserInfo.sub; // what it was before"
                ),
            )
        };
        let install = |command: &str| ("Install", command.to_string());
        match self {
            Self::React | Self::Vue | Self::Web => vec![
                install("npm install @authgear/web"),
                ("Configure, once at the start", configure("@authgear/web")),
                web_guest(),
                promote(),
            ],
            Self::Server => vec![
                (
                    "Ask at your reverse proxy who is calling (nginx)",
                    format!(
                        "location /protected {{\n  auth_request /_auth;\n  auth_request_set $user_id \
                         $upstream_http_x_authgear_user_id;\n  proxy_set_header X-User-Id $user_id;\n  proxy_pass \
                         http://127.0.0.1:3000;\n}}\n\nlocation = /_auth {{\n  internal;\n  proxy_pass \
                         {endpoint}/_resolver/resolve;\n  proxy_pass_request_body off;\n  proxy_set_header Content-Length \
                         \"\";\n}}"
                    ),
                ),
                (
                    "In the page",
                    format!(
                        "await authgear.configure({{\n  endpoint: \"{endpoint}\",\n  clientID: \"{client_id}\",\n  \
                         sessionType: \"cookie\",\n}});\nawait authgear.authenticateAnonymously();"
                    ),
                ),
            ],
            Self::Ios => vec![
                ("Add the package in Xcode", "https://github.com/authgear/authgear-sdk-ios.git".to_string()),
                (
                    "Configure, once at the start",
                    format!(
                        "let authgear = Authgear(clientId: \"{client_id}\", endpoint: \"{endpoint}\")\nauthgear.configure {{ \
                         result in }}"
                    ),
                ),
                ("A guest on the first action", "authgear.authenticateAnonymously { result in }".to_string()),
                (
                    "Keep it: the guest signs up",
                    format!("authgear.promoteAnonymousUser(redirectURI: \"{redirect}\") {{ result in }}"),
                ),
            ],
            Self::Android => vec![
                (
                    "Add the dependency (from JitPack)",
                    "implementation(\"com.github.authgear:authgear-sdk-android:<release>\")".to_string(),
                ),
                (
                    "Configure, once at the start",
                    format!(
                        "val authgear = Authgear(application, \"{client_id}\", \"{endpoint}\")\nauthgear.configure(listener)"
                    ),
                ),
                ("A guest on the first action", "authgear.authenticateAnonymously(listener)".to_string()),
                (
                    "Keep it: the guest signs up",
                    format!("authgear.promoteAnonymousUser(PromoteOptions(\"{redirect}\"), listener)"),
                ),
            ],
            Self::Flutter => vec![
                install("flutter pub add flutter_authgear"),
                (
                    "Configure, once at the start",
                    format!(
                        "final authgear = Authgear(clientID: \"{client_id}\", endpoint: \"{endpoint}\");\nawait \
                         authgear.configure();"
                    ),
                ),
                ("A guest on the first action", "await authgear.authenticateAnonymously();".to_string()),
                (
                    "Keep it: the guest signs up",
                    format!("await authgear.promoteAnonymousUser(redirectURI: \"{redirect}\");"),
                ),
            ],
            Self::ReactNative => vec![
                install("npm install @authgear/react-native"),
                (
                    "Configure, once at the start",
                    format!(
                        "import authgear from \"@authgear/react-native\";\n\nawait authgear.configure({{\n  clientID: \
                         \"{client_id}\",\n  endpoint: \"{endpoint}\",\n}});"
                    ),
                ),
                ("A guest on the first action", "await authgear.authenticateAnonymously();".to_string()),
                (
                    "Keep it: the guest signs up",
                    format!("await authgear.promoteAnonymousUser({{ redirectURI: \"{redirect}\" }});"),
                ),
            ],
            Self::Oidc | Self::ThirdParty => vec![(
                "Tell your OpenID Connect library",
                format!(
                    "issuer        = {endpoint}\nclient_id     = {client_id}\nclient_secret = (make one under Client \
                     secrets)\nredirect_uri  = {redirect}\nscope         = openid"
                ),
            )],
            Self::Machine => vec![(
                "Get an access token",
                format!(
                    "curl {endpoint}/oauth2/token \\\n  -d grant_type=client_credentials \\\n  -d client_id={client_id} \\\n  \
                     -d client_secret=…"
                ),
            )],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_framework_begins_with_the_projects_own_names() {
        for framework in Framework::ALL {
            assert_eq!(Framework::parse(framework.as_str()), Some(framework));
            let steps = framework.steps("https://auth.shop.example", "shop-web", "https://shop.example/back");
            let all: String = steps.into_iter().map(|(_, code)| code).collect();
            assert!(all.contains("https://auth.shop.example") && all.contains("shop-web"), "{framework:?}");
            assert!(Framework::of_kind(framework.kind()).contains(&framework));
        }
    }
}
