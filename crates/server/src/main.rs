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

/// The allocator asks for huge pages, and each is two megabytes from its first byte on: a fifth of an idle server's memory
/// for no speed that we could measure (decision 63).
#[cfg(target_os = "linux")]
fn refuse_huge_pages() {
    // Where the system does not know the question, there is nothing to refuse.
    rustix::thread::disable_transparent_huge_pages(true).ok();
}

#[cfg(not(target_os = "linux"))]
fn refuse_huge_pages() {}
