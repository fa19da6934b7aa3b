//! Outgoing text messages: a signed webhook, Twilio's API, or a mailbox in memory for the demo and the tests.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use serde_json::json;
use vestibule_domain::time::Timestamp;

use super::{
    http_client,
    mailer::{Mail, MemoryMailbox},
    outbound::{self, DeliveryVerdict},
};
use crate::{
    config::{SmsConfig, SmsProvider},
    crypto::hex,
};

/// The header with the HMAC of a webhook's body: the same as for event webhooks.
pub(crate) const SIGNATURE_HEADER: &str = "x-authgear-body-signature";

/// A text message in the outbox.
#[derive(Clone, Serialize, Deserialize)]
pub struct Sms {
    /// Recipient, in E.164.
    pub to: String,
    pub body: String,
    pub project: String,
}

/// The destination of text messages.
#[derive(Clone)]
pub enum SmsSender {
    /// A URL of the operator.
    Webhook {
        client: reqwest::Client,
        url: String,
        /// The signing key.
        key: Box<hmac::Key>,
    },
    Twilio {
        client: reqwest::Client,
        /// The URL of the account's messages.
        url: String,
        account_sid: String,
        auth_token: String,
        /// A number or a messaging service.
        from: String,
    },
    Memory(MemoryMailbox),
    None,
}

/// Why a text message was not delivered. Never contains the recipient's number, which is personal data.
#[derive(Debug, thiserror::Error)]
pub enum SmsError {
    /// A retry would fail again.
    #[error("can't send the text message: {0}")]
    Permanent(String),
    /// A retry may succeed.
    #[error("the SMS provider did not accept the text message: {0}")]
    Temporary(String),
    /// A retry may succeed: there was no answer in time.
    #[error("the SMS provider did not accept the text message: {0}")]
    Silent(String),
}

impl SmsSender {
    /// Builds the sender from the configuration.
    ///
    /// # Errors
    /// A sentence for the operator when outgoing HTTP cannot be set up.
    pub fn from_config(sms: &SmsConfig) -> Result<Self, String> {
        let client = || http_client::make_client(Duration::from_secs(sms.timeout_seconds));
        Ok(match sms.provider {
            SmsProvider::None => Self::None,
            SmsProvider::Webhook => Self::Webhook {
                client: client()?,
                url: sms.webhook_url.clone(),
                key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, sms.webhook_secret.as_bytes())),
            },
            SmsProvider::Twilio => Self::Twilio {
                client: client()?,
                url: format!(
                    "{}/2010-04-01/Accounts/{}/Messages.json",
                    sms.twilio_base_url.trim_end_matches('/'),
                    sms.twilio_account_sid
                ),
                account_sid: sms.twilio_account_sid.clone(),
                auth_token: sms.twilio_auth_token.clone(),
                from: sms.twilio_from.clone(),
            },
        })
    }

    /// Delivers one text message.
    ///
    /// # Errors
    /// Whether a retry makes sense.
    pub async fn send(&self, sms: &Sms, now: Timestamp) -> Result<(), SmsError> {
        let request = match self {
            Self::None => {
                return Err(SmsError::Permanent("no SMS provider is configured (sms.provider is none)".into()));
            }
            Self::Memory(mailbox) => {
                let subject = sms.body.lines().next().unwrap_or_default().to_string();
                let (to, text) = (sms.to.clone(), sms.body.clone());
                mailbox.put(Mail { from: None, to, subject, text, html: String::new(), useful_seconds: None }, now);
                return Ok(());
            }
            Self::Webhook { client, url, key } => {
                let body = json!({ "to": sms.to, "body": sms.body, "project": sms.project }).to_string();
                let signature = hex(hmac::sign(key, body.as_bytes()).as_ref());
                let request = client.post(url).header("content-type", "application/json");
                request.header(SIGNATURE_HEADER, signature).body(body)
            }
            Self::Twilio { client, url, account_sid, auth_token, from } => {
                // https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
                let sender = if from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
                let form = [("To", sms.to.as_str()), (sender, from.as_str()), ("Body", sms.body.as_str())];
                client.post(url).basic_auth(account_sid, Some(auth_token)).form(&form)
            }
        };
        let status = outbound::send("sms", request).await.map(|response| response.status().as_u16());
        let status = status.map_err(|error| {
            let is_silent = error.is_timeout();
            let why = error.without_url().to_string();
            if is_silent { SmsError::Silent(why) } else { SmsError::Temporary(why) }
        })?;
        match outbound::judge(status) {
            DeliveryVerdict::Taken => Ok(()),
            DeliveryVerdict::Later => Err(SmsError::Temporary(format!("the SMS provider answered {status}"))),
            DeliveryVerdict::Never => Err(SmsError::Permanent(format!("the SMS provider answered {status}"))),
        }
    }
}
