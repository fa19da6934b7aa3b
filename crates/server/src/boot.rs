//! Starts a server: listens, serves, and stops with its jobs, for `main`, the demo and the tests.

use std::sync::Arc;

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinSet,
};
use vestibule_api::{
    front::Front,
    serve::{self, ListenerLimits},
};
use vestibule_app::{jobs, state::App};
use vestibule_store::StoreError;
use vestibule_web::locale::Locales;

/// Backlog of the listening socket; the operating system limits it further and drops connections beyond it.
const WAITING: u32 = 4_096;

/// Why the server cannot listen on an address.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}. Is another server running there? Choose another address or port.")]
pub struct ListenError {
    address: String,
    source: std::io::Error,
}

/// Listens on an address.
///
/// # Errors
/// When the address is in use or not local.
pub async fn listen(address: &str) -> Result<TcpListener, ListenError> {
    let refuse = |error| ListenError { address: address.to_string(), source: error };
    let listening = async {
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
        for address in tokio::net::lookup_host(address).await? {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_reuseaddr(true)?;
            // Linux hands this on to each connection, which saves a system call for each.
            let _ = socket.set_nodelay(true);
            match socket.bind(address).and_then(|()| socket.listen(WAITING)) {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
        Err(last)
    };
    listening.await.map_err(refuse)
}

/// Serves until `stop` resolves; then finishes requests, jobs and writes.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) {
    // Loads the languages before the first request.
    Locales::shared();
    jobs::clock::compare(&app).await;
    if let Err(error) = jobs::statistics::see_counted(&app).await {
        tracing::warn!(error = %error, "how far guests are counted could not be read; it is read again in a moment");
    }
    let (stop_sender, stop_receiver) = watch::channel(false);
    let jobs = jobs::start(&app, &stop_receiver);
    let stop = async {
        stop.await;
        app.stopping.send_replace(true);
    };
    let front = Front::new(Arc::clone(&app), crate::router::router(Arc::clone(&app)));
    let limits = ListenerLimits::of(&app.config.server, Arc::clone(&app.metrics.connections));
    serve::serve_front(listener, front, limits, stop).await;
    let _ = stop_sender.send(true);
    finish(jobs).await;
    if let Err(error) = jobs::accesses::flush_all(&app).await {
        tracing::warn!(error = %error, "the last use of some sessions could not be stored; they may end earlier");
    }
    if let Err(error) = jobs::not_stored::flush(&app).await {
        tracing::warn!(error = %error, "the number of guests that are not stored could not be written; the statistics lack some");
    }
    app.store.close().await;
}

/// As [`serve()`], with metrics on a separate listener.
pub async fn serve_with_metrics(
    app: Arc<App>,
    listener: TcpListener,
    metrics: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let (stop_sender, mut stop_receiver) = watch::channel(false);
    let (router, limits) = (crate::router::metrics_router(Arc::clone(&app)), ListenerLimits::few(&app.config.server));
    let page = serve::serve_router(metrics, router, limits, async move {
        let _ = stop_receiver.wait_for(|ended| *ended).await;
    });
    let server = async {
        serve(app, listener, stop).await;
        let _ = stop_sender.send(true);
    };
    tokio::join!(server, page);
}

/// Runs the minute's jobs once, at once: for tests, which control the clock.
///
/// # Errors
/// When the store fails.
pub async fn maintain(app: &App) -> Result<(), StoreError> {
    jobs::accesses::flush_due(app).await?;
    jobs::cleanup::sweep(app).await?;
    jobs::key_rotation::check(app).await;
    Ok(())
}

async fn finish(mut jobs: JoinSet<()>) {
    while jobs.join_next().await.is_some() {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_has_no_delay_from_its_listener() {
        let listener = listen("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (accepted, connected) = tokio::join!(listener.accept(), tokio::net::TcpStream::connect(address));
        connected.expect("a connection");
        assert!(accepted.expect("the same").0.nodelay().expect("an option"));
    }
}
