//! `vestibule serve`: runs the identity server, with `--dev-mail` beside a local mailbox page.

use std::sync::Arc;

use clap::Args;
use tokio::sync::watch;
use vestibule_api::serve::Capacity;
use vestibule_app::{
    adapters::{clock::Clock, entropy::Entropy, mailer::Mailer, sms::SmsSender},
    config::Config,
    files, open,
    state::{Adapters, App},
    trace::start_log,
};
use vestibule_portal::first_link;
use vestibule_web::locale::Locales;

use super::{CommandError, ConfigFile, NO_OPERATOR, dev_mail::DevMail, exposed, print_line, signals};
use crate::boot;

/// Run the identity server
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    file: ConfigFile,
    /// For development: show emails and text messages on a local page and send none; refused unless every public origin is
    /// on localhost
    #[arg(long)]
    dev_mail: bool,
    /// Port of the mailbox page on 127.0.0.1; without it, the one after the port of server.listen
    #[arg(long, value_name = "N", requires = "dev_mail")]
    dev_mail_port: Option<u16>,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        // They are ready when the store is.
        drop(tokio::task::spawn_blocking(Locales::shared));
        let config = self.file.load()?;
        files::raise_limit();
        let log = start_log(&config);
        // The key that is created at the first start is private.
        for warning in exposed::list(self.file.config.as_deref(), &config) {
            tracing::warn!("{warning}");
        }
        let dev_mail = if self.dev_mail { Some(DevMail::listen(&config, self.dev_mail_port).await?) } else { None };
        let adapters = choose_adapters(&config, dev_mail.as_ref())?;
        let listener = boot::listen(&config.server.listen.to_string()).await?;
        let metrics = match config.metrics.listen.as_str() {
            "" => None,
            address => Some(boot::listen(address).await?),
        };
        // Held until the store is closed.
        let _claim = open::claim_store(&config).await?;
        let app = open::open(config, adapters).await?;
        app.metrics.watch_log(log.dropped_lines());
        if dev_mail.is_some()
            && let Err(error) = DevMail::allow(&app)
        {
            app.store.close().await;
            return Err(error);
        }
        // Listen for signals before announcing that the server listens.
        let stopped = signals::listen(app.config.server.grace())?;
        if let Some(dev_mail) = &dev_mail {
            dev_mail.announce()?;
        }
        announce(&app, &listener.local_addr()?.to_string());
        if let Some(link) = first_link::create_first_link(&app).await? {
            print_line(&format!("Portal: {link}\n  {NO_OPERATOR}"));
        }
        let (stop_sender, stop_receiver) = watch::channel(false);
        let mailbox = dev_mail.map(|dev_mail| tokio::spawn(dev_mail.serve(Arc::clone(&app), stop_receiver)));
        match metrics {
            None => boot::serve(app, listener, stopped).await,
            Some(metrics) => {
                tracing::info!(metrics.address = %metrics.local_addr()?, "serving metrics");
                boot::serve_with_metrics(app, listener, metrics, stopped).await;
            }
        }
        stop_sender.send_replace(true);
        if let Some(mailbox) = mailbox {
            mailbox.await?;
        }
        tracing::info!("stopped");
        log.finish().await;
        Ok(())
    }
}

fn choose_adapters(config: &Config, dev_mail: Option<&DevMail>) -> Result<Adapters, CommandError> {
    let (mailer, sms) = match dev_mail {
        Some(dev_mail) => dev_mail.senders(),
        None => (
            Mailer::from_config(&config.smtp).map_err(CommandError)?,
            SmsSender::from_config(&config.sms).map_err(CommandError)?,
        ),
    };
    Ok(Adapters { clock: Clock::System, entropy: Entropy::Os, mailer, sms })
}

fn announce(app: &Arc<App>, address: &str) {
    let projects = app.projects.all();
    tracing::info!(server.address = address, projects = projects.len(), "listening");
    let (configured, places) = (app.config.server.max_connections, Capacity::of(&app.config.server).total);
    if places < configured {
        tracing::warn!(
            server.max_connections = configured,
            server.places = places,
            "the limit of open files is too low for server.max_connections, so fewer connections are accepted: raise the hard limit (LimitNOFILE in systemd, ulimit -Hn)"
        );
    }
    for project in &projects {
        tracing::info!(project.id = project.id, project.origin = project.origin, "serving a project");
    }
    if projects.is_empty() {
        tracing::warn!("no project yet: write a project file and run `vestibule project apply`");
    }
    if matches!(app.mailer, Mailer::None) {
        tracing::warn!("smtp.host is empty: emails with codes can't be sent");
    }
}
