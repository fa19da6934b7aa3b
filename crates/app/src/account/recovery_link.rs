//! The links with which an operator sends a member to the recovery of its password.

use std::time::Duration;

use vestibule_domain::identifier::{LoginId, LoginIdKind};

use super::account_flow::{BegunFlow, begin_sign_in};
use crate::{crypto::recovery_links::RecoveryLink, ctx::Ctx};

/// How long a link fills in the address.
pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// The URL of a new link.
pub(crate) fn make(ctx: &Ctx<'_>, login_id: &LoginId) -> String {
    let link =
        RecoveryLink { kind: login_id.kind, login_id: login_id.original.clone(), expires_at: ctx.now.plus(LIFETIME) };
    let text = ctx.project.keys.mac.issue_recovery_link(&link, &ctx.app.entropy);
    format!("{}/settings/sign-in?recover={text}", ctx.project.origin)
}

fn read(ctx: &Ctx<'_>, text: &str) -> Option<(LoginIdKind, String)> {
    let link = ctx.project.keys.mac.read_recovery_link(text)?;
    (ctx.now <= link.expires_at).then_some((link.kind, link.login_id))
}

/// Starts the recovery that a link leads to; `None` when the link is not valid or has expired.
pub fn begin(ctx: &Ctx<'_>, text: &str, browser: Option<&str>) -> Option<BegunFlow> {
    let login_id = read(ctx, text)?;
    let mut begun = begin_sign_in(ctx, None, browser)?;
    begun.flow.state.prefill = Some(login_id);
    Some(begun)
}
