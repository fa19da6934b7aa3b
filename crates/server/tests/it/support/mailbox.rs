//! The recipients of the server's mail.

use std::{collections::HashMap, time::Duration};

use vestibule_app::adapters::mailer::{Mail, MemoryMailbox};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads mail in the order it was sent, each once.
pub(crate) struct Mailbox {
    mails: MemoryMailbox,
    read: HashMap<String, usize>,
}

impl Mailbox {
    pub(crate) fn new(mails: MemoryMailbox) -> Self {
        Self { mails, read: HashMap::new() }
    }

    /// The next unread mail to this address; waits for it.
    pub(crate) async fn next_mail(&mut self, to: &str) -> Mail {
        let read = self.read.entry(to.to_string()).or_default();
        let arrived = self.mails.wait_for(|mails| {
            let mut mine: Vec<_> = mails.iter().filter(|delivered| delivered.mail.to == to).collect();
            mine.reverse();
            mine.get(*read).map(|delivered| delivered.mail.clone())
        });
        let mail = tokio::time::timeout(PATIENCE, arrived).await;
        *read += 1;
        mail.unwrap_or_else(|_| panic!("no mail number {read} came for {to}"))
    }

    /// The portal link in the next unread mail to this address.
    pub(crate) async fn next_welcome(&mut self, to: &str) -> String {
        let mail = self.next_mail(to).await;
        mail.text.split_whitespace().find(|word| word.contains("/welcome/")).expect("a link").to_string()
    }

    /// The six-digit code in the next unread mail to this address; skips mails about the account, which have none.
    pub(crate) async fn next_code(&mut self, to: &str) -> String {
        let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
        loop {
            let text = self.next_mail(to).await.text;
            let code = text.split(|c: char| !c.is_ascii_alphanumeric()).find(digits).map(str::to_string);
            if let Some(code) = code {
                return code;
            }
        }
    }

    /// The number of mails sent, read or not.
    pub(crate) fn count(&self) -> usize {
        self.mails.mails().len()
    }
}
