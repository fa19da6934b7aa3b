//! Connects to the one of several servers that takes writes, also while another one does not answer. Names no table.

use std::{
    future::{Future, pending},
    pin::Pin,
    time::Duration,
};

use deadpool_postgres::Connect;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    Client, Config, Connection, Error, Socket,
    config::{Host, TargetSessionAttrs},
    tls::{MakeTlsConnect, TlsConnect},
};

use super::names::addresses_of;
use crate::db::error::describe;

/// Maximum time for one of several servers: a machine that is gone, or stands still, must not use up the time of the others.
const SERVER_WAIT: Duration = Duration::from_secs(2);

/// The servers of a URL.
#[derive(Clone)]
pub(in crate::db) struct Servers {
    all: Config,
    /// Each of several of which one takes writes; empty otherwise.
    each: Vec<Config>,
    /// Whether one that takes writes is asked for.
    is_searched: bool,
}

type Found<T> = (Client, Connection<Socket, <T as MakeTlsConnect<Socket>>::Stream>);

impl Servers {
    pub(in crate::db) fn new(all: Config) -> Self {
        let is_searched = all.get_target_session_attrs() == TargetSessionAttrs::ReadWrite;
        let each = if is_searched { split(&all) } else { Vec::new() };
        Self { all, each, is_searched }
    }

    /// Connects to all of them at once and takes the first that takes writes. If none does and none refused, it does not return: the
    /// caller has a time limit. Names are looked up each time.
    pub(in crate::db) async fn connect<T>(&self, tls: T) -> Result<Found<T>, Error>
    where
        T: MakeTlsConnect<Socket> + Clone,
    {
        if !self.each.is_empty() {
            return take_first(self.each.iter().map(|server| connect_by_name(server, tls.clone()))).await;
        }
        if self.is_searched { connect_by_name(&self.all, tls).await } else { self.all.connect(tls).await }
    }
}

/// Connects to all addresses of a server's name at once, of which one takes writes.
async fn connect_by_name<T>(server: &Config, tls: T) -> Result<Found<T>, Error>
where
    T: MakeTlsConnect<Socket> + Clone,
{
    let addresses = addresses_of(server).await;
    if addresses.len() < 2 {
        return server.connect(tls).await;
    }
    let attempts = addresses.into_iter().map(|address| {
        let (mut server, tls) = (server.clone(), tls.clone());
        server.hostaddr(address);
        async move { server.connect(tls).await }
    });
    take_first(attempts).await
}

/// The first that succeeds in time. Without one the last refusal; if none was refused, it does not return.
async fn take_first<F, O>(attempts: impl Iterator<Item = F>) -> Result<O, Error>
where
    F: Future<Output = Result<O, Error>>,
{
    let mut attempts: FuturesUnordered<_> = attempts.map(|attempt| timeout(SERVER_WAIT, attempt)).collect();
    let mut refused = None;
    while let Some(outcome) = attempts.next().await {
        match outcome {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => refused = Some(error),
            Err(_) => {}
        }
    }
    match refused {
        Some(error) => Err(error),
        None => pending().await,
    }
}

/// One configuration for each server; none for a single server, and for lists that do not match, which the driver reports.
fn split(all: &Config) -> Vec<Config> {
    let (names, addresses, ports) = (all.get_hosts(), all.get_hostaddrs(), all.get_ports());
    let count = names.len().max(addresses.len());
    let matches = |length: usize| length <= 1 || length == count;
    let is_paired = names.is_empty() || addresses.is_empty() || names.len() == addresses.len();
    if count < 2 || !is_paired || !matches(ports.len()) {
        return Vec::new();
    }
    let one = |number: usize| {
        let mut server = without_servers(all);
        match names.get(number) {
            Some(Host::Tcp(name)) => {
                server.host(name);
            }
            #[cfg(unix)]
            Some(Host::Unix(path)) => {
                server.host_path(path);
            }
            None => {}
        }
        if let Some(address) = addresses.get(number) {
            server.hostaddr(*address);
        }
        if let Some(port) = ports.get(number).or(ports.first()) {
            server.port(*port);
        }
        server
    };
    (0..count).map(one).collect()
}

/// Everything but the servers.
fn without_servers(all: &Config) -> Config {
    let mut one = Config::new();
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(name) = all.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    if let Some(name) = all.get_application_name() {
        one.application_name(name);
    }
    if let Some(wait) = all.get_connect_timeout() {
        one.connect_timeout(*wait);
    }
    if let Some(wait) = all.get_tcp_user_timeout() {
        one.tcp_user_timeout(*wait);
    }
    if let Some(interval) = all.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = all.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .target_session_attrs(all.get_target_session_attrs())
        .channel_binding(all.get_channel_binding())
        .load_balance_hosts(all.get_load_balance_hosts());
    one
}

/// How the pool makes its connections.
pub(super) struct Connector<T> {
    pub(super) servers: Servers,
    pub(super) tls: T,
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl<T> Connect for Connector<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(&self, _: &Config) -> Connecting<'_> {
        Box::pin(async {
            let (client, connection) = self.servers.connect(self.tls.clone()).await?;
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::warn!(error = %describe(&error), "a connection to PostgreSQL broke");
                }
            });
            Ok((client, task))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Config {
        url.parse().expect("a URL")
    }

    #[test]
    fn each_server_has_all_other_parameters() {
        let rest = "d?target_session_attrs=read-write&connect_timeout=3&tcp_user_timeout=4&keepalives=1&keepalives_idle=7&\
                    keepalives_interval=5&keepalives_retries=2&application_name=x&options=-c%20a%3Db&channel_binding=disable&\
                    load_balance_hosts=random&sslmode=disable";
        let servers = Servers::new(read(&format!("postgres://u:p@a:1,b:2/{rest}")));
        assert_eq!(
            servers.each,
            [read(&format!("postgres://u:p@a:1/{rest}")), read(&format!("postgres://u:p@b:2/{rest}"))]
        );
    }

    #[test]
    fn one_port_is_that_of_every_server_and_a_path_is_a_server() {
        let write = "target_session_attrs=read-write";
        let servers = Servers::new(read(&format!("host=a,/run/pg port=7 {write}")));
        assert_eq!(
            servers.each,
            [read(&format!("host=a port=7 {write}")), read(&format!("host=/run/pg port=7 {write}"))]
        );
    }

    #[test]
    fn one_server_or_any_of_several_is_left_to_the_driver() {
        for url in ["postgres://a/d?target_session_attrs=read-write", "postgres://a,b/d"] {
            assert!(Servers::new(read(url)).each.is_empty(), "{url}");
        }
    }
}
