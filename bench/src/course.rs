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
    fs::write(out.join("course.svg"), draw(&points, span))?;
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

/// Three panels above one axis of time; the time of the backup is gray.
fn draw(points: &[Point], backup: Option<(f64, f64)>) -> String {
    const LEFT: f64 = 70.0;
    const WIDTH: f64 = 640.0;
    const PANEL: f64 = 110.0;
    const GAP: f64 = 34.0;
    type Panel = (&'static str, fn(&Point) -> f64, Option<fn(&Point) -> f64>);
    let panels: [Panel; 3] = [
        ("Wait of requests in ms: p99, and p50 (light)", |point| point.p99_ms, Some(|point| point.p50_ms)),
        ("Memory of the server in MiB", |point| point.memory_mib, None),
        ("Length of the write-ahead log in MiB", |point| point.log_mib, None),
    ];
    let end = points.last().map_or(1.0, |point| point.at);
    let height = panels.len() as f64 * (PANEL + GAP) + 40.0;
    let x = |at: f64| LEFT + at / end * WIDTH;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {height}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"Waits, memory and log over time\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        LEFT + WIDTH + 20.0
    );
    for (number, (title, value, second)) in panels.into_iter().enumerate() {
        let top = 24.0 + number as f64 * (PANEL + GAP);
        let most = points.iter().map(value).fold(1.0, f64::max) * 1.05;
        let y = |value: f64| top + PANEL - value / most * PANEL;
        let mut add = |text: String| svg.push_str(&(text + "\n"));
        if let Some((from, to)) = backup {
            add(format!(
                "<rect x=\"{:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{PANEL}\" fill=\"#e8e8e8\"/>",
                x(from),
                x(to) - x(from)
            ));
        }
        add(format!("<text x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\">{title}</text>", top - 6.0));
        for share in [0.0, 0.5, 1.0] {
            let at = y(most * share);
            add(format!(
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ccc\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{:.0}</text>",
                LEFT + WIDTH,
                LEFT - 6.0,
                at + 4.0,
                most * share
            ));
        }
        for (value, color) in [(Some(value), "#2364aa"), (second, "#9bbbe0")] {
            let Some(value) = value else { continue };
            let path: Vec<String> =
                points.iter().map(|point| format!("{:.1},{:.1}", x(point.at), y(value(point)))).collect();
            add(format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>",
                path.join(" ")
            ));
        }
    }
    for minute in 0..=(end / 60.0) as u64 {
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{minute} min</text>",
            x(minute as f64 * 60.0),
            height - 22.0
        )
        .expect("a string takes everything");
    }
    svg.push_str("</svg>\n");
    svg
}
