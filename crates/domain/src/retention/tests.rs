//! The state machine of a guest's retention, as tables and over time.

use proptest::prelude::*;

use super::*;
use crate::session::{LONGEST_DELAY, may_be_written_later};

const START: Timestamp = Timestamp::from_seconds(1_893_456_000);
const DAY: Duration = Duration::from_secs(86_400);

fn day(number: u32) -> Timestamp {
    START.plus(number * DAY)
}

fn rule(idle: Option<u32>, warning: u32, grace: u32) -> Rule {
    Rule {
        idle: idle.map(|days| days * DAY),
        ends_with_session: idle.is_none(),
        warning: warning * DAY,
        grace: grace * DAY,
    }
}

fn guest(state: GuestState) -> Guest {
    Guest { seen_at: START, has_session: true, is_held: false, state }
}

#[test]
fn a_guest_is_warned_then_expires_then_is_erased() {
    use GuestState::{Active, Expired, Warned};
    let full = rule(Some(30), 7, 14);
    let plain = rule(Some(30), 0, 0);
    // rule, state, now, step
    for (rule, state, now, step) in [
        (full, Active, day(23), Step::Keep),
        (full, Active, day(24), Step::Warn),
        (full, Active, day(100), Step::Warn),
        (full, Warned { at: day(24) }, day(30), Step::Keep),
        (full, Warned { at: day(24) }, day(31), Step::Expire),
        // The job stood still: the warning still lasts as long as it should.
        (full, Warned { at: day(100) }, day(106), Step::Keep),
        (full, Warned { at: day(100) }, day(107), Step::Expire),
        (full, Expired { at: day(31) }, day(45), Step::Keep),
        (full, Expired { at: day(31) }, day(46), Step::Erase),
        (plain, Active, day(30), Step::Keep),
        (plain, Active, day(31), Step::Erase),
        // A rule that became longer takes back what was done.
        (rule(Some(60), 7, 14), Warned { at: day(24) }, day(31), Step::Revive),
        (rule(Some(60), 7, 14), Expired { at: day(31) }, day(46), Step::Revive),
    ] {
        assert_eq!(rule.step(&guest(state), now), step, "{rule:?} {state:?} {now}");
    }
}

#[test]
fn the_idle_time_is_followed_by_one_write_window() {
    let rule = rule(Some(1), 0, 1);
    let last = day(1).plus(WRITE_WINDOW);
    assert_eq!(rule.step(&guest(GuestState::Active), last), Step::Keep);
    assert_eq!(rule.step(&guest(GuestState::Active), last.plus(Duration::from_micros(1))), Step::Expire);
}

#[test]
fn a_guest_may_end_with_its_session() {
    let rule = rule(None, 0, 1);
    assert_eq!(rule.step(&guest(GuestState::Active), day(400)), Step::Keep);
    let gone = Guest { has_session: false, ..guest(GuestState::Active) };
    assert_eq!(rule.step(&gone, START.plus(WRITE_WINDOW)), Step::Keep);
    assert_eq!(rule.step(&gone, day(1)), Step::Expire);
    assert_eq!(
        rule.step(&Guest { has_session: true, ..guest(GuestState::Expired { at: day(1) }) }, day(9)),
        Step::Revive
    );
}

#[test]
fn a_held_guest_stays_and_is_still_revived() {
    let rule = rule(Some(30), 7, 14);
    // The warning is taken back, so that its application is warned again when the hold has ended.
    for (state, step) in [
        (GuestState::Active, Step::Keep),
        (GuestState::Warned { at: day(24) }, Step::Revive),
        (GuestState::Expired { at: day(31) }, Step::Keep),
    ] {
        let held = Guest { is_held: true, ..guest(state) };
        assert_eq!(rule.step(&held, day(400)), step, "{state:?}");
    }
    let seen = Guest { seen_at: day(40), is_held: true, ..guest(GuestState::Expired { at: day(31) }) };
    assert_eq!(rule.step(&seen, day(41)), Step::Revive);
}

#[test]
fn of_several_applications_the_one_counts_that_keeps_longest() {
    let (short, long) = (rule(Some(30), 0, 0), rule(Some(90), 0, 0));
    let active = guest(GuestState::Active);
    assert_eq!(choose([Some(short), Some(long)], &active), Some(long));
    assert_eq!(choose([Some(long), Some(short)], &active), Some(long));
    assert_eq!(choose([Some(short), None], &active), None);
    assert_eq!(choose([Some(short), Some(rule(None, 0, 0))], &active), None, "it has a session");
    assert_eq!(choose([], &active), None);
}

#[test]
fn settings_without_a_time_are_no_rule() {
    let read = |text: &str| serde_json::from_str::<RetentionSettings>(text).expect("settings");
    assert_eq!(read("{}").rule(GuestClass::WithKey), None);
    assert_eq!(read(r#"{"with_key": {"grace_seconds": 9}}"#).rule(GuestClass::WithKey), None);
    let found = read(r#"{"with_key": {"idle_seconds": 86400}}"#).rule(GuestClass::WithKey).expect("a rule");
    assert_eq!((found.idle, found.grace, found.warning), (Some(DAY), 7 * DAY, Duration::ZERO));
    let web = read(r#"{"without_key": {"ends_with_session": true}}"#);
    assert!(web.rule(GuestClass::WithoutKey).is_some_and(|rule| rule.ends_with_session && rule.idle.is_none()));
    assert_eq!(web.rule(GuestClass::WithAttributes), None);
}

#[test]
fn attributes_decide_before_keys() {
    assert_eq!(GuestClass::of(false, false), GuestClass::WithoutKey);
    assert_eq!(GuestClass::of(false, true), GuestClass::WithKey);
    assert_eq!(GuestClass::of(true, true), GuestClass::WithAttributes);
    assert_eq!(GuestClass::of(true, false), GuestClass::WithAttributes);
}

/// What happens to a guest over time: the job looks, or the guest is used, and the use is written at once, or a little later where that is
/// allowed.
#[derive(Clone, Debug)]
enum Moment {
    Look,
    Use { is_written: bool },
    Hold(bool),
}

fn moments() -> impl Strategy<Value = Vec<(u64, Moment)>> {
    let moment = prop_oneof![
        4 => Just(Moment::Look),
        2 => any::<bool>().prop_map(|is_written| Moment::Use { is_written }),
        1 => any::<bool>().prop_map(Moment::Hold),
    ];
    prop::collection::vec((0u64..20 * 86_400, moment), 1..80)
}

proptest! {
    /// A manual clock never loses a guest that was seen inside its window, even if the last use of a window is never written.
    #[test]
    fn no_guest_is_lost_inside_its_window(
        idle in 1u32..90,
        warning in 0u32..20,
        grace in 0u32..30,
        moments in moments(),
    ) {
        let rule = rule(Some(idle), warning, grace);
        let (mut now, mut used_at) = (START, START);
        let mut guest = guest(GuestState::Active);
        let (mut warned_at, mut due_at) = (None, None::<Timestamp>);
        for (gap, moment) in moments {
            now = now.plus(Duration::from_secs(gap));
            if due_at.take_if(|due| *due <= now).is_some() {
                guest.seen_at = guest.seen_at.max(used_at);
            }
            match moment {
                Moment::Use { is_written } => {
                    // Within a window of a written use, a use may stay unwritten.
                    let unused = now.since(guest.seen_at);
                    let is_of_window = unused <= WRITE_WINDOW;
                    let may_wait = may_be_written_later(unused, rule.idle.map(|idle| idle.saturating_sub(rule.warning)));
                    if is_written || !(is_of_window || may_wait) {
                        guest.seen_at = now;
                    } else if !is_of_window {
                        due_at = due_at.or(Some(now.plus(LONGEST_DELAY)));
                    }
                    used_at = now;
                }
                Moment::Hold(is_held) => guest.is_held = is_held,
                Moment::Look => {
                    let step = rule.step(&guest, now);
                    let unused = now.since(used_at);
                    match step {
                        Step::Keep => {}
                        Step::Warn => {
                            prop_assert_eq!(guest.state, GuestState::Active);
                            warned_at = Some(now);
                            guest.state = GuestState::Warned { at: now };
                        }
                        Step::Expire => {
                            prop_assert!(!matches!(guest.state, GuestState::Expired { .. }), "expired twice");
                            prop_assert!(unused > idle * DAY, "expired after {unused:?}");
                            let ahead = warned_at.map_or(Duration::MAX, |at: Timestamp| now.since(at));
                            prop_assert!(warning == 0 || ahead >= warning * DAY, "warned {ahead:?} before");
                            guest.state = GuestState::Expired { at: now };
                        }
                        Step::Erase => {
                            prop_assert!(!guest.is_held, "erased although held");
                            prop_assert!(unused > idle * DAY, "erased after {unused:?}");
                            let expired_at = if let GuestState::Expired { at } = guest.state { Some(at) } else { None };
                            let waited = expired_at.map(|at| now.since(at));
                            prop_assert!(grace == 0 || waited > Some(grace * DAY), "grace {waited:?}");
                            return Ok(());
                        }
                        Step::Revive => {
                            prop_assert_ne!(guest.state, GuestState::Active);
                            guest.state = GuestState::Active;
                            warned_at = None;
                        }
                    }
                }
            }
        }
    }

    /// Whatever happened before, a guest that is left alone is erased in the end, and a look later changes nothing.
    #[test]
    fn a_guest_that_is_left_alone_is_erased(idle in 1u32..90, warning in 0u32..20, grace in 0u32..30) {
        let rule = rule(Some(idle), warning, grace);
        let mut guest = guest(GuestState::Active);
        let mut steps = Vec::new();
        for number in 0..400 {
            let now = day(number);
            match rule.step(&guest, now) {
                Step::Keep => {}
                Step::Warn => guest.state = GuestState::Warned { at: now },
                Step::Expire => guest.state = GuestState::Expired { at: now },
                Step::Revive => prop_assert!(false, "nothing revives it"),
                Step::Erase => {
                    steps.push(Step::Erase);
                    break;
                }
            }
            steps.push(rule.step(&guest, now));
        }
        prop_assert_eq!(steps.last(), Some(&Step::Erase));
    }

    /// The cutoff of a step is never later than the last use that the step rests on allows.
    #[test]
    fn a_use_after_the_cutoff_keeps_a_guest(idle in 1u32..90, wait in 0u64..400 * 86_400, has_session: bool) {
        let rule = Rule { ends_with_session: true, ..rule(Some(idle), 0, 0) };
        let guest = Guest { has_session, ..guest(GuestState::Active) };
        let now = START.plus(Duration::from_secs(wait));
        let cutoff = rule.cutoff(&guest, now);
        prop_assert_eq!(rule.step(&guest, now) == Step::Erase, guest.seen_at < cutoff);
    }
}
