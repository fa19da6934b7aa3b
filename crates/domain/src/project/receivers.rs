//! Which receivers a change of the settings moves or removes: what waits for them follows.

use std::collections::BTreeSet;

use super::{NonBlockingHandler, ProjectSettings};
use crate::client::Client;

/// What a receiver gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReceiverKind {
    /// Events.
    Webhook,
    /// Notices of ended sessions, as an application.
    Logout,
}

/// A URL to which nothing of a kind goes any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverMove {
    /// What went there.
    pub kind: ReceiverKind,
    /// The URL of before.
    pub old: String,
    /// Where it goes now; `None` when the receiver was removed.
    pub new: Option<String>,
}

impl ReceiverMove {
    /// Whether these settings have the receiver where it is now. Those that a node has in memory may be a moment older than the move.
    #[must_use]
    pub fn is_known_to(&self, settings: &ProjectSettings) -> bool {
        self.new.as_ref().is_none_or(|new| list(settings, self.kind).contains(new))
    }
}

/// What a change does to receivers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverChanges {
    /// URLs that are of no use any more.
    pub moves: Vec<ReceiverMove>,
    /// URLs that are new.
    pub added: Vec<(ReceiverKind, String)>,
}

impl ReceiverChanges {
    /// What a change of the settings does. An application is known by its ID. A webhook has no name: it is the one in the same place
    /// of a list that is as long as before, else the only one with the same events, else the only one that is new. Several webhooks
    /// that shared a URL move together or not at all.
    ///
    /// ```
    /// use vestibule_domain::project::{ProjectSettings, ReceiverChanges};
    ///
    /// let with = |url: &str| {
    ///     let text = format!(
    ///         "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n\
    ///          [[hook.non_blocking_handlers]]\nurl = \"https://{url}\"\n"
    ///     );
    ///     ProjectSettings::parse_toml(&text).unwrap()
    /// };
    /// let changes = ReceiverChanges::between(&with("old.example/"), &with("new.example/"));
    /// assert_eq!(changes.moves[0].new.as_deref(), Some("https://new.example/"));
    /// ```
    #[must_use]
    pub fn between(before: &ProjectSettings, after: &ProjectSettings) -> Self {
        let mut changes = Self::default();
        let urls =
            |settings: &ProjectSettings, kind| -> BTreeSet<String> { list(settings, kind).into_iter().collect() };
        for kind in [ReceiverKind::Webhook, ReceiverKind::Logout] {
            let (old, new) = (urls(before, kind), urls(after, kind));
            let added: Vec<&String> = new.difference(&old).collect();
            for url in old.difference(&new) {
                let found = match kind {
                    ReceiverKind::Webhook => find_webhook(before, after, url, &added),
                    ReceiverKind::Logout => find_application(before, after, url),
                };
                changes.moves.push(ReceiverMove { kind, old: url.clone(), new: found });
            }
            changes.added.extend(added.into_iter().map(|url| (kind, url.clone())));
        }
        changes
    }
}

fn list(settings: &ProjectSettings, kind: ReceiverKind) -> Vec<String> {
    match kind {
        ReceiverKind::Webhook => settings.hook.non_blocking_handlers.iter().map(|one| one.url.clone()).collect(),
        ReceiverKind::Logout => {
            settings.clients().iter().filter_map(Client::backchannel_logout_uri).map(str::to_owned).collect()
        }
    }
}

/// Where the webhook leads now that led to this URL; `None` if it was removed, or if several webhooks led there and do not lead to one URL
/// now: it is not known any more which of them waits for what, and none gets what another one has subscribed to.
fn find_webhook(before: &ProjectSettings, after: &ProjectSettings, old: &str, added: &[&String]) -> Option<String> {
    let (before, after) = (&before.hook.non_blocking_handlers, &after.hook.non_blocking_handlers);
    let places = before.iter().enumerate().filter(|(_, one)| one.url == old);
    let now: BTreeSet<Option<String>> = places.map(|(place, _)| find_successor(before, after, place, added)).collect();
    if now.len() == 1 { now.into_iter().next().flatten() } else { None }
}

/// Where the webhook of a place leads now.
fn find_successor(
    before: &[NonBlockingHandler],
    after: &[NonBlockingHandler],
    place: usize,
    added: &[&String],
) -> Option<String> {
    let is_added = |one: &&NonBlockingHandler| added.iter().any(|url| **url == one.url);
    if before.len() == after.len()
        && let Some(there) = after.get(place).filter(is_added)
    {
        return Some(there.url.clone());
    }
    let events = |one: &NonBlockingHandler| one.events.as_ref().map(|all| all.iter().cloned().collect::<BTreeSet<_>>());
    let has_same = |one: &&NonBlockingHandler| events(one) == events(&before[place]);
    let gone = before.iter().filter(|one| !after.iter().any(|other| other.url == one.url));
    let (with_same, gone_with_same) = (after.iter().filter(is_added).filter(has_same), gone.clone().filter(has_same));
    let found = match (only(with_same.collect()), only(gone_with_same.collect())) {
        (Some(found), Some(_)) => Some(found),
        _ => only(gone.collect()).and_then(|_| only(after.iter().filter(is_added).collect())),
    };
    found.map(|one| one.url.clone())
}

/// The only one of a list.
fn only(mut all: Vec<&NonBlockingHandler>) -> Option<&NonBlockingHandler> {
    if all.len() == 1 { all.pop() } else { None }
}

/// Where the application gets its notices now that got them at this URL; `None` if it gets none, or if several applications got theirs there
/// and now have different URLs.
fn find_application(before: &ProjectSettings, after: &ProjectSettings, old: &str) -> Option<String> {
    let of_before = before.clients().iter().filter(|client| client.backchannel_logout_uri() == Some(old));
    let now = of_before.filter_map(|client| after.client(&client.client_id)?.backchannel_logout_uri());
    let urls: BTreeSet<&str> = now.collect();
    if urls.len() == 1 { urls.first().map(|url| (*url).to_owned()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(handlers: &[(&str, Option<&[&str]>)], clients: &[(&str, &str)]) -> ProjectSettings {
        let mut text = String::from("[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n");
        for (id, url) in clients {
            text.push_str(&format!(
                "[[oauth.clients]]\nclient_id = \"{id}\"\nx_application_type = \"confidential\"\nredirect_uris = [\"https://shop.example/\"]\nbackchannel_logout_uri = \"https://{url}.example/\"\n"
            ));
        }
        let mut settings = ProjectSettings::parse_toml(&text).unwrap();
        settings.hook.non_blocking_handlers = handlers
            .iter()
            .map(|(url, events)| NonBlockingHandler {
                events: events.map(|all| all.iter().map(ToString::to_string).collect()),
                url: format!("https://{url}.example/"),
            })
            .collect();
        settings
    }

    /// The moves of webhooks, by the first part of the host names.
    fn moves(before: &[(&str, Option<&[&str]>)], after: &[(&str, Option<&[&str]>)]) -> Vec<(String, Option<String>)> {
        let short = |url: &str| url.trim_start_matches("https://").trim_end_matches(".example/").to_owned();
        let changes = ReceiverChanges::between(&settings(before, &[]), &settings(after, &[]));
        let moves = changes.moves.iter();
        moves.map(|one| (short(&one.old), one.new.as_deref().map(short))).collect()
    }

    fn to(old: &str, new: Option<&str>) -> (String, Option<String>) {
        (old.to_owned(), new.map(str::to_owned))
    }

    #[test]
    fn a_webhook_is_found_by_its_place_its_events_or_as_the_only_new_one() {
        let (created, deleted): (Option<&[&str]>, Option<&[&str]>) = (Some(&["user.created"]), Some(&["user.deleted"]));
        assert_eq!(moves(&[("a", None), ("b", created)], &[("a", None), ("c", deleted)]), [to("b", Some("c"))]);
        assert_eq!(moves(&[("a", None)], &[("a", created)]), []);
        // Both change at once: each in its place.
        let both = moves(&[("a", None), ("b", None)], &[("c", None), ("d", None)]);
        assert_eq!(both, [to("a", Some("c")), to("b", Some("d"))]);
        // In another place.
        let sorted = moves(&[("a", None), ("b", created)], &[("c", created), ("a", None)]);
        assert_eq!(sorted, [to("b", Some("c"))]);
        // One of two goes, and the other moves.
        let found = moves(&[("a", deleted), ("b", created)], &[("c", created)]);
        assert_eq!(found, [to("a", None), to("b", Some("c"))]);
        // Whose successor it is can't be said.
        assert_eq!(moves(&[("a", None), ("b", None)], &[("c", created)]), [to("a", None), to("b", None)]);
        assert_eq!(moves(&[("a", None)], &[]), [to("a", None)]);
        assert_eq!(moves(&[], &[("a", None)]), []);
        // Another webhook leads there still.
        assert_eq!(moves(&[("a", None), ("a", created)], &[("a", None), ("b", created)]), []);
        // Two at one URL: what waits there may be for either, so it goes to none that had only a part of it.
        assert_eq!(moves(&[("a", created), ("a", deleted)], &[("b", created), ("c", deleted)]), [to("a", None)]);
        assert_eq!(moves(&[("a", created), ("a", deleted)], &[("b", created)]), [to("a", None)]);
        let together = moves(&[("a", created), ("a", deleted)], &[("b", created), ("b", deleted)]);
        assert_eq!(together, [to("a", Some("b"))]);
        // They change places.
        assert_eq!(moves(&[("a", None), ("b", created)], &[("b", None), ("a", created)]), []);
    }

    #[test]
    fn an_application_is_found_by_its_id() {
        let change = |before: &[(&str, &str)], after: &[(&str, &str)]| {
            ReceiverChanges::between(&settings(&[], before), &settings(&[], after))
        };
        let changes = change(&[("one", "a"), ("two", "b")], &[("two", "c"), ("one", "a")]);
        let moved = |old: &str, new: Option<&str>| ReceiverMove {
            kind: ReceiverKind::Logout,
            old: format!("https://{old}.example/"),
            new: new.map(|new| format!("https://{new}.example/")),
        };
        assert_eq!(changes.moves, [moved("b", Some("c"))]);
        assert_eq!(changes.added, [(ReceiverKind::Logout, "https://c.example/".to_owned())]);
        assert_eq!(change(&[("one", "a")], &[]).moves, [moved("a", None)]);
        assert_eq!(change(&[("one", "a"), ("two", "a")], &[("one", "b"), ("two", "c")]).moves, [moved("a", None)]);
        // A webhook at the URL of before is another receiver.
        let changes = ReceiverChanges::between(
            &settings(&[("a", None)], &[("one", "a")]),
            &settings(&[("a", None)], &[("one", "b")]),
        );
        assert_eq!(changes.moves, [moved("a", Some("b"))]);
    }
}
