//! The scope of a settings form: the whole document, or one entry of one of its lists.

use serde_json::{Value, json};
use vestibule_app::admin::webhooks::{self, WebhookKind};
use vestibule_domain::project::ProviderType;

use crate::field_binding;

/// The part of the document that a form, or a panel of it, edits.
#[derive(Clone, Debug)]
pub(super) enum DocumentScope {
    Project,
    Application(String),
    /// An existing webhook, by its name.
    Handler(WebhookKind, String),
    /// A new webhook.
    NewHandler(WebhookKind),
    /// A provider of external accounts, by its alias.
    Provider(String),
    /// A new provider of this type.
    NewProvider(ProviderType),
}

/// The value of an entry that does not exist yet.
static NOTHING: Value = Value::Null;

/// The list of providers.
const PROVIDERS: &str = "identity.oauth.providers";

impl DocumentScope {
    /// The list of the entry.
    fn list(&self) -> Option<&'static str> {
        match self {
            Self::Project => None,
            Self::Application(_) => Some("oauth.clients"),
            Self::Handler(kind, _) | Self::NewHandler(kind) => Some(kind.list()),
            Self::Provider(_) | Self::NewProvider(_) => Some(PROVIDERS),
        }
    }

    /// Whether the entry does not exist yet.
    pub(super) fn is_new(&self) -> bool {
        match self {
            Self::NewHandler(_) | Self::NewProvider(_) => true,
            Self::Project | Self::Application(_) | Self::Handler(..) | Self::Provider(_) => false,
        }
    }

    /// The new entry, before the form is written into it.
    fn start(&self) -> Value {
        match self {
            Self::NewProvider(kind) => json!({"type": kind.as_str()}),
            Self::Project | Self::Application(_) | Self::Handler(..) | Self::NewHandler(_) | Self::Provider(_) => {
                json!({})
            }
        }
    }

    /// The prefix of the schema's paths for the entry's keys.
    #[cfg(test)]
    pub(super) fn schema_prefix(&self) -> String {
        self.list().map(|list| format!("{list}[].")).unwrap_or_default()
    }

    /// The index in the list.
    fn index(&self, document: &Value) -> Option<usize> {
        let list = field_binding::find(document, self.list()?).and_then(Value::as_array);
        match self {
            Self::Project => None,
            Self::Application(id) => list?.iter().position(|client| client["client_id"] == **id),
            Self::Handler(kind, name) => webhooks::find(document, *kind, name),
            Self::Provider(alias) => list?.iter().position(|provider| provider["alias"] == **alias),
            Self::NewHandler(_) | Self::NewProvider(_) => Some(list.map_or(0, Vec::len)),
        }
    }

    pub(super) fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Project => Some(document),
            Self::NewHandler(_) | Self::NewProvider(_) => Some(&NOTHING),
            Self::Application(_) | Self::Handler(..) | Self::Provider(_) => {
                field_binding::find(document, self.list()?)?.get(self.index(document)?)
            }
        }
    }

    pub(super) fn find_mut<'a>(&self, document: &'a mut Value) -> Option<&'a mut Value> {
        let Some(list) = self.list() else { return Some(document) };
        let index = self.index(document)?;
        if self.is_new() {
            if index == 0 {
                field_binding::set(document, list, json!([]));
            }
            field_binding::find_mut(document, list)?.as_array_mut()?.push(self.start());
        }
        field_binding::find_mut(document, list)?.get_mut(index)
    }

    /// The prefix of the form's paths in error messages.
    pub(super) fn prefix(&self, document: &Value) -> String {
        match (self.list(), self.index(document)) {
            (Some(list), Some(index)) => format!("{list}[{index}]."),
            _ => String::new(),
        }
    }
}
