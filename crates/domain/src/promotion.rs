//! Promotion: who may be promoted, what happens when a login ID is taken, which credentials must remain.

use std::time::Duration;

use crate::{
    id::{IdentityId, UserId},
    identifier::LoginIdKind,
    project::{AuthenticatorKind, ProjectSettings, PromotionConflict},
    user::User,
};

/// How long grants of a promoted guest remain, limited, for an application that has not received its new tokens.
pub const DELIVERY: Duration = Duration::from_secs(300);

/// Why a user cannot be promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromotionRefusal {
    /// It is a member already (perhaps since a moment ago, in another tab).
    AlreadyMember,
    /// An operator disabled it.
    Disabled,
    /// It was given up for a member.
    Yielded {
        /// That member.
        to: UserId,
    },
}

/// Checks whether this user may be promoted.
///
/// # Errors
/// Why not.
pub fn check_promotable(user: &User) -> Result<(), PromotionRefusal> {
    if let Some(to) = user.yielded_to {
        Err(PromotionRefusal::Yielded { to })
    } else if user.disabled_at.is_some() {
        Err(PromotionRefusal::Disabled)
    } else if user.is_anonymous() {
        Ok(())
    } else {
        Err(PromotionRefusal::AlreadyMember)
    }
}

/// Whether the user has proved control of the address it entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressProof {
    /// A code will be required before anything is created.
    Pending,
    /// The user entered the code.
    Proven,
    /// No proof is required: a username, or verification is off.
    NotRequired,
}

/// What to do with a guest that enters a login ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromotionDecision {
    /// It cannot be promoted.
    Refuse(PromotionRefusal),
    /// Continue with the next step, or promote after the last one.
    Proceed,
    /// The login ID belongs to another user, which must stay hidden until the guest has proved control of the address:
    /// show the same pages, send the same code.
    ProceedSilently,
    /// Say that the login ID is taken; the guest is unchanged and can enter another.
    ReportTaken,
    /// Offer to continue as the member it belongs to, after authenticating as that member.
    OfferLogin {
        /// The member.
        member: UserId,
    },
}

/// Decides how a flow continues when a guest enters a login ID.
///
/// `owner` is the user the login ID belongs to, if any. The existence of an address is revealed only after a proof of
/// control; where no proof is required it cannot be hidden, so the answer is given at once.
///
/// ```
/// use vestibule_domain::{
///     id::Id,
///     project::PromotionConflict,
///     promotion::{AddressProof, PromotionDecision, decide},
///     time::Timestamp,
///     user::User,
/// };
///
/// let guest = User::new_guest(Id::from_parts(1_000, [1; 10]), Timestamp::from_seconds(1));
/// let member = Id::from_parts(2_000, [2; 10]);
///
/// // The address of a member: a stranger must not learn that it is taken, so a code is sent as for any other address.
/// let decision = decide(&guest, Some(member), AddressProof::Pending, PromotionConflict::Login);
/// assert_eq!(decision, PromotionDecision::ProceedSilently);
///
/// // The guest entered the code, so the address is its own.
/// let decision = decide(&guest, Some(member), AddressProof::Proven, PromotionConflict::Login);
/// assert_eq!(decision, PromotionDecision::OfferLogin { member });
/// let decision = decide(&guest, Some(member), AddressProof::Proven, PromotionConflict::Error);
/// assert_eq!(decision, PromotionDecision::ReportTaken);
/// ```
#[must_use]
pub fn decide(
    guest: &User,
    owner: Option<UserId>,
    proof: AddressProof,
    on_conflict: PromotionConflict,
) -> PromotionDecision {
    if let Err(refusal) = check_promotable(guest) {
        return PromotionDecision::Refuse(refusal);
    }
    match (owner, proof, on_conflict) {
        (None, AddressProof::Pending | AddressProof::Proven | AddressProof::NotRequired, _) => {
            PromotionDecision::Proceed
        }
        (Some(owner), _, _) if owner == guest.id => PromotionDecision::Proceed,
        (Some(_), AddressProof::Pending, _) => PromotionDecision::ProceedSilently,
        (Some(_), AddressProof::Proven | AddressProof::NotRequired, PromotionConflict::Error) => {
            PromotionDecision::ReportTaken
        }
        (
            Some(member),
            AddressProof::Proven | AddressProof::NotRequired,
            PromotionConflict::Login | PromotionConflict::Merge,
        ) => PromotionDecision::OfferLogin { member },
    }
}

/// What happens after the guest authenticated as the member that a login ID belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YieldDecision {
    /// The guest is given up: its sessions and keys end, its row stays and names the member.
    Yield,
    /// The guest cannot be given up.
    Refuse(PromotionRefusal),
    /// The member is disabled or deleted; the guest is unchanged.
    MemberInactive,
    /// The other user is not a member: a guest is not given up for a guest.
    NotAMember,
}

/// Decides whether the guest is given up for the member that has just authenticated.
#[must_use]
pub fn decide_yield(guest: &User, member: &User) -> YieldDecision {
    if let Err(refusal) = check_promotable(guest) {
        YieldDecision::Refuse(refusal)
    } else if member.is_anonymous() || member.id == guest.id {
        YieldDecision::NotAMember
    } else if !member.is_active() {
        YieldDecision::MemberInactive
    } else {
        YieldDecision::Yield
    }
}

/// All credentials a member can sign in with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginCredentials {
    /// Its login IDs.
    pub login_ids: Vec<(IdentityId, LoginIdKind)>,
    /// Whether it has a password.
    pub has_password: bool,
    /// Its passkeys.
    pub passkeys: Vec<IdentityId>,
    /// Its accounts at providers, with the keys of these.
    pub external_accounts: Vec<(IdentityId, String)>,
}

/// A credential to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialRemoval {
    /// A login ID.
    LoginId(IdentityId),
    /// The password.
    Password,
    /// A passkey.
    Passkey(IdentityId),
    /// An account at a provider.
    ExternalAccount(IdentityId),
}

impl LoginCredentials {
    /// Whether a member can sign in with these under the current settings.
    #[must_use]
    pub fn suffice(&self, settings: &ProjectSettings) -> bool {
        let can_use_passkey = !self.passkeys.is_empty() && settings.offers(AuthenticatorKind::Passkey);
        let kinds = settings.login_id_kinds();
        let can_use_login_id = |kind: LoginIdKind| {
            kinds.contains(&kind)
                && settings.authenticators_for(kind).iter().any(|authenticator| match authenticator {
                    AuthenticatorKind::Password => self.has_password,
                    AuthenticatorKind::OobOtpEmail | AuthenticatorKind::OobOtpSms => true,
                    AuthenticatorKind::Passkey => !self.passkeys.is_empty(),
                })
        };
        let can_use_provider =
            self.external_accounts.iter().any(|(_, key)| settings.provider_of_account(key).is_some());
        can_use_passkey || can_use_provider || self.login_ids.iter().any(|(_, kind)| can_use_login_id(*kind))
    }

    fn without(&self, removal: CredentialRemoval) -> Self {
        let mut rest = self.clone();
        match removal {
            CredentialRemoval::LoginId(id) => rest.login_ids.retain(|(other, _)| *other != id),
            CredentialRemoval::Password => rest.has_password = false,
            CredentialRemoval::Passkey(id) => rest.passkeys.retain(|other| *other != id),
            CredentialRemoval::ExternalAccount(id) => rest.external_accounts.retain(|(other, _)| *other != id),
        }
        rest
    }
}

/// Whether the removal would lock the member out, so that it must be refused.
#[must_use]
pub fn is_last_login_credential(
    credentials: &LoginCredentials,
    removal: CredentialRemoval,
    settings: &ProjectSettings,
) -> bool {
    !credentials.without(removal).suffice(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{project::Origin, time::Timestamp};

    const NOW: Timestamp = Timestamp::from_seconds(9);

    fn guest() -> User {
        User::new_guest(UserId::from_parts(1, [1; 10]), NOW)
    }

    fn member() -> User {
        User::new_member(UserId::from_parts(2, [2; 10]), NOW)
    }

    #[test]
    fn only_an_active_guest_may_be_promoted() {
        let to = member().id;
        let table = [
            (guest(), Ok(())),
            (member(), Err(PromotionRefusal::AlreadyMember)),
            (User { disabled_at: Some(NOW), ..guest() }, Err(PromotionRefusal::Disabled)),
            (User { yielded_to: Some(to), ..guest() }, Err(PromotionRefusal::Yielded { to })),
            (User { yielded_to: Some(to), anonymous_since: None, ..guest() }, Err(PromotionRefusal::Yielded { to })),
        ];
        for (user, expected) in table {
            assert_eq!(check_promotable(&user), expected, "{user:?}");
        }
    }

    #[test]
    fn a_taken_login_id_is_reported_only_after_proof_of_ownership() {
        use AddressProof::{NotRequired, Pending, Proven};
        use PromotionConflict::{Error, Login, Merge};
        let owner = Some(member().id);
        let offer = PromotionDecision::OfferLogin { member: member().id };
        let table = [
            (None, Pending, Error, PromotionDecision::Proceed),
            (None, Proven, Login, PromotionDecision::Proceed),
            (Some(guest().id), Proven, Error, PromotionDecision::Proceed),
            (owner, Pending, Error, PromotionDecision::ProceedSilently),
            (owner, Pending, Login, PromotionDecision::ProceedSilently),
            (owner, Proven, Error, PromotionDecision::ReportTaken),
            (owner, Proven, Login, offer),
            (owner, NotRequired, Error, PromotionDecision::ReportTaken),
            (owner, NotRequired, Login, offer),
            (owner, Pending, Merge, PromotionDecision::ProceedSilently),
            (owner, Proven, Merge, offer),
            (owner, NotRequired, Merge, offer),
        ];
        for (owner, proof, on_conflict, expected) in table {
            assert_eq!(decide(&guest(), owner, proof, on_conflict), expected, "{proof:?} {on_conflict:?}");
        }
        assert_eq!(decide(&member(), None, Proven, Error), PromotionDecision::Refuse(PromotionRefusal::AlreadyMember));
    }

    #[test]
    fn a_guest_yields_only_to_an_active_member() {
        let table = [
            (guest(), member(), YieldDecision::Yield),
            (guest(), User { disabled_at: Some(NOW), ..member() }, YieldDecision::MemberInactive),
            (guest(), guest(), YieldDecision::NotAMember),
            (guest(), User { id: member().id, ..guest() }, YieldDecision::NotAMember),
            (member(), member(), YieldDecision::Refuse(PromotionRefusal::AlreadyMember)),
        ];
        for (guest, member, expected) in table {
            assert_eq!(decide_yield(&guest, &member), expected);
        }
    }

    #[test]
    fn the_last_login_method_cannot_be_removed() {
        use AuthenticatorKind::{OobOtpEmail, Passkey, Password};
        let id = |n: u8| IdentityId::from_parts(1, [n; 10]);
        let credentials = |emails: &[u8], has_password: bool, passkeys: &[u8]| LoginCredentials {
            login_ids: emails.iter().map(|n| (id(*n), LoginIdKind::Email)).collect(),
            has_password,
            passkeys: passkeys.iter().map(|n| id(*n)).collect(),
            external_accounts: Vec::new(),
        };
        let table: [(&[AuthenticatorKind], LoginCredentials, CredentialRemoval, bool); 8] = [
            (&[Password], credentials(&[1], true, &[]), CredentialRemoval::LoginId(id(1)), true),
            (&[Password], credentials(&[1, 2], true, &[]), CredentialRemoval::LoginId(id(1)), false),
            (&[Password], credentials(&[1], true, &[]), CredentialRemoval::Password, true),
            (&[Password, OobOtpEmail], credentials(&[1], true, &[]), CredentialRemoval::Password, false),
            (&[Password, Passkey], credentials(&[1], true, &[7]), CredentialRemoval::LoginId(id(1)), false),
            (&[Password, Passkey], credentials(&[], false, &[7]), CredentialRemoval::Passkey(id(7)), true),
            (&[Password, Passkey], credentials(&[1], false, &[7]), CredentialRemoval::Passkey(id(7)), true),
            // Passkeys are off, so the existing one is useless.
            (&[Password], credentials(&[1], true, &[7]), CredentialRemoval::Password, true),
        ];
        for (offered, credentials, removal, is_last) in table {
            let mut settings = ProjectSettings::new("a", Origin::parse("http://localhost").unwrap());
            settings.authentication.primary_authenticators = Some(offered.to_vec());
            assert_eq!(
                is_last_login_credential(&credentials, removal, &settings),
                is_last,
                "{offered:?} {credentials:?} {removal:?}"
            );
        }
    }

    #[test]
    fn an_external_account_is_a_login_method_while_its_provider_is_configured() {
        let text = "[project]\nid = \"a\"\npublic_origin = \"http://localhost\"\n[[identity.oauth.providers]]\n\
                    alias = \"g\"\ntype = \"google\"\nclient_id = \"c\"";
        let with_google = ProjectSettings::parse_toml(text).unwrap();
        let without = ProjectSettings::new("a", Origin::parse("http://localhost").unwrap());
        let id = |n: u8| IdentityId::from_parts(1, [n; 10]);
        let credentials = LoginCredentials {
            login_ids: vec![(id(1), LoginIdKind::Email)],
            has_password: true,
            external_accounts: vec![(id(2), "google".into())],
            ..LoginCredentials::default()
        };
        let removal = CredentialRemoval::LoginId(id(1));
        assert!(!is_last_login_credential(&credentials, removal, &with_google));
        assert!(is_last_login_credential(&credentials, removal, &without));
        let only = LoginCredentials { login_ids: Vec::new(), has_password: false, ..credentials.clone() };
        let removal = CredentialRemoval::ExternalAccount(id(2));
        assert!(is_last_login_credential(&only, removal, &with_google));
        assert!(!is_last_login_credential(&credentials, removal, &with_google));
    }
}
