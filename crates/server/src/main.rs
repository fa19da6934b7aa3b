//! The binary `vestibule`.

use std::process::ExitCode;

use clap::Parser;
use vestibule_server::cli::{Cli, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    refuse_huge_pages();
    run(Cli::parse())
}

/// Disables transparent huge pages, which the allocator requests: each is two megabytes from its first byte, a fifth of
/// an idle server's memory, without a measurable gain in speed (ADR 63).
#[cfg(target_os = "linux")]
fn refuse_huge_pages() {
    // Operating systems without this setting need no change.
    rustix::thread::disable_transparent_huge_pages(true).ok();
}

#[cfg(not(target_os = "linux"))]
fn refuse_huge_pages() {}
