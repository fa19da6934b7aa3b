//! One-time links into the portal: first run, invitation, reset. Only their hashes are stored.

use std::net::IpAddr;

use vestibule_domain::{
    id::OperatorId,
    operator::{
        Assignment, EVERY_PROJECT, LinkMaker, LinkPurpose, Operator, OperatorAct, OperatorEvent, OperatorLink, Role,
    },
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_store::{
    Store, StoreError, Tx, operator_events, operator_links,
    operator_passkeys::{self, OperatorPasskey, Operators},
    operator_sessions, operators, passkeys as store_passkeys,
};

use super::{
    OperatorEmailError, OperatorInput, OperatorInputErrors, StartedSession,
    acceptance::{find_held, give_role, hands_over, holds_in},
    audit, check_name, check_password, hash_password, normalize,
    passkeys::{self, CeremonyContext},
    sign_in::make_token,
};
use crate::{adapters::entropy::Entropy, crypto::sha256, error::Error, known_devices::KnownAccount, state::App};

/// The path of a link, below the portal's origin.
pub fn path_of(token: &str) -> String {
    format!("/portal/welcome/{token}")
}

/// The path at which an operator who has an account accepts an invitation.
pub fn acceptance_path_of(token: &str) -> String {
    format!("/portal/invitations/{token}")
}

/// Who made a link, and how it gets to its holder.
#[derive(Clone, Copy)]
pub(super) struct LinkOrigin {
    pub(super) maker: LinkMaker,
    pub(super) is_mailed: bool,
}

const COMMAND_LINE: LinkOrigin = LinkOrigin { maker: LinkMaker::CommandLine, is_mailed: false };

/// Prepares a link for the store; the text is its secret part.
pub(super) fn prepare(
    entropy: &Entropy,
    origin: LinkOrigin,
    purpose: LinkPurpose,
    (assignment, email): (Assignment, &str),
    now: Timestamp,
) -> (String, OperatorLink) {
    let token = entropy.alphanumeric();
    let link = OperatorLink {
        token: sha256(token.as_bytes()),
        purpose,
        assignment,
        email: email.to_string(),
        created_at: now,
        expires_at: now.plus(purpose.lifetime()),
        maker: origin.maker,
        is_mailed: origin.is_mailed,
    };
    (token, link)
}

/// Stores a link. Older links of the same purpose, project and address become invalid. A reset link also ends the
/// operator's sessions, because the lost credential may have been used to sign in.
pub(super) async fn write(tx: &mut Tx, link: &OperatorLink) -> Result<(), StoreError> {
    operator_links::remove_of(tx, link.assignment.project, link.purpose, &link.email).await?;
    if link.purpose == LinkPurpose::Reset
        && let Some(operator) = operators::find_by_email(tx, &link.email).await?
    {
        operator_sessions::remove_of_operator(tx, operator.id).await?;
    }
    operator_links::insert(tx, link).await
}

/// The assignment of reset links, which give no role: one link per address.
pub(crate) const NO_ROLE: Assignment = Assignment { project: EVERY_PROJECT, role: Role::Viewer };

/// Creates a link, and invalidates older ones of the same purpose, project and address. Returns its secret part.
pub async fn create(
    store: &Store,
    entropy: &Entropy,
    purpose: LinkPurpose,
    assignment: Assignment,
    email: &str,
    now: Timestamp,
) -> Result<String, StoreError> {
    let (token, link) = prepare(entropy, COMMAND_LINE, purpose, (assignment, email), now);
    store.write("create_operator_link", link, |tx, link| Box::pin(write(tx, link))).await?;
    Ok(token)
}

/// Creates a link at the command line, with its audit event: a reset, or a further owner.
pub async fn create_by_command(
    store: &Store,
    entropy: &Entropy,
    operator: Option<&Operator>,
    command: &str,
    now: Timestamp,
) -> Result<String, StoreError> {
    let owner = Assignment { project: EVERY_PROJECT, role: Role::Owner };
    let (purpose, assignment, email, act) = match operator {
        None => (LinkPurpose::FirstRun, owner, "", OperatorAct::Invited),
        Some(operator) => (LinkPurpose::Reset, NO_ROLE, operator.email.as_str(), OperatorAct::LinkMade),
    };
    let detail = if operator.is_none() { "owner of every project" } else { "" };
    let whom = (operator.map(|operator| operator.id), email);
    let event = audit::event_about(entropy, whom, (command, None), act, detail, now);
    let (token, link) = prepare(entropy, COMMAND_LINE, purpose, (assignment, email), now);
    let made = store.write("create_operator_link", (link, event), |tx, (link, event)| {
        Box::pin(async move {
            write(tx, link).await?;
            operator_events::insert(tx, event).await
        })
    });
    made.await?;
    Ok(token)
}

pub async fn has_operators(app: &App) -> Result<bool, StoreError> {
    operators::exists(&mut *app.store.read().await?).await
}

/// Creates the first-run link while there is no operator: anyone who reads the server's output can become the first
/// one.
pub async fn create_first(app: &App) -> Result<Option<String>, StoreError> {
    if has_operators(app).await? {
        return Ok(None);
    }
    let owner = Assignment { project: EVERY_PROJECT, role: Role::Owner };
    create(&app.store, &app.entropy, LinkPurpose::FirstRun, owner, "", app.clock.now()).await.map(Some)
}

/// The valid link with this secret part, if its maker may still make it.
pub async fn find(app: &App, token: &str, now: Timestamp) -> Result<Option<OperatorLink>, Error> {
    Ok(find_held(&mut *app.store.read().await?, token, now).await?)
}

/// Whom a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkHolder {
    /// A person without an account.
    New,
    /// The operator whose credentials it resets.
    Reset,
    /// An account whose address was never proved: the link proves it, and its holder replaces the credentials.
    Unproved,
    /// An operator who signs in to accept.
    Account,
}

/// Whom the link is for, as of now.
pub async fn holder_of(app: &App, link: &OperatorLink) -> Result<LinkHolder, Error> {
    if link.purpose == LinkPurpose::Reset {
        return Ok(LinkHolder::Reset);
    }
    let mut conn = app.store.read().await?;
    let found = operators::find_by_email(&mut conn, &link.email).await?;
    Ok(match found {
        None => LinkHolder::New,
        Some(operator) if hands_over(&mut conn, link, &operator).await? => LinkHolder::Unproved,
        Some(_) => LinkHolder::Account,
    })
}

/// The result of redeeming a link.
pub enum RedeemOutcome {
    /// The operator is signed in.
    SignedIn(StartedSession),
    /// The input is invalid; the link stays valid.
    Invalid(OperatorInputErrors),
    /// The link was redeemed by another request, or has expired.
    Gone,
}

/// The new credential of the link's holder.
#[derive(Clone, Copy)]
pub enum NewCredential<'a> {
    /// A password, as typed.
    Password(&'a str),
    /// A passkey that the browser has just created.
    Passkey { ceremony: CeremonyContext<'a>, answer: &'a str },
}

/// The holder of a link: an existing operator, or a new one.
pub struct Newcomer {
    pub operator: Operator,
    holder: LinkHolder,
}

/// The result of identifying the holder.
pub enum Identified {
    /// Everything but the credential is known.
    Newcomer(Box<Newcomer>),
    /// The input is invalid.
    Invalid(OperatorInputErrors),
    /// The operator was removed.
    Gone,
}

/// Identifies the holder of a link, before it is redeemed.
pub async fn identify(
    app: &App,
    link: &OperatorLink,
    typed: &OperatorInput<'_>,
    now: Timestamp,
) -> Result<Identified, Error> {
    let holder = holder_of(app, link).await?;
    let mut conn = app.store.read().await?;
    if holder == LinkHolder::Reset {
        let found = operators::find_by_email(&mut conn, &link.email).await?;
        return Ok(
            found.map_or(Identified::Gone, |operator| Identified::Newcomer(Box::new(Newcomer { operator, holder })))
        );
    }
    let email = if link.email.is_empty() { normalize(typed.email) } else { Some(link.email.clone()) };
    let name = typed.name.trim().to_string();
    let mut errors = OperatorInputErrors { name: !check_name(&name), ..OperatorInputErrors::default() };
    let known = match &email {
        None => None,
        Some(email) => operators::find_by_email(&mut conn, email).await?,
    };
    errors.email = match (&email, holder) {
        (None, _) => Some(OperatorEmailError::Invalid),
        (Some(_), LinkHolder::Unproved) => None,
        (Some(_), _) => known.as_ref().map(|_| OperatorEmailError::Taken),
    };
    let Some(email) = email.filter(|_| errors == OperatorInputErrors::default()) else {
        return Ok(Identified::Invalid(errors));
    };
    let id = known.map_or_else(|| future_operator(link), |known| known.id);
    let email_proved_at = link.is_mailed.then_some(now);
    let operator = Operator {
        id,
        email,
        name,
        password_hash: None,
        created_at: now,
        email_proved_at,
        // The redemption begins the next one.
        credential_generation: 0,
    };
    Ok(Identified::Newcomer(Box::new(Newcomer { operator, holder })))
}

/// The ID of the operator that a link creates. It is derived from the link, because a passkey is created for this ID
/// before the operator exists.
fn future_operator(link: &OperatorLink) -> OperatorId {
    let mut random = [0; 10];
    random.copy_from_slice(&sha256(&[b"operator|".as_slice(), &link.token.0].concat()).0[..10]);
    OperatorId::from_parts(link.created_at.as_unix_millis(), random)
}

/// The input of the transaction.
struct LinkRedemption {
    link: OperatorLink,
    newcomer: Newcomer,
    passkey: Option<OperatorPasskey>,
    session: TokenHash,
    event: OperatorEvent,
}

/// Why the transaction was rolled back.
#[derive(Debug, thiserror::Error)]
enum RedeemError {
    #[error("the link holds no more")]
    Gone,
    #[error("another operator has the address")]
    Taken,
    #[error("the passkey is known already")]
    PasskeyTaken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates the operator, or replaces all its credentials by the new one, and signs it in: in one transaction, once.
pub async fn redeem(
    app: &App,
    link: &OperatorLink,
    typed: &OperatorInput<'_>,
    credential: NewCredential<'_>,
    ip: IpAddr,
    now: Timestamp,
) -> Result<RedeemOutcome, Error> {
    // Report problems of the password together with those of the other fields.
    let weaknesses = async |email: &str, name: &str| match credential {
        NewCredential::Password(password) => check_password(app, password, &[email, name]).await,
        NewCredential::Passkey { .. } => Ok(Vec::new()),
    };
    let mut newcomer = match identify(app, link, typed, now).await? {
        Identified::Newcomer(newcomer) => *newcomer,
        Identified::Gone => return Ok(RedeemOutcome::Gone),
        Identified::Invalid(errors) => {
            let weaknesses = weaknesses(typed.email, typed.name).await?;
            return Ok(RedeemOutcome::Invalid(OperatorInputErrors { weaknesses, ..errors }));
        }
    };
    let weaknesses = weaknesses(&newcomer.operator.email, &newcomer.operator.name).await?;
    if !weaknesses.is_empty() {
        return Ok(RedeemOutcome::Invalid(OperatorInputErrors { weaknesses, ..OperatorInputErrors::default() }));
    }
    let refused = || RedeemOutcome::Invalid(OperatorInputErrors { passkey: true, ..OperatorInputErrors::default() });
    let (password_hash, passkey) = match credential {
        NewCredential::Password(password) => (Some(hash_password(app, password).await?), None),
        NewCredential::Passkey { ceremony, answer } => {
            let Some(row) = passkeys::read_new(app, ceremony, newcomer.operator.id, (answer, ""), now) else {
                return Ok(refused());
            };
            (None, Some(row))
        }
    };
    newcomer.operator.password_hash = password_hash;
    let act = match link.purpose {
        LinkPurpose::FirstRun => OperatorAct::FirstRunLinkUsed,
        LinkPurpose::Invitation => OperatorAct::Joined,
        LinkPurpose::Reset => OperatorAct::LinkUsed,
    };
    let with = if passkey.is_some() { audit::PASSKEY } else { audit::PASSWORD };
    let event = audit::own(app, &newcomer.operator, act, with, ip, now);
    let (cookie, session) = make_token(app);
    let id = *newcomer.operator.id.as_bytes();
    let redemption = LinkRedemption { link: link.clone(), newcomer, passkey, session, event };
    let written = app
        .store
        .write("redeem_operator_link", redemption, move |tx, redemption| Box::pin(apply(tx, redemption, now)))
        .await;
    match written {
        Ok(generation) => {
            let account = KnownAccount { id, generation };
            Ok(RedeemOutcome::SignedIn(StartedSession { cookie, account }))
        }
        Err(RedeemError::Gone) => Ok(RedeemOutcome::Gone),
        Err(RedeemError::Taken) => Ok(RedeemOutcome::Invalid(OperatorInputErrors {
            email: Some(OperatorEmailError::Taken),
            ..OperatorInputErrors::default()
        })),
        Err(RedeemError::PasskeyTaken) => Ok(refused()),
        Err(RedeemError::Store(error)) => Err(error.into()),
    }
}

/// Returns the operator's credential generation.
async fn apply(tx: &mut Tx, redemption: &LinkRedemption, now: Timestamp) -> Result<i64, RedeemError> {
    let LinkRedemption { link, newcomer: Newcomer { operator, holder }, .. } = redemption;
    if !holds_in(tx, link).await? || !operator_links::take(tx, link.token, now).await? {
        return Err(RedeemError::Gone);
    }
    match holder {
        LinkHolder::New => {
            if !operators::insert(tx, operator).await? {
                return Err(RedeemError::Taken);
            }
            operators::set_role(tx, operator.id, link.assignment).await?;
            operator_links::remove_of(tx, EVERY_PROJECT, LinkPurpose::FirstRun, "").await?;
        }
        LinkHolder::Unproved => {
            let unproved = Operator { email_proved_at: None, ..operator.clone() };
            if !hands_over(tx, link, &unproved).await? || !operators::claim(tx, operator, now).await? {
                return Err(RedeemError::Gone);
            }
            give_role(tx, operator, link.assignment).await?;
        }
        LinkHolder::Reset => {
            if !operators::set_password(tx, operator.id, operator.password_hash.as_deref()).await? {
                return Err(RedeemError::Gone);
            }
            // The link did not come by mail, so the new credentials prove nothing about the address.
            operators::set_email_proved(tx, operator.id, None).await?;
        }
        LinkHolder::Account => return Err(RedeemError::Taken),
    }
    // The old credentials may be in the wrong hands: remove all of them.
    operator_passkeys::remove_of_operator(tx, operator.id).await?;
    let generation = operator_sessions::remove_of_operator(tx, operator.id).await?;
    if let Some(row) = &redemption.passkey
        && !store_passkeys::insert(tx, Operators, row).await?
    {
        return Err(RedeemError::PasskeyTaken);
    }
    operator_sessions::insert(tx, redemption.session, operator.id, now).await?;
    operator_events::insert(tx, &redemption.event).await?;
    Ok(generation)
}
