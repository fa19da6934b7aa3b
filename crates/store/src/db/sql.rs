//! Statements, parameters and rows, as both engines see them.

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::{Engine, StoreError};

/// A statement, in one text for both engines or one for each; parameters are `$1`, `$2` …
#[derive(Debug)]
pub struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
    /// Whether `$1`, `$2` … first appear in this order in SQLite's text; SQLite numbers parameters by first appearance.
    in_order: bool,
    is_planned_anew: bool,
}

impl Sql {
    /// A text that both engines understand.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self::both(text, text)
    }

    /// Two texts with the same parameters and columns, where the engines differ.
    #[must_use]
    pub const fn both(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres, in_order: appear_in_order(sqlite), is_planned_anew: false }
    }

    /// Has PostgreSQL plan the statement each time, with its values. For those about many rows: a plan from when the table was small
    /// would read all of a project later.
    #[must_use]
    pub(crate) const fn planned_anew(mut self) -> Self {
        self.is_planned_anew = true;
        self
    }

    pub(super) const fn is_planned_anew(&self) -> bool {
        self.is_planned_anew
    }

    pub(super) const fn is_in_order(&self) -> bool {
        self.in_order
    }

    /// The text for one engine.
    #[must_use]
    pub const fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// Checks the order of a statement's parameters at compile time.
const fn appear_in_order(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut seen) = (0, 0_u32);
    while at < bytes.len() {
        let is_parameter = bytes[at] == b'$';
        at += 1;
        if is_parameter {
            let mut number = 0;
            while at < bytes.len() && bytes[at].is_ascii_digit() {
                number = number * 10 + (bytes[at] - b'0') as u32;
                at += 1;
            }
            if number > seen + 1 {
                return false;
            }
            if number == seen + 1 {
                seen = number;
            }
        }
    }
    true
}

/// A value that both drivers can send: `i64`, `&str`, `String`, `&[u8]`, `Vec<u8>` and options of them.
pub trait Param: rusqlite::ToSql + ToSql + Sync + Send {
    /// The value's PostgreSQL type, for statements sent without being prepared.
    fn postgres_type(&self) -> Type;
}

impl<T: rusqlite::ToSql + ToSql + Sync + Send> Param for T {
    fn postgres_type(&self) -> Type {
        let known = [Type::INT8, Type::TEXT, Type::BYTEA, Type::INT8_ARRAY, Type::TEXT_ARRAY, Type::BYTEA_ARRAY];
        // The driver rejects an unknown type when it sends the value.
        known.into_iter().find(<T as ToSql>::accepts).unwrap_or(Type::UNKNOWN)
    }
}

/// A list of values for one parameter of a statement that works on many rows. Only PostgreSQL has such statements.
#[derive(Debug)]
pub(crate) struct Array<T>(Vec<T>);

impl<T> FromIterator<T> for Array<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<T> rusqlite::ToSql for Array<T> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Err(rusqlite::Error::ToSqlConversionFailure("SQLite has no lists of values".into()))
    }
}

impl<T: ToSql> ToSql for Array<T> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.0.to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        Vec::<T>::accepts(kind)
    }

    to_sql_checked!();
}

/// The text of [`ByKey::many`], of a read whose row has the project and ID `wanted.project_no` and `wanted.id`. The LIMIT keeps it a point
/// read of each key, however the planner judges the tables.
macro_rules! for_each_key {
    ($read:expr) => {
        concat!(
            "SELECT found.*, wanted.number
     FROM unnest(
       (SELECT CAST($1 AS BIGINT[])),
       (SELECT CAST($2 AS BYTEA[]))
     ) WITH ORDINALITY AS wanted (project_no, id, number)
     CROSS JOIN LATERAL (
       ",
            $read,
            "
       LIMIT 1
     ) AS found"
        )
    };
}
pub(crate) use for_each_key;

/// A read of one row by its project and ID, which several requests may share: each waits for its own row.
#[derive(Debug)]
pub(crate) struct ByKey {
    /// For metrics.
    pub(crate) name: &'static str,
    /// `$1` is the project, `$2` the ID.
    pub(crate) one: &'static Sql,
    /// On PostgreSQL, `$1` and `$2` are lists of them; after the columns of `one` comes the number of the key, from 1.
    pub(crate) many: &'static Sql,
}

/// A value that both drivers can read: `i64`, `String`, `Vec<u8>` and options of them.
pub trait Column: rusqlite::types::FromSql + tokio_postgres::types::FromSqlOwned {}
impl<T: rusqlite::types::FromSql + tokio_postgres::types::FromSqlOwned> Column for T {}

/// One row of a result, valid while the mapping closure runs.
pub struct Row<'a>(Source<'a>);

enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Row<'a> {
    pub(super) fn of_sqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self(Source::Sqlite(row))
    }

    pub(super) fn of_postgres(row: &'a tokio_postgres::Row) -> Self {
        Self(Source::Postgres(row))
    }

    /// The value of this column, counted from 0.
    ///
    /// # Errors
    /// [`StoreError::Decode`] when there is no such column or it has another type.
    pub fn get<T: Column>(&self, column: usize) -> Result<T, StoreError> {
        match self.0 {
            Source::Sqlite(row) => {
                row.get(column).map_err(|error| StoreError::Decode { column, reason: error.to_string() })
            }
            Source::Postgres(row) => {
                row.try_get(column).map_err(|error| StoreError::Decode { column, reason: error.to_string() })
            }
        }
    }

    /// A binary column of exactly `N` bytes, read without an allocation.
    ///
    /// # Errors
    /// [`StoreError::Decode`] when the column is anything else.
    pub fn get_array<const N: usize>(&self, column: usize) -> Result<[u8; N], StoreError> {
        self.get_optional_array(column)?.ok_or_else(|| StoreError::Decode { column, reason: "is NULL".to_owned() })
    }

    /// A binary column of exactly `N` bytes or NULL, read without an allocation.
    ///
    /// # Errors
    /// [`StoreError::Decode`] when the column is not that.
    pub fn get_optional_array<const N: usize>(&self, column: usize) -> Result<Option<[u8; N]>, StoreError> {
        match self.0 {
            Source::Sqlite(row) => {
                row.get(column).map_err(|error| StoreError::Decode { column, reason: error.to_string() })
            }
            Source::Postgres(row) => {
                let bytes: Option<&[u8]> =
                    row.try_get(column).map_err(|error| StoreError::Decode { column, reason: error.to_string() })?;
                bytes
                    .map(<[u8; N]>::try_from)
                    .transpose()
                    .map_err(|_| StoreError::Decode { column, reason: format!("is not {N} bytes long") })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_parameter_has_its_type_on_postgres() {
        let params: [(&dyn Param, Type); 11] = [
            (&1_i64, Type::INT8),
            (&None::<i64>, Type::INT8),
            (&"text", Type::TEXT),
            (&String::new(), Type::TEXT),
            (&None::<&str>, Type::TEXT),
            (&[1_u8].as_slice(), Type::BYTEA),
            (&vec![1_u8], Type::BYTEA),
            (&None::<Vec<u8>>, Type::BYTEA),
            (&Array(vec![1_i64]), Type::INT8_ARRAY),
            (&Array(vec![None::<&str>]), Type::TEXT_ARRAY),
            (&Array(vec![[1_u8].as_slice()]), Type::BYTEA_ARRAY),
        ];
        for (place, (param, expected)) in params.into_iter().enumerate() {
            assert_eq!(param.postgres_type(), expected, "{place}");
        }
    }

    #[test]
    fn parameters_in_order_are_distinguished_from_others() {
        for (text, expected) in [
            ("SELECT 1", true),
            ("INSERT INTO t VALUES ($1, $2, $3)", true),
            ("UPDATE t SET a = $1, b = $1 WHERE c = $2 AND d = $1", true),
            ("UPDATE t SET a = $3 WHERE c = $1 AND d = $2", false),
            ("VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", true),
            ("VALUES ($2, $1)", false),
            ("VALUES ($1, $3, $2)", false),
        ] {
            assert_eq!(Sql::new(text).is_in_order(), expected, "{text}");
        }
    }
}
