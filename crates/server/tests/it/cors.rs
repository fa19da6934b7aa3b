//! Cross-origin calls.

use reqwest::Method;

use crate::support::{Engine, Reply, TestServer, on_both_engines};

/// Every route that scripts of another origin call.
const CALLED_BY_SCRIPTS: [&str; 5] = [
    "/oauth2/token",
    "/oauth2/revoke",
    "/oauth2/userinfo",
    "/api/anonymous_user/signup",
    "/api/anonymous_user/promotion_code",
];
const OPEN: [&str; 3] =
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/oauth2/jwks"];
const ALLOW: [&str; 5] = [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-max-age",
    "access-control-allow-methods",
    "access-control-allow-headers",
];

async fn preflight(server: &TestServer, path: &str, origin: &str) -> Reply {
    let request = server.http().request(Method::OPTIONS, path).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    Reply::of(request.header("access-control-request-headers", "content-type, authorization")).await
}

fn granted(reply: &Reply) -> [Option<&str>; 5] {
    ALLOW.map(|name| reply.header(name))
}

async fn origins_of_redirect_uris_may_call_with_credentials(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for path in CALLED_BY_SCRIPTS {
        let of_the_app = "com.example.shop://host";
        for origin in ["http://shop.test", "http://blog.test", "https://backend.test", of_the_app, &server.origin] {
            let reply = preflight(&server, path, origin).await.expect(200);
            let expected = [origin, "true", "900", "POST", "content-type, authorization"].map(Some);
            assert_eq!(granted(&reply), expected, "{path}");
            assert_eq!((reply.body.as_str(), reply.header("vary")), ("", Some("Origin")));
        }
    }
}

/// A page of a third party may call with a token, but never with the cookies of the browser it is shown in.
async fn origins_of_third_parties_may_call_without_credentials(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        let shared = vec!["https://partner.test/callback", "http://shop.test/partner", "https://listed.test/callback"];
        setup.set_client("partner", "redirect_uris", shared);
        setup.set("http.allowed_origins", vec!["https://listed.test"]);
    })
    .await;
    for path in CALLED_BY_SCRIPTS {
        let reply = preflight(&server, path, "https://partner.test").await.expect(200);
        let expected =
            [Some("https://partner.test"), None, Some("900"), Some("POST"), Some("content-type, authorization")];
        assert_eq!(granted(&reply), expected, "{path}");
        let request = server.http().request(Method::POST, path).header("origin", "https://partner.test").body("x");
        let reply = Reply::of(request).await;
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://partner.test"), "{path}");
        assert_eq!(reply.header("access-control-allow-credentials"), None, "{path}");
        // What a first-party application or the project lists as well is first-party.
        for origin in ["http://shop.test", "https://listed.test"] {
            let reply = preflight(&server, path, origin).await.expect(200);
            assert_eq!(reply.header("access-control-allow-credentials"), Some("true"), "{path} from {origin}");
        }
    }
}

/// A star is meant for the project's own hosts, and a third party may be below the same domain.
async fn a_star_does_not_make_a_third_party_first_party(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        let uris = ["https://partner.shop.test/callback", "https://listed.shop.test/callback"];
        setup.set_client("partner", "redirect_uris", uris.to_vec());
        setup.set("http.allowed_origins", vec!["*.shop.test", "https://*.shop.test:8443", "https://listed.shop.test"]);
    })
    .await;
    for path in CALLED_BY_SCRIPTS {
        for (origin, allowed, with_credentials) in [
            ("https://partner.shop.test", true, false),
            ("https://partner.shop.test:443", true, false),
            ("https://app.shop.test", true, true),
            ("https://listed.shop.test", true, true),
            // The third party's host with another scheme or port is its own, too.
            ("http://partner.shop.test", false, false),
            ("https://partner.shop.test:8443", false, false),
            ("https://app.shop.test:8443", true, true),
        ] {
            let reply = preflight(&server, path, origin).await.expect(200);
            let found =
                ["access-control-allow-origin", "access-control-allow-credentials"].map(|name| reply.header(name));
            assert_eq!(found, [allowed.then_some(origin), with_credentials.then_some("true")], "{path} from {origin}");
        }
    }
}

async fn other_origins_get_200_and_no_header(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for path in CALLED_BY_SCRIPTS {
        for origin in [
            "https://shop.test",
            "http://shop.test:8080",
            "http://sub.shop.test",
            "http://evil.test",
            "http://shop.test.evil.test",
            "com.example.shop://host:80",
            "com.example.shop://other",
            "com.example.evil://host",
            "https://host",
            "null",
            "",
        ] {
            let reply = preflight(&server, path, origin).await.expect(200);
            assert_eq!(granted(&reply), [None; 5], "{path} from {origin}");
            assert_eq!(reply.header("vary"), Some("Origin"));
        }
    }
}

async fn the_answer_itself_carries_the_headers_too_even_an_error(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for path in CALLED_BY_SCRIPTS {
        for (origin, expected) in [("http://shop.test", Some("http://shop.test")), ("http://evil.test", None)] {
            let request = server.http().request(Method::POST, path).header("origin", origin).body("x");
            let reply = Reply::of(request).await;
            assert_eq!(reply.header("access-control-allow-origin"), expected, "{path}: {reply:?}");
            assert_eq!(reply.header("access-control-allow-credentials").is_some(), expected.is_some());
            assert_eq!(reply.header("access-control-expose-headers"), None);
            assert!(reply.headers.get_all("vary").iter().any(|vary| vary == "Origin"), "{path}");
        }
    }
}

async fn open_documents_are_open_to_all_without_credentials(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for path in OPEN {
        let answer = Reply::of(server.http().request(Method::GET, path).header("origin", "http://evil.test")).await;
        for reply in [preflight(&server, path, "http://evil.test").await, answer] {
            let reply = reply.expect(200);
            assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{path}");
            assert_eq!(reply.header("access-control-allow-credentials"), None);
            assert_eq!(reply.header("access-control-max-age"), Some("900"));
        }
    }
}

async fn listed_origins_match_by_label_scheme_and_port(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        let entries = [
            "*.example.test",
            "https://secure.test",
            "ports.test:8443",
            "capacitor://localhost",
            "https://*-team.vercel.test",
        ];
        setup.set("http.allowed_origins", entries.to_vec());
        setup.set_client("blog", "redirect_uris", vec!["https://*.stars.test/cb", "tauri://localhost/cb"]);
    })
    .await;
    for (origin, allowed) in [
        ("http://a.example.test", true),
        ("https://b.example.test", true),
        ("https://example.test", false),
        ("https://a.b.example.test", false),
        ("https://secure.test", true),
        ("http://secure.test", false),
        ("https://ports.test:8443", true),
        ("https://ports.test", false),
        ("capacitor://localhost", true),
        ("tauri://localhost", true),
        ("ionic://localhost", false),
        ("https://shop-git-main-team.vercel.test", true),
        ("https://evil.vercel.test", false),
        ("https://a-team.vercel.test.evil.test", false),
        ("https://a.stars.test", false),
    ] {
        let reply = preflight(&server, "/oauth2/token", origin).await.expect(200);
        assert_eq!(reply.header("access-control-allow-origin"), allowed.then_some(origin), "{origin}");
    }
}

on_both_engines!(
    origins_of_redirect_uris_may_call_with_credentials,
    origins_of_third_parties_may_call_without_credentials,
    a_star_does_not_make_a_third_party_first_party,
    other_origins_get_200_and_no_header,
    the_answer_itself_carries_the_headers_too_even_an_error,
    open_documents_are_open_to_all_without_credentials,
    listed_origins_match_by_label_scheme_and_port,
);
