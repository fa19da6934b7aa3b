//! Browsers in which an account signed in before. A sealed cookie gives such a browser attempt limits of its own for that
//! account, so that failures of strangers do not lock the user out there. It proves nothing else.

use std::time::Duration;

use vestibule_domain::{id::UserId, secret::TokenHash, session::SessionRef, time::Timestamp};

use crate::{
    adapters::entropy::Entropy,
    candidates::Candidates,
    crypto::{known_device::expiry_of, tokens::MacKey},
    ctx::Ctx,
};

/// Lifetime of a browser's entry; every sign-in renews it.
pub const LIFETIME: Duration = Duration::from_secs(180 * 24 * 3_600);
/// Maximum number of accounts that one browser is known for; the oldest entries are dropped.
const ENTRIES: usize = 4;
/// Between the entries of a cookie.
const SEPARATOR: char = '.';

/// A browser that one account signed in to before: the key of its attempt limits. The next sign-in makes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDevice(pub [u8; 16]);

impl KnownDevice {
    /// A browser or app that is signed in already: its session or grant is what identifies it.
    pub fn of_session(reference: SessionRef) -> Self {
        match reference {
            SessionRef::Session(id) => Self(*id.as_bytes()),
            SessionRef::Grant(id) => Self(*id.as_bytes()),
        }
    }

    /// The same for an operator's session, by the hash of its cookie.
    pub(crate) fn of_operator_session(token: &TokenHash) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&token.0[..16]);
        Self(id)
    }
}

/// Whether a cookie's value has the format of this server's.
pub fn is_well_formed(value: &str) -> bool {
    !value.is_empty()
        && value.split(SEPARATOR).count() <= ENTRIES
        && value.split(SEPARATOR).all(|entry| expiry_of(entry).is_some())
}

/// The browser, if it is known for this account.
fn find(keys: &[&MacKey], cookies: &Candidates, account: &[u8; 16], now: Timestamp) -> Option<KnownDevice> {
    let mut entries = cookies.iter().flat_map(|cookie| cookie.split(SEPARATOR));
    entries.find_map(|entry| {
        let entry = keys.iter().find_map(|key| key.read_known_device(account, entry))?;
        (now <= entry.expires_at).then_some(KnownDevice(entry.fingerprint))
    })
}

/// The cookie's new value after a sign-in: a new entry for the account, and the unexpired ones of other accounts.
fn renew(
    keys: &[&MacKey],
    cookies: &Candidates,
    account: &[u8; 16],
    (entropy, now): (&Entropy, Timestamp),
) -> Option<String> {
    let mut value = keys.first()?.issue_known_device(account, now.plus(LIFETIME), entropy);
    let is_own = |entry: &str| keys.iter().any(|key| key.read_known_device(account, entry).is_some());
    let is_live = |entry: &str| expiry_of(entry).is_some_and(|until| now <= until);
    let entries = cookies.iter().flat_map(|cookie| cookie.split(SEPARATOR));
    for entry in entries.filter(|entry| is_live(entry) && !is_own(entry)).take(ENTRIES - 1) {
        value.push(SEPARATOR);
        value.push_str(entry);
    }
    Some(value)
}

/// The browser, if this user signed in there before.
pub(crate) fn of_user(ctx: &Ctx<'_>, cookies: &Candidates, user: UserId) -> Option<KnownDevice> {
    find(&[&ctx.project.keys.mac], cookies, user.as_bytes(), ctx.now)
}

/// The cookie's value after this user signed in.
pub fn renew_for_user(ctx: &Ctx<'_>, cookies: &Candidates, user: UserId) -> Option<String> {
    renew(&[&ctx.project.keys.mac], cookies, user.as_bytes(), (&ctx.app.entropy, ctx.now))
}

/// The same for operators of the portal, whose browsers belong to no project.
pub mod operators {
    use vestibule_domain::{id::OperatorId, time::Timestamp};

    use super::{Candidates, KnownDevice, find, renew};
    use crate::{crypto::tokens::MacKey, state::App};

    fn keys(app: &App) -> [MacKey; 2] {
        app.master.derive_mac_keys("operators' browsers")
    }

    /// The browser, if this operator signed in there before.
    pub(crate) fn find_for(app: &App, cookies: &Candidates, id: OperatorId, now: Timestamp) -> Option<KnownDevice> {
        if cookies.is_empty() {
            return None;
        }
        find(&keys(app).each_ref(), cookies, id.as_bytes(), now)
    }

    /// The cookie's value after this operator signed in.
    pub fn renew_for(app: &App, cookies: &Candidates, id: OperatorId, now: Timestamp) -> Option<String> {
        renew(&keys(app).each_ref(), cookies, id.as_bytes(), (&app.entropy, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIM: [u8; 16] = [1; 16];
    const LEE: [u8; 16] = [2; 16];

    fn cookies(value: &str) -> Candidates {
        let mut candidates = Candidates::default();
        candidates.add(value, is_well_formed);
        candidates
    }

    fn sign_in(key: &MacKey, before: &str, account: &[u8; 16], now: Timestamp) -> String {
        renew(&[key], &cookies(before), account, (&Entropy::seeded(1), now)).expect("there is a key")
    }

    #[test]
    fn a_browser_is_known_for_those_who_signed_in_there_and_not_for_ever() {
        let (key, other) = (MacKey::new(&[7; 32]), MacKey::new(&[8; 32]));
        let now = Timestamp::from_seconds(1_000);
        let first = sign_in(&key, "", &KIM, now);
        let both = sign_in(&key, &first, &LEE, now);
        for account in [&KIM, &LEE] {
            assert!(find(&[&key], &cookies(&both), account, now).is_some());
            assert!(find(&[&other, &key], &cookies(&both), account, now).is_some());
            assert_eq!(find(&[&other], &cookies(&both), account, now), None);
        }
        assert_eq!(find(&[&key], &cookies(&first), &LEE, now), None);
        let late = now.plus(LIFETIME).plus(Duration::from_secs(1));
        assert_eq!(find(&[&key], &cookies(&both), &KIM, late), None);
        assert_eq!(sign_in(&key, &both, &KIM, late).split(SEPARATOR).count(), 1, "expired entries are dropped");
    }

    #[test]
    fn a_sign_in_renews_the_budget_and_entries_are_bounded() {
        let (key, now) = (MacKey::new(&[7; 32]), Timestamp::from_seconds(1_000));
        let first = sign_in(&key, "", &KIM, now);
        let again = renew(&[&key], &cookies(&first), &KIM, (&Entropy::seeded(2), now)).expect("there is a key");
        assert_ne!(find(&[&key], &cookies(&first), &KIM, now), find(&[&key], &cookies(&again), &KIM, now));
        assert_eq!(again.split(SEPARATOR).count(), 1);
        let many = (0..9u8).fold(String::new(), |value, number| sign_in(&key, &value, &[number; 16], now));
        assert_eq!(many.split(SEPARATOR).count(), ENTRIES);
        assert!(find(&[&key], &cookies(&many), &[8; 16], now).is_some());
        assert_eq!(find(&[&key], &cookies(&many), &[0; 16], now), None);
    }

    #[test]
    fn other_values_are_no_cookie() {
        let good = sign_in(&MacKey::new(&[7; 32]), "", &KIM, Timestamp::from_seconds(1));
        for value in ["", ".", "x", &good[1..], &format!("{good}."), &[good.as_str(); ENTRIES + 1].join(".")] {
            assert!(!is_well_formed(value), "{value}");
        }
        assert!(is_well_formed(&[good.as_str(); ENTRIES].join(".")));
    }
}
