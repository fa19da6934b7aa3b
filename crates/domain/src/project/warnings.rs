//! What settings allow and their author probably did not mean: shown when they are written, and never refused.

use vestibule_protocol::{cors::domain_below_star, echo};

use super::ProjectSettings;
use crate::{client::Client, event::Event, redirect_uri::has_no_path};

/// A valid value that is probably a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsWarning {
    /// The key, as in [`DocumentProblem`](super::DocumentProblem).
    pub path: String,
    /// What it allows and what to write instead.
    pub message: String,
}

impl ProjectSettings {
    /// Everything in the settings that is probably a mistake.
    #[must_use]
    pub fn warnings(&self) -> Vec<SettingsWarning> {
        let mut warnings = Vec::new();
        for (index, entry) in self.http.allowed_origins.iter().flatten().enumerate() {
            if let Some(suffix) = public_suffix_below_star(entry) {
                let message = format!(
                    "anyone can register a name below {suffix}, and their web pages could call with the users' cookies: write a domain \
                     of your own after the star"
                );
                warnings.push(SettingsWarning { path: format!("http.allowed_origins[{index}]"), message });
            }
        }
        for (index, client) in self.clients().iter().enumerate() {
            warnings.extend(client_warnings(client).into_iter().map(|warning| SettingsWarning {
                path: format!("oauth.clients[{index}].{}", warning.path),
                ..warning
            }));
        }
        for (index, handler) in self.hook.non_blocking_handlers.iter().enumerate() {
            let lists = |event: &str| handler.events.iter().flatten().any(|one| one == event || one == "*");
            let asks = handler.events.iter().flatten().any(|one| one == Event::USER_MERGE_REQUESTED);
            if asks && !(lists("user.merge.refused") && lists("user.merge.undone")) {
                let message = "this webhook moves the data of guests, and is not told when a merge is refused or undone after it \
                               has: add user.merge.refused and user.merge.undone"
                    .to_owned();
                warnings.push(SettingsWarning { path: format!("hook.non_blocking_handlers[{index}].events"), message });
            }
        }
        warnings
    }
}

/// Everything about one application that is probably a mistake; the keys are its own.
#[must_use]
pub fn client_warnings(client: &Client) -> Vec<SettingsWarning> {
    let lists =
        [("redirect_uris", &client.redirect_uris), ("post_logout_redirect_uris", &client.post_logout_redirect_uris)];
    let all = lists.into_iter().flat_map(|(key, uris)| uris.iter().enumerate().map(move |(at, uri)| (key, at, uri)));
    let warn = |(key, at, uri): (&str, usize, &String)| SettingsWarning {
        path: format!("{key}[{at}]"),
        message: format!(
            "{:?} has no path: browsers add a \"/\" and mobile systems match links by path, so write one, such as {:?}",
            echo(uri),
            format!("{}/after-login", echo(uri.split('?').next().unwrap_or_default()))
        ),
    };
    all.filter(|(_, _, uri)| has_no_path(uri)).map(warn).collect()
}

/// The public suffix, such as `vercel.app` or `co.uk`, directly below which an entry has a star.
fn public_suffix_below_star(entry: &str) -> Option<String> {
    let domain = domain_below_star(entry)?;
    let suffix = psl::suffix(domain.as_bytes())?;
    (suffix.is_known() && suffix.as_bytes().len() == domain.len()).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::Client,
        project::{NonBlockingHandler, Origin, ProjectSettings},
    };

    #[test]
    fn a_star_below_a_public_suffix_is_found() {
        for (entry, suffix) in [
            ("https://*.vercel.app", Some("vercel.app")),
            ("https://*-team.vercel.app", Some("vercel.app")),
            ("https://*.*.github.io:8443", Some("github.io")),
            ("*.co.uk", Some("co.uk")),
            ("*.com", Some("com")),
            ("https://*.CO.uk", Some("co.uk")),
            ("https://*.shop.example.com", None),
            ("https://*.team.vercel.app", None),
            ("https://vercel.app", None),
            ("http://*.localhost:3000", None),
            ("*.internal", None),
        ] {
            assert_eq!(public_suffix_below_star(entry).as_deref(), suffix, "{entry}");
        }
    }

    #[test]
    fn warnings_name_the_key_and_say_what_to_write() {
        let mut shop = ProjectSettings::new("shop", Origin::parse("https://auth.shop.example").unwrap());
        shop.http.allowed_origins = Some(vec!["https://*.shop.example".into(), "https://*.vercel.app".into()]);
        shop.oauth.clients = vec![Client {
            client_id: "app".into(),
            redirect_uris: vec!["https://shop.example/back".into(), "com.shop.app://done".into()],
            post_logout_redirect_uris: vec!["https://shop.example".into()],
            ..Client::default()
        }];
        assert_eq!(shop.validate(), Ok(()));
        let warnings = shop.warnings();
        let paths: Vec<&str> = warnings.iter().map(|warning| warning.path.as_str()).collect();
        let expected = [
            "http.allowed_origins[1]",
            "oauth.clients[0].redirect_uris[1]",
            "oauth.clients[0].post_logout_redirect_uris[0]",
        ];
        assert_eq!(paths, expected);
        assert!(warnings[0].message.contains("below vercel.app"), "{}", warnings[0].message);
        assert!(warnings[1].message.contains("\"com.shop.app://done/after-login\""), "{}", warnings[1].message);
    }

    #[test]
    fn a_webhook_that_is_asked_to_move_data_should_hear_how_it_ends() {
        let mut shop = ProjectSettings::new("shop", Origin::parse("https://auth.shop.example").unwrap());
        let handler = |events: Option<&[&str]>| NonBlockingHandler {
            events: events.map(|all| all.iter().map(ToString::to_string).collect()),
            url: "https://shop.example/hook".into(),
        };
        let asked = "user.merge.requested";
        shop.hook.non_blocking_handlers = vec![
            handler(Some(&[asked])),
            handler(Some(&[asked, "user.merge.refused", "user.merge.undone"])),
            handler(Some(&[asked, "*"])),
            handler(Some(&["user.merge.refused"])),
            handler(None),
            handler(Some(&[asked, "user.merge.refused"])),
        ];
        let paths: Vec<String> = shop.warnings().into_iter().map(|warning| warning.path).collect();
        assert_eq!(paths, ["hook.non_blocking_handlers[0].events", "hook.non_blocking_handlers[5].events"]);
    }
}
