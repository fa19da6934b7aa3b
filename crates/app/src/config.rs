//! The server's configuration: embedded defaults, then a file, then the environment.
//! All problems are reported at once, each with its key and source.

mod check;
mod network;

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::Path, time::Duration};

use serde::Deserialize;
use toml::{Table, Value};

pub use self::network::Network;

/// Every key with its default and its meaning; `vestibule config reference` prints it.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The validated configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub server: Server,
    pub store: StoreConfig,
    pub secrets: Secrets,
    pub keys: KeysConfig,
    pub smtp: Smtp,
    pub sms: SmsConfig,
    pub passwords: Passwords,
    pub hooks: Hooks,
    pub providers: ProvidersConfig,
    pub admin_api: AdminApi,
    pub rate_limits: RateLimitsConfig,
    pub portal: Portal,
    pub audit: Audit,
    pub breached_passwords: BreachedPasswordsConfig,
    pub log: Log,
    pub metrics: MetricsConfig,
}

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
pub struct Server {
    pub listen: SocketAddr,
    /// Trusted proxies, whose forwarding headers are used: addresses or CIDR networks.
    pub trusted_proxies: Vec<Network>,
    pub max_connections: usize,
    /// Maximum open connections per address; 0 means a twentieth of all.
    pub max_connections_per_address: usize,
    pub header_timeout_seconds: u64,
    pub body_timeout_seconds: u64,
    /// Seconds that a client may block a response.
    pub write_timeout_seconds: u64,
    /// Seconds a connection may wait for its next request.
    pub idle_timeout_seconds: u64,
    /// Seconds after which a connection takes no further request.
    pub max_connection_age_seconds: u64,
    pub shutdown_grace_seconds: u64,
}

impl Server {
    /// How long a shutdown may take.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_seconds.max(1))
    }

    /// The part of [`grace`](Self::grace) for running requests; the rest is for jobs and the store.
    #[must_use]
    pub fn grace_of_requests(&self) -> Duration {
        self.grace() / 4 * 3
    }
}

/// `[store]`
#[derive(Clone, Deserialize)]
pub struct StoreConfig {
    pub url: String,
    pub max_connections: usize,
    /// The pooler in front of PostgreSQL.
    pub pooler: PoolerSetting,
    /// Where to listen for changed settings past a pooler; empty means at `url`, or nowhere if that is behind one.
    pub listen_url: String,
}

/// The pooler in front of PostgreSQL.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PoolerSetting {
    /// No pooler, or one that keeps one session per connection.
    None,
    /// A transaction pooler without prepared statements.
    Transaction,
    /// A transaction pooler with prepared statements.
    TransactionPrepared,
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may contain a password.
        f.debug_struct("StoreConfig").field("max_connections", &self.max_connections).finish_non_exhaustive()
    }
}

/// `[secrets]`
#[derive(Clone, Deserialize)]
pub struct Secrets {
    pub master_key: String,
    pub master_key_file: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("master_key_file", &self.master_key_file).finish_non_exhaustive()
    }
}

/// `[keys]`
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct KeysConfig {
    /// Age in days at which signing keys are rotated; 0 means never.
    pub rotate_after_days: u32,
}

/// `[smtp]`
#[derive(Clone, Deserialize)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: SmtpSecurity,
    pub username: String,
    pub password: String,
    pub from: String,
    /// The name in EHLO; empty for the host of a public origin.
    pub hello_name: String,
    pub timeout_seconds: u64,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// The transport security of the mail server.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// Plain text: for a relay on the same machine.
    None,
    Starttls,
    Tls,
}

/// `[sms]`
#[derive(Clone, Deserialize)]
pub struct SmsConfig {
    pub provider: SmsProvider,
    pub webhook_url: String,
    pub webhook_secret: String,
    pub twilio_account_sid: String,
    pub twilio_auth_token: String,
    /// Sender: a number or a messaging service.
    pub twilio_from: String,
    pub twilio_base_url: String,
    pub timeout_seconds: u64,
}

impl fmt::Debug for SmsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsConfig").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// The provider of text messages.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SmsProvider {
    None,
    /// A signed request to a URL of the operator.
    Webhook,
    Twilio,
}

/// `[breached_passwords]`
#[derive(Clone, Debug, Deserialize)]
pub struct BreachedPasswordsConfig {
    pub file: String,
}

/// `[passwords]`
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Passwords {
    pub memory_kib: u32,
    pub iterations: u32,
    pub parallelism: u32,
    pub concurrent: usize,
    pub queue: usize,
}

/// `[hooks]`
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Hooks {
    pub allow_private_addresses: bool,
    /// Hours until an undelivered event is given up.
    pub retry_hours: u32,
    /// Days for which successful deliveries are kept.
    pub keep_days: u32,
}

/// `[providers]`
#[derive(Clone, Debug, Deserialize)]
pub struct ProvidersConfig {
    /// Hosts that may be in a private network.
    pub private_hosts: Vec<String>,
    pub google_issuer: String,
    pub apple_issuer: String,
    pub microsoft_authority: String,
    pub github_origin: String,
    pub github_api: String,
    pub facebook_dialog: String,
    pub facebook_graph: String,
    pub facebook_limited: String,
    pub linkedin_issuer: String,
    pub timeout_seconds: u64,
}

impl ProvidersConfig {
    /// Where the known providers are, by key.
    pub(crate) fn places(&self) -> [(&'static str, &str); 9] {
        [
            ("providers.google_issuer", &self.google_issuer),
            ("providers.apple_issuer", &self.apple_issuer),
            ("providers.microsoft_authority", &self.microsoft_authority),
            ("providers.github_origin", &self.github_origin),
            ("providers.github_api", &self.github_api),
            ("providers.facebook_dialog", &self.facebook_dialog),
            ("providers.facebook_graph", &self.facebook_graph),
            ("providers.facebook_limited", &self.facebook_limited),
            ("providers.linkedin_issuer", &self.linkedin_issuer),
        ]
    }
}

/// `[admin_api]`
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct AdminApi {
    pub requests_per_minute: u32,
}

/// `[rate_limits]`: each a number of requests a minute, or in ten minutes.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct RateLimitsConfig {
    pub token_requests_per_address: u32,
    pub token_requests_per_user: u32,
    pub token_requests_per_device_key: u32,
    pub revocations_per_address: u32,
    pub codes_per_user: u32,
    pub settings_actions_per_user: u32,
    pub tokens_per_application: u32,
    pub pushed_requests_per_address: u32,
    pub device_codes_per_address: u32,
    /// In ten minutes.
    pub device_codes_per_project: u32,
    pub device_token_requests_per_address: u32,
    /// In ten minutes.
    pub user_codes_per_address: u32,
}

/// `[portal]`
#[derive(Clone, Debug, Deserialize)]
pub struct Portal {
    /// The portal's origin, without its path; empty to turn the portal off.
    pub public_origin: String,
    /// The ID of the project that may share the portal's host; empty for none.
    pub project: String,
}

/// `[audit]`
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Audit {
    /// Days for which events are kept; 0 means forever.
    pub keep_days: u32,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

/// `[metrics]`
#[derive(Clone, Debug, Deserialize)]
pub struct MetricsConfig {
    /// Address and port of the metrics page, or empty.
    pub listen: String,
}

/// The log's format.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// A problem of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The key, such as `server.listen`.
    pub key: String,
    /// The source of the value: a file's path, an environment variable, or the defaults.
    pub source: String,
    /// The problem and what to do.
    pub message: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (from {}): {}", self.key, self.source, self.message)
    }
}

/// Reads the defaults, then `file`, then `VESTIBULE__…` variables of `environment`.
///
/// # Errors
/// All problems at once.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, Vec<ConfigProblem>> {
    let mut merged: Table = DEFAULTS.parse().expect("the embedded defaults are TOML: a test reads them");
    let known = merged.clone();
    let mut sources = BTreeMap::new();
    let mut problems = Vec::new();
    if let Some(path) = file {
        let source = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => match text.parse::<Table>() {
                Ok(table) => overlay(&mut merged, &table, &source, &mut sources, &mut problems),
                Err(error) => problems.push(ConfigProblem {
                    key: "(file)".into(),
                    source,
                    message: format!("this is not valid TOML: {}", error.to_string().trim()),
                }),
            },
            Err(error) => problems.push(ConfigProblem {
                key: "(file)".into(),
                source,
                message: format!("cannot be read: {error}"),
            }),
        }
    }
    for (name, text) in environment {
        let Some(path) = name.strip_prefix("VESTIBULE__") else { continue };
        let Some((section, key)) = path.split_once("__") else {
            problems.push(ConfigProblem {
                key: path.to_lowercase(),
                source: format!("environment variable {name}"),
                message: "write it as VESTIBULE__SECTION__KEY".into(),
            });
            continue;
        };
        let (section, key) = (section.to_lowercase(), key.to_lowercase());
        let value = known
            .get(&section)
            .and_then(|s| s.get(&key))
            .map_or_else(|| Value::String(text.clone()), |default| read_like(default, &text));
        let table = Table::from_iter([(section, Value::Table(Table::from_iter([(key, value)])))]);
        overlay(&mut merged, &table, &format!("environment variable {name}"), &mut sources, &mut problems);
    }
    let config = read_sections(&merged, &sources, &mut problems);
    if let Some(config) = &config {
        check::check(config, &sources, &mut problems);
    }
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        Some(_) | None => Err(problems),
    }
}

/// Parses an environment variable as the type of the default.
fn read_like(default: &Value, text: &str) -> Value {
    let parsed = match default {
        Value::Integer(_) => text.parse().map(Value::Integer).ok(),
        Value::Boolean(_) => text.parse().map(Value::Boolean).ok(),
        Value::Array(_) => Some(Value::Array(
            text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| Value::String(s.into())).collect(),
        )),
        Value::String(_) | Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    };
    parsed.unwrap_or_else(|| Value::String(text.into()))
}

fn overlay(
    merged: &mut Table,
    over: &Table,
    source: &str,
    sources: &mut BTreeMap<String, String>,
    problems: &mut Vec<ConfigProblem>,
) {
    let mut add_problem = |key: String, message: String| {
        problems.push(ConfigProblem { key, source: source.into(), message });
    };
    for (section, values) in over {
        let Some(Value::Table(known)) = merged.get_mut(section) else {
            add_problem(section.clone(), "unknown section: see `vestibule config reference`".into());
            continue;
        };
        let Value::Table(values) = values else {
            add_problem(section.clone(), format!("this is a section: write [{section}] and its keys below"));
            continue;
        };
        for (key, value) in values {
            let path = format!("{section}.{key}");
            match known.get_mut(key) {
                None => add_problem(path, "unknown key: see `vestibule config reference`".into()),
                Some(slot) if slot.type_str() != value.type_str() => {
                    add_problem(
                        path,
                        format!("expected {}, found {}", article(slot.type_str()), article(value.type_str())),
                    );
                }
                Some(slot) => {
                    *slot = value.clone();
                    sources.insert(path, source.into());
                }
            }
        }
    }
}

fn article(kind: &str) -> String {
    if kind.starts_with(['a', 'i']) { format!("an {kind}") } else { format!("a {kind}") }
}

/// Parses each section separately, so that one invalid value does not hide problems of others.
fn read_sections(
    merged: &Table,
    sources: &BTreeMap<String, String>,
    problems: &mut Vec<ConfigProblem>,
) -> Option<Config> {
    let server = section(merged, "server", sources, problems);
    let store = section(merged, "store", sources, problems);
    let secrets = section(merged, "secrets", sources, problems);
    let keys = section(merged, "keys", sources, problems);
    let smtp = section(merged, "smtp", sources, problems);
    let sms = section(merged, "sms", sources, problems);
    let passwords = section(merged, "passwords", sources, problems);
    let hooks = section(merged, "hooks", sources, problems);
    let providers = section(merged, "providers", sources, problems);
    let admin_api = section(merged, "admin_api", sources, problems);
    let rate_limits = section(merged, "rate_limits", sources, problems);
    let portal = section(merged, "portal", sources, problems);
    let audit = section(merged, "audit", sources, problems);
    let breached_passwords = section(merged, "breached_passwords", sources, problems);
    let log = section(merged, "log", sources, problems);
    let metrics = section(merged, "metrics", sources, problems);
    Some(Config {
        server: server?,
        store: store?,
        secrets: secrets?,
        keys: keys?,
        smtp: smtp?,
        sms: sms?,
        passwords: passwords?,
        hooks: hooks?,
        providers: providers?,
        admin_api: admin_api?,
        rate_limits: rate_limits?,
        portal: portal?,
        audit: audit?,
        breached_passwords: breached_passwords?,
        log: log?,
        metrics: metrics?,
    })
}

/// One section of the configuration; reports the keys at fault.
fn section<T: for<'de> Deserialize<'de>>(
    merged: &Table,
    name: &str,
    sources: &BTreeMap<String, String>,
    problems: &mut Vec<ConfigProblem>,
) -> Option<T> {
    let value = merged.get(name)?.clone();
    match value.clone().try_into() {
        Ok(read) => Some(read),
        Err(error) => {
            // The invalid key is the one whose reset to the default makes the section valid.
            let defaults: Table = DEFAULTS.parse().ok()?;
            let (given, known) = (value.as_table()?, defaults.get(name)?.as_table()?);
            let at_fault = given
                .keys()
                .filter(|key| {
                    let mut lone = known.clone();
                    lone.insert((*key).clone(), given[*key].clone());
                    Value::Table(lone).try_into::<T>().is_err()
                })
                .map(|key| format!("{name}.{key}"));
            let before = problems.len();
            problems.extend(at_fault.map(|key| ConfigProblem {
                source: sources.get(&key).cloned().unwrap_or_else(|| "the defaults".into()),
                key,
                message: error.message().to_string(),
            }));
            if problems.len() == before {
                problems.push(ConfigProblem { key: name.into(), source: "all".into(), message: error.to_string() });
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, env: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        let env = env.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string()));
        load(Some(file.path()), env)
            .map_err(|all| all.into_iter().map(|c| format!("{}: {}", c.key, c.message)).collect())
    }

    #[test]
    fn the_embedded_defaults_are_a_valid_configuration() {
        let config = load(None, std::iter::empty()).expect("defaults");
        assert_eq!(config.server.listen.port(), 4100);
        assert_eq!(config.passwords.memory_kib, 19_456);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = load_text(
            "[server]\nlisten = \"127.0.0.1:1\"",
            &[("VESTIBULE__SERVER__LISTEN", "127.0.0.1:2"), ("VESTIBULE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1")],
        )
        .expect("valid");
        assert_eq!(config.server.listen.port(), 2);
        assert!(config.server.trusted_proxies[0].contains("10.9.8.7".parse().expect("ip")));
        assert!(!config.server.trusted_proxies[0].contains("11.9.8.7".parse().expect("ip")));
        assert!(config.server.trusted_proxies[1].contains("::1".parse().expect("ip")));
    }

    #[test]
    fn every_problem_is_reported_at_once_with_its_key() {
        let problems = load_text(
            "[server]\nlisten = \"nowhere\"\nport = 5\n[stroe]\nurl = \"x\"\n[passwords]\nmemory_kib = \"big\"\n[smtp]\nsecurity = \"maybe\"",
            &[("VESTIBULE__STORE", "x")],
        )
        .expect_err("refused");
        for key in ["server.listen", "server.port", "stroe", "passwords.memory_kib", "smtp.security", "store"] {
            assert!(problems.iter().any(|c| c.starts_with(&format!("{key}:"))), "{key} is missing in {problems:?}");
        }
    }

    #[test]
    fn postgres_needs_an_explicit_master_key() {
        let problems = load_text("[store]\nurl = \"postgres://localhost/x\"", &[]).expect_err("refused");
        assert!(problems[0].starts_with("secrets.master_key_file"), "{problems:?}");
    }
}
