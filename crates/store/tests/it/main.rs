//! One binary for the store's tests: the same checks on both engines, and those specific to each.
#![expect(clippy::unwrap_used, reason = "an unwrap that fails is a test that fails")]

mod accounts;
mod admin;
mod authority;
mod boundaries;
mod checks;
mod dated_challenges;
mod ended;
mod generations;
mod groups;
mod locks;
mod login_method_changes;
mod moving;
mod node_claims;
mod opening;
mod operators;
mod owners;
mod parity;
mod postgres;
mod projects;
mod receiver_moves;
mod returning_devices;
mod searching;
mod sign_ins;
mod signed_in;
mod single_use;
mod statements;
mod subjects;
mod test_store;
mod transactions;
mod writer;
