//! Outgoing mail: an SMTP server, or a mailbox in memory for the demo and the tests.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::authentication::Credentials,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use vestibule_domain::time::Timestamp;

use crate::{
    config::{Smtp, SmtpSecurity},
    trace::Span,
};

/// How many mails a mailbox in memory keeps.
const MAILBOX_SIZE: usize = 200;

/// A mail as it waits in the outbox.
#[derive(Clone, Serialize, Deserialize)]
pub struct Mail {
    /// Sender, when the project has its own.
    pub from: Option<String>,
    /// Recipient's address.
    pub to: String,
    /// Subject line.
    pub subject: String,
    /// Plain-text part.
    pub text: String,
    /// HTML part.
    pub html: String,
}

/// A mail in a mailbox.
#[derive(Clone)]
pub struct Delivered {
    /// When it was delivered.
    pub at: Timestamp,
    /// The mail.
    pub mail: Mail,
}

/// A mailbox in memory; the newest mail is first.
#[derive(Clone, Default)]
pub struct MemoryMailbox {
    mails: Arc<Mutex<VecDeque<Delivered>>>,
    arrived: Arc<Notify>,
}

impl MemoryMailbox {
    /// What was delivered, newest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Delivered> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Waits until `look` finds what it looks for, now or when more mail comes.
    pub async fn wait_for<T>(&self, look: impl Fn(&[Delivered]) -> Option<T>) -> T {
        loop {
            // Listening begins before looking: a mail that comes in between is not missed.
            let mut arrived = std::pin::pin!(self.arrived.notified());
            arrived.as_mut().enable();
            if let Some(found) = look(&self.mails()) {
                return found;
            }
            arrived.await;
        }
    }

    pub(super) fn put(&self, mail: Mail, at: Timestamp) {
        let delivered = Delivered { at, mail };
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push_front(delivered);
        mails.truncate(MAILBOX_SIZE);
        drop(mails);
        self.arrived.notify_waiters();
    }
}

/// Where mail goes.
#[derive(Clone)]
pub enum Mailer {
    /// A real mail server.
    Smtp {
        /// The pooled connection.
        transport: Box<AsyncSmtpTransport<Tokio1Executor>>,
        /// The default sender.
        from: Mailbox,
        /// How long one delivery may take as a whole.
        patience: Duration,
    },
    /// A mailbox in memory.
    Memory(MemoryMailbox),
    /// No mail server is configured.
    None,
}

/// Why a mail was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It can never be delivered as it is.
    #[error("can't send the email: {0}")]
    Permanent(String),
    /// Try again later.
    #[error("the mail server did not accept the email: {0}")]
    Temporary(String),
}

impl Mailer {
    /// Builds the mailer the configuration asks for.
    ///
    /// # Errors
    /// A sentence for the operator when host or sender cannot be used.
    pub fn from_config(smtp: &Smtp) -> Result<Self, String> {
        if smtp.host.is_empty() {
            return Ok(Self::None);
        }
        let builder = match smtp.security {
            SmtpSecurity::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)),
            SmtpSecurity::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&smtp.host),
            SmtpSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&smtp.host),
        };
        let patience = Duration::from_secs(smtp.timeout_seconds);
        let mut builder =
            builder.map_err(|error| format!("smtp.host: {error}"))?.port(smtp.port).timeout(Some(patience));
        if !smtp.username.is_empty() {
            builder = builder.credentials(Credentials::new(smtp.username.clone(), smtp.password.clone()));
        }
        let from = smtp.from.parse().map_err(|error| format!("smtp.from: {error}"))?;
        Ok(Self::Smtp { transport: Box::new(builder.build()), from, patience })
    }

    /// Delivers one mail. Its `id` is unlike that of every other mail, and the same when it is tried again: servers and mail readers
    /// tell by it that it came twice.
    ///
    /// # Errors
    /// Says whether trying again makes sense.
    pub async fn send(&self, mail: &Mail, id: &str, now: Timestamp) -> Result<(), MailError> {
        match self {
            Self::Memory(mailbox) => {
                mailbox.put(mail.clone(), now);
                Ok(())
            }
            Self::None => Err(MailError::Permanent("no mail server is configured (smtp.host is empty)".into())),
            Self::Smtp { transport, from, patience } => {
                let message = build_message(mail, id, from).map_err(MailError::Permanent)?;
                // The transport's own timeout ends with the connection: a server that then says nothing would be waited for without end.
                let span = Span::of_call("smtp", None);
                let sending = span.around(tokio::time::timeout(*patience, transport.send(message))).await;
                span.ended(None, !matches!(sending, Ok(Ok(_))));
                let Ok(sent) = sending else {
                    return Err(MailError::Temporary("the mail server did not answer in time".into()));
                };
                sent.map(drop).map_err(|error| {
                    // Mail servers repeat the recipient's address, which is personal data.
                    let why = error.to_string().replace(&mail.to, "(the recipient)");
                    if error.is_permanent() { MailError::Permanent(why) } else { MailError::Temporary(why) }
                })
            }
        }
    }
}

fn build_message(mail: &Mail, id: &str, default_from: &Mailbox) -> Result<Message, String> {
    let mut from: Mailbox = match &mail.from {
        Some(own) => own.parse().map_err(|error| format!("mail.from: {error}"))?,
        None => default_from.clone(),
    };
    // The recipient's address is personal data: the error must not repeat it.
    let to = mail.to.parse().map_err(|_| "the recipient's address is not valid".to_string())?;
    // Few relays take hosts in other letters (RFC 6531), and all take their ASCII form (RFC 5891).
    let host = ascii_host(from.email.domain());
    from.email = Address::new(from.email.user(), &host).map_err(|error| format!("mail.from: {error}"))?;
    // RFC 5322 §3.6.4: relays add none, and large receivers refuse mail without one.
    let message_id = format!("<{id}@{host}>");
    let mut message = Message::builder()
        .from(from)
        .to(to)
        .subject(mail.subject.clone())
        .message_id(Some(message_id))
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| error.to_string())?;
    // RFC 3834 §5: absence notes and other robots do not answer.
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_string()));
    Ok(message)
}

/// The host of an address in ASCII.
fn ascii_host(domain: &str) -> String {
    match url::Host::parse(domain) {
        Ok(host) => host.to_string(),
        Err(_) => "localhost".to_string(),
    }
}
