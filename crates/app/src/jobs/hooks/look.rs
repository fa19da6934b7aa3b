//! Looks at what is due: bounded, however much waits.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use vestibule_domain::{id::ProjectNo, time::Timestamp};
use vestibule_store::{
    StoreError,
    delivery_lanes::{self, Behind, Due, Lane},
};

use super::receivers::Address;
use crate::state::App;

/// Deliveries of a receiver one look reads, without their bodies.
const ROWS: usize = 64;
/// Those it reads when too few of these are the first of their lane.
const MORE_ROWS: usize = 1_000;
/// As many as a receiver has lanes.
const ENOUGH: usize = 16;
/// Lanes of which one look puts deliveries behind the first.
const LANES_PUT_BEHIND: usize = 32;
/// How long deliveries are put behind the first of their lane, when there are so many of them that a look finds nothing else.
const PUT_BEHIND_FOR: Duration = Duration::from_secs(600);

/// What a look found for a receiver.
pub(super) struct DueLanes {
    /// Lanes whose first delivery is due, those that wait longest first.
    pub(super) lanes: Vec<Vec<u8>>,
    /// Whether another look may find more.
    pub(super) may_be_more: bool,
}

/// What is due for a receiver. Deliveries behind one that failed are put off as long as that one, and so are very many in one lane:
/// the next look finds the lanes after them.
pub(super) async fn find_due(app: &App, address: &Address, now: Timestamp) -> Result<DueLanes, StoreError> {
    let mut rows = read(app, address, now, ROWS).await?;
    let mut may_be_more = rows.len() >= ROWS;
    let mut is_full_of_others = false;
    if may_be_more && rows.iter().filter(|row| row.is_first()).count() < ENOUGH {
        rows = read(app, address, now, MORE_ROWS).await?;
        may_be_more = rows.len() >= MORE_ROWS;
        is_full_of_others = may_be_more;
    }
    let moves = plan_moves(&rows, now, is_full_of_others);
    if !moves.is_empty() {
        put_behind(app, address, moves).await?;
        if is_full_of_others {
            app.hooks_signal.notify_one();
        }
    }
    let lanes = rows.into_iter().filter(Due::is_first).map(|row| row.lane).collect();
    Ok(DueLanes { lanes, may_be_more })
}

async fn read(app: &App, address: &Address, now: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    delivery_lanes::due(&mut *app.store.read().await?, address.0, &address.1, now, limit).await
}

async fn put_behind(app: &App, address: &Address, moves: Vec<(Vec<u8>, Behind)>) -> Result<(), StoreError> {
    let (project, url) = address;
    let moves: Vec<(Lane, Behind)> =
        moves.into_iter().map(|(lane, behind)| (Lane { project: *project, url: url.clone(), lane }, behind)).collect();
    app.store
        .write("put_deliveries_behind", moves, |tx, moves| {
            Box::pin(async move {
                for (lane, behind) in moves {
                    delivery_lanes::put_behind(tx, lane, behind).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Which deliveries to put behind the first of their lane, and until when.
fn plan_moves(rows: &[Due], now: Timestamp, is_full_of_others: bool) -> Vec<(Vec<u8>, Behind)> {
    let mut moves: BTreeMap<&[u8], Behind> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.is_first()) {
        let waits_for_a_failed = row.first_failed && row.first_due_at > now;
        let due_at = if is_full_of_others { row.first_due_at.max(now.plus(PUT_BEHIND_FOR)) } else { row.first_due_at };
        if !is_full_of_others && !waits_for_a_failed {
            continue;
        }
        let new = Behind { ids: (row.id, row.id), due_until: row.due_at, due_at };
        let known = moves.entry(&row.lane).or_insert(new);
        known.ids = (known.ids.0.min(row.id), known.ids.1.max(row.id));
        known.due_until = known.due_until.max(row.due_at);
    }
    moves.into_iter().take(LANES_PUT_BEHIND).map(|(lane, behind)| (lane.to_vec(), behind)).collect()
}

/// Receivers in the order of their turns: one of each project, the projects after the one that was last first; then the next of each.
pub(super) fn list_in_turns(found: impl Iterator<Item = Address>, last: ProjectNo) -> VecDeque<Address> {
    let mut ranks: HashMap<ProjectNo, usize> = HashMap::new();
    let mut waiting: Vec<(usize, bool, Address)> = found
        .map(|address| {
            let rank = ranks.entry(address.0).or_default();
            *rank += 1;
            (*rank, address.0 <= last, address)
        })
        .collect();
    waiting.sort();
    waiting.into_iter().map(|(_, _, address)| address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn row(id: i64, lane: u8, due: i64, (first, first_due, first_failed): (i64, i64, bool)) -> Due {
        let (due_at, first_due_at) = (at(due), at(first_due));
        Due { id, lane: vec![lane], due_at, first, first_due_at, first_failed }
    }

    #[test]
    fn what_waits_behind_a_failed_one_is_put_off_as_long_and_the_rest_is_left_alone() {
        let rows = [
            row(1, 1, 10, (1, 10, false)),
            row(2, 1, 10, (1, 10, false)),
            row(4, 2, 11, (3, 90, true)),
            row(5, 2, 12, (3, 90, true)),
            row(7, 3, 12, (6, 90, false)),
            row(9, 4, 12, (8, 20, true)),
        ];
        let moved = plan_moves(&rows, at(20), false);
        assert_eq!(moved, [(vec![2], Behind { ids: (4, 5), due_until: at(12), due_at: at(90) })]);
        // When there are so many that a look finds nothing else, all of them are put off for a while.
        let moved = plan_moves(&rows, at(20), true);
        let lanes: Vec<u8> = moved.iter().map(|(lane, _)| lane[0]).collect();
        assert_eq!(lanes, [1, 2, 3, 4]);
        assert!(moved.iter().all(|(_, behind)| behind.due_at == at(620)));
    }

    #[test]
    fn projects_take_turns_after_the_one_that_was_last() {
        let address = |project: i64, url: &str| (ProjectNo(project), url.to_string());
        let found =
            [address(1, "a"), address(1, "b"), address(1, "c"), address(2, "a"), address(3, "a"), address(3, "b")];
        let turns = list_in_turns(found.into_iter(), ProjectNo(1));
        let expected =
            [address(2, "a"), address(3, "a"), address(1, "a"), address(3, "b"), address(1, "b"), address(1, "c")];
        assert_eq!(turns, expected);
    }
}
