//! `bench/run --admin`: queries of operators on a store with a million users: lists, searches, a user, statistics, the
//! log.

use std::{
    error::Error,
    fmt::Write as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    instance::Instance,
    people::{self, DAYS, SampleUser},
    process::{Process, find_port},
    store_location::{Engine, StoreLocation},
    wire::Connection,
};

/// How often each query is sent.
const ROUNDS: i64 = 200;
/// Number of pages read to get cursors of later pages.
const PAGES: usize = 40;
const DAY_MICROS: i64 = 86_400_000_000;

/// The project's settings.
fn project_file(port: u16) -> String {
    let mut text = format!(
        r#"[project]
id = "bench"
public_origin = "http://127.0.0.1:{port}"

[authentication]
identities = ["login_id", "anonymous"]
"#
    );
    for kind in ["email", "phone", "username"] {
        write!(text, "\n[[identity.login_id.keys]]\ntype = \"{kind}\"\n").expect("a string takes everything");
    }
    for client in ["web", "ios", "android"] {
        write!(
            text,
            "\n[[oauth.clients]]\nclient_id = \"{client}\"\nx_application_type = \"spa\"\nredirect_uris = [\"https://shop.example/\"]\n"
        )
        .expect("a string takes everything");
    }
    text
}

/// The times of one query's responses, in milliseconds.
struct Answered {
    question: String,
    times: Vec<f64>,
    /// The server's processor time per query, where the system reports it.
    processor: Option<f64>,
}

impl Answered {
    fn at(&self, part: usize) -> f64 {
        self.times[(self.times.len() * part / 100).min(self.times.len() - 1)]
    }
}

/// Loads and queries one engine; returns its part of the report.
pub async fn measure(
    binary: &Path,
    root: &Path,
    location: &StoreLocation,
    engine: Engine,
    count: u64,
) -> Result<String, Box<dyn Error>> {
    let count = i64::try_from(count)?;
    if count < 100_000 {
        return Err("--admin wants 100,000 users or more: with fewer, some lists have one page".into());
    }
    let port = find_port()?;
    let instance = Instance::prepare(binary, root, location, port, &project_file(port))?;
    eprintln!("{}: loading {count} users", engine.name());
    let begun = Instant::now();
    let now = people::load(location, count).await?;
    let loaded = begun.elapsed();
    let key = make_key(binary, &instance)?;
    let settings = [("VESTIBULE__ADMIN_API__REQUESTS_PER_MINUTE", "1000000"), ("VESTIBULE__AUDIT__KEEP_DAYS", "0")];
    let server = instance.start_with(root, &settings).await?;
    eprintln!("{}: loaded in {:.0} s, asking", engine.name(), loaded.as_secs_f64());
    let mut admin_client =
        AdminClient { connection: Connection::open(port).await?, server: &server, key, answered: Vec::new() };
    admin_client.ask_all(count, now).await?;
    let answered = admin_client.answered;
    let memory = server.memory();
    server.stop();
    Ok(print(engine, count, loaded, &answered, memory))
}

fn make_key(binary: &Path, instance: &Instance) -> Result<String, Box<dyn Error>> {
    let scopes = "users:read,events:read,statistics:read";
    let output = Command::new(binary)
        .args(["admin", "key", "create", "--project", "bench", "--name", "bench", "--scopes", scopes, "--config"])
        .arg(instance.config())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let key = text.split_whitespace().find(|word| word.starts_with("vak_"));
    Ok(key.ok_or_else(|| format!("no key was made: {}", String::from_utf8_lossy(&output.stderr)))?.to_owned())
}

fn print(engine: Engine, count: i64, loaded: Duration, answered: &[Answered], memory: Option<(f64, f64)>) -> String {
    let mut text = format!("\n## {}, {count} users, loaded in {:.0} s\n\n", engine.name(), loaded.as_secs_f64());
    text.push_str("| question | p50 ms | p95 ms | slowest ms | server's processor ms |\n|---|---:|---:|---:|---:|\n");
    for one in answered {
        let processor = one.processor.map_or_else(|| "–".to_owned(), |time| format!("{time:.2}"));
        let (p50, p95, most) = (one.at(50), one.at(95), one.at(100));
        writeln!(text, "| {} | {p50:.1} | {p95:.1} | {most:.1} | {processor} |", one.question)
            .expect("a string takes everything");
    }
    let worst = answered.iter().max_by(|a, b| a.at(95).total_cmp(&b.at(95)));
    if let Some(worst) = worst {
        let p95 = worst.at(95);
        let verdict = if p95 < 50.0 { "the aim of 50 ms is met" } else { "**the aim of 50 ms is missed**" };
        writeln!(text, "\nSlowest p95: {p95:.1} ms ({}); {verdict}.", worst.question)
            .expect("a string takes everything");
    }
    if let Some((_, most)) = memory {
        writeln!(text, "The server held {most:.0} MiB at most.").expect("a string takes everything");
    }
    text
}

/// A client of the Admin API that measures its requests.
struct AdminClient<'a> {
    connection: Connection,
    server: &'a Process,
    key: String,
    answered: Vec<Answered>,
}

impl AdminClient<'_> {
    async fn ask_all(&mut self, count: i64, now: i64) -> Result<(), Box<dyn Error>> {
        // Promoted members with all three login IDs, from all parts of the store.
        let person = |round: i64| SampleUser::of(round * 7_919 * 10 % count / 10 * 10, count, now);
        for kind in ["all", "guest", "member", "promoted", "dormant", "disabled"] {
            let path = format!("/users?kind={kind}&days=30");
            self.ask(&format!("{kind}: first page"), |_| path.clone()).await?;
            let cursors = self.collect_cursors(&path).await?;
            let later =
                |round: i64| format!("{path}&cursor={}", cursors[usize::try_from(round).unwrap_or(0) % cursors.len()]);
            self.ask(&format!("{kind}: later pages"), later).await?;
            self.ask(&format!("{kind}: oldest first, with the total"), |_| format!("{path}&sort=oldest&total=true"))
                .await?;
        }
        let by_login = "/users?kind=member&sort=latest_login&total=true";
        self.ask("member: by the last login, with the total", |_| by_login.into()).await?;
        self.ask("promoted: of 80 days, 200 a page", |_| "/users?kind=promoted&days=80&limit=200".into()).await?;
        self.ask("dormant: for 60 days, 200 a page", |_| "/users?kind=dormant&days=60&limit=200".into()).await?;
        self.ask("search: id", |round| format!("/users?q={}", person(round).user_id())).await?;
        self.ask("search: beginning of an id", |round| format!("/users?q={}", &person(round).user_id()[..11])).await?;
        self.ask("search: e-mail address", |round| format!("/users?q={}", person(round).email())).await?;
        self.ask("search: three letters", |round| format!("/users?q={}", &person(round).email()[..3])).await?;
        self.ask("search: phone number", |round| format!("/users?q=%2B{}", &person(round).phone()[1..])).await?;
        self.ask("search: username", |round| format!("/users?q={}", person(round).username())).await?;
        self.ask("search: what all begin with, 200", |_| "/users?q=user&limit=200".into()).await?;
        self.ask("search: what nobody has", |round| format!("/users?q=zz{round}")).await?;
        self.ask("user: itself", |round| format!("/users/{}", person(round).user_id())).await?;
        self.ask("user: sessions", |round| format!("/users/{}/sessions", person(round).user_id())).await?;
        self.ask("user: device keys", |round| format!("/users/{}/device-keys", person(round).user_id())).await?;
        self.ask("user: events", |round| format!("/events?limit=20&user_id={}", person(round).user_id())).await?;
        for days in [1, 7, 30, 90, 400] {
            self.ask(&format!("overview: {days} days"), |_| format!("/statistics?from={}", day(now, days - 1))).await?;
        }
        self.ask("overview: 90 days of one application", |_| {
            format!("/statistics?client_id=web&from={}", day(now, 89))
        })
        .await?;
        self.ask("log: newest page", |_| "/events".into()).await?;
        let cursors = self.collect_cursors("/events?limit=200").await?;
        let later = |round: i64| {
            format!("/events?limit=200&cursor={}", cursors[usize::try_from(round).unwrap_or(0) % cursors.len()])
        };
        self.ask("log: later pages, 200 a page", later).await?;
        self.ask("log: one event", |_| "/events?type=user.anonymous.promoted".into()).await?;
        self.ask("log: an event that never was", |_| "/events?type=user.deleted".into()).await?;
        self.ask("log: a day", |round| {
            let day = day(now, round % DAYS);
            format!("/events?from={day}&to={day}")
        })
        .await?;
        self.ask("log: one event of a day", |round| {
            let day = day(now, round % DAYS);
            format!("/events?type=user.created&from={day}&to={day}")
        })
        .await
    }

    async fn get(&mut self, path: &str) -> Result<(f64, Value), Box<dyn Error>> {
        let request = format!(
            "GET /_api/admin/v1{path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\r\n",
            self.server.port, self.key
        );
        let begun = Instant::now();
        let answer = self.connection.ask(request.as_bytes()).await?;
        let took = begun.elapsed().as_secs_f64() * 1_000.0;
        if answer.status != 200 {
            return Err(format!("{path}: {} {}", answer.status, String::from_utf8_lossy(answer.body)).into());
        }
        Ok((took, serde_json::from_slice(answer.body)?))
    }

    /// Cursors of the first pages of a list.
    async fn collect_cursors(&mut self, path: &str) -> Result<Vec<String>, Box<dyn Error>> {
        let mut cursors: Vec<String> = Vec::new();
        let mut next = path.to_owned();
        while cursors.len() < PAGES {
            let (_, page) = self.get(&next).await?;
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("{path}&cursor={cursor}");
            cursors.push(cursor.to_owned());
        }
        if cursors.is_empty() { Err(format!("{path} has one page only").into()) } else { Ok(cursors) }
    }

    async fn ask(&mut self, question: &str, path: impl Fn(i64) -> String) -> Result<(), Box<dyn Error>> {
        let before = self.server.processor_time();
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            times.push(self.get(&path(round)).await?.0);
        }
        let after = self.server.processor_time();
        times.sort_by(f64::total_cmp);
        let processor =
            before.zip(after).map(|(before, after)| (after - before).as_secs_f64() * 1_000.0 / ROUNDS as f64);
        let answered = Answered { question: question.to_owned(), times, processor };
        eprintln!("    {question:<40} p50 {:>7.1} ms  p95 {:>7.1} ms", answered.at(50), answered.at(95));
        self.answered.push(answered);
        Ok(())
    }
}

/// A day some days before a time, as `YYYY-MM-DD`.
fn day(now: i64, ago: i64) -> String {
    let mut left = now / DAY_MICROS - ago;
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while left >= 365 + i64::from(is_leap(year)) {
        left -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", left + 1)
}

/// What precedes the parts of the report.
pub fn heading() -> String {
    format!(
        "# What operators ask for\n\nEach question {ROUNDS} times, one after the other, over HTTP on the same machine.\n"
    )
}
