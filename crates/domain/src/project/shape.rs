//! The structure of a settings document, and the walk that validates a tree against it and collects every problem.
//! The meaning of keys is in `schema`; rules over several keys are in `validate`.

use std::{collections::HashSet, fmt};

use serde_json::{Map, Value};
use vestibule_protocol::echo;

use super::limits::{LimitName, Period};

/// Maximum size of one text of a settings document, in bytes.
pub const MAX_TEXT_BYTES: usize = 4 * 1024;
/// Maximum number of items of one list of a settings document.
pub const MAX_LIST_ITEMS: usize = 1_000;
/// Maximum number of tables that are named for a key in the wrong place.
const MAX_PARENTS: usize = 4;
/// Maximum number of problems reported; the rest of the document is not examined.
pub const MAX_PROBLEMS: usize = 100;

/// A problem in a settings document, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentProblem {
    /// Where, for people: `line 12, column 5: oauth.clients[0].redirect_uris[1]`.
    pub place: String,
    /// The key, for programs: `oauth.clients[0].redirect_uris[1]`; empty for the whole text.
    pub path: String,
    /// The line in the file, from 1; `None` when the document did not come from a file.
    pub line: Option<usize>,
    /// The column in that line, from 1, counted in characters.
    pub column: Option<usize>,
    /// What is wrong and what to write instead, for the author of a file.
    pub message: String,
    /// What is wrong, for a form that says it in its own words.
    pub kind: ProblemKind,
}

/// The kind of a problem in a settings document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProblemKind {
    /// The value is not a whole number in this range.
    NotInRange {
        /// Minimum.
        min: i64,
        /// Maximum.
        max: i64,
    },
    /// The list has no items.
    EmptyList,
    /// A required key is missing.
    MissingKey,
    /// Another one; its message fits files and forms.
    #[default]
    Other,
}

impl DocumentProblem {
    pub(super) fn new(position: Option<Position>, path: &str, message: String) -> Self {
        let place = match (position, path) {
            (Some(at), "") => format!("line {}, column {}", at.line, at.column),
            (Some(at), _) => format!("line {}, column {}: {path}", at.line, at.column),
            (None, _) => path.to_owned(),
        };
        Self {
            place,
            path: path.to_owned(),
            line: position.map(|at| at.line),
            column: position.map(|at| at.column),
            message,
            kind: ProblemKind::default(),
        }
    }
}

impl fmt::Display for DocumentProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.place, self.message) }
    }
}

/// A line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A parsed but unvalidated document: with positions from TOML, without from JSON.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) position: Option<Position>,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Whole(i64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<TableEntry>),
    /// A type that no setting has; the text names it.
    Other(&'static str),
}

#[derive(Debug)]
pub(super) struct TableEntry {
    pub(super) name: String,
    pub(super) position: Option<Position>,
    pub(super) node: Node,
}

/// A rule for a text; the error says what to write instead.
pub(super) type TextRule = fn(&str) -> Result<(), String>;

#[derive(Debug)]
pub(super) enum Shape {
    /// A text that satisfies a rule; the first member names it in the reference.
    Text(&'static str, TextRule),
    Flag,
    Whole {
        min: i64,
        max: i64,
    },
    Word(&'static [&'static str]),
    /// A list of this shape without duplicates, with a minimum number of items.
    List(&'static Shape, usize),
    Table(&'static [KeySchema]),
}

/// One key of a table.
#[derive(Debug)]
pub(super) struct KeySchema {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) default: DefaultValue,
    /// For a required key: a valid placeholder, so that the rest can still be checked.
    pub(super) required: Option<&'static str>,
    pub(super) meaning: &'static str,
}

/// The value that an absent key stands for.
#[derive(Debug)]
pub(super) enum DefaultValue {
    /// None: absence has a meaning of its own.
    Unset,
    Is(fn() -> Value),
    /// The period of this limit's default quota.
    PeriodOf(LimitName),
    /// The burst of this limit's default quota.
    BurstOf(LimitName),
}

impl DefaultValue {
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            Self::Unset => None,
            Self::Is(value) => Some(value()),
            Self::PeriodOf(limit) => Some(Value::from(Period(limit.default_quota().period).to_string())),
            Self::BurstOf(limit) => Some(Value::from(limit.default_quota().burst)),
        }
    }
}

impl Shape {
    /// The keys of a table, or of each table in a list, and whether it is a list.
    pub(super) fn keys(&self) -> Option<(&'static [KeySchema], bool)> {
        match self {
            Self::Table(keys) => Some((keys, false)),
            Self::List(Self::Table(keys), _) => Some((keys, true)),
            Self::Text(..) | Self::Flag | Self::Whole { .. } | Self::Word(_) | Self::List(..) => None,
        }
    }

    /// The kind of the problem of a value without this shape.
    fn problem_kind(&self) -> ProblemKind {
        match self {
            Self::Whole { min, max } => ProblemKind::NotInRange { min: *min, max: *max },
            Self::Text(..) | Self::Flag | Self::Word(_) | Self::List(..) | Self::Table(_) => ProblemKind::Other,
        }
    }

    /// The name of this shape in error messages and in the reference.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Text(what, _) => (*what).to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Word(words) => format!("one of {}", list_words(words)),
            Self::List(item, _) => format!("a list, each item {}", item.describe()),
            Self::Table(_) => "a table".to_owned(),
        }
    }
}

fn list_words(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

/// Validates a tree and returns its valid part, so that rules over several keys can still run.
pub(super) fn check_document(keys: &'static [KeySchema], node: &Node, problems: &mut Vec<DocumentProblem>) -> Value {
    let mut walker = Walker { root: keys, problems };
    walker.check(&Shape::Table(keys), node, "").unwrap_or(Value::Object(walker.stand_in(keys)))
}

struct Walker<'a> {
    root: &'static [KeySchema],
    problems: &'a mut Vec<DocumentProblem>,
}

impl Walker<'_> {
    fn add_problem(&mut self, position: Option<Position>, path: &str, message: String) {
        self.add_problem_of(ProblemKind::Other, position, path, message);
    }

    fn add_problem_of(&mut self, kind: ProblemKind, position: Option<Position>, path: &str, message: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(DocumentProblem { kind, ..DocumentProblem::new(position, path, message) });
        }
    }

    /// Whether there are so many problems that the walk can stop.
    fn has_enough(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    fn check(&mut self, shape: &Shape, node: &Node, path: &str) -> Option<Value> {
        match (shape, &node.content) {
            (Shape::Text(..), Content::Text(text)) if text.len() > MAX_TEXT_BYTES => {
                self.add_problem(node.position, path, format!("write at most {MAX_TEXT_BYTES} bytes"));
                None
            }
            (Shape::Text(_, rule), Content::Text(text)) => match rule(text) {
                Ok(()) => Some(Value::from(text.as_str())),
                Err(message) => {
                    self.add_problem(node.position, path, message);
                    None
                }
            },
            (Shape::Flag, Content::Flag(flag)) => Some(Value::from(*flag)),
            (Shape::Whole { min, max }, Content::Whole(number)) if (min..=max).contains(&number) => {
                Some(Value::from(*number))
            }
            (Shape::Whole { .. }, Content::Whole(number)) => {
                let message = format!("{number} is out of range: write {}", shape.describe());
                self.add_problem_of(shape.problem_kind(), node.position, path, message);
                None
            }
            (Shape::Word(words), Content::Text(text)) => {
                if words.contains(&text.as_str()) {
                    return Some(Value::from(text.as_str()));
                }
                let hint = nearest(text, words.iter().copied())
                    .map_or_else(|| format!("write {}", shape.describe()), |near| format!("did you mean {near:?}?"));
                self.add_problem(node.position, path, format!("{:?} is not allowed here: {hint}", echo(text)));
                None
            }
            (Shape::List(item, least), Content::List(nodes)) => self.check_list(item, *least, nodes, node, path),
            (Shape::Table(keys), Content::Table(entries)) => {
                Some(Value::Object(self.check_table(keys, entries, node, path)))
            }
            (_, content) => {
                let found = match content {
                    Content::Text(_) => "a text",
                    Content::Whole(_) => "a number",
                    Content::Flag(_) => "true or false",
                    Content::List(_) => "a list",
                    Content::Table(_) => "a table",
                    Content::Other(what) => what,
                };
                let message = format!("this is {found}: write {}", shape.describe());
                self.add_problem_of(shape.problem_kind(), node.position, path, message);
                None
            }
        }
    }

    fn check_list(&mut self, item: &Shape, least: usize, nodes: &[Node], list: &Node, path: &str) -> Option<Value> {
        if nodes.len() < least {
            let message = "the list is empty: name at least one, or leave the key out".to_owned();
            self.add_problem_of(ProblemKind::EmptyList, list.position, path, message);
            return None;
        }
        if nodes.len() > MAX_LIST_ITEMS {
            self.add_problem(
                list.position,
                path,
                format!("the list has {} items; the limit is {MAX_LIST_ITEMS}", nodes.len()),
            );
            return None;
        }
        let mut values = Vec::with_capacity(nodes.len());
        let mut seen: HashSet<&str> = HashSet::new();
        let mut is_good = true;
        for (index, node) in nodes.iter().enumerate() {
            if self.has_enough() {
                return None;
            }
            let path = format!("{path}[{index}]");
            let is_new = if let Content::Text(text) = &node.content { seen.insert(text) } else { true };
            match self.check(item, node, &path) {
                Some(value) if !is_new => {
                    let value = value.as_str().unwrap_or_default();
                    self.add_problem(node.position, &path, format!("{:?} is listed twice: remove one", echo(value)));
                    is_good = false;
                }
                Some(value) => values.push(value),
                None => is_good = false,
            }
        }
        // A list with a gap would shift the indexes in later messages, so treat it as absent.
        is_good.then_some(Value::Array(values))
    }

    fn check_table(
        &mut self,
        keys: &'static [KeySchema],
        entries: &[TableEntry],
        table: &Node,
        path: &str,
    ) -> Map<String, Value> {
        let mut values = self.stand_in(keys);
        for entry in entries {
            if self.has_enough() {
                return values;
            }
            let path = join(path, &echo(&entry.name));
            match keys.iter().find(|key| key.name == entry.name) {
                Some(key) => {
                    if let Some(value) = self.check(&key.shape, &entry.node, &path) {
                        values.insert(entry.name.clone(), value);
                    }
                }
                None => {
                    let message = self.explain_unknown(&entry.name, keys);
                    self.add_problem(entry.position, &path, message);
                }
            }
        }
        for key in keys.iter().filter(|key| key.required.is_some()) {
            if !entries.iter().any(|entry| entry.name == key.name) {
                let path = join(path, key.name);
                let message = format!("this key is missing: write {}", key.shape.describe());
                self.add_problem_of(ProblemKind::MissingKey, table.position, &path, message);
            }
        }
        values
    }

    fn stand_in(&self, keys: &'static [KeySchema]) -> Map<String, Value> {
        let mut values = Map::new();
        for key in keys {
            if let Some(text) = key.required {
                let value = match &key.shape {
                    Shape::Table(inner) => Value::Object(self.stand_in(inner)),
                    Shape::Text(..) | Shape::Flag | Shape::Whole { .. } | Shape::Word(_) | Shape::List(..) => {
                        Value::from(text)
                    }
                };
                values.insert(key.name.to_owned(), value);
            }
        }
        values
    }

    fn explain_unknown(&self, name: &str, keys: &'static [KeySchema]) -> String {
        if let Some(near) = nearest(name, keys.iter().map(|key| key.name)) {
            return format!("unknown key: did you mean {near:?}?");
        }
        let mut parents = Vec::new();
        find_parents(self.root, name, "", &mut parents);
        match parents.as_slice() {
            [] => {
                let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
                format!("unknown key: the keys here are {}", list_words(&names))
            }
            parents if parents.len() > MAX_PARENTS => {
                let first = parents[..MAX_PARENTS].join(", ");
                format!("unknown key here: it belongs under {first} or a similar table")
            }
            parents => format!("unknown key here: it belongs under {}", parents.join(" or ")),
        }
    }
}

fn find_parents(keys: &'static [KeySchema], name: &str, path: &str, parents: &mut Vec<String>) {
    for key in keys {
        if key.name == name {
            parents.push(if path.is_empty() { "the top".to_owned() } else { format!("[{path}]") });
        }
        if let Some((inner, is_list)) = key.shape.keys() {
            let path = join(path, key.name);
            find_parents(inner, name, &if is_list { format!("[{path}]") } else { path }, parents);
        }
    }
}

pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The candidate that `text` is probably a misspelling of; `None` for a text longer than any candidate.
fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 80;
    if text.len() > LONGEST {
        return None;
    }
    // One edit per four characters, so that short names are not confused.
    let limit = (text.chars().count() / 4).clamp(1, 3);
    candidates
        .filter(|candidate| !candidate.is_empty())
        .map(|candidate| (count_slips(text, candidate), candidate))
        .filter(|(slips, _)| *slips <= limit)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// The number of edits (insert, remove, replace; `-` for `_` and case are free) that turn one word into the other.
fn count_slips(left: &str, right: &str) -> usize {
    let plain = |text: &str| text.replace('-', "_").to_ascii_lowercase();
    strsim::levenshtein(&plain(left), &plain(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_count_edits_and_forgive_case_and_dashes() {
        for (left, right, slips) in [
            ("", "", 0),
            ("a", "", 1),
            ("client_id", "client-ID", 0),
            ("redirect_uri", "redirect_uris", 1),
            ("abc", "xyz", 3),
        ] {
            assert_eq!(count_slips(left, right), slips, "{left} {right}");
        }
        assert_eq!(nearest("lifetime_second", ["lifetime_seconds", "idle"].into_iter()), Some("lifetime_seconds"));
        assert_eq!(nearest("spa", ["m2m", "native"].into_iter()), None);
        assert_eq!(nearest(&"a".repeat(1_000_000), ["m2m"].into_iter()), None);
    }
}
