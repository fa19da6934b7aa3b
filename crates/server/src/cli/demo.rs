//! `vestibule demo`: identity server, shop and mailbox in one process, with data that survives.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use tokio::sync::watch;
use vestibule_domain::project::{ProjectSettings, removals};

use super::{
    Failure, NO_OPERATOR,
    project::{print_applied, read_project},
    say, signals, start_log,
};
use crate::{
    app::Ports,
    boot,
    config::{self, Config},
    demo::{mailbox, shop},
    files,
    flows::projects,
    hosts::PortalHost,
    http::serve::{Limits, serve_router},
    portal,
    ports::{
        clock::Clock,
        entropy::Entropy,
        mailer::{Mailer, MemoryMailbox},
        sms::SmsSender,
    },
};

/// Where the demo is and what it starts with.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Folder for the data; made when it is not there
    #[arg(long, value_name = "DIR", default_value = "vestibule-data")]
    data: PathBuf,
    /// Port of the identity server; the shop takes the next one
    #[arg(long, value_name = "N", default_value_t = 4100)]
    port: u16,
    /// A project file applied on start instead of the demo's own
    #[arg(long, value_name = "FILE")]
    project: Option<PathBuf>,
    /// Send mail to this SMTP server (host:port, no TLS) instead of the mailbox page
    #[arg(long, value_name = "HOST:PORT")]
    smtp: Option<String>,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let shop_port = self.port.checked_add(1).ok_or_else(|| Failure("--port must be below 65535".into()))?;
        files::raise_limit();
        let settings = match &self.project {
            Some(file) => read_project(file)?,
            None => demo_project(self.port, shop_port),
        };
        let config = self.config(settings.id())?;
        // Held to the end.
        let _traces = start_log(&config);
        // Both doors first: a taken port must not leave half a demo behind.
        let auth_listener = boot::listen(&format!("127.0.0.1:{}", self.port)).await?;
        let shop_listener = boot::listen(&format!("127.0.0.1:{shop_port}")).await?;
        let mails = MemoryMailbox::default();
        let mailer = match self.smtp {
            Some(_) => Mailer::from_config(&config.smtp).map_err(Failure)?,
            None => Mailer::Memory(mails.clone()),
        };
        let sms = SmsSender::Memory(mails.clone());
        files::make_private_folder(&self.data)
            .map_err(|error| Failure(format!("the folder {} cannot be made: {error}", self.data.display())))?;
        self.prepare_project(&config, &settings).await?;
        let app = boot::open(config, Ports { clock: Clock::System, entropy: Entropy::Os, mailer, sms }).await?;
        let shop = shop::router(shop::ShopConfig {
            issuer: format!("http://localhost:{}", self.port),
            client_id: "demo-web".into(),
            public_origin: format!("http://localhost:{shop_port}"),
            data_file: self.data.join("demo-shop.json"),
        })?;
        let shop = shop.merge(mailbox::router(Arc::new(move || read_mails(&mails))));
        // Who reads that it runs may stop it.
        let stopped = signals::listen(app.config.server.grace())?;
        let link = portal::create_first_link(&app).await?;
        self.describe(shop_port, link.as_deref());
        let (tell, told) = watch::channel(false);
        let server = boot::serve(Arc::clone(&app), auth_listener, ended(told.clone()));
        let limits = Limits::of(&app.config.server, Arc::default());
        let shop = serve_router(shop_listener, shop, limits, ended(told));
        let stop = async {
            stopped.await;
            say("Stopping.");
            let _ = tell.send(true);
        };
        tokio::join!(server, shop, stop);
        Ok(())
    }

    /// Says where everything is.
    fn describe(&self, shop_port: u16, link: Option<&str>) {
        let origin = format!("http://localhost:{}", self.port);
        say(&format!("Vestibule's demo is running. Stop it with Ctrl-C; the data stays in {}.", self.data.display()));
        say("");
        say(&format!("  Shop             http://localhost:{shop_port}"));
        say(&format!("  Mailbox          http://localhost:{shop_port}/mailbox"));
        say(&format!("  Identity server  {origin}"));
        match link {
            None => say(&format!("  Portal           {origin}/portal")),
            Some(link) => {
                say(&format!("  Portal           {link}"));
                say(&format!("                   {NO_OPERATOR}"));
            }
        }
        say("");
    }

    /// The demo's project shares its host with the portal.
    fn config(&self, project: &str) -> Result<Config, Failure> {
        let mut environment = vec![
            ("VESTIBULE__STORE__URL".to_string(), format!("sqlite:{}", self.data.join("vestibule.db").display())),
            // Whoever tries webhooks at home has their receiver at home.
            ("VESTIBULE__HOOKS__ALLOW_PRIVATE_ADDRESSES".to_string(), "true".to_string()),
            ("VESTIBULE__PORTAL__PUBLIC_ORIGIN".to_string(), format!("http://localhost:{}", self.port)),
            ("VESTIBULE__PORTAL__PROJECT".to_string(), project.to_string()),
            ("VESTIBULE__LOG__FILTER".to_string(), std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into())),
        ];
        if let Some(smtp) = &self.smtp {
            let (host, port) =
                smtp.rsplit_once(':').ok_or_else(|| Failure("--smtp wants HOST:PORT, e.g. localhost:2525".into()))?;
            environment.push(("VESTIBULE__SMTP__HOST".into(), host.into()));
            environment.push(("VESTIBULE__SMTP__PORT".into(), port.into()));
            environment.push(("VESTIBULE__SMTP__SECURITY".into(), "none".into()));
        }
        config::load(None, environment.into_iter())
            .map_err(|all| Failure(all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
    }

    async fn prepare_project(&self, config: &Config, settings: &ProjectSettings) -> Result<(), Failure> {
        let (store, master) = boot::open_store(config, &Entropy::Os).await?;
        let existing = projects::find(&store, settings.id()).await?;
        let lost = match existing.as_ref().filter(|_| self.project.is_some()) {
            Some(row) => removals(&projects::read(row)?, settings),
            None => Vec::new(),
        };
        if !lost.is_empty() {
            println!(
                "{}: the project file is not applied: applying it would remove what it does not name.",
                settings.id()
            );
            lost.iter().for_each(|path| println!("  {path}"));
        }
        // The demo's own settings are only a start: what was changed since then is kept.
        let applied = if lost.is_empty() && (self.project.is_some() || existing.is_none()) {
            let (portal, wanted) = (PortalHost::of(&config.portal), (existing, settings));
            let now = Clock::System.now();
            Some(projects::apply_to(&store, &master, &Entropy::Os, &portal, wanted, now).await)
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

/// The project the demo starts with.
fn demo_project(port: u16, shop_port: u16) -> ProjectSettings {
    let text = format!(
        r##"
[project]
id = "demo"
public_origin = "http://localhost:{port}"
name = "Demo"

[authentication]
identities = ["login_id", "anonymous"]

[ui]
name = "Foyer"
accent_color = "#b0432b"
default_client_uri = "http://localhost:{shop_port}/"

[[oauth.clients]]
client_id = "demo-web"
name = "Foyer"
x_application_type = "spa"
client_uri = "http://localhost:{shop_port}/"
redirect_uris = ["http://localhost:{shop_port}/after-login"]
post_logout_redirect_uris = ["http://localhost:{shop_port}/"]

[[oauth.clients]]
client_id = "demo-native"
name = "Foyer App"
x_application_type = "native"
redirect_uris = ["com.example.vestibule://host/path"]
"##
    );
    ProjectSettings::parse_toml(&text).expect("the demo's own project file is right: the demo's test starts it")
}

fn read_mails(mailbox: &MemoryMailbox) -> Vec<mailbox::Mail> {
    let mails = mailbox.mails();
    mails
        .into_iter()
        .map(|delivered| mailbox::Mail {
            to: delivered.mail.to,
            subject: delivered.mail.subject,
            text: delivered.mail.text,
            html: delivered.mail.html,
            at: delivered.at,
        })
        .collect()
}

async fn ended(mut told: watch::Receiver<bool>) {
    let _ = told.wait_for(|ended| *ended).await;
}
