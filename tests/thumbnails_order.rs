//! Order, duplicates, crashes and races: whatever happens in between, the end is the same.

use std::collections::BTreeMap;

use fleet::objects::ObjectsError;
use fleet::testing::{MemoryObjects, Operation};
use serde_json::{Value, json};

use crate::photos::{Desk, THUMBNAILS, UPLOADS, created, fates, jpeg, marked_deleted, record};

const CAT: &str = "photos/cat.jpg";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.objects.place(UPLOADS, CAT, Some("v1"), jpeg(1));
    desk.objects.place(UPLOADS, CAT, Some("v2"), jpeg(2));
    desk
}

/// Everything that the worker wrote.
fn state(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    desk.keys("")
        .into_iter()
        .map(|key| {
            let bytes = desk
                .objects
                .object(THUMBNAILS, &key)
                .unwrap()
                .bytes
                .to_vec();
            (key, bytes)
        })
        .collect()
}

fn shown(desk: &Desk) -> Option<String> {
    let manifest = desk.manifest(CAT)?;
    for output in &manifest.outputs {
        let object = desk.objects.object(THUMBNAILS, &output.key);
        assert!(
            object.is_some(),
            "the manifest names {}, which is not there",
            output.key
        );
    }
    assert_eq!(
        desk.keys("thumbnails/").len(),
        manifest.outputs.len(),
        "orphaned thumbnails"
    );
    Some(manifest.source.version)
}

fn failure() -> ObjectsError {
    ObjectsError::Unavailable {
        object: "o".to_owned(),
        reason: "connection reset".to_owned(),
    }
}

#[tokio::test]
async fn an_overwritten_photo_leaves_no_orphans() {
    let desk = desk();
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/applied");
    assert_eq!(desk.fate(created(CAT, "v2", "02")).await, "done/applied");
    assert_eq!(shown(&desk).as_deref(), Some("v2"));
}

#[tokio::test]
async fn stale_events_change_nothing() {
    let desk = desk();
    desk.fate(created(CAT, "v2", "02")).await;
    desk.objects.take_journal();
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/superseded");
    assert_eq!(
        desk.fate(marked_deleted(CAT, "00FF")).await,
        "done/superseded"
    );
    assert_eq!(desk.objects.take_journal(), [""; 0]);

    assert_eq!(desk.fate(marked_deleted(CAT, "03")).await, "done/applied");
    desk.objects.take_journal();
    assert_eq!(desk.fate(created(CAT, "v2", "02")).await, "done/superseded");
    assert_eq!(desk.objects.take_journal(), [""; 0]);
    assert_eq!(shown(&desk), None);
}

#[tokio::test]
async fn a_photo_that_is_put_again_after_its_removal_is_shown_again() {
    let desk = desk();
    for (fate, record) in [
        ("done/applied", created(CAT, "v1", "01")),
        ("done/applied", marked_deleted(CAT, "02")),
        ("done/applied", created(CAT, "v2", "03")),
    ] {
        assert_eq!(desk.fate(record).await, fate);
    }
    assert_eq!(shown(&desk).as_deref(), Some("v2"));
}

#[tokio::test]
async fn the_removal_of_an_old_version_leaves_the_current_thumbnails() {
    let desk = desk();
    desk.fate(created(CAT, "v1", "01")).await;
    desk.fate(created(CAT, "v2", "02")).await;
    let fate = desk
        .fate(record("ObjectRemoved:Delete", CAT, Some("v1"), "03"))
        .await;
    assert_eq!(fate, "done/applied");
    assert_eq!(shown(&desk).as_deref(), Some("v2"));
    desk.fate(record("ObjectRemoved:Delete", CAT, Some("v2"), "04"))
        .await;
    assert_eq!(shown(&desk), None);
}

#[tokio::test]
async fn within_a_batch_the_newest_change_comes_first() {
    let desk = desk();
    let event = json!({"Records": [created(CAT, "v1", "01"), created(CAT, "v2", "02")]});
    assert_eq!(
        fates(&desk.handle(event).await),
        ["done/superseded", "done/applied"]
    );
    let thumbnails = desk
        .objects
        .take_journal()
        .iter()
        .filter(|line| line.starts_with("put thumbnails/"))
        .count();
    assert_eq!(thumbnails, 2, "the older version was made for nothing");
}

/// Every operation fails once, in turn; the redelivery must end where an undisturbed run ends.
#[tokio::test]
async fn a_failure_at_any_step_is_mended_by_the_redelivery() {
    let history = || {
        vec![
            created(CAT, "v1", "01"),
            created(CAT, "v2", "02"),
            marked_deleted(CAT, "03"),
        ]
    };
    let steps = [
        (Operation::Get, "ledger/"),
        (Operation::Open, "photos/cat.jpg"),
        (Operation::Get, "manifests/"),
        (Operation::Put, "64.jpg"),
        (Operation::Put, "32.jpg"),
        (Operation::Put, "ledger/"),
        (Operation::Put, "manifests/"),
        (Operation::Delete, "manifests/"),
        (Operation::Delete, "64.jpg"),
        (Operation::List, "thumbnails/"),
    ];
    for length in 1..=history().len() {
        let expected = desk();
        for record in history().into_iter().take(length) {
            expected.fate(record).await;
        }
        for (operation, part) in steps {
            // The fault lies in wait from the last event on; the earlier ones went well.
            let desk = desk();
            for (index, record) in history().into_iter().take(length).enumerate() {
                if index + 1 == length {
                    desk.objects.fail_once(operation, part, failure());
                }
                deliver_until_done(&desk, record).await;
            }
            assert_eq!(
                state(&desk).keys().collect::<Vec<_>>(),
                state(&expected).keys().collect::<Vec<_>>(),
                "after {length} events, {operation:?} {part}"
            );
            assert!(
                state(&desk) == state(&expected),
                "after {length} events, {operation:?} {part}"
            );
            assert_eq!(shown(&desk), shown(&expected));
        }
    }
}

async fn deliver_until_done(desk: &Desk, record: Value) {
    for _ in 0..3 {
        let fate = desk.fate(record.clone()).await;
        if fate.starts_with("done/") {
            return;
        }
        assert!(fate.starts_with("retry/"), "{fate}");
    }
    panic!("the event was never done");
}

/// A slow worker stops before one of its writes, newer events are worked meanwhile, then it goes on.
async fn overtaken(pause_at: (Operation, &str), newer: Vec<Value>) -> Desk {
    let desk = desk();
    let pause = desk.objects.pause_once(pause_at.0, pause_at.1);
    let slow = tokio::spawn({
        let desk = desk.clone();
        async move { desk.fate(created(CAT, "v1", "01")).await }
    });
    pause.reached().await;
    for record in newer {
        let fate = desk.fate(record).await;
        assert!(fate.starts_with("done/"), "{fate}");
    }
    pause.resume();
    let fate = slow.await.unwrap();
    assert!(fate.starts_with("done/"), "{fate}");
    desk
}

const WRITES: [(Operation, &str); 4] = [
    (Operation::Put, "64.jpg"),
    (Operation::Put, "ledger/"),
    (Operation::Put, "manifests/"),
    (Operation::Open, "photos/cat.jpg"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_create_does_not_undo_a_newer_delete() {
    for pause_at in WRITES {
        let desk = overtaken(pause_at, vec![marked_deleted(CAT, "02")]).await;
        assert_eq!(shown(&desk), None, "{pause_at:?}");
        assert_eq!(desk.keys("thumbnails/"), [""; 0], "{pause_at:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_create_does_not_hide_a_newer_one() {
    for pause_at in WRITES {
        let desk = overtaken(pause_at, vec![created(CAT, "v2", "02")]).await;
        assert_eq!(shown(&desk).as_deref(), Some("v2"), "{pause_at:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_create_does_not_revive_a_photo_that_came_and_went() {
    for pause_at in WRITES {
        let desk = overtaken(
            pause_at,
            vec![created(CAT, "v2", "02"), marked_deleted(CAT, "03")],
        )
        .await;
        assert_eq!(shown(&desk), None, "{pause_at:?}");
        assert_eq!(desk.keys("thumbnails/"), [""; 0], "{pause_at:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_deliveries_at_once_make_one_set() {
    for pause_at in WRITES {
        let desk = overtaken(pause_at, vec![created(CAT, "v1", "01")]).await;
        assert_eq!(shown(&desk).as_deref(), Some("v1"), "{pause_at:?}");
    }
}

#[tokio::test]
async fn a_crash_after_writing_leaves_orphans_only_until_its_redelivery() {
    let desk = desk();
    desk.objects.fail_once(Operation::Put, "ledger/", failure());
    assert_eq!(
        desk.fate(created(CAT, "v1", "01")).await,
        "retry/unavailable"
    );
    assert_eq!(desk.keys("thumbnails/").len(), 2);
    desk.fate(created(CAT, "v2", "02")).await;
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/superseded");
    assert_eq!(shown(&desk).as_deref(), Some("v2"));
}

#[tokio::test]
async fn another_plan_replaces_what_the_old_one_made() {
    let desk = desk();
    desk.fate(created(CAT, "v1", "01")).await;
    let objects: MemoryObjects = desk.objects.clone();
    let other = Desk::with("48", objects);
    assert_eq!(other.fate(created(CAT, "v1", "01")).await, "done/applied");
    assert_eq!(shown(&other).as_deref(), Some("v1"));
    assert_eq!(other.keys("thumbnails/").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_comes_back_waits_until_its_folder_is_swept() {
    let desk = desk();
    desk.fate(created(CAT, "v1", "01")).await;
    let other = Desk::with("48", desk.objects.clone());
    let pause = desk.objects.pause_once(Operation::Delete, "64.jpg");
    let slow = tokio::spawn({
        let other = other.clone();
        async move { other.fate(created(CAT, "v1", "01")).await }
    });
    pause.reached().await;
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "retry/sweeping");
    pause.resume();
    assert_eq!(slow.await.unwrap(), "done/applied");
    assert_eq!(shown(&other).as_deref(), Some("v1"));
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/applied");
    assert_eq!(shown(&desk).as_deref(), Some("v1"));
}
