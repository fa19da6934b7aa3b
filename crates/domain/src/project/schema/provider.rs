//! The keys of a provider of external accounts.

use serde_json::json;

use super::{NAME, key, must, section};
use crate::project::{
    provider_type,
    providers::{self, NativeNonce, TokenEndpointAuthMethod},
    rules,
    shape::{
        DefaultValue::{Is, Unset},
        KeySchema, Shape,
    },
};

const PROVIDER_EMAIL: &[KeySchema] = &[key(
    "assume_verified",
    Shape::Flag,
    Is(|| json!(providers::ASSUME_VERIFIED)),
    "Whether every email address from the provider is taken as verified. If not, only those that the provider itself says are verified; of Google, only those of Gmail and of Google Workspace; of Microsoft, only those whose domain is verified (`xms_edov`); of Facebook, none.",
)];
const PROVIDER_CLAIMS: &[KeySchema] = &[section("email", PROVIDER_EMAIL, "Email addresses from the provider.")];
pub(super) const PROVIDER: &[KeySchema] = &[
    must(
        "alias",
        Shape::Text("1 to 40 letters, digits, \"-\" and \"_\"", rules::check_alias),
        "-",
        "The provider's name in URLs; unique in the project. Register `<public_origin>/sso/oauth2/callback/<alias>` as the redirect URI at the provider.",
    ),
    must(
        "type",
        Shape::Text("the name of a type", rules::check_provider_type),
        "google",
        "The type of the provider: `google`, `apple`, `azureadv2` (Microsoft), `github`, `facebook`, `linkedin`, or `oidc` for any OpenID provider.",
    ),
    must(
        "client_id",
        Shape::Text("1 to 255 characters without spaces", rules::check_foreign_client_id),
        "-",
        "The client ID that the provider gave to the project. Of `apple`, the Services ID. The client secret is set apart, with `vestibule provider set-secret` or the Admin API.",
    ),
    key(
        "name",
        NAME,
        Unset,
        "The provider's name on buttons. Defaults to the name of the type; for `oidc`, to the alias.",
    ),
    key(
        "issuer",
        Shape::Text("an https URL without query and fragment", rules::check_issuer),
        Unset,
        "Only for `oidc`, where it is required: the issuer of the provider's ID tokens. Its endpoints are read from `<issuer>/.well-known/openid-configuration`. Accounts belong to the issuer: with another one, users have to connect theirs again.",
    ),
    key(
        "tenant",
        Shape::Text("a tenant's ID or domain, or `common`, `organizations` or `consumers`", rules::check_tenant),
        Unset,
        "Only for `azureadv2`, where it is required: whose accounts are accepted. With `common`, those of every organization and personal ones; with `organizations`, those of every organization; with `consumers`, personal ones.",
    ),
    key(
        "team_id",
        Shape::Text("10 capital letters and digits", rules::check_apple_id),
        Unset,
        "Only for `apple`, where it is required: the ID of the developer team. Accounts belong to it: with another one, users have to connect theirs again.",
    ),
    key(
        "key_id",
        Shape::Text("10 capital letters and digits", rules::check_apple_id),
        Unset,
        "Only for `apple`, where it is required: the ID of the private key that is set as the client secret.",
    ),
    key(
        "scopes",
        Shape::List(&Shape::Text("a scope", rules::check_scope), 1),
        Is(|| json!(provider_type::SCOPES)),
        "Only for `oidc`: the scopes that are requested; `openid` must be among them.",
    ),
    key(
        "token_endpoint_auth_method",
        Shape::Word(&["client_secret_basic", "client_secret_post"]),
        Is(|| json!(TokenEndpointAuthMethod::default())),
        "Only for `oidc`: how the client secret is sent to the provider.",
    ),
    key(
        "native_client_ids",
        Shape::List(&Shape::Text("1 to 255 characters without spaces", rules::check_foreign_client_id), 0),
        Is(|| json!([])),
        "Only for `google`, `apple`, `azureadv2`, `facebook` and `oidc`: the client IDs of native applications at the provider, such as the bundle ID of an iOS app or the Android client at Google; of `facebook`, whose apps have its app ID, that once more. With one of them, applications of the project exchange the provider's ID tokens for tokens, without a page; such an ID token is for one of these clients, or for `client_id`. At most 20.",
    ),
    key(
        "native_nonce",
        Shape::Word(&["required", "optional"]),
        Is(|| json!(NativeNonce::default())),
        "Whether an ID token that an application presents must have a nonce of the server. With `optional`, one without a nonce is good once, also for a thief who presents it first; only for libraries that cannot pass a nonce on.",
    ),
    key(
        "can_reauthenticate",
        Shape::Flag,
        Is(|| json!(providers::CAN_REAUTHENTICATE)),
        "Whether a new answer of the provider counts as a reauthentication although it does not say when its user signed in there, so that a person at an unlocked browser could confirm as the member. If not, only an ID token that says it (`auth_time`) counts, which requests to `oidc` ask for. Without it, members who have nothing but an account at another type of provider cannot make sensitive changes.",
    ),
    section("claims", PROVIDER_CLAIMS, "What is believed of what the provider says about its users."),
];
