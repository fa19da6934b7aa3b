//! A mail server that receives mail over real SMTP and keeps every byte.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use vestibule_app::config::{Smtp, SmtpSecurity};

/// A mail as received, without dot stuffing.
pub(crate) struct Received {
    /// The line by which the client introduced itself.
    pub(crate) hello: String,
    /// The line with the envelope's sender, which gets the mail back if it cannot be delivered.
    pub(crate) sender: String,
    /// The line with the recipient.
    pub(crate) to: String,
    pub(crate) raw: String,
}

impl Received {
    /// The values of a header, continuation lines joined.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        let (head, _) = self.raw.split_once("\r\n\r\n").expect("a head and a body");
        let lines = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let named = lines.split("\r\n").filter_map(|line| line.split_once(": "));
        named.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_string()).collect()
    }
}

/// The behavior of a mail server.
#[derive(Clone, Copy, Default)]
pub(crate) struct Manners {
    /// On how many connections it stays silent.
    pub(crate) stall: usize,
    /// How many mails it defers, each after receiving it.
    pub(crate) postpone: usize,
}

pub(crate) struct MailServer {
    pub(crate) port: u16,
    /// The received mails, including those it then deferred.
    pub(crate) received: mpsc::UnboundedReceiver<Received>,
}

impl MailServer {
    pub(crate) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (hand_on, received) = mpsc::unbounded_channel();
        let postpone = Arc::new(AtomicUsize::new(manners.postpone));
        tokio::spawn(async move {
            let mut hanging = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                if hanging.len() < manners.stall {
                    hanging.push(stream);
                } else {
                    tokio::spawn(converse(stream, hand_on.clone(), Arc::clone(&postpone)));
                }
            }
        });
        Self { port, received }
    }

    /// The configuration that sends mail here.
    pub(crate) fn settings(&self, from: &str) -> Smtp {
        Smtp {
            host: "127.0.0.1".into(),
            port: self.port,
            security: SmtpSecurity::None,
            username: String::new(),
            password: String::new(),
            from: from.into(),
            hello_name: String::new(),
            timeout_seconds: 20,
        }
    }
}

/// The part of SMTP (RFC 5321) needed to receive mail.
async fn converse(stream: TcpStream, received: mpsc::UnboundedSender<Received>, postpone: Arc<AtomicUsize>) {
    let mut stream = BufReader::new(stream);
    let (mut line, mut sender, mut to, mut raw, mut hello) =
        (Vec::new(), String::new(), String::new(), None::<String>, String::new());
    stream.write_all(b"220 here\r\n").await.ok();
    while stream.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let output = String::from_utf8(std::mem::take(&mut line)).expect("UTF-8");
        let command = output.split([' ', ':', '\r']).next().unwrap_or_default();
        let answer: &[u8] = match (&mut raw, command) {
            (Some(mail), _) if output == ".\r\n" => {
                let (raw, to, sender) = (std::mem::take(mail), std::mem::take(&mut to), std::mem::take(&mut sender));
                received.send(Received { hello: hello.clone(), sender, to, raw }).ok();
                let is_postponed = postpone.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
                if is_postponed { b"451 later\r\n" } else { b"250 taken\r\n" }
            }
            (Some(mail), _) => {
                mail.push_str(output.strip_prefix('.').unwrap_or(&output));
                continue;
            }
            (None, "DATA") => {
                raw = Some(String::new());
                stream.write_all(b"354 go on\r\n").await.ok();
                continue;
            }
            (None, "MAIL") => {
                sender = output.trim_end().to_string();
                b"250 fine\r\n"
            }
            (None, "RCPT") => {
                to = output.trim_end().to_string();
                b"250 fine\r\n"
            }
            (None, "EHLO") => {
                hello = output.trim_end().to_string();
                b"250 fine\r\n"
            }
            (None, "QUIT") => b"221 bye\r\n",
            (None, _) => b"250 fine\r\n",
        };
        raw = None;
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}
