//! `bench/run`: starts the server, the floors and the peer, drives them in turn, and writes one report.

mod admin;
mod aims;
mod cases;
mod course;
mod device;
mod fill;
mod floor;
mod instance;
mod load;
mod loading;
mod machine;
mod options;
mod peer;
mod people;
mod plan;
mod plot;
mod process;
mod promotion;
mod report;
mod request;
mod run;
mod scenario;
mod store_location;
mod stretch;
mod wire;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

use options::Options;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Vestibule beside what the machine can do at most and beside a peer.
#[derive(Debug, Parser)]
#[command(name = "bench/run")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a floor (the benchmark calls this itself)
    #[command(hide = true)]
    Floor { floor: floor::Floor, port: u16, place: String },
}

fn main() -> ExitCode {
    match work(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work(cli: Cli) -> Result<(), Box<dyn Error>> {
    match cli.command {
        Some(Command::Floor { floor, port, place }) => {
            // The floor gets as many threads as the server.
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?
                .block_on(floor::serve(floor, port, &place))
        }
        // The load generator shares the machine with the server, so it uses one thread.
        None => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run::run(cli.options)),
    }
}
