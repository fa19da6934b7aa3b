//! The uploaded logo: upload, replacement and removal in the portal, what is refused, and where it is served.

use reqwest::Method;
use serde_json::json;
use vestibule_app::{
    actor::{Actor, Permit},
    ctx::Ctx,
    logos,
};
use vestibule_domain::{id::OperatorId, operator::Role};

use crate::{
    portal_operators::invite,
    support::{Admin, Browser, Engine, Http, Reply, ScratchInstallation, TestServer, on_both_engines},
};

on_both_engines!(
    a_logo_is_uploaded_replaced_and_removed,
    what_is_no_logo_is_refused_with_the_reason,
    a_logo_is_for_who_may_edit_the_project,
    a_logo_is_its_projects_alone,
    a_logo_is_put_read_and_removed_by_the_admin_api,
);

const AT: &str = "/portal/p/test/branding/logo";
const PNG: &[u8] = include_bytes!("../../../domain/src/logo/fixtures/logo.png");
const JPEG: &[u8] = include_bytes!("../../../domain/src/logo/fixtures/logo.jpeg");
const WEBP: &[u8] = include_bytes!("../../../domain/src/logo/fixtures/lossy.webp");
const YEAR: &str = "max-age=31536000, immutable";

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    (server, owner)
}

/// Sends the form with a file, as a browser does: with a name and a type that say nothing.
async fn send(server: &TestServer, owner: &Browser, csrf: &str, file: &[u8]) -> Reply {
    let part =
        |name: &str, more: &str| format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
    let token = part("_csrf", "");
    let head = part("file", "; filename=\"a.png\"\r\nContent-Type: image/png");
    let body = [token.as_bytes(), csrf.as_bytes(), b"\r\n", head.as_bytes(), file, b"\r\n--frontier--\r\n"];
    let request = server
        .http()
        .request(Method::POST, AT)
        .header("cookie", owner.cookie_line())
        .header("content-type", "multipart/form-data; boundary=frontier")
        .body(body.concat());
    Reply::of(request).await
}

async fn token(owner: &mut Browser) -> String {
    owner.open("/portal/p/test/branding").await;
    owner.hidden("_csrf").expect("a token")
}

/// The bytes of an answer, with its status.
async fn fetch(http: &Http, path: &str) -> (u16, Vec<u8>) {
    let answer = http.request(Method::GET, path).send().await.expect("an answer");
    (answer.status().as_u16(), answer.bytes().await.expect("a body").to_vec())
}

/// The URL of the logo on a page with a form.
fn shown(page: &str) -> Option<&str> {
    let (_, image) = page.split_once("<img class=\"logo\" src=\"")?;
    image.split('"').next()
}

async fn a_logo_is_uploaded_replaced_and_removed(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let http = server.http();
    owner.open("/portal/p/test/branding").await;
    owner.follow("Upload a logo").await;
    let text = &owner.expect_page(200, "Logo").text;
    assert!(text.contains("No logo yet") && text.contains("256 KiB") && text.contains("contain scripts"), "{text}");
    let csrf = owner.hidden("_csrf").expect("a token");
    let mut seen: Vec<String> = Vec::new();
    for (file, media_type) in [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")] {
        assert_eq!(send(&server, &owner, &csrf, file).await.status, 303);
        let page = http.get("/logged-out").await;
        let href = shown(&page.body).expect("a logo").to_string();
        assert!(page.body.contains("width=\"24\" height=\"16\""), "{}", page.body);
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.contains("img-src 'self';") || policy.ends_with("img-src 'self'"), "{policy}");
        let answer = http.request(Method::GET, &href).send().await.expect("an answer");
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().expect("text").to_string());
        for (name, expected) in [
            ("content-type", media_type),
            ("cache-control", &format!("public, {YEAR}")),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(name).as_deref(), Some(expected), "{name}");
        }
        assert!(answer.bytes().await.expect("a body") == file);
        let head = http.request(Method::HEAD, &href).send().await.expect("an answer");
        assert_eq!(
            (head.status().as_u16(), &head.headers()["content-length"]),
            (200, &file.len().to_string().parse().expect("a header"))
        );
        // Twice: from the store, and from memory.
        assert!(fetch(&http, &href).await == (200, file.to_vec()));
        for before in &seen {
            assert_eq!(fetch(&http, before).await.0, 404, "one logo at a time");
        }
        seen.push(href);
    }
    // The preview is on the portal's own host.
    let preview = owner.fetch("/portal/p/test/branding/preview").await;
    let href = shown(&preview.body).expect("a logo");
    assert!(href.starts_with(&format!("{AT}/")), "{href}");
    owner.open(AT).await;
    let text = &owner.expect_page(200, "Logo").text;
    assert!(text.contains("WebP, 24 × 16 pixels, uploaded 2030-05-01"), "{text}");
    let image = owner.fetch(href).await;
    assert_eq!((image.status, image.header("cache-control")), (200, Some(&*format!("private, {YEAR}"))));
    assert_eq!(owner.fetch(&format!("{AT}/0000.webp")).await.status, 404);
    let same = send(&server, &owner, &csrf, WEBP).await;
    assert!(same.header("location").expect("a redirect").ends_with("done=unchanged"), "{same:?}");

    let changes = server.events("project.changed").await;
    assert_eq!(changes.len(), 3, "one for each change");
    let change = &changes[2]["payload"]["changes"][0];
    assert_eq!(change["key"], "ui.logo");
    assert!(change["from"].as_str().expect("a name").ends_with(".jpeg\""), "{change}");
    assert_eq!(changes[2]["context"]["audit_context"]["operator_email"], "olga@house.example");

    owner.follow("Remove logo").await;
    let text = &owner.expect_page(200, "Remove the logo?").text;
    assert!(text.contains("first letter of the name"), "{text}");
    assert_eq!(fetch(&http, &seen[2]).await.0, 200, "nothing is removed before the question is answered");
    owner.press("Remove logo").await;
    assert!(owner.expect_page(200, "Logo").text.contains("Logo removed."));
    assert_eq!(fetch(&http, &seen[2]).await.0, 404);
    assert_eq!(shown(&http.get("/logged-out").await.body), None);
}

async fn what_is_no_logo_is_refused_with_the_reason(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let csrf = token(&mut owner).await;
    let bomb = [&PNG[..16], &[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff], &PNG[24..]].concat();
    let mut large = PNG.to_vec();
    large.resize(256 * 1024 + 1, 0);
    for (file, reason) in [
        (&b""[..], "Choose an image."),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "SVG files are not accepted, because they can contain scripts",
        ),
        (b"<!doctype html><script>alert(1)</script>", "This is not a PNG, JPEG or WebP image"),
        (b"GIF89a", "This is not a PNG, JPEG or WebP image"),
        (&PNG[..PNG.len() - 20], "This PNG file is damaged"),
        (&bomb, "65535 × 65535 pixels"),
        (&large, "at most 256 KiB are allowed"),
    ] {
        let refused = send(&server, &owner, &csrf, file).await;
        assert_eq!(refused.status, 422, "{reason}");
        assert!(refused.body.contains(reason) && refused.body.contains("aria-invalid"), "{reason}: {}", refused.body);
    }
    // Said before it is read: a length, and a body without one.
    let huge = send(&server, &owner, &csrf, &vec![0; 400_000]).await;
    assert_eq!(huge.status, 413);
    assert!(huge.body.contains("Choose a file of at most 256 KiB."), "{}", huge.body);
    // A file that is two things at once is stored as one of them.
    let polyglot = [PNG, b"<script>alert(1)</script>PK\x03\x04"].concat();
    assert_eq!(send(&server, &owner, &csrf, &polyglot).await.status, 303);
    let page = server.http().get("/logged-out").await;
    assert!(fetch(&server.http(), shown(&page.body).expect("a logo")).await.1 == PNG);
    for path in ["/logo/", "/logo/x.png", "/logo/..%2F..%2Fmaster.key", "/logo/%00"] {
        assert_eq!(server.http().get(path).await.status, 404, "{path}");
    }
}

async fn a_logo_is_for_who_may_edit_the_project(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let csrf = token(&mut owner).await;
    for forged in ["", "x"] {
        assert_eq!(send(&server, &owner, forged, PNG).await.status, 403);
    }
    let stranger = server.browser();
    assert_eq!(send(&server, &stranger, &csrf, PNG).await.status, 303, "to the sign-in");
    let mut viewer = invite(&server, &mut owner, "test", "vi@house.example", "Viewer").await;
    viewer.open(AT).await;
    let page = viewer.expect_page(200, "Logo");
    assert!(page.text.contains("You have the viewer role") && !page.text.contains("Upload logo"), "{}", page.text);
    let own = viewer.hidden("_csrf").expect("a token");
    assert_eq!(send(&server, &viewer, &own, PNG).await.status, 403);
    let mut editor = invite(&server, &mut owner, "test", "ed@house.example", "Editor").await;
    let own = token(&mut editor).await;
    assert!(server.app.projects.find_by_id("test").expect("the project").logo.is_none());
    assert_eq!(send(&server, &editor, &own, PNG).await.status, 303);
    let logo = server.app.projects.find_by_id("test").expect("the project").logo.clone().expect("a logo");
    let path = format!("{AT}/{}", logo.file_name());
    assert_eq!(viewer.fetch(&path).await.status, 200);
    assert_eq!(server.http().get(&path).await.status, 303, "nobody else sees it in the portal");
    // The role counts when it is stored, not when the request began.
    let project = server.app.projects.find_by_id("test").expect("the project");
    let ctx = Ctx::without_request(&server.app, &project, server.clock.now());
    let permit = Permit { operator: OperatorId::from_bytes([7; 16]), role: Role::Editor, everywhere: false };
    let actor = Actor { permit: Some(permit), ..Actor::at_terminal("test") };
    assert!(logos::remove(&ctx, &actor).await.is_err());
    assert_eq!(viewer.fetch(&path).await.status, 200);
}

async fn a_logo_is_its_projects_alone(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let csrf = token(&mut owner).await;
    send(&server, &owner, &csrf, PNG).await.expect(303);
    let page = server.http().get("/logged-out").await;
    let href = shown(&page.body).expect("a logo").to_string();
    let other = server.add_project("other", |_| {}).await;
    assert_eq!(fetch(&server.http_of(&other), &href).await.0, 404, "another project's");
    let admin = Admin::of(&server).await;
    // Whoever writes the settings does not touch it.
    let read = admin.get("/project").await.expect(200);
    let tag = read.header("etag").expect("a version").to_string();
    let mut changed = read.json()["settings"].clone();
    changed["ui"] = json!({"name": "Corner", "logo_uri": "https://cdn.shop.example/logo.png"});
    let put = admin.request(Method::PUT, "/project").header("if-match", &tag).json(&changed);
    Reply::of(put).await.expect(200);
    let page = server.http().get("/logged-out").await;
    assert_eq!(shown(&page.body), Some(href.as_str()), "the uploaded one comes first");
    assert!(page.body.contains("alt=\"Corner\""), "{}", page.body);
}

async fn a_logo_is_put_read_and_removed_by_the_admin_api(engine: Engine) {
    const PATH: &str = "/project/logo";
    let (server, _) = start(engine).await;
    let admin = Admin::of(&server).await;
    let put = async |file: &[u8], media_type: &str, more: Option<&str>| {
        let request = admin.request(Method::PUT, PATH).header("content-type", media_type).body(file.to_vec());
        Reply::of(more.into_iter().fold(request, |request, key| request.header("idempotency-key", key))).await
    };
    assert_eq!(admin.get(PATH).await.expect(404).json()["detail"], "logo not found");
    admin.delete(PATH).await.expect(404);
    for (file, format) in [(PNG, "png"), (JPEG, "jpeg"), (WEBP, "webp")] {
        let media_type = format!("image/{format}");
        put(file, &media_type, None).await.expect(204);
        let answer = admin.request(Method::GET, PATH).send().await.expect("an answer");
        for (name, expected) in [
            ("content-type", media_type.as_str()),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
        ] {
            assert_eq!(answer.headers().get(name).and_then(|value| value.to_str().ok()), Some(expected), "{name}");
        }
        assert!(answer.bytes().await.expect("a body") == file);
        let page = server.http().get("/logged-out").await;
        assert!(shown(&page.body).expect("a logo").ends_with(&format!(".{format}")));
    }
    // Nothing to change is no event; a repeated request is answered like the first one, and does nothing.
    put(WEBP, "image/webp", None).await.expect(204);
    assert_eq!(server.events("project.changed").await.len(), 3);
    for replayed in [None, Some("true")] {
        let done = put(PNG, "image/png", Some("logo-1")).await.expect(204);
        assert_eq!(done.header("idempotency-replayed"), replayed);
    }
    let changes = server.events("project.changed").await;
    assert_eq!(changes.len(), 4);
    assert_eq!(changes[3]["payload"]["changes"][0]["key"], "ui.logo");
    assert_eq!(put(JPEG, "image/jpeg", Some("logo-1")).await.expect(422).json()["code"], "idempotency_key_reused");
    // What is no logo changes nothing; the first bytes count, not the type.
    let animated = [&WEBP[..20], &[WEBP[20] | 2], &WEBP[21..]].concat();
    for (file, media_type, status, reason) in [
        (&b""[..], "image/png", 422, "choose an image"),
        (b"<svg onload='x()'/>", "image/png", 422, "SVG files are not accepted"),
        (b"<svg onload='x()'/>", "image/svg+xml", 415, "send the body as image/png or image/jpeg or image/webp"),
        (PNG, "application/json", 415, "send the body as"),
        (PNG, "text/html", 415, "send the body as"),
        (b"<!doctype html>", "image/png", 422, "not a PNG, JPEG or WebP"),
        (&PNG[..PNG.len() - 5], "image/png", 422, "damaged"),
        (&animated, "image/webp", 422, "animated"),
        (&vec![0; 256 * 1024 + 1], "image/png", 413, "at most 256 KiB"),
        (&vec![0; 2 * 1024 * 1024], "image/png", 413, ""),
    ] {
        let refused = put(file, media_type, None).await.expect(status).json();
        assert!(refused["detail"].as_str().expect("a text").contains(reason), "{refused}");
    }
    put(JPEG, "image/png", None).await.expect(204);
    let answer = admin.request(Method::GET, PATH).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "image/jpeg");
    admin.delete(PATH).await.expect(204);
    assert_eq!(shown(&server.http().get("/logged-out").await.body), None);
    assert_eq!(server.events("project.changed").await.len(), 6);
}

#[test]
fn a_logo_is_put_saved_and_removed_at_the_command_line() {
    let place = ScratchInstallation::new();
    place.run(&["project", "create", "--id", "blog", "--public-origin", "https://auth.blog.example/"]).printed();
    let logo = |arguments: &[&str]| place.run(&[&["project", "logo", "blog"][..], arguments].concat());
    assert_eq!(logo(&[]).printed(), "blog: no logo is uploaded\n");
    std::fs::write(place.path("logo.webp"), WEBP).expect("a writable folder");
    assert_eq!(logo(&["--put", "logo.webp"]).printed(), "blog: the logo is now WebP, 24 × 16 pixels\n");
    assert_eq!(logo(&["--put", "logo.webp"]).printed(), "blog: no changes\n");
    assert!(logo(&[]).printed().starts_with("blog: WebP, 24 × 16 pixels, uploaded "));
    assert_eq!(logo(&["--save", "copy.webp"]).printed(), "blog: WebP, 24 × 16 pixels, saved as copy.webp\n");
    assert!(std::fs::read(place.path("copy.webp")).expect("a copy") == WEBP);
    assert!(logo(&["--save", "copy.webp"]).problem().contains("can't create copy.webp"));
    let exported = place.run(&["project", "export", "blog"]);
    assert!(exported.out.contains("id = \"blog\"") && !exported.out.contains("logo"), "{exported:?}");
    assert!(exported.err.contains("vestibule project logo blog --save FILE"), "{exported:?}");
    place.write("logo.svg", "<svg onload='x()'/>");
    let refused = logo(&["--put", "logo.svg"]).problem();
    assert!(refused.contains("logo.svg: SVG files are not accepted, because they can contain scripts"), "{refused}");
    assert!(logo(&["--put", "nothing.png"]).problem().contains("can't read nothing.png"));
    assert_eq!(logo(&["--remove"]).printed(), "blog: the logo was removed\n");
    assert_eq!(logo(&["--remove"]).printed(), "blog: no logo is uploaded\n");
}
