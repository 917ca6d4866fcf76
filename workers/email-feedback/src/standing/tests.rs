//! Every notice on every standing.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const START: UnixMillis = 1_773_480_000_000;

fn told<'a>(what: What<'a>, message_id: &'a str, at: UnixMillis) -> Told<'a> {
    Told {
        what,
        message_id,
        at,
    }
}

fn bounce(message_id: &str, at: UnixMillis) -> Told<'_> {
    told(What::PermanentBounce("General"), message_id, at)
}

fn complaint(message_id: &str, at: UnixMillis) -> Told<'_> {
    told(What::Complaint("abuse"), message_id, at)
}

fn transient(message_id: &str, at: UnixMillis) -> Told<'_> {
    told(What::TransientBounce, message_id, at)
}

fn limit(bounces: usize) -> TransientLimit {
    TransientLimit {
        bounces,
        window: Duration::from_hours(24),
    }
}

/// The item after all that was told, in this order.
fn after<'a>(notices: impl IntoIterator<Item = Told<'a>>) -> Item {
    let mut item = None;
    for notice in notices {
        apply(&mut item, notice, None);
    }
    item.unwrap_or_default()
}

fn apply(item: &mut Option<Item>, notice: Told<'_>, limit: Option<TransientLimit>) -> Verdict {
    let verdict = judge(item.as_ref(), notice, limit);
    assert!(verdict.condition.holds(item.as_ref()));
    if !verdict.set.is_empty() {
        item.get_or_insert_default().extend(verdict.set.clone());
    }
    verdict
}

#[test]
fn a_permanent_bounce_and_a_complaint_suppress_at_once() {
    for (notice, reason) in [
        (bounce("m-1", START), "bounce"),
        (complaint("m-1", START), "complaint"),
    ] {
        let verdict = judge(None, notice, None);
        assert!(verdict.is_new);
        assert_eq!(verdict.suppressed.as_deref(), Some(reason));
        assert_eq!(verdict.condition, Condition::Absent);
        assert_eq!(verdict.fate.kind(), "applied");
        let set = &verdict.set;
        assert_eq!(set["suppressed"], true);
        assert_eq!(set["reason"], reason);
        assert_eq!(set["since"], Utc::at(START).to_string());
        assert_eq!(set["evidence"], "m-1");
        assert_eq!(set[reason]["message"], "m-1");
        assert_eq!(set["revision"], 1);
    }
}

#[test]
fn the_first_reason_stays_and_the_second_is_noted() {
    let item = after([bounce("m-1", START + 5), complaint("m-2", START)]);
    assert_eq!(item["reason"], "bounce");
    assert_eq!(item["evidence"], "m-1");
    assert_eq!(item["complaint"]["message"], "m-2");
    assert_eq!(item["revision"], 2);
    let mut item = Some(item);
    let again = apply(&mut item, complaint("m-2", START), None);
    assert_eq!((again.fate.kind(), again.is_new), ("duplicate", false));
    assert_eq!(again.set, Item::new());
    assert_eq!(again.suppressed.as_deref(), Some("bounce"));
    let older = apply(&mut item, complaint("m-0", START - 1), None);
    assert_eq!((older.fate.kind(), older.set.len()), ("superseded", 0));
    let newer = apply(&mut item, complaint("m-3", START + 9), None);
    assert_eq!((newer.fate.kind(), newer.is_new), ("applied", false));
    assert_eq!(item.unwrap()["complaint"]["message"], "m-3");
}

#[test]
fn what_an_operator_has_lifted_only_something_newer_suppresses_again() {
    let mut lifted = after([bounce("m-1", START)]);
    lifted.insert("suppressed".to_owned(), false.into());
    for (notice, kind) in [
        (bounce("m-1", START), "duplicate"),
        (bounce("m-0", START - 1), "superseded"),
        (complaint("m-2", START - 1), "applied"),
    ] {
        let mut item = Some(lifted.clone());
        let verdict = apply(&mut item, notice, None);
        assert_eq!(verdict.fate.kind(), kind, "{notice:?}");
        assert_eq!(verdict.suppressed, None);
        assert_eq!(item.unwrap()["suppressed"], false);
    }
    let mut item = Some(lifted);
    assert!(apply(&mut item, complaint("m-3", START + 1), None).is_new);
    assert_eq!(item.unwrap()["reason"], "complaint");
}

#[test]
fn an_item_of_an_operator_is_respected() {
    let by_hand = |value: Value| Some(Item::from_iter([("suppressed".to_owned(), value)]));
    let verdict = judge(
        by_hand(true.into()).as_ref(),
        transient("m-1", START),
        Some(limit(2)),
    );
    assert_eq!(verdict.condition, Condition::Present);
    assert_eq!(verdict.suppressed.as_deref(), Some("an operator"));
    let verdict = judge(by_hand("yes".into()).as_ref(), bounce("m-1", START), None);
    assert!(!verdict.is_new && verdict.suppressed.is_some());
    let verdict = judge(by_hand(false.into()).as_ref(), bounce("m-1", START), None);
    assert!(verdict.is_new, "nothing says what was lifted");
}

#[test]
fn a_transient_bounce_is_counted_once_for_each_mail() {
    let mut item = None;
    for (message_id, at, kind, number) in [
        ("m-1", START, "applied", 1),
        ("m-1", START, "duplicate", 1),
        ("m-2", START - 5, "applied", 2),
        ("m-1", START + 9, "duplicate", 2),
        ("m-2", START - 5, "duplicate", 2),
    ] {
        let verdict = apply(&mut item, transient(message_id, at), None);
        assert_eq!(verdict.fate.kind(), kind);
        assert_eq!(item.as_ref().unwrap()["transientBounces"], number);
        assert_eq!(verdict.suppressed, None);
    }
}

#[test]
fn a_transient_bounce_that_is_older_than_all_that_are_remembered_is_not_counted() {
    let ids: Vec<String> = (0..=MAX_TRANSIENTS)
        .map(|number| format!("m-{number}"))
        .collect();
    let mut item = None;
    for (id, at) in ids.iter().zip(START..) {
        assert_eq!(
            apply(&mut item, transient(id, at), None).fate.kind(),
            "applied"
        );
    }
    // The first has been forgotten, and must not be counted anew.
    let verdict = apply(&mut item, transient("m-0", START), None);
    assert_eq!(verdict.fate.kind(), "superseded");
    let item = item.unwrap();
    assert_eq!(item["transientBounces"], MAX_TRANSIENTS + 1);
    let recent = item["recentTransientBounces"].as_array().unwrap();
    assert_eq!(recent.len(), MAX_TRANSIENTS);
    let bytes = serde_json::to_string(&item).unwrap().len();
    assert!(bytes < 4_096, "{bytes}");
}

#[test]
fn many_transient_bounces_suppress_only_if_they_are_told_to_and_within_the_window() {
    let suppressed = |limit, ats: &[UnixMillis]| {
        let ids: Vec<String> = ats.iter().map(u64::to_string).collect();
        let mut item = None;
        let verdicts: Vec<bool> = ats
            .iter()
            .zip(&ids)
            .map(|(at, id)| apply(&mut item, transient(id, *at), limit).is_new)
            .collect();
        verdicts
    };
    let near = [START, START + 2, START + 1];
    assert_eq!(suppressed(None, &near), [false, false, false]);
    assert_eq!(suppressed(Some(limit(3)), &near), [false, false, true]);
    assert_eq!(suppressed(Some(limit(2)), &near), [false, true, false]);
    let far = [START, START + DAY_MS, START + DAY_MS + 1];
    assert_eq!(suppressed(Some(limit(3)), &far), [false, false, false]);
    assert_eq!(suppressed(Some(limit(2)), &far), [false, false, true]);
}

#[test]
fn what_was_lifted_is_counted_from_the_beginning() {
    let mut item = None;
    apply(&mut item, transient("m-1", START), Some(limit(2)));
    assert!(apply(&mut item, transient("m-2", START + 1), Some(limit(2))).is_new);
    let standing = item.as_mut().unwrap();
    assert_eq!(standing["reason"], "transient-bounces");
    standing.insert("suppressed".to_owned(), false.into());
    assert!(!apply(&mut item, transient("m-3", START + 2), Some(limit(2))).is_new);
    assert!(apply(&mut item, transient("m-4", START + 3), Some(limit(2))).is_new);
}

#[test]
fn the_newest_delivery_is_noted() {
    let mut item = None;
    for (at, kind, noted) in [
        (START, "applied", START),
        (START, "duplicate", START),
        (START - 1, "superseded", START),
        (START + 1, "applied", START + 1),
    ] {
        let verdict = apply(&mut item, told(What::Delivery, "m-1", at), None);
        assert_eq!(verdict.fate.kind(), kind);
        let item = item.as_ref().unwrap();
        assert_eq!(item["deliveredAt"], Utc::at(noted).to_string());
    }
    assert!(!item.unwrap().contains_key("suppressed"));
}

/// A notice of any kind, about one of few mails at one of few times.
fn notice() -> impl Strategy<Value = (u8, u8, u64)> {
    (0_u8..4, 0_u8..6, 0_u64..4)
}

proptest! {
    #[test]
    fn order_and_repetition_change_neither_the_count_nor_the_suppression(
        notices in prop::collection::vec(notice(), 0..20),
        repeated in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        seed in any::<u64>(),
    ) {
        let ids: Vec<String> = (0..6).map(|number| format!("m-{number}")).collect();
        let all: Vec<Told<'_>> = notices
            .iter()
            .map(|(kind, id, at)| {
                let what = match kind {
                    0 => What::PermanentBounce("General"),
                    1 => What::Complaint("abuse"),
                    2 => What::TransientBounce,
                    _ => What::Delivery,
                };
                told(what, &ids[usize::from(*id)], START + at)
            })
            .collect();
        let mut shuffled = all.clone();
        if !all.is_empty() {
            shuffled.extend(repeated.iter().map(|index| *index.get(&all)));
        }
        let mut random = seed;
        for index in (1..shuffled.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(index, usize::try_from(random >> 33).unwrap() % (index + 1));
        }
        let (one, other) = (after(all.clone()), after(shuffled));
        for attribute in ["suppressed", "transientBounces", "deliveredAt"] {
            prop_assert_eq!(one.get(attribute), other.get(attribute), "{}", attribute);
        }
        let mails: BTreeSet<&str> = all
            .iter()
            .filter(|told| told.what == What::TransientBounce)
            .map(|told| told.message_id)
            .collect();
        let counted = one.get("transientBounces").map_or(0, |number| number.as_u64().unwrap());
        prop_assert_eq!(counted, u64::try_from(mails.len()).unwrap());
        let forbids = |told: &Told<'_>| matches!(told.what, What::PermanentBounce(_) | What::Complaint(_));
        prop_assert_eq!(one.contains_key("suppressed"), all.iter().any(forbids));
    }
}
