//! The memory: the only crate that knows a SQL driver.
