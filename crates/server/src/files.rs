//! Files of this process: how many it may have open, and who else may read them.

use std::{fs, io, path::Path};

/// Raises the limit to the highest this process may set; distributions keep the usual one at 1,024 for the sake of old programs.
#[cfg(target_os = "linux")]
pub(crate) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // One that cannot be raised is counted with as it is.
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).ok();
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn raise_limit() {}

/// The limit; none where there is none or it is not known.
#[cfg(target_os = "linux")]
pub(crate) fn limit() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|files| usize::try_from(files).ok())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn limit() -> Option<usize> {
    None
}

/// Makes a folder that only its owner may enter, and those above it that are missing; one that exists stays as it is.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The mode of a file that more than its owner may change, or more than its owner and its group may read.
#[cfg(unix)]
pub(crate) fn exposed_mode(path: &Path) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).ok()?.permissions()) & 0o777;
    (mode & 0o027 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(crate) fn exposed_mode(_: &Path) -> Option<u32> {
    None
}
