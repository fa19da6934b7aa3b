//! `bench/run`: starts the server, the floors and the peer, drives them in turn, and writes one report.

mod admin;
mod device;
mod fill;
mod floor;
mod instance;
mod load;
mod loading;
mod people;
mod process;
mod promotion;
mod report;
mod request;
mod run;
mod scenario;
mod store_location;
mod wire;

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

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

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Short stretches, one concurrency, one round: done within a minute
    #[arg(long)]
    pub quick: bool,
    /// Only this scenario; may be repeated
    #[arg(long, value_name = "NAME")]
    pub scenario: Vec<scenario::Scenario>,
    /// Instead: what operators ask for (lists, searches, numbers, the log) of a million users, or of --users
    #[arg(long, conflicts_with_all = ["scenario", "quick", "concurrency", "seconds", "rounds"])]
    pub admin: bool,
    /// Only this engine; both when PostgreSQL is there, without it
    #[arg(long)]
    pub store: Option<store_location::Engine>,
    /// Where the report goes
    #[arg(long, value_name = "DIR", default_value = "bench/out")]
    pub out: PathBuf,
    /// Dormant guests in the store, e.g. 0,1000000,10000000
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    pub users: Vec<u64>,
    /// Connections, e.g. 16,64,256
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    pub concurrency: Vec<usize>,
    /// Seconds of each stretch
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<f64>,
    /// How often everything is measured; the middle counts
    #[arg(long, value_name = "N")]
    pub rounds: Option<usize>,
    /// Leave the peer out
    #[arg(long)]
    pub without_peer: bool,
    /// A PostgreSQL server that lends scratch databases
    #[arg(long, env = "VESTIBULE_BENCH_POSTGRES", hide_env_values = true, value_name = "URL")]
    pub postgres: Option<String>,
    /// The binary to measure
    #[arg(long, env = "VESTIBULE_BENCH_BINARY", default_value = "target/release/vestibule", value_name = "FILE")]
    pub binary: PathBuf,
    /// The peer's folder, with its packages installed
    #[arg(long, default_value = "bench/peer", value_name = "DIR")]
    pub peer: PathBuf,
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
