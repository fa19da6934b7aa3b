//! The server's metrics. The counters are plain atomics, because every request counts; `prometheus-client` prints them in
//! Prometheus' text format.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet, prometheus_text},
    metrics::MetricType,
    registry::Registry,
};
use vestibule_store::StoreStats;

use crate::overload::Overload;

/// The media type of the metrics page.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// Upper bounds of the latency buckets, in microseconds; the last bucket is open.
const BOUNDS: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];
/// The name of every write that creates a guest.
const SIGN_UP: &str = "sign_up_anonymous";
/// The methods with their own series, to bound the number of series.
const METHODS: [&str; 4] = ["GET", "POST", "OPTIONS", "other"];
/// The classes of statuses, by the first digit.
const STATUSES: [&str; 6] = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// The counters of each route, by method.
type Routes = BTreeMap<Box<str>, Arc<[RouteCounters; 4]>>;

/// Requests and promotions of this process since it started.
#[derive(Default)]
pub struct Metrics {
    routes: RwLock<Routes>,
    promoted: AtomicU64,
    lazy: AtomicU64,
    stored: AtomicU64,
    job_restarts: AtomicU64,
    refused_holds: AtomicU64,
    refused_merge_answers: AtomicU64,
    /// Lines that the log could not write, once it is known.
    dropped_log_lines: OnceLock<Arc<AtomicU64>>,
    /// By the reason.
    refused: [AtomicU64; Overload::ALL.len()],
    /// By issuer.
    providers: RwLock<BTreeMap<Box<str>, Arc<[AtomicU64; ProviderCall::ALL.len()]>>>,
    /// The connections of the server's own listener.
    pub connections: Arc<Connections>,
}

/// How a call of a provider of external accounts ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProviderCall {
    Answered,
    /// There was no answer, or an error of the provider.
    Failed,
    /// It was not made, because the provider had failed several times.
    Skipped,
}

impl ProviderCall {
    const ALL: [Self; 3] = [Self::Answered, Self::Failed, Self::Skipped];

    fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Issuers with counters of their own, at most.
const ISSUERS: usize = 1_000;

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

    fn print(&self, page: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let open = self.opened.load(Relaxed).saturating_sub(self.closed.load(Relaxed));
        print_gauge(page, "vestibule_connections_open", "Connections of the server's own listener.", open)?;
        let refused = ["full", "address"].into_iter().zip(&self.refused);
        let refused = refused.map(|(reason, count)| ([("reason", reason)], count.load(Relaxed)));
        print_counters(page, "vestibule_connections_refused", "Connections refused, by reason.", refused)?;
        let cut = ["head", "idle", "write", "age"].into_iter().zip(&self.cut);
        let cut = cut.map(|(limit, count)| ([("limit", limit)], count.load(Relaxed)));
        print_counters(page, "vestibule_connections_cut", "Connections ended by a time limit, by limit.", cut)
    }
}

#[derive(Debug, Default)]
struct RouteCounters {
    /// By the first digit of the status.
    statuses: [AtomicU64; 6],
    classes: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// The counters of a route, by method.
pub struct CountedRoute(Arc<[RouteCounters; 4]>);

impl CountedRoute {
    /// Counts one request.
    pub fn count(&self, method: &str, status: u16, took: Duration) {
        let place = METHODS.iter().position(|name| *name == method).unwrap_or(METHODS.len() - 1);
        let route = &self.0[place];
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        route.statuses[usize::from(status / 100).min(5)].fetch_add(1, Relaxed);
        route.classes[BOUNDS.partition_point(|bound| *bound < micros)].fetch_add(1, Relaxed);
        route.micros.fetch_add(micros, Relaxed);
    }
}

impl Metrics {
    /// Counts one request; `route` is the pattern, never the path.
    pub fn count_request(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.find_route(route).count(method, status, took);
    }

    /// The counters of a route, to count without looking them up.
    pub fn find_route(&self, route: &str) -> CountedRoute {
        let known = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route).map(Arc::clone);
        CountedRoute(known.unwrap_or_else(|| {
            let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(routes.entry(route.into()).or_default())
        }))
    }

    pub(crate) fn count_refused_request(&self, overload: Overload) {
        self.refused[overload as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn count_promotion(&self) {
        self.promoted.fetch_add(1, Relaxed);
    }

    /// Counts a guest that signed up without being stored.
    pub(crate) fn count_lazy_guest(&self) {
        self.lazy.fetch_add(1, Relaxed);
    }

    /// Counts a guest that was stored after its sign-up.
    pub(crate) fn count_stored_guest(&self) {
        self.stored.fetch_add(1, Relaxed);
    }

    /// Reports this number of log lines that were dropped.
    pub fn watch_log(&self, dropped: Arc<AtomicU64>) {
        // The first log of a process stays.
        drop(self.dropped_log_lines.set(dropped));
    }

    /// Counts a call of the provider with this issuer.
    pub(crate) fn count_provider_call(&self, issuer: &str, call: ProviderCall) {
        let known = self.providers.read().unwrap_or_else(PoisonError::into_inner).get(issuer).map(Arc::clone);
        let counters = known.unwrap_or_else(|| {
            let mut providers = self.providers.write().unwrap_or_else(PoisonError::into_inner);
            let name = if providers.len() < ISSUERS { issuer } else { "other" };
            Arc::clone(providers.entry(name.into()).or_default())
        });
        counters[call as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn count_refused_hold(&self) {
        self.refused_holds.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_refused_merge_answer(&self) {
        self.refused_merge_answers.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_job_restart(&self) {
        self.job_restarts.fetch_add(1, Relaxed);
    }

    pub(crate) fn job_restarts(&self) -> u64 {
        self.job_restarts.load(Relaxed)
    }

    /// All metrics.
    pub fn print(&self, store: StoreStats, measured: Measured) -> String {
        let scrape = Scrape {
            routes: self.routes.read().unwrap_or_else(PoisonError::into_inner).clone(),
            promoted: self.promoted.load(Relaxed),
            lazy: self.lazy.load(Relaxed),
            stored: self.stored.load(Relaxed),
            job_restarts: self.job_restarts.load(Relaxed),
            refused_holds: self.refused_holds.load(Relaxed),
            refused_merge_answers: self.refused_merge_answers.load(Relaxed),
            dropped_log_lines: self.dropped_log_lines.get().map_or(0, |count| count.load(Relaxed)),
            refused: self.refused.each_ref().map(|count| count.load(Relaxed)),
            providers: self.providers.read().unwrap_or_else(PoisonError::into_inner).clone(),
            connections: Arc::clone(&self.connections),
            store,
            measured,
        };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(scrape));
        let mut page = String::with_capacity(16_384);
        prometheus_text::encode(&mut page, &registry).expect("a string takes everything");
        page
    }
}

/// What is measured for one page, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// The age of the oldest queued side effect.
    pub outbox_age: Option<Duration>,
    /// The number of events that are kept aside.
    pub unreadable: Option<i64>,
    /// Microseconds that the clock of this machine is ahead of the database's.
    pub clock_ahead: Option<i64>,
}

/// What one page reports.
#[derive(Debug)]
struct Scrape {
    routes: Routes,
    promoted: u64,
    lazy: u64,
    stored: u64,
    job_restarts: u64,
    refused_holds: u64,
    refused_merge_answers: u64,
    dropped_log_lines: u64,
    refused: [u64; Overload::ALL.len()],
    providers: BTreeMap<Box<str>, Arc<[AtomicU64; ProviderCall::ALL.len()]>>,
    connections: Arc<Connections>,
    store: StoreStats,
    measured: Measured,
}

impl Collector for Scrape {
    fn encode(&self, mut page: DescriptorEncoder<'_>) -> fmt::Result {
        let page = &mut page;
        self.print_requests(page)?;
        let refused = Overload::ALL.iter().zip(self.refused);
        let refused = refused.map(|(overload, count)| ([("reason", overload.as_str())], count));
        print_counters(page, "vestibule_requests_refused", "Requests refused with 503, by what was full.", refused)?;
        self.connections.print(page)?;
        print_store(page, &self.store)?;
        if let Some(age) = self.measured.outbox_age {
            let help = "Age of the oldest queued side effect.";
            print_gauge(page, "vestibule_outbox_oldest_seconds", help, age.as_secs_f64())?;
        }
        if let Some(count) = self.measured.unreadable {
            let help = "Queued events that could not be read and are kept aside.";
            print_gauge(page, "vestibule_events_unreadable", help, count)?;
        }
        if let Some(micros) = self.measured.clock_ahead {
            let help = "Seconds that the clock of this machine is ahead of the database's.";
            print_gauge(page, "vestibule_clock_ahead_seconds", help, micros as f64 / 1e6)?;
        }
        let help = "Background jobs that panicked or ended and were started again.";
        print_counter(page, "vestibule_job_restarts", help, self.job_restarts)?;
        let help = "Holds in the answers of webhooks that were refused.";
        print_counter(page, "vestibule_webhook_holds_refused", help, self.refused_holds)?;
        let help = "Answers of webhooks about merges that had no effect.";
        print_counter(page, "vestibule_webhook_merge_answers_refused", help, self.refused_merge_answers)?;
        let help = "Log lines that were dropped, because they could not be written.";
        print_counter(page, "vestibule_log_lines_dropped", help, self.dropped_log_lines)?;
        let created = self.store.by_name.iter().filter(|(name, _)| name.starts_with(SIGN_UP));
        let created: u64 = created.map(|(_, write)| write.count - write.failed).sum::<u64>() + self.stored;
        print_counter(page, "vestibule_guests_created", "Guests created by this process.", created)?;
        let help = "Guests who signed up at this process and were not stored then.";
        print_counter(page, "vestibule_guests_lazy", help, self.lazy)?;
        let help = "Guests promoted to members by this process.";
        print_counter(page, "vestibule_guests_promoted", help, self.promoted)?;
        let calls = self.providers.iter().flat_map(|(issuer, counters)| {
            let results = ProviderCall::ALL.into_iter().zip(counters.iter());
            results
                .map(move |(result, count)| ([("issuer", &**issuer), ("result", result.as_str())], count.load(Relaxed)))
        });
        print_counters(page, "vestibule_provider_calls", "Calls of providers of external accounts, by result.", calls)?;
        print_process(page)
    }
}

impl Scrape {
    fn print_requests(&self, page: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let routes = || {
            self.routes.iter().flat_map(|(route, methods)| {
                METHODS.iter().zip(methods.iter()).map(move |(method, counters)| (&**route, *method, counters))
            })
        };
        let requests = routes().flat_map(|(route, method, counters)| {
            let statuses = STATUSES.iter().zip(&counters.statuses);
            statuses.map(move |(status, count)| {
                ([("method", method), ("route", route), ("status", *status)], count.load(Relaxed))
            })
        });
        let requests = requests.filter(|(_, count)| *count > 0);
        print_counters(page, "vestibule_http_requests", "Requests, by route, method and status class.", requests)?;
        let help = "Time from a request's head to its response, by route and method.";
        let mut family = page.encode_descriptor("vestibule_http_request_seconds", help, None, MetricType::Histogram)?;
        for (route, method, counters) in routes() {
            let counts = counters.classes.each_ref().map(|count| count.load(Relaxed));
            let count: u64 = counts.iter().sum();
            if count > 0 {
                let bounds = BOUNDS.iter().map(|micros| seconds(*micros)).chain([f64::INFINITY]);
                let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
                let sum = seconds(counters.micros.load(Relaxed));
                let labels = [("method", method), ("route", route)];
                let mut series = family.encode_family(&labels)?;
                series.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }
}

fn print_store(page: &mut DescriptorEncoder<'_>, stats: &StoreStats) -> fmt::Result {
    let writes = stats.by_name.iter().flat_map(|(name, write)| {
        let undone = (write.failed > 0).then_some(("undone", write.failed));
        let outcomes = [("kept", write.count - write.failed)].into_iter().chain(undone);
        outcomes.map(move |(outcome, count)| ([("name", *name), ("outcome", outcome)], count))
    });
    print_counters(page, "vestibule_store_writes", "Named writes, by outcome.", writes)?;
    let times = stats.by_name.iter().map(|(name, write)| ([("name", *name)], write.total.as_secs_f64()));
    let help = "Total time of named writes, from request to result.";
    print_counters(page, "vestibule_store_write_seconds", help, times)?;
    let help = "Writes that shared a commit.";
    print_group_sizes(page, ("vestibule_store_group_size", help), &stats.group_sizes, stats.writes)?;
    let help = "Reads of a session with its user that shared a statement (PostgreSQL).";
    let reads = stats.grouped_reads;
    print_group_sizes(page, ("vestibule_store_read_group_size", help), &stats.read_group_sizes, reads)?;
    print_counter(page, "vestibule_store_commits", "Transactions committed.", stats.commits)?;
    let help = "Transactions retried after a conflict or a lost connection.";
    print_counter(page, "vestibule_store_retries", help, stats.retries)?;
    print_counter(page, "vestibule_store_checkpoints", "Checkpoints of SQLite's write-ahead log.", stats.checkpoints)
}

fn print_group_sizes(
    page: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    classes: &[u64],
    members: u64,
) -> fmt::Result {
    let last = classes.len() - 1;
    let buckets = classes.iter().enumerate().map(|(class, count)| {
        let bound = if class == last { f64::INFINITY } else { (1_u64 << class) as f64 };
        (bound, *count)
    });
    let buckets: Vec<(f64, u64)> = buckets.collect();
    let mut family = page.encode_descriptor(name, help, None, MetricType::Histogram)?;
    family.encode_histogram::<NoLabelSet>(members as f64, classes.iter().sum(), &buckets, None)
}

/// Metrics of the process, from Linux' /proc.
fn print_process(page: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Always 1; the version is in the label.";
    let mut build = page.encode_descriptor("vestibule_build_info", help, None, MetricType::Gauge)?;
    build.encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?.encode_gauge(&1_u64)?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    };
    if let Some(kib) = field("VmRSS:") {
        print_gauge(page, "process_resident_memory_bytes", "Resident memory of this process.", kib * 1_024)?;
    }
    if let Some(threads) = field("Threads:") {
        print_gauge(page, "process_threads", "Threads of this process.", threads)?;
    }
    Ok(())
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

/// The encoder appends `_total` to a counter's name.
fn print_counter(page: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    print_counters(page, name, help, [([("", ""); 0], value)])
}

fn print_counters<'a, V: EncodeCounterValue, const LABELS: usize>(
    page: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    samples: impl IntoIterator<Item = ([(&'a str, &'a str); LABELS], V)>,
) -> fmt::Result {
    let mut family = page.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in samples {
        family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&value, None)?;
    }
    Ok(())
}

fn print_gauge(page: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: impl EncodeGaugeValue) -> fmt::Result {
    page.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

#[cfg(test)]
mod tests {
    use vestibule_store::WriteStats;

    use super::*;

    const EVERYTHING: Measured =
        Measured { outbox_age: Some(Duration::from_secs(3)), unreadable: Some(2), clock_ahead: Some(-1_500_000) };

    #[test]
    fn requests_are_counted_by_route_method_and_status() {
        let metrics = Metrics::default();
        metrics.count_request("POST", "/oauth2/token", 200, Duration::from_millis(2));
        metrics.count_request("POST", "/oauth2/token", 503, Duration::from_secs(9));
        metrics.count_refused_request(Overload::Share);
        metrics.count_refused_request(Overload::Share);
        metrics.count_request("BREW", "/oauth2/token", 405, Duration::ZERO);
        let page = metrics.print(StoreStats::default(), Measured::default());
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
        let page = Metrics::default().print(StoreStats::default(), EVERYTHING);
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
            grouped_reads: 9,
            read_group_sizes: [1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
            by_name: BTreeMap::from([
                ("sign_up_anonymous", write(3, 1)),
                ("sign_up_anonymous_cookie", write(2, 0)),
                ("refresh", write(7, 0)),
            ]),
            ..StoreStats::default()
        };
        let page = Metrics::default().print(stats, EVERYTHING);
        for line in [
            "vestibule_guests_created_total 4",
            "vestibule_store_writes_total{name=\"sign_up_anonymous\",outcome=\"undone\"} 1",
            "vestibule_store_write_seconds_total{name=\"refresh\"} 0.5",
            "vestibule_store_group_size_bucket{le=\"2\"} 3",
            "vestibule_store_group_size_sum 5.0",
            "vestibule_store_read_group_size_bucket{le=\"8\"} 2",
            "vestibule_store_read_group_size_sum 9.0",
            "vestibule_outbox_oldest_seconds 3.0",
            "vestibule_clock_ahead_seconds -1.5",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
        }
    }
}
