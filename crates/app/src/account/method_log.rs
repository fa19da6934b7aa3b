//! The log of the changes of a member's login IDs, passkeys and external accounts: what a link "This was not me" undoes, and who gets such a link.
//!
//! A row says how one login method was before a change. A link names a change, and undoing it brings back what there was before it,
//! so the later changes end with it. The link of a later change is then worth nothing: of several links the oldest wins.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vestibule_domain::{
    id::{ChangeId, IdentityId, ProjectNo, UserId},
    identifier::LoginIdKind,
    identity::{ExternalAccount, OwnedLoginId},
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    login_method_changes::{self, LoginMethodChange},
    passkeys::PasskeyRow,
};

use super::{
    LoginMethods,
    login_methods::{kind_of, login_id_of},
    notice::{DescribeChange, WriteNotice},
};
use crate::{
    adapters::mailer::Mail,
    crypto::security_links::LinkAction,
    crypto::{base64url, read_base64url},
    ctx::Ctx,
    error::Error,
    security_links,
};

/// A login ID, passkey or external account as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum StoredMethod {
    LoginId {
        of: String,
        value: String,
        original: String,
        verified_at: Option<Timestamp>,
        created_at: Timestamp,
        updated_at: Timestamp,
    },
    Passkey {
        credential_id: String,
        public_key: String,
        sign_count: i64,
        name: Option<String>,
        created_at: Timestamp,
        last_used_at: Option<Timestamp>,
        backup_eligible: Option<bool>,
    },
    ExternalAccount {
        provider: String,
        subject: String,
        profile: Map<String, Value>,
        created_at: Timestamp,
        updated_at: Timestamp,
    },
}

impl StoredMethod {
    /// A login method of a member as it is now, if the member has it.
    pub(crate) fn find(login_methods: &LoginMethods, id: IdentityId) -> Option<Self> {
        let passkey = || login_methods.passkeys.iter().find(|row| row.id == id).cloned().map(Self::of_passkey);
        let external = || login_methods.external_accounts.iter().find(|row| row.id == id).cloned();
        let external = || external().map(Self::of_external_account);
        login_methods.find(id).cloned().map(Self::of_login_id).or_else(passkey).or_else(external)
    }

    fn of_external_account(row: ExternalAccount) -> Self {
        let ExternalAccount { provider, subject, profile, created_at, updated_at, .. } = row;
        Self::ExternalAccount { provider, subject, profile, created_at, updated_at }
    }

    fn of_login_id(row: OwnedLoginId) -> Self {
        let OwnedLoginId { kind, value, original, verified_at, created_at, updated_at, .. } = row;
        Self::LoginId { of: kind, value, original, verified_at, created_at, updated_at }
    }

    fn of_passkey(row: PasskeyRow) -> Self {
        Self::Passkey {
            credential_id: base64url(&row.credential_id),
            public_key: base64url(&row.public_key),
            sign_count: row.sign_count,
            name: row.name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            backup_eligible: row.backup_eligible,
        }
    }

    fn print(&self) -> String {
        serde_json::to_string(self).expect("a login method is plain JSON")
    }

    /// The row of an external account; `None` for another method.
    pub(crate) fn external_account(&self, id: IdentityId, user_id: UserId) -> Option<ExternalAccount> {
        let Self::ExternalAccount { provider, subject, profile, created_at, updated_at } = self.clone() else {
            return None;
        };
        Some(ExternalAccount { id, user_id, provider, subject, profile, created_at, updated_at })
    }

    /// The row of a login ID; `None` for another method.
    pub(crate) fn login_id(&self, id: IdentityId, user_id: UserId) -> Option<OwnedLoginId> {
        let Self::LoginId { of: kind, value, original, verified_at, created_at, updated_at } = self.clone() else {
            return None;
        };
        Some(OwnedLoginId { id, user_id, kind, value, original, verified_at, created_at, updated_at })
    }

    /// The row of a passkey; `None` for another method.
    pub(crate) fn passkey(&self, id: IdentityId, owner: UserId) -> Option<PasskeyRow> {
        let Self::Passkey { credential_id, public_key, sign_count, name, created_at, last_used_at, backup_eligible } =
            self.clone()
        else {
            return None;
        };
        let (credential_id, public_key) = (read_base64url(&credential_id)?, read_base64url(&public_key)?);
        Some(PasskeyRow {
            credential_id,
            id,
            owner,
            public_key,
            sign_count,
            name,
            created_at,
            last_used_at,
            backup_eligible,
        })
    }
}

/// How the login methods of a member were before the first of these changes, which are in their order: each that they touch, `None`
/// for one that did not exist. One that this release cannot read stays as it is.
pub(crate) fn states_before(changes: &[LoginMethodChange]) -> Vec<(IdentityId, Option<StoredMethod>)> {
    let mut seen = Vec::new();
    let mut states = Vec::new();
    for change in changes {
        if seen.contains(&change.identity) {
            continue;
        }
        seen.push(change.identity);
        match &change.before {
            None => states.push((change.identity, None)),
            Some(text) => states.extend(serde_json::from_str(text).ok().map(|state| (change.identity, Some(state)))),
        }
    }
    states
}

/// The changes of a member that a link can still undo, oldest first.
pub(crate) fn live(changes: Vec<LoginMethodChange>, now: Timestamp) -> Vec<LoginMethodChange> {
    changes.into_iter().filter(|change| now <= change.expires_at).collect()
}

/// A change of login methods that is about to be written: its name, and who gets a mail about it.
#[derive(Clone, Debug)]
pub(crate) struct PlannedChange {
    id: ChangeId,
    expires_at: Timestamp,
    /// Whether it is logged though nothing else is: a link names it, or it brings an email address, which must get no link soon.
    is_logged: bool,
}

/// Where the mails about a change go.
pub(crate) struct Recipients<'a> {
    login_methods: &'a LoginMethods,
    /// The addresses that may undo a change, the oldest first.
    trusted: Vec<&'a OwnedLoginId>,
}

impl<'a> Recipients<'a> {
    /// Only an address that an owner has had for long gets a link: otherwise a thief undoes what its owner did. That is one which no
    /// change that can be undone has brought, and which is older than what recovery selects to be removed, or as old as the oldest
    /// login method of the account: the first address of an account that had a username before may be a thief's.
    pub(crate) async fn load(ctx: &Ctx<'_>, user: UserId, login_methods: &'a LoginMethods) -> Result<Self, Error> {
        let changes = login_method_changes::list(&mut *ctx.app.store.read().await?, ctx.project.no, user).await?;
        let changes = live(changes, ctx.now);
        let is_old =
            |row: &OwnedLoginId| ctx.now.since(row.created_at) >= ctx.project.settings.recovery_preselect_age();
        let emails = login_methods.emails();
        let (oldest, has_verified) = (login_methods.oldest_at(), emails.iter().any(|row| row.verified_at.is_some()));
        let is_trusted = |row: &&OwnedLoginId| {
            let counts = row.verified_at.is_some() || !has_verified;
            counts && (Some(row.created_at) <= oldest || is_old(row)) && !was_brought(&changes, row)
        };
        let trusted = emails.into_iter().filter(is_trusted).collect();
        Ok(Self { login_methods, trusted })
    }

    /// The mails about a change. `concerned` is the login ID that is replaced or removed: an email address gets a mail in any case.
    pub(crate) fn write(
        &self,
        (planned, link): (&mut PlannedChange, &str),
        concerned: Option<&OwnedLoginId>,
        (describe, write): (DescribeChange<'_>, WriteNotice<'_>),
    ) -> Vec<Mail> {
        let concerned = concerned.filter(|row| kind_of(row) == Some(LoginIdKind::Email));
        let is_trusted = |row: &&OwnedLoginId| self.trusted.iter().any(|trusted| trusted.id == row.id);
        let linked = concerned.filter(is_trusted).or_else(|| self.trusted.first().copied());
        let linked = linked.and_then(|row| login_id_of(row)?.address());
        let plain = match (concerned, &linked) {
            (Some(row), _) => login_id_of(row).and_then(|login_id| login_id.address()),
            (None, None) => self.login_methods.mail_address(),
            (None, Some(_)) => None,
        };
        let plain = plain.filter(|to| Some(to) != linked.as_ref());
        planned.is_logged |= linked.is_some();
        let linked = linked.map(|to| write(&to, &describe(Some(link.to_string()))));
        let plain = plain.map(|to| write(&to, &describe(None)));
        linked.into_iter().chain(plain).collect()
    }
}

/// Whether one of these changes added a login ID, or put it in the place of another.
fn was_brought(changes: &[LoginMethodChange], row: &OwnedLoginId) -> bool {
    states_before(changes).iter().any(|(id, before)| {
        let value = match before {
            Some(StoredMethod::LoginId { value, .. }) => Some(value),
            Some(StoredMethod::Passkey { .. } | StoredMethod::ExternalAccount { .. }) | None => None,
        };
        *id == row.id && value != Some(&row.value)
    })
}

/// Plans a change of one login method: its name, and the mails about it.
pub(crate) async fn plan(
    ctx: &Ctx<'_>,
    (user, login_methods): (UserId, &LoginMethods),
    concerned: Option<&OwnedLoginId>,
    texts: (DescribeChange<'_>, WriteNotice<'_>),
) -> Result<(PlannedChange, Vec<Mail>), Error> {
    let mut planned = PlannedChange::new(ctx);
    let link = planned.link(ctx, user);
    let recipients = Recipients::load(ctx, user, login_methods).await?;
    let mails = recipients.write((&mut planned, &link), concerned, texts);
    Ok((planned, mails))
}

impl PlannedChange {
    pub(crate) fn new(ctx: &Ctx<'_>) -> Self {
        let (id, expires_at) = (ctx.app.entropy.id(ctx.now), ctx.now.plus(security_links::LIFETIME));
        Self { id, expires_at, is_logged: false }
    }

    /// The link that undoes it.
    pub(crate) fn link(&self, ctx: &Ctx<'_>, user: UserId) -> String {
        security_links::make(ctx, user, LinkAction::Undo { change: self.id })
    }

    /// The same, logged in any case if it brings an email address.
    pub(crate) fn bringing_email(self, brings_email: bool) -> Self {
        Self { is_logged: self.is_logged || brings_email, ..self }
    }

    /// Records how login methods were before they are changed. The member must be locked. Without a link or a new email address, it
    /// is recorded only for the links of earlier changes.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        (no, user): (ProjectNo, UserId),
        before: &[(IdentityId, Option<StoredMethod>)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let earlier = login_method_changes::list(tx, no, user).await?;
        let next = earlier.last().map_or(1, |last| last.no + 1);
        if !self.is_logged && live(earlier, now).is_empty() {
            return Ok(());
        }
        for (number, (identity, before)) in (next..).zip(before) {
            let before = before.as_ref().map(StoredMethod::print);
            let (id, expires_at) = (self.id, self.expires_at);
            let row = LoginMethodChange { no: number, id, identity: *identity, before, expires_at };
            login_method_changes::insert(tx, no, user, &row).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login_id(value: &str) -> StoredMethod {
        let at = Timestamp::from_seconds(1);
        let (of, value, original) = ("email".to_string(), value.to_string(), value.to_uppercase());
        StoredMethod::LoginId { of, value, original, verified_at: None, created_at: at, updated_at: at }
    }

    fn change(no: i64, identity: u8, before: Option<&StoredMethod>) -> LoginMethodChange {
        LoginMethodChange {
            no,
            id: ChangeId::from_bytes([9; 16]),
            identity: IdentityId::from_bytes([identity; 16]),
            before: before.map(StoredMethod::print),
            expires_at: Timestamp::from_seconds(no),
        }
    }

    #[test]
    fn the_oldest_state_of_each_login_method_counts() {
        let (a, b) = (login_id("a@x.test"), login_id("b@x.test"));
        let changes = [
            change(1, 1, Some(&a)),
            change(2, 2, None),
            change(3, 1, Some(&b)),
            change(4, 2, Some(&b)),
            change(5, 3, None),
        ];
        let id = |number: u8| IdentityId::from_bytes([number; 16]);
        assert_eq!(states_before(&changes), [(id(1), Some(a)), (id(2), None), (id(3), None)]);
        assert_eq!(states_before(&changes[2..]), [(id(1), Some(b.clone())), (id(2), Some(b)), (id(3), None)]);
        assert_eq!(live(changes.to_vec(), Timestamp::from_seconds(4)).len(), 2);
    }

    #[test]
    fn a_state_that_cannot_be_read_stays_as_it_is() {
        let unreadable = LoginMethodChange { before: Some("{\"kind\":\"face\"}".into()), ..change(1, 1, None) };
        assert_eq!(states_before(&[unreadable, change(2, 1, None)]), []);
    }

    #[test]
    fn a_login_method_reads_back_unchanged() {
        let (id, user) = (IdentityId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let row = login_id("a@x.test").login_id(id, user).expect("a login ID");
        assert_eq!(StoredMethod::of_login_id(row.clone()).login_id(id, user), Some(row.clone()));
        let passkey = PasskeyRow {
            credential_id: vec![1, 200],
            id,
            owner: user,
            public_key: vec![0, 255, 3],
            sign_count: 7,
            name: Some("a".into()),
            created_at: row.created_at,
            last_used_at: None,
            backup_eligible: Some(true),
        };
        let stored: StoredMethod =
            serde_json::from_str(&StoredMethod::of_passkey(passkey.clone()).print()).expect("its own JSON");
        assert_eq!((stored.passkey(id, user), stored.login_id(id, user)), (Some(passkey), None));
        let account = ExternalAccount {
            id,
            user_id: user,
            provider: "google".into(),
            subject: "7".into(),
            profile: Map::from_iter([("email".to_string(), Value::from("a@x.test"))]),
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        let stored: StoredMethod =
            serde_json::from_str(&StoredMethod::of_external_account(account.clone()).print()).expect("its own JSON");
        assert_eq!((stored.external_account(id, user), stored.passkey(id, user)), (Some(account), None));
    }
}
