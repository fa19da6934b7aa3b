//! The webhooks in a project's settings.

use std::{collections::HashSet, time::Duration};

use super::{ProjectSettings, defaults};
use crate::event::Event;

/// A configured webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook<'a> {
    /// Where it leads.
    pub url: &'a str,
    /// Its events; `*` for all.
    pub events: Vec<&'a str>,
    /// Whether it is a blocking webhook, which may refuse.
    pub is_blocking: bool,
}

impl ProjectSettings {
    /// All webhooks, blocking ones first.
    #[must_use]
    pub fn webhooks(&self) -> Vec<Webhook<'_>> {
        let blocking = self.hook.blocking_handlers.iter().map(|handler| Webhook {
            url: &handler.url,
            events: vec![&handler.event],
            is_blocking: true,
        });
        let notifications = self.hook.non_blocking_handlers.iter().map(|handler| Webhook {
            url: &handler.url,
            events: handler.events.as_ref().map_or_else(|| vec!["*"], |all| all.iter().map(String::as_str).collect()),
            is_blocking: false,
        });
        blocking.chain(notifications).collect()
    }

    /// The URLs of the blocking webhooks for this event, in order.
    pub fn blocking_handlers_for<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a str> {
        self.hook.blocking_handlers.iter().filter(move |handler| handler.event == event).map(|handler| &*handler.url)
    }

    /// The URLs of the notification webhooks for this event, each once.
    #[must_use]
    pub fn non_blocking_handlers_for(&self, event: &str) -> Vec<&str> {
        let (mut urls, mut seen) = (Vec::new(), HashSet::new());
        for handler in &self.hook.non_blocking_handlers {
            let wants = handler.events.as_ref().is_none_or(|all| all.iter().any(|one| one == "*" || one == event));
            if wants && seen.insert(handler.url.as_str()) {
                urls.push(handler.url.as_str());
            }
        }
        urls
    }

    /// Whether answers of this notification webhook decide about merges: it lists the event that asks for them. One that gets all
    /// events receives it, and decides nothing.
    #[must_use]
    pub fn lets_decide_merges(&self, url: &str) -> bool {
        let lists = |events: &Vec<String>| events.iter().any(|one| one == Event::USER_MERGE_REQUESTED);
        self.hook
            .non_blocking_handlers
            .iter()
            .any(|handler| handler.url == url && handler.events.as_ref().is_some_and(lists))
    }

    /// Timeout of one blocking webhook.
    #[must_use]
    pub fn blocking_timeout(&self) -> Duration {
        Duration::from_secs(self.hook.sync_hook_timeout_seconds.unwrap_or(defaults::BLOCKING_TIMEOUT_SECONDS).into())
    }

    /// Timeout of all blocking webhooks of one event together.
    #[must_use]
    pub fn blocking_total_timeout(&self) -> Duration {
        Duration::from_secs(
            self.hook.sync_hook_total_timeout_seconds.unwrap_or(defaults::BLOCKING_TOTAL_TIMEOUT_SECONDS).into(),
        )
    }

    /// Timeout of a notification webhook.
    #[must_use]
    pub fn delivery_timeout(&self) -> Duration {
        Duration::from_secs(self.hook.delivery_timeout_seconds.unwrap_or(defaults::DELIVERY_TIMEOUT_SECONDS).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::NonBlockingHandler;

    #[test]
    fn handlers_are_found_by_event_each_once() {
        let settings = ProjectSettings::parse_toml(
            r#"
[project]
id = "shop"
public_origin = "https://auth.shop.example"
[[hook.blocking_handlers]]
event = "user.pre_create"
url = "https://shop.example/ask"
[[hook.non_blocking_handlers]]
events = ["user.created", "user.deleted"]
url = "https://shop.example/tell"
[[hook.non_blocking_handlers]]
url = "https://shop.example/tell"
[[hook.non_blocking_handlers]]
events = ["session.revoked"]
url = "https://shop.example/ends"
"#,
        )
        .unwrap();
        assert_eq!(settings.blocking_handlers_for("user.pre_create").collect::<Vec<_>>(), ["https://shop.example/ask"]);
        assert_eq!(settings.blocking_handlers_for("user.anonymous.pre_promote").count(), 0);
        assert_eq!(settings.non_blocking_handlers_for("user.created"), ["https://shop.example/tell"]);
        let ends = settings.non_blocking_handlers_for("session.revoked");
        assert_eq!(ends, ["https://shop.example/tell", "https://shop.example/ends"]);
        assert_eq!(settings.delivery_timeout(), Duration::from_secs(60));
        let hooks = settings.webhooks();
        assert_eq!(hooks.iter().map(|hook| hook.is_blocking).collect::<Vec<_>>(), [true, false, false, false]);
        assert_eq!((&hooks[0].events, &hooks[2].events), (&vec!["user.pre_create"], &vec!["*"]));
    }

    #[test]
    fn only_a_webhook_that_lists_the_question_decides_about_merges() {
        let handler = |events: Option<&[&str]>, url: &str| NonBlockingHandler {
            events: events.map(|all| all.iter().map(ToString::to_string).collect()),
            url: format!("https://shop.example/{url}"),
        };
        let mut settings =
            ProjectSettings::parse_toml("[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n")
                .unwrap();
        settings.hook.non_blocking_handlers = vec![
            handler(Some(&["user.merge.requested", "user.merge.refused"]), "decides"),
            handler(Some(&["*"]), "star"),
            handler(None, "all"),
            handler(Some(&["user.merge.refused"]), "other"),
            handler(None, "twice"),
            handler(Some(&["user.merge.requested"]), "twice"),
        ];
        let decides = |url: &str| settings.lets_decide_merges(&format!("https://shop.example/{url}"));
        for (url, expected) in [("decides", true), ("star", false), ("all", false), ("other", false), ("twice", true)] {
            assert_eq!(decides(url), expected, "{url}");
        }
        assert!(!decides("nobody"));
    }

    #[test]
    fn unknown_events_and_addresses_are_problems() {
        let problems = ProjectSettings::parse_toml(
            "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n[[hook.blocking_handlers]]\nevent = \"user.created\"\nurl = \"ftp://x\"\n[[hook.non_blocking_handlers]]\nevents = [\"user.crated\"]\n",
        )
        .unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "hook.blocking_handlers[0].event",
                "hook.blocking_handlers[0].url",
                "hook.non_blocking_handlers[0].url",
                "hook.non_blocking_handlers[0].events[0]"
            ]
        );
    }
}
