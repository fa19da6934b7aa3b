//! How many guests signed up and are not stored, by day and application. It is kept in this process's memory and written together
//! by `jobs/not_stored`, so that such a guest costs no write; a crash loses what was not written yet.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use vestibule_domain::{id::ProjectNo, time::Timestamp};

use crate::jobs::statistics::day_of;

/// Changes of the numbers of one day, by application.
type Changes = HashMap<String, i64>;

/// The changes that are not written yet, by project and day (days since the epoch).
#[derive(Debug, Default)]
pub(crate) struct NotStored(Mutex<BTreeMap<(ProjectNo, i64), Changes>>);

/// Changes of one project.
pub(crate) type Unwritten = Vec<(i64, String, i64)>;

impl NotStored {
    /// Counts a guest that signed up.
    pub(crate) fn add(&self, no: ProjectNo, created_at: Timestamp, client_id: &str) {
        self.change((no, day_of(created_at)), client_id, 1);
    }

    /// Takes a guest away that is stored now.
    pub(crate) fn take(&self, no: ProjectNo, created_at: Timestamp, client_id: &str) {
        self.change((no, day_of(created_at)), client_id, -1);
    }

    /// Adds changes again that could not be written.
    pub(crate) fn put_back(&self, no: ProjectNo, unwritten: &Unwritten) {
        for (day, client_id, change) in unwritten {
            self.change((no, *day), client_id, *change);
        }
    }

    fn change(&self, key: (ProjectNo, i64), client_id: &str, change: i64) {
        let mut all = self.lock();
        let counts = all.entry(key).or_default();
        match counts.get_mut(client_id) {
            Some(count) => *count += change,
            None => drop(counts.insert(client_id.to_owned(), change)),
        }
    }

    /// Removes all changes; those that cancel each other out are dropped.
    pub(crate) fn collect(&self) -> BTreeMap<ProjectNo, Unwritten> {
        let all = std::mem::take(&mut *self.lock());
        let mut by_project: BTreeMap<ProjectNo, Unwritten> = BTreeMap::new();
        for ((no, day), counts) in all {
            let changed = counts.into_iter().filter(|(_, change)| *change != 0);
            by_project.entry(no).or_default().extend(changed.map(|(client_id, change)| (day, client_id, change)));
        }
        by_project.retain(|_, changes| !changes.is_empty());
        // In one order on all nodes: transactions that lock the same counters never wait for each other in a circle.
        by_project.values_mut().for_each(|changes| changes.sort());
        by_project
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(ProjectNo, i64), Changes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_collected_once_and_put_back_when_they_could_not_be_written() {
        let counts = NotStored::default();
        let (no, other) = (ProjectNo(1), ProjectNo(2));
        let day = |number: i64| Timestamp::from_seconds(number * 86_400 + 5);
        for _ in 0..3 {
            counts.add(no, day(7), "web");
        }
        counts.add(no, day(8), "blog");
        counts.take(no, day(7), "web");
        counts.take(no, day(6), "web");
        counts.add(other, day(7), "web");
        counts.take(other, day(7), "web");
        let expected: Unwritten = vec![(6, "web".into(), -1), (7, "web".into(), 2), (8, "blog".into(), 1)];
        assert_eq!(counts.collect(), BTreeMap::from([(no, expected.clone())]));
        assert!(counts.collect().is_empty());
        counts.put_back(no, &expected);
        counts.take(no, day(8), "blog");
        assert_eq!(counts.collect(), BTreeMap::from([(no, expected[..2].to_vec())]));
    }
}
