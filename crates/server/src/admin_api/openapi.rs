//! Builds the API's description (OpenAPI 3.1) from the rows of its routes. It is checked in as `openapi.json`, which is what the server
//! serves; nothing here runs in it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{handler::Handler, http::Method};
use serde::Serialize;
use serde_json::{Serializer, Value, json, ser::PrettyFormatter};
use vestibule_app::{admin::keys::AdminScope, state::App};
use vestibule_domain::id::UserId;

use vestibule_web::route::ADMIN_API_PREFIX;

use super::{
    Rows, USER_IN_PATH,
    describe::{Described, Draft, Schemas},
    idempotency::KEY_BYTES,
    input::PathPart,
    list_rows,
    operation::{Operation, Tag},
    problem::Problem,
};

const TITLE: &str = "Vestibule Admin API";
const ABOUT: &str = "Manages one project, at the project's own origin.\n\n\
    Send Authorization: Bearer with an API key (vestibule admin key create), or with a JWT signed RS256 or ES256 by a registered key: \
    kid in the header, the project ID in aud, iat and exp within five minutes of the server's clock. audit_context, an object, is \
    copied into events.\n\n\
    Errors are problem details (RFC 9457) with a code that does not change. Writes accept an Idempotency-Key: for 24 hours, the same \
    request with the same key is not executed again and gets the same response. Refused requests are not stored. Lists are paged with \
    next_cursor.";

/// The refusals: status, name and meaning.
const REFUSALS: [(u16, &str, &str); 16] = [
    (
        308,
        "Merged",
        "The ID is an alias: of a guest that was merged into a member, or an ID from another system. Location names the user.",
    ),
    (400, "BadRequest", "The request is malformed."),
    (401, "Unauthorized", "The key is missing or not valid."),
    (403, "Forbidden", "The key lacks the scope, or a blocking webhook refused."),
    (404, "NotFound", "Not found."),
    (405, "MethodNotAllowed", "The route does not support the method."),
    (408, "Timeout", "The body did not arrive in time."),
    (
        409,
        "Conflict",
        "Conflicts with existing data, the user is named by an alias, or a request with the same Idempotency-Key is still running.",
    ),
    (412, "PreconditionFailed", "It was changed since you read it."),
    (413, "TooLarge", "The body is larger than 1 MiB."),
    (415, "MediaType", "The media type of the body is not supported."),
    (
        422,
        "Invalid",
        "The request is not valid; errors names each field. Also: the Idempotency-Key was used for another request.",
    ),
    (428, "PreconditionRequired", "If-Match is missing."),
    (429, "RateLimited", "Too many requests. See Retry-After."),
    (500, "Unexpected", "An unexpected error."),
    (503, "Busy", "The server is busy; see Retry-After."),
];
/// What every operation can answer, and what every write can: its `Idempotency-Key` is checked with its body.
const OF_EVERY: [u16; 7] = [401, 403, 404, 405, 429, 500, 503];
const OF_WRITES: [u16; 5] = [400, 408, 409, 413, 422];
/// What a read of a user by an alias is answered.
const MOVED: u16 = 308;
/// The refusals that say when to try again.
const WITH_DELAY: [u16; 2] = [429, 503];

/// The document. Its members are in the order in which a person reads them.
#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    security: Value,
    tags: Value,
    paths: BTreeMap<&'static str, BTreeMap<String, Value>>,
    components: Value,
}

/// Collects the operations of the rows.
struct Operations {
    schemas: Schemas,
    paths: BTreeMap<&'static str, BTreeMap<String, Value>>,
}

impl Rows for Operations {
    fn put<T: 'static, H: Handler<T, Arc<App>> + Described<T>>(
        &mut self,
        (method, path): (Method, &'static str),
        scope: AdminScope,
        _: H,
        operation: &Operation,
    ) {
        let mut draft = Draft::new(&mut self.schemas);
        H::describe(&mut draft);
        if method == Method::GET && path.contains(USER_IN_PATH) {
            draft.refusals.insert(MOVED);
        }
        let described = print(&method, scope, operation, draft);
        let earlier = self.paths.entry(path).or_default().insert(method.as_str().to_lowercase(), described);
        assert!(earlier.is_none(), "{method} {path} has two rows");
    }
}

fn print(method: &Method, scope: AdminScope, operation: &Operation, draft: Draft<'_>) -> Value {
    let Draft { mut parameters, body, success: (status, mut success), mut refusals, .. } = draft;
    refusals.extend(OF_EVERY);
    refusals.extend(operation.refusals);
    if method != Method::GET {
        parameters.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
        refusals.extend(OF_WRITES);
    }
    success.insert("description".into(), operation.success.into());
    let mut responses = BTreeMap::from([(status.to_string(), Value::Object(success))]);
    responses.extend(refusals.into_iter().map(|status| {
        let (_, name, _) = REFUSALS.into_iter().find(|one| one.0 == status).expect("every refusal has its meaning");
        (status.to_string(), json!({"$ref": format!("#/components/responses/{name}")}))
    }));
    let space = if operation.note.is_empty() { "" } else { " " };
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("{}{space}Needs the scope {}.", operation.note, scope.as_str()),
        "tags": [operation.tag.name()],
        "security": [{"bearer": [scope.as_str()]}],
        "responses": responses,
    });
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = body {
        described["requestBody"] = body;
    }
    described
}

fn print_refusals(schemas: &mut Schemas) -> Value {
    let problem = schemas.of_response::<Problem>();
    let all = REFUSALS.into_iter().map(|(status, name, meaning)| {
        let mut refusal = json!({"description": meaning, "content": {"application/problem+json": {"schema": problem}}});
        if WITH_DELAY.contains(&status) {
            refusal["headers"] =
                json!({"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}});
        }
        if status == MOVED {
            refusal["headers"] =
                json!({"Location": {"description": "The path of the user.", "schema": {"type": "string"}}});
        }
        (name.to_string(), refusal)
    });
    all.collect::<serde_json::Map<_, _>>().into()
}

/// The text of `openapi.json`.
pub(crate) fn print_document() -> String {
    let mut operations = Operations { schemas: Schemas::new(), paths: BTreeMap::new() };
    list_rows(&mut operations);
    let Operations { mut schemas, paths } = operations;
    let refusals = print_refusals(&mut schemas);
    let idempotency_key = json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description":
            format!("1 to {KEY_BYTES} characters of your choice. The same request with the same key is executed once."),
        "schema": {"type": "string", "minLength": 1, "maxLength": KEY_BYTES, "pattern": "^[!-~]+$"},
    });
    let document = Document {
        openapi: "3.1.0",
        info: json!({
            "title": TITLE,
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": ABOUT,
        }),
        servers: json!([{"url": ADMIN_API_PREFIX}]),
        security: json!([{"bearer": []}]),
        tags: Tag::ALL.map(|tag| json!({"name": tag.name()})).to_vec().into(),
        paths,
        components: json!({
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "parameters": {"UserId": UserId::parameter(), "IdempotencyKey": idempotency_key},
            "responses": refusals,
            "schemas": schemas.into_components(),
        }),
    };
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b" "));
    document.serialize(&mut serializer).expect("a document of values is JSON");
    text.push(b'\n');
    String::from_utf8(text).expect("JSON is UTF-8")
}
