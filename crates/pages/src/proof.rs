//! Checks of every rendered page in every state and language, and of the language files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use vestibule_web::{
    document::check_document,
    field_problem::FieldProblem,
    locale::{Locales, SOURCES},
    mail::{MailContext, MailKind},
    notice::{Notice, NoticeKind},
    page::Page,
    text::Text,
};

use crate::{
    end_pages::ErrorKind,
    sample::{Sample, sample_context, samples},
};

#[test]
fn every_page_state_keeps_the_rules_in_every_language() {
    let samples = samples();
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    assert_eq!(names.len(), samples.len(), "sample names are unique");
    for locale in Locales::shared().locales() {
        let mut ctx = sample_context(locale.clone());
        for Sample { name, page } in &samples {
            let place = format!("{name} in {}", locale.tag());
            let html = page.render(&ctx);
            let head = format!("<html lang=\"{}\" dir=\"{}\"", locale.tag(), locale.direction().as_str());
            assert!(html.contains(&head), "{place}: language and direction");
            check_document(&html, &place);
            ctx.carried = Some("sealed-flow-0".into());
            let html = page.render(&ctx);
            ctx.carried = None;
            check_document(&html, &format!("{place}, carried"));
            assert!(!html.contains("href=\"/flow/"), "{place}: no link of a carried flow leaves it behind");
        }
        for kind in NoticeKind::ALL {
            ctx.notice = Some(kind.notice());
            check_document(&samples[0].page.render(&ctx), &format!("{kind:?} in {}", locale.tag()));
        }
    }
}

#[test]
fn what_people_type_is_escaped() {
    let mut ctx = sample_context(Locales::shared().locales()[0].clone());
    let evil = "\"><script>alert(1)</script>";
    ctx.brand.name = evil.into();
    ctx.app_name = evil.into();
    ctx.csrf = evil.into();
    ctx.notice = Some(Notice { level: vestibule_web::notice::Level::Info, key: Text::new("promote-lead") });
    for Sample { name, page } in samples() {
        assert!(!page.render(&ctx).contains("<script>"), "{name}");
    }
    let page = crate::flow::verify_code::VerifyCodePage::new(
        crate::flow::verify_code::CodePurpose::Verify,
        crate::flow::verify_code::CodeChannel::Email,
        evil,
        evil,
    );
    assert!(!page.render(&ctx).contains("<script>"));
}

/// The messages of a fluent file: key and body.
fn messages(source: &str) -> BTreeMap<&str, String> {
    let mut all: BTreeMap<&str, String> = BTreeMap::new();
    let mut current = None;
    for line in source.lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if line.starts_with(' ') {
            let key = current.expect("a body after its key");
            let body: &mut String = all.get_mut(key).expect("its key");
            body.push_str(line);
        } else {
            let (key, body) = line.split_once(" =").unwrap_or_else(|| panic!("not a message: {line}"));
            assert!(all.insert(key, body.to_owned()).is_none(), "{key} is there twice");
            current = Some(key);
        }
    }
    all
}

fn variables(body: &str) -> BTreeSet<&str> {
    body.split('$')
        .skip(1)
        .map(|rest| &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())])
        .collect()
}

#[test]
fn every_language_says_everything() {
    let english = messages(SOURCES[0].2);
    for (tag, _, source) in SOURCES {
        if let Err((_, errors)) = fluent_bundle::FluentResource::try_new(source.to_owned()) {
            panic!("{tag} does not parse: {errors:?}");
        }
        let all = messages(source);
        let missing: Vec<_> = english.keys().filter(|key| !all.contains_key(*key)).collect();
        let unknown: Vec<_> = all.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{tag} lacks {missing:?} and has unknown {unknown:?}");
        for (key, body) in &all {
            let (own, expected) = (variables(body), variables(&english[key]));
            // A translation may leave out the names of app and project, but not other arguments.
            let variables_of = |set: &BTreeSet<&str>| -> BTreeSet<String> {
                set.iter().filter(|name| !matches!(**name, "app" | "brand")).map(|name| (*name).to_owned()).collect()
            };
            assert_eq!(variables_of(&own), variables_of(&expected), "{tag}: {key} has other variables than English");
        }
    }
}

#[test]
fn every_plural_has_the_forms_of_its_language() {
    for (tag, _, source) in SOURCES {
        let forms: &[&str] = match tag {
            "ja" | "zh-TW" => &["other"],
            "ar" => &["zero", "one", "two", "few", "many", "other"],
            _ => &["one", "other"],
        };
        for (key, body) in messages(source).iter().filter(|(_, body)| body.contains("->")) {
            for form in forms {
                // An exact number ([0]) is more specific than the plural form it replaces.
                let is_listed = body.contains(&format!("[{form}]")) || (*form == "zero" && body.contains("[0]"));
                assert!(is_listed, "{tag}: {key} lacks [{form}]");
            }
        }
    }
}

#[test]
fn every_text_is_used_and_every_used_text_exists() {
    let english = messages(SOURCES[0].2);
    // Texts are used by pages, by what all faces share, and by the server's own error pages.
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate is in a folder");
    let mut sources = String::new();
    for folder in ["web/src", "web/templates", "pages/src", "pages/templates", "api/src", "server/src"] {
        read_tree(&crates.join(folder), &mut sources);
    }
    for key in english.keys() {
        assert!(sources.contains(&format!("\"{key}\"")), "{key} is never used");
    }
    for call in ["Text::new(\"", ".t(\"", ".t_with(\"", ".text(\""] {
        for (at, _) in sources.match_indices(call) {
            let rest = &sources[at + call.len()..];
            let key = &rest[..rest.find('"').expect("a closing quote")];
            assert!(english.contains_key(key), "{call}{key}\" is not in en.ftl");
        }
    }
    let mut known: Vec<Text> = FieldProblem::examples().iter().map(FieldProblem::text).collect();
    known.extend(ErrorKind::ALL.into_iter().flat_map(|kind| <[Text; 2]>::from(kind.texts())));
    known.extend(NoticeKind::ALL.into_iter().map(|kind| kind.notice().key));
    for text in known {
        assert!(english.contains_key(text.key()), "{} is not in en.ftl", text.key());
    }
}

fn read_tree(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_tree(&path, into);
        } else if path.file_name().is_some_and(|name| name != "proof.rs") {
            into.push_str(&fs::read_to_string(&path).expect("a text file"));
        }
    }
}

#[test]
fn every_mail_speaks_every_language() {
    for locale in Locales::shared().locales() {
        let page = sample_context(locale.clone());
        let ctx = MailContext::new(locale.clone(), page.brand, page.app_name);
        for (name, kind) in MailKind::samples() {
            let mail = kind.render(&ctx);
            for part in [&mail.subject, &mail.text, &mail.html] {
                for word in part.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>')) {
                    assert!(!word.starts_with("mail-"), "{name} in {}: {word} is no text", locale.tag());
                }
            }
        }
    }
}

#[test]
fn the_language_is_chosen_by_the_app_then_the_browser_then_the_project() {
    let ui = Locales::shared();
    // `ui_locales`, `Accept-Language`, allowed languages, result
    let cases = [
        ("", "", "", "en"),
        ("fr de-AT", "ja", "", "de"),
        ("fr", "fr-CA, es;q=0.3, ja;q=0.8", "", "ja"),
        ("", "zh-Hant-HK", "", "zh-TW"),
        ("", "en;q=0, ar", "", "ar"),
        ("ja", "de", "es de", "de"),
        ("ja", "", "es de", "es"),
        ("ja", "", "tlh", "en"),
        ("", ";;;,q=,", "", "en"),
    ];
    for (ui_locales, accept_language, tags, expected) in cases {
        let allowed: Vec<String> = tags.split_whitespace().map(str::to_owned).collect();
        let locale = ui.negotiate(Some(ui_locales), Some(accept_language), &allowed);
        assert_eq!(locale.tag(), expected, "{ui_locales:?} {accept_language:?} {tags:?}");
    }
    assert_eq!(ui.negotiate(None, None, &[]).tag(), "en");
}
