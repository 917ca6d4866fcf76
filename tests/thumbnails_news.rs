//! Others are told of each photo: at least once, never of something that is not so, and not again without need.

use fleet::objects::ObjectsError;
use fleet::testing::{MemoryObjects, Operation};
use serde_json::{Value, json};
use thumbnails::AnnounceError;

use crate::announcements::{Trap, line};
use crate::photos::{Desk, THUMBNAILS, UPLOADS, created, jpeg, marked_deleted, record};

const CAT: &str = "photos/cat.jpg";
const LEDGER: &str = "ledger/uploads/photos/cat.jpg.json";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.objects.place(UPLOADS, CAT, Some("v1"), jpeg(1));
    desk.objects.place(UPLOADS, CAT, Some("v2"), jpeg(2));
    desk
}

fn failure() -> AnnounceError {
    AnnounceError::Unavailable("connection reset".to_owned())
}

fn shown(desk: &Desk) -> Option<String> {
    desk.manifest(CAT).map(|manifest| manifest.source.version)
}

#[tokio::test]
async fn each_change_of_what_is_shown_is_told_once() {
    let desk = desk();
    for (record, told) in [
        (created(CAT, "v1", "01"), vec!["photo-ready v1 01/1"]),
        (created(CAT, "v1", "01"), vec![]),
        (created(CAT, "v2", "03"), vec!["photo-ready v2 03/2"]),
        (created(CAT, "v1", "02"), vec![]),
        (
            record("ObjectRemoved:Delete", CAT, Some("v1"), "04"),
            vec![],
        ),
        (marked_deleted(CAT, "05"), vec!["photo-removed marker 05/3"]),
        (marked_deleted(CAT, "05"), vec![]),
        (marked_deleted(CAT, "06"), vec![]),
    ] {
        desk.fate(record).await;
        assert_eq!(desk.announcements.take(), told);
    }
}

#[tokio::test]
async fn a_photo_that_never_had_thumbnails_is_not_told_to_be_removed() {
    let desk = desk();
    desk.fate(marked_deleted(CAT, "02")).await;
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/superseded");
    assert_eq!(desk.announcements.take(), [""; 0]);
}

#[tokio::test]
async fn a_change_without_a_sequencer_is_told_as_the_newest() {
    let desk = desk();
    desk.fate(created(CAT, "v1", "05")).await;
    desk.fate(created(CAT, "v2", "")).await;
    assert_eq!(
        desk.announcements.take(),
        ["photo-ready v1 05/1", "photo-ready v2 05/2"]
    );
}

#[tokio::test]
async fn the_deletion_of_the_version_shown_is_told_in_an_order_that_a_late_upload_fits_into() {
    let desk = desk();
    desk.fate(created(CAT, "v1", "01")).await;
    desk.fate(record("ObjectRemoved:Delete", CAT, Some("v1"), "09"))
        .await;
    desk.fate(created(CAT, "v2", "02")).await;
    assert_eq!(
        desk.announcements.take(),
        [
            "photo-ready v1 01/1",
            "photo-removed v1 01/2",
            "photo-ready v2 02/3"
        ]
    );
}

#[tokio::test]
async fn an_event_says_where_everything_is() {
    let desk = desk();
    let mut put = created(CAT, "v1", "01");
    put["eventTime"] = "2026-03-14T09:26:53.589Z".into();
    desk.fate(put).await;
    let mut removed = marked_deleted(CAT, "02");
    removed["eventTime"] = "2026-03-14T10:26:53.589Z".into();
    let ready = desk.announcements.events().remove(0);
    let manifest = desk.manifest(CAT).unwrap();
    let ready: Value = serde_json::from_str(&ready.to_json()).unwrap();
    assert_eq!(
        ready,
        json!({
            "event": "photo-ready",
            "version": 1,
            "bucket": UPLOADS,
            "key": CAT,
            "sourceVersion": "v1",
            "sequencer": "01",
            "revision": 1,
            "time": "2026-03-14T09:26:53.589Z",
            "thumbnailsBucket": THUMBNAILS,
            "manifestKey": "manifests/uploads/photos/cat.jpg.json",
            "manifest": manifest,
        })
    );
    desk.fate(removed).await;
    let removed = desk.announcements.events().remove(1);
    let removed: Value = serde_json::from_str(&removed.to_json()).unwrap();
    assert_eq!(
        removed,
        json!({
            "event": "photo-removed",
            "version": 1,
            "bucket": UPLOADS,
            "key": CAT,
            "sourceVersion": "marker",
            "sequencer": "02",
            "revision": 2,
            "time": "2026-03-14T10:26:53.589Z",
            "thumbnailsBucket": THUMBNAILS,
            "manifestKey": "manifests/uploads/photos/cat.jpg.json",
        })
    );
}

#[tokio::test]
async fn what_the_topic_did_not_take_is_told_by_the_redelivery() {
    let text = || "why".to_owned();
    for (error, fate) in [
        (AnnounceError::Denied(text()), "retry/denied"),
        (AnnounceError::Throttled(text()), "retry/throttled"),
        (AnnounceError::Unavailable(text()), "retry/unavailable"),
    ] {
        let desk = desk();
        desk.announcements.set(Trap::Fail(error));
        assert_eq!(desk.fate(created(CAT, "v1", "01")).await, fate);
        assert_eq!(desk.announcements.take(), [""; 0]);
        assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/applied");
        assert_eq!(desk.announcements.take(), ["photo-ready v1 01/1"]);
        assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/duplicate");
        assert_eq!(desk.announcements.take(), [""; 0]);
    }
}

#[tokio::test]
async fn any_later_event_of_the_photo_tells_what_was_not_told() {
    for later in [
        created(CAT, "v1", "00FF"),
        record("ObjectRemoved:Delete", CAT, Some("v0"), "03"),
    ] {
        let desk = desk();
        desk.announcements.set(Trap::Fail(failure()));
        desk.fate(created(CAT, "v2", "02")).await;
        desk.fate(later).await;
        assert_eq!(desk.announcements.take(), ["photo-ready v2 02/1"]);
    }
}

#[tokio::test]
async fn what_came_and_went_before_anybody_was_told_is_told_as_gone() {
    let desk = desk();
    desk.announcements.set(Trap::Fail(failure()));
    desk.fate(created(CAT, "v1", "01")).await;
    desk.fate(marked_deleted(CAT, "02")).await;
    assert_eq!(desk.announcements.take(), ["photo-removed marker 02/2"]);
}

#[tokio::test]
async fn thumbnails_of_a_deleted_photo_go_although_nobody_can_be_told() {
    let desk = desk();
    desk.fate(created(CAT, "v1", "01")).await;
    desk.announcements.set(Trap::Fail(failure()));
    assert_eq!(
        desk.fate(marked_deleted(CAT, "02")).await,
        "retry/unavailable"
    );
    assert_eq!(desk.keys("thumbnails/"), [""; 0]);
    assert_eq!(desk.keys("manifests/"), [""; 0]);
}

/// Where a run can be cut off.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Store(Operation, &'static str),
    /// The second write of the ledger: after the announcement.
    CrossingOut,
    Topic,
    TopicAnswer,
}

const FAULTS: [Fault; 12] = [
    Fault::Store(Operation::Get, "ledger/"),
    Fault::Store(Operation::Open, "photos/cat.jpg"),
    Fault::Store(Operation::Put, "64.jpg"),
    Fault::Store(Operation::Put, "ledger/"),
    Fault::Store(Operation::Put, "manifests/"),
    Fault::Store(Operation::Get, "manifests/"),
    Fault::Store(Operation::Delete, "manifests/"),
    Fault::Store(Operation::Delete, "64.jpg"),
    Fault::Store(Operation::List, "thumbnails/"),
    Fault::CrossingOut,
    Fault::Topic,
    Fault::TopicAnswer,
];

/// Every operation fails once, in turn; in the end everybody has been told of what is shown.
#[tokio::test]
async fn a_failure_at_any_step_is_told_in_the_end() {
    let history = [
        created(CAT, "v1", "01"),
        created(CAT, "v2", "02"),
        marked_deleted(CAT, "03"),
    ];
    for length in 1..=history.len() {
        for fault in FAULTS {
            let desk = desk();
            let (last, earlier) = history[..length].split_last().unwrap();
            for record in earlier {
                desk.fate(record.clone()).await;
            }
            match fault {
                Fault::Store(operation, part) => {
                    let error = ObjectsError::Unavailable {
                        object: "o".to_owned(),
                        reason: "connection reset".to_owned(),
                    };
                    desk.objects.fail_once(operation, part, error);
                }
                Fault::CrossingOut => {
                    // Dies with the answer of the topic in hand.
                    desk.announcements.set(Trap::Pause);
                    let cut_off = tokio::spawn({
                        let (desk, record) = (desk.clone(), last.clone());
                        async move { desk.fate(record).await }
                    });
                    desk.announcements.reached().await;
                    let other = MemoryObjects::clone(&desk.objects);
                    other.panic_once(Operation::Put, "ledger/");
                    desk.announcements.resume();
                    assert_eq!(cut_off.await.unwrap(), "retry/panic");
                }
                Fault::Topic => desk.announcements.set(Trap::Fail(failure())),
                Fault::TopicAnswer => desk.announcements.set(Trap::LoseAnswer),
            }
            for _ in 0..2 {
                desk.fate(last.clone()).await;
            }
            assert_eq!(
                desk.announcements.newest(),
                shown(&desk),
                "after {length} events, {fault:?}"
            );
            let told = desk.announcements.take();
            let states: std::collections::BTreeSet<_> = told.iter().collect();
            assert_eq!(states.len(), length, "{told:?} by {fault:?}");
            assert!(told.len() <= length + 1, "{told:?} by {fault:?}");
            assert_eq!(desk.fate(last.clone()).await, "done/duplicate");
            assert_eq!(desk.announcements.take(), [""; 0], "{fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tells_late_is_known_to_tell_of_the_past() {
    let desk = desk();
    desk.announcements.set(Trap::Pause);
    let slow = tokio::spawn({
        let desk = desk.clone();
        async move { desk.fate(created(CAT, "v1", "01")).await }
    });
    desk.announcements.reached().await;
    desk.fate(marked_deleted(CAT, "02")).await;
    desk.announcements.resume();
    assert_eq!(slow.await.unwrap(), "done/applied");
    let told: Vec<_> = desk.announcements.events().iter().map(line).collect();
    assert_eq!(told, ["photo-removed marker 02/2", "photo-ready v1 01/1"]);
    assert_eq!(desk.announcements.newest(), None);
    // The late one has not crossed out what it did not tell.
    desk.fate(marked_deleted(CAT, "02")).await;
    assert_eq!(desk.announcements.events().len(), 2);
}

#[tokio::test]
async fn without_a_topic_nothing_is_told_and_nothing_is_written_for_it() {
    let desk = Desk::silent();
    desk.objects.place(UPLOADS, CAT, Some("v1"), jpeg(1));
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/applied");
    let journal = desk.objects.take_journal();
    let ledgers = journal.iter().filter(|line| line.contains("ledger/"));
    assert_eq!(ledgers.count(), 1, "{journal:?}");
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/duplicate");
    assert_eq!(desk.announcements.take(), [""; 0]);
}

#[tokio::test]
async fn a_topic_that_comes_later_is_told_by_a_redelivery() {
    let silent = Desk::silent();
    silent.objects.place(UPLOADS, CAT, Some("v1"), jpeg(1));
    silent.fate(created(CAT, "v1", "01")).await;
    let desk = Desk::with("64,32", silent.objects.clone());
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/applied");
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/duplicate");
    assert_eq!(desk.announcements.take(), ["photo-ready v1 01/1"]);
}

#[tokio::test]
async fn a_ledger_from_before_there_were_events_is_read_and_tells_of_the_next_change() {
    let desk = desk();
    desk.fate(created(CAT, "v1", "01")).await;
    desk.announcements.take();
    let ledger = desk.objects.object(THUMBNAILS, LEDGER).unwrap();
    let mut ledger: Value = serde_json::from_slice(&ledger.bytes).unwrap();
    for field in ["revision", "announced", "latest"] {
        assert!(ledger.as_object_mut().unwrap().remove(field).is_some());
    }
    desk.objects
        .place(THUMBNAILS, LEDGER, None, ledger.to_string());
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/duplicate");
    assert_eq!(desk.announcements.take(), [""; 0]);
    desk.fate(created(CAT, "v2", "02")).await;
    assert_eq!(desk.announcements.take(), ["photo-ready v2 02/1"]);
}

#[tokio::test]
async fn what_was_told_is_counted() {
    let desk = desk();
    let event = json!({ "Records": [created(CAT, "v1", "01")] });
    let handled = desk.handle(event).await;
    let metric = handled
        .metrics
        .iter()
        .find(|metric| metric.name == "PhotosAnnounced")
        .unwrap();
    assert!((metric.value - 1.0).abs() < f64::EPSILON);
}
