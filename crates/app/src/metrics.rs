//! The server's metrics, in Prometheus' text format.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use vestibule_store::StoreStats;

use crate::overload::Overload;

/// Upper bounds of the latency buckets, in microseconds; the last bucket is open.
const BOUNDS: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];
/// The name of every write that creates a guest.
const SIGN_UP: &str = "sign_up_anonymous";
/// The methods with their own series, to bound the number of series.
const METHODS: [&str; 4] = ["GET", "POST", "OPTIONS", "other"];

/// Requests and promotions of this process since it started.
#[derive(Default)]
pub struct Metrics {
    routes: RwLock<BTreeMap<Box<str>, Arc<[RouteCounters; 4]>>>,
    promoted: AtomicU64,
    /// By the reason.
    refused: [AtomicU64; Overload::ALL.len()],
    /// The connections of the server's own listener.
    pub connections: Arc<Connections>,
}

/// Why a connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedConnection {
    /// The total limit is reached.
    Full,
    /// The limit per address is reached.
    Address,
}

/// Why the server ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// The head of a request was too slow.
    Head,
    /// There was no further request.
    Idle,
    /// The peer did not read the response.
    Write,
    /// One response took too long.
    Age,
}

/// Connections of this process since it started.
#[derive(Debug, Default)]
pub struct Connections {
    opened: AtomicU64,
    closed: AtomicU64,
    refused: [AtomicU64; 2],
    cut: [AtomicU64; 4],
}

impl Connections {
    pub fn count_opened(&self) {
        self.opened.fetch_add(1, Relaxed);
    }

    pub fn count_closed(&self, cut: Option<Cut>) {
        self.closed.fetch_add(1, Relaxed);
        if let Some(cut) = cut {
            self.cut[cut as usize].fetch_add(1, Relaxed);
        }
    }

    pub fn count_refused(&self, reason: RefusedConnection) {
        self.refused[reason as usize].fetch_add(1, Relaxed);
    }

    fn print(&self, page: &mut MetricsPage) {
        let open = self.opened.load(Relaxed).saturating_sub(self.closed.load(Relaxed));
        page.family("vestibule_connections_open", "gauge", "Connections of the server's own listener.");
        page.sample("vestibule_connections_open", "", open);
        page.family("vestibule_connections_refused_total", "counter", "Connections refused, by reason.");
        for (reason, count) in ["full", "address"].iter().zip(&self.refused) {
            let label = format!("reason=\"{reason}\"");
            page.sample("vestibule_connections_refused_total", &label, count.load(Relaxed));
        }
        page.family("vestibule_connections_cut_total", "counter", "Connections ended by a time limit, by limit.");
        for (limit, count) in ["head", "idle", "write", "age"].iter().zip(&self.cut) {
            let label = format!("limit=\"{limit}\"");
            page.sample("vestibule_connections_cut_total", &label, count.load(Relaxed));
        }
    }
}

#[derive(Default)]
struct RouteCounters {
    /// By the first digit of the status.
    statuses: [AtomicU64; 6],
    classes: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Metrics {
    /// Counts one request; `route` is the pattern, never the path.
    pub fn count_request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route).map(Arc::clone);
        let methods = known.unwrap_or_else(|| {
            let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(routes.entry(route.into()).or_default())
        });
        let place = METHODS.iter().position(|name| *name == method).unwrap_or(METHODS.len() - 1);
        let route = &methods[place];
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        route.statuses[usize::from(status / 100).min(5)].fetch_add(1, Relaxed);
        route.classes[BOUNDS.partition_point(|bound| *bound < micros)].fetch_add(1, Relaxed);
        route.micros.fetch_add(micros, Relaxed);
    }

    pub(crate) fn count_refused_request(&self, overload: Overload) {
        self.refused[overload as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn count_promotion(&self) {
        self.promoted.fetch_add(1, Relaxed);
    }

    /// All metrics; `outbox_age` is the age of the oldest queued side effect.
    pub fn print(&self, store: &StoreStats, outbox_age: Option<Duration>) -> String {
        let mut page = MetricsPage(String::with_capacity(16_384));
        self.print_requests(&mut page);
        page.family("vestibule_requests_refused_total", "counter", "Requests refused with 503, by what was full.");
        for (overload, count) in Overload::ALL.iter().zip(&self.refused) {
            let label = format!("reason=\"{}\"", overload.as_str());
            page.sample("vestibule_requests_refused_total", &label, count.load(Relaxed));
        }
        self.connections.print(&mut page);
        print_store(&mut page, store);
        if let Some(age) = outbox_age {
            page.family("vestibule_outbox_oldest_seconds", "gauge", "Age of the oldest queued side effect.");
            page.sample("vestibule_outbox_oldest_seconds", "", seconds(age));
        }
        page.family("vestibule_guests_created_total", "counter", "Guests created by this process.");
        let created = store.by_name.iter().filter(|(name, _)| name.starts_with(SIGN_UP));
        page.sample(
            "vestibule_guests_created_total",
            "",
            created.map(|(_, write)| write.count - write.failed).sum::<u64>(),
        );
        page.family("vestibule_guests_promoted_total", "counter", "Guests promoted to members by this process.");
        page.sample("vestibule_guests_promoted_total", "", self.promoted.load(Relaxed));
        print_process(&mut page);
        page.0
    }

    fn print_requests(&self, page: &mut MetricsPage) {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let all = || {
            routes.iter().flat_map(|(name, methods)| METHODS.iter().zip(methods.iter()).map(move |(m, r)| (name, m, r)))
        };
        page.family("vestibule_http_requests_total", "counter", "Requests, by route, method and status class.");
        for (name, method, route) in all() {
            for (digit, count) in route.statuses.iter().enumerate() {
                let count = count.load(Relaxed);
                if count > 0 {
                    let labels = format!("method=\"{method}\",route=\"{name}\",status=\"{digit}xx\"");
                    page.sample("vestibule_http_requests_total", &labels, count);
                }
            }
        }
        page.family(
            "vestibule_http_request_seconds",
            "histogram",
            "Time from a request's head to its response, by route and method.",
        );
        for (name, method, route) in all() {
            let labels = format!("method=\"{method}\",route=\"{name}\"");
            let counts: Vec<u64> = route.classes.iter().map(|count| count.load(Relaxed)).collect();
            if counts.iter().any(|count| *count > 0) {
                let micros = Duration::from_micros(route.micros.load(Relaxed));
                page.histogram("vestibule_http_request_seconds", &labels, &counts, bound, seconds(micros));
            }
        }
    }
}

/// The upper bound of a latency bucket in seconds.
fn bound(class: usize) -> String {
    BOUNDS.get(class).map_or_else(|| "+Inf".into(), |micros| seconds(Duration::from_micros(*micros)).to_string())
}

fn print_store(page: &mut MetricsPage, stats: &StoreStats) {
    page.family("vestibule_store_writes_total", "counter", "Named writes, by outcome.");
    for (name, write) in &stats.by_name {
        page.sample(
            "vestibule_store_writes_total",
            &format!("name=\"{name}\",outcome=\"kept\""),
            write.count - write.failed,
        );
        if write.failed > 0 {
            page.sample("vestibule_store_writes_total", &format!("name=\"{name}\",outcome=\"undone\""), write.failed);
        }
    }
    page.family(
        "vestibule_store_write_seconds_total",
        "counter",
        "Total time of named writes, from request to result.",
    );
    for (name, write) in &stats.by_name {
        page.sample("vestibule_store_write_seconds_total", &format!("name=\"{name}\""), seconds(write.total));
    }
    page.family("vestibule_store_group_size", "histogram", "Writes that shared a commit.");
    let open = stats.group_sizes.len() - 1;
    let name = |class: usize| if class == open { "+Inf".to_owned() } else { (1_u64 << class).to_string() };
    page.histogram("vestibule_store_group_size", "", &stats.group_sizes, name, stats.writes);
    for (name, help, count) in [
        ("vestibule_store_commits_total", "Transactions committed.", stats.commits),
        ("vestibule_store_retries_total", "Transactions retried after a conflict or a lost connection.", stats.retries),
        ("vestibule_store_checkpoints_total", "Checkpoints of SQLite's write-ahead log.", stats.checkpoints),
    ] {
        page.family(name, "counter", help);
        page.sample(name, "", count);
    }
}

/// Metrics of the process, from Linux' /proc.
fn print_process(page: &mut MetricsPage) {
    page.family("vestibule_build_info", "gauge", "Always 1; the version is in the label.");
    page.sample("vestibule_build_info", &format!("version=\"{}\"", env!("CARGO_PKG_VERSION")), 1);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    };
    if let Some(kib) = field("VmRSS:") {
        page.family("process_resident_memory_bytes", "gauge", "Resident memory of this process.");
        page.sample("process_resident_memory_bytes", "", kib * 1_024);
    }
    if let Some(threads) = field("Threads:") {
        page.family("process_threads", "gauge", "Threads of this process.");
        page.sample("process_threads", "", threads);
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

struct MetricsPage(String);

impl MetricsPage {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a string takes everything");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let (open, close) = if labels.is_empty() { ("", "") } else { ("{", "}") };
        writeln!(self.0, "{name}{open}{labels}{close} {value}").expect("a string takes everything");
    }

    /// Writes a histogram, whose buckets Prometheus expects to be cumulative.
    fn histogram(
        &mut self,
        name: &str,
        labels: &str,
        counts: &[u64],
        bound: impl Fn(usize) -> String,
        sum: impl std::fmt::Display,
    ) {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut so_far = 0;
        for (class, count) in counts.iter().enumerate() {
            so_far += count;
            self.sample(&format!("{name}_bucket"), &format!("{labels}{comma}le=\"{}\"", bound(class)), so_far);
        }
        self.sample(&format!("{name}_sum"), labels, sum);
        self.sample(&format!("{name}_count"), labels, so_far);
    }
}

#[cfg(test)]
mod tests {
    use vestibule_store::WriteStats;

    use super::*;

    #[test]
    fn requests_are_counted_by_route_method_and_status() {
        let metrics = Metrics::default();
        metrics.count_request("POST", "/oauth2/token", 200, Duration::from_millis(2));
        metrics.count_request("POST", "/oauth2/token", 503, Duration::from_secs(9));
        metrics.count_refused_request(Overload::Share);
        metrics.count_refused_request(Overload::Share);
        metrics.count_request("BREW", "/oauth2/token", 405, Duration::ZERO);
        let page = metrics.print(&StoreStats::default(), None);
        for line in [
            "vestibule_http_requests_total{method=\"POST\",route=\"/oauth2/token\",status=\"2xx\"} 1",
            "vestibule_http_requests_total{method=\"POST\",route=\"/oauth2/token\",status=\"5xx\"} 1",
            "vestibule_http_requests_total{method=\"other\",route=\"/oauth2/token\",status=\"4xx\"} 1",
            "vestibule_http_request_seconds_bucket{method=\"POST\",route=\"/oauth2/token\",le=\"0.001\"} 0",
            "vestibule_http_request_seconds_bucket{method=\"POST\",route=\"/oauth2/token\",le=\"0.0025\"} 1",
            "vestibule_http_request_seconds_bucket{method=\"POST\",route=\"/oauth2/token\",le=\"+Inf\"} 2",
            "vestibule_http_request_seconds_sum{method=\"POST\",route=\"/oauth2/token\"} 9.002",
            "vestibule_http_request_seconds_count{method=\"POST\",route=\"/oauth2/token\"} 2",
            "vestibule_requests_refused_total{reason=\"share\"} 2",
            "vestibule_requests_refused_total{reason=\"store\"} 0",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
        }
    }

    /// Names of metrics in a text, without the suffixes of histograms.
    fn names(text: &str) -> std::collections::BTreeSet<String> {
        let words = text.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'));
        let ours = words.filter(|word| word.starts_with("vestibule_") || word.starts_with("process_"));
        let family = |word: &str| {
            let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
            histogram.unwrap_or(word).to_owned()
        };
        ours.map(family).collect()
    }

    #[test]
    fn dashboard_guide_and_page_name_the_same_metrics() {
        let page = Metrics::default().print(&StoreStats::default(), Some(Duration::ZERO));
        let families = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        let families: std::collections::BTreeSet<String> = families.map(str::to_owned).collect();
        let dashboard = include_str!("../../../docs/grafana/vestibule.json");
        let board: serde_json::Value = serde_json::from_str(dashboard).expect("the dashboard is JSON");
        let panels = board["panels"].as_array().expect("panels").iter();
        let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
        let expressions: Vec<&str> = targets.filter_map(|target| target["expr"].as_str()).collect();
        let expressions = names(&expressions.join(" "));
        let unknown: Vec<_> = expressions.difference(&families).collect();
        assert!(expressions.len() > 8 && unknown.is_empty(), "the dashboard asks for what there is not: {unknown:?}");
        let guide = names(include_str!("../../../docs/guides/observe.md"));
        let undocumented: Vec<_> = families.difference(&guide).collect();
        assert!(undocumented.is_empty(), "docs/guides/observe.md does not tell of {undocumented:?}");
        let unknown: Vec<_> = guide.difference(&families).collect();
        assert!(unknown.is_empty(), "docs/guides/observe.md tells of what there is not: {unknown:?}");
    }

    #[test]
    fn a_guest_that_was_not_kept_is_not_counted() {
        let write = |count, failed| WriteStats { count, failed, total: Duration::from_millis(500) };
        let stats = StoreStats {
            writes: 5,
            group_sizes: [1, 2, 0, 0, 0, 0, 0, 0, 0, 0],
            by_name: BTreeMap::from([
                ("sign_up_anonymous", write(3, 1)),
                ("sign_up_anonymous_cookie", write(2, 0)),
                ("refresh", write(7, 0)),
            ]),
            ..StoreStats::default()
        };
        let page = Metrics::default().print(&stats, Some(Duration::from_secs(3)));
        for line in [
            "vestibule_guests_created_total 4",
            "vestibule_store_writes_total{name=\"sign_up_anonymous\",outcome=\"undone\"} 1",
            "vestibule_store_write_seconds_total{name=\"refresh\"} 0.5",
            "vestibule_store_group_size_bucket{le=\"2\"} 3",
            "vestibule_store_group_size_sum 5",
            "vestibule_outbox_oldest_seconds 3",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
        }
    }
}
