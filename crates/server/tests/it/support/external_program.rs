//! Runs foreign programs for one test, each on its own port.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{net::TcpStream, process::Child};

/// Runs a program in a scratch folder, on a free port, until it accepts connections.
pub(crate) async fn start_external_program(
    name: &str,
    run: impl Fn(&TempDir, u16) -> Child,
) -> (SocketAddr, Child, TempDir) {
    // The free port may be taken before the program opens it: then try another one.
    for _ in 0..5 {
        let folder = TempDir::new().expect("a scratch folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let mut process = run(&folder, address.port());
        let answers = async {
            while TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let ended = tokio::select! {
            () = answers => false,
            _ = process.wait() => true,
            () = tokio::time::sleep(Duration::from_secs(20)) => true,
        };
        if !ended {
            return (address, process, folder);
        }
    }
    panic!("{name} does not start");
}
