//! The first steps of a project, on its overview until all are done.

use vestibule_app::admin::first_steps::FirstSteps;

/// A step with the page where it is done.
#[derive(Clone, Debug)]
pub(crate) struct FirstStep {
    pub title: &'static str,
    pub hint: &'static str,
    pub is_done: bool,
    /// Below the project's path, or absolute below `/portal/guides`.
    pub href: String,
    pub link: &'static str,
}

/// The steps in their order; `None` when all are done.
pub(super) fn list(steps: FirstSteps, application: Option<&str>) -> Option<Vec<FirstStep>> {
    if steps.is_done() {
        return None;
    }
    let quick_start = match application {
        Some(id) => (format!("/applications/{id}/quick-start"), "Quick start"),
        None => ("/applications".to_string(), "Applications"),
    };
    let step =
        |title, hint, is_done, (href, link): (String, &'static str)| FirstStep { title, hint, is_done, href, link };
    let mut all = vec![
        step(
            "Create an application",
            "An app that signs in your users. It gets a client ID and code to copy.",
            steps.application,
            ("/applications".into(), "Applications"),
        ),
        step(
            "Use a public origin with TLS",
            "The address of the sign-in pages, such as https://auth.shop.example. Until then, only this machine or browsers without TLS reach them.",
            steps.origin,
            ("/portal/guides/run".into(), "Guide: run Vestibule"),
        ),
    ];
    if let Some(is_done) = steps.mail {
        all.push(step(
            "Send a test email",
            "Codes and notices go by email. Done when a test was accepted or a member has verified an address.",
            is_done,
            ("/messages".into(), "Email and SMS"),
        ));
    }
    all.extend([
        step(
            "See your first guest",
            "Add the lines of the quick start to your app and open it: a guest appears under Users.",
            steps.guest,
            quick_start,
        ),
        step(
            "See your first promotion",
            "The guest saves its progress with an email address and becomes a member with the same ID.",
            steps.promotion,
            ("/portal/guides/promotion".into(), "Guide: promotion"),
        ),
    ]);
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_listed_until_all_are_done() {
        let done = FirstSteps { application: true, origin: true, mail: None, guest: true, promotion: true };
        assert!(list(done, None).is_none());
        let left = list(FirstSteps { mail: Some(false), ..done }, Some("web")).expect("one is left");
        assert_eq!(left.iter().filter(|step| !step.is_done).count(), 1);
        assert_eq!(left[3].href, "/applications/web/quick-start");
    }
}
