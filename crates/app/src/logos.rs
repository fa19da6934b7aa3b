//! The uploaded logo of a project: stored as it is served, and found by its hash. Contents that were asked for last stay in memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use serde_json::Value;
use vestibule_domain::{
    event::{Event, SettingChange},
    logo::{ImageFormat, LogoImage},
    time::Timestamp,
};
use vestibule_store::{
    StoreError,
    logos::{self, LogoRow},
    projects,
};

use crate::{
    actor::{ActError, Actor},
    admin::AdminError,
    crypto::{hex, sha256},
    ctx::Ctx,
};

/// The most bytes of contents in memory, of all projects: strangers ask for them with every page.
const HELD_BYTES: usize = 8 * 1024 * 1024;

/// A logo without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// SHA-256 of the content.
    pub hash: [u8; 32],
    pub format: ImageFormat,
    /// In pixels.
    pub width: u32,
    pub height: u32,
    pub uploaded_at: Timestamp,
}

impl Logo {
    /// The last part of its URL. Another content has another name, so browsers may keep it for ever.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}", hex(&self.hash), self.format.name())
    }

    /// `None` for a row that this release does not understand.
    pub(crate) fn read(row: &LogoRow) -> Option<Self> {
        Some(Self {
            hash: row.hash.as_slice().try_into().ok()?,
            format: ImageFormat::from_name(&row.format)?,
            width: u32::try_from(row.width).ok()?,
            height: u32::try_from(row.height).ok()?,
            uploaded_at: row.created_at,
        })
    }
}

/// The contents in memory, the one that was asked for last in front.
#[derive(Default)]
pub struct HeldLogos(Mutex<VecDeque<([u8; 32], Bytes)>>);

impl HeldLogos {
    fn get(&self, hash: &[u8; 32]) -> Option<Bytes> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = held.iter().position(|(one, _)| one == hash)?;
        let found = held.remove(place)?;
        let content = found.1.clone();
        held.push_front(found);
        Some(content)
    }

    fn hold(&self, hash: [u8; 32], content: Bytes) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(one, _)| *one != hash);
        held.push_front((hash, content));
        let mut bytes = 0;
        held.retain(|(_, content)| {
            bytes += content.len();
            bytes <= HELD_BYTES
        });
    }
}

/// The content of the project's logo, if `file_name` is its name.
///
/// # Errors
/// When the store fails.
pub async fn find_content(ctx: &Ctx<'_>, file_name: &str) -> Result<Option<(ImageFormat, Bytes)>, StoreError> {
    match ctx.project.logo.as_ref().filter(|logo| logo.file_name() == file_name) {
        Some(logo) => read_content(ctx, logo).await,
        None => Ok(None),
    }
}

/// The content of the project's logo.
///
/// # Errors
/// When the store fails.
pub async fn find_current(ctx: &Ctx<'_>) -> Result<Option<(ImageFormat, Bytes)>, StoreError> {
    match &ctx.project.logo {
        Some(logo) => read_content(ctx, logo).await,
        None => Ok(None),
    }
}

async fn read_content(ctx: &Ctx<'_>, logo: &Logo) -> Result<Option<(ImageFormat, Bytes)>, StoreError> {
    if let Some(content) = ctx.app.held_logos.get(&logo.hash) {
        return Ok(Some((logo.format, content)));
    }
    let mut conn = ctx.app.store.read().await?;
    let Some(content) = logos::find_content(&mut conn, ctx.project.no, &logo.hash).await? else { return Ok(None) };
    let content = Bytes::from(content);
    ctx.app.held_logos.hold(logo.hash, content.clone());
    Ok(Some((logo.format, content)))
}

/// Stores the logo of the project in place of the one before; `false` when it is that one.
///
/// # Errors
/// When nothing was changed, and why.
pub async fn put(ctx: &Ctx<'_>, actor: &Actor, image: LogoImage) -> Result<bool, AdminError> {
    let LogoImage { format, width, height, bytes } = image;
    let logo = Logo { hash: sha256(&bytes).0, format, width, height, uploaded_at: ctx.now };
    if ctx.project.logo.as_ref().is_some_and(|old| old.hash == logo.hash) {
        return Ok(false);
    }
    let entry = actor.prepare(ctx, &describe_change(ctx, Some(&logo)), None);
    let row = LogoRow {
        hash: logo.hash.to_vec(),
        format: format.name().to_string(),
        width: width.into(),
        height: height.into(),
        created_at: ctx.now,
    };
    let (no, now) = (ctx.project.no, ctx.now);
    ctx.app
        .store
        .write("put_logo", (row, bytes, entry), move |tx, (row, bytes, entry)| {
            Box::pin(async move {
                logos::put(tx, no, row, bytes).await?;
                // Other processes reload the project, and with it the logo, when its version changes.
                projects::bump_version(tx, no).await?;
                entry.write(tx, no, now).await
            })
        })
        .await?;
    ctx.app.projects.reload(&ctx.app.store, &ctx.app.master).await?;
    Ok(true)
}

/// Removes the logo of the project; `false` when it has none.
///
/// # Errors
/// When nothing was changed, and why.
pub async fn remove(ctx: &Ctx<'_>, actor: &Actor) -> Result<bool, AdminError> {
    let entry = actor.prepare(ctx, &describe_change(ctx, None), None);
    let (no, now) = (ctx.project.no, ctx.now);
    let removed = ctx
        .app
        .store
        .write("remove_logo", entry, move |tx, entry| {
            Box::pin(async move {
                let removed = logos::remove(tx, no).await?;
                if removed {
                    projects::bump_version(tx, no).await?;
                    entry.write(tx, no, now).await?;
                }
                Ok::<_, ActError>(removed)
            })
        })
        .await?;
    ctx.app.projects.reload(&ctx.app.store, &ctx.app.master).await?;
    Ok(removed)
}

/// The event of a change of settings: the logo belongs to them, though it is not in their document.
fn describe_change(ctx: &Ctx<'_>, to: Option<&Logo>) -> Event {
    let print = |logo: &Logo| Value::from(logo.file_name()).to_string();
    let change =
        SettingChange { path: "ui.logo".to_string(), from: ctx.project.logo.as_ref().map(print), to: to.map(print) };
    Event::ProjectChanged { changes: vec![change] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contents_asked_for_last_are_held_up_to_a_size() {
        let held = HeldLogos::default();
        let content = |number: u8| Bytes::from(vec![number; HELD_BYTES / 4]);
        for number in 0..4 {
            held.hold([number; 32], content(number));
        }
        assert_eq!(held.get(&[0; 32]), Some(content(0)));
        held.hold([4; 32], content(4));
        assert_eq!(held.get(&[1; 32]), None, "asked for longest ago");
        for number in [0, 2, 3, 4] {
            assert_eq!(held.get(&[number; 32]), Some(content(number)), "{number}");
        }
    }
}
