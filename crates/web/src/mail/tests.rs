//! What mails say, in every language.

use vestibule_domain::project::{MAIL_LANGUAGES, MailText};

use super::{own_texts::server_text, *};
use crate::locale::Locales;

fn contexts() -> Vec<MailContext> {
    let brand = Brand { name: "Corner & Shop".into(), ..Brand::default() };
    let context = |locale: &Locale| MailContext::new(locale.clone(), brand.clone(), "Corner & Shop");
    Locales::shared().locales().iter().map(context).collect()
}

/// What a reader sees, without marks of direction.
fn visible(text: &str) -> String {
    text.replace(['\u{2068}', '\u{2069}'], "")
}

#[test]
fn every_mail_carries_its_code_in_both_parts_and_loads_nothing() {
    for ctx in contexts() {
        for (name, kind) in MailKind::samples() {
            let mail = kind.render(&ctx);
            if let Some((code, _)) = kind.code() {
                assert!(mail.text.contains(code) && mail.html.contains(code), "{name}");
                assert!(mail.subject.contains(code), "{name}");
            }
            assert!(!mail.html.contains("src="), "{name}");
            assert!(!mail.html.contains("url(") && !mail.html.contains("@import"), "{name}");
            // The only address is that of the link.
            let addresses = usize::from(kind.link().is_some());
            assert_eq!(mail.html.matches("http").count(), addresses, "{name}");
            assert_eq!(mail.text.matches("http").count(), addresses, "{name}");
            assert!(mail.html.contains("Corner &#38; Shop"), "{name} escapes its HTML part");
            assert!(mail.text.contains("Corner & Shop"), "{name} does not escape its text part");
            assert!(mail.html.contains(&format!("lang=\"{}\"", ctx.locale.tag())), "{name}");
        }
    }
}

#[test]
fn a_subject_stays_one_line() {
    let ctx = MailContext { app_name: "a\r\nBcc: x@example.com\u{b}".into(), ..contexts().remove(0) };
    for (name, kind) in MailKind::samples() {
        assert!(!kind.render(&ctx).subject.contains(char::is_control), "{name}");
    }
    let mut own = ctx.clone();
    own.texts.login_code.subject = Some("{app}: {code}".into());
    let (_, login) = MailKind::samples().remove(1);
    assert_eq!(login.render(&own).subject, "a  Bcc: x@example.com : 402713");
}

#[test]
fn a_text_message_ends_with_the_bound_code() {
    for ctx in contexts() {
        let text = sms_text(&ctx, "402713", Some("auth.shop.example"));
        assert!(text.ends_with("\n@auth.shop.example #402713"), "{text}");
        assert!(sms_text(&ctx, "402713", None).contains("402713"));
    }
}

#[test]
fn every_mail_is_light_and_dark() {
    let ctx = contexts().remove(0);
    for (name, kind) in MailKind::samples() {
        let html = kind.render(&ctx).html;
        assert!(html.contains("@media (prefers-color-scheme:dark){"), "{name}");
        for meta in ["color-scheme", "supported-color-schemes"] {
            assert!(html.contains(&format!("<meta name=\"{meta}\" content=\"light dark\">")), "{name}: {meta}");
        }
        // Every class has a dark style, and light styles are inline where it is used.
        for used in html.split("class=\"").skip(1) {
            for class in used[..used.find('"').expect("a quote")].split(' ') {
                assert!(html.contains(&format!("\n.{class}{{")), "{name}: {class}");
            }
            assert!(used[..used.find('>').expect("a tag ends")].contains("style=\""), "{name}: {used:.60}");
        }
    }
    let (_, kind) = MailKind::samples().remove(0);
    let forced = |scheme| kind.render_in(&ctx, scheme).html;
    assert!(forced(PageColorScheme::Dark).contains("@media all{"));
    assert!(forced(PageColorScheme::Light).contains("@media not all{"));
    assert!(!forced(PageColorScheme::Light).contains("prefers-color-scheme"));
}

#[test]
fn every_mail_says_what_asked_for_it() {
    let english = contexts().remove(0);
    let said = |ctx: &MailContext, at: usize| {
        let (_, kind) = MailKind::samples().remove(at);
        let mail = kind.render(ctx);
        let is_it = |line: &&str| line.starts_with("This code ") || line.starts_with("This was done ");
        let line = mail.text.lines().find(is_it).expect("a line").to_owned();
        assert!(mail.html.contains(&line.replace('&', "&#38;")), "{}", mail.html);
        line
    };
    let with = |device| MailContext { device: Some(device), ..english.clone() };
    let chrome = with(Device::BrowserOn("Chrome", "Linux"));
    assert_eq!(
        said(&chrome, 0),
        "This code was requested with Chrome on Linux, to confirm the address for Corner & Shop."
    );
    assert_eq!(said(&chrome, 1), "This code was requested with Chrome on Linux, to sign in to Corner & Shop.");
    assert_eq!(
        said(&with(Device::One("iPhone")), 2),
        "This code was requested with iPhone, to choose a new password for Corner & Shop."
    );
    assert_eq!(said(&chrome, 3), "This was done with Chrome on Linux, at Corner & Shop.");
    assert_eq!(said(&english, 1), "This code was requested to sign in to Corner & Shop.");
    for ctx in contexts() {
        let ctx = MailContext { device: Some(Device::BrowserOn("Chrome", "Linux")), ..ctx };
        // What an operator sends has no device.
        let sent_by_us = |kind: &MailKind| kind.text_kind().is_none();
        for (name, kind) in MailKind::samples().into_iter().filter(|(_, kind)| !sent_by_us(kind)) {
            let mail = kind.render(&ctx);
            for part in [mail.text, mail.html] {
                assert!(part.contains("Chrome") && part.contains("Linux"), "{name} in {}", ctx.locale.tag());
            }
        }
    }
}

#[test]
fn a_projects_texts_replace_ours_in_their_language() {
    assert_eq!(MAIL_LANGUAGES.as_slice(), contexts().iter().map(|ctx| ctx.locale.tag()).collect::<Vec<_>>());
    for mut ctx in contexts() {
        ctx.app_name = "App".into();
        let own = MailText {
            subject: Some("Subject {code} {app} {brand}".into()),
            heading: Some("Heading {app}".into()),
            lead: Some("Lead {brand}".into()),
            closing: Some("Closing {code}".into()),
        };
        ctx.texts.login_code = own.clone();
        // What the schema does not know is not used, even if it is stored.
        ctx.texts.account_changed = own.clone();
        ctx.texts.still_signed_in = own;
        let plain = MailContext { texts: LanguageTexts::default(), ..ctx.clone() };
        for (name, kind) in MailKind::samples() {
            let place = format!("{name} in {}", ctx.locale.tag());
            let (mail, ours) = (kind.render(&ctx), kind.render(&plain));
            let (mail_text, subject) = (visible(&mail.text), visible(&mail.subject));
            match kind.text_kind() {
                Some(MailTextKind::LoginCode) => {
                    assert_eq!(subject, "Subject 402713 App Corner & Shop", "{place}");
                    for line in ["Heading App", "Lead Corner & Shop", "    402713", "Closing 402713"] {
                        assert!(mail_text.lines().any(|found| found == line), "{place}: {line} in {mail_text}");
                    }
                    assert!(visible(&mail.html).contains(">Lead Corner &#38; Shop</p>"), "{place}");
                }
                None | Some(MailTextKind::VerificationCode | MailTextKind::PasswordResetCode) => {
                    assert_eq!(mail, ours, "{place}");
                }
                // `{code}` is no placeholder of a notice: our subject.
                Some(MailTextKind::AccountChanged | MailTextKind::StillSignedIn) => {
                    assert_eq!(mail.subject, ours.subject, "{place}");
                    assert!(mail_text.starts_with("Heading App\n"), "{place}");
                    let has_lead = mail_text.contains("Lead Corner & Shop");
                    assert_eq!(has_lead, kind.text_kind() == Some(MailTextKind::StillSignedIn), "{place}");
                    assert!(!mail_text.contains("Closing"), "{place}");
                }
            }
        }
    }
}

#[test]
fn a_value_is_never_read_as_a_text() {
    let (_, login) = MailKind::samples().remove(1);
    for mut ctx in contexts() {
        ctx.app_name = "{code}{brand} { $code } <b>\u{202e}".into();
        ctx.texts.login_code.lead = Some("<i>{app}</i>".into());
        ctx.texts.login_code.subject = Some("{app}".into());
        let mail = login.render(&ctx);
        assert!(visible(&mail.subject).starts_with("{code}{brand} { $code } <b>"), "{}", mail.subject);
        assert!(visible(&mail.text).contains("<i>{code}{brand} { $code } <b>"), "{}", mail.text);
        assert!(!mail.html.contains("<b>") && !mail.html.contains("<i>"), "{}", mail.html);
    }
    let arabic = contexts().into_iter().find(|ctx| ctx.locale.tag() == "ar").expect("Arabic");
    let mut ctx = arabic.clone();
    ctx.texts.login_code.subject = Some("{app}: {code}".into());
    assert_eq!(login.render(&ctx).subject, "\u{2068}Corner & Shop\u{2069}: \u{2068}402713\u{2069}");
}

#[test]
fn our_texts_are_valid_as_a_projects_own() {
    for ctx in contexts() {
        for kind in MailTextKind::ALL {
            for part in kind.parts() {
                let text = server_text(&ctx.locale, kind, *part);
                let place = format!("{} of {} in {}: {text}", part.as_str(), kind.as_str(), ctx.locale.tag());
                assert!(vestibule_domain::project::read_pieces(&text, kind.placeholders()).is_ok(), "{place}");
                assert!(text.chars().count() <= part.max_chars(), "{place}");
                assert!(!text.starts_with("mail-"), "{place}");
            }
        }
        let subject = server_text(&ctx.locale, MailTextKind::LoginCode, MailPart::Subject);
        assert!(subject.contains("{code}") && subject.contains("{app}"), "{subject}");
    }
}
