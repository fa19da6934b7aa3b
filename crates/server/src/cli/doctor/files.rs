//! Owners and modes of files: secrets that others can read, and files that the server's user can't open.

use std::path::{Path, PathBuf};

use vestibule_app::{config::Config, open};

use super::report::Report;
use crate::cli::exposed;

const CHECK: &str = "files";

pub(super) fn check(file: Option<&Path>, config: &Config, report: &mut Report) {
    let exposed = exposed::list(file, config);
    for warning in &exposed {
        let (what, command) = warning.rsplit_once(": ").unwrap_or((warning, "make it private"));
        report.fail(CHECK, what, command);
    }
    let foreign = list_foreign(config);
    for (path, command) in &foreign {
        report.fail(CHECK, &format!("{} belongs to another user than its folder", path.display()), command);
    }
    if exposed.is_empty() && foreign.is_empty() {
        report.ok(CHECK, "no secret and no data is open to other users, and owners fit");
    }
}

/// Files of the embedded store that another user created, usually root, and how to give them back.
#[cfg(unix)]
fn list_foreign(config: &Config) -> Vec<(PathBuf, String)> {
    use std::os::unix::fs::MetadataExt as _;

    let Some(store) = open::store_file(config) else { return Vec::new() };
    let folder = match store.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    };
    let Ok(owner) = std::fs::metadata(&folder).map(|folder| (folder.uid(), folder.gid())) else { return Vec::new() };
    let beside = ["", "-wal", "-shm", ".lock"].map(|ending| PathBuf::from(format!("{}{ending}", store.display())));
    let key = open::master_key_file(config).filter(|key| key.parent() == store.parent());
    let all = beside.into_iter().chain(key);
    let foreign = all.filter(|path| std::fs::metadata(path).is_ok_and(|file| file.uid() != owner.0));
    foreign
        .map(|path| {
            let command = format!("chown {}:{} {}", owner.0, owner.1, path.display());
            (path, command)
        })
        .collect()
}

#[cfg(not(unix))]
fn list_foreign(_: &Config) -> Vec<(PathBuf, String)> {
    Vec::new()
}
