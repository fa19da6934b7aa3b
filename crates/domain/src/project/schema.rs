//! Every key of a settings document: its shape, its default and its meaning. The one place they are documented;
//! the check of files, the reference and the "did you mean" are made from this table.

use super::{
    rules,
    shape::{Key, Shape},
};
use crate::{client, event};

const CENTURY: i64 = 3_153_600_000;

const fn key(name: &'static str, shape: Shape, default: &'static str, meaning: &'static str) -> Key {
    Key { name, shape, default, required: None, meaning }
}

const fn must(name: &'static str, shape: Shape, stand_in: &'static str, meaning: &'static str) -> Key {
    Key { name, shape, default: "", required: Some(stand_in), meaning }
}

const fn section(name: &'static str, keys: &'static [Key], meaning: &'static str) -> Key {
    key(name, Shape::Table(keys), "", meaning)
}

const SECONDS: Shape = Shape::Whole { min: 1, max: CENTURY };
const ACCESS_SECONDS: Shape = Shape::Whole { min: client::MIN_ACCESS_TOKEN_SECONDS as i64, max: CENTURY };
const NAME: Shape = Shape::Text("a name of 1 to 100 characters", rules::check_name);
const REDIRECT_URI: Shape = Shape::Text("an absolute URI without fragment", rules::check_redirect_uri);
const WEB_URI: Shape = Shape::Text("an http or https address", rules::check_web_uri);
const ORIGIN_ENTRY: Shape = Shape::Text("[scheme://]host[:port]", rules::check_origin_entry);
const ALGORITHM: Shape = Shape::Word(&["RS256", "ES256"]);
const LANGUAGE: Shape = Shape::Text("a language tag", rules::check_language);
const MAILBOX: Shape = Shape::Text("a mail address, with or without a name", rules::check_mailbox);

const LIMIT: &[Key] = &[
    key("enabled", Shape::Flag, "true", "Whether this limit counts."),
    key(
        "period",
        Shape::Text("a length of time such as \"1m\"", rules::check_period),
        "",
        "The time in which a whole burst grows back. Each limit has its own default.",
    ),
    key(
        "burst",
        Shape::Whole { min: 1, max: 1_000_000 },
        "",
        "How many may come at once; then one every period divided by burst. Each limit has its own default.",
    ),
];
const PER_IP: &[Key] = &[section("per_ip", LIMIT, "By the caller's address; an IPv6 network of 64 bits counts once.")];
const PER_IP_AND_KEY: &[Key] = &[
    section("per_ip", LIMIT, "By the caller's address; an IPv6 network of 64 bits counts once."),
    section("per_key", LIMIT, "By the key id that is claimed."),
];

const PER_IP_AND_USER: &[Key] = &[
    section("per_ip", LIMIT, "By the caller's address; an IPv6 network of 64 bits counts once."),
    section("per_user", LIMIT, "By the account that is tried, from wherever."),
];
const CODE_LIMITS: &[Key] = &[
    section("trigger_per_ip", LIMIT, "Codes sent at the wish of one address. Default: 60 in 1m."),
    section("trigger_per_user", LIMIT, "Codes sent to one account or address. Default: 10 in 1h."),
    section("validate_per_ip", LIMIT, "Codes tried from one address. Default: 60 in 1m."),
    section("validate_per_user", LIMIT, "Codes tried against one account. Default: 20 in 10m."),
];

const RATE_LIMITS: &[Key] = &[
    section("signup_anonymous", PER_IP, "New guests. Default: 60 in 1m."),
    section("signup", PER_IP, "New members who never were guests. Default: 10 in 1m."),
    section("account_enumeration", PER_IP, "Questions whether a login ID exists. Default: 10 in 1m."),
    section("password", PER_IP_AND_USER, "Passwords tried. Defaults: 60 in 1m by address, 10 in 1m by account."),
    section("oob_otp", CODE_LIMITS, "One-time codes by mail and SMS."),
    section("passkey", PER_IP, "Passkeys tried. Default: 60 in 1m."),
    section(
        "device_key",
        PER_IP_AND_KEY,
        "Requests signed with the wrong device key; right ones are never held back. Defaults: 60 in 1m by address, 10 in 1m by key id.",
    ),
];

const AUTHENTICATION: &[Key] = &[
    key(
        "identities",
        Shape::List(&Shape::Word(&["login_id", "anonymous", "passkey"]), 1),
        "[\"login_id\"]",
        "What users can be known by. \"anonymous\" switches guests on; \"passkey\" lets a passkey alone make a member.",
    ),
    key(
        "primary_authenticators",
        Shape::List(&Shape::Word(&["password", "oob_otp_email", "oob_otp_sms", "passkey"]), 1),
        "[\"password\"]",
        "How members prove who they are, in the order they are offered.",
    ),
    key(
        "public_signup_disabled",
        Shape::Flag,
        "false",
        "Whether nobody can sign up by itself, guests included. Promotion and known device keys go on working.",
    ),
    key(
        "passkey_offer_enabled",
        Shape::Flag,
        "false",
        "Whether who joins with something else is offered a passkey before it is through. It can be skipped.",
    ),
    section("rate_limits", RATE_LIMITS, "How often things may be done; a burst at once, then at a steady rate."),
];

const LOGIN_ID_KEY: &[Key] =
    &[must("type", Shape::Word(&["email", "phone", "username"]), "email", "The kind of login ID.")];
const LOGIN_ID: &[Key] = &[
    key(
        "keys",
        Shape::List(&Shape::Table(LOGIN_ID_KEY), 1),
        "[{ type = \"email\" }]",
        "The login IDs people can use, in the order they are offered.",
    ),
    key(
        "default_country",
        Shape::Text("a country as two capital letters", rules::check_country),
        "",
        "The country of phone numbers written without their international prefix; without it the prefix is needed.",
    ),
];
const ON_CONFLICT: &[Key] = &[key(
    "promotion",
    Shape::Word(&["error", "login"]),
    "\"error\"",
    "What happens to a guest when its person signs in to an existing account instead of being promoted: with `error` it stays a guest, with `login` it gives way to that member for good. Signing in is open either way, and nothing is merged.",
)];
const IDENTITY: &[Key] = &[
    section("login_id", LOGIN_ID, "What people type to say who they are."),
    section("on_conflict", ON_CONFLICT, "What happens when a login ID is taken."),
];

const CLAIM: &[Key] = &[
    key("enabled", Shape::Flag, "true", "Whether addresses of this kind can be verified."),
    key("required", Shape::Flag, "true", "Whether a new address must be verified before it counts."),
];
const CLAIMS: &[Key] = &[section("email", CLAIM, "Email addresses."), section("phone_number", CLAIM, "Phone numbers.")];
const VERIFICATION: &[Key] = &[section("claims", CLAIMS, "Which addresses are verified with a code.")];

const PASSWORD_POLICY: &[Key] = &[
    key("min_length", Shape::Whole { min: 1, max: 64 }, "8", "The fewest characters a new password has."),
    key(
        "min_strength",
        Shape::Whole { min: 0, max: 4 },
        "1",
        "How hard to guess a new password must be, from 0 (anything) to 4 (very).",
    ),
    key(
        "refuse_breached",
        Shape::Flag,
        "true",
        "Whether new passwords known from breaches are refused, where the server has such a list.",
    ),
];

const SESSION: &[Key] = &[
    key("lifetime_seconds", SECONDS, "31449600", "How long a cookie session lives at most."),
    key("idle_timeout_enabled", Shape::Flag, "true", "Whether a cookie session ends when it is not used."),
    key("idle_timeout_seconds", SECONDS, "2592000", "After how long without use it ends."),
    key("use_session_cookie", Shape::Flag, "false", "Whether the cookie also ends when the browser is closed."),
];

const HTTP: &[Key] = &[
    key(
        "allowed_origins",
        Shape::List(&ORIGIN_ENTRY, 0),
        "[]",
        "Web origins that may call the server from a browser, beside those of the applications' redirect URIs. The scheme may be an application's own (\"capacitor://localhost\"); \"*\" stands for letters, digits and dashes in the first labels (\"https://*-team.vercel.app\").",
    ),
    key(
        "cookie_domain",
        Shape::Text("a domain name", rules::check_cookie_domain),
        "",
        "The domain that shares the session cookie, such as \"shop.example\"; without it only our own host sees it.",
    ),
    key(
        "cookie_prefix",
        Shape::Text("the beginning of a cookie name", rules::check_cookie_prefix),
        "",
        "What every cookie name begins with, to keep projects under one domain apart.",
    ),
];

const UI: &[Key] = &[
    key("name", NAME, "", "The name on the pages and in mails; the project's name without it."),
    key("logo_uri", WEB_URI, "", "The picture at the top of the pages."),
    key(
        "accent_color",
        Shape::Text("a colour as \"#rrggbb\"", rules::check_color),
        "",
        "The colour of buttons and links.",
    ),
    key(
        "color_scheme",
        Shape::Word(&["auto", "light", "dark"]),
        "\"auto\"",
        "Light, dark, or what the person's system says.",
    ),
    key("languages", Shape::List(&LANGUAGE, 1), "", "The languages of the pages; all there are without it."),
    key("fallback_language", LANGUAGE, "\"en\"", "The language for people whose own is not offered."),
    key(
        "default_client_uri",
        WEB_URI,
        "",
        "Used when a page does not know which application to return to.",
    ),
];

const MAIL: &[Key] = &[
    key("from", MAILBOX, "", "The sender of the project's mails; the server's own without it."),
    key("reply_to", MAILBOX, "", "Where answers go."),
];

const CLIENT: &[Key] = &[
    must(
        "client_id",
        Shape::Text("1 to 64 letters, digits, \"-\", \"_\" and \".\"", rules::check_client_id),
        "-",
        "The application's name on the wire; unique in the project.",
    ),
    key("name", NAME, "", "Shown to users. Defaults to the client ID."),
    key(
        "x_application_type",
        Shape::Word(&["spa", "traditional_webapp", "native", "confidential", "third_party_app", "m2m", ""]),
        "\"\"",
        "What kind of program it is; decides what it may do. Unspecified counts as one of your own public clients.",
    ),
    key(
        "redirect_uris",
        Shape::List(&REDIRECT_URI, 1),
        "",
        "Where people may be sent back to, compared letter by letter. Their origins may also call us from a browser.",
    ),
    key(
        "post_logout_redirect_uris",
        Shape::List(&REDIRECT_URI, 0),
        "[]",
        "Where people may be sent after logging out.",
    ),
    key("client_uri", WEB_URI, "", "The application's home page."),
    key(
        "access_token_lifetime_seconds",
        ACCESS_SECONDS,
        "1800",
        "How long an access token lives. At most 2419200 for m2m.",
    ),
    key(
        "refresh_token_lifetime_seconds",
        ACCESS_SECONDS,
        "31449600",
        "How long a refresh token lives at most; not shorter than an access token.",
    ),
    key("refresh_token_idle_timeout_enabled", Shape::Flag, "true", "Whether a refresh token ends when it is not used."),
    key("refresh_token_idle_timeout_seconds", SECONDS, "2592000", "After how long without use it ends."),
    key("refresh_token_rotation_enabled", Shape::Flag, "false", "Whether each refresh hands out a new refresh token."),
    key(
        "refresh_token_rotation_grace_seconds",
        Shape::Whole { min: 0, max: 3_600 },
        "30",
        "How long the previous refresh token still works, for tabs that race and answers that get lost.",
    ),
    key(
        "x_max_concurrent_session",
        Shape::Whole { min: 0, max: 1 },
        "0",
        "1 ends a user's earlier sessions of this application when a new one begins; 0 does not.",
    ),
    key("x_dpop_disabled", Shape::Flag, "false", "Whether DPoP proofs that do not fit are only logged."),
    key("issue_jwt_access_token", Shape::Flag, "false", "Whether access tokens are JWTs that others can verify."),
    key(
        "access_token_signed_response_alg",
        ALGORITHM,
        "\"RS256\"",
        "How access tokens are signed when they are JWTs. Set ES256 only when every API that verifies them accepts it.",
    ),
    key(
        "id_token_signed_response_alg",
        ALGORITHM,
        "\"RS256\"",
        "How ID tokens are signed. It does not change access tokens.",
    ),
    key(
        "anonymous_access_token_lifetime_seconds",
        ACCESS_SECONDS,
        "",
        "How long a guest's access token lives; as a member's without it.",
    ),
    key(
        "anonymous_refresh_token_lifetime_seconds",
        ACCESS_SECONDS,
        "",
        "How long a guest's refresh token lives at most; as a member's without it.",
    ),
    key(
        "anonymous_refresh_token_idle_timeout_seconds",
        SECONDS,
        "",
        "After how long without use a guest's refresh token ends; as a member's without it.",
    ),
    key(
        "anonymous_scopes",
        Shape::List(&Shape::Word(&client::GRANTABLE_GUEST_SCOPES), 1),
        "[\"openid\", \"offline_access\", \"https://authgear.com/scopes/full-access\"]",
        "The scopes a guest is granted.",
    ),
];
const OAUTH: &[Key] = &[key("clients", Shape::List(&Shape::Table(CLIENT), 0), "", "The applications.")];

const WEBHOOK_URL: Shape = Shape::Text("an http or https address", rules::check_web_uri);
const BLOCKING_HANDLER: &[Key] = &[
    must("event", Shape::Word(&event::BLOCKING), "user.pre_create", "The event to ask about."),
    must("url", WEBHOOK_URL, "http://localhost", "Where the question is sent."),
];
const NON_BLOCKING_HANDLER: &[Key] = &[
    key(
        "events",
        Shape::List(&Shape::Word(&event::NON_BLOCKING), 1),
        "",
        "The events to tell; every one without it, or with \"*\".",
    ),
    must("url", WEBHOOK_URL, "http://localhost", "Where the events are sent."),
];
const HOOK: &[Key] = &[
    key(
        "blocking_handlers",
        Shape::List(&Shape::Table(BLOCKING_HANDLER), 0),
        "",
        "Who is asked before something happens and can refuse; one after the other, in this order.",
    ),
    key(
        "non_blocking_handlers",
        Shape::List(&Shape::Table(NON_BLOCKING_HANDLER), 0),
        "",
        "Who is told after something happened; each at least once, in order for each user.",
    ),
    key(
        "sync_hook_timeout_seconds",
        Shape::Whole { min: 1, max: 60 },
        "5",
        "How long one blocking handler may take; then the answer is no.",
    ),
    key(
        "sync_hook_total_timeout_seconds",
        Shape::Whole { min: 1, max: 120 },
        "10",
        "How long all blocking handlers of one event may take together.",
    ),
    key(
        "delivery_timeout_seconds",
        Shape::Whole { min: 1, max: 60 },
        "60",
        "How long a non-blocking handler may take; then the event is sent again later.",
    ),
];

const PROJECT: &[Key] = &[
    must(
        "id",
        Shape::Text("1 to 40 lower-case letters, digits and dashes", rules::check_project_id),
        "project",
        "The project's name in files, on the command line and in events.",
    ),
    must(
        "public_origin",
        Shape::Text("an origin such as \"https://auth.shop.example\"", rules::check_origin),
        "http://localhost",
        "The origin its people and applications reach it at; also the issuer of its tokens.",
    ),
    key("name", NAME, "", "What operators see; the id without it."),
];

/// The whole document.
pub(super) const DOCUMENT: &[Key] = &[
    Key {
        name: "project",
        shape: Shape::Table(PROJECT),
        default: "",
        required: Some(""),
        meaning: "What the project is called and where it lives.",
    },
    section("authentication", AUTHENTICATION, "Who can be a user and how they prove it."),
    section("identity", IDENTITY, "Login IDs and what happens when one is taken."),
    section("verification", VERIFICATION, "Proof that an address belongs to who gave it."),
    section("password_policy", PASSWORD_POLICY, "What a new password must be like."),
    section("session", SESSION, "Cookie sessions."),
    section("http", HTTP, "Origins and cookies."),
    section("ui", UI, "Looks and languages of the pages and mails."),
    section("mail", MAIL, "Mails to the project's people."),
    section("oauth", OAUTH, "Applications."),
    section("hook", HOOK, "Webhooks: who is asked and told about events."),
];

/// One line of the settings reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceEntry {
    /// The key's path; `[]` after a list of tables.
    pub path: String,
    /// What can be written.
    pub kind: String,
    /// What absence stands for, as TOML; empty when absence is a meaning of its own.
    pub default: &'static str,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it does.
    pub meaning: &'static str,
}

/// Every key there is, in the document's order, for the generated reference.
#[must_use]
pub fn list_reference() -> Vec<ReferenceEntry> {
    let mut entries = Vec::new();
    collect(DOCUMENT, "", &mut entries);
    entries
}

fn collect(keys: &'static [Key], path: &str, entries: &mut Vec<ReferenceEntry>) {
    for key in keys {
        let path = super::shape::join(path, key.name);
        entries.push(ReferenceEntry {
            path: path.clone(),
            kind: key.shape.describe(),
            default: key.default,
            is_required: key.required.is_some(),
            meaning: key.meaning,
        });
        match &key.shape {
            Shape::Table(inner) => collect(inner, &path, entries),
            Shape::List(Shape::Table(inner), _) => collect(inner, &format!("{path}[]"), entries),
            Shape::Text(..) | Shape::Flag | Shape::Whole { .. } | Shape::Word(_) | Shape::List(..) => {}
        }
    }
}
