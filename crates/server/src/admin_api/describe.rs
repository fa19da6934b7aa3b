//! How the signature of a handler becomes a part of the API's description: each type that it takes or returns describes itself.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{
    JsonSchema, Schema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde_json::{Map, Value, json};

use super::{access::Admin, problem::Problem};

/// A handler whose operation follows from its types. `T` are its parameters, as axum's `Handler` names them.
pub(super) trait Described<T> {
    fn describe(draft: &mut Draft<'_>);
}

/// What a handler takes from a request.
pub(super) trait RequestPart {
    fn describe(draft: &mut Draft<'_>);
}

/// What a handler returns for a request that succeeds.
pub(super) trait Output {
    fn describe(draft: &mut Draft<'_>);
}

impl<M, F, R, O> Described<(M, Admin)> for F
where
    F: FnOnce(Admin) -> R,
    R: Future<Output = Result<O, Problem>>,
    O: Output,
{
    fn describe(draft: &mut Draft<'_>) {
        O::describe(draft);
    }
}

impl<M, F, R, O, A> Described<(M, Admin, A)> for F
where
    F: FnOnce(Admin, A) -> R,
    R: Future<Output = Result<O, Problem>>,
    O: Output,
    A: RequestPart,
{
    fn describe(draft: &mut Draft<'_>) {
        A::describe(draft);
        O::describe(draft);
    }
}

impl<M, F, R, O, A, B> Described<(M, Admin, A, B)> for F
where
    F: FnOnce(Admin, A, B) -> R,
    R: Future<Output = Result<O, Problem>>,
    O: Output,
    A: RequestPart,
    B: RequestPart,
{
    fn describe(draft: &mut Draft<'_>) {
        A::describe(draft);
        B::describe(draft);
        O::describe(draft);
    }
}

/// What the types of one handler say.
pub(super) struct Draft<'a> {
    schemas: &'a mut Schemas,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    /// The status of success, and its content.
    pub(super) success: (u16, Map<String, Value>),
    /// The statuses of refusals.
    pub(super) refusals: BTreeSet<u16>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(schemas: &'a mut Schemas) -> Self {
        Self { schemas, parameters: Vec::new(), body: None, success: (200, Map::new()), refusals: BTreeSet::new() }
    }

    /// A parameter, which makes a request that can be malformed.
    pub(super) fn add_parameter(&mut self, parameter: Value) {
        self.parameters.push(parameter);
        self.refusals.insert(400);
    }

    /// The members of a type, each as a parameter of the query.
    pub(super) fn add_query<T: JsonSchema>(&mut self) {
        let mut schema = T::json_schema(&mut self.schemas.requests);
        Tidy.transform(&mut schema);
        let required = schema.get("required").cloned().unwrap_or_default();
        for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mut member = member.clone();
            let description = member["description"].take();
            drop_absence(&mut member);
            let mut parameter = json!({"name": name, "in": "query", "description": description, "schema": member});
            if required.as_array().is_some_and(|all| all.iter().any(|one| one == name)) {
                parameter["required"] = true.into();
            }
            self.add_parameter(parameter);
        }
    }

    /// A body of this type, which makes a request that can have another one.
    pub(super) fn set_json_body<T: JsonSchema>(&mut self, example: Option<Value>) {
        let schema = self.schemas.of_request::<T>();
        self.set_body("application/json", schema, example);
    }

    pub(super) fn set_body(&mut self, media_type: &str, schema: Value, example: Option<Value>) {
        let mut content = json!({"schema": schema});
        if let Some(example) = example {
            content["example"] = example;
        }
        self.body = Some(json!({"required": true, "content": {media_type: content}}));
        self.refusals.insert(415);
    }

    pub(super) fn set_json_success<T: JsonSchema>(&mut self, status: u16) {
        let schema = self.schemas.of_response::<T>();
        self.success = (status, Map::new());
        self.success.1.insert("content".into(), json!({"application/json": {"schema": schema}}));
    }
}

/// What a parameter of the query cannot have: `null`, which stands for its absence in the type.
fn drop_absence(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    members.remove("description");
    if let Some(kinds) = members.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            members.insert("type".into(), only);
        }
    }
    if let Some(choices) = members.get_mut("enum").and_then(Value::as_array_mut) {
        choices.retain(|choice| !choice.is_null());
    }
}

/// The schemas of named types. A type may differ in the two directions: a member with a default is always sent, and need not be
/// received.
pub(super) struct Schemas {
    requests: SchemaGenerator,
    responses: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            });
            settings.with_transform(Tidy)
        };
        Self {
            requests: settings().for_deserialize().into_generator(),
            responses: settings().for_serialize().into_generator(),
        }
    }

    fn of_request<T: JsonSchema>(&mut self) -> Value {
        tidy(self.requests.subschema_for::<T>())
    }

    pub(super) fn of_response<T: JsonSchema>(&mut self) -> Value {
        tidy(self.responses.subschema_for::<T>())
    }

    /// The schemas of all types that were named.
    ///
    /// # Panics
    ///
    /// If two of them have the same name.
    pub(super) fn into_components(mut self) -> BTreeMap<String, Value> {
        let mut all: BTreeMap<String, Value> = self.requests.take_definitions(true).into_iter().collect();
        for (name, schema) in self.responses.take_definitions(true) {
            let earlier = all.insert(name.clone(), schema);
            assert!(earlier.is_none_or(|earlier| earlier == all[&name]), "two types are named {name}");
        }
        all
    }
}

fn tidy(mut schema: Schema) -> Value {
    Tidy.transform(&mut schema);
    schema.into()
}

/// Removes what is true of Rust's types and not of the API, and the line breaks of doc comments.
#[derive(Clone)]
struct Tidy;

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        let is_number = schema.get("format").and_then(Value::as_str).is_some_and(|format| format.contains("int"));
        if is_number {
            schema.remove("format");
            for (name, bound) in [("minimum", 0), ("maximum", u16::MAX)] {
                if schema.get(name).and_then(Value::as_u64) == Some(bound.into()) {
                    schema.remove(name);
                }
            }
        }
        if let Some(text) = schema.get("description").and_then(Value::as_str) {
            let paragraphs: Vec<String> = text.split("\n\n").map(|lines| lines.replace('\n', " ")).collect();
            schema.insert("description".into(), paragraphs.join("\n\n").into());
        }
        transform_subschemas(self, schema);
    }
}
