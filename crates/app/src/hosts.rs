//! Which project is served at which host: a host belongs to one project, and the portal's host to a project named in
//! the server's configuration. Checked before an origin is stored and again when projects are loaded.

use std::collections::HashSet;

use vestibule_domain::{
    id::ProjectNo,
    project::{Authority, Origin},
};
use vestibule_store::{StoreError, Tx, projects};

use crate::config;

/// The path of the portal's home page, which all its paths begin with.
pub const PORTAL_PATH: &str = "/portal";

/// The portal's host, and the project that may share it.
#[derive(Clone, Debug, Default)]
pub struct PortalHost {
    authority: Option<Authority>,
    project: Option<String>,
}

/// Why a project may not be served at a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostClash {
    #[error("another project is served at this host and port: choose another one")]
    Taken,
    /// The portal is served there.
    #[error(
        "the portal is served at this host and port: choose another one, or name this project in portal.project of the server's configuration"
    )]
    Portal,
}

impl PortalHost {
    /// From the configuration.
    #[must_use]
    pub fn of(portal: &config::Portal) -> Self {
        // The configuration is validated: an invalid origin can only be the empty one.
        let authority = Origin::parse(&portal.public_origin).ok().map(|origin| Authority::of(&origin));
        Self { authority, project: Some(portal.project.clone()).filter(|id| !id.is_empty()) }
    }

    /// Whether a `Host` header names the portal's host.
    pub fn is_requested(&self, host: &str) -> bool {
        let Some(authority) = &self.authority else { return false };
        host == authority.as_str() || Authority::parse(host).as_ref() == Some(authority)
    }

    pub(crate) fn is_at(&self, authority: &Authority) -> bool {
        self.authority.as_ref() == Some(authority)
    }

    /// Whether the configuration names a project.
    pub(crate) fn names_a_project(&self) -> bool {
        self.project.is_some()
    }

    /// Whether the portal's host allows the project. If the configuration names no project, the first one is allowed.
    fn admits(&self, id: &str, authority: &Authority, is_first: bool) -> bool {
        !self.is_at(authority) || self.project.as_deref().map_or(is_first, |named| named == id)
    }
}

/// Checks, in the transaction of the change, whether a project may take an origin.
///
/// # Errors
/// The store's.
pub(crate) async fn judge_move(
    tx: &mut Tx,
    portal: &PortalHost,
    claimant: (Option<ProjectNo>, &str),
    origin: &Origin,
) -> Result<Result<(), HostClash>, StoreError> {
    Ok(judge_among(&projects::origins_any_project(tx).await?, portal, claimant, origin))
}

/// Checks whether a project may take an origin, given all existing projects. `no` is `None` for a new project.
///
/// A project keeps the host it has: its scheme may change without a check.
pub fn judge_among(
    all: &[(ProjectNo, String)],
    portal: &PortalHost,
    (no, id): (Option<ProjectNo>, &str),
    origin: &Origin,
) -> Result<(), HostClash> {
    let authority = Authority::of(origin);
    let (own, others): (Vec<_>, Vec<_>) = all.iter().partition(|(other, _)| Some(*other) == no);
    let is_there = |(_, origin): &&(ProjectNo, String)| read(origin).as_ref() == Some(&authority);
    if others.iter().any(is_there) {
        return Err(HostClash::Taken);
    }
    if own.iter().any(is_there) || portal.admits(id, &authority, others.is_empty()) {
        Ok(())
    } else {
        Err(HostClash::Portal)
    }
}

/// The authority of a stored origin.
pub fn read(origin: &str) -> Option<Authority> {
    Origin::parse(origin).ok().map(|origin| Authority::of(&origin))
}

/// Decides for all projects, oldest first, which ones are served.
pub(crate) struct HostRegistry<'a> {
    portal: &'a PortalHost,
    taken: HashSet<Authority>,
    is_first: bool,
}

impl<'a> HostRegistry<'a> {
    pub(crate) fn new(portal: &'a PortalHost) -> Self {
        Self { portal, taken: HashSet::new(), is_first: true }
    }

    /// Whether the next project is served at its host.
    pub(crate) fn judge(&mut self, id: &str, authority: &Authority) -> Result<(), HostClash> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if self.taken.contains(authority) {
            return Err(HostClash::Taken);
        }
        if !self.portal.admits(id, authority, is_first) {
            return Err(HostClash::Portal);
        }
        self.taken.insert(authority.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portal(origin: &str, project: &str) -> PortalHost {
        PortalHost::of(&config::Portal { public_origin: origin.into(), project: project.into() })
    }

    /// Those of the projects, oldest first, that are served.
    fn served<'a>(portal: &PortalHost, all: &[(&'a str, &str)]) -> Vec<&'a str> {
        let mut judge = HostRegistry::new(portal);
        let mut is_served = |id: &str, origin: &str| judge.judge(id, &read(origin).expect("an origin")).is_ok();
        all.iter().filter(|(id, origin)| is_served(id, origin)).map(|(id, _)| *id).collect()
    }

    #[test]
    fn the_older_project_keeps_the_host() {
        let all = [("a", "http://a.example"), ("b", "https://A.example."), ("c", "https://c.example")];
        assert_eq!(served(&PortalHost::default(), &all), ["a", "c"]);
    }

    #[test]
    fn the_portals_host_is_for_the_named_project_or_without_a_name_for_the_first() {
        let all = [("a", "https://a.example"), ("b", "http://portal.example:443")];
        assert_eq!(served(&portal("https://portal.example", ""), &all), ["a"]);
        assert_eq!(served(&portal("https://portal.example", "a"), &all), ["a"]);
        assert_eq!(served(&portal("https://portal.example", "b"), &all), ["a", "b"]);
        assert_eq!(served(&portal("http://a.example", ""), &all), ["a", "b"]);
        assert_eq!(served(&portal("http://a.example", "b"), &all), ["b"]);
    }
}
