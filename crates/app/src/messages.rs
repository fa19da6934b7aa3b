//! Queues mails and text messages in the outbox and unseals them for sending. They contain codes and invitation links,
//! so they are sealed with the master key.

use vestibule_domain::{id::ProjectNo, time::Timestamp};
use vestibule_store::{
    Conn, StoreError, Tx,
    outbox::{self, OutboxRow},
};

use crate::{
    adapters::{mailer::Mail, sms::Sms},
    crypto::{base64url, hex, read_base64url, sha256},
    send_permit::SendPermit,
    state::App,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageChannel {
    Mail,
    Sms,
}

impl MessageChannel {
    /// The outbox kind of sealed messages. Releases before 0.1.0 do not know it, so they leave such rows to newer
    /// nodes; under the older kind they would drop them as unreadable.
    const fn sealed_kind(self) -> &'static str {
        match self {
            Self::Mail => "sealed_mail",
            Self::Sms => "sealed_sms",
        }
    }

    /// All outbox kinds of this channel: sealed messages, and unsealed ones queued by releases before 0.1.0.
    pub const fn kinds(self) -> [&'static str; 2] {
        match self {
            Self::Mail => [self.sealed_kind(), "mail"],
            Self::Sms => [self.sealed_kind(), "sms"],
        }
    }
}

/// How many emails and text messages are queued, in all projects.
pub(crate) async fn count_queued(conn: &mut Conn) -> Result<(i64, i64), StoreError> {
    let (mut mails, mut texts) = (0, 0);
    for kind in MessageChannel::Mail.kinds() {
        mails += outbox::count_any_project(conn, kind).await?;
    }
    for kind in MessageChannel::Sms.kinds() {
        texts += outbox::count_any_project(conn, kind).await?;
    }
    Ok((mails, texts))
}

pub enum Message {
    Mail(Mail),
    Sms(Sms),
}

/// A message with a code that may be sent: the only way of a text message into the outbox.
pub(crate) struct PermittedMessage {
    message: Message,
    is_sent: bool,
}

impl PermittedMessage {
    pub(crate) fn new(permit: &SendPermit, message: Message) -> Self {
        Self { message, is_sent: permit.is_sent() }
    }

    /// Seals it, also if it is not sent: that takes as long.
    pub(crate) fn seal(&self, app: &App, project: ProjectNo) -> SealedMessage {
        let sealed = match &self.message {
            Message::Mail(mail) => SealedMessage::of_mail(app, project, mail),
            Message::Sms(sms) => {
                let plain = serde_json::to_vec(sms).expect("a text message is plain JSON");
                SealedMessage::new(app, project, MessageChannel::Sms, &plain)
            }
        };
        SealedMessage { is_sent: self.is_sent, ..sealed }
    }
}

/// A message sealed for the outbox.
pub struct SealedMessage {
    kind: &'static str,
    payload: String,
    /// Otherwise there is no account to get it, and it is dropped.
    is_sent: bool,
}

impl SealedMessage {
    fn new(app: &App, project: ProjectNo, channel: MessageChannel, plain: &[u8]) -> Self {
        let kind = channel.sealed_kind();
        let payload = base64url(app.master.seal(plain, &context(kind, project), &app.entropy));
        Self { kind, payload, is_sent: true }
    }

    pub(crate) fn of_mail(app: &App, project: ProjectNo, mail: &Mail) -> Self {
        let plain = serde_json::to_vec(mail).expect("a mail is plain JSON");
        Self::new(app, project, MessageChannel::Mail, &plain)
    }

    /// Queues it.
    ///
    /// # Errors
    /// The store's.
    pub async fn push(&self, tx: &mut Tx, project: ProjectNo, now: Timestamp) -> Result<(), StoreError> {
        if self.is_sent {
            outbox::push(tx, project, self.kind, None, &self.payload, now).await
        } else {
            outbox::pretend(tx, project, self.kind, &self.payload, now).await
        }
    }
}

/// Why a queued message cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("the queued message was encrypted with another master key")]
    Sealed,
    #[error("the queued message cannot be read")]
    Format,
}

/// Unseals a message from the outbox.
///
/// # Errors
/// When it was sealed with another master key, or is not a message.
pub fn open(app: &App, channel: MessageChannel, row: &OutboxRow) -> Result<Message, Unreadable> {
    let plain = if row.kind == channel.sealed_kind() {
        let sealed = read_base64url(&row.payload).ok_or(Unreadable::Format)?;
        app.master.open(&sealed, &context(&row.kind, row.project)).map_err(|_| Unreadable::Sealed)?
    } else {
        row.payload.clone().into_bytes()
    };
    match channel {
        MessageChannel::Mail => serde_json::from_slice(&plain).map(Message::Mail),
        MessageChannel::Sms => serde_json::from_slice(&plain).map(Message::Sms),
    }
    .map_err(|_| Unreadable::Format)
}

/// The `Message-ID` of a queued mail: unique, and the same for each attempt.
pub(crate) fn mail_id(row: &OutboxRow) -> String {
    let text = format!("mail|{}|{}|{}|{}", row.project.0, row.id, row.created_at.as_micros(), row.payload);
    hex(&sha256(text.as_bytes()).0[..16])
}

fn context(kind: &str, project: ProjectNo) -> String {
    format!("outbox|{kind}|{}", project.0)
}
