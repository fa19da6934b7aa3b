//! Counts how many users a settings change affects, up to a limit, for the confirmation page.

use std::{collections::HashSet, fmt};

use vestibule_domain::{
    grant::Grant,
    id::{Id, UserId},
    identifier::LoginIdKind,
    project::{AuthenticatorKind, LimitName, ProjectSettings, Provider},
    session::{Lifetime, Session},
    time::Timestamp,
};
use vestibule_store::{Conn, StoreError, grants, reach, sessions};

use crate::{
    ctx::Ctx,
    projects::{Project, change::is_same},
};

/// Maximum number of rows of a kind that are counted; beyond it, a count is a minimum.
const LOOKED_AT: i64 = 10_000;

/// A number of users or credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoundedCount {
    pub number: usize,
    /// Whether it is only a minimum, because not all rows were counted.
    pub is_least: bool,
}

impl BoundedCount {
    /// A count that may have stopped at the limit.
    fn up_to_bound(number: i64) -> Self {
        Self { number: usize::try_from(number).unwrap_or_default(), is_least: number >= LOOKED_AT }
    }

    pub fn is_none(self) -> bool {
        self.number == 0 && !self.is_least
    }

    pub fn is_one(self) -> bool {
        self.number == 1 && !self.is_least
    }

    /// The number with its noun.
    pub fn of(self, one: &str, many: &str) -> String {
        format!("{self} {}", if self.is_one() { one } else { many })
    }
}

impl fmt::Display for BoundedCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_least {
            f.write_str("at least ")?;
        }
        let digits = self.number.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Users and, among them, guests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AffectedUsers {
    pub all: BoundedCount,
    pub guests: BoundedCount,
    /// Their sessions and grants that are affected.
    pub sessions: BoundedCount,
}

/// A consequence of a settings change for users, or for their security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Sessions end at once.
    SignsOut(AffectedUsers),
    /// Guest sign-up closes; the count is of guests with an open session.
    GuestsOff(BoundedCount),
    /// A kind of login ID stops working; the count is of its login IDs.
    LoginIdOff(LoginIdKind, BoundedCount),
    /// An authenticator is disabled; the count is of its credentials.
    AuthenticatorOff(AuthenticatorKind, BoundedCount),
    /// New login IDs of a kind are no longer verified.
    VerificationOff(LoginIdKind),
    /// A rate limit is no longer enforced.
    LimitOff(LimitName),
}

/// The open sessions and grants of a project, as far as they were read.
struct Open {
    sessions: Vec<Session>,
    /// Each with whether its user is a guest.
    grants: Vec<(Grant, bool)>,
    is_all: bool,
}

impl Open {
    async fn read(conn: &mut Conn, project: &Project) -> Result<Self, StoreError> {
        let no = project.no;
        let sessions = sessions::scan_any_project(conn, Some((no, Id::from_bytes([0; 16]))), LOOKED_AT).await?;
        let grants = grants::scan_any_project(conn, Some((no, Id::from_bytes([0; 16]))), LOOKED_AT).await?;
        let bound = usize::try_from(LOOKED_AT).unwrap_or(usize::MAX);
        let sessions: Vec<_> = sessions.into_iter().filter(|(of, _)| *of == no).map(|(_, one)| one).collect();
        let mut grants: Vec<_> =
            grants.into_iter().filter(|(of, ..)| *of == no).map(|(_, grant, guest)| (grant, guest)).collect();
        let is_all = sessions.len() < bound && grants.len() < bound;
        grants.retain(|(grant, _)| !project.is_from_before(&grant.client_id, grant.created_at));
        Ok(Self { is_all, sessions, grants })
    }

    /// The users whose sessions or grants match.
    fn people(&self, session: impl Fn(&Session) -> bool, grant: impl Fn(&Grant, bool) -> bool) -> AffectedUsers {
        let (mut all, mut guests, mut sessions) = (HashSet::<UserId>::new(), HashSet::new(), 0);
        for one in self.sessions.iter().filter(|one| session(one)) {
            all.insert(one.user_id);
            sessions += 1;
            // No `amr`: the session of a guest.
            if one.amr.is_none() {
                guests.insert(one.user_id);
            }
        }
        for (one, is_guest) in self.grants.iter().filter(|(one, is_guest)| grant(one, *is_guest)) {
            all.insert(one.user_id);
            sessions += 1;
            if *is_guest {
                guests.insert(one.user_id);
            }
        }
        let count = |number: usize| BoundedCount { number, is_least: !self.is_all };
        AffectedUsers { all: count(all.len()), guests: count(guests.len()), sessions: count(sessions) }
    }

    fn alive(&self, settings: &ProjectSettings, now: Timestamp) -> AffectedUsers {
        self.people(|one| is_session_alive(settings, one, now), |one, guest| is_grant_alive(settings, one, guest, now))
    }
}

fn is_session_alive(settings: &ProjectSettings, session: &Session, now: Timestamp) -> bool {
    settings.session_lifetime().is_alive(session.created_at, session.last_access_at, now)
}

fn is_grant_alive(settings: &ProjectSettings, grant: &Grant, is_guest: bool, now: Timestamp) -> bool {
    settings
        .client(&grant.client_id)
        .is_some_and(|client| client.grant_lifetime(is_guest).is_alive(grant.created_at, grant.last_access_at, now))
}

/// Whether an application's grants go on: it is not removed, and its type is of the same kind.
fn keeps_grants(old: &ProjectSettings, new: &ProjectSettings, client_id: &str) -> bool {
    old.client(client_id).zip(new.client(client_id)).is_some_and(|(before, after)| is_same(before, after))
}

/// The number of signed-in users.
pub async fn count_signed_in(ctx: &Ctx<'_>) -> Result<AffectedUsers, StoreError> {
    let mut conn = ctx.app.store.read().await?;
    Ok(Open::read(&mut conn, ctx.project).await?.alive(&ctx.project.settings, ctx.now))
}

/// The number of users signed in to one application.
pub async fn count_signed_in_to(ctx: &Ctx<'_>, client_id: &str) -> Result<AffectedUsers, StoreError> {
    let mut conn = ctx.app.store.read().await?;
    let open = Open::read(&mut conn, ctx.project).await?;
    let settings = &ctx.project.settings;
    Ok(open.people(|_| false, |one, guest| one.client_id == client_id && is_grant_alive(settings, one, guest, ctx.now)))
}

/// The number of users.
pub async fn count_users(ctx: &Ctx<'_>) -> Result<BoundedCount, StoreError> {
    let mut conn = ctx.app.store.read().await?;
    reach::count_users(&mut conn, ctx.project.no, LOOKED_AT).await.map(BoundedCount::up_to_bound)
}

/// The number of users' accounts at a provider.
pub async fn count_external_accounts(ctx: &Ctx<'_>, provider: &Provider) -> Result<BoundedCount, StoreError> {
    let mut conn = ctx.app.store.read().await?;
    let count = reach::count_external_accounts(&mut conn, ctx.project.no, &provider.account_key(), LOOKED_AT).await?;
    Ok(BoundedCount::up_to_bound(count))
}

/// The consequences of replacing the old settings by the new ones. Counts only what the difference can affect.
pub async fn of_change(
    ctx: &Ctx<'_>,
    old: &ProjectSettings,
    new: &ProjectSettings,
) -> Result<Vec<Consequence>, StoreError> {
    let no = ctx.project.no;
    let mut found = Vec::new();
    let mut conn = ctx.app.store.read().await?;
    let guests_off = old.anonymous_enabled() && !new.anonymous_enabled();
    if guests_off || may_sign_out(old, new) {
        let open = Open::read(&mut conn, ctx.project).await?;
        let has_other_cookie = old.cookie_name("") != new.cookie_name("");
        let ended = open.people(
            |one| is_session_alive(old, one, ctx.now) && (has_other_cookie || !is_session_alive(new, one, ctx.now)),
            |one, guest| {
                let stays = keeps_grants(old, new, &one.client_id) && is_grant_alive(new, one, guest, ctx.now);
                is_grant_alive(old, one, guest, ctx.now) && !stays
            },
        );
        if !ended.all.is_none() {
            found.push(Consequence::SignsOut(ended));
        }
        if guests_off {
            found.push(Consequence::GuestsOff(open.alive(new, ctx.now).guests));
        }
    }
    for kind in old.login_id_kinds().into_iter().filter(|kind| !new.login_id_kinds().contains(kind)) {
        let count = reach::count_login_ids(&mut conn, no, kind, LOOKED_AT).await?;
        found.push(Consequence::LoginIdOff(kind, BoundedCount::up_to_bound(count)));
    }
    for authenticator in
        old.primary_authenticators().iter().copied().filter(|authenticator| !new.offers(*authenticator))
    {
        let count = match authenticator {
            AuthenticatorKind::Password => reach::count_passwords(&mut conn, no, LOOKED_AT).await?,
            AuthenticatorKind::Passkey => reach::count_passkeys(&mut conn, no, LOOKED_AT).await?,
            AuthenticatorKind::OobOtpEmail => {
                reach::count_login_ids(&mut conn, no, LoginIdKind::Email, LOOKED_AT).await?
            }
            AuthenticatorKind::OobOtpSms => {
                reach::count_login_ids(&mut conn, no, LoginIdKind::Phone, LOOKED_AT).await?
            }
        };
        found.push(Consequence::AuthenticatorOff(authenticator, BoundedCount::up_to_bound(count)));
    }
    found.extend(list_weakened(old, new));
    // Drop consequences that affect no one: they need no confirmation.
    found.retain(|one| match one {
        Consequence::SignsOut(people) => !people.all.is_none(),
        Consequence::GuestsOff(count) | Consequence::LoginIdOff(_, count) | Consequence::AuthenticatorOff(_, count) => {
            !count.is_none()
        }
        Consequence::VerificationOff(_) | Consequence::LimitOff(_) => true,
    });
    Ok(found)
}

/// Protections that the old settings have and the new ones lack.
fn list_weakened(old: &ProjectSettings, new: &ProjectSettings) -> Vec<Consequence> {
    let unverified = |kind: &LoginIdKind| old.verification_required(*kind) && !new.verification_required(*kind);
    let unlimited = |name: &LimitName| old.limit(*name).is_some() && new.limit(*name).is_none();
    let kinds = new.login_id_kinds().into_iter().filter(unverified).map(Consequence::VerificationOff);
    let limits = LimitName::ALL.into_iter().filter(unlimited).map(Consequence::LimitOff);
    kinds.chain(limits).collect()
}

/// Whether the difference can end any session.
fn may_sign_out(old: &ProjectSettings, new: &ProjectSettings) -> bool {
    let has_other_cookie = old.cookie_name("") != new.cookie_name("");
    has_other_cookie
        || is_shorter(old.session_lifetime(), new.session_lifetime())
        || old.clients().iter().any(|client| {
            new.client(&client.client_id).is_none_or(|other| {
                !is_same(client, other)
                    || [false, true]
                        .iter()
                        .any(|guest| is_shorter(client.grant_lifetime(*guest), other.grant_lifetime(*guest)))
            })
        })
}

fn is_shorter(old: Lifetime, new: Lifetime) -> bool {
    let idle = |lifetime: Lifetime| lifetime.idle.unwrap_or(lifetime.hard);
    new.hard < old.hard || idle(new) < idle(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_bounded() {
        let count = |number, is_least| BoundedCount { number, is_least };
        for (number, expected) in [(0, "0"), (999, "999"), (1_240, "1,240"), (1_000_000, "1,000,000")] {
            assert_eq!(count(number, false).to_string(), expected);
        }
        assert_eq!(count(10_000, true).of("person", "people"), "at least 10,000 people");
        assert_eq!(count(1, false).of("person", "people"), "1 person");
        assert_eq!(count(1, true).of("person", "people"), "at least 1 people");
        assert_eq!(BoundedCount::up_to_bound(LOOKED_AT), count(10_000, true));
        assert!(count(0, false).is_none() && !count(0, true).is_none());
    }
}
