//! Notifies other processes of changed settings, by PostgreSQL's LISTEN and NOTIFY. Names no table.
//!
//! A notification can get lost (broken connection, pooler), so every listener also polls.

use std::{future::poll_fn, sync::Arc, time::Duration};

use deadpool_postgres::Pool;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, tls::TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Sql;

/// Runs in a transaction that changes settings; PostgreSQL delivers the notification at the commit.
pub(super) const NOTIFY_SETTINGS: Sql = Sql::new("SELECT pg_notify('vestibule_settings', '')");
const LISTEN: &str = "LISTEN vestibule_settings";
/// Pause before reconnecting.
const PAUSE: Duration = Duration::from_secs(1);
/// After how many pauses the session is asked again whether it can listen: not on a server that became a standby.
const PROBE_EVERY: u32 = 5;

/// Notifies `signal` at each notification, and after each (re)connection, because one may have been missed. Ends with the
/// pool.
pub(super) async fn listen(config: Config, tls: Option<MakeRustlsConnect>, pool: Pool, signal: Arc<Notify>) {
    while !pool.is_closed() {
        match &tls {
            Some(tls) => {
                if let Ok((client, connection)) = config.connect(tls.clone()).await {
                    receive_notices(&client, connection, &signal, &pool).await;
                }
            }
            None => {
                if let Ok((client, connection)) = config.connect(NoTls).await {
                    receive_notices(&client, connection, &signal, &pool).await;
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Listens until the connection breaks or the pool is closed.
async fn receive_notices<S, T>(client: &Client, mut connection: Connection<S, T>, signal: &Notify, pool: &Pool)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: TlsStream + Unpin,
{
    let ask = async {
        if client.batch_execute(LISTEN).await.is_err() {
            return;
        }
        signal.notify_one();
        // PostgreSQL closes the connection with its client, so keep the client until the store is closed.
        let mut pauses = 0u32;
        while !pool.is_closed() {
            tokio::time::sleep(PAUSE).await;
            pauses = (pauses + 1) % PROBE_EVERY;
            if pauses == 0 && client.batch_execute(LISTEN).await.is_err() {
                return;
            }
        }
    };
    let drive = async {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                signal.notify_one();
            }
        }
    };
    tokio::select! {
        () = ask => {}
        () = drive => {}
    }
}
