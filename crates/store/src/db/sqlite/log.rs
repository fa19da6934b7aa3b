//! Reads a write-ahead log as SQLite does when it recovers one, to say what SQLite does not: whether it ends in the
//! middle of a transaction (sqlite.org/fileformat2.html#walformat). Names no table.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufReader, ErrorKind, Read},
    path::Path,
};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC: u32 = 0x377f_0682;

/// What is in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::db) struct LogContent {
    /// The log is there, but its header is not whole, so that SQLite ignores all of it.
    pub(in crate::db) has_bad_header: bool,
    /// Pages of committed transactions.
    pub(in crate::db) committed: u64,
    /// Pages, whole or not, of this log after its last commit.
    pub(in crate::db) after_commit: u64,
    /// The number of pages of the database after the last commit.
    pub(in crate::db) database_pages: u64,
    /// The database's pages that committed transactions contain.
    pub(in crate::db) pages: HashSet<u64>,
}

/// Reads the log; a missing or empty one has no content.
///
/// # Errors
/// When the file cannot be read.
pub(in crate::db) fn read(path: &Path) -> io::Result<LogContent> {
    match File::open(path) {
        Ok(file) => scan(&mut BufReader::with_capacity(1 << 18, file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(LogContent::default()),
        Err(error) => Err(error),
    }
}

fn scan(file: &mut impl Read) -> io::Result<LogContent> {
    let mut content = LogContent::default();
    let mut header = [0; HEADER];
    match fill(file, &mut header)? {
        0 => return Ok(content),
        HEADER => {}
        _ => return Ok(LogContent { has_bad_header: true, ..content }),
    }
    let Some((mut sum, page_size)) = Checksum::begin(&header) else {
        return Ok(LogContent { has_bad_header: true, ..content });
    };
    let salt = &header[16..24];
    let mut frame = vec![0; FRAME_HEADER + page_size];
    let mut pending = Vec::new();
    loop {
        let read = fill(file, &mut frame)?;
        // A frame of an earlier round of the log has another salt.
        if read < FRAME_HEADER || &frame[8..16] != salt {
            break;
        }
        let is_whole = read == frame.len() && {
            sum.add(&frame[..8]);
            sum.add(&frame[FRAME_HEADER..]);
            sum.is(&frame[16..24])
        };
        if !is_whole {
            content.after_commit += 1;
            break;
        }
        pending.push(u64::from(number(&frame, 0)));
        let size = number(&frame, 4);
        if size > 0 {
            content.committed += pending.len() as u64;
            content.database_pages = u64::from(size);
            content.pages.extend(pending.drain(..));
        }
    }
    content.after_commit += pending.len() as u64;
    Ok(content)
}

/// Reads until the buffer is full or the file ends; returns the number of bytes.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut at = 0;
    while at < buffer.len() {
        match file.read(&mut buffer[at..]) {
            Ok(0) => break,
            Ok(read) => at += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// The running checksum of a log.
struct Checksum {
    is_big_endian: bool,
    sums: (u32, u32),
}

impl Checksum {
    /// Checks a header; returns its checksum and the size of a page.
    fn begin(header: &[u8; HEADER]) -> Option<(Self, usize)> {
        let magic = number(header, 0);
        if magic & !1 != MAGIC {
            return None;
        }
        let mut sum = Self { is_big_endian: magic & 1 == 1, sums: (0, 0) };
        sum.add(&header[..24]);
        let page_size = number(header, 8);
        let is_size = page_size.is_power_of_two() && (512..=65_536).contains(&page_size);
        (is_size && sum.is(&header[24..32])).then_some((sum, page_size as usize))
    }

    fn add(&mut self, bytes: &[u8]) {
        let word =
            |bytes: [u8; 4]| if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let (mut first, mut second) = self.sums;
        for eight in bytes.chunks_exact(8) {
            first = first.wrapping_add(word([eight[0], eight[1], eight[2], eight[3]])).wrapping_add(second);
            second = second.wrapping_add(word([eight[4], eight[5], eight[6], eight[7]])).wrapping_add(first);
        }
        self.sums = (first, second);
    }

    fn is(&self, stored: &[u8]) -> bool {
        self.sums == (number(stored, 0), number(stored, 4))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rusqlite::Connection;

    use super::*;

    /// The log of a database with 50 transactions.
    fn write_log() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.db");
        let connection = Connection::open(&path).unwrap();
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        connection.execute_batch("CREATE TABLE t (a)").unwrap();
        for _ in 0..50 {
            connection.execute("INSERT INTO t VALUES (randomblob(9000))", []).unwrap();
        }
        fs::read(folder.path().join("some.db-wal")).unwrap()
    }

    #[test]
    fn a_whole_log_ends_with_a_commit() {
        let log = write_log();
        let content = scan(&mut log.as_slice()).unwrap();
        let frames = ((log.len() - HEADER) / (FRAME_HEADER + 4_096)) as u64;
        assert_eq!((content.committed, content.after_commit, content.has_bad_header), (frames, 0, false));
        assert!(content.pages.len() as u64 <= content.database_pages && content.database_pages > 100);
        assert_eq!(scan(&mut [].as_slice()).unwrap(), LogContent::default());
    }

    #[test]
    fn a_log_that_was_cut_or_changed_ends_in_the_middle_of_a_transaction() {
        let log = write_log();
        let whole = scan(&mut log.as_slice()).unwrap();
        let frame = FRAME_HEADER + 4_096;
        // The last transaction has several pages.
        for cut in [log.len() - 1, log.len() - frame] {
            let content = scan(&mut &log[..cut]).unwrap();
            assert!(content.committed < whole.committed && content.after_commit > 0, "{cut}: {content:?}");
        }
        let mut changed = log.clone();
        changed[HEADER + 20 * frame + 1_000] ^= 1;
        let content = scan(&mut changed.as_slice()).unwrap();
        assert!(content.committed <= 20 && content.after_commit > 0, "{content:?}");
        changed[3] ^= 0x40;
        assert!(scan(&mut changed.as_slice()).unwrap().has_bad_header);
        assert!(scan(&mut &log[..20]).unwrap().has_bad_header);
    }
}
