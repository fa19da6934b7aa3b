//! Proof of an operator's address by a mailed code. Nothing is stored until it is right: the form carries a challenge that
//! is bound to the operator, its address and the code. The proof replaces all credentials, because those of an account
//! whose address was never proved may be another person's.

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    credential::{otp, password::Weakness},
    operator::OperatorAct,
    time::Timestamp,
};
use vestibule_store::{StoreError, operator_events, operator_passkeys, operator_sessions, operators};

use super::{SignedIn, audit, check_password, hash_password, passkeys::macs};
use crate::{adapters::mailer::Mail, crypto::hex, error::Error, limits::tries::Buckets, state::App};

/// Lifetime of a code.
pub const LIFETIME: Duration = Duration::from_secs(600);

fn purpose(signed_in: &SignedIn, code: &str) -> String {
    let operator = &signed_in.operator;
    format!("operator_address|{}|{}|{code}", operator.id, operator.email)
}

/// The result of sending a code.
pub enum Sending {
    /// It was sent; the form that takes it carries this challenge.
    Sent(String),
    /// The mail server refused it, or there is none.
    Failed(String),
}

/// Sends a code to the operator's address.
pub async fn send_code(
    app: &App,
    signed_in: &SignedIn,
    write: &(dyn Fn(&str, &str) -> Mail + Send + Sync),
    now: Timestamp,
) -> Result<Sending, Error> {
    Buckets::of_operator_mail(&signed_in.operator.email).take(app, now).await?;
    let code = app.entropy.six_digits();
    let [mac, _] = macs(app);
    let challenge = mac.issue_challenge(&purpose(signed_in, &code), now.plus(LIFETIME), &app.entropy);
    let mail = write(&signed_in.operator.email, &code);
    Ok(match app.mailer.send(&mail, &hex(&app.entropy.bytes::<16>()), now).await {
        Ok(_) => Sending::Sent(challenge),
        Err(error) => Sending::Failed(error.to_string()),
    })
}

/// The result of a proof.
pub enum AddressProven {
    Done,
    WrongCode,
    /// The new password is not good enough.
    Weak(Weakness),
}

/// Compares a code with the one sent; a wrong one is counted before the response. With the right one the address counts as
/// proved: the new password replaces the old one and the passkeys, and the operator's other sessions end.
pub async fn prove(
    app: &App,
    signed_in: &SignedIn,
    (challenge, typed, password): (&str, &str, &str),
    ip: IpAddr,
    now: Timestamp,
) -> Result<AddressProven, Error> {
    let operator = &signed_in.operator;
    let buckets = Buckets::of_operator_code(&operator.email);
    buckets.check(app, now).await?;
    let code = otp::read_code(typed).unwrap_or_default();
    let purpose = purpose(signed_in, &code);
    let read = macs(app).iter().find_map(|mac| mac.read_challenge(&purpose, challenge));
    if read.is_none_or(|challenge| now > challenge.expires_at) {
        buckets.record_failure(app, now).await?;
        return Ok(AddressProven::WrongCode);
    }
    let weaknesses = check_password(app, password, &[&operator.email, &operator.name]).await?;
    if let Some(weakness) = weaknesses.first() {
        return Ok(AddressProven::Weak(*weakness));
    }
    let hash = hash_password(app, password).await?;
    let event = audit::own(app, operator, OperatorAct::AddressProved, "", ip, now);
    let (id, kept) = (operator.id, signed_in.session.token);
    let written = app.store.write("prove_operator_address", (hash, event), move |tx, (hash, event)| {
        Box::pin(async move {
            operators::set_password(tx, id, Some(hash)).await?;
            operators::set_email_proved(tx, id, Some(now)).await?;
            operator_passkeys::remove_of_operator(tx, id).await?;
            operator_sessions::remove_others(tx, id, kept).await?;
            operator_events::insert(tx, event).await?;
            Ok::<_, StoreError>(())
        })
    });
    written.await?;
    Ok(AddressProven::Done)
}
