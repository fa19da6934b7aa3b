//! Limits and permissions of files.

use std::{fs, io, path::Path};

/// Raises the limit on open files to the maximum for this process; distributions keep the default at 1,024 for old
/// programs.
#[cfg(target_os = "linux")]
pub fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // If it cannot be raised, the current limit applies.
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).ok();
}

#[cfg(not(target_os = "linux"))]
pub fn raise_limit() {}

/// The limit on open files; `None` when there is none or it is unknown.
#[cfg(target_os = "linux")]
pub fn limit() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|files| usize::try_from(files).ok())
}

#[cfg(not(target_os = "linux"))]
pub fn limit() -> Option<usize> {
    None
}

/// Creates a folder that only its owner may enter, and missing parents; an existing one is unchanged.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The mode of a file that others than its owner may change, or others than owner and group may read.
#[cfg(unix)]
pub fn exposed_mode(path: &Path) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).ok()?.permissions()) & 0o777;
    (mode & 0o027 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub fn exposed_mode(_: &Path) -> Option<u32> {
    None
}

/// The mode of a folder that others than its owner have any access to.
#[cfg(unix)]
pub fn shared_mode(path: &Path) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).ok()?.permissions()) & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub fn shared_mode(_: &Path) -> Option<u32> {
    None
}
