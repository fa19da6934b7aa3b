//! Fair shares of what projects have in common: turns for work that is short, places for what is held for long. The work of one
//! project does not delay another project.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;
use vestibule_domain::id::ProjectNo;

/// This project has its share already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the project has its share already")]
pub struct ShareExceeded;

/// A number of units, for work that gives them back soon. When they run out, projects take turns; a piece of work that costs
/// several turns waits until the other projects had as many. When the queue is full, a project that waits for less takes the
/// place of the newest of the project that waits for most.
#[derive(Clone)]
pub struct Turns(Arc<Mutex<Queue>>);

struct Queue {
    free: u32,
    /// How many may wait.
    places: usize,
    /// The projects that wait, in the order of their turns.
    lines: VecDeque<Line>,
}

struct Line {
    project: ProjectNo,
    waiters: VecDeque<Waiter>,
    /// The turns it has let pass since it last had one.
    passed: u32,
}

impl Line {
    /// The turns it lets pass before its first waiter has one.
    fn owed(&self) -> u32 {
        let turns = self.waiters.front().map_or(1, |waiter| waiter.demand.turns);
        turns.saturating_sub(1).saturating_sub(self.passed)
    }

    /// Takes the first waiter, if so many units are enough for it.
    fn take_first(&mut self, free: u32) -> Option<Waiter> {
        self.waiters.front().filter(|waiter| waiter.demand.units <= free)?;
        self.waiters.pop_front()
    }
}

struct Waiter {
    demand: WorkDemand,
    turn: oneshot::Sender<Turn>,
}

/// What a piece of work takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkDemand {
    /// The units it uses at the same time.
    pub units: u32,
    /// The turns it costs: how many ordinary pieces of work take as long.
    pub turns: u32,
}

#[cfg(test)]
impl WorkDemand {
    /// One unit, for one turn.
    pub(crate) const ORDINARY: Self = Self { units: 1, turns: 1 };
}

/// Units at work; dropping it gives them to the next.
pub struct Turn {
    turns: Turns,
    units: u32,
}

impl Turns {
    pub fn new(units: u32, places: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue { free: units, places, lines: VecDeque::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a project's turn. The units must not be more than there are.
    ///
    /// # Errors
    /// When the queue is full of others that have waited for no more than this project.
    pub async fn wait(&self, project: ProjectNo, demand: WorkDemand) -> Result<Turn, ShareExceeded> {
        let units = demand.units;
        let waiting = {
            let mut queue = self.lock();
            if queue.lines.is_empty() && units <= queue.free {
                queue.free -= units;
                return Ok(Turn { turns: self.clone(), units });
            }
            queue.make_place(project)?;
            let (turn, waiting) = oneshot::channel();
            queue.push(project, Waiter { demand, turn });
            waiting
        };
        // Its place was given to another project.
        waiting.await.map_err(|_| ShareExceeded)
    }

    /// Whether anything waits.
    pub(crate) fn is_waited_for(&self) -> bool {
        !self.lock().lines.is_empty()
    }

    /// How many wait.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.lock().count()
    }

    fn give_back(&self, units: u32) {
        let mut queue = self.lock();
        queue.free += units;
        let granted = queue.grant();
        drop(queue);
        for waiter in granted {
            // When the waiting request has ended meanwhile, the turn is dropped here, which gives its units to the next.
            let _ = waiter.turn.send(Turn { turns: self.clone(), units: waiter.demand.units });
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.give_back(self.units);
    }
}

impl Queue {
    /// Takes what the free units are enough for, in the order of the turns. Work that needs more than is free is not overtaken
    /// once its turn has come, for it would never begin.
    fn grant(&mut self) -> Vec<Waiter> {
        let mut granted = Vec::new();
        self.forget_closed();
        while let Some(next) = self.find_next() {
            let Some(waiter) = self.lines[next].take_first(self.free) else { break };
            self.free -= waiter.demand.units;
            self.end_turn(next, waiter.demand.turns);
            granted.push(waiter);
            self.forget_closed();
        }
        granted
    }

    /// The line whose turn comes first: of those that owe least, the first.
    fn find_next(&self) -> Option<usize> {
        let lines = self.lines.iter().enumerate();
        lines.min_by_key(|(_, line)| line.owed()).map(|(index, _)| index)
    }

    /// Moves a line that had its turn to the end of the queue, behind those before it, which let one pass.
    fn end_turn(&mut self, served: usize, turns: u32) {
        // Those that every line let pass to pay for this turn.
        let rounds = turns.saturating_sub(1).saturating_sub(self.lines[served].passed);
        for (index, line) in self.lines.iter_mut().enumerate() {
            line.passed = line.passed.saturating_add(rounds).saturating_add(u32::from(index < served));
        }
        self.lines[served].passed = 0;
        self.lines.rotate_left(served + 1);
    }

    /// Removes first waiters whose requests have ended, and lines in which nothing waits.
    fn forget_closed(&mut self) {
        for line in &mut self.lines {
            while line.waiters.front().is_some_and(|waiter| waiter.turn.is_closed()) {
                line.waiters.pop_front();
            }
        }
        self.lines.retain(|line| !line.waiters.is_empty());
    }

    fn push(&mut self, project: ProjectNo, waiter: Waiter) {
        match self.lines.iter_mut().find(|line| line.project == project) {
            Some(line) => line.waiters.push_back(waiter),
            None => self.lines.push_back(Line { project, waiters: VecDeque::from([waiter]), passed: 0 }),
        }
    }

    fn count(&self) -> usize {
        self.lines.iter().map(|line| line.waiters.len()).sum()
    }

    /// Makes sure that one more of this project may wait.
    fn make_place(&mut self, project: ProjectNo) -> Result<(), ShareExceeded> {
        if self.count() < self.places {
            return Ok(());
        }
        for line in &mut self.lines {
            line.waiters.retain(|waiter| !waiter.turn.is_closed());
        }
        self.lines.retain(|line| !line.waiters.is_empty());
        if self.count() < self.places {
            return Ok(());
        }
        let own = self.lines.iter().find(|line| line.project == project).map_or(0, |line| line.waiters.len());
        let longest = self.lines.iter_mut().max_by_key(|line| line.waiters.len()).ok_or(ShareExceeded)?;
        if longest.waiters.len() <= own + 1 {
            return Err(ShareExceeded);
        }
        longest.waiters.pop_back();
        Ok(())
    }
}

/// A number of places, for what is held for long. A project may take one as long as it holds fewer than are free, so that however
/// much some hold there is one left for the next; and never more than its limit.
#[derive(Clone)]
pub struct FairPermits {
    total: usize,
    /// What one project may hold at most.
    limit: usize,
    /// What one holder of a project may hold at most, who leaves the others of it as much.
    of_one: Option<usize>,
    held: Arc<Mutex<HashMap<ProjectNo, HashMap<String, usize>>>>,
}

/// What projects share besides turns at hashing and the lanes of jobs.
pub struct Shares {
    /// Trials of webhooks, mail servers and carriers.
    pub trials: FairPermits,
    /// Streams of the event log.
    pub streams: FairPermits,
    /// Exports and imports.
    pub transfers: FairPermits,
    /// Fetches of applications' keys.
    pub key_fetches: FairPermits,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            trials: FairPermits::new(64, 8),
            streams: FairPermits::new(256, 64).with_share_of_one(32),
            transfers: FairPermits::new(16, 8).with_share_of_one(4),
            key_fetches: FairPermits::new(64, 8),
        }
    }
}

/// A place that is held; dropping it frees it.
pub struct FairPermit {
    places: FairPermits,
    project: ProjectNo,
    holder: String,
}

impl FairPermits {
    pub fn new(total: usize, limit: usize) -> Self {
        Self { total, limit, of_one: None, held: Arc::default() }
    }

    /// Limits what one holder may have of its project's places.
    #[must_use]
    pub fn with_share_of_one(self, of_one: usize) -> Self {
        Self { of_one: Some(of_one), ..self }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectNo, HashMap<String, usize>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place.
    ///
    /// # Errors
    /// When this project may not have one more.
    pub fn take(&self, project: ProjectNo) -> Result<FairPermit, ShareExceeded> {
        self.take_for(project, "")
    }

    /// Takes a place for one holder of a project, such as an Admin API key.
    ///
    /// # Errors
    /// When this project, or this holder, may not have one more.
    pub fn take_for(&self, project: ProjectNo, holder: &str) -> Result<FairPermit, ShareExceeded> {
        let mut held = self.lock();
        let free = self.total.saturating_sub(held.values().flat_map(HashMap::values).sum());
        let of_project: usize = held.get(&project).map_or(0, |holders| holders.values().sum());
        let own = held.get(&project).and_then(|holders| holders.get(holder)).copied().unwrap_or(0);
        let left = self.limit.saturating_sub(of_project);
        if of_project >= free.min(self.limit) || self.of_one.is_some_and(|of_one| own >= of_one.min(left)) {
            return Err(ShareExceeded);
        }
        *held.entry(project).or_default().entry(holder.to_owned()).or_default() += 1;
        Ok(FairPermit { places: self.clone(), project, holder: holder.to_owned() })
    }
}

impl Drop for FairPermit {
    fn drop(&mut self) {
        let mut held = self.places.lock();
        let Some(holders) = held.get_mut(&self.project) else { return };
        if let Some(own) = holders.get_mut(&self.holder) {
            *own -= 1;
        }
        holders.retain(|_, own| *own > 0);
        if holders.is_empty() {
            held.remove(&self.project);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ProjectNo = ProjectNo(1);
    const B: ProjectNo = ProjectNo(2);
    const C: ProjectNo = ProjectNo(3);

    /// Lets every task go as far as it can.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits in a task of its own, and writes its name down when it has its turn.
    fn wait(
        turns: &Turns,
        project: ProjectNo,
        name: &str,
        done: &Arc<Mutex<Vec<String>>>,
    ) -> tokio::task::JoinHandle<()> {
        wait_for(turns, (project, WorkDemand::ORDINARY), name, done)
    }

    fn wait_for(
        turns: &Turns,
        (project, demand): (ProjectNo, WorkDemand),
        name: &str,
        done: &Arc<Mutex<Vec<String>>>,
    ) -> tokio::task::JoinHandle<()> {
        let (turns, name, done) = (turns.clone(), name.to_string(), Arc::clone(done));
        tokio::spawn(async move {
            let got = turns.wait(project, demand).await;
            let word = if got.is_ok() { name } else { format!("{name} refused") };
            done.lock().unwrap().push(word);
        })
    }

    #[tokio::test]
    async fn projects_take_turns_however_much_one_of_them_wants() {
        let turns = Turns::new(1, 10);
        let done = Arc::default();
        let first = turns.wait(A, WorkDemand::ORDINARY).await.unwrap();
        for name in ["a1", "a2", "a3"] {
            wait(&turns, A, name, &done);
            settle().await;
        }
        wait(&turns, B, "b1", &done);
        settle().await;
        wait(&turns, C, "c1", &done);
        settle().await;
        assert!(turns.is_waited_for());
        drop(first);
        settle().await;
        assert_eq!(*done.lock().unwrap(), ["a1", "b1", "c1", "a2", "a3"]);
        assert!(!turns.is_waited_for());
        assert_eq!(turns.lock().free, 1);
    }

    #[tokio::test]
    async fn a_full_queue_gives_a_place_of_the_longest_line_to_a_shorter_one() {
        let turns = Turns::new(1, 4);
        let done = Arc::default();
        let first = turns.wait(A, WorkDemand::ORDINARY).await.unwrap();
        for name in ["a1", "a2", "a3", "a4"] {
            wait(&turns, A, name, &done);
            settle().await;
        }
        assert_eq!(turns.wait(A, WorkDemand::ORDINARY).await.err(), Some(ShareExceeded), "the flood refuses itself");
        for name in ["b1", "b2", "b3"] {
            wait(&turns, B, name, &done);
            settle().await;
        }
        assert_eq!(*done.lock().unwrap(), ["a4 refused", "a3 refused", "b3 refused"], "two places each");
        done.lock().unwrap().clear();
        drop(first);
        settle().await;
        assert_eq!(*done.lock().unwrap(), ["a1", "b1", "a2", "b2"]);
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_its_place_and_its_turn_to_others() {
        let turns = Turns::new(1, 2);
        let done = Arc::default();
        let first = turns.wait(A, WorkDemand::ORDINARY).await.unwrap();
        let gone = wait(&turns, A, "gone", &done);
        wait(&turns, A, "a1", &done);
        settle().await;
        gone.abort();
        settle().await;
        wait(&turns, A, "a2", &done);
        settle().await;
        drop(first);
        settle().await;
        assert_eq!(*done.lock().unwrap(), ["a1", "a2"]);
        assert_eq!(turns.lock().free, 1);
    }

    #[tokio::test]
    async fn work_that_costs_several_turns_waits_for_as_many_of_others() {
        let turns = Turns::new(1, 40);
        let done = Arc::default();
        let first = turns.wait(C, WorkDemand::ORDINARY).await.unwrap();
        let costly = WorkDemand { turns: 4, ..WorkDemand::ORDINARY };
        for name in ["a1", "a2", "a3"] {
            wait_for(&turns, (A, costly), name, &done);
            settle().await;
        }
        for number in 1..=8 {
            wait(&turns, B, &format!("b{number}"), &done);
            settle().await;
        }
        drop(first);
        settle().await;
        // Four turns of the other for each of its own; without others, it does not wait.
        let expected = ["b1", "b2", "b3", "a1", "b4", "b5", "b6", "b7", "a2", "b8", "a3"];
        assert_eq!(*done.lock().unwrap(), expected);
        assert_eq!(turns.lock().free, 1);
    }

    #[tokio::test]
    async fn a_request_that_ended_pays_for_no_costlier_one_behind_it() {
        let turns = Turns::new(1, 40);
        let done = Arc::default();
        let costly = WorkDemand { turns: 3, ..WorkDemand::ORDINARY };
        let first = turns.wait(C, WorkDemand::ORDINARY).await.unwrap();
        let cheap = wait(&turns, A, "cheap", &done);
        settle().await;
        wait_for(&turns, (A, costly), "costly", &done);
        settle().await;
        let names = ["b1", "b2", "b3", "b4"];
        for name in names {
            wait(&turns, B, name, &done);
            settle().await;
        }
        cheap.abort();
        settle().await;
        drop(first);
        settle().await;
        assert_eq!(*done.lock().unwrap(), ["b1", "b2", "costly", "b3", "b4"]);
    }

    #[tokio::test]
    async fn what_needs_several_units_is_not_overtaken() {
        let turns = Turns::new(3, 10);
        let (first, second) = (
            turns.wait(A, WorkDemand::ORDINARY).await.unwrap(),
            turns.wait(A, WorkDemand { units: 2, ..WorkDemand::ORDINARY }).await.unwrap(),
        );
        let large = tokio::spawn({
            let turns = turns.clone();
            async move { turns.wait(B, WorkDemand { units: 3, ..WorkDemand::ORDINARY }).await.map(drop) }
        });
        settle().await;
        let done = Arc::default();
        wait(&turns, C, "c1", &done);
        drop(first);
        settle().await;
        assert!(done.lock().unwrap().is_empty() && !large.is_finished());
        drop(second);
        settle().await;
        assert_eq!(large.await.unwrap(), Ok(()));
        assert_eq!(*done.lock().unwrap(), ["c1"]);
    }

    #[test]
    fn there_is_always_a_place_for_one_more_project() {
        let places = FairPermits::new(8, 8);
        let mut held = Vec::new();
        for (project, most) in [(A, 4), (B, 2), (C, 1)] {
            let took: Vec<FairPermit> = std::iter::from_fn(|| places.take(project).ok()).collect();
            assert_eq!(took.len(), most);
            held.extend(took);
        }
        let last = places.take(ProjectNo(4));
        assert!(last.is_ok() && places.take(ProjectNo(5)).is_err(), "eight are held");
        drop((held, last));
        assert!(places.lock().is_empty());
        let few = FairPermits::new(8, 2);
        let held: Vec<FairPermit> = std::iter::from_fn(|| few.take(A).ok()).collect();
        assert_eq!(held.len(), 2);
    }

    #[test]
    fn a_holder_leaves_others_of_its_project_as_much_as_it_has() {
        let places = FairPermits::new(100, 8).with_share_of_one(4);
        let take =
            |holder: &str| -> Vec<FairPermit> { std::iter::from_fn(|| places.take_for(A, holder).ok()).collect() };
        let (first, second, third) = (take("a"), take("b"), take("c"));
        assert_eq!([first.len(), second.len(), third.len()], [4, 2, 1]);
        assert!(places.take_for(B, "a").is_ok());
        drop((first, second, third));
        assert!(places.lock().is_empty());
    }
}
