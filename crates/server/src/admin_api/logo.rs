//! The uploaded logo: the image itself, as the pages show it.

use axum::extract::{FromRequest, Request};
use serde_json::json;
use vestibule_app::{
    admin::{AdminError, Thing},
    logos,
};
use vestibule_domain::logo::{ImageFormat, ImageProblem, LogoImage, MAX_BYTES, MAX_SIDE};
use vestibule_web::logo::respond;

use super::{
    access::Admin,
    answer::{Media, NoContent, Streamed},
    describe::{Draft, RequestPart},
    input::visit_of,
    operation::{Operation, Tag},
    problem::Problem,
    read::read_body,
};

/// Every format's media type.
const TYPES: [&str; ImageFormat::ALL.len()] = {
    let [one, two, three] = ImageFormat::ALL;
    [one.media_type(), two.media_type(), three.media_type()]
};
/// Only the holder of a key gets it from here, and it may be another one the next time.
const CACHING: &str = "no-store";

/// PNG, JPEG or WebP.
pub(crate) struct Images;

impl Media for Images {
    const TYPES: &'static [&'static str] = &TYPES;
}

/// The body, as an image. Its first bytes decide which, not the media type.
pub(crate) struct ImageBody(LogoImage);

impl<S: Send + Sync> FromRequest<S> for ImageBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let visit = visit_of(&request)?;
        let file = read_body(&visit, request, &TYPES).await?;
        LogoImage::parse(&file).map(Self).map_err(Problem::from)
    }
}

impl RequestPart for ImageBody {
    fn describe(draft: &mut Draft<'_>) {
        let content = TYPES.map(|name| (name.to_string(), json!({"schema": {"type": "string", "format": "binary"}})));
        draft.body = Some(json!({
            "required": true,
            "description": format!("At most {MAX_BYTES} bytes, and {MAX_SIDE} pixels in width and height."),
            "content": serde_json::Map::from_iter(content),
        }));
        draft.refusals.insert(415);
    }
}

impl From<ImageProblem> for Problem {
    fn from(problem: ImageProblem) -> Self {
        let message = problem.to_string();
        match problem {
            ImageProblem::TooLarge(_) => Self::too_large(message),
            ImageProblem::Empty
            | ImageProblem::Svg
            | ImageProblem::UnknownFormat
            | ImageProblem::Animated
            | ImageProblem::TooManyPixels { .. }
            | ImageProblem::Damaged(_) => AdminError::fault("", message).into(),
        }
    }
}

pub(super) const GET: Operation =
    Operation::new(Tag::Project, "getLogo", "Get the uploaded logo", "The image, as it is served.");

/// `GET /project/logo`
pub(crate) async fn get(admin: Admin) -> Result<Streamed<Images>, Problem> {
    let found = logos::find_current(&admin.visit.ctx()).await?;
    let found = found.ok_or(AdminError::NotFound(Thing::Logo))?;
    Ok(Streamed::new(respond(found, CACHING)))
}

pub(super) const PUT: Operation = Operation::new(Tag::Project, "putLogo", "Upload or replace the logo", "Success.").note(
    "Metadata and what is behind the image's end are removed; SVG and animated images are refused. It is used in place of ui.logo_uri, and it is not part of the settings.",
);

/// `PUT /project/logo`
pub(crate) async fn put(admin: Admin, ImageBody(image): ImageBody) -> Result<NoContent, Problem> {
    logos::put(&admin.visit.ctx(), &admin.operator(), image).await?;
    Ok(NoContent)
}

pub(super) const REMOVE: Operation = Operation::new(Tag::Project, "deleteLogo", "Remove the uploaded logo", "Success.");

/// `DELETE /project/logo`
pub(crate) async fn remove(admin: Admin) -> Result<NoContent, Problem> {
    if logos::remove(&admin.visit.ctx(), &admin.operator()).await? {
        Ok(NoContent)
    } else {
        Err(AdminError::NotFound(Thing::Logo).into())
    }
}
