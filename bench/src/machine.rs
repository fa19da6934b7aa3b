//! What a report says of the machine.

use std::{fs, process::Command};

use serde_json::json;

pub fn describe() -> serde_json::Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let line = |text: &str, name: &str| {
        let found = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let capture = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
        output.map_or_else(String::new, |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let kib: f64 = line(&read("/proc/meminfo"), "MemTotal").trim_end_matches("kB").trim().parse().unwrap_or(0.0);
    json!({
        "cpu": line(&read("/proc/cpuinfo"), "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory_gib": (kib / 1_048_576.0).round(),
        "kernel": capture("uname", &["-sr"]),
        "load_before": read("/proc/loadavg").split_whitespace().next().unwrap_or("").to_owned(),
        "commit": capture("git", &["rev-parse", "--short", "HEAD"]),
        "date": capture("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
    })
}

/// The machine in one line.
pub fn describe_text(machine: &serde_json::Value) -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let of = |name: &str| machine[name].as_str().map_or_else(|| machine[name].to_string(), str::to_owned);
    format!(
        "{}, {} cores, {}, commit {}, {}; load {} before, {} after.",
        of("cpu"),
        of("cores"),
        of("kernel"),
        of("commit"),
        of("date"),
        of("load_before"),
        load.split_whitespace().next().unwrap_or("unknown"),
    )
}
