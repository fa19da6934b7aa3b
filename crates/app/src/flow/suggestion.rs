//! The login ID that a `login_hint` prefills on the first page, if the project accepts it.

use vestibule_domain::{
    identifier::{LoginId, LoginIdKind},
    project::ProjectSettings,
};
use vestibule_protocol::login_hint::{LoginHint, LoginIdHint};

/// The kind and the text to prefill. A plain hint (OIDC Core §3.1.2.1) that fits no kind of login ID is ignored.
pub(crate) fn suggest(settings: &ProjectSettings, hint: Option<&LoginHint>) -> Option<(LoginIdKind, String)> {
    match hint? {
        LoginHint::LoginId { login_id, .. } => Some(read(login_id)),
        LoginHint::Plain(text) => guess(settings, text),
        LoginHint::Anonymous(_) | LoginHint::AppSessionToken(_) | LoginHint::Continuation(_) => None,
    }
}

/// The login ID in a structured hint.
pub(crate) fn read(hint: &LoginIdHint) -> (LoginIdKind, String) {
    match hint {
        LoginIdHint::Email(value) => (LoginIdKind::Email, value.clone()),
        LoginIdHint::Phone(value) => (LoginIdKind::Phone, value.clone()),
        LoginIdHint::Username(value) => (LoginIdKind::Username, value.clone()),
    }
}

/// The first kind of login ID of the project that the text is valid for.
fn guess(settings: &ProjectSettings, text: &str) -> Option<(LoginIdKind, String)> {
    let offered = settings.login_id_kinds();
    let country = settings.default_country();
    LoginIdKind::ALL.into_iter().filter(|kind| offered.contains(kind)).find_map(|kind| {
        // An unencoded `+` of an international number arrives as a space.
        let text = match text.strip_prefix(' ') {
            Some(digits) if kind == LoginIdKind::Phone => format!("+{digits}"),
            Some(_) | None => text.to_owned(),
        };
        LoginId::parse(kind, &text, country).ok().map(|login_id| (kind, login_id.original))
    })
}

#[cfg(test)]
mod tests {
    use vestibule_domain::project::ProjectSettings;

    use super::*;

    #[test]
    fn a_plain_hint_is_read_as_a_login_id_of_the_project() {
        use LoginIdKind::{Email, Phone, Username};
        for (kinds, hint, expected) in [
            (vec![Email], "kim@shop.example", Some((Email, "kim@shop.example"))),
            (vec![Username, Email], "kim@shop.example", Some((Email, "kim@shop.example"))),
            (vec![Username], "kim@shop.example", None),
            (vec![Email, Username], "kim", Some((Username, "kim"))),
            (vec![Email], "kim", None),
            (vec![Email, Phone, Username], "+85298765432", Some((Phone, "+85298765432"))),
            (vec![Phone], " 85298765432", Some((Phone, "+85298765432"))),
            (vec![Phone], "98765432", None),
            (vec![Phone, Username], "98765432", None),
            (vec![Email, Phone, Username], "", None),
            (vec![Email, Phone, Username], "https://authgear.com/login_hint", None),
            (vec![Email, Phone, Username], "<script>", None),
            (vec![Email, Phone, Username], "a\u{0}b", None),
        ] {
            let keys: Vec<String> = kinds.iter().map(|kind| format!("{{ type = {:?} }}", kind.as_str())).collect();
            let text = format!(
                "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n\
                 [identity.login_id]\nkeys = [{}]\n[authentication]\nprimary_authenticators = [\"password\"]\n",
                keys.join(", ")
            );
            let settings = ProjectSettings::parse_toml(&text).expect("settings");
            let suggested = suggest(&settings, Some(&LoginHint::Plain(hint.to_owned())));
            assert_eq!(suggested.as_ref().map(|(kind, text)| (*kind, text.as_str())), expected, "{kinds:?} {hint}");
        }
    }
}
