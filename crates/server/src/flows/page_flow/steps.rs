//! What a person does on the pages before the last click: names a login ID, types codes, asks for another one.

use std::net::IpAddr;

use vestibule_domain::{
    credential::{
        otp::{self, CodeState, OtpDecision, ResendDecision},
        password::{self, Weakness},
    },
    identifier::{IdentifierProblem, LoginId, LoginIdKind},
    project::LimitName,
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, credentials, flows, outbox};

use super::{Flow, PendingLoginId, Purpose};
use crate::{
    app::App,
    crypto::{hex, sha256},
    flows::{Error, rates},
    limits::Who,
    passwords::Verdict,
    ports::mailer::Mail,
    projects::Project,
};

/// What was typed on the first page.
pub(crate) struct Identification {
    pub(crate) kind: LoginIdKind,
    pub(crate) login_id: String,
    pub(crate) password: Secret<String>,
}

/// What is wrong with what was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mistakes {
    pub(crate) login_id: Option<IdentifierProblem>,
    pub(crate) password: Vec<Weakness>,
    /// Login only: the pair is wrong; which half is not said.
    pub(crate) wrong_credentials: bool,
}

/// What a step led to.
pub(crate) enum Step {
    /// Something was wrong; nothing changed.
    Mistaken(Mistakes),
    /// A code was sent; it must be typed next.
    CodeSent,
    /// Everything is proved: the flow can be committed.
    Ready,
    /// The flow was changed in another tab meanwhile: look again.
    Stale,
}

/// Writes the mail with a code, in the person's language; given by the pages' side, since it knows the texts.
pub(crate) type WriteMail<'a> = &'a (dyn Fn(&str, &str) -> Mail + Send + Sync);

/// Takes login ID and new password of a promotion or sign-up.
pub(crate) async fn identify(
    app: &App,
    project: &Project,
    flow: &mut Flow,
    input: Identification,
    ip: IpAddr,
    write_mail: WriteMail<'_>,
    now: Timestamp,
) -> Result<Step, Error> {
    let parsed = LoginId::parse(input.kind, &input.login_id, project.settings.default_country());
    // Both fields are judged, so that the person hears everything at once.
    let own_names: Vec<&str> = parsed.iter().map(|login_id| login_id.original.as_str()).collect();
    let password = password::check(&project.settings.password_policy(), input.password.expose(), &own_names);
    let login_id = match parsed {
        Ok(login_id) if password.is_empty() => login_id,
        Ok(_) => return Ok(Step::Mistaken(Mistakes { password, ..Mistakes::default() })),
        Err(error) => {
            return Ok(Step::Mistaken(Mistakes { login_id: Some(error), password, ..Mistakes::default() }));
        }
    };
    let needs_proof = project.settings.verification_enabled(login_id.kind);
    if needs_proof {
        charge_code(app, project, &login_id.value, ip, now)?;
    }
    let password = password::prepare(input.password.expose());
    let password_hash = app.hasher.hash(password, &app.entropy).await?;
    let mut pending = PendingLoginId {
        kind: login_id.kind,
        value: login_id.value,
        original: login_id.original,
        password_hash: Some(password_hash),
        code: None,
        proved_at: None,
        taken: false,
    };
    let mail = needs_proof.then(|| {
        let (code, text) = new_code(app, flow, None, now);
        pending.code = Some(code);
        write_mail(&address(&pending), &text)
    });
    flow.state.pending = Some(pending);
    let sent = mail.is_some();
    if !save(app, project, flow, mail, now).await? {
        return Ok(Step::Stale);
    }
    Ok(if sent { Step::CodeSent } else { Step::Ready })
}

/// Takes a typed code.
pub(crate) enum CodeOutcome {
    /// Right: the flow can be committed.
    Ready,
    /// Wrong, and how it stands now.
    Refused(OtpDecision),
    /// No code is waited for, or the flow changed in another tab.
    Stale,
}

/// Compares a typed code; a wrong one is counted before the answer is given.
pub(crate) async fn try_code(
    app: &App,
    project: &Project,
    flow: &mut Flow,
    typed: &str,
    ip: IpAddr,
    now: Timestamp,
) -> Result<CodeOutcome, Error> {
    rates::charge_ip(app, project, LimitName::CodeTryPerIp, ip, now)?;
    let presented = hash_code(flow, &normalise_code(typed));
    let Some(pending) = &mut flow.state.pending else { return Ok(CodeOutcome::Stale) };
    if pending.proved_at.is_some() {
        return Ok(CodeOutcome::Ready);
    }
    let Some(code) = &mut pending.code else { return Ok(CodeOutcome::Stale) };
    let decision = otp::try_code(code, &presented, now);
    match decision {
        OtpDecision::Accepted => {
            pending.proved_at = Some(now);
            pending.code = None;
        }
        OtpDecision::Wrong { .. } => *code = code.tried(),
        OtpDecision::Expired | OtpDecision::Exhausted => return Ok(CodeOutcome::Refused(decision)),
    }
    if !save(app, project, flow, None, now).await? {
        return Ok(CodeOutcome::Stale);
    }
    Ok(if decision == OtpDecision::Accepted { CodeOutcome::Ready } else { CodeOutcome::Refused(decision) })
}

/// Sends another code, unless it is too soon or there were too many.
pub(crate) async fn resend(
    app: &App,
    project: &Project,
    flow: &mut Flow,
    ip: IpAddr,
    write_mail: WriteMail<'_>,
    now: Timestamp,
) -> Result<Option<ResendDecision>, Error> {
    let Some(pending) = &flow.state.pending else { return Ok(None) };
    let Some(code) = &pending.code else { return Ok(None) };
    let decision = otp::may_resend(code, now);
    if decision != ResendDecision::Allowed {
        return Ok(Some(decision));
    }
    charge_code(app, project, &pending.value, ip, now)?;
    let (new, text) = new_code(app, flow, Some(code), now);
    let mail = write_mail(&address(pending), &text);
    if let Some(pending) = &mut flow.state.pending {
        pending.code = Some(new);
    }
    Ok(save(app, project, flow, Some(mail), now).await?.then_some(ResendDecision::Allowed))
}

/// Checks login ID and password of a member; the same answer, and the same time, whether the account exists or not.
pub(crate) async fn check_password(
    app: &App,
    project: &Project,
    input: Identification,
    ip: IpAddr,
    now: Timestamp,
) -> Result<Result<vestibule_domain::id::UserId, Mistakes>, Error> {
    let wrong = || Mistakes { wrong_credentials: true, ..Mistakes::default() };
    let login_id = match LoginId::parse(input.kind, &input.login_id, project.settings.default_country()) {
        Ok(login_id) => login_id,
        Err(error) => return Ok(Err(Mistakes { login_id: Some(error), ..Mistakes::default() })),
    };
    rates::charge_ip(app, project, LimitName::PasswordPerIp, ip, now)?;
    let who = Who::LoginId(sha256(login_id.value.as_bytes()));
    rates::charge(app, project, LimitName::PasswordPerUser, who, now)?;
    let mut conn = app.store.read().await?;
    let found = credentials::find_login_id(&mut conn, project.no, login_id.kind.as_str(), &login_id.value).await?;
    let password = match &found {
        Some(row) => credentials::find_password(&mut conn, project.no, row.user_id).await?,
        None => None,
    };
    drop(conn);
    let verdict = app.hasher.verify(password::prepare(input.password.expose()), password.map(|row| row.hash)).await?;
    Ok(match (verdict, found) {
        (Verdict::Right { .. }, Some(row)) => Ok(row.user_id),
        (Verdict::Right { .. } | Verdict::Wrong, _) => Err(wrong()),
    })
}

/// Remembers that the proved login ID belongs to somebody; what is pending is kept for the page that says so.
pub(crate) async fn mark_taken(app: &App, project: &Project, flow: &mut Flow, now: Timestamp) -> Result<(), Error> {
    if let Some(pending) = &mut flow.state.pending {
        pending.taken = true;
    }
    save(app, project, flow, None, now).await?;
    Ok(())
}

fn charge_code(app: &App, project: &Project, value: &str, ip: IpAddr, now: Timestamp) -> Result<(), Error> {
    rates::charge_ip(app, project, LimitName::CodeSendPerIp, ip, now)?;
    rates::charge(app, project, LimitName::CodeSendPerUser, Who::LoginId(sha256(value.as_bytes())), now)
}

fn new_code(app: &App, flow: &Flow, previous: Option<&CodeState>, now: Timestamp) -> (CodeState, String) {
    let text = app.entropy.six_digits();
    let hash = hash_code(flow, &text);
    (previous.map_or_else(|| CodeState::first(hash, now), |previous| previous.resent(hash, now)), text)
}

/// Where a code for a pending login ID is sent.
fn address(pending: &PendingLoginId) -> String {
    let login_id = LoginId { kind: pending.kind, value: pending.value.clone(), original: pending.original.clone() };
    login_id.address().unwrap_or_else(|| pending.value.clone())
}

/// A code's hash is bound to its flow, so that it is worth nothing elsewhere.
fn hash_code(flow: &Flow, code: &str) -> TokenHash {
    sha256(format!("{}:{code}", hex(flow.id.as_bytes())).as_bytes())
}

/// People type codes with spaces, and some keyboards with full-width or Arabic digits.
fn normalise_code(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match u32::from(c) {
            point @ 0x0660..=0x0669 => char::from_digit(point - 0x0660, 10).unwrap_or(c),
            point @ 0x06F0..=0x06F9 => char::from_digit(point - 0x06F0, 10).unwrap_or(c),
            point @ 0xFF10..=0xFF19 => char::from_digit(point - 0xFF10, 10).unwrap_or(c),
            _ => c,
        })
        .collect()
}

/// Writes the flow's state, and the mail that goes with it, unless another tab was faster.
async fn save(
    app: &App,
    project: &Project,
    flow: &mut Flow,
    mail: Option<Mail>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let no = project.no;
    let ring = mail.is_some();
    let input = (flow.id, flow.version, flow.state.to_json(), flow.expires_at, mail);
    let saved = app
        .store
        .write("save_flow", input, move |tx: &mut Tx, (id, version, state, expires_at, mail)| {
            Box::pin(async move {
                if !flows::update(tx, no, *id, *version, state, *expires_at).await? {
                    return Ok::<_, StoreError>(false);
                }
                if let Some(mail) = mail {
                    let payload = serde_json::to_string(mail).expect("a mail is plain JSON");
                    outbox::push(tx, no, "mail", None, &payload, now).await?;
                }
                Ok(true)
            })
        })
        .await?;
    if saved {
        flow.version += 1;
    }
    if ring {
        app.outbox_bell.notify_one();
    }
    Ok(saved)
}

impl Flow {
    /// Whether the person is promoting a guest.
    pub(crate) fn promotes(&self) -> bool {
        matches!(self.state.purpose, Purpose::Promote { .. })
    }
}
