//! The loader for `--admin`: guests, members and all they own, the log and the counters, written directly into the
//! store.

use std::{error::Error, fmt::Write as _, time::SystemTime};

use bytes::Bytes;
use futures_util::SinkExt as _;
use rusqlite::{Connection, params_from_iter, types::Value};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{
    fill::{hex, settle_postgres, settle_sqlite},
    loading::Loading,
    store_location::{StoreLocation, connect},
};

/// Number of days that the users are spread over.
pub const DAYS: i64 = 80;
/// Users per transaction.
const BATCH: i64 = 50_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// The tables to fill, with their columns.
const TABLES: [(&str, &str); 8] = [
    (
        "users",
        "project_no, id, created_at, updated_at, last_login_at, anonymous_since, promoted_at, disabled_at, custom_attributes",
    ),
    ("grants", "project_no, id, user_id, client_id, token_hash, created_at, last_access_at, authenticated_at, device"),
    ("sessions", "project_no, id, user_id, secret_hash, created_at, last_access_at, authenticated_at"),
    ("device_keys", "project_no, kid, id, user_id, jwk, created_at, last_used_at, promoted_at, device"),
    ("login_ids", "project_no, kind, value, id, user_id, original, verified_at, created_at, updated_at"),
    ("passwords", "project_no, user_id, hash, created_at, updated_at"),
    ("events", "project_no, seq, user_id, type, client_id, body, created_at"),
    ("daily_counts", "project_no, day, client_id, name, count"),
];

/// The n-th user, oldest first. One in five is a member, every other of them promoted; one in ten guests has a cookie
/// session, one in ten a device key; one in three was seen today.
#[derive(Clone, Copy)]
pub struct SampleUser {
    number: i64,
    micros: i64,
    now: i64,
}

impl SampleUser {
    pub fn of(number: i64, count: i64, now: i64) -> Self {
        let micros = now - DAYS * DAY_MICROS + (DAYS * DAY_MICROS - 3_600_000_000) / count.max(1) * number;
        Self { number, micros, now }
    }

    /// A UUIDv7; each kind of row uses its own salt.
    fn id(self, salt: u8) -> [u8; 16] {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&(self.micros / 1_000).to_be_bytes()[2..]);
        id[6] = 0x70;
        id[7] = salt;
        id[8..].copy_from_slice(&self.mixed().to_be_bytes());
        id[8] = 0x80 | (id[8] & 0x3F);
        id
    }

    fn mixed(self) -> u64 {
        let mixed = self.number.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ (mixed >> 29)
    }

    fn is_member(self) -> bool {
        self.number % 5 == 0
    }

    fn is_promoted(self) -> bool {
        self.number % 10 == 0
    }

    pub fn user_id(self) -> String {
        Uuid::from_bytes(self.id(0)).to_string()
    }

    /// Spread over the alphabet, like real addresses.
    pub fn email(self) -> String {
        format!("{:013x}.{}@shop.example", self.mixed() >> 12, self.number)
    }

    pub fn phone(self) -> String {
        format!("+4930{:08}", self.number % 100_000_000)
    }

    pub fn username(self) -> String {
        format!("user{}", self.number)
    }

    /// The user's rows, by the index of their table in [`TABLES`].
    fn rows(self, put: &mut impl FnMut(usize, Vec<Value>)) {
        let blob = |salt: u8| Value::Blob(self.id(salt).to_vec());
        let text = |text: &str| Value::Text(text.to_owned());
        let when = |is_so: bool, micros: i64| if is_so { Value::Integer(micros) } else { Value::Null };
        let (one, user, at) = (Value::Integer(1), blob(0), Value::Integer(self.micros));
        let (member, promoted) = (self.is_member(), self.is_promoted());
        let seen = Value::Integer(if self.number % 10 < 3 { self.now } else { self.micros });
        put(
            0,
            vec![
                one.clone(),
                user.clone(),
                at.clone(),
                at.clone(),
                when(member, self.micros),
                when(!member, self.micros),
                when(promoted, self.micros + 600_000_000),
                when(self.number % 1_000 == 7, self.now),
                if self.number % 4 == 0 { text("{\"cart\":\"c-42\"}") } else { Value::Null },
            ],
        );
        let hash = Value::Blob(vec![7; 32]);
        let client = ["web", "ios", "android"][usize::try_from(self.number % 3).unwrap_or(0)];
        if self.number % 10 == 4 {
            put(2, vec![one.clone(), blob(1), user.clone(), hash, at.clone(), seen, at.clone()]);
        } else {
            let device = text("{\"name\":\"A phone\"}");
            put(1, vec![one.clone(), blob(1), user.clone(), text(client), hash, at.clone(), seen, at.clone(), device]);
        }
        if self.number % 10 == 2 {
            let jwk = text(
                "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
            );
            let kid = text(&hex(&self.id(2)));
            put(
                3,
                vec![one.clone(), kid, blob(2), user.clone(), jwk, at.clone(), at.clone(), Value::Null, Value::Null],
            );
        }
        if member {
            let mut own = vec![("email", self.email()), ("username", self.username())];
            if promoted {
                own.push(("phone", self.phone()));
            }
            for (salt, (kind, value)) in (3..).zip(own) {
                let value = text(&value);
                let row = [
                    one.clone(),
                    text(kind),
                    value.clone(),
                    blob(salt),
                    user.clone(),
                    value,
                    at.clone(),
                    at.clone(),
                    at.clone(),
                ];
                put(4, row.to_vec());
            }
            put(
                5,
                vec![
                    one.clone(),
                    user.clone(),
                    text("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"),
                    at.clone(),
                    at.clone(),
                ],
            );
            let came = if promoted { "user.anonymous.promoted" } else { "user.created" };
            for (location, kind) in (1..).zip([came, "user.authenticated"]) {
                let at = self.micros + location * 1_000_000;
                let body = format!(
                    "{{\"id\":\"{0}\",\"seq\":{1},\"type\":\"{kind}\",\"payload\":{{\"user\":{{\"id\":\"{0}\",\"is_anonymous\":false,\"custom_attributes\":{{\"cart\":\"c-42\"}}}}}},\"context\":{{\"timestamp\":{2},\"user_id\":\"{0}\",\"client_id\":\"{client}\",\"triggered_by\":\"user\",\"ip_address\":\"203.0.113.9\"}}}}",
                    self.user_id(),
                    self.number * 2 + location,
                    at / 1_000_000,
                );
                let row = [
                    one.clone(),
                    Value::Integer(self.number * 2 + location),
                    user.clone(),
                    text(kind),
                    text(client),
                    text(&body),
                    Value::Integer(at),
                ];
                put(6, row.to_vec());
            }
        }
    }
}

/// Counters of four hundred days and four applications: the maximum of an overview.
fn counts(now: i64, put: &mut impl FnMut(usize, Vec<Value>)) {
    const NAMES: [&str; 13] = [
        "guests_created",
        "guests_returned",
        "guests_returned_of_day",
        "guests_promoted",
        "guests_promoted_of_day",
        "members_created",
        "logins",
        "promoted_within_10m",
        "promoted_within_1h",
        "promoted_within_1d",
        "promoted_within_7d",
        "promoted_within_30d",
        "promoted_later",
    ];
    for day in now / DAY_MICROS - 400..=now / DAY_MICROS {
        for client in ["", "web", "ios", "android"] {
            for name in NAMES {
                let (client, name) = (Value::Text(client.to_owned()), Value::Text(name.to_owned()));
                put(7, vec![Value::Integer(1), Value::Integer(day), client, name, Value::Integer(100 + day % 7)]);
            }
        }
    }
}

/// Fills a store whose server is stopped; returns the time it is based on.
pub async fn load(location: &StoreLocation, count: i64) -> Result<i64, Box<dyn Error>> {
    let now = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_micros())?;
    match location {
        StoreLocation::Folder(folder) => load_sqlite(&folder.join("store.db"), count, now)?,
        StoreLocation::Database { url, .. } => load_postgres(url, count, now).await?,
    }
    Ok(now)
}

/// The newest guest.
fn last_counted(count: i64, now: i64) -> [u8; 16] {
    SampleUser::of(count, count, now).id(0)
}

fn load_sqlite(path: &std::path::Path, count: i64, now: i64) -> Result<(), Box<dyn Error>> {
    let mut connection = Connection::open(path)?;
    // The data is discarded after the benchmark, so it need not survive a power cut.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -524288")?;
    connection.set_prepared_statement_cache_capacity(TABLES.len());
    let mut loading = Loading::of(u64::try_from(count)?);
    let inserts = TABLES.map(|(table, columns)| {
        let places = vec!["?"; columns.split(',').count()].join(", ");
        format!("INSERT INTO {table} ({columns}) VALUES ({places})")
    });
    for first in (0..count).step_by(usize::try_from(BATCH)?) {
        let transaction = connection.transaction()?;
        let mut failure = None;
        let mut put = |table: usize, row: Vec<Value>| {
            let insert = transaction.prepare_cached(&inserts[table]);
            let done = insert.and_then(|mut insert| insert.execute(params_from_iter(row)));
            failure = failure.take().or(done.err());
        };
        if first == 0 {
            counts(now, &mut put);
        }
        for number in first..(first + BATCH).min(count) {
            SampleUser::of(number, count, now).rows(&mut put);
        }
        if let Some(error) = failure {
            return Err(error.into());
        }
        transaction.commit()?;
        loading.advance_to(u64::try_from((first + BATCH).min(count))?);
    }
    settle_sqlite(&connection, path, last_counted(count, now), now)
}

async fn load_postgres(url: &str, count: i64, now: i64) -> Result<(), Box<dyn Error>> {
    let client = connect(url).await?;
    let mut loading = Loading::of(u64::try_from(count)?);
    for first in (0..count).step_by(usize::try_from(BATCH)?) {
        let mut texts: [String; TABLES.len()] = Default::default();
        let mut put = |table: usize, row: Vec<Value>| print_row(&mut texts[table], &row);
        if first == 0 {
            counts(now, &mut put);
        }
        for number in first..(first + BATCH).min(count) {
            SampleUser::of(number, count, now).rows(&mut put);
        }
        for ((table, columns), text) in TABLES.into_iter().zip(texts) {
            copy(&client, table, columns, text).await?;
        }
        loading.advance_to(u64::try_from((first + BATCH).min(count))?);
    }
    settle_postgres(&client, &TABLES.map(|(table, _)| table), last_counted(count, now), now).await
}

async fn copy(client: &Client, table: &str, columns: &str, text: String) -> Result<(), Box<dyn Error>> {
    if text.is_empty() {
        return Ok(());
    }
    let sink = client.copy_in(&format!("COPY {table} ({columns}) FROM STDIN")).await?;
    let mut sink = Box::pin(sink);
    let text = Bytes::from(text);
    for start in (0..text.len()).step_by(1 << 18) {
        sink.send(text.slice(start..(start + (1 << 18)).min(text.len()))).await?;
    }
    sink.as_mut().finish().await?;
    Ok(())
}

/// A row in COPY format.
fn print_row(text: &mut String, row: &[Value]) {
    for (location, value) in row.iter().enumerate() {
        if location > 0 {
            text.push('\t');
        }
        match value {
            Value::Null => text.push_str("\\N"),
            Value::Integer(number) => write!(text, "{number}").expect("a string takes everything"),
            Value::Real(number) => write!(text, "{number}").expect("a string takes everything"),
            Value::Text(words) => text.push_str(&words.replace('\\', "\\\\")),
            Value::Blob(bytes) => {
                text.push_str("\\\\x");
                text.push_str(&hex(bytes));
            }
        }
    }
    text.push('\n');
}
