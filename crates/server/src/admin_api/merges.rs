//! Merging a guest into a member.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vestibule_app::admin::merges::{self, MergePreview};
use vestibule_domain::id::UserId;

use super::{
    access::Admin,
    answer::Good,
    input::{Body, InPath, Json, Query},
    operation::{Operation, Tag},
    problem::Problem,
    schemas::IdText,
    views::UserDetailView,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewQuery {
    /// The ID of the member.
    #[schemars(with = "IdText")]
    into: UserId,
}

// The member of a merge.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a merge, as an object")]
#[schemars(rename = "Merge")]
pub(crate) struct MergeBody {
    /// The ID of the member.
    #[schemars(with = "IdText")]
    into: UserId,
}

impl From<MergeBody> for UserId {
    fn from(body: MergeBody) -> Self {
        body.into
    }
}

impl Body for MergeBody {
    type Value = UserId;
    const EXAMPLE: Option<&'static str> = Some(r#"{"into": "0192a3b4-0000-7000-8000-000000000001"}"#);
}

// What a merge would do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MergePreview")]
pub(crate) struct PreviewView {
    from: IdText,
    into: IdText,
    /// The member's standard attributes after the merge.
    standard_attributes: Map<String, Value>,
    /// The member's custom attributes after the merge.
    custom_attributes: Map<String, Value>,
    /// The number of the guest's sessions that would end.
    sessions: usize,
    /// The number of the guest's device keys that would be retired.
    device_keys: usize,
}

impl PreviewView {
    fn of(preview: MergePreview) -> Self {
        Self {
            from: preview.guest.into(),
            into: preview.member.id.into(),
            standard_attributes: preview.member.standard_attributes,
            custom_attributes: preview.member.custom_attributes,
            sessions: preview.sessions,
            device_keys: preview.device_keys,
        }
    }
}

pub(super) const PREVIEW: Operation =
    Operation::new(Tag::Users, "previewMerge", "Show what merging a guest into a member would do", "The preview.")
        .note("Changes nothing.")
        .may_refuse(&[409, 422]);

/// `GET /users/{user_id}/merge`
pub(crate) async fn preview(
    admin: Admin,
    InPath(guest): InPath<UserId>,
    Query(query): Query<PreviewQuery>,
) -> Result<Good<PreviewView>, Problem> {
    Ok(Good::print(&PreviewView::of(merges::preview(&admin.visit.ctx(), guest, query.into).await?)))
}

pub(super) const MERGE: Operation =
    Operation::new(Tag::Users, "mergeUser", "Merge a guest into a member", "The member.").note(
        "The guest's sessions end, its device keys are retired, its attributes go to the member by the project's rules, and its ID \
         becomes an alias of the member's. With `identity.merge.handshake`, the last two wait for your application: the merge is in \
         `GET /merges?user_id=…`. It can be undone as long as `identity.merge.undo_seconds` says.",
    );

/// `POST /users/{user_id}/merge`
pub(crate) async fn merge(
    admin: Admin,
    InPath(guest): InPath<UserId>,
    Json(into): Json<MergeBody>,
) -> Result<Good<UserDetailView>, Problem> {
    let visit = &admin.visit;
    let member = merges::merge_guest(&visit.ctx(), &admin.operator(), guest, into).await?;
    Ok(Good::print(&UserDetailView::of(member)))
}
