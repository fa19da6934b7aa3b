//! The addresses of a project's webhooks: which one a name means, whether it may be called, and taking one away.

use serde_json::Value;
use vestibule_domain::time::Timestamp;

use super::{AdminError, Operator, settings};
use crate::{
    app::App,
    crypto::{hex, sha256},
    projects::Project,
};

/// What a webhook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandlerKind {
    /// It is told what happened.
    Told,
    /// It is asked before something happens, and can refuse.
    Asked,
}

impl HandlerKind {
    /// The list in the settings.
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Told => "hook.non_blocking_handlers",
            Self::Asked => "hook.blocking_handlers",
        }
    }

    /// The word in addresses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Told => "notification",
            Self::Asked => "blocking",
        }
    }

    /// Reads the word back.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Told, Self::Asked].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The names of the webhooks of a list, from their addresses: they stay the same while others come and go.
pub(crate) fn name_all<'a>(urls: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for url in urls {
        let digest = hex(&sha256(url.as_bytes()).0[..8]);
        let before = names.iter().filter(|name| name.starts_with(&digest)).count();
        names.push(format!("{digest}-{before}"));
    }
    names
}

fn list_of(document: &Value, kind: HandlerKind) -> Option<&Vec<Value>> {
    document.pointer(&pointer(kind))?.as_array()
}

fn pointer(kind: HandlerKind) -> String {
    format!("/{}", kind.list().replace('.', "/"))
}

/// Where in its list the webhook with this name is.
pub(crate) fn find(document: &Value, kind: HandlerKind, name: &str) -> Option<usize> {
    let urls = list_of(document, kind)?.iter().map(|handler| handler["url"].as_str().unwrap_or_default());
    name_all(urls).iter().position(|one| one == name)
}

/// Why the server would never call this address, if it would not.
pub(crate) async fn complain_of(app: &App, url: &str) -> Option<String> {
    app.webhooks.check(url).await.err().map(|error| error.to_string())
}

/// Takes a webhook out of the settings.
pub(crate) async fn remove(
    app: &App,
    project: &Project,
    operator: &Operator,
    (kind, name): (HandlerKind, &str),
    now: Timestamp,
) -> Result<(), AdminError> {
    let edit = |document: &mut Value| {
        let at = find(document, kind, name).ok_or(AdminError::NotFound("webhook"))?;
        if let Some(list) = document.pointer_mut(&pointer(kind)).and_then(Value::as_array_mut) {
            list.remove(at);
        }
        Ok(())
    };
    settings::change(app, project, operator, now, edit).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_webhook_is_found_by_its_name_whatever_comes_and_goes_around_it() {
        let name = |urls: &[&str], at: usize| name_all(urls.iter().copied())[at].clone();
        let mine = name(&["https://a.example", "https://b.example"], 1);
        assert_eq!(mine, name(&["https://b.example"], 0));
        let twice = ["https://b.example", "https://b.example"];
        assert_ne!(name(&twice, 0), name(&twice, 1));
        let document =
            json!({"hook": {"blocking_handlers": [{"url": "https://a.example"}, {"url": "https://b.example"}]}});
        assert_eq!(find(&document, HandlerKind::Asked, &mine), Some(1));
        assert_eq!(find(&document, HandlerKind::Told, &mine), None);
        assert_eq!(find(&document, HandlerKind::Asked, "nothing"), None);
    }
}
