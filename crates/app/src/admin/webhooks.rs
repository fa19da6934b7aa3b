//! The webhook URLs of a project: stable names for them, whether the server may call them, and removal.

use serde_json::Value;
use vestibule_domain::id::ProjectNo;

use super::{AdminError, Thing, settings};
use crate::{
    actor::Actor,
    crypto::{hex, sha256},
    ctx::Ctx,
    state::App,
};

/// The kind of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookKind {
    /// A notification webhook: called after an event.
    Notification,
    /// A blocking webhook: called before an event, and may refuse it.
    Blocking,
}

impl WebhookKind {
    /// The path of its list in the settings.
    pub fn list(self) -> &'static str {
        match self {
            Self::Notification => "hook.non_blocking_handlers",
            Self::Blocking => "hook.blocking_handlers",
        }
    }

    /// The name in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Blocking => "blocking",
        }
    }

    /// Parses the name.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Notification, Self::Blocking].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Names for the webhooks of a list, derived from their URLs, so that they stay the same when others are added or
/// removed.
pub fn name_all<'a>(urls: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for url in urls {
        let digest = hex(&sha256(url.as_bytes()).0[..8]);
        let before = names.iter().filter(|name| name.starts_with(&digest)).count();
        names.push(format!("{digest}-{before}"));
    }
    names
}

fn list_of(document: &Value, kind: WebhookKind) -> Option<&Vec<Value>> {
    document.pointer(&pointer(kind))?.as_array()
}

fn pointer(kind: WebhookKind) -> String {
    format!("/{}", kind.list().replace('.', "/"))
}

/// The index of the webhook with this name in its list.
pub fn find(document: &Value, kind: WebhookKind, name: &str) -> Option<usize> {
    let urls = list_of(document, kind)?.iter().map(|handler| handler["url"].as_str().unwrap_or_default());
    name_all(urls).iter().position(|one| one == name)
}

/// Why the server must not call this URL, if so.
pub async fn describe_problem(app: &App, project: ProjectNo, url: &str) -> Option<String> {
    app.webhooks.check(project, url).await.err().map(|error| error.to_string())
}

pub async fn remove(ctx: &Ctx<'_>, actor: &Actor, (kind, name): (WebhookKind, &str)) -> Result<(), AdminError> {
    let edit = |document: &mut Value| {
        let at = find(document, kind, name).ok_or(AdminError::NotFound(Thing::Webhook))?;
        if let Some(list) = document.pointer_mut(&pointer(kind)).and_then(Value::as_array_mut) {
            list.remove(at);
        }
        Ok(())
    };
    settings::change(ctx, actor, edit).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_webhook_is_found_by_its_name_after_others_change() {
        let name = |urls: &[&str], at: usize| name_all(urls.iter().copied())[at].clone();
        let mine = name(&["https://a.example", "https://b.example"], 1);
        assert_eq!(mine, name(&["https://b.example"], 0));
        let twice = ["https://b.example", "https://b.example"];
        assert_ne!(name(&twice, 0), name(&twice, 1));
        let document =
            json!({"hook": {"blocking_handlers": [{"url": "https://a.example"}, {"url": "https://b.example"}]}});
        assert_eq!(find(&document, WebhookKind::Blocking, &mine), Some(1));
        assert_eq!(find(&document, WebhookKind::Notification, &mine), None);
        assert_eq!(find(&document, WebhookKind::Blocking, "nothing"), None);
    }
}
