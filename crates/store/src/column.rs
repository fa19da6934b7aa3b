//! Conversions between columns and domain values; no SQL.

use serde_json::{Map, Value};
use vestibule_domain::{
    id::{Id, ProjectNo},
    secret::TokenHash,
    time::Timestamp,
};

use crate::db::{Row, StoreError};

pub(crate) fn read_project(row: &Row<'_>, column: usize) -> Result<ProjectNo, StoreError> {
    row.get(column).map(ProjectNo)
}

pub(crate) fn read_id<K>(row: &Row<'_>, column: usize) -> Result<Id<K>, StoreError> {
    row.get_array(column).map(Id::from_bytes)
}

pub(crate) fn read_optional_id<K>(row: &Row<'_>, column: usize) -> Result<Option<Id<K>>, StoreError> {
    Ok(row.get_optional_array(column)?.map(Id::from_bytes))
}

pub(crate) fn read_hash(row: &Row<'_>, column: usize) -> Result<TokenHash, StoreError> {
    row.get_array(column).map(TokenHash)
}

pub(crate) fn read_optional_hash(row: &Row<'_>, column: usize) -> Result<Option<TokenHash>, StoreError> {
    Ok(row.get_optional_array(column)?.map(TokenHash))
}

pub(crate) fn read_time(row: &Row<'_>, column: usize) -> Result<Timestamp, StoreError> {
    row.get(column).map(Timestamp::from_micros)
}

pub(crate) fn read_optional_time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.get::<Option<i64>>(column)?.map(Timestamp::from_micros))
}

/// Reads a JSON object; NULL stands for the empty one.
pub(crate) fn read_object(row: &Row<'_>, column: usize) -> Result<Map<String, Value>, StoreError> {
    row.get::<Option<String>>(column)?.map_or_else(
        || Ok(Map::new()),
        |text| serde_json::from_str(&text).map_err(|error| StoreError::Decode { column, reason: error.to_string() }),
    )
}

/// Prints a JSON object to store. An empty one becomes NULL, to save space.
pub(crate) fn print_object(object: &Map<String, Value>) -> Option<String> {
    (!object.is_empty()).then(|| Value::from(object.clone()).to_string())
}
