//! The options of `bench/run`.

use std::path::PathBuf;

use crate::{scenario, store_location};

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
    /// Instead: what happens beside the usual: tokens unused for a minute, fresh and idle connections, a reverse proxy, clean-up, backup,
    /// restart; with a million guests, or --users
    #[arg(long, conflicts_with_all = ["admin", "scenario", "quick"])]
    pub cases: bool,
    /// Instead: the aims of docs/benchmarks.md, each a row of one table, in which all take turns; without guests, or with --users
    #[arg(long, conflicts_with_all = ["admin", "cases", "quick"])]
    pub aims: bool,
    /// Instead: so many minutes of a steady mixed load with a backup in the middle, as a plot of latency, memory and log
    #[arg(long, value_name = "N", conflicts_with_all = ["admin", "aims", "cases", "scenario", "quick"])]
    pub minutes: Option<u64>,
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
