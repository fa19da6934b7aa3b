//! The house: HTTP faces, flows, jobs, mail and configuration behind the binary `vestibule`.

pub mod ui;
