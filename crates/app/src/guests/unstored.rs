//! Guests that are not stored (decision 95): their tokens say all that their rows would. Serving them reads and writes nothing of
//! theirs; [`GuestRows`] is the only place where the rows of such a guest are written.

use vestibule_domain::{
    client::{Client, GuestCreation},
    grant::Grant,
    id::{ProjectNo, UserId},
    identity::UserAccount,
    secret::TokenHash,
    subject::Subject,
    time::Timestamp,
    user::User,
};
use vestibule_protocol::oauth::ScopeSet;
use vestibule_store::{
    Conn, StoreError, Tx, grants, spent, subjects,
    unstored_guests::{self, Trace},
};

use super::{late::LateSignUp, returning_guests};
use crate::{
    caller::{self, CallerUser, LiveGrant},
    crypto::{
        sha256,
        unstored::{ClientTag, UnstoredGuest},
    },
    ctx::Ctx,
    error::Error,
    events::{self, EventOrigin, QueuedEvent},
    projects::Project,
    tokens::issue::{self, IssuedAccessToken, split_token},
};

/// What the tokens of a new guest say; `None` when the guest must be stored at once: its application wants it so, or it has what
/// tokens do not say.
pub(crate) fn describe(client: &Client, user: &User, grant: &Grant) -> Option<UnstoredGuest> {
    if client.guest_creation() == GuestCreation::Eager {
        return None;
    }
    let scope_bits = match &grant.scope {
        None => 0,
        // There is a bit for each scope that a guest can have.
        Some(scope) => ScopeSet::parse(scope).ok()?.to_bits().filter(|bits| *bits != 0)?,
    };
    let guest = UnstoredGuest {
        user_id: user.id,
        grant_id: grant.id,
        created_at: user.created_at,
        ends_at: client.grant_lifetime(true).unstored_expiry(user.created_at),
        client: ClientTag::of(&client.client_id),
        scope_bits,
    };
    (*user == make_user(&guest)).then_some(guest)
}

fn make_user(guest: &UnstoredGuest) -> User {
    User::new_guest(guest.user_id, guest.created_at)
}

fn make_grant(project: &Project, client: &Client, guest: &UnstoredGuest) -> Grant {
    let secret = project.keys.mac.unstored_refresh_secret(guest);
    Grant {
        id: guest.grant_id,
        user_id: guest.user_id,
        client_id: client.client_id.clone(),
        token_hash: sha256(secret.as_bytes()),
        scope: guest.scope(),
        created_at: guest.created_at,
        last_access_at: guest.created_at,
        authenticated_at: guest.created_at,
        amr: None,
        session_id: None,
        dpop_jkt: None,
        device: None,
        previous: None,
        has_revoked_tokens: false,
        ends_at: None,
    }
}

/// The first refresh token and access token of a guest that signs up.
pub(crate) fn issue_tokens(ctx: &Ctx<'_>, client: &Client, guest: &UnstoredGuest) -> (String, IssuedAccessToken) {
    let (user, grant) = (make_user(guest), make_grant(ctx.project, client, guest));
    let account = UserAccount::of_guest(&user);
    let access = issue::make_unstored_access_token(ctx, client, (&grant, guest), &account);
    (format!("{}.{}", guest.grant_id, ctx.project.keys.mac.unstored_refresh_secret(guest)), access)
}

fn find_client<'p>(project: &'p Project, guest: &UnstoredGuest) -> Option<&'p Client> {
    project.client_tags.find(project.settings.clients(), guest.client)
}

/// The valid grant of a guest that may not be stored. Call it when the grant was not found in the store.
pub(crate) async fn find_live<U: CallerUser>(
    conn: &mut Conn,
    project: &Project,
    guest: &UnstoredGuest,
    now: Timestamp,
) -> Result<Option<LiveGrant<U>>, Error> {
    let Some(client) = find_client(project, guest) else { return Ok(None) };
    let ends_at = guest.ends_at.min(client.grant_lifetime(true).unstored_expiry(guest.created_at));
    if now > ends_at || project.is_from_before(&client.client_id, guest.created_at) {
        return Ok(None);
    }
    match unstored_guests::find_trace(conn, project.no, (guest.grant_id, guest.user_id), &guest.fingerprint()).await? {
        // Stored since its grant was looked for.
        Trace::Stored => caller::find_live(conn, project, guest.grant_id, now).await,
        Trace::Ended => Ok(None),
        Trace::Nothing => {
            let grant = make_grant(project, client, guest);
            Ok(Some(LiveGrant { grant, user: make_user(guest).into(), session: None, unstored: Some(*guest) }))
        }
    }
}

/// The valid grant with the ID in a refresh token, stored or not, and the hash of the token's secret half, which is not compared yet.
pub(crate) async fn find_by_refresh_token(
    conn: &mut Conn,
    project: &Project,
    token: &str,
    now: Timestamp,
) -> Result<Option<(LiveGrant, TokenHash)>, Error> {
    let Some((id, hash)) = split_token(token) else { return Ok(None) };
    let mut live = caller::find_live::<User>(conn, project, id, now).await?;
    if let (None, Some(guest)) = (&live, read_refresh_token(project, token)) {
        live = find_live(conn, project, &guest, now).await?;
    }
    Ok(live.map(|live| (live, hash)))
}

/// What a refresh token says of its guest, who was not stored at the sign-up.
pub(crate) fn read_refresh_token(project: &Project, token: &str) -> Option<UnstoredGuest> {
    let (id, secret) = token.split_once('.')?;
    let guest = project.keys.mac.read_unstored_refresh_secret(secret)?;
    (guest.grant_id.to_string() == id).then_some(guest)
}

/// Whether a use of the guest's access token must be recorded, and thus stores the guest.
fn needs_record(ctx: &Ctx<'_>, guest: &UnstoredGuest) -> bool {
    find_client(ctx.project, guest).is_some_and(|client| {
        client.stores_guest_on_use() || client.grant_lifetime(true).loses_unstored_use(guest.created_at, ctx.now)
    })
}

/// Why the rows of a guest were not written; the transaction is rolled back.
pub(crate) enum StoringRefused {
    Store(StoreError),
    /// It was revoked, or was stored and has ended or was deleted since: its tokens never bring it back.
    Ended,
}

impl From<StoreError> for StoringRefused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The rows of a guest that was not stored.
pub(crate) struct GuestRows {
    guest: UnstoredGuest,
    user: User,
    grant: Grant,
    event: Option<QueuedEvent>,
    late: LateSignUp,
    now: Timestamp,
}

impl GuestRows {
    /// Prepares the rows; `None` for a guest that is stored. A use, if it is one, is recorded with them.
    pub(crate) fn prepare<U>(ctx: &Ctx<'_>, live: &LiveGrant<U>, is_use: bool) -> Option<Self> {
        let guest = live.unstored?;
        let client = find_client(ctx.project, &guest)?;
        let (user, mut grant) = (make_user(&guest), make_grant(ctx.project, client, &guest));
        let lifetime = client.grant_lifetime(true);
        let last = if is_use { ctx.now } else { lifetime.latest_unstored_use(guest.created_at, ctx.now) };
        grant.last_access_at = last.max(guest.created_at);
        let event = events::prepare_new_guest(ctx, &user, None, &EventOrigin::of_client(&grant.client_id));
        Some(Self { guest, user, grant, event, late: LateSignUp::of(ctx.app), now: ctx.now })
    }

    /// Writes the rows, unless they are there: `true` if this transaction did. Of several, exactly one does.
    pub(crate) async fn write(&self, tx: &mut Tx, no: ProjectNo) -> Result<bool, StoringRefused> {
        // First, because it waits for others that store or revoke this guest: what is read afterwards is as they left it.
        let (record, holder) = (self.guest.fingerprint(), self.user.id.as_bytes());
        if !spent::spend(tx, no, &record, Some(holder), self.guest.ends_at).await? {
            return match grants::find(tx, no, self.guest.grant_id).await? {
                Some(_) => Ok(false),
                None => Err(StoringRefused::Ended),
            };
        }
        // An import may have brought the ID, and the ledger says that it was a user's.
        let was_given = subjects::find(tx, no, &Subject::Id(self.user.id)).await?.is_some();
        if was_given || !unstored_guests::insert_if_absent(tx, no, &self.user).await? {
            return Err(StoringRefused::Ended);
        }
        self.late.note(tx, no, self.user.id).await?;
        if let Some(event) = &self.event {
            events::queue(tx, no, self.user.id, event, self.now).await?;
        }
        grants::insert(tx, no, &self.grant).await?;
        Ok(true)
    }

    /// Counts the guest as a stored one, after the commit.
    pub(crate) fn count(ctx: &Ctx<'_>, guest: &UnstoredGuest, client_id: &str) {
        ctx.app.not_stored.take(ctx.project.no, guest.created_at, client_id);
        ctx.app.metrics.count_stored_guest();
    }
}

/// Stores the guest of a grant if it is not stored yet; `false` when it has ended. For what needs the guest's rows and is no use.
pub(crate) async fn store<U: CallerUser>(ctx: &Ctx<'_>, live: &LiveGrant<U>) -> Result<bool, StoreError> {
    write_rows(ctx, live, false).await
}

/// Records a use of a guest that is not stored, which stores it if that use must not be lost.
pub(crate) async fn record_use<U: CallerUser>(
    ctx: &Ctx<'_>,
    live: &LiveGrant<U>,
    guest: &UnstoredGuest,
) -> Result<(), StoreError> {
    if needs_record(ctx, guest) {
        // It may have ended since it was found: this request came before.
        write_rows(ctx, live, true).await?;
    }
    Ok(())
}

async fn write_rows<U: CallerUser>(ctx: &Ctx<'_>, live: &LiveGrant<U>, is_use: bool) -> Result<bool, StoreError> {
    let Some(rows) = GuestRows::prepare(ctx, live, is_use) else { return Ok(true) };
    let (no, now, guest) = (ctx.project.no, ctx.now, rows.guest);
    let new_day = is_use && returning_guests::is_new_day(guest.user_id, guest.created_at, now);
    let written = ctx.app.store.write("store_guest", rows, move |tx, rows| {
        Box::pin(async move {
            let is_new = rows.write(tx, no).await?;
            // Another request may have stored the guest without this use.
            if is_use && !is_new {
                grants::record_access(tx, no, guest.grant_id, now).await?;
            }
            if new_day {
                returning_guests::count(tx, no, guest.user_id, &rows.grant.client_id, now).await?;
            }
            Ok(is_new)
        })
    });
    match written.await {
        Ok(true) => GuestRows::count(ctx, &guest, &live.grant.client_id),
        Ok(false) => {}
        Err(StoringRefused::Ended) => return Ok(false),
        Err(StoringRefused::Store(error)) => return Err(error),
    }
    Ok(true)
}

/// The grant that a claim would be stored as; `None` when its application is gone.
pub(crate) fn grant_of(project: &Project, guest: &UnstoredGuest) -> Option<Grant> {
    find_client(project, guest).map(|client| make_grant(project, client, guest))
}

/// Leaves a tombstone where a guest that is not stored may have this ID, so that its tokens never store it. The store cannot say
/// whether there is such a guest, but the ID says when it would have signed up.
pub(crate) async fn bury(ctx: &Ctx<'_>, id: UserId) -> Result<(), StoreError> {
    let created_at = Timestamp::from_micros(i64::try_from(id.unix_millis()).unwrap_or(0).saturating_mul(1_000));
    let is_possible = created_at <= ctx.now
        && ctx.project.settings.clients().iter().any(|client| {
            client.guest_creation() == GuestCreation::Lazy
                && ctx.now <= client.grant_lifetime(true).unstored_expiry(created_at)
        });
    if !is_possible {
        return Ok(());
    }
    let no = ctx.project.no;
    ctx.app
        .store
        .write("bury_unstored_guest", (), move |tx, ()| {
            Box::pin(async move { unstored_guests::bury_if_absent(tx, no, id).await })
        })
        .await
}

/// Revokes a guest that is not stored, with all its tokens; `false` when it was stored or revoked meanwhile.
pub(crate) async fn revoke(ctx: &Ctx<'_>, guest: &UnstoredGuest) -> Result<bool, StoreError> {
    let (no, guest) = (ctx.project.no, *guest);
    ctx.app
        .store
        .write("revoke_unstored_guest", (), move |tx, ()| {
            Box::pin(async move { spent::spend(tx, no, &guest.fingerprint(), None, guest.ends_at).await })
        })
        .await
}
