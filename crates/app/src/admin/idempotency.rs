//! Writes with an idempotency key: done once, with the answer kept in the transaction of the write, for repeated requests
//! (ADR 83). Answers are sealed, because some contain a secret that is shown once.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use vestibule_domain::{
    client::Client, delivery::Delivery, project::ProjectSettings, secret::TokenHash, time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    admin_keys::{self, NewAnswer},
    merges::MergeRow,
    retention_holds::HoldRow,
};

use super::{applications::SecretInfo, deliveries::WebhookTest, keys::AdminKeyInfo, settings::NewWebhookSecret};
use crate::{
    crypto::{base64url, read_base64url},
    ctx::Ctx,
    identities::LoadedUser,
    projects::Project,
    state::App,
};

/// How long an answer is kept.
const KEEP: Duration = Duration::from_secs(24 * 3600);
/// After this time a write that a node of an earlier release began and did not finish is treated as lost.
const LOST: Duration = Duration::from_secs(120);
/// The key has an answer: another node did the write. The caller reads that answer.
const DONE_ELSEWHERE: StoreError = StoreError::Busy("another request with this idempotency key did the write");

/// What a write leads to, for its answer.
pub enum Achieved<'a> {
    /// An answer without content.
    Nothing,
    UserCreated(&'a LoadedUser),
    UserChanged(&'a LoadedUser),
    HoldCreated(&'a HoldRow),
    MergeChanged(&'a MergeRow),
    /// The settings, and their version.
    Settings(&'a ProjectSettings, i64),
    ApplicationCreated(&'a Client),
    ApplicationReplaced(&'a Client),
    /// A client secret, and its text.
    SecretCreated(&'a SecretInfo, &'a str),
    WebhookSecretCreated(&'a NewWebhookSecret),
    /// An Admin API key; its text, if it is no signing key.
    KeyCreated(&'a AdminKeyInfo, Option<&'a str>),
    DeliveryReplayed(&'a Delivery),
    WebhookTested(&'a WebhookTest),
}

/// The answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    /// The new version, from the response's `ETag`.
    pub version: Option<String>,
    pub body: String,
}

/// What is known of an idempotency key.
pub enum KnownKey {
    /// Nothing: the write is to be done.
    New,
    /// A node of an earlier release runs the request.
    Running,
    /// The key was used for a different request.
    Reused,
    /// The write was done, with this answer.
    Done(KeptAnswer),
}

/// A request with an idempotency key. The transaction of its write keeps the answer under that key, or is rolled back.
#[derive(Clone)]
pub struct Once {
    shared: Arc<Shared>,
    /// The answer, as it is stored; none for one without content.
    answer: Option<Arc<Sealed>>,
}

struct Shared {
    app: Arc<App>,
    project: Arc<Project>,
    key: TokenHash,
    request: TokenHash,
    print: fn(&Achieved<'_>) -> KeptAnswer,
    is_kept: AtomicBool,
}

/// An answer as it is stored.
struct Sealed {
    status: i64,
    text: String,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl Once {
    /// A request of a project: the hash of its key, its own hash, and what prints answers.
    pub fn new(
        (app, project): (Arc<App>, Arc<Project>),
        (key, request): (TokenHash, TokenHash),
        print: fn(&Achieved<'_>) -> KeptAnswer,
    ) -> Self {
        let is_kept = AtomicBool::new(false);
        Self { shared: Arc::new(Shared { app, project, key, request, print, is_kept }), answer: None }
    }

    /// The same with the answer that its transaction keeps.
    pub(crate) fn answering(&self, achieved: &Achieved<'_>) -> Self {
        self.with_answer(&(self.shared.print)(achieved))
    }

    fn with_answer(&self, answer: &KeptAnswer) -> Self {
        Self { shared: Arc::clone(&self.shared), answer: Some(self.seal(answer)) }
    }

    fn seal(&self, answer: &KeptAnswer) -> Arc<Sealed> {
        let Shared { app, project, key, .. } = &*self.shared;
        Arc::new(Sealed { status: i64::from(answer.status), text: seal(app, project, *key, answer) })
    }

    /// Keeps the answer in the transaction of the write.
    ///
    /// # Errors
    /// When the key has an answer already: the transaction must be rolled back.
    pub(crate) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        let Shared { project, key, request, print, is_kept, .. } = &*self.shared;
        let sealed = self.answer.clone().unwrap_or_else(|| self.seal(&print(&Achieved::Nothing)));
        let new = NewAnswer {
            key: *key,
            request: *request,
            status: sealed.status,
            answer: &sealed.text,
            now,
            expires_at: now.plus(KEEP),
            lost_before: now.minus(LOST),
        };
        if !admin_keys::keep_answer(tx, project.no, &new).await? {
            return Err(DONE_ELSEWHERE);
        }
        is_kept.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the transaction of a request that succeeded kept its answer. Those that change nothing have none.
    pub fn is_kept(&self) -> bool {
        self.shared.is_kept.load(Ordering::Relaxed)
    }

    /// Keeps the answer of a request that changed nothing, or that has no single transaction.
    ///
    /// # Errors
    /// When the key has an answer already, or the store fails.
    pub async fn keep(&self, ctx: &Ctx<'_>, answer: &KeptAnswer) -> Result<(), StoreError> {
        let (once, now) = (self.with_answer(answer), ctx.now);
        ctx.app.store.write("keep_answer", once, move |tx, once| Box::pin(once.write(tx, now))).await
    }
}

/// Looks up an idempotency key.
///
/// # Errors
/// The store's.
pub async fn find(ctx: &Ctx<'_>, key: TokenHash, request: TokenHash) -> Result<KnownKey, StoreError> {
    let found = admin_keys::find_answer(&mut *ctx.app.store.read().await?, ctx.project.no, key).await?;
    let Some(found) = found else { return Ok(KnownKey::New) };
    if !found.request_hash.matches(&request) {
        return Ok(KnownKey::Reused);
    }
    let Some(status) = found.status else {
        let is_lost = ctx.now.since(found.started_at) > LOST;
        return Ok(if is_lost { KnownKey::New } else { KnownKey::Running });
    };
    let (version, body) = open(ctx, key, found.answer.unwrap_or_default());
    Ok(KnownKey::Done(KeptAnswer { status: u16::try_from(status).unwrap_or(200), version, body }))
}

/// Prefix of the current format: sealed; a line with the version, then the body.
const VERSIONED: &str = "versioned:";
/// Prefix of the previous format: a sealed body. Before that, bodies were stored as they were. Each expires after a
/// day.
const SEALED: &str = "sealed:";

fn context(project: &Project, key: TokenHash) -> String {
    format!("idempotency|{}|{}", project.id, base64url(key.0))
}

fn seal(app: &App, project: &Project, key: TokenHash, answer: &KeptAnswer) -> String {
    let plain = format!("{}\n{}", answer.version.as_deref().unwrap_or_default(), answer.body);
    let sealed = app.master.seal(plain.as_bytes(), &context(project, key), &app.entropy);
    format!("{VERSIONED}{}", base64url(sealed))
}

/// Decodes version and body. Both are empty when another master key sealed them, so that the write is still not
/// repeated.
fn open(ctx: &Ctx<'_>, key: TokenHash, kept: String) -> (Option<String>, String) {
    let unseal = |sealed: &str| {
        let plain =
            read_base64url(sealed).and_then(|sealed| ctx.app.master.open(&sealed, &context(ctx.project, key)).ok());
        plain.and_then(|plain| String::from_utf8(plain).ok()).unwrap_or_default()
    };
    if let Some(sealed) = kept.strip_prefix(VERSIONED) {
        let plain = unseal(sealed);
        let (version, body) = plain.split_once('\n').unwrap_or_default();
        return (Some(version.to_string()).filter(|version| !version.is_empty()), body.to_string());
    }
    match kept.strip_prefix(SEALED) {
        Some(sealed) => (None, unseal(sealed)),
        None => (None, kept),
    }
}
