//! The list of passwords known from breaches: a file of SHA-1 hashes, kept as sorted prefixes.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
};

use aws_lc_rs::digest;
use vestibule_domain::credential::password::BreachedPasswords;

/// The list; empty when the operator configured none.
#[derive(Debug, Default)]
pub struct Breached(Vec<u64>);

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BreachedListError {
    #[error("{0} cannot be read: {1}")]
    Io(String, io::Error),
    #[error("line {line} of {file} is not a SHA-1 hash in hexadecimal, optionally followed by \":count\"")]
    Line {
        file: String,
        /// The line number, from 1.
        line: usize,
    },
}

impl Breached {
    /// Loads a list; an empty name means none.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it is not a hash.
    pub fn load(file: &str) -> Result<Self, BreachedListError> {
        if file.is_empty() {
            return Ok(Self::default());
        }
        let io = |error| BreachedListError::Io(file.to_string(), error);
        let mut list = Vec::new();
        for (number, line) in BufReader::new(File::open(file).map_err(io)?).lines().enumerate() {
            let line = line.map_err(io)?;
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let hash = line.split_once(':').map_or(line, |(hash, _)| hash);
            let sound = hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            let start = hash.get(..16).filter(|_| sound).and_then(|start| u64::from_str_radix(start, 16).ok());
            list.push(start.ok_or_else(|| BreachedListError::Line { file: file.to_string(), line: number + 1 })?);
        }
        list.sort_unstable();
        list.dedup();
        list.shrink_to_fit();
        Ok(Self(list))
    }
}

impl BreachedPasswords for Breached {
    /// Compares the first 64 bits: with a list of 10^9 hashes, one good password in 10^10 is rejected by mistake.
    fn contains(&self, password: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let start = hash.as_ref().first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
        start.is_some_and(|start| self.0.binary_search(&start).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Breached, BreachedListError> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        Breached::load(file.path().to_str().expect("UTF-8"))
    }

    #[test]
    fn a_password_on_the_list_is_found_with_or_without_count_and_in_either_case() {
        // SHA-1 of "password" and of "letmein".
        let list = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\n\nb7a875fc1ea228b9061041b7cec4bd3c52ab3ce3\n";
        let list = load(list).expect("a list");
        assert!(list.contains("password") && list.contains("letmein"));
        assert!(!list.contains("tidal-oboe-37"));
        assert!(!Breached::load("").expect("none").contains("password"));
    }

    #[test]
    fn a_line_that_is_no_hash_is_named() {
        let error = load("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8\npassword\n").expect_err("refused");
        assert!(matches!(error, BreachedListError::Line { line: 2, .. }), "{error}");
        assert!(matches!(Breached::load("/no/such/list").expect_err("refused"), BreachedListError::Io(..)));
    }
}
