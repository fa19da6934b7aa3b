//! Schemas of values that are not types of this API: texts with a format, the words of the domain's enums, and the settings.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;
use vestibule_app::admin::{keys::AdminScope, statistics::print_day};
use vestibule_domain::{id::Id, identifier::LoginIdKind, project, time::Timestamp};
use vestibule_web::export::Format;

// No doc comments on these three: each would describe every member of the type.

// A time (RFC 3339).
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "date-time"))]
pub(super) struct TimeText(String);

impl From<Timestamp> for TimeText {
    fn from(time: Timestamp) -> Self {
        Self(time.to_rfc3339())
    }
}

// A day in UTC.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "date"))]
pub(super) struct DayText(String);

impl DayText {
    /// From days since the epoch.
    pub(super) fn of(day: i64) -> Self {
        Self(print_day(day))
    }
}

// The ID of a user, or of something that belongs to one.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "uuid"))]
pub(super) struct IdText(String);

impl<K> From<Id<K>> for IdText {
    fn from(id: Id<K>) -> Self {
        Self(id.to_string())
    }
}

/// One of these words.
fn words(all: &[&str]) -> Schema {
    json_schema!({"type": "string", "enum": all})
}

/// Stands for [`AdminScope`] in a schema.
pub(super) struct ScopeWord;

impl JsonSchema for ScopeWord {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scope".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        words(&AdminScope::ALL.map(AdminScope::as_str))
    }
}

/// Stands for [`LoginIdKind`] in a schema.
pub(super) struct LoginIdWord;

impl JsonSchema for LoginIdWord {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "LoginIdType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        words(&LoginIdKind::ALL.map(LoginIdKind::as_str))
    }
}

/// Stands for the name of a [`Format`] in a schema.
pub(super) struct FormatWord;

impl JsonSchema for FormatWord {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Format".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        words(&Format::ALL.map(Format::name))
    }
}

/// Stands for the settings document in a schema: its keys, types, defaults and meanings.
pub(super) struct SettingsSchema;

impl JsonSchema for SettingsSchema {
    fn schema_name() -> Cow<'static, str> {
        "Settings".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut document = project::json_schema();
        document["properties"]["oauth"]["properties"]["clients"]["items"] =
            generator.subschema_for::<ApplicationSchema>().into();
        describe(document, "The settings document. All keys are described in docs/reference/project.md.")
    }
}

/// Stands for an application of the settings document in a schema.
pub(super) struct ApplicationSchema;

impl JsonSchema for ApplicationSchema {
    fn schema_name() -> Cow<'static, str> {
        "Application".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let application = project::json_schema()["properties"]["oauth"]["properties"]["clients"]["items"].take();
        describe(application, "The fields of [[oauth.clients]] in docs/reference/project.md.")
    }
}

fn describe(mut schema: Value, text: &str) -> Schema {
    schema["description"] = text.into();
    Schema::try_from(schema).expect("a schema of keys is an object")
}
