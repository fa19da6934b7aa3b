//! How many files and connections this process may have open.

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
