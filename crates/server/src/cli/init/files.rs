//! Files and folders of an installation, with owner and mode; nothing that exists is replaced.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use vestibule_app::{adapters::entropy::Entropy, crypto::seal::MasterKey};

use super::CommandError;

/// The user and group that the server runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: String,
    /// Of the user.
    uid: u32,
    /// Of its group.
    gid: u32,
}

impl Owner {
    /// Finds a user of this system.
    pub(super) fn find(name: &str) -> Result<Self, CommandError> {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self::read(&users, name).ok_or_else(|| {
            CommandError(format!(
                "there is no user \"{name}\" to run the server as. Create it, or name another one with --user:\n  \
                 useradd --system --home-dir /var/lib/{name} --shell /usr/sbin/nologin {name}"
            ))
        })
    }

    fn read(users: &str, name: &str) -> Option<Self> {
        let line = users.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let mut fields = line.split(':').skip(1);
        let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Self { name: name.to_string(), uid, gid })
    }

    /// Root with the server's group.
    pub(super) fn of_root(&self) -> Self {
        Self { uid: 0, ..self.clone() }
    }
}

#[cfg(target_os = "linux")]
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_root() -> bool {
    false
}

fn fail(path: &Path) -> impl Fn(io::Error) -> CommandError {
    move |error| CommandError(format!("can't write {}: {error}", path.display()))
}

#[cfg(unix)]
fn give(path: &Path, owner: Option<&Owner>, mode: u32) -> io::Result<()> {
    if let Some(owner) = owner {
        std::os::unix::fs::chown(path, Some(owner.uid), Some(owner.gid))?;
    }
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn give(_: &Path, _: Option<&Owner>, _: u32) -> io::Result<()> {
    Ok(())
}

/// Creates a folder; one that exists keeps its owner and mode.
pub(super) fn make_folder(path: &Path, mode: u32, owner: Option<&Owner>) -> Result<(), CommandError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    vestibule_app::files::make_private_folder(path).and_then(|()| give(path, owner, mode)).map_err(fail(path))
}

/// Writes a new file: the server may read it, and only its owner may change it.
pub(super) fn write(path: &Path, text: &str, owner: Option<&Owner>) -> Result<(), CommandError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // Private from its first byte on.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let (owner, mode) = match owner {
        Some(owner) => (Some(owner.of_root()), 0o640),
        None => (None, 0o600),
    };
    let written =
        options.open(path).and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.and_then(|()| give(path, owner.as_ref(), mode)).map_err(fail(path))
}

/// Creates the master key; one that exists is kept.
pub(super) fn make_master_key(path: &Path, owner: Option<&Owner>) -> Result<(), CommandError> {
    if path.exists() {
        println!("{} exists and is kept.", path.display());
        return Ok(());
    }
    MasterKey::from_file(path, &Entropy::Os)?;
    give(path, owner, 0o600).map_err(fail(path))
}

/// The name under which a replaced file is kept.
pub(super) fn kept_name(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".bak");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\nvestibule2:x:7:8::/:/bin/sh\nvestibule:x:998:997::/var/lib/vestibule:/usr/sbin/nologin\n";
        let owner = Owner { name: "vestibule".into(), uid: 998, gid: 997 };
        assert_eq!(Owner::read(users, "vestibule"), Some(owner));
        for name in ["vest", "", "nobody"] {
            assert_eq!(Owner::read(users, name), None, "{name}");
        }
    }
}
