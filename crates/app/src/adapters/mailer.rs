//! Outgoing mail: an SMTP server, or a mailbox in memory for the demo and the tests.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{AsyncSmtpTransportBuilder, authentication::Credentials, extension::ClientId},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use url::Host;
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
    /// The sender, if the project has its own: of the mail and of its envelope, so what cannot be delivered comes back to it.
    /// Never for mails to operators: their links and codes must not come back to the project's owner.
    pub from: Option<String>,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// How long it is worth sending: as long as the code in it can be used. `None` for a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub useful_seconds: Option<u64>,
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
    Smtp(Box<SmtpRelay>),
    Memory(MemoryMailbox),
    None,
}

/// The SMTP server to which all mail is handed.
#[derive(Clone)]
pub struct SmtpRelay {
    builder: AsyncSmtpTransportBuilder,
    /// The connection pool.
    transport: AsyncSmtpTransport<Tokio1Executor>,
    /// Whether the configuration says by which name the server introduces itself.
    is_named: bool,
    from: Mailbox,
    /// Timeout of one delivery as a whole.
    timeout: Duration,
    /// When it last refused an address outside ASCII, in seconds since the epoch; 0 for never.
    refused_utf8_at: Arc<AtomicI64>,
}

/// How long an answer about addresses outside ASCII is trusted: the operator may replace the relay.
const UTF8_MEMORY: Duration = Duration::from_secs(3_600);

/// Why a mail was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A retry would fail again.
    #[error("can't send the email: {0}")]
    Permanent(String),
    /// A retry may succeed.
    #[error("the mail server did not accept the email: {0}")]
    Temporary(String),
    /// A retry may succeed: there was no answer in time.
    #[error("the mail server did not accept the email: {0}")]
    Silent(String),
}

impl Mailer {
    /// Whether mail can be sent at all.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        match self {
            Self::Smtp(_) | Self::Memory(_) => true,
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
        let named = read_hello_name(&smtp.hello_name);
        let is_named = named.is_some();
        builder = builder.hello_name(named.unwrap_or(NAMELESS));
        let (transport, refused_utf8_at) = (builder.clone().build(), Arc::default());
        Ok(Self::Smtp(Box::new(SmtpRelay { builder, transport, is_named, from, timeout, refused_utf8_at })))
    }

    /// Introduces the server to the relay by the first of these hosts that is a full name, unless the configuration says by which.
    #[must_use]
    pub fn introduced_as<'h>(self, hosts: impl IntoIterator<Item = &'h str>) -> Self {
        match self {
            Self::Smtp(relay) if !relay.is_named => {
                let name = hosts.into_iter().find_map(read_hello_name);
                let builder = relay.builder.clone().hello_name(name.unwrap_or(NAMELESS));
                let transport = builder.clone().build();
                Self::Smtp(Box::new(SmtpRelay { builder, transport, ..*relay }))
            }
            other @ (Self::Smtp(_) | Self::Memory(_) | Self::None) => other,
        }
    }

    /// Whether the relay cannot take this address: one with a local part outside ASCII needs a relay with SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn refuses(&self, address: &str, now: Timestamp) -> bool {
        match self {
            Self::Smtp(relay) if !address.is_ascii() => {
                let at = relay.refused_utf8_at.load(Relaxed);
                at > 0 && now <= Timestamp::from_seconds(at).plus(UTF8_MEMORY)
            }
            Self::Smtp(_) | Self::Memory(_) | Self::None => false,
        }
    }

    /// Connects to the mail server and signs in there, without a mail.
    ///
    /// # Errors
    /// Why that failed, for the operator.
    pub async fn test_connection(&self) -> Result<(), String> {
        match self {
            Self::Memory(_) | Self::None => Ok(()),
            Self::Smtp(relay) => match tokio::time::timeout(relay.timeout, relay.transport.test_connection()).await {
                Ok(Ok(true)) => Ok(()),
                Ok(Ok(false)) => Err("it closed the connection".into()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("it did not answer in time".into()),
            },
        }
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
            Self::Smtp(relay) => relay.send(mail, id, now).await,
        }
    }
}

impl SmtpRelay {
    async fn send(&self, mail: &Mail, id: &str, now: Timestamp) -> Result<(), MailError> {
        let message = build_message(mail, id, &self.from).map_err(MailError::Permanent)?;
        // The transport's own timeout ends with the connection: a server that then stays silent would block
        // without end.
        let span = Span::of_call("smtp", None);
        let sending = span.around(tokio::time::timeout(self.timeout, self.transport.send(message))).await;
        span.ended(None, !matches!(sending, Ok(Ok(_))));
        let Ok(sent) = sending else {
            return Err(MailError::Silent("the mail server did not answer in time".into()));
        };
        sent.map(drop).map_err(|error| {
            // Mail servers repeat the recipient's address, which is personal data.
            let why = error.to_string().replace(&mail.to, "(the recipient)");
            // The library's own refusal, before anything is sent: the relay did not offer it.
            let lacks_utf8 = !mail.to.is_ascii() && error.is_client() && why.contains("SMTPUTF8");
            if lacks_utf8 {
                self.refused_utf8_at.store(now.as_seconds(), Relaxed);
            }
            match () {
                () if error.is_permanent() || lacks_utf8 => MailError::Permanent(why),
                () if error.is_timeout() => MailError::Silent(why),
                () => MailError::Temporary(why),
            }
        })
    }
}

/// The name of a server that has none: an address literal, because relays refuse names that are not full (RFC 5321 §4.1.3).
const NAMELESS: ClientId = ClientId::Ipv4(Ipv4Addr::LOCALHOST);

/// A full host name, or an address, with or without the brackets of a literal. `None` for anything else.
pub(crate) fn read_hello_name(text: &str) -> Option<ClientId> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    match bare.strip_prefix("IPv6:").unwrap_or(bare).parse() {
        Ok(IpAddr::V4(address)) => return Some(ClientId::Ipv4(address)),
        Ok(IpAddr::V6(address)) => return Some(ClientId::Ipv6(address)),
        Err(_) => {}
    }
    let Ok(Host::Domain(name)) = Host::parse(text) else { return None };
    let is_full = name.contains('.') && !name.ends_with(".localhost") && !name.starts_with('.') && !name.ends_with('.');
    is_full.then_some(ClientId::Domain(name))
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
    match Host::parse(domain) {
        Ok(host) => host.to_string(),
        Err(_) => "localhost".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_introduces_itself_by_a_full_name_or_an_address() {
        for (text, expected) in [
            ("auth.shop.example", Some("auth.shop.example")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("192.0.2.1", Some("[192.0.2.1]")),
            ("[192.0.2.1]", Some("[192.0.2.1]")),
            ("[2001:db8::1]", Some("[IPv6:2001:db8::1]")),
            ("[IPv6:2001:db8::1]", Some("[IPv6:2001:db8::1]")),
            ("", None),
            ("vm", None),
            ("localhost", None),
            ("shop.localhost", None),
            ("auth.shop.example.", None),
            ("auth.shop.example\r\nMAIL", None),
        ] {
            assert_eq!(read_hello_name(text).map(|name| name.to_string()).as_deref(), expected, "{text}");
        }
    }
}
