//! The schema of the settings document: type, default and meaning of every key. Keys are documented only here;
//! validation, the reference, the portal's controls and the "did you mean" hints come from this table.

mod guests;
mod mail_texts;
mod merging;
mod provider;
mod retention;

use serde_json::json;

use super::{
    defaults,
    limits::{DEFAULT_LIMIT_ENABLED, LimitName},
    rules,
    sections::{ColorSchemeSetting, ExternalConflict, PromotionConflict},
    shape::{
        DefaultValue::{self, BurstOf, Is, PeriodOf, Unset},
        KeySchema, Shape,
    },
};
use crate::{
    client::{self, ApplicationType, TokenSigningAlgorithm},
    credential::password::Policy,
    event,
    retention::DEFAULT_CONFIRM_ABOVE_PERCENT,
};

const CENTURY: i64 = 3_153_600_000;

const fn key(name: &'static str, shape: Shape, default: DefaultValue, meaning: &'static str) -> KeySchema {
    KeySchema { name, shape, default, required: None, meaning }
}

const fn must(name: &'static str, shape: Shape, stand_in: &'static str, meaning: &'static str) -> KeySchema {
    KeySchema { name, shape, default: Unset, required: Some(stand_in), meaning }
}

const fn section(name: &'static str, keys: &'static [KeySchema], meaning: &'static str) -> KeySchema {
    key(name, Shape::Table(keys), Unset, meaning)
}

const SECONDS: Shape = Shape::Whole { min: 1, max: CENTURY };
const ACCESS_SECONDS: Shape = Shape::Whole { min: client::MIN_ACCESS_TOKEN_SECONDS as i64, max: CENTURY };
const NAME: Shape = Shape::Text("a name of 1 to 100 characters", rules::check_name);
const REDIRECT_URI: Shape = Shape::Text("an absolute URI without fragment", rules::check_redirect_uri);
const WEB_URI: Shape = Shape::Text("an http or https URL", rules::check_web_uri);
const ORIGIN_ENTRY: Shape = Shape::Text("[scheme://]host[:port]", rules::check_origin_entry);
const RESOURCE: Shape = Shape::Text("a URI and scopes, separated by spaces", rules::check_resource);
const ALGORITHM: Shape = Shape::Word(&["RS256", "ES256"]);
const LANGUAGE: Shape = Shape::Text("a language tag", rules::check_language);
const MAILBOX: Shape = Shape::Text("an email address, with or without a name", rules::check_mailbox);

const fn limit(name: LimitName) -> [KeySchema; 3] {
    [
        key("enabled", Shape::Flag, Is(|| json!(DEFAULT_LIMIT_ENABLED)), "Whether this limit is enforced."),
        key(
            "period",
            Shape::Text("a duration such as \"1m\"", rules::check_period),
            PeriodOf(name),
            "Refill period: the time in which an empty limit refills to `burst`.",
        ),
        key(
            "burst",
            Shape::Whole { min: 1, max: 1_000_000 },
            BurstOf(name),
            "Requests allowed at once. After that, one request is allowed every `period` / `burst`.",
        ),
    ]
}

const fn per_ip(keys: &'static [KeySchema; 3]) -> KeySchema {
    section("per_ip", keys, "Per IP address of the caller; an IPv6 /64 network is one address.")
}

const PASSWORD_LIMITS: &[KeySchema] = &[
    per_ip(&limit(LimitName::PasswordPerIp)),
    section(
        "per_user",
        &limit(LimitName::PasswordPerUser),
        "Per account, from any IP address. A browser where the account signed in before has a limit of its own of this size, instead of this one and the one per IP address.",
    ),
];
const SMS_LIMITS: &[KeySchema] = &[section(
    "per_project",
    &limit(LimitName::SmsPerProject),
    "Of the whole project. A quarter of it is kept for sign-ins to proved numbers, another for browsers that are known for their account. If the rest is used up, new numbers get no codes, and the event `message.sms_budget_used_up` says so.",
)];
const CODE_LIMITS: &[KeySchema] = &[
    section(
        "trigger_per_ip",
        &limit(LimitName::CodeSendPerIp),
        "Codes requested from one IP address. After ten text messages whose codes were not entered, each further one waits twice as long as the one before, up to 15 minutes.",
    ),
    section(
        "trigger_per_user",
        &limit(LimitName::CodeSendPerUser),
        "Codes sent to one account, email address or phone number at the request of one IP address; of all IP addresses together, twice as many. Browsers where the account signed in before have a limit of their own of this size. To a phone number, each further code waits twice as long as the one before, up to 15 minutes, until a code is entered.",
    ),
    section("validate_per_ip", &limit(LimitName::CodeTryPerIp), "Codes entered from one IP address."),
    section(
        "validate_per_user",
        &limit(LimitName::CodeTryPerUser),
        "Codes entered for one account. The first attempt for each code is always judged, and a browser where the account signed in before has a limit of its own of this size.",
    ),
];
const DEVICE_KEY_LIMITS: &[KeySchema] = &[
    per_ip(&limit(LimitName::DeviceKeyPerIp)),
    section("per_key", &limit(LimitName::DeviceKeyPerKey), "Per key ID in the request."),
];

const RATE_LIMITS: &[KeySchema] = &[
    section("signup_anonymous", &[per_ip(&limit(LimitName::SignupAnonymousPerIp))], "New guests."),
    section(
        "signup",
        &[per_ip(&limit(LimitName::SignupPerIp))],
        "New members that sign up without being a guest first.",
    ),
    section(
        "account_enumeration",
        &[per_ip(&limit(LimitName::AccountEnumerationPerIp))],
        "Checks whether a login ID exists.",
    ),
    section("password", PASSWORD_LIMITS, "Password attempts."),
    section("oob_otp", CODE_LIMITS, "One-time codes by email and SMS."),
    section("passkey", &[per_ip(&limit(LimitName::PasskeyPerIp))], "Passkey attempts."),
    section("sms", SMS_LIMITS, "Text messages with codes."),
    section(
        "device_key",
        DEVICE_KEY_LIMITS,
        "Requests with a wrong signature of a device key; requests with a valid signature are never limited.",
    ),
];

const AUTHENTICATION: &[KeySchema] = &[
    key(
        "identities",
        Shape::List(&Shape::Word(&["login_id", "anonymous", "passkey"]), 1),
        Is(|| json!(defaults::IDENTITIES)),
        "Identity types users can have. \"anonymous\" turns guests on; \"passkey\" allows sign-up with only a passkey.",
    ),
    key(
        "primary_authenticators",
        Shape::List(&Shape::Word(&["password", "oob_otp_email", "oob_otp_sms", "passkey"]), 1),
        Is(|| json!(defaults::PRIMARY_AUTHENTICATORS)),
        "Authenticators of members, in the order in which they are offered.",
    ),
    key(
        "public_signup_disabled",
        Shape::Flag,
        Is(|| json!(defaults::PUBLIC_SIGNUP_DISABLED)),
        "Whether sign-up is closed, for guests and members. Promotion and sign-in with existing device keys keep working.",
    ),
    key(
        "passkey_offer_enabled",
        Shape::Flag,
        Is(|| json!(defaults::PASSKEY_OFFER_ENABLED)),
        "Whether users who sign up without a passkey are offered to create one at the end. They can skip it.",
    ),
    key(
        "recovery_preselect_days",
        Shape::Whole { min: 0, max: 3650 },
        Is(|| json!(defaults::RECOVERY_PRESELECT_DAYS)),
        "A member who recovers a forgotten password can remove its other sign-in methods. Those added less than this many days ago are preselected; 0: none.",
    ),
    key(
        "retention_confirm_percent",
        Shape::Whole { min: 0, max: 100 },
        Is(|| json!(DEFAULT_CONFIRM_ABOVE_PERCENT)),
        "When new rules for the retention of guests would expire more than this share of an application's guests at first, in percent, an operator must confirm them. 100: never.",
    ),
    section("rate_limits", RATE_LIMITS, "Rate limits: a burst at once, then a steady rate."),
];

const LOGIN_ID_KEY: &[KeySchema] =
    &[must("type", Shape::Word(&["email", "phone", "username"]), "email", "The type of login ID.")];
const LOGIN_ID: &[KeySchema] = &[
    key(
        "keys",
        Shape::List(&Shape::Table(LOGIN_ID_KEY), 1),
        Is(|| json!(defaults::LOGIN_ID_KEYS)),
        "The login IDs users can have, in the order in which they are offered.",
    ),
    key(
        "default_country",
        Shape::Text("a country as two capital letters", rules::check_country),
        Unset,
        "The country of phone numbers entered without a country code. If not set, the country code is required.",
    ),
];
const IDENTITY_OAUTH: &[KeySchema] = &[key(
    "providers",
    Shape::List(&Shape::Table(provider::PROVIDER), 0),
    Unset,
    "The providers with which users sign up, sign in and are promoted, in the order in which they are offered. At most 20.",
)];
const IDENTITY: &[KeySchema] = &[
    section("login_id", LOGIN_ID, "Email addresses, phone numbers and usernames."),
    section("oauth", IDENTITY_OAUTH, "Accounts at other providers, such as Google."),
    section(
        "on_conflict",
        merging::ON_CONFLICT,
        "What happens when a login ID or the address of an account at a provider belongs to another user.",
    ),
    section("merge", merging::MERGE, "How guests are merged into members."),
];

const CLAIM: &[KeySchema] = &[
    key(
        "enabled",
        Shape::Flag,
        Is(|| json!(defaults::VERIFICATION_ENABLED)),
        "Whether login IDs of this type can be verified.",
    ),
    key(
        "required",
        Shape::Flag,
        Is(|| json!(defaults::VERIFICATION_REQUIRED)),
        "Whether a new login ID of this type must be verified before it can be used.",
    ),
];
const CLAIMS: &[KeySchema] =
    &[section("email", CLAIM, "Email addresses."), section("phone_number", CLAIM, "Phone numbers.")];
const VERIFICATION: &[KeySchema] = &[section("claims", CLAIMS, "Which login IDs are verified with a code.")];

const PASSWORD_POLICY: &[KeySchema] = &[
    key(
        "min_length",
        Shape::Whole { min: 1, max: 64 },
        Is(|| json!(Policy::default().min_length)),
        "Minimum length of a new password, in characters.",
    ),
    key(
        "min_strength",
        Shape::Whole { min: 0, max: 4 },
        Is(|| json!(Policy::default().min_strength)),
        "Minimum strength of a new password, from 0 (any) to 4 (very strong).",
    ),
    key(
        "refuse_breached",
        Shape::Flag,
        Is(|| json!(Policy::default().refuse_breached)),
        "Whether breached passwords are rejected, if the server has a list of them.",
    ),
];

const SESSION: &[KeySchema] = &[
    key(
        "lifetime_seconds",
        SECONDS,
        Is(|| json!(defaults::SESSION_LIFETIME_SECONDS)),
        "Maximum lifetime of a cookie session, in seconds.",
    ),
    key(
        "idle_timeout_enabled",
        Shape::Flag,
        Is(|| json!(defaults::SESSION_IDLE_TIMEOUT_ENABLED)),
        "Whether a cookie session ends when it is not used.",
    ),
    key(
        "idle_timeout_seconds",
        SECONDS,
        Is(|| json!(defaults::SESSION_IDLE_TIMEOUT_SECONDS)),
        "The time without use after which it ends, in seconds.",
    ),
    key(
        "use_session_cookie",
        Shape::Flag,
        Is(|| json!(defaults::USE_SESSION_COOKIE)),
        "Whether the cookie is also deleted when the browser closes.",
    ),
];

const HTTP: &[KeySchema] = &[
    key(
        "allowed_origins",
        Shape::List(&ORIGIN_ENTRY, 0),
        Is(|| json!([])),
        "Web origins that may call the server from a browser, in addition to those of the applications' redirect URIs. The scheme may be an application's own (\"capacitor://localhost\"); \"*\" stands for letters, digits and dashes in the first labels (\"https://*-team.vercel.app\").",
    ),
    key(
        "cookie_domain",
        Shape::Text("a domain name", rules::check_cookie_domain),
        Unset,
        "The domain that shares the session cookie, such as \"shop.example\". If not set, only the server's own host gets the cookie.",
    ),
    key(
        "cookie_prefix",
        Shape::Text("a cookie name prefix", rules::check_cookie_prefix),
        Unset,
        "The prefix of every cookie name. Separates the cookies of projects under one domain.",
    ),
];

const UI: &[KeySchema] = &[
    key("name", NAME, Unset, "The name shown on pages and in emails. Defaults to the project's name."),
    key("logo_uri", WEB_URI, Unset, "The logo at the top of the pages."),
    key(
        "accent_color",
        Shape::Text("a color as \"#rrggbb\"", rules::check_color),
        Unset,
        "The color of buttons and links.",
    ),
    key(
        "color_scheme",
        Shape::Word(&["auto", "light", "dark"]),
        Is(|| json!(ColorSchemeSetting::default())),
        "Light, dark, or the user's system setting.",
    ),
    key(
        "languages",
        Shape::List(&LANGUAGE, 1),
        Unset,
        "The languages of the pages. Defaults to all available languages.",
    ),
    key(
        "fallback_language",
        LANGUAGE,
        Is(|| json!(defaults::FALLBACK_LANGUAGE)),
        "The language for users whose own language is not offered.",
    ),
    key("default_client_uri", WEB_URI, Unset, "Used when a page does not know which application to return to."),
];

const MAIL: &[KeySchema] = &[
    key("from", MAILBOX, Unset, "The sender of the project's emails. Defaults to the server's sender."),
    key("reply_to", MAILBOX, Unset, "The reply-to address."),
    section(
        "texts",
        mail_texts::MAIL_TEXTS,
        "The project's own texts, by language. A text that is not set is the server's.",
    ),
];

const SMS: &[KeySchema] = &[key(
    "allowed_countries",
    Shape::List(&Shape::Text("a country as two capital letters, or \"*\"", rules::check_country_entry), 1),
    Unset,
    "The countries whose phone numbers get codes by SMS; \"*\" means every country. Defaults to `identity.login_id.default_country`; if that is not set either, to every country.",
)];

const CLIENT: &[KeySchema] = &[
    must(
        "client_id",
        Shape::Text("1 to 64 letters, digits, \"-\", \"_\" and \".\"", rules::check_client_id),
        "-",
        "The OAuth client ID; unique in the project.",
    ),
    key("name", NAME, Unset, "Shown to users. Defaults to the client ID."),
    key(
        "x_application_type",
        Shape::Word(&["spa", "traditional_webapp", "native", "confidential", "third_party_app", "m2m", ""]),
        Is(|| json!(ApplicationType::default())),
        "The type of the application, which decides what it may do. Unspecified means a first-party public client. Members must agree to a third-party application before it gets tokens.",
    ),
    key(
        "redirect_uris",
        Shape::List(&REDIRECT_URI, 1),
        Unset,
        "URIs users may return to after signing in; they must match exactly, except for the spelling of the host and, for native applications, the port of http://127.0.0.1 and http://[::1]. Browser calls from their origins are allowed; with cookies only for first-party applications.",
    ),
    key(
        "post_logout_redirect_uris",
        Shape::List(&REDIRECT_URI, 0),
        Is(|| json!([])),
        "URIs users may return to after signing out.",
    ),
    key("client_uri", WEB_URI, Unset, "The application's home page."),
    key(
        "access_token_lifetime_seconds",
        ACCESS_SECONDS,
        Is(|| json!(client::DEFAULT_ACCESS_TOKEN_SECONDS)),
        "Lifetime of an access token, in seconds. At most 2419200 for m2m.",
    ),
    key(
        "refresh_token_lifetime_seconds",
        ACCESS_SECONDS,
        Is(|| json!(client::DEFAULT_LIFETIME_SECONDS)),
        "Maximum lifetime of a refresh token, in seconds. At least the access token lifetime.",
    ),
    key(
        "refresh_token_idle_timeout_enabled",
        Shape::Flag,
        Is(|| json!(client::DEFAULT_IDLE_TIMEOUT_ENABLED)),
        "Whether a refresh token ends when it is not used.",
    ),
    key(
        "refresh_token_idle_timeout_seconds",
        SECONDS,
        Is(|| json!(client::DEFAULT_IDLE_SECONDS)),
        "The time without use after which it ends, in seconds.",
    ),
    key(
        "refresh_token_rotation_enabled",
        Shape::Flag,
        Is(|| json!(client::DEFAULT_ROTATION_ENABLED)),
        "Whether each refresh issues a new refresh token.",
    ),
    key(
        "refresh_token_rotation_grace_seconds",
        Shape::Whole { min: 0, max: 3_600 },
        Is(|| json!(client::DEFAULT_ROTATION_GRACE_SECONDS)),
        "How long the previous refresh token stays valid, in seconds. Covers concurrent tabs and lost responses.",
    ),
    key(
        "x_max_concurrent_session",
        Shape::Whole { min: 0, max: 1 },
        Is(|| json!(client::DEFAULT_CONCURRENT_SESSIONS)),
        "1 ends a user's earlier sessions of this application when a new one begins; 0 does not.",
    ),
    key(
        "x_dpop_disabled",
        Shape::Flag,
        Is(|| json!(client::DEFAULT_DPOP_DISABLED)),
        "Whether mismatched DPoP proofs are only logged.",
    ),
    key(
        "issue_jwt_access_token",
        Shape::Flag,
        Is(|| json!(client::DEFAULT_JWT_ACCESS_TOKENS)),
        "Whether access tokens are JWTs, which other servers can verify.",
    ),
    key(
        "device_authorization_enabled",
        Shape::Flag,
        Is(|| json!(client::DEFAULT_DEVICE_AUTHORIZATION)),
        "Whether devices without a browser may get tokens after a user entered their code (RFC 8628). Not for m2m.",
    ),
    key(
        "previous_subs_enabled",
        Shape::Flag,
        Is(|| json!(false)),
        "Whether ID tokens and UserInfo have the claim `previous_subs`: the IDs of guests that were merged into the user, the last 100 merges, newest first, and 100 of its IDs in other systems. Not for m2m.",
    ),
    key(
        "require_pushed_authorization_requests",
        Shape::Flag,
        Is(|| json!(client::DEFAULT_REQUIRES_PUSHED_REQUESTS)),
        "Whether the application must push its authorization requests (RFC 9126); others are refused. The SDKs do not push.",
    ),
    key(
        "access_token_signed_response_alg",
        ALGORITHM,
        Is(|| json!(TokenSigningAlgorithm::default())),
        "Signature algorithm of JWT access tokens. Set ES256 only if every API that verifies them supports it.",
    ),
    key(
        "id_token_signed_response_alg",
        ALGORITHM,
        Is(|| json!(TokenSigningAlgorithm::default())),
        "Signature algorithm of ID tokens. Access tokens are not affected. Portal and Admin API set ES256 for a new spa or native application.",
    ),
    key(
        "anonymous_access_token_lifetime_seconds",
        ACCESS_SECONDS,
        Unset,
        "Lifetime of a guest's access token, in seconds. Defaults to the members' value.",
    ),
    key(
        "anonymous_refresh_token_lifetime_seconds",
        ACCESS_SECONDS,
        Unset,
        "Maximum lifetime of a guest's refresh token, in seconds. Defaults to the members' value.",
    ),
    key(
        "anonymous_refresh_token_idle_timeout_seconds",
        SECONDS,
        Unset,
        "A guest's refresh token ends after this time without use, in seconds. Defaults to the members' value.",
    ),
    key(
        "anonymous_scopes",
        Shape::List(&Shape::Word(&client::GRANTABLE_GUEST_SCOPES), 1),
        Is(|| json!(client::GUEST_SCOPES)),
        "The scopes a guest is granted.",
    ),
    guests::CREATION,
    guests::STORED_ON_USE,
    section(
        "guest_retention",
        retention::RETENTION,
        "When guests of this application expire. Without a time, they never do.",
    ),
    key(
        "resources",
        Shape::List(&RESOURCE, 0),
        Is(|| json!([])),
        "The APIs that a machine or confidential application gets tokens for itself for (`client_credentials`). Each item is the URI of the API, which is the audience of the tokens, then the scopes that the application may request there: \"https://orders.shop.example orders:read orders:write\".",
    ),
    key(
        "jwks",
        Shape::Text("a JWK set, as JSON text", rules::check_jwks),
        Unset,
        "The public keys with which an application that has secrets may authenticate instead (`private_key_jwt`), for RS256 or ES256. Secrets that exist stay valid until they are removed.",
    ),
    key(
        "jwks_uri",
        Shape::Text("an https URL", rules::check_keys_url),
        Unset,
        "The URL where the application publishes these keys, so that it can change them. Not together with `jwks`. Keys are fetched again after ten minutes, and once a minute for a signature that fits none.",
    ),
    key(
        "backchannel_logout_uri",
        Shape::Text("an http or https URL without fragment", rules::check_logout_url),
        Unset,
        "The URL that gets a logout token when a session of a user of this application ends (OpenID Connect Back-Channel Logout). Only for confidential and third-party applications.",
    ),
    key(
        "backchannel_logout_session_required",
        Shape::Flag,
        Is(|| json!(client::DEFAULT_LOGOUT_NAMES_SESSION)),
        "Whether the logout token names the session (`sid`), as the application's ID tokens do. Without it, the application is to end all sessions of the user.",
    ),
];
const OAUTH: &[KeySchema] = &[key("clients", Shape::List(&Shape::Table(CLIENT), 0), Unset, "The applications.")];

const WEBHOOK_URL: Shape = Shape::Text("an http or https URL", rules::check_web_uri);
const BLOCKING_HANDLER: &[KeySchema] = &[
    must("event", Shape::Word(&event::BLOCKING), "user.pre_create", "The event that the webhook can refuse."),
    must("url", WEBHOOK_URL, "http://localhost", "The URL that is called."),
];
const NON_BLOCKING_HANDLER: &[KeySchema] = &[
    key(
        "events",
        Shape::List(&Shape::Word(&event::NON_BLOCKING), 1),
        Unset,
        "The events to send. All events if not set, or with \"*\". A webhook that lists `user.merge.requested` decides about merges by its answers; one that only gets it with all events does not.",
    ),
    must("url", WEBHOOK_URL, "http://localhost", "The URL that gets the events."),
];
const HOOK: &[KeySchema] = &[
    key(
        "blocking_handlers",
        Shape::List(&Shape::Table(BLOCKING_HANDLER), 0),
        Unset,
        "Blocking webhooks: called before an event and can refuse it. Called one after the other, in this order.",
    ),
    key(
        "non_blocking_handlers",
        Shape::List(&Shape::Table(NON_BLOCKING_HANDLER), 0),
        Unset,
        "Notification webhooks: called after an event, at least once and in order for each user.",
    ),
    key(
        "sync_hook_timeout_seconds",
        Shape::Whole { min: 1, max: 60 },
        Is(|| json!(defaults::BLOCKING_TIMEOUT_SECONDS)),
        "Timeout of one blocking webhook, in seconds. No answer in time counts as a refusal.",
    ),
    key(
        "sync_hook_total_timeout_seconds",
        Shape::Whole { min: 1, max: 120 },
        Is(|| json!(defaults::BLOCKING_TOTAL_TIMEOUT_SECONDS)),
        "Timeout of all blocking webhooks of one event together, in seconds.",
    ),
    key(
        "delivery_timeout_seconds",
        Shape::Whole { min: 1, max: 60 },
        Is(|| json!(defaults::DELIVERY_TIMEOUT_SECONDS)),
        "Timeout of a notification webhook, in seconds. After a timeout the event is sent again later.",
    ),
];

const PROJECT: &[KeySchema] = &[
    must(
        "id",
        Shape::Text("1 to 40 lower-case letters, digits and dashes", rules::check_project_id),
        "project",
        "The project's ID in files, on the command line and in events. It can't be changed.",
    ),
    must(
        "public_origin",
        Shape::Text("an origin such as \"https://auth.shop.example\"", rules::check_origin),
        "http://localhost",
        "The origin where users and applications reach the project; also the issuer of its tokens.",
    ),
    key("name", NAME, Unset, "The name shown to operators. Defaults to the project ID."),
];

/// The whole document.
pub(super) const DOCUMENT: &[KeySchema] = &[
    KeySchema {
        name: "project",
        shape: Shape::Table(PROJECT),
        default: Unset,
        required: Some(""),
        meaning: "The project's ID, name and public origin.",
    },
    section("authentication", AUTHENTICATION, "Who can become a user, and how users sign in."),
    section("identity", IDENTITY, "Login IDs, and what happens when one belongs to another user."),
    section("verification", VERIFICATION, "Verification of email addresses and phone numbers."),
    section("password_policy", PASSWORD_POLICY, "Rules for new passwords."),
    section("session", SESSION, "Cookie sessions."),
    section("http", HTTP, "Origins and cookies."),
    section("ui", UI, "Appearance and languages of pages and emails."),
    section("mail", MAIL, "Emails to the project's users."),
    section("sms", SMS, "Text messages to the project's users."),
    section("oauth", OAUTH, "Applications."),
    section("hook", HOOK, "Webhooks."),
];
