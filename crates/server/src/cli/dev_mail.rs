//! The mailbox page of `vestibule serve --dev-mail`: on this machine only, and only for origins on this machine.

use std::sync::Arc;

use tokio::{net::TcpListener, sync::watch};
use vestibule_api::serve::{ListenerLimits, serve_router};
use vestibule_app::{
    adapters::{
        mailer::{Mailer, MemoryMailbox},
        sms::SmsSender,
    },
    config::Config,
    state::App,
};
use vestibule_domain::project::Origin;

use super::{CommandError, demo::read_mails, ended, print_line};
use crate::{
    boot,
    demo::mailbox::{self, MailboxPage},
};

pub(super) struct DevMail {
    mails: MemoryMailbox,
    listener: TcpListener,
}

impl DevMail {
    /// Listens on this machine; `port` defaults to the one after the server's.
    pub(super) async fn listen(config: &Config, port: Option<u16>) -> Result<Self, CommandError> {
        let portal = Origin::parse(&config.portal.public_origin).ok();
        // Before anything is opened: this origin is known without the store.
        refuse(portal.filter(|origin| !origin.is_local()).map(|origin| format!("{origin} (the portal)")))?;
        let next = match config.server.listen.port() {
            // As the server's: any free one.
            0 => Some(0),
            port => port.checked_add(1),
        };
        let port =
            port.or(next).ok_or_else(|| CommandError("there is no port after 65535: add --dev-mail-port".into()))?;
        let listener = boot::listen(&format!("127.0.0.1:{port}")).await?;
        Ok(Self { mails: MemoryMailbox::default(), listener })
    }

    /// Senders that put everything into the mailbox.
    pub(super) fn senders(&self) -> (Mailer, SmsSender) {
        (Mailer::Memory(self.mails.clone()), SmsSender::Memory(self.mails.clone()))
    }

    /// Refuses to show the messages of a server that other machines can reach.
    pub(super) fn allow(app: &App) -> Result<(), CommandError> {
        refuse(list_public_origins(app))
    }

    /// Prints the page's URL.
    pub(super) fn announce(&self) -> Result<(), CommandError> {
        let port = self.listener.local_addr()?.port();
        print_line(&format!(
            "Mailbox: http://localhost:{port}/mailbox\n  For development: emails and text messages are shown there and not sent."
        ));
        Ok(())
    }

    /// Serves the page until the server has stopped.
    pub(super) async fn serve(self, app: Arc<App>, stop_receiver: watch::Receiver<bool>) {
        let limits = ListenerLimits::few(&app.config.server);
        let Self { mails, listener } = self;
        let mails = move || {
            // A project may be created or moved while the server runs.
            refuse(list_public_origins(&app)).map_err(|CommandError(message)| message)?;
            Ok(read_mails(&mails))
        };
        let router = mailbox::router(MailboxPage::Development, Arc::new(mails));
        serve_router(listener, router, limits, ended(stop_receiver)).await;
    }
}

/// The origins that other machines may reach.
fn list_public_origins(app: &App) -> Vec<String> {
    let projects = app.projects.all();
    let public = projects.iter().filter(|project| !project.settings.public_origin().is_local());
    public.map(|project| format!("{} (project {})", project.origin, project.id)).collect()
}

fn refuse(public: impl IntoIterator<Item = String>) -> Result<(), CommandError> {
    let public: Vec<String> = public.into_iter().collect();
    if public.is_empty() {
        return Ok(());
    }
    Err(CommandError(format!(
        "--dev-mail is for development and refused, because other machines can reach {}: set smtp.host instead, or give public origins on localhost",
        public.join(", ")
    )))
}
