//! The mail server: whether it accepts the connection and, on request, an email.

use vestibule_app::{
    adapters::{
        clock::Clock,
        mailer::{Mail, Mailer},
    },
    config::Config,
};

use super::report::Report;

const CHECK: &str = "mail";

pub(super) async fn check(config: &Config, to: Option<&str>, report: &mut Report) {
    let mailer = match Mailer::from_config(&config.smtp) {
        Ok(mailer) => mailer,
        Err(message) => return report.fail(CHECK, &message, "correct [smtp] of the configuration"),
    };
    if !mailer.is_configured() {
        return report.warn(
            CHECK,
            "smtp.host is empty: emails with codes can't be sent",
            "set [smtp] in the configuration; for development, run `vestibule serve --dev-mail`",
        );
    }
    let server = format!("{}:{}", config.smtp.host, config.smtp.port);
    if let Err(reason) = mailer.test_connection().await {
        let message = format!("{server} did not accept the connection: {reason}");
        return report.fail(CHECK, &message, "correct smtp.host, port, security, username and password");
    }
    let Some(to) = to else {
        return report.ok(CHECK, &format!("{server} accepts the connection; --mail-to ADDRESS sends a test email"));
    };
    const WORDS: &str =
        "An operator of this server sent this test with vestibule doctor. You don't need to do anything.";
    let mail = Mail {
        from: None,
        to: to.to_string(),
        subject: "Test message from vestibule doctor".into(),
        text: format!("Email works.\n\n{WORDS}\n"),
        html: format!("<p>Email works.</p><p>{WORDS}</p>"),
        useful_seconds: None,
    };
    let now = Clock::System.now();
    match mailer.send(&mail, &format!("doctor-{}", now.as_micros()), now).await {
        Ok(()) => {
            report.ok(CHECK, &format!("{server} accepted a test email; look whether it arrives, and not as spam"))
        }
        Err(error) => {
            report.fail(CHECK, &format!("{server}: {error}"), "correct smtp.from, or the rights of smtp.username")
        }
    }
}
