//! Merges in the statistics of the Admin API and the portal: what waits, settled, was refused or undone; and that a recount finds the same.

use serde_json::{Value, json};
use vestibule_app::jobs;

use crate::{
    handshakes::Scene,
    late_sign_ups::{execute, recount},
    support::{Engine, on_both_engines},
};

on_both_engines!(merges_are_counted_by_what_became_of_them_and_a_recount_finds_the_same);

const RANGE: &str = "/statistics?from=2030-04-25&to=2030-05-10";
const COUNTERS: [&str; 5] =
    ["merges_requested", "merges_settled", "merges_refused", "merges_timed_out", "merges_undone"];
const OF_NEW_GUESTS: [&str; 4] = ["merges_waiting", "merges_settled", "merges_refused", "merges_undone"];

/// Those of the days of these applications together.
fn sums(report: &Value, client_ids: &[&str]) -> [i64; 5] {
    let days = report["days"].as_array().expect("days").iter();
    let days: Vec<&Value> = days.filter(|day| client_ids.iter().any(|id| day["client_id"] == *id)).collect();
    COUNTERS.map(|name| days.iter().filter_map(|day| day[name].as_i64()).sum())
}

fn funnel(report: &Value) -> [i64; 4] {
    OF_NEW_GUESTS.map(|name| report["funnel"][name].as_i64().expect("a number"))
}

/// A merge by an operator, of a new guest.
async fn request(scene: &Scene) -> String {
    let guest = scene.client.subject(&scene.client.sign_up().await.access).await;
    request_of(scene, &guest).await
}

/// A merge by an operator.
async fn request_of(scene: &Scene, guest: &str) -> String {
    scene.admin.post(&format!("/users/{guest}/merge"), &json!({"into": scene.member})).await.expect(200);
    let merges = scene.admin.get("/merges?state=requested").await.expect(200).json();
    let found = merges["merges"].as_array().expect("a list").iter().find(|merge| merge["from"] == *guest).cloned();
    found.unwrap_or_else(|| panic!("{merges}"))["merge_id"].as_str().expect("an ID").to_owned()
}

async fn merges_are_counted_by_what_became_of_them_and_a_recount_finds_the_same(engine: Engine) {
    let scene = Scene::set(engine, |setup| {
        setup.open_portal();
        setup.set("identity.merge.answer_seconds", 60);
        setup.set("identity.merge.undo_seconds", 3_600);
    })
    .await;
    // The person agrees in the application. Asked once more, it is the same merge.
    scene.agree().await;
    let refused = scene.merge_id().await;
    scene.act(&refused, "ask").await;
    let is = |merges: [i64; 5], new: [i64; 4], waiting: i64| {
        move |report: &Value| {
            sums(report, &["web", ""]) == merges && funnel(report) == new && report["merges_waiting"] == waiting
        }
    };
    scene.admin.wait_until(RANGE, is([1, 0, 0, 0, 0], [1, 0, 0, 0], 1)).await;
    scene.act(&refused, "refuse").await;
    // The same guest again, a day later; then one that is undone, one without an answer, and one that waits.
    scene.server.clock.advance_seconds(86_400);
    let (again, undone) = (request_of(&scene, &scene.sub).await, request(&scene).await);
    scene.act(&again, "settle").await;
    scene.act(&undone, "settle").await;
    scene.act(&undone, "undo").await;
    request(&scene).await;
    scene.server.clock.advance_seconds(61);
    jobs::merges::sweep(&scene.server.app).await.expect("a look");
    request(&scene).await;
    let report = scene.admin.wait_until(RANGE, is([5, 2, 2, 1, 1], [1, 2, 2, 1], 1)).await;
    // Where the person agreed, the application is known, also if another caller decided.
    assert_eq!(sums(&report, &["web"]), [1, 0, 1, 0, 0], "{}", report["days"]);
    let of_web = scene.admin.get(&format!("{RANGE}&client_id=web")).await.expect(200).json();
    assert_eq!((funnel(&of_web), &of_web["merges_waiting"]), ([0, 0, 1, 0], &json!(0)));
    // Of the guests of the first day, one was refused, and merged the day after.
    let first = scene.admin.get("/statistics?from=2030-05-01&to=2030-05-01").await.expect(200).json();
    assert_eq!((funnel(&first), &first["merges_waiting"]), ([0, 1, 1, 0], &json!(1)));
    assert_eq!(sums(&first, &["web", ""]), [1, 0, 1, 0, 0]);
    let mut owner = scene.server.owner().await;
    owner.open("/portal/p/test/overview").await;
    let text = &owner.expect_page(200, "Overview").text;
    for part in ["Waiting for your backend now 1 1", "Merged 2 2", "1 without an answer in time 2 2", "Undone 1 1"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let read = async || {
        let report = scene.admin.get(RANGE).await.expect(200).json();
        (sums(&report, &["web", ""]), funnel(&report))
    };
    let right = read().await;
    assert!(!recount(&scene.server, &[]).contains("merges"), "all is right");
    execute(&scene.server, "DELETE FROM daily_counts WHERE name = 'merges_requested'").await;
    execute(&scene.server, "UPDATE daily_counts SET count = 7 WHERE name = 'merges_settled_of_day'").await;
    let printed = recount(&scene.server, &["--dry-run"]);
    assert!(printed.contains("2030-05-01: merges: wrong\n2030-05-02: merges: wrong\n"), "{printed}");
    assert_ne!(read().await, right);
    let printed = recount(&scene.server, &[]);
    assert!(printed.contains("2030-05-01: merges: corrected\n2030-05-02: merges: corrected\n"), "{printed}");
    assert_eq!(read().await, right);
    // An earlier release did not note which questions were repeated.
    let forget = "UPDATE events SET body = REPLACE(body, '\"is_repeated\":true', '\"is_repeated\":false')";
    execute(&scene.server, &format!("{forget} WHERE type = 'user.merge.requested'")).await;
    assert!(!recount(&scene.server, &[]).contains("merges"));
    assert_eq!(read().await, right);
}
