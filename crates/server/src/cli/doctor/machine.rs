//! The machine: its clock, the limit of open files, and the disk.

use std::{path::Path, time::Duration};

use vestibule_api::serve::Capacity;
use vestibule_app::{config::Config, files, open};

use super::report::Report;

/// How long `timedatectl` may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Free space below which the next hours are at risk, and below which the next days are.
const LEAST: u64 = 100 << 20;
const LITTLE: u64 = 1 << 30;

pub(super) async fn check_clock(report: &mut Report) {
    const CHECK: &str = "clock";
    let mut command = tokio::process::Command::new("timedatectl");
    command.args(["show", "--property=NTPSynchronized", "--value"]).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    match output {
        Ok(Ok(output)) if output.status.success() && output.stdout.starts_with(b"yes") => {
            report.ok(CHECK, "it is synchronized");
        }
        Ok(Ok(output)) if output.status.success() => report.warn(
            CHECK,
            "it is not synchronized: codes, tokens and passkeys depend on the time",
            "timedatectl set-ntp true, or install chrony",
        ),
        Ok(_) | Err(_) => report.ok(CHECK, "whether it is synchronized can't be asked here (no timedatectl)"),
    }
}

pub(super) fn check_open_files(config: &Config, report: &mut Report) {
    const CHECK: &str = "open files";
    files::raise_limit();
    let (wanted, own) = (config.server.max_connections, Capacity::of(&config.server).total);
    // The service's limit may be another one than this shell's.
    let running = open::store_file(config).as_deref().and_then(find_server).and_then(read_file_limit);
    let (places, whose) = match running {
        Some(files) => (Capacity::within(&config.server, files).total, "the running server"),
        None => (own, "a server started like this command"),
    };
    if places >= wanted {
        return report.ok(CHECK, &format!("{whose} can hold {wanted} connections"));
    }
    let message = format!("{whose} can hold {places} connections, and server.max_connections is {wanted}");
    report.warn(CHECK, &message, "raise the hard limit: LimitNOFILE=65536 in the systemd unit, or ulimit -Hn");
}

/// The process that holds the lock of an embedded store.
fn find_server(store: &Path) -> Option<u32> {
    let lock = std::fs::read_to_string(format!("{}.lock", store.display())).ok()?;
    let process = lock.split_once("(process ")?.1.split_once(')')?.0.parse().ok()?;
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    (name.trim() == "vestibule").then_some(process)
}

fn read_file_limit(process: u32) -> Option<usize> {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok())
}

pub(super) fn check_disk(config: &Config, report: &mut Report) {
    const CHECK: &str = "disk";
    let Some(store) = open::store_file(config) else {
        return report.ok(CHECK, "the store is in PostgreSQL: watch the disk of that machine");
    };
    let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(free) = free_bytes(folder) else {
        return report.warn(CHECK, &format!("the free space of {} is unknown", folder.display()), "look with df -h");
    };
    let used = std::fs::metadata(&store).map_or(0, |file| file.len());
    let message = format!("{} MiB are free in {}, and the store has {} MiB", free >> 20, folder.display(), used >> 20);
    if free < LEAST {
        report.fail(CHECK, &message, "make room: on a full disk, every write is refused");
    } else if free < LITTLE || free < used {
        report.warn(CHECK, &message, "make room: neither growth nor a backup has it");
    } else {
        report.ok(CHECK, &message);
    }
}

#[cfg(target_os = "linux")]
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(target_os = "linux"))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
