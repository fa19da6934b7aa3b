//! Some minutes of a steady load with a backup in the middle, as a plot: waits, memory, and the length of the write-ahead log.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    path::Path,
    process::Child,
    time::{Duration, Instant},
};

use crate::{
    device::Pairs,
    fill,
    instance::{Instance, project_file},
    load,
    plot::{Line, Panel, Plot},
    process::find_port,
    scenario::{Scenario, Stage},
    store_location::StoreLocation,
};

const CONNECTIONS: usize = 32;
/// Requests a second of a mixed day.
const RATE: f64 = 1_500.0;
/// One point of the plot.
const SLICE: Duration = Duration::from_secs(5);
const GUESTS: usize = 10_000;

pub struct Setting<'a> {
    pub binary: &'a Path,
    pub root: &'a Path,
    pub users: u64,
    pub minutes: u64,
}

/// What was seen in one slice.
#[derive(Clone, Copy)]
struct Point {
    at: f64,
    p50_ms: f64,
    p99_ms: f64,
    memory_mib: f64,
    log_mib: f64,
}

/// Measures, and writes `course.svg`; returns the parts of the report.
pub async fn measure(
    setting: Setting<'_>,
    location: &StoreLocation,
    out: &Path,
) -> Result<Vec<String>, Box<dyn Error>> {
    let port = find_port()?;
    let instance = Instance::prepare(setting.binary, setting.root, location, port, &project_file(port))?;
    let known = fill::load(location, setting.users, GUESTS).await?;
    let server = instance.start(setting.root).await?;
    let mut stage = Stage::new(port, Pairs::make());
    stage.gather(port, "bench", known, GUESTS).await?;
    let log = || match location {
        StoreLocation::Folder(folder) => {
            fs::metadata(folder.join("store.db-wal")).map_or(0.0, |file| file.len() as f64 / 1_048_576.0)
        }
        StoreLocation::Database { .. } => 0.0,
    };
    let (begun, whole) = (Instant::now(), Duration::from_secs(setting.minutes * 60));
    let file = setting.root.join("backup.db");
    let (mut backup, mut span): (Option<Child>, Option<(f64, f64)>) = (None, None);
    let (mut points, mut errors) = (Vec::new(), 0);
    while begun.elapsed() < whole {
        if span.is_none() && begun.elapsed() >= whole / 2 {
            backup = Some(instance.command(&["backup"]).arg(&file).spawn()?);
            let now = begun.elapsed().as_secs_f64();
            span = Some((now, now));
        }
        let outcome = load::drive_open(port, stage.source(Scenario::MixedDay), CONNECTIONS, RATE, SLICE).await?;
        errors += outcome.errors;
        let memory_mib = server.memory().map_or(0.0, |(now, _)| now);
        let at = begun.elapsed().as_secs_f64();
        points.push(Point { at, p50_ms: outcome.p50_ms, p99_ms: outcome.p99_ms, memory_mib, log_mib: log() });
        if let (Some(child), Some(span)) = (&mut backup, &mut span)
            && child.try_wait()?.is_none()
        {
            span.1 = at;
        }
    }
    server.stop();
    fs::write(out.join("course.svg"), plot(&setting, &points, span).draw())?;
    let mut text = format!(
        "# {} minutes of a mixed day\n\n{RATE:.0} requests a second, {} guests, a backup in the middle{}; errors: {errors}. Plot: course.svg.\n\n",
        setting.minutes,
        setting.users,
        span.map_or_else(String::new, |(from, to)| format!(" ({from:.0} to {to:.0} s)")),
    );
    text.push_str("| s | p50 ms | p99 ms | memory MiB | log MiB |\n|---:|---:|---:|---:|---:|\n");
    for point in &points {
        let Point { at, p50_ms, p99_ms, memory_mib, log_mib } = point;
        writeln!(text, "| {at:.0} | {p50_ms:.2} | {p99_ms:.2} | {memory_mib:.1} | {log_mib:.1} |")?;
    }
    Ok(vec![text])
}

/// Waits, memory and log above one axis of time; the time of the backup is gray.
fn plot(setting: &Setting<'_>, points: &[Point], backup: Option<(f64, f64)>) -> Plot {
    let line = |name, value: fn(&Point) -> f64| Line { name, values: points.iter().map(value).collect() };
    Plot {
        title: format!(
            "{} minutes: {RATE:.0} requests a second, {} million guests",
            setting.minutes,
            setting.users as f64 / 1e6
        ),
        times: points.iter().map(|point| point.at).collect(),
        panels: vec![
            Panel {
                title: "How long a request waits, in ms",
                lines: vec![line("99 of 100", |point| point.p99_ms), line("half of all", |point| point.p50_ms)],
            },
            Panel { title: "Memory of the server, in MiB", lines: vec![line("memory", |point| point.memory_mib)] },
            Panel { title: "Write-ahead log on disk, in MiB", lines: vec![line("log", |point| point.log_mib)] },
        ],
        marked: backup.map(|(from, to)| ("backup", from, to)),
    }
}
