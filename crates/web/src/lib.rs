//! What all HTTP surfaces share: requests with their credentials, bodies, cookies, CORS, errors and routes; and, for pages,
//! languages, theme, assets and parts of pages.

pub mod access;
pub mod asset;
pub mod assets;
pub mod body;
pub mod brand;
pub mod chart;
pub mod color;
pub mod context;
pub mod cookies;
pub mod cors;
pub mod count;
pub mod credentials;
#[cfg(any(test, feature = "samples"))]
pub mod document;
pub mod elapsed;
pub mod entry;
pub mod error;
pub mod export;
pub mod field;
pub mod field_problem;
pub mod forwarded;
pub mod header_text;
pub mod history;
pub mod locale;
pub mod logo;
pub mod look_ahead;
pub mod mail;
pub mod misdirected;
pub mod multipart;
pub mod notice;
pub mod page;
pub mod passkey;
pub mod peer;
pub mod policy;
pub mod preview;
pub mod rendered_mail;
pub mod route;
pub mod template;
pub mod text;
pub mod theme;
pub mod user_agent;
pub mod visit;
