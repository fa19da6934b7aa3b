//! Browsers in which an account signed in before. A sealed cookie gives such a browser attempt limits of its own for that
//! account, so that failures of strangers do not lock the user out there. It proves nothing else.

use std::time::Duration;

use vestibule_domain::{
    id::{OperatorId, UserId},
    secret::TokenHash,
    session::SessionRef,
    time::Timestamp,
};
use vestibule_store::users;

pub use crate::crypto::known_device::KnownAccount;
use crate::{
    adapters::entropy::Entropy,
    candidates::Candidates,
    crypto::{known_device::expiry_of, tokens::MacKey},
    ctx::Ctx,
    error::Error,
};

/// Lifetime of a browser's entry; every sign-in renews it.
pub const LIFETIME: Duration = Duration::from_secs(180 * 24 * 3_600);
/// Maximum number of accounts that one browser is known for; the oldest entries are dropped.
const ENTRIES: usize = 4;
/// Between the entries of a cookie.
const SEPARATOR: char = '.';

/// A browser that one account signed in to before, or a session of it: the key of attempt limits. The next sign-in makes another
/// one, so all of an account have a limit in common, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// The ID of the user or operator.
    pub(crate) account: [u8; 16],
    pub(crate) id: [u8; 16],
    pub(crate) by: KnownBy,
}

/// By what a browser is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownBy {
    Cookie,
    /// It is signed in.
    Session,
}

impl KnownDevice {
    /// A browser or app that is signed in already: its session or grant is what identifies it.
    pub fn of_session(user: UserId, reference: SessionRef) -> Self {
        let id = match reference {
            SessionRef::Session(id) => *id.as_bytes(),
            SessionRef::Grant(id) => *id.as_bytes(),
        };
        Self { account: *user.as_bytes(), id, by: KnownBy::Session }
    }

    /// The same for an operator's session, by the hash of its cookie.
    pub(crate) fn of_operator_session(operator: OperatorId, token: &TokenHash) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&token.0[..16]);
        Self { account: *operator.as_bytes(), id, by: KnownBy::Session }
    }
}

/// Whether a cookie's value has the format of this server's.
pub fn is_well_formed(value: &str) -> bool {
    !value.is_empty()
        && value.split(SEPARATOR).count() <= ENTRIES
        && value.split(SEPARATOR).all(|entry| expiry_of(entry).is_some())
}

/// The browser, if it is known for this account.
fn find(keys: &[&MacKey], cookies: &Candidates, account: KnownAccount, now: Timestamp) -> Option<KnownDevice> {
    let mut entries = cookies.iter().flat_map(|cookie| cookie.split(SEPARATOR));
    entries.find_map(|entry| {
        let entry = keys.iter().find_map(|key| key.read_known_device(account, entry))?;
        let is_valid = entry.is_current && now <= entry.expires_at;
        is_valid.then_some(KnownDevice { account: account.id, id: entry.fingerprint, by: KnownBy::Cookie })
    })
}

/// The cookie's new value after a sign-in: a new entry for the account, and the unexpired ones of other accounts.
fn renew(
    keys: &[&MacKey],
    cookies: &Candidates,
    account: KnownAccount,
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

/// The browser, if this user signed in there before, in its present credential generation.
pub(crate) fn of_user(ctx: &Ctx<'_>, cookies: &Candidates, account: KnownAccount) -> Option<KnownDevice> {
    find(&[&ctx.project.keys.mac], cookies, account, ctx.now)
}

/// The same, with the generation as it is stored. It is read for any browser that has such a cookie, and for a user that does
/// not exist alike.
pub async fn look_up(ctx: &Ctx<'_>, cookies: &Candidates, user: UserId) -> Result<Option<KnownDevice>, Error> {
    if cookies.is_empty() {
        return Ok(None);
    }
    let account = find_account(ctx, user).await?;
    Ok(of_user(ctx, cookies, account))
}

async fn find_account(ctx: &Ctx<'_>, user: UserId) -> Result<KnownAccount, Error> {
    let generation = users::find_generation(&mut *ctx.app.store.read().await?, ctx.project.no, user).await?;
    Ok(KnownAccount { id: *user.as_bytes(), generation })
}

/// The cookie's value after this user signed in.
pub fn renew_for_user(ctx: &Ctx<'_>, cookies: &Candidates, account: KnownAccount) -> Option<String> {
    renew(&[&ctx.project.keys.mac], cookies, account, (&ctx.app.entropy, ctx.now))
}

/// The cookie's new value in the browser where a user changed its password or ended its other sessions: of all browsers that
/// were known, this one stays so. A session in another browser, such as that of a thief, makes none known.
pub async fn renew_after_change(
    ctx: &Ctx<'_>,
    cookies: &Candidates,
    before: Option<KnownDevice>,
    user: UserId,
) -> Result<Option<String>, Error> {
    match before {
        Some(_) => Ok(renew_for_user(ctx, cookies, find_account(ctx, user).await?)),
        None => Ok(None),
    }
}

/// The same for operators of the portal, whose browsers belong to no project.
pub mod operators {
    use vestibule_domain::{operator::Operator, time::Timestamp};
    use vestibule_store::operators;

    use super::{Candidates, Error, KnownAccount, KnownDevice, find, renew};
    use crate::{crypto::tokens::MacKey, state::App};

    fn keys(app: &App) -> [MacKey; 2] {
        app.master.derive_mac_keys("operators' browsers")
    }

    /// The operator as entries are made for it.
    pub fn account_of(operator: &Operator) -> KnownAccount {
        KnownAccount { id: *operator.id.as_bytes(), generation: operator.credential_generation }
    }

    /// The browser, if this operator signed in there before.
    pub(crate) fn find_for(
        app: &App,
        cookies: &Candidates,
        operator: &Operator,
        now: Timestamp,
    ) -> Option<KnownDevice> {
        if cookies.is_empty() {
            return None;
        }
        find(&keys(app).each_ref(), cookies, account_of(operator), now)
    }

    /// As [`super::renew_after_change`], for an operator as it was before; `None` if no session ended.
    pub async fn renew_after_change(
        app: &App,
        cookies: &Candidates,
        before: &Operator,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        if find_for(app, cookies, before, now).is_none() {
            return Ok(None);
        }
        let operator = operators::find(&mut *app.store.read().await?, before.id).await?;
        let changed = operator.filter(|operator| operator.credential_generation != before.credential_generation);
        Ok(changed.and_then(|operator| renew_for(app, cookies, account_of(&operator), now)))
    }

    /// The cookie's value after this operator signed in.
    pub fn renew_for(app: &App, cookies: &Candidates, account: KnownAccount, now: Timestamp) -> Option<String> {
        renew(&keys(app).each_ref(), cookies, account, (&app.entropy, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIM: KnownAccount = KnownAccount { id: [1; 16], generation: 0 };
    const LEE: KnownAccount = KnownAccount { id: [2; 16], generation: 7 };

    fn numbered(number: u8) -> KnownAccount {
        KnownAccount { id: [number; 16], generation: 0 }
    }

    fn cookies(value: &str) -> Candidates {
        let mut candidates = Candidates::default();
        candidates.add(value, is_well_formed);
        candidates
    }

    fn sign_in(key: &MacKey, before: &str, account: KnownAccount, now: Timestamp) -> String {
        renew(&[key], &cookies(before), account, (&Entropy::seeded(1), now)).expect("there is a key")
    }

    #[test]
    fn a_browser_is_known_for_those_who_signed_in_there_and_not_for_ever() {
        let (key, other) = (MacKey::new(&[7; 32]), MacKey::new(&[8; 32]));
        let now = Timestamp::from_seconds(1_000);
        let first = sign_in(&key, "", KIM, now);
        let both = sign_in(&key, &first, LEE, now);
        for account in [KIM, LEE] {
            assert!(find(&[&key], &cookies(&both), account, now).is_some());
            assert!(find(&[&other, &key], &cookies(&both), account, now).is_some());
            assert_eq!(find(&[&other], &cookies(&both), account, now), None);
        }
        assert_eq!(find(&[&key], &cookies(&first), LEE, now), None);
        let late = now.plus(LIFETIME).plus(Duration::from_secs(1));
        assert_eq!(find(&[&key], &cookies(&both), KIM, late), None);
        assert_eq!(sign_in(&key, &both, KIM, late).split(SEPARATOR).count(), 1, "expired entries are dropped");
    }

    #[test]
    fn a_sign_in_renews_the_budget_and_entries_are_bounded() {
        let (key, now) = (MacKey::new(&[7; 32]), Timestamp::from_seconds(1_000));
        let first = sign_in(&key, "", KIM, now);
        let again = renew(&[&key], &cookies(&first), KIM, (&Entropy::seeded(2), now)).expect("there is a key");
        assert_ne!(find(&[&key], &cookies(&first), KIM, now), find(&[&key], &cookies(&again), KIM, now));
        assert_eq!(again.split(SEPARATOR).count(), 1);
        let many = (0..9u8).fold(String::new(), |value, number| sign_in(&key, &value, numbered(number), now));
        assert_eq!(many.split(SEPARATOR).count(), ENTRIES);
        assert!(find(&[&key], &cookies(&many), numbered(8), now).is_some());
        assert_eq!(find(&[&key], &cookies(&many), numbered(0), now), None);
    }

    #[test]
    fn an_entry_ends_with_its_generation_and_is_replaced_in_the_next() {
        let (key, now) = (MacKey::new(&[7; 32]), Timestamp::from_seconds(1_000));
        let next = KnownAccount { generation: 1, ..KIM };
        let both = sign_in(&key, &sign_in(&key, "", LEE, now), KIM, now);
        assert!(find(&[&key], &cookies(&both), KIM, now).is_some());
        assert_eq!(find(&[&key], &cookies(&both), next, now), None);
        let renewed = sign_in(&key, &both, next, now);
        assert_eq!(renewed.split(SEPARATOR).count(), 2, "the entry of before takes no place");
        assert!(find(&[&key], &cookies(&renewed), next, now).is_some());
        assert!(find(&[&key], &cookies(&renewed), LEE, now).is_some());
        assert_eq!(find(&[&key], &cookies(&renewed), KIM, now), None);
        // The generation is part of what is signed.
        let (mut bytes, last) = (crate::crypto::read_base64url(&renewed[..43]).expect("an entry"), 7);
        bytes[last] = 2;
        let forged = crate::crypto::base64url(bytes);
        assert_eq!(find(&[&key], &cookies(&forged), KnownAccount { generation: 2, ..KIM }, now), None);
    }

    #[test]
    fn other_values_are_no_cookie() {
        let good = sign_in(&MacKey::new(&[7; 32]), "", KIM, Timestamp::from_seconds(1));
        for value in ["", ".", "x", &good[1..], &format!("{good}."), &[good.as_str(); ENTRIES + 1].join(".")] {
            assert!(!is_well_formed(value), "{value}");
        }
        assert!(is_well_formed(&[good.as_str(); ENTRIES].join(".")));
    }
}
