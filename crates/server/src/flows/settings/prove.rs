//! Proving again, before something delicate, that it is really the member: by password or passkey here, by a code in
//! `login_id`, where codes are at home.

use std::{net::IpAddr, sync::Arc, time::Duration};

use vestibule_domain::{credential::password, time::Timestamp};
use vestibule_store::passkeys::{self, PasskeyUse};

use super::{
    Standing, authenticated_at,
    change::{Deed, Order, Outcome, Seat, commit},
    passkey::site,
};
use crate::{
    app::App,
    flows::{Error, caller::AccountCaller, tries::Buckets},
    passkeys::{Assertion, Expected},
    passwords::Verdict,
    projects::Project,
};

/// How long a proof is good for delicate changes.
const FRESH: Duration = Duration::from_secs(300);

/// Whether the person proved who it is a moment ago.
pub(crate) fn is_fresh(caller: &AccountCaller, now: Timestamp) -> bool {
    now <= authenticated_at(caller).plus(FRESH)
}

/// Compares the member's password; a wrong one is counted before the answer is given.
pub(super) async fn check_password(
    app: &App,
    project: &Project,
    standing: &Standing,
    typed: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<bool, Error> {
    let buckets = Buckets::of_password(project, standing.name().unwrap_or_default(), ip);
    buckets.check(app, now).await?;
    let hash = standing.password.as_ref().map(|row| row.hash.clone());
    match app.hasher.verify(project.no, password::prepare(typed), hash).await? {
        Verdict::Right { .. } => Ok(true),
        Verdict::Wrong => {
            buckets.record_failure(app, now).await?;
            Ok(false)
        }
    }
}

/// Proves by password; `None` when it is wrong.
pub(crate) async fn by_password(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    typed: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<Option<Outcome>, Error> {
    let standing = Standing::load(app, project, caller.user.id).await?;
    if !check_password(app, project, &standing, typed, ip, now).await? {
        return Ok(None);
    }
    note(app, project, caller, "pwd", None, now).await.map(Some)
}

/// The challenge for one of the member's passkeys: each proof makes it another one.
fn challenge(project: &Project, caller: &AccountCaller) -> [u8; 32] {
    let seat = match Seat::of(caller) {
        Seat::Session(id) => *id.as_bytes(),
        Seat::Grant(id) => *id.as_bytes(),
    };
    let place = [seat.as_slice(), &authenticated_at(caller).as_micros().to_be_bytes()].concat();
    project.keys.mac.passkey_challenge("use", &place)
}

/// The options with which the page asks the browser for one of the member's passkeys.
pub(crate) fn request_options(project: &Project, caller: &AccountCaller, standing: &Standing) -> String {
    let known: Vec<Vec<u8>> = standing.passkeys.iter().map(|row| row.credential_id.clone()).collect();
    site(project).request_options(&challenge(project, caller), &known)
}

/// Proves by passkey; `None` when the browser's answer is not good.
pub(crate) async fn by_passkey(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    answer: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<Option<Outcome>, Error> {
    let buckets = Buckets::of_passkey(project, ip);
    buckets.check(app, now).await?;
    let Some(used) = judge(app, project, caller, answer).await? else {
        buckets.record_failure(app, now).await?;
        return Ok(None);
    };
    note(app, project, caller, "pop user", Some(used), now).await.map(Some)
}

async fn judge(
    app: &App,
    project: &Project,
    caller: &AccountCaller,
    answer: &str,
) -> Result<Option<PasskeyUse>, Error> {
    let Ok(assertion) = Assertion::read(answer) else { return Ok(None) };
    let found = passkeys::find(&mut *app.store.read().await?, project.no, &assertion.credential_id).await?;
    let Some(row) = found.filter(|row| row.user_id == caller.user.id) else { return Ok(None) };
    let expected = Expected {
        challenge: &challenge(project, caller),
        owner: row.user_id.as_bytes(),
        public_key: &row.public_key,
        backup_eligible: row.backup_eligible,
        asked_by_name: true,
    };
    match site(project).verify(assertion, &expected) {
        Ok(used) => Ok(Some(used)),
        Err(problem) => {
            tracing::info!(user.id = %row.user_id, error = %problem, "a passkey was refused");
            Ok(None)
        }
    }
}

/// Notes the proof on the session or grant the person sits on.
async fn note(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    amr: &'static str,
    passkey: Option<PasskeyUse>,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let deed = Deed::Prove { seat: Seat::of(caller), amr, passkey };
    commit(app, project, caller, Order { deed, mails: Vec::new(), errand: None }, now).await
}
