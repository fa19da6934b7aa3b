//! What a line of an import may contain.

use vestibule_domain::{
    attributes,
    identifier::{IdentifierProblem, LoginId, LoginIdKind, username::UsernameProblem},
    subject::{NotASubject, Subject},
};
use vestibule_protocol::{echo, echo_quoted, jose::Jwk, text};

use super::{KEY_BYTES, LoginIdRecord, OWNED, PREVIOUS_SUBS, PasskeyRecord, TEXT_BYTES, UserRecord};
use crate::{crypto::read_base64url, passkeys::is_usable_passkey, passwords::Bounds};

/// Rejects what no export contains: too many items, values that are too long, attributes that nothing else takes.
fn check_size(record: &UserRecord) -> Result<(), String> {
    let owned = [
        record.login_ids.len(),
        record.device_keys.len(),
        record.passkeys.len(),
        record.external_accounts.len(),
        record.consents.len(),
    ];
    if owned.iter().any(|count| *count > OWNED) {
        return Err(format!(
            "a user owns at most {OWNED} login IDs, device keys, passkeys, external accounts and consents each"
        ));
    }
    if record.previous_subs.len() > PREVIOUS_SUBS {
        return Err(format!("a user has at most {PREVIOUS_SUBS} previous_subs"));
    }
    let login_ids = record.login_ids.iter().flat_map(|one| [&one.value, &one.original]);
    let keys = record.device_keys.iter().flat_map(|one| [Some(&one.kid), one.device.as_ref()]).flatten();
    let passkeys = record.passkeys.iter().filter_map(|one| one.name.as_ref());
    let consents = record.consents.iter().flat_map(|one| [&one.client_id, &one.scope]);
    let external = record.external_accounts.iter().flat_map(|one| [&one.provider, &one.subject]);
    let mut texts = login_ids.chain(keys).chain(passkeys).chain(external).chain(consents);
    if texts.any(|text| text.len() > TEXT_BYTES) {
        return Err(format!(
            "a login ID, key ID, name, provider, subject, client ID or scope has at most {TEXT_BYTES} bytes"
        ));
    }
    let jwks = record.device_keys.iter().map(|one| one.jwk.to_string().len());
    let passkeys = record.passkeys.iter().flat_map(|one| [one.credential_id.len(), one.public_key.len()]);
    if jwks.chain(passkeys).any(|length| length > KEY_BYTES) {
        return Err(format!("a key has at most {KEY_BYTES} bytes"));
    }
    let sets = [&record.standard_attributes, &record.custom_attributes];
    let profiles = record.external_accounts.iter().map(|one| &one.profile);
    if let Some((_, message)) = sets.into_iter().chain(profiles).find_map(attributes::check_size) {
        return Err(message);
    }
    let faults = attributes::check(&record.standard_attributes, &record.custom_attributes);
    faults.into_iter().next().map_or(Ok(()), |(path, message)| Err(format!("{path}: {message}")))
}

/// Why a login ID cannot be imported: all other ways to add one store the normal form of what was typed.
fn find_login_id_fault(one: &LoginIdRecord) -> Option<String> {
    let read = |typed: &str| match LoginId::parse(one.kind, typed, None) {
        Ok(login_id) => Ok(login_id.value == one.value),
        // It was registered before such names were reserved.
        Err(IdentifierProblem::Username(UsernameProblem::Reserved)) => Ok(true),
        Err(problem) => Err(problem),
    };
    let is_original = match one.kind {
        // It may have been typed without the country code.
        LoginIdKind::Phone => Ok(text::is_name(&one.original)),
        LoginIdKind::Email | LoginIdKind::Username => read(&one.original),
    };
    match (read(&one.value), is_original) {
        (Ok(true), Ok(true)) => None,
        (Ok(false), _) => Some(format!("the value of the login ID {} is not its normal form", echo(&one.value))),
        (_, Ok(false)) => Some(format!("the original of the login ID {} is another one", echo(&one.value))),
        (Err(problem), _) | (_, Err(problem)) => Some(format!("the login ID {}: {problem}", echo(&one.value))),
    }
}

/// Names of devices and passkeys are read as those that pages and SDKs send.
fn read_names(record: &mut UserRecord) {
    let devices = record.device_keys.iter_mut().map(|key| &mut key.device);
    for name in devices.chain(record.passkeys.iter_mut().map(|passkey| &mut passkey.name)) {
        *name = name.take().and_then(|name| text::read_name(&name));
    }
}

/// Whether JSON has a NUL character; a backslash that is escaped itself begins no escape.
fn has_nul(line: &str) -> bool {
    let escaped = |(at, _): (usize, &str)| {
        let before = line.as_bytes().get(..at).unwrap_or_default();
        before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
    };
    line.contains('\0') || line.match_indices("\\u0000").any(escaped)
}

pub(super) fn read_record(line: &str, bounds: Bounds) -> Result<Box<UserRecord>, String> {
    // A PostgreSQL text cannot contain NUL.
    if has_nul(line) {
        return Err("a string contains NUL characters".to_string());
    }
    let read: Result<Box<UserRecord>, _> = serde_json::from_str(line);
    let mut record = read.map_err(|error| echo_quoted(&error.to_string()).into_owned())?;
    check_size(&record)?;
    if let Some(fault) = record.login_ids.iter().find_map(find_login_id_fault) {
        return Err(fault);
    }
    read_names(&mut record);
    let owns_nothing = record.login_ids.is_empty() && record.passkeys.is_empty() && record.external_accounts.is_empty();
    if record.anonymous_since.is_none() && owns_nothing {
        return Err("a member needs a login ID, a passkey or an external account".to_string());
    }
    let has_agreed = !record.consents.is_empty();
    if record.anonymous_since.is_some() && (!owns_nothing || record.password_hash.is_some() || has_agreed) {
        return Err(
            "a guest can't have a login ID, a password, a passkey, an external account or a consent".to_string()
        );
    }
    if let Some(bad) = record.previous_subs.iter().find(|text| Subject::parse(text).is_err()) {
        return Err(format!("previous_subs, {}: {NotASubject}", echo(bad)));
    }
    if record.external_accounts.iter().any(|one| one.provider.is_empty() || one.subject.is_empty()) {
        return Err("an external account needs a provider and a subject".to_string());
    }
    let is_usable = |one: &PasskeyRecord| {
        let (id, key) = (read_base64url(&one.credential_id), read_base64url(&one.public_key));
        id.zip(key).is_some_and(|(id, key)| is_usable_passkey(&id, &key))
    };
    if !record.passkeys.iter().all(is_usable) {
        return Err("a passkey's ID or key is not base64url, too long, or not a COSE public key".to_string());
    }
    if let Some(bad) = record.device_keys.iter().find(|key| Jwk::from_value(&key.jwk).is_err()) {
        return Err(format!("the device key {} is not a public key in JWK form", echo(&bad.kid)));
    }
    if let Some(hash) = &record.password_hash {
        bounds.check(hash).map_err(|bad| bad.to_string())?;
    }
    Ok(record)
}
