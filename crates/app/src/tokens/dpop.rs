//! DPoP (RFC 9449): validates a request's proof and compares it with the key that a token is bound to.
//! An invalid proof alone fails nothing; it matters when a grant is created or a binding is checked.

use vestibule_domain::{client::Client, id::ProjectNo, time::Timestamp};
use vestibule_protocol::{
    dpop::{DpopProof, MAX_AGE_SECONDS, ProofError, ProofTarget},
    jose::Jwk,
};
use vestibule_store::{
    StoreError, Tx,
    spent::{self, Spending},
};

use crate::{
    crypto::{sha256, verify},
    ctx::Ctx,
    error::Error,
    projects::Project,
};

/// The DPoP proof of a request.
pub enum PresentedProof {
    Nothing,
    /// A proof that is valid for this request.
    Good(Box<GoodProof>),
    /// An invalid proof, and the reason.
    Bad(ProofError),
}

pub struct GoodProof {
    key: Jwk,
    use_of: ProofUse,
}

/// The record of an accepted proof, to detect replays.
#[derive(Clone, Copy, Debug)]
pub struct ProofUse {
    fingerprint: [u8; 16],
    expires_at: Timestamp,
}

/// Validates the value of a `DPoP` header for a request to a path of this project.
pub fn judge(project: &Project, header: Option<&str>, method: &str, path: &str, now: Timestamp) -> PresentedProof {
    let Some(header) = header else { return PresentedProof::Nothing };
    // Use the public origin, never the socket's address: a proxy may be in front.
    let uri = format!("{}{path}", project.origin);
    match DpopProof::parse(header, ProofTarget { method, uri: &uri }, now.as_seconds()) {
        Ok(proof) if verify::verifies(&proof.jwk, proof.signing_input(), proof.signature()) => {
            let jkt = verify::thumbprint(&proof.jwk);
            let name = format!("dpop:{jkt}:{}", proof.jti);
            let mut fingerprint = [0; 16];
            fingerprint.copy_from_slice(&sha256(name.as_bytes()).0[..16]);
            // From the next second on, the proof itself is expired.
            let expires_at = Timestamp::from_seconds(proof.iat.saturating_add(MAX_AGE_SECONDS + 1));
            PresentedProof::Good(Box::new(GoodProof { key: proof.jwk, use_of: ProofUse { fingerprint, expires_at } }))
        }
        Ok(_) => PresentedProof::Bad(ProofError::Signature),
        Err(why) => PresentedProof::Bad(why),
    }
}

/// The DPoP binding of a new grant.
#[derive(Default)]
pub struct Binding {
    /// The thumbprint of the bound key; `None` without a proof.
    pub jkt: Option<String>,
    /// The transaction that creates the grant must redeem it with [`spend`]; otherwise the same proof could be used for
    /// the next refresh.
    pub proof_use: Option<ProofUse>,
}

impl PresentedProof {
    /// The binding for a new grant of the application.
    ///
    /// # Errors
    /// [`Error::InvalidDpopProof`] for an invalid proof, unless the application only logs proofs.
    pub fn bind(&self, client: &Client) -> Result<Binding, Error> {
        match self {
            Self::Nothing => Ok(Binding::default()),
            Self::Good(proof) => Ok(Binding {
                jkt: Some(verify::thumbprint(&proof.key).to_string()),
                proof_use: (!client.is_dpop_disabled()).then_some(proof.use_of),
            }),
            Self::Bad(why) if client.is_dpop_disabled() => {
                tracing::info!(client.id = client.client_id, reason = %why, "a request with an invalid DPoP proof was allowed");
                Ok(Binding::default())
            }
            Self::Bad(why) => Err(Error::InvalidDpopProof(*why)),
        }
    }

    /// Checks the proof against the binding of a grant or code (RFC 9449 §5).
    /// The returned proof use must be redeemed with [`spend`] before tokens are issued.
    ///
    /// # Errors
    /// [`Error::DpopBindingMismatch`], or [`Error::DpopClockSkew`] when only the device's clock is wrong.
    pub fn check(&self, client: &Client, bound: Option<&str>) -> Result<Option<ProofUse>, Error> {
        let judged = match (bound, self) {
            (None, Self::Nothing | Self::Good(_)) => Ok(None),
            (Some(bound), Self::Good(proof)) if verify::has_thumbprint(&proof.key, bound) => Ok(Some(proof.use_of)),
            (None | Some(_), Self::Bad(ProofError::Times | ProofError::Expired)) => Err(Error::DpopClockSkew),
            (Some(_), Self::Nothing | Self::Good(_)) | (None | Some(_), Self::Bad(_)) => {
                Err(Error::DpopBindingMismatch)
            }
        };
        match judged {
            Err(why) if client.is_dpop_disabled() => {
                tracing::info!(client.id = client.client_id, reason = %why, "a request with a DPoP mismatch was allowed");
                Ok(None)
            }
            judged => judged,
        }
    }
}

/// Redeems a proof; `false` when it was used before (RFC 9449 §11.1).
pub async fn spend(tx: &mut Tx, no: ProjectNo, proof: Option<ProofUse>) -> Result<bool, StoreError> {
    match proof {
        Some(proof) => spent::spend(tx, no, &proof.fingerprint, None, proof.expires_at).await,
        None => Ok(true),
    }
}

/// The same for several at once.
pub(crate) fn spending(no: ProjectNo, proof: &ProofUse) -> Spending<'_> {
    Spending { project: no, id: &proof.fingerprint, holder: None, expires_at: Some(proof.expires_at) }
}

/// Redeems a proof in its own transaction, for callers that write nothing else.
///
/// # Errors
/// [`Error::DpopProofReplayed`] when it was used before.
pub(crate) async fn use_up(ctx: &Ctx<'_>, proof: Option<ProofUse>) -> Result<(), Error> {
    if proof.is_none() {
        return Ok(());
    }
    let no = ctx.project.no;
    let fresh = ctx
        .app
        .store
        .write("use_dpop_proof", (), move |tx, ()| Box::pin(spend(tx, no, proof)))
        .await
        .map_err(Error::Store)?;
    if fresh { Ok(()) } else { Err(Error::DpopProofReplayed) }
}
