//! The binary `vestibule`.

use std::process::ExitCode;

use clap::Parser;
use vestibule_server::cli::{Cli, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Cli::parse())
}
