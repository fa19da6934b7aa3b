//! Frameworks for applications, with the first lines of code for each. The calls are those of the SDKs, the names and
//! URLs the project's own.

use vestibule_domain::client::ApplicationType;

use crate::guide::GuideLink;

/// A framework or type of application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    React,
    Vue,
    /// Another framework in the browser.
    Web,
    /// A web site rendered on a server, using cookies.
    Server,
    Ios,
    Android,
    Flutter,
    ReactNative,
    /// A first-party client with a secret.
    Oidc,
    /// A third-party client.
    ThirdParty,
    /// A program without users.
    Machine,
}

impl Framework {
    pub(crate) const ALL: [Self; 11] = [
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

    /// The name in URLs.
    pub(crate) fn as_str(self) -> &'static str {
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

    /// Parses the name.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|framework| framework.as_str() == word)
    }

    pub(crate) fn label(self) -> &'static str {
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
            Self::ThirdParty => "Third-party client",
            Self::Machine => "Machine",
        }
    }

    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::React | Self::Vue => "Single-page application with tokens.",
            Self::Web => "JavaScript in the browser, or a server that keeps sessions; with tokens.",
            Self::Server => "Pages rendered by your server, with cookies and a reverse proxy.",
            Self::Ios | Self::Android | Self::Flutter | Self::ReactNative => "Guests sign in with a key on the device.",
            Self::Oidc => "Your own backend, with a client secret. No guests.",
            Self::ThirdParty => "A partner's application. Members must agree to it. No guests, no full-access scope.",
            Self::Machine => "A program that calls an API for itself, with client credentials. No users.",
        }
    }

    /// The type of application it creates.
    pub(crate) fn kind(self) -> ApplicationType {
        match self {
            Self::React | Self::Vue | Self::Web => ApplicationType::Spa,
            Self::Server => ApplicationType::TraditionalWebapp,
            Self::Ios | Self::Android | Self::Flutter | Self::ReactNative => ApplicationType::Native,
            Self::Oidc => ApplicationType::Confidential,
            Self::ThirdParty => ApplicationType::ThirdPartyApp,
            Self::Machine => ApplicationType::M2m,
        }
    }

    pub(crate) fn example_redirect(self) -> &'static str {
        match self {
            Self::React => "http://localhost:5173/after-login",
            Self::Vue => "http://localhost:5173/after-login",
            Self::Web | Self::Server => "http://localhost:3000/after-login",
            Self::Ios | Self::Android | Self::Flutter | Self::ReactNative => "com.example.app://host/path",
            Self::Oidc | Self::ThirdParty => "https://app.example/callback",
            Self::Machine => "",
        }
    }

    /// The guides to it.
    pub(crate) fn guides(self) -> &'static [GuideLink] {
        match self {
            Self::React | Self::Vue => &[("web", "Web apps")],
            Self::Web => &WEB_GUIDES,
            Self::Server => &SERVER_GUIDES,
            Self::Ios => &[("ios", "iOS")],
            Self::Android => &[("android", "Android")],
            Self::Flutter => &[("flutter", "Flutter")],
            Self::ReactNative => &[("react-native", "React Native")],
            Self::Oidc => &[("backend", "The backend behind an app"), ("sessions", "Sessions and lifetimes")],
            Self::ThirdParty => &[("third-party", "Third-party applications")],
            Self::Machine => &[("machine-to-machine", "Machine to machine")],
        }
    }

    /// The frameworks that create this type of application.
    pub(crate) fn of_kind(kind: ApplicationType) -> Vec<Self> {
        let kind = if kind == ApplicationType::Unspecified { ApplicationType::Spa } else { kind };
        Self::ALL.into_iter().filter(|framework| framework.kind() == kind).collect()
    }

    /// The steps: a heading and a code sample each.
    pub(super) fn steps(self, endpoint: &str, client_id: &str, redirect: &str) -> Vec<(&'static str, String)> {
        let session_type = if self == Self::Server { "cookie" } else { "refresh_token" };
        let names = [
            ("{{endpoint}}", endpoint),
            ("{{client_id}}", client_id),
            ("{{redirect_uri}}", redirect),
            ("{{session_type}}", session_type),
        ];
        let fill = |text: &str| names.iter().fold(text.to_string(), |text, (name, value)| text.replace(name, value));
        let code = self.templates().iter().map(|(heading, text)| (*heading, fill(text.trim_end())));
        let proxy =
            (self == Self::Server).then(|| ("Forward auth in your reverse proxy (nginx)", nginx_locations(endpoint)));
        proxy.into_iter().chain(code).collect()
    }

    fn templates(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::React => REACT,
            Self::Vue => VUE,
            Self::Web => WEB,
            Self::Server => SERVER,
            Self::Ios => IOS,
            Self::Android => ANDROID,
            Self::Flutter => FLUTTER,
            Self::ReactNative => REACT_NATIVE,
            Self::Oidc | Self::ThirdParty => OIDC,
            Self::Machine => MACHINE,
        }
    }
}

const WEB_GUIDES: [GuideLink; 6] = [
    ("web", "Web apps"),
    ("nextjs", "Next.js"),
    ("sveltekit", "SvelteKit"),
    ("express", "Express"),
    ("fastapi", "FastAPI"),
    ("go", "Go"),
];
const SERVER_GUIDES: [GuideLink; 2] =
    [("web#which-session-type", "Which session type?"), ("backend#2-forward-auth", "Forward auth")];

const AUTH: (&str, &str) = ("Guests, sign-up and sign-in: one module", include_str!("../quick-starts/auth.js"));
const CONFIGURE: &str = "Configure once, at start-up";
const GUEST: &str = "Create a guest on the first action";
const SIGN_IN: &str = "Save your progress, and sign in again";

const REACT: &[(&str, &str)] = &[
    ("Install, in a project made with npm create vite@latest", "npm install @authgear/web"),
    AUTH,
    ("A hook, with the callback", include_str!("../quick-starts/react/useAuth.js")),
    ("A component", include_str!("../quick-starts/react/App.jsx")),
    ("Run it", include_str!("../quick-starts/react/main.jsx")),
];
const VUE: &[(&str, &str)] = &[
    ("Install, in a project made with npm create vite@latest", "npm install @authgear/web"),
    AUTH,
    ("A composable, with the callback", include_str!("../quick-starts/vue/useAuth.js")),
    ("A component", include_str!("../quick-starts/vue/App.vue")),
    ("Run it", include_str!("../quick-starts/vue/main.js")),
];
const WEB: &[(&str, &str)] = &[
    ("Install", "npm install @authgear/web"),
    AUTH,
    ("The page; it also answers at the redirect URI", include_str!("../quick-starts/web/index.html")),
    ("Its script, with the callback", include_str!("../quick-starts/web/main.js")),
];
const SERVER: &[(&str, &str)] = &[
    ("In the pages: install", "npm install @authgear/web"),
    AUTH,
    ("The callback", include_str!("../quick-starts/server/after-login.js")),
];
const IOS: &[(&str, &str)] = &[
    ("Add the package in Xcode", "https://github.com/authgear/authgear-sdk-ios.git"),
    (
        CONFIGURE,
        "let authgear = Authgear(clientId: \"{{client_id}}\", endpoint: \"{{endpoint}}\")\nauthgear.configure { result \
         in }",
    ),
    (GUEST, "authgear.authenticateAnonymously { result in }"),
    (SIGN_IN, include_str!("../quick-starts/ios/Auth.swift")),
];
const ANDROID: &[(&str, &str)] = &[
    ("Add the dependency (from JitPack)", "implementation(\"com.github.authgear:authgear-sdk-android:<release>\")"),
    (
        CONFIGURE,
        "val authgear = Authgear(application, \"{{client_id}}\", \"{{endpoint}}\")\nauthgear.configure(listener)",
    ),
    (GUEST, "authgear.authenticateAnonymously(listener)"),
    (SIGN_IN, include_str!("../quick-starts/android/Auth.kt")),
];
const FLUTTER: &[(&str, &str)] = &[
    ("Install", "flutter pub add flutter_authgear"),
    (
        CONFIGURE,
        "final authgear = Authgear(clientID: \"{{client_id}}\", endpoint: \"{{endpoint}}\");\nawait authgear.configure();",
    ),
    (GUEST, "await authgear.authenticateAnonymously();"),
    (SIGN_IN, include_str!("../quick-starts/flutter/auth.dart")),
];
const REACT_NATIVE: &[(&str, &str)] = &[
    ("Install", "npm install @authgear/react-native"),
    (
        CONFIGURE,
        "import authgear from \"@authgear/react-native\";\n\nawait authgear.configure({\n  clientID: \
         \"{{client_id}}\",\n  endpoint: \"{{endpoint}}\",\n});",
    ),
    (GUEST, "await authgear.authenticateAnonymously();"),
    (SIGN_IN, include_str!("../quick-starts/react-native/auth.js")),
];
const OIDC: &[(&str, &str)] = &[(
    "Configure your OpenID Connect library",
    "issuer        = {{endpoint}}\nclient_id     = {{client_id}}\nclient_secret = (create one under Client secrets)\nredirect_uri  = {{redirect_uri}}\nscope         = openid",
)];
const MACHINE: &[(&str, &str)] = &[
    (
        "Name the API under Resources in the application's settings, with its scopes",
        "https://orders.example orders:read",
    ),
    ("Create a secret under Client secrets", "export CLIENT_SECRET=…"),
    ("Get a token", include_str!("../quick-starts/machine/token.sh")),
    ("Call the API, which verifies the token", include_str!("../quick-starts/machine/call.sh")),
];
/// The headers that a backend reads, which a client could forge.
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

/// Two locations for nginx: the protected pages get the resolver's headers, and never those sent by the client.
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

    const ENDPOINT: &str = "https://auth.shop.example";

    #[test]
    fn every_framework_begins_with_the_projects_own_names() {
        for framework in Framework::ALL {
            assert_eq!(Framework::parse(framework.as_str()), Some(framework));
            let steps = framework.steps(ENDPOINT, "shop-web", "https://shop.example/back");
            let all: String = steps.into_iter().map(|(_, code)| code).collect();
            assert!(all.contains(ENDPOINT) && all.contains("shop-web"), "{framework:?}");
            assert!(Framework::of_kind(framework.kind()).contains(&framework));
            for name in ["{{endpoint}}", "{{client_id}}", "{{redirect_uri}}", "{{session_type}}"] {
                assert!(!all.contains(name), "{framework:?}: {name} is filled in");
            }
        }
    }

    #[test]
    fn who_has_guests_is_shown_how_to_sign_in_again_and_how_to_take_a_no() {
        for framework in Framework::ALL.into_iter().filter(|framework| framework.kind().allows_anonymous()) {
            let steps = framework.steps(ENDPOINT, "shop", "https://shop.example/back");
            let all: String = steps.into_iter().map(|(_, code)| code).collect();
            let calls = ["startAuthentication(", "authenticate("];
            assert!(calls.iter().any(|call| all.contains(call)), "{framework:?}");
            assert!(all.contains("access_denied"), "{framework:?}");
        }
    }

    #[test]
    fn every_framework_has_code_of_its_own() {
        let last = |framework: Framework| framework.steps(ENDPOINT, "shop", "https://shop.example/back").pop();
        let web = [Framework::React, Framework::Vue, Framework::Web, Framework::Server];
        for (one, other) in web.iter().flat_map(|one| web.iter().map(move |other| (*one, *other))) {
            assert!(one == other || last(one) != last(other), "{one:?} and {other:?}");
        }
    }

    /// The web guide has the same files as the portal, and a browser runs both (`e2e/journeys/guides.test.js`).
    #[test]
    fn the_web_guide_shows_the_same_files() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/web.md");
        let guide = std::fs::read_to_string(path).expect("the guide");
        for (_, code) in Framework::Web.steps(ENDPOINT, "shop-web", "https://shop.example/after-login") {
            assert!(guide.contains(&format!("\n{code}\n```")), "docs/guides/web.md lacks:\n{code}");
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
