//! The retention of guests, for operators: what new rules would do, what is done, holds, and the way back. The rules themselves are in
//! `domain::retention`; the work is done by `jobs/retention`.

pub(crate) mod answers;
pub mod holds;
pub mod plan;
pub mod revival;

pub use self::plan::{AGES, AgeCounts, ApplicationCounts, Done, Overview, Plan, overview};
