//! `vestibule probe`: asks the running server whether it is ready, where no other HTTP client is at hand.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use clap::Args;

use super::{CommandError, ConfigFile};

/// More than the server takes to decide.
const PATIENCE: Duration = Duration::from_secs(7);

/// Ask the running server whether it is ready, for health checks of containers
///
/// Asks /readyz at server.listen. Exit status: 0 if it is ready, 1 if not.
#[derive(Debug, Args)]
pub(super) struct Probe {
    #[command(flatten)]
    config: ConfigFile,
}

impl Probe {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let address = reachable(self.config.load()?.server.listen);
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let response = client
            .get(format!("http://{address}/readyz"))
            .send()
            .await
            .map_err(|_| CommandError(format!("nothing answers at {address}")))?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(CommandError(format!("the server at {address} is not ready ({})", response.status())))
    }
}

/// Where a server that listens there can be reached from this machine.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_asked_on_this_machine() {
        let table = [("0.0.0.0:4100", "127.0.0.1:4100"), ("[::]:4100", "[::1]:4100"), ("192.0.2.7:80", "192.0.2.7:80")];
        for (listen, expected) in table {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), expected);
        }
    }
}
