//! Promotion: who may become a member, what happens when a login ID is taken, what survives.

use crate::{
    id::{IdentityId, UserId},
    identifier::LoginIdKind,
    project::{AuthenticatorKind, ProjectSettings, PromotionConflict},
    user::User,
};

/// Why a user cannot be promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is a member already (perhaps promoted a moment ago in another tab).
    AlreadyMember,
    /// An operator disabled it.
    Disabled,
    /// It gave way to a member.
    Yielded {
        /// That member.
        to: UserId,
    },
}

/// Whether this user may be promoted.
///
/// # Errors
/// Says why not.
pub fn check_promotable(user: &User) -> Result<(), Refusal> {
    if let Some(to) = user.yielded_to {
        Err(Refusal::Yielded { to })
    } else if user.disabled_at.is_some() {
        Err(Refusal::Disabled)
    } else if user.is_anonymous() {
        Ok(())
    } else {
        Err(Refusal::AlreadyMember)
    }
}

/// How far the person is in proving that the address it typed is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressProof {
    /// It will be asked for a code before anything is created.
    Pending,
    /// It entered the code.
    Proven,
    /// It will not be asked: a user name, or verification is switched off.
    NotAsked,
}

impl AddressProof {
    /// Where a flow that has just read a login ID of this kind stands.
    #[must_use]
    pub fn at_start(settings: &ProjectSettings, kind: LoginIdKind) -> Self {
        if settings.verification_required(kind) { Self::Pending } else { Self::NotAsked }
    }
}

/// What to do with a guest that asks for a login ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromotionDecision {
    /// It cannot be promoted.
    Refuse(Refusal),
    /// Go on: to the next step, or to promote when it was the last.
    Proceed,
    /// The login ID belongs to somebody, but the person has not proven to own the address and must not learn it:
    /// show the same pages, send the same code.
    ProceedWithoutTelling,
    /// Say that the login ID is taken; another can be tried, the guest stays as it is.
    TellTaken,
    /// Offer to go on as the member it belongs to; the person must prove to be that member.
    OfferLogin {
        /// The member.
        member: UserId,
    },
}

/// Decides what a guest that asks for a login ID gets to see.
///
/// `owner` is the user the login ID belongs to, if any. Nobody learns that an address is known here before proving to
/// own it; where no proof is asked for, the answer cannot be hidden and is given at once.
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
        (None, AddressProof::Pending | AddressProof::Proven | AddressProof::NotAsked, _) => PromotionDecision::Proceed,
        (Some(owner), _, _) if owner == guest.id => PromotionDecision::Proceed,
        (Some(_), AddressProof::Pending, _) => PromotionDecision::ProceedWithoutTelling,
        (Some(_), AddressProof::Proven | AddressProof::NotAsked, PromotionConflict::Error) => {
            PromotionDecision::TellTaken
        }
        (Some(member), AddressProof::Proven | AddressProof::NotAsked, PromotionConflict::Login) => {
            PromotionDecision::OfferLogin { member }
        }
    }
}

/// What to do once the person has proven to be the member a login ID belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YieldDecision {
    /// The guest gives way: its sessions end, its keys are let go, its row stays and names the member.
    Yield,
    /// The guest cannot give way any more.
    Refuse(Refusal),
    /// The member itself is disabled or gone; the guest stays as it is.
    MemberInactive,
    /// That is no member: a guest cannot give way to a guest.
    NotAMember,
}

/// Decides whether the guest gives way to the member that has just authenticated.
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

/// How a promotion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The guest is a member now, with the same id.
    Promoted,
    /// The guest gave way to a member.
    Yielded,
}

/// What becomes of a session or grant the guest had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on, now for the member.
    Stays,
    /// It goes on until the tokens of the promotion were delivered: a closed tab or a lost answer strands nobody.
    EndsOnDelivery,
    /// It goes on under a new id and secret, so that who knew the guest's cookie does not hold the member's.
    IsReplaced,
    /// It ends in the transaction of the promotion.
    Ends,
}

/// What becomes of a grant the guest had, of the application it was promoted in or of another.
#[must_use]
pub fn decide_grant_fate(outcome: Outcome, is_same_application: bool) -> Fate {
    match (outcome, is_same_application) {
        (Outcome::Promoted, true) => Fate::EndsOnDelivery,
        (Outcome::Promoted, false) => Fate::Stays,
        (Outcome::Yielded, _) => Fate::Ends,
    }
}

/// What becomes of a cookie session the guest had: the browser's own one, or one elsewhere.
#[must_use]
pub fn decide_session_fate(outcome: Outcome, is_of_this_browser: bool) -> Fate {
    match (outcome, is_of_this_browser) {
        (Outcome::Promoted, true) => Fate::IsReplaced,
        (Outcome::Promoted, false) => Fate::Stays,
        (Outcome::Yielded, _) => Fate::Ends,
    }
}

/// Everything a member can sign in with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaysIn {
    /// Its login IDs.
    pub login_ids: Vec<(IdentityId, LoginIdKind)>,
    /// Whether it has a password.
    pub has_password: bool,
    /// Its passkeys.
    pub passkeys: Vec<IdentityId>,
}

/// One thing a member wants to take away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// A login ID.
    LoginId(IdentityId),
    /// The password.
    Password,
    /// A passkey.
    Passkey(IdentityId),
}

impl WaysIn {
    /// Whether the member could sign in with these, as the project is set today.
    #[must_use]
    pub fn suffice(&self, settings: &ProjectSettings) -> bool {
        let can_use_passkey = !self.passkeys.is_empty() && settings.offers(AuthenticatorKind::Passkey);
        let kinds = settings.login_id_kinds();
        let can_use_login_id = |kind: LoginIdKind| {
            kinds.contains(&kind)
                && settings.authenticators_for(kind).iter().any(|way| match way {
                    AuthenticatorKind::Password => self.has_password,
                    AuthenticatorKind::OobOtpEmail | AuthenticatorKind::OobOtpSms => true,
                    AuthenticatorKind::Passkey => !self.passkeys.is_empty(),
                })
        };
        can_use_passkey || self.login_ids.iter().any(|(_, kind)| can_use_login_id(*kind))
    }

    fn without(&self, removal: Removal) -> Self {
        let mut rest = self.clone();
        match removal {
            Removal::LoginId(id) => rest.login_ids.retain(|(other, _)| *other != id),
            Removal::Password => rest.has_password = false,
            Removal::Passkey(id) => rest.passkeys.retain(|other| *other != id),
        }
        rest
    }
}

/// Whether taking this away would lock the member out: it must be refused.
#[must_use]
pub fn is_last_login_credential(ways: &WaysIn, removal: Removal, settings: &ProjectSettings) -> bool {
    !ways.without(removal).suffice(settings)
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
            (member(), Err(Refusal::AlreadyMember)),
            (User { disabled_at: Some(NOW), ..guest() }, Err(Refusal::Disabled)),
            (User { yielded_to: Some(to), ..guest() }, Err(Refusal::Yielded { to })),
            (User { yielded_to: Some(to), anonymous_since: None, ..guest() }, Err(Refusal::Yielded { to })),
        ];
        for (user, expected) in table {
            assert_eq!(check_promotable(&user), expected, "{user:?}");
        }
    }

    #[test]
    fn a_taken_login_id_is_told_only_to_who_proved_to_own_it() {
        use AddressProof::{NotAsked, Pending, Proven};
        use PromotionConflict::{Error, Login};
        let owner = Some(member().id);
        let offer = PromotionDecision::OfferLogin { member: member().id };
        let table = [
            (None, Pending, Error, PromotionDecision::Proceed),
            (None, Proven, Login, PromotionDecision::Proceed),
            (Some(guest().id), Proven, Error, PromotionDecision::Proceed),
            (owner, Pending, Error, PromotionDecision::ProceedWithoutTelling),
            (owner, Pending, Login, PromotionDecision::ProceedWithoutTelling),
            (owner, Proven, Error, PromotionDecision::TellTaken),
            (owner, Proven, Login, offer),
            (owner, NotAsked, Error, PromotionDecision::TellTaken),
            (owner, NotAsked, Login, offer),
        ];
        for (owner, proof, on_conflict, expected) in table {
            assert_eq!(decide(&guest(), owner, proof, on_conflict), expected, "{proof:?} {on_conflict:?}");
        }
        assert_eq!(decide(&member(), None, Proven, Error), PromotionDecision::Refuse(Refusal::AlreadyMember));
    }

    #[test]
    fn a_guest_gives_way_only_to_an_active_member() {
        let table = [
            (guest(), member(), YieldDecision::Yield),
            (guest(), User { disabled_at: Some(NOW), ..member() }, YieldDecision::MemberInactive),
            (guest(), guest(), YieldDecision::NotAMember),
            (guest(), User { id: member().id, ..guest() }, YieldDecision::NotAMember),
            (member(), member(), YieldDecision::Refuse(Refusal::AlreadyMember)),
        ];
        for (guest, member, expected) in table {
            assert_eq!(decide_yield(&guest, &member), expected);
        }
    }

    #[test]
    fn earlier_tokens_of_a_promoted_guest_work_until_delivery_and_of_one_that_yielded_not_at_all() {
        assert_eq!(decide_grant_fate(Outcome::Promoted, true), Fate::EndsOnDelivery);
        assert_eq!(decide_grant_fate(Outcome::Promoted, false), Fate::Stays);
        assert_eq!(decide_grant_fate(Outcome::Yielded, false), Fate::Ends);
        assert_eq!(decide_session_fate(Outcome::Promoted, true), Fate::IsReplaced);
        assert_eq!(decide_session_fate(Outcome::Promoted, false), Fate::Stays);
        assert_eq!(decide_session_fate(Outcome::Yielded, true), Fate::Ends);
    }

    #[test]
    fn the_last_way_in_cannot_be_taken_away() {
        use AuthenticatorKind::{OobOtpEmail, Passkey, Password};
        let id = |n: u8| IdentityId::from_parts(1, [n; 10]);
        let ways = |emails: &[u8], has_password: bool, passkeys: &[u8]| WaysIn {
            login_ids: emails.iter().map(|n| (id(*n), LoginIdKind::Email)).collect(),
            has_password,
            passkeys: passkeys.iter().map(|n| id(*n)).collect(),
        };
        let table: [(&[AuthenticatorKind], WaysIn, Removal, bool); 8] = [
            (&[Password], ways(&[1], true, &[]), Removal::LoginId(id(1)), true),
            (&[Password], ways(&[1, 2], true, &[]), Removal::LoginId(id(1)), false),
            (&[Password], ways(&[1], true, &[]), Removal::Password, true),
            (&[Password, OobOtpEmail], ways(&[1], true, &[]), Removal::Password, false),
            (&[Password, Passkey], ways(&[1], true, &[7]), Removal::LoginId(id(1)), false),
            (&[Password, Passkey], ways(&[], false, &[7]), Removal::Passkey(id(7)), true),
            (&[Password, Passkey], ways(&[1], false, &[7]), Removal::Passkey(id(7)), true),
            // Passkeys are switched off, so the one it has opens nothing.
            (&[Password], ways(&[1], true, &[7]), Removal::Password, true),
        ];
        for (offered, ways, removal, is_last) in table {
            let mut settings = ProjectSettings::new("a", Origin::parse("http://localhost").unwrap());
            settings.authentication.primary_authenticators = Some(offered.to_vec());
            assert_eq!(
                is_last_login_credential(&ways, removal, &settings),
                is_last,
                "{offered:?} {ways:?} {removal:?}"
            );
        }
    }
}
