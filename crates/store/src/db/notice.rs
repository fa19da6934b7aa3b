//! Notifies other processes of changed settings, by PostgreSQL's LISTEN and NOTIFY; and locks the number of this process in the
//! same session, so that others know when it has ended. Names no table.
//!
//! A notification can get lost (broken connection, pooler), so every listener also polls.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use deadpool_postgres::Pool;
use tokio::{sync::Notify, time::timeout};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, tls::TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Sql,
    postgres::{CONNECT_WAIT, names::Moved, servers::Servers},
};

/// Runs in a transaction that changes settings; PostgreSQL delivers the notification at the commit.
pub(super) const NOTIFY_SETTINGS: Sql = Sql::new("SELECT pg_notify('vestibule_settings', '')");
const LISTEN: &str = "LISTEN vestibule_settings";
/// Pause before reconnecting.
const PAUSE: Duration = Duration::from_secs(1);
/// After how many pauses the session is asked again whether it can listen: not on a server that became a standby.
const PROBE_EVERY: u32 = 5;

/// Locks a new number: "VEST" in ASCII, then a random half, so that other users of advisory locks are not met.
const LOCK_NEW: &str = "SELECT key FROM (
       SELECT (CAST(1447383892 AS BIGINT) << 32) + CAST(floor(random() * 4294967295) AS BIGINT) AS key
     ) AS drawn
     WHERE pg_try_advisory_lock(key)";
/// Locks the number of before again.
const LOCK_AGAIN: &str = "SELECT CAST($1 AS BIGINT) WHERE pg_try_advisory_lock(CAST($1 AS BIGINT))";

/// The number of this process, and whether its session holds the lock of it.
#[derive(Default)]
pub(super) struct NodeLock {
    /// 0 before the first lock.
    number: AtomicI64,
    is_held: AtomicBool,
}

impl NodeLock {
    pub(super) fn held(&self) -> Option<i64> {
        self.is_held.load(Relaxed).then(|| self.number.load(Relaxed))
    }

    /// Whether it is the number of this process, locked or not.
    pub(super) fn is_of_this(&self, number: i64) -> bool {
        number != 0 && self.number.load(Relaxed) == number
    }

    /// Locks the number unless this session has. Another session of this process may hold it until the server notices that
    /// it is gone; the next attempt is at the next probe.
    async fn take(&self, client: &Client) {
        if self.is_held.load(Relaxed) {
            return;
        }
        let locked = match self.number.load(Relaxed) {
            0 => client.query_opt(LOCK_NEW, &[]).await,
            number => client.query_opt(LOCK_AGAIN, &[&number]).await,
        };
        if let Ok(Some(row)) = locked {
            self.number.store(row.get(0), Relaxed);
            self.is_held.store(true, Relaxed);
        }
    }
}

/// Notifies `signal` at each notification, and after each (re)connection, because one may have been missed. Ends with the
/// pool.
pub(super) async fn listen(
    (servers, tls, mut moved): (Servers, Option<MakeRustlsConnect>, Option<Moved>),
    pool: Pool,
    (signal, node): (Arc<Notify>, Arc<NodeLock>),
) {
    while !pool.is_closed() {
        if let Some(moved) = &mut moved {
            moved.mark_unchanged();
        }
        match &tls {
            Some(tls) => {
                if let Ok(Ok((client, connection))) = timeout(CONNECT_WAIT, servers.connect(tls.clone())).await {
                    tokio::select! {
                        () = receive_notices(&client, connection, (&signal, &node), &pool) => {}
                        () = wait_for_move(&mut moved) => {}
                    }
                }
            }
            None => {
                if let Ok(Ok((client, connection))) = timeout(CONNECT_WAIT, servers.connect(NoTls)).await {
                    tokio::select! {
                        () = receive_notices(&client, connection, (&signal, &node), &pool) => {}
                        () = wait_for_move(&mut moved) => {}
                    }
                }
            }
        }
        node.is_held.store(false, Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Returns when the server's name leads elsewhere.
async fn wait_for_move(moved: &mut Option<Moved>) {
    if let Some(moved) = moved
        && moved.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Listens until the connection breaks or the pool is closed.
async fn receive_notices<S, T>(
    client: &Client,
    mut connection: Connection<S, T>,
    (signal, node): (&Notify, &NodeLock),
    pool: &Pool,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: TlsStream + Unpin,
{
    // A server that stands still refuses nothing.
    let can_listen = async || matches!(timeout(CONNECT_WAIT, client.batch_execute(LISTEN)).await, Ok(Ok(())));
    let ask = async {
        if !can_listen().await {
            return;
        }
        timeout(CONNECT_WAIT, node.take(client)).await.ok();
        signal.notify_one();
        // PostgreSQL closes the connection with its client, so keep the client until the store is closed.
        let mut pauses = 0u32;
        while !pool.is_closed() {
            tokio::time::sleep(PAUSE).await;
            pauses = (pauses + 1) % PROBE_EVERY;
            if pauses == 0 {
                if !can_listen().await {
                    return;
                }
                timeout(CONNECT_WAIT, node.take(client)).await.ok();
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
