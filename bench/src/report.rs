//! The report: a table in Markdown, all figures as JSON, a chart as SVG.

use std::{error::Error, fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

/// The median of the rounds of one measurement.
#[derive(Clone, Debug)]
pub struct Figure {
    pub scenario: &'static str,
    pub store: &'static str,
    pub users: u64,
    pub concurrency: usize,
    /// "closed" or "open".
    pub kind: &'static str,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    pub errors: u64,
    /// The server's processor time per request, in microseconds.
    pub server_micros: Option<f64>,
    /// The load generator's, which shares the server's two cores.
    pub load_micros: Option<f64>,
    pub ratio_to_floor: Option<f64>,
    pub ratio_to_peer: Option<f64>,
}

/// Figures other than rates: memory, startup, sizes.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    pub store: &'static str,
    pub users: u64,
    pub start_up_ms: Option<f64>,
    pub idle_mib: Option<f64>,
    pub flood_mib: Option<f64>,
    pub bytes_per_guest: Option<f64>,
    pub load_seconds: Option<f64>,
}

pub struct Report {
    pub machine: Value,
    pub settings: Value,
    pub binary_bytes: Option<u64>,
    pub figures: Vec<Figure>,
    pub sizes: Vec<Sizes>,
    pub notes: Vec<String>,
}

impl Report {
    pub fn write(&self, folder: &Path) -> Result<String, Box<dyn Error>> {
        fs::create_dir_all(folder)?;
        let markdown = self.to_markdown();
        fs::write(folder.join("results.json"), serde_json::to_string_pretty(&self.to_json())? + "\n")?;
        fs::write(folder.join("results.md"), &markdown)?;
        fs::write(folder.join("results.svg"), self.to_svg())?;
        Ok(markdown)
    }

    fn to_json(&self) -> Value {
        let results: Vec<Value> = self
            .figures
            .iter()
            .map(|figure| {
                json!({
                    "scenario": figure.scenario,
                    "store": figure.store,
                    "users": figure.users,
                    "concurrency": figure.concurrency,
                    "loop": figure.kind,
                    "per_second": round(figure.per_second),
                    "p50_ms": round(figure.p50_ms),
                    "p99_ms": round(figure.p99_ms),
                    "max_ms": round(figure.max_ms),
                    "errors": figure.errors,
                    "server_us_per_request": figure.server_micros.map(round),
                    "load_us_per_request": figure.load_micros.map(round),
                    "ratio_to_floor": figure.ratio_to_floor.map(round),
                    "ratio_to_peer": figure.ratio_to_peer.map(round),
                })
            })
            .collect();
        let sizes: Vec<Value> = self
            .sizes
            .iter()
            .map(|sizes| {
                json!({
                    "store": sizes.store,
                    "users": sizes.users,
                    "start_up_ms": sizes.start_up_ms.map(round),
                    "idle_mib": sizes.idle_mib.map(round),
                    "flood_mib": sizes.flood_mib.map(round),
                    "bytes_per_guest": sizes.bytes_per_guest.map(round),
                    "load_seconds": sizes.load_seconds.map(round),
                })
            })
            .collect();
        json!({
            "machine": self.machine,
            "settings": self.settings,
            "binary_bytes": self.binary_bytes,
            "results": results,
            "sizes": sizes,
            "notes": self.notes,
        })
    }

    fn to_markdown(&self) -> String {
        let mut text = String::from("# Benchmark\n\n");
        for (title, value) in [("Machine", &self.machine), ("Settings", &self.settings)] {
            let fields = value.as_object().into_iter().flatten();
            let fields: Vec<String> = fields.map(|(key, value)| format!("{key} {}", plain(value))).collect();
            writeln!(text, "{title}: {}\n", fields.join(" · ")).expect("a string takes everything");
        }
        text.push_str("| scenario | store | users | connections | loop | per second | p50 ms | p99 ms | to floor | to peer | server µs | load µs | errors |\n");
        text.push_str("|---|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
        for figure in &self.figures {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {:.0} | {:.2} | {:.2} | {} | {} | {} | {} | {} |",
                figure.scenario,
                figure.store,
                figure.users,
                figure.concurrency,
                figure.kind,
                figure.per_second,
                figure.p50_ms,
                figure.p99_ms,
                figure.ratio_to_floor.map_or_else(|| "–".into(), |ratio| format!("{:.0} %", ratio * 100.0)),
                figure.ratio_to_peer.map_or_else(|| "–".into(), |ratio| format!("{ratio:.1} ×")),
                figure.server_micros.map_or_else(|| "–".into(), |micros| format!("{micros:.1}")),
                figure.load_micros.map_or_else(|| "–".into(), |micros| format!("{micros:.1}")),
                figure.errors,
            )
            .expect("a string takes everything");
        }
        text.push_str("\n| store | users | start ms | idle MiB | under flood MiB | bytes per guest | loaded in s |\n|---|---:|---:|---:|---:|---:|---:|\n");
        let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.0}"));
        for sizes in &self.sizes {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                sizes.store,
                sizes.users,
                cell(sizes.start_up_ms),
                cell(sizes.idle_mib),
                cell(sizes.flood_mib),
                cell(sizes.bytes_per_guest),
                cell(sizes.load_seconds),
            )
            .expect("a string takes everything");
        }
        if let Some(bytes) = self.binary_bytes {
            writeln!(text, "\nBinary: {:.1} MiB.", bytes as f64 / 1_048_576.0).expect("a string takes everything");
        }
        for note in &self.notes {
            writeln!(text, "\n{note}").expect("a string takes everything");
        }
        text
    }

    /// One bar per scenario with its best closed-loop figure, on a logarithmic axis.
    fn to_svg(&self) -> String {
        let mut bars: Vec<(String, f64)> = Vec::new();
        for figure in self.figures.iter().filter(|figure| figure.kind == "closed") {
            let users = if figure.users == 0 { String::new() } else { format!(", {} users", figure.users) };
            let label = format!("{} ({}{users})", figure.scenario, figure.store);
            match bars.iter_mut().find(|(known, _)| *known == label) {
                Some((_, best)) => *best = best.max(figure.per_second),
                None => bars.push((label, figure.per_second)),
            }
        }
        let (left, width, row) = (260.0, 520.0, 22.0);
        let height = bars.len() as f64 * row + 60.0;
        let most = bars.iter().map(|(_, rate)| *rate).fold(10.0, f64::max).log10().ceil();
        let place = |rate: f64| rate.max(1.0).log10() / most * width;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{height}\" viewBox=\"0 0 {0} {height}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"Requests per second of each scenario\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"12\" y=\"18\" font-size=\"14\" font-weight=\"bold\">Requests per second, best of all concurrencies (logarithmic)</text>\n",
            left + width + 90.0
        );
        for power in 0..=(most as i32) {
            let x = left + place(10_f64.powi(power));
            writeln!(svg, "<line x1=\"{x}\" x2=\"{x}\" y1=\"30\" y2=\"{0}\" stroke=\"#ddd\"/><text x=\"{x}\" y=\"{1}\" text-anchor=\"middle\" fill=\"#555\">{2}</text>", height - 24.0, height - 8.0, 10_u64.pow(power as u32)).expect("a string takes everything");
        }
        for (number, (label, rate)) in bars.iter().enumerate() {
            let y = 34.0 + number as f64 * row;
            let fill = if label.starts_with("floor") {
                "#9aa5b1"
            } else if label.starts_with("peer") {
                "#d9822b"
            } else {
                "#2364aa"
            };
            writeln!(
                svg,
                "<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{label}</text><rect x=\"{left}\" y=\"{y}\" width=\"{2:.1}\" height=\"16\" fill=\"{fill}\"/><text x=\"{3:.1}\" y=\"{1}\">{rate:.0}</text>",
                left - 8.0,
                y + 12.0,
                place(*rate),
                left + place(*rate) + 6.0,
            )
            .expect("a string takes everything");
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
