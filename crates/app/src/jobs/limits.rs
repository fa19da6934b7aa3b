//! Tells other nodes every second how much of each rate limit was used here, and counts what was used there (decision 85).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::sync::watch;
use vestibule_store::{Engine, StoreError, limit_counts};

use crate::{
    limits::shares::{Round, read_rounds, write_rounds},
    state::App,
};

const PERIOD: Duration = Duration::from_secs(1);
/// Keys one round tells of: those that have used most of their quota. The others follow in the next ones.
const KEYS: usize = 2_048;
/// Rounds that a node keeps for the others, who may read late.
const KEPT: u64 = 5;
/// A node that has not written for so long has nothing new to tell.
const QUIET: Duration = Duration::from_secs(30);
/// The rows of nodes that have not written for so long are removed.
const GONE: Duration = Duration::from_secs(300);
/// The context in which the rows are sealed: they have network addresses.
const CONTEXT: &str = "limits";

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut exchange = Exchange::new(&app);
    // An embedded store has one process.
    while app.store.engine() == Engine::Postgres {
        if !crate::jobs::wait(&mut stop, PERIOD, None).await {
            return;
        }
        if let Err(error) = exchange.take_turn(&app).await {
            tracing::warn!(error = %error, "rate limits could not be shared with other nodes; retrying");
        }
    }
    drop(stop.wait_for(|is_over| *is_over).await);
}

/// What this node told and heard.
struct Exchange {
    /// The name of this node among the others.
    node: [u8; 16],
    turn: u64,
    /// What it told in its last turns.
    told: VecDeque<Round>,
    /// The last round of each other node that was counted.
    heard: HashMap<Vec<u8>, u64>,
}

impl Exchange {
    fn new(app: &App) -> Self {
        Self { node: app.entropy.bytes(), turn: 0, told: VecDeque::new(), heard: HashMap::new() }
    }

    async fn take_turn(&mut self, app: &App) -> Result<(), StoreError> {
        self.turn += 1;
        let oldest = self.turn.saturating_sub(KEPT);
        self.told.retain(|round| round.number > oldest);
        let shares = app.limits.collect_unshared(app.clock.now(), KEYS);
        if !shares.is_empty() {
            self.told.push_back(Round { number: self.turn, shares });
            self.tell(app).await?;
        }
        self.listen(app).await
    }

    async fn tell(&mut self, app: &App) -> Result<(), StoreError> {
        let rounds = write_rounds(self.told.make_contiguous());
        let input = (self.node, app.master.seal(&rounds, CONTEXT, &app.entropy), app.store_clock.clone());
        app.store
            .write("share_limits", input, |tx, (node, body, clock)| {
                Box::pin(async move {
                    let now = clock.now(tx).await?;
                    limit_counts::put(tx, node, body, now).await?;
                    limit_counts::remove_old(tx, now.minus(GONE)).await.map(drop)
                })
            })
            .await
    }

    async fn listen(&mut self, app: &App) -> Result<(), StoreError> {
        let mut conn = app.store.read().await?;
        let since = app.store_clock.now(&mut conn).await?.minus(QUIET);
        let rows = limit_counts::list_others(&mut conn, &self.node, since).await?;
        drop(conn);
        self.heard.retain(|node, _| rows.iter().any(|(other, _)| other == node));
        for (node, sealed) in rows {
            // Of another master key, or of another release.
            let Some(rounds) = app.master.open(&sealed, CONTEXT).ok().and_then(|bytes| read_rounds(&bytes)) else {
                continue;
            };
            let heard = self.heard.entry(node).or_default();
            for round in rounds.iter().filter(|round| round.number > *heard) {
                app.limits.add_shared(&round.shares, app.clock.now());
            }
            *heard = rounds.iter().map(|round| round.number).max().unwrap_or(0).max(*heard);
        }
        Ok(())
    }
}
