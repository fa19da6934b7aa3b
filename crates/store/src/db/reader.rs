//! A borrowed read connection of either engine.

use std::ops::{Deref, DerefMut};

use super::{conn::Conn, sqlite::Lease};

/// A borrowed read connection; dropping it returns it to its pool.
pub struct Reader(pub(super) Held);

/// How a [`Reader`] holds its connection.
pub(super) enum Held {
    Sqlite(Lease),
    Postgres(Conn),
}

impl Deref for Reader {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        match &self.0 {
            Held::Sqlite(lease) => lease.conn(),
            Held::Postgres(conn) => conn,
        }
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Conn {
        match &mut self.0 {
            Held::Sqlite(lease) => lease.conn_mut(),
            Held::Postgres(conn) => conn,
        }
    }
}
