//! What the header of a database file says of its length (sqlite.org/fileformat2.html#the_database_header).

use std::{fs::File, io::Read as _, path::Path};

use super::super::StoreError;

const LENGTH: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// The size of a database file by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) struct Header {
    /// Bytes of a page.
    pub(in crate::db) page_size: u64,
    /// Number of pages; `None` when the header does not say.
    pub(in crate::db) pages: Option<u64>,
}

impl Header {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// When the file cannot be read, or is not an SQLite database.
    pub(in crate::db) fn read(path: &Path) -> Result<Self, StoreError> {
        let mut bytes = Vec::with_capacity(LENGTH);
        let fail = |error: std::io::Error| StoreError::from_io(&error, path);
        File::open(path).and_then(|file| file.take(LENGTH as u64).read_to_end(&mut bytes)).map_err(fail)?;
        Self::parse(&bytes).ok_or_else(|| StoreError::NotADatabase { path: path.to_path_buf() })
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < LENGTH || !bytes.starts_with(MAGIC) {
            return None;
        }
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let page_size = match u16::from_be_bytes([bytes[16], bytes[17]]) {
            1 => 65_536,
            size if size.is_power_of_two() && size >= 512 => u64::from(size),
            _ => return None,
        };
        // Old versions of SQLite changed the content without these numbers.
        let (pages, is_current) = (number(28)?, number(24)? == number(92)?);
        Some(Self { page_size, pages: Some(u64::from(pages)).filter(|pages| is_current && *pages > 0) })
    }

    /// The length of the file in bytes.
    pub(in crate::db) fn length(self) -> Option<u64> {
        self.pages.map(|pages| pages.saturating_mul(self.page_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_how_long_its_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a); CREATE TABLE u (b)").unwrap();
        let header = Header::read(&path).unwrap();
        assert_eq!(header.length(), Some(std::fs::metadata(&path).unwrap().len()));
        std::fs::write(&path, b"SQLite format 3\0").unwrap();
        assert!(matches!(Header::read(&path), Err(StoreError::NotADatabase { .. })));
    }
}
