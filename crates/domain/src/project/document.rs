//! A settings document as text: TOML for files, JSON for the store and the API.

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::{
    ProjectSettings, schema,
    shape::{Content, DocumentProblem, Node, Position, TableEntry, check_document},
    validate,
};

impl ProjectSettings {
    /// Parses and validates a project file.
    ///
    /// # Errors
    /// All problems, in the order of the file.
    pub fn parse_toml(text: &str) -> Result<Self, Vec<DocumentProblem>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            // After a syntax error the rest is a guess, so report only the syntax errors.
            return Err(errors
                .iter()
                .map(|error| {
                    let position = error.span().map(|span| locate(text, span.start));
                    DocumentProblem::new(position, "", error.message().to_owned())
                })
                .collect());
        }
        let root = Node { position: Some(locate(text, 0)), content: read_table(text, table.get_ref()) };
        Self::understand(&root)
    }

    /// Parses and validates a document sent as JSON, as strictly as a file.
    ///
    /// # Errors
    /// All problems, each with its path.
    pub fn parse_json(document: &Value) -> Result<Self, Vec<DocumentProblem>> {
        Self::understand(&read_json(document))
    }

    /// Validates a document that was changed in memory.
    ///
    /// # Errors
    /// All problems, each with its path.
    pub fn validate(&self) -> Result<(), Vec<DocumentProblem>> {
        let document =
            serde_json::to_value(self).expect("settings are maps with text keys, which JSON can always hold");
        Self::parse_json(&document).map(|_| ())
    }

    /// The document as a project file. Absent members stay absent, and parsing it gives an equal document.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("settings are maps, lists, texts, flags and numbers, which TOML can hold")
    }

    /// The document in the store's format.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("settings are maps with text keys, which JSON can always hold")
    }

    /// Parses a stored document. Ignores unknown keys: a newer release may have written them.
    ///
    /// # Errors
    /// The text is not a settings document.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    fn understand(root: &Node) -> Result<Self, Vec<DocumentProblem>> {
        let mut problems = Vec::new();
        let good_part = check_document(schema::DOCUMENT, root, &mut problems);
        match serde_json::from_value::<Self>(good_part) {
            Ok(settings) => {
                for (path, message) in validate::find_contradictions(&settings) {
                    if !problems.iter().any(|earlier| is_about(&earlier.path, &path)) {
                        problems.push(DocumentProblem::new(find_position(root, &path), &path, message));
                    }
                }
                if problems.is_empty() {
                    return Ok(settings);
                }
            }
            // The schema accepts only what the types can hold; if they ever differ, this reports it.
            Err(error) => problems.push(DocumentProblem::new(root.position, "", error.to_string())),
        }
        problems.sort_by_key(|problem| (problem.line, problem.column));
        Err(problems)
    }
}

/// Whether a problem reported for `earlier` covers `path`: the same key, or one above or below it.
fn is_about(earlier: &str, path: &str) -> bool {
    let covers = |above: &str, below: &str| {
        below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    covers(earlier, path) || covers(path, earlier)
}

fn locate(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).map_or(1, |line| line.chars().count() + 1),
    }
}

fn read_table(text: &str, table: &DeTable<'_>) -> Content {
    let entries = table.iter().map(|(name, value)| TableEntry {
        name: name.get_ref().to_string(),
        position: Some(locate(text, name.span().start)),
        node: Node { position: Some(locate(text, value.span().start)), content: read_toml(text, value.get_ref()) },
    });
    Content::Table(entries.collect())
}

fn read_toml(text: &str, value: &DeValue<'_>) -> Content {
    match value {
        DeValue::String(content) => Content::Text(content.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Content::Other("a number too large"), Content::Whole),
        DeValue::Float(_) => Content::Other("a number with a fraction"),
        DeValue::Boolean(flag) => Content::Flag(*flag),
        DeValue::Datetime(_) => Content::Other("a date or time"),
        DeValue::Array(items) => Content::List(
            items
                .iter()
                .map(|item| Node {
                    position: Some(locate(text, item.span().start)),
                    content: read_toml(text, item.get_ref()),
                })
                .collect(),
        ),
        DeValue::Table(table) => read_table(text, table),
    }
}

fn read_json(value: &Value) -> Node {
    let content = match value {
        Value::Null => Content::Other("null"),
        Value::Bool(flag) => Content::Flag(*flag),
        Value::Number(number) => number.as_i64().map_or(Content::Other("not a whole number"), Content::Whole),
        Value::String(text) => Content::Text(text.clone()),
        Value::Array(items) => Content::List(items.iter().map(read_json).collect()),
        // A null member means an absent one: editors clear a field that way.
        Value::Object(members) => Content::Table(
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| TableEntry { name: name.clone(), position: None, node: read_json(value) })
                .collect(),
        ),
    };
    Node { position: None, content }
}

/// The position of the key a path names, or of the nearest table around it.
fn find_position(root: &Node, path: &str) -> Option<Position> {
    let mut node = root;
    let mut position = root.position;
    for step in path.split('.').flat_map(|part| part.split('[')).map(|step| step.trim_end_matches(']')) {
        match &node.content {
            Content::Table(entries) => {
                let Some(entry) = entries.iter().find(|entry| entry.name == step) else { break };
                node = &entry.node;
                position = entry.node.position;
            }
            Content::List(items) => {
                let Some(item) = step.parse::<usize>().ok().and_then(|index| items.get(index)) else { break };
                node = item;
                position = item.position;
            }
            Content::Text(_) | Content::Whole(_) | Content::Flag(_) | Content::Other(_) => break,
        }
    }
    position
}
