//! The login methods that a project's pages offer, derived from its settings.

use vestibule_domain::{
    identifier::LoginIdKind,
    project::{AuthenticatorKind, ProjectSettings},
};

/// The login method of a new login ID: the first one that the project lists for its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewLoginMethod {
    Password,
    Code,
    Passkey,
}

/// The login method for a new user with this kind of login ID.
pub fn new_login_method(settings: &ProjectSettings, kind: LoginIdKind) -> NewLoginMethod {
    match settings.authenticators_for(kind).first() {
        Some(AuthenticatorKind::OobOtpEmail | AuthenticatorKind::OobOtpSms) => NewLoginMethod::Code,
        Some(AuthenticatorKind::Passkey) => NewLoginMethod::Passkey,
        // Validated settings have one for each kind.
        Some(AuthenticatorKind::Password) | None => NewLoginMethod::Password,
    }
}

/// Whether a new login ID of this kind must be verified first.
pub fn needs_proof(settings: &ProjectSettings, kind: LoginIdKind) -> bool {
    settings.verification_required(kind) || new_login_method(settings, kind) == NewLoginMethod::Code
}

/// Whether members with this kind of login ID may sign in with a password.
pub fn has_password(settings: &ProjectSettings, kind: LoginIdKind) -> bool {
    settings.authenticators_for(kind).contains(&AuthenticatorKind::Password)
}

/// Whether members with this kind of login ID may sign in with a code.
pub fn has_code(settings: &ProjectSettings, kind: LoginIdKind) -> bool {
    let authenticators = settings.authenticators_for(kind);
    authenticators.contains(&AuthenticatorKind::OobOtpEmail) || authenticators.contains(&AuthenticatorKind::OobOtpSms)
}

/// Whether members may sign in with a passkey.
pub fn has_passkeys(settings: &ProjectSettings) -> bool {
    settings.offers(AuthenticatorKind::Passkey)
}

/// The kinds of login ID that can be entered to sign in.
pub fn login_kinds(settings: &ProjectSettings) -> Vec<LoginIdKind> {
    let usable = |kind: &LoginIdKind| has_password(settings, *kind) || has_code(settings, *kind);
    settings.login_id_kinds().into_iter().filter(usable).collect()
}

/// The kinds of login ID through which a forgotten password can be replaced.
pub fn recovery_kinds(settings: &ProjectSettings) -> Vec<LoginIdKind> {
    let reachable = |kind: &LoginIdKind| match kind {
        LoginIdKind::Email | LoginIdKind::Phone => has_password(settings, *kind),
        LoginIdKind::Username => false,
    };
    settings.login_id_kinds().into_iter().filter(reachable).collect()
}

#[cfg(test)]
mod tests {
    use vestibule_domain::project::Origin;

    use super::*;

    #[test]
    fn the_first_authenticator_of_a_kind_is_offered_to_new_members() {
        use AuthenticatorKind::{OobOtpEmail, OobOtpSms, Passkey, Password};
        let mut settings = ProjectSettings::new("a", Origin::parse("http://localhost").unwrap());
        let table: [(&[AuthenticatorKind], LoginIdKind, NewLoginMethod, bool); 7] = [
            (&[Password, OobOtpEmail], LoginIdKind::Email, NewLoginMethod::Password, true),
            (&[OobOtpEmail, Password], LoginIdKind::Email, NewLoginMethod::Code, true),
            (&[OobOtpSms, Password], LoginIdKind::Email, NewLoginMethod::Password, true),
            (&[OobOtpSms, Password], LoginIdKind::Phone, NewLoginMethod::Code, true),
            (&[OobOtpSms, Password], LoginIdKind::Username, NewLoginMethod::Password, false),
            (&[Passkey, Password], LoginIdKind::Username, NewLoginMethod::Passkey, false),
            (&[Passkey, Password], LoginIdKind::Email, NewLoginMethod::Passkey, true),
        ];
        for (offered, kind, method, proof) in table {
            settings.authentication.primary_authenticators = Some(offered.to_vec());
            assert_eq!(
                (new_login_method(&settings, kind), needs_proof(&settings, kind)),
                (method, proof),
                "{offered:?} {kind:?}"
            );
        }
    }
}
