//! Whether a link into the portal still holds, and the acceptance of a role in a new place by an operator who has an
//! account. The maker's and the holder's rights are those of the moment of use, not of the moment the link was made.

use std::net::IpAddr;

use vestibule_domain::{
    id::OperatorId,
    operator::{Assignment, LinkMaker, LinkPurpose, Operator, OperatorAct, OperatorEvent, OperatorLink, Role, role_in},
    time::Timestamp,
};
use vestibule_store::{Conn, StoreError, Tx, operator_events, operator_links, operator_sessions, operators};

use super::{SignedIn, audit, sign_in::is_proved};
use crate::{crypto::sha256, error::Error, state::App};

/// Whether its maker may still make this link: an invitation into a place that the maker owns, a reset of an operator
/// whose every place the maker owns. The links of a removed operator are dead; those of the command line hold. Of those whose maker
/// an earlier release did not record, only that for the first operator holds.
async fn holds(conn: &mut Conn, link: &OperatorLink) -> Result<bool, StoreError> {
    let maker = match link.maker {
        LinkMaker::Operator(maker) => maker,
        LinkMaker::CommandLine => return Ok(true),
        LinkMaker::Unknown => return Ok(link.purpose == LinkPurpose::FirstRun),
    };
    Ok(match link.purpose {
        LinkPurpose::FirstRun => false,
        LinkPurpose::Invitation => {
            role_in(&operators::roles_of(conn, maker).await?, link.assignment.project) == Some(Role::Owner)
        }
        LinkPurpose::Reset => match operators::find_by_email(conn, &link.email).await? {
            Some(target) => owns_all_of(conn, maker, target.id).await?,
            None => false,
        },
    })
}

/// The valid link with this secret part, if its maker may still make it.
pub(super) async fn find_held(
    conn: &mut Conn,
    token: &str,
    now: Timestamp,
) -> Result<Option<OperatorLink>, StoreError> {
    let found = operator_links::find(conn, sha256(token.as_bytes()), now).await?;
    Ok(match found {
        Some(link) if holds(conn, &link).await? => Some(link),
        Some(_) | None => None,
    })
}

/// Whether an operator owns every place in which another one works, and may therefore give that account to another person.
async fn owns_all_of(conn: &mut Conn, maker: OperatorId, target: OperatorId) -> Result<bool, StoreError> {
    let roles = operators::roles_of(conn, maker).await?;
    let places = operators::roles_of(conn, target).await?;
    Ok(places.iter().all(|one| role_in(&roles, one.project) == Some(Role::Owner)))
}

/// Whether an invitation hands over an account that has its address: the address was never proved, the link proves it, and
/// its maker may do so.
pub(super) async fn hands_over(conn: &mut Conn, link: &OperatorLink, operator: &Operator) -> Result<bool, StoreError> {
    match link.maker {
        LinkMaker::Operator(maker) if link.is_mailed && operator.email_proved_at.is_none() => {
            owns_all_of(conn, maker, operator.id).await
        }
        LinkMaker::Operator(_) | LinkMaker::CommandLine | LinkMaker::Unknown => Ok(false),
    }
}

/// The same inside the transaction that redeems the link: the roles it depends on stay locked until it ends.
pub(super) async fn holds_in(tx: &mut Tx, link: &OperatorLink) -> Result<bool, StoreError> {
    if let LinkMaker::Operator(maker) = link.maker {
        operators::hold_roles_of(tx, maker).await?;
    }
    if let Some(target) = operators::find_by_email(tx, &link.email).await? {
        operators::hold_roles_of(tx, target.id).await?;
    }
    holds(tx, link).await
}

/// Gives a role that was accepted, unless the operator has it or a higher one in that place. Links that would reset its
/// credentials are removed: they were made by those who own less.
pub(super) async fn give_role(tx: &mut Tx, operator: &Operator, assignment: Assignment) -> Result<(), StoreError> {
    let roles = operators::hold_roles_of(tx, operator.id).await?;
    if roles.iter().any(|one| one.project == assignment.project && one.role >= assignment.role) {
        return Ok(());
    }
    operator_links::remove_resets_of(tx, &operator.email).await?;
    operators::set_role(tx, operator.id, assignment).await
}

/// An invitation as the signed-in operator may see it.
pub enum Offer {
    /// It can be accepted.
    Open(Box<OperatorLink>),
    /// It is for another address.
    Elsewhere(String),
    /// The account's address was never proved, and the link proves it: its holder takes the account over first, with new
    /// credentials.
    Claim,
    /// The operator must prove its address first.
    AddressNotProved,
    /// It was used, has expired, or its maker may no longer invite.
    Gone,
}

/// Finds the invitation with this secret part for the signed-in operator.
pub async fn find(app: &App, signed_in: &SignedIn, token: &str, now: Timestamp) -> Result<Offer, Error> {
    let mut conn = app.store.read().await?;
    let held = find_held(&mut conn, token, now).await?;
    let Some(link) = held.filter(|link| link.purpose == LinkPurpose::Invitation) else { return Ok(Offer::Gone) };
    if link.email != signed_in.operator.email {
        return Ok(Offer::Elsewhere(link.email));
    }
    if hands_over(&mut conn, &link, &signed_in.operator).await? {
        return Ok(Offer::Claim);
    }
    Ok(match signed_in.operator.email_proved_at {
        None if app.mailer.is_configured() => Offer::AddressNotProved,
        Some(_) | None => Offer::Open(Box::new(link)),
    })
}

/// Accepts an invitation for an operator who has just authenticated; `false` when it holds no more, or the operator's session or address
/// is no longer what it was.
pub async fn accept(
    app: &App,
    signed_in: &SignedIn,
    (link, place): (OperatorLink, &str),
    ip: IpAddr,
    now: Timestamp,
) -> Result<bool, Error> {
    let detail = format!("{} of {place}", link.assignment.role.as_str());
    let event = audit::own(app, &signed_in.operator, OperatorAct::RoleAccepted, &detail, ip, now);
    let acceptance =
        Acceptance { link, signed_in: signed_in.clone(), needs_proof: app.mailer.is_configured(), event, now };
    let written = app.store.write("accept_invitation", acceptance, |tx, acceptance| Box::pin(apply(tx, acceptance)));
    Ok(written.await?)
}

/// The input of the transaction.
struct Acceptance {
    link: OperatorLink,
    signed_in: SignedIn,
    /// Whether the operator's address must be proved.
    needs_proof: bool,
    event: OperatorEvent,
    now: Timestamp,
}

async fn apply(tx: &mut Tx, acceptance: &Acceptance) -> Result<bool, StoreError> {
    let Acceptance { link, signed_in, event, now, .. } = acceptance;
    let id = signed_in.operator.id;
    if !holds_in(tx, link).await? || !operators::hold(tx, id).await? || !may_accept(tx, acceptance).await? {
        return Ok(false);
    }
    if !operator_links::take(tx, link.token, *now).await? {
        return Ok(false);
    }
    give_role(tx, &signed_in.operator, link.assignment).await?;
    operator_events::insert(tx, event).await?;
    Ok(true)
}

/// What was judged before the transaction, once more: the session and the operator may have changed since. The operator is locked.
async fn may_accept(tx: &mut Tx, acceptance: &Acceptance) -> Result<bool, StoreError> {
    let Acceptance { link, signed_in, needs_proof, now, .. } = acceptance;
    // Locks the session.
    if !operator_sessions::touch(tx, signed_in.session.token, *now).await? {
        return Ok(false);
    }
    let session = operator_sessions::find(tx, signed_in.session.token).await?;
    let operator = operators::find(tx, signed_in.operator.id).await?;
    let Some((session, operator)) = session.zip(operator) else { return Ok(false) };
    let current = SignedIn { session, operator, ..signed_in.clone() };
    let operator = &current.operator;
    let is_own = session.operator_id == operator.id && is_proved(&current, *now) && operator.email == link.email;
    let is_confirmed = operator.email_proved_at.is_some() || !needs_proof;
    Ok(is_own && is_confirmed && !hands_over(tx, link, operator).await?)
}
