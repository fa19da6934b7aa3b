//! `vestibule demo`: identity server, shop and mailbox in one process, with persistent data.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use tokio::sync::watch;
use vestibule_api::serve::{ListenerLimits, serve_router};
use vestibule_app::{
    actor::Actor,
    adapters::{
        clock::Clock,
        entropy::Entropy,
        mailer::{Mailer, MemoryMailbox},
        sms::SmsSender,
    },
    admin::settings,
    config::{self, Config},
    ctx::Ctx,
    files,
    hosts::PortalHost,
    open,
    projects::change::{self, ProjectWriter},
    state::{Adapters, App},
    trace::start_log,
};
use vestibule_domain::project::{ProjectSettings, removals};
use vestibule_portal::first_link;

use super::{
    CommandError, NO_OPERATOR, ended, exposed, print_line,
    project::{print_applied, read_project},
    signals,
};
use crate::{
    boot,
    demo::{
        mailbox::{self, MailboxPage},
        shop,
    },
};

/// Where the demo is and what it starts with.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Directory for the data; created if it does not exist
    #[arg(long, value_name = "DIR", default_value = "vestibule-data")]
    data: PathBuf,
    /// Port of the identity server; the shop uses the next port
    #[arg(long, value_name = "N", default_value_t = 4100)]
    port: u16,
    /// A project file to apply at start-up, instead of the demo's own
    #[arg(long, value_name = "FILE")]
    project: Option<PathBuf>,
    /// Send emails to this SMTP server (host:port, no TLS) instead of the mailbox page
    #[arg(long, value_name = "HOST:PORT")]
    smtp: Option<String>,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let shop_port = self.port.checked_add(1).ok_or_else(|| CommandError("--port must be below 65535".into()))?;
        files::raise_limit();
        let settings = match &self.project {
            Some(file) => read_project(file)?,
            None => demo_project(self.port, shop_port),
        };
        let config = self.config(settings.id())?;
        // Held until the command ends.
        let _log = start_log(&config);
        for warning in exposed::list(None, &config) {
            tracing::warn!("{warning}");
        }
        // Open both listeners first: a port in use must not leave half a demo running.
        let auth_listener = boot::listen(&format!("127.0.0.1:{}", self.port)).await?;
        let shop_listener = boot::listen(&format!("127.0.0.1:{shop_port}")).await?;
        let mails = MemoryMailbox::default();
        let mailer = match self.smtp {
            Some(_) => Mailer::from_config(&config.smtp).map_err(CommandError)?,
            None => Mailer::Memory(mails.clone()),
        };
        let sms = SmsSender::Memory(mails.clone());
        files::make_private_folder(&self.data)
            .map_err(|error| CommandError(format!("can't create the directory {}: {error}", self.data.display())))?;
        // Held until the store is closed.
        let _claim = open::claim_store(&config).await?;
        self.prepare_project(&config, &settings).await?;
        let app = open::open(config, Adapters { clock: Clock::System, entropy: Entropy::Os, mailer, sms }).await?;
        let webhook_secret = find_webhook_secret(&app, settings.id(), shop_port).await?;
        let shop = shop::router(shop::ShopConfig {
            issuer: format!("http://localhost:{}", self.port),
            client_id: "demo-web".into(),
            public_origin: format!("http://localhost:{shop_port}"),
            data_file: self.data.join("demo-shop.json"),
            webhook_secret,
        })?;
        let shop = shop.merge(mailbox::router(MailboxPage::Demo, Arc::new(move || Ok(read_mails(&mails)))));
        // Listen for signals before announcing that the demo runs.
        let stopped = signals::listen(app.config.server.grace())?;
        let link = first_link::create_first_link(&app).await?;
        self.describe(shop_port, link.as_deref());
        let (stop_sender, stop_receiver) = watch::channel(false);
        let server = boot::serve(Arc::clone(&app), auth_listener, ended(stop_receiver.clone()));
        let limits = ListenerLimits::of(&app.config.server, Arc::default());
        let shop = serve_router(shop_listener, shop, limits, ended(stop_receiver));
        let stop = async {
            stopped.await;
            print_line("Stopping.");
            let _ = stop_sender.send(true);
        };
        tokio::join!(server, shop, stop);
        Ok(())
    }

    /// Prints the URLs.
    fn describe(&self, shop_port: u16, link: Option<&str>) {
        let origin = format!("http://localhost:{}", self.port);
        print_line(&format!(
            "Vestibule's demo is running. Stop it with Ctrl-C; the data stays in {}.",
            self.data.display()
        ));
        print_line("");
        print_line(&format!("  Shop             http://localhost:{shop_port}"));
        print_line(&format!("  Mailbox          http://localhost:{shop_port}/mailbox"));
        print_line(&format!("  Identity server  {origin}"));
        match link {
            None => print_line(&format!("  Portal           {origin}/portal")),
            Some(link) => {
                print_line(&format!("  Portal           {link}"));
                print_line(&format!("                   {NO_OPERATOR}"));
            }
        }
        print_line("");
    }

    /// The demo's project shares its host with the portal.
    fn config(&self, project: &str) -> Result<Config, CommandError> {
        let mut environment = vec![
            ("VESTIBULE__STORE__URL".to_string(), format!("sqlite:{}", self.data.join("vestibule.db").display())),
            // Webhook receivers of a local demo are local too.
            ("VESTIBULE__HOOKS__ALLOW_PRIVATE_ADDRESSES".to_string(), "true".to_string()),
            ("VESTIBULE__PORTAL__PUBLIC_ORIGIN".to_string(), format!("http://localhost:{}", self.port)),
            ("VESTIBULE__PORTAL__PROJECT".to_string(), project.to_string()),
            ("VESTIBULE__LOG__FILTER".to_string(), std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into())),
        ];
        if let Some(smtp) = &self.smtp {
            let (host, port) = smtp
                .rsplit_once(':')
                .ok_or_else(|| CommandError("--smtp must be HOST:PORT, e.g. localhost:2525".into()))?;
            environment.push(("VESTIBULE__SMTP__HOST".into(), host.into()));
            environment.push(("VESTIBULE__SMTP__PORT".into(), port.into()));
            environment.push(("VESTIBULE__SMTP__SECURITY".into(), "none".into()));
        }
        config::load(None, environment.into_iter())
            .map_err(|all| CommandError(all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
    }

    async fn prepare_project(&self, config: &Config, settings: &ProjectSettings) -> Result<(), CommandError> {
        let (store, master) = open::open_store(config, &Entropy::Os).await?;
        let existing = change::find(&store, settings.id()).await?;
        let lost = match existing.as_ref().filter(|_| self.project.is_some()) {
            Some(row) => removals(&change::read(row)?, settings),
            None => Vec::new(),
        };
        if !lost.is_empty() {
            println!(
                "{}: project file not applied, because it would remove settings that it does not contain:",
                settings.id()
            );
            lost.iter().for_each(|path| println!("  {path}"));
        }
        // The demo's settings are only a start: keep later changes.
        let applied = if lost.is_empty() && (self.project.is_some() || existing.is_none()) {
            let portal = PortalHost::of(&config.portal);
            let writer = ProjectWriter { store: &store, master: &master, entropy: &Entropy::Os, portal: &portal };
            Some(writer.apply(settings, &Actor::at_terminal("demo"), Clock::System.now()).await)
        } else {
            None
        };
        store.close().await;
        if let Some(applied) = applied {
            let applied = applied?;
            if self.project.is_some() {
                print_applied(settings.id(), &applied);
            }
        }
        Ok(())
    }
}

/// The secret by which the shop knows events, as an operator would copy it from the portal; makes one if events go to the shop. One that
/// is replaced later signs beside the new one for a while.
async fn find_webhook_secret(app: &App, project: &str, shop_port: u16) -> Result<Option<Vec<u8>>, CommandError> {
    let Some(project) = app.projects.find_by_id(project) else { return Ok(None) };
    let now = Clock::System.now();
    if let Some(secrets) = project.keys.webhook_secrets(now) {
        return Ok(Some(secrets.current.to_vec()));
    }
    let url = format!("http://localhost:{shop_port}{}", shop::HOOK_PATH);
    if !project.settings.webhooks().iter().any(|hook| hook.url == url) {
        return Ok(None);
    }
    let (ctx, actor) = (Ctx::without_request(app, &project, now), Actor::at_terminal("demo"));
    let made = settings::rotate_webhook_secret(&ctx, &actor).await;
    let made = made.map_err(|error| CommandError(format!("can't make a webhook secret: {error}")))?;
    Ok(Some(made.plain.into_bytes()))
}

/// The project that the demo starts with.
fn demo_project(port: u16, shop_port: u16) -> ProjectSettings {
    let text = include_str!("../demo/project.toml")
        .replace("{port}", &port.to_string())
        .replace("{shop_port}", &shop_port.to_string());
    ProjectSettings::parse_toml(&text).expect("the demo's own project file is right: the demo's test starts it")
}

/// The mails of the mailbox page.
pub(super) fn read_mails(mailbox: &MemoryMailbox) -> Vec<mailbox::ReceivedMail> {
    let mails = mailbox.mails();
    mails
        .into_iter()
        .map(|delivered| mailbox::ReceivedMail {
            to: delivered.mail.to,
            subject: delivered.mail.subject,
            text: delivered.mail.text,
            html: delivered.mail.html,
            at: delivered.at,
        })
        .collect()
}
