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
}

impl Framework {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 10] = [
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
                ("Ask at your reverse proxy who is calling (nginx)", nginx_locations(endpoint)),
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
        }
    }
}

/// The headers a backend may read; a caller could send any of them.
const RESOLVER_HEADERS: [&str; 8] = [
    "Session-Valid",
    "User-Id",
    "User-Anonymous",
    "User-Verified",
    "User-Can-Reauthenticate",
    "User-Roles",
    "Session-Amr",
    "Session-Authenticated-At",
];

/// Two locations for nginx: the protected pages get the resolver's headers, and none that the caller sent.
fn nginx_locations(endpoint: &str) -> String {
    let mut text = "location /protected {\n  auth_request /_auth;\n".to_string();
    for name in RESOLVER_HEADERS {
        let variable = name.to_ascii_lowercase().replace('-', "_");
        text.push_str(&format!("  auth_request_set $authgear_{variable} $upstream_http_x_authgear_{variable};\n"));
        text.push_str(&format!("  proxy_set_header X-Authgear-{name} $authgear_{variable};\n"));
    }
    text.push_str("  proxy_pass http://127.0.0.1:3000;\n}\n\nlocation = /_auth {\n  internal;\n");
    text.push_str(&format!("  proxy_pass {endpoint}/_resolver/resolve;\n"));
    if endpoint.starts_with("https://") {
        text.push_str("  proxy_ssl_server_name on;\n");
    }
    text.push_str(
        "  proxy_pass_request_body off;\n  proxy_pass_request_headers off;\n  proxy_set_header Cookie $http_cookie;\n  \
         proxy_set_header Authorization $http_authorization;\n}",
    );
    text
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

    #[test]
    fn the_proxy_of_the_quick_start_sets_every_header_a_backend_may_read() {
        let text = nginx_locations("https://auth.shop.example");
        for name in RESOLVER_HEADERS {
            let variable = name.to_lowercase().replace('-', "_");
            assert!(text.contains(&format!("proxy_set_header X-Authgear-{name} $authgear_{variable};")), "{text}");
        }
        assert!(text.contains("proxy_pass https://auth.shop.example/_resolver/resolve;"), "{text}");
        assert!(text.contains("proxy_ssl_server_name on;"), "{text}");
        assert!(!nginx_locations("http://localhost:4100").contains("proxy_ssl"));
    }
}
