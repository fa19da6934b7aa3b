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

/// Maximum number of mails in a memory mailbox.
const MAILBOX_SIZE: usize = 200;

/// A mail in the outbox.
#[derive(Clone, Serialize, Deserialize)]
pub struct Mail {
    /// The sender, if the project has its own.
    pub from: Option<String>,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Clone)]
pub struct Delivered {
    pub at: Timestamp,
    pub mail: Mail,
}

/// A mailbox in memory, newest mail first.
#[derive(Clone, Default)]
pub struct MemoryMailbox {
    mails: Arc<Mutex<VecDeque<Delivered>>>,
    arrived: Arc<Notify>,
}

impl MemoryMailbox {
    #[must_use]
    pub fn mails(&self) -> Vec<Delivered> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Waits until `look` returns a value, now or when more mail arrives.
    pub async fn wait_for<T>(&self, look: impl Fn(&[Delivered]) -> Option<T>) -> T {
        loop {
            // Register for notifications before looking, so that no mail in between is missed.
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

/// The destination of mail.
#[derive(Clone)]
pub enum Mailer {
    Smtp {
        /// The connection pool.
        transport: Box<AsyncSmtpTransport<Tokio1Executor>>,
        from: Mailbox,
        /// Timeout of one delivery as a whole.
        timeout: Duration,
    },
    Memory(MemoryMailbox),
    None,
}

/// Why a mail was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A retry would fail again.
    #[error("can't send the email: {0}")]
    Permanent(String),
    /// A retry may succeed.
    #[error("the mail server did not accept the email: {0}")]
    Temporary(String),
}

impl Mailer {
    /// Whether mail can be sent at all.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        match self {
            Self::Smtp { .. } | Self::Memory(_) => true,
            Self::None => false,
        }
    }

    /// Builds the mailer from the configuration.
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
        let timeout = Duration::from_secs(smtp.timeout_seconds);
        let mut builder =
            builder.map_err(|error| format!("smtp.host: {error}"))?.port(smtp.port).timeout(Some(timeout));
        if !smtp.username.is_empty() {
            builder = builder.credentials(Credentials::new(smtp.username.clone(), smtp.password.clone()));
        }
        let from = smtp.from.parse().map_err(|error| format!("smtp.from: {error}"))?;
        Ok(Self::Smtp { transport: Box::new(builder.build()), from, timeout })
    }

    /// Delivers one mail. Its `id` is unique to the mail and the same for every attempt, so that servers and mail
    /// clients can detect duplicates.
    ///
    /// # Errors
    /// Whether a retry makes sense.
    pub async fn send(&self, mail: &Mail, id: &str, now: Timestamp) -> Result<(), MailError> {
        match self {
            Self::Memory(mailbox) => {
                mailbox.put(mail.clone(), now);
                Ok(())
            }
            Self::None => Err(MailError::Permanent("no mail server is configured (smtp.host is empty)".into())),
            Self::Smtp { transport, from, timeout } => {
                let message = build_message(mail, id, from).map_err(MailError::Permanent)?;
                // The transport's own timeout ends with the connection: a server that then stays silent would block
                // without end.
                let span = Span::of_call("smtp", None);
                let sending = span.around(tokio::time::timeout(*timeout, transport.send(message))).await;
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
    // The recipient's address is personal data: leave it out of the error.
    let to = mail.to.parse().map_err(|_| "the recipient's address is not valid".to_string())?;
    // Few relays accept non-ASCII hosts (RFC 6531); all accept their ASCII form (RFC 5891).
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
    // RFC 3834 §5: automatic responders do not reply.
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
