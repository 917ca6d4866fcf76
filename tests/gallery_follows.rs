//! What the thumbnail worker tells, the gallery understands: the catalogue ends as the manifests do.

use fleet::clock::Clock;
use fleet::table::{Item, Key};
use fleet::testing::{MemoryRejections, MemoryTable};
use fleet::worker::{Invocation, Worker as _};
use gallery::GalleryWorker;
use serde_json::{Value, json};

use crate::announcements::Trap;
use crate::photos::{Desk, UPLOADS, created, fates, jpeg, marked_deleted, message, record};

const CAT: &str = "photos/ana/cat.jpg";

/// The gallery's worker and its table.
struct Gallery {
    worker: GalleryWorker<MemoryTable, MemoryRejections>,
    catalogue: MemoryTable,
}

impl Gallery {
    fn new() -> Self {
        let catalogue = MemoryTable::default();
        let config = gallery::Config::from_env(&[("OWNER_PREFIX", "photos/")]).unwrap();
        Self {
            worker: GalleryWorker::new(
                config,
                catalogue.clone(),
                MemoryRejections::default(),
                Clock::from_fn(|| 0),
            ),
            catalogue,
        }
    }

    /// Hears of `events` one after another.
    async fn hear(&self, events: &[String]) {
        for event in events {
            let invocation = Invocation::local("request");
            let event = json!({ "Records": [message("1", event.as_str())] });
            let heard = fates(&self.worker.handle(event, &invocation).await);
            assert!(heard[0].starts_with("done/"), "{heard:?}");
        }
    }

    fn item(&self) -> Option<Item> {
        self.catalogue.item(&Key::of(format!("{UPLOADS}/{CAT}")))
    }
}

fn desk() -> Desk {
    let desk = Desk::new();
    for (version, seed) in [("v1", 1), ("v2", 2)] {
        desk.objects.place(UPLOADS, CAT, Some(version), jpeg(seed));
    }
    desk
}

#[tokio::test]
async fn the_catalogue_ends_as_the_manifests_do_in_whatever_order_it_hears() {
    let first = created(CAT, "v1", "01");
    let second = created(CAT, "v2", "02");
    let histories = [
        vec![first.clone()],
        vec![first.clone(), second.clone()],
        vec![second.clone(), first.clone()],
        vec![first.clone(), second.clone(), marked_deleted(CAT, "03")],
        vec![marked_deleted(CAT, "03"), first.clone(), second.clone()],
        vec![
            first.clone(),
            marked_deleted(CAT, "02"),
            created(CAT, "v2", "03"),
        ],
        // The version that is shown is deleted for good, and an upload comes late.
        vec![
            first.clone(),
            record("ObjectRemoved:Delete", CAT, Some("v1"), "09"),
            second.clone(),
        ],
        // S3 sends no sequencer.
        vec![first, created(CAT, "v2", "")],
    ];
    for history in histories {
        let desk = desk();
        for mut change in history.clone() {
            change["eventTime"] = "2026-03-14T09:26:53.589Z".into();
            // Each is told twice.
            desk.announcements.set(Trap::LoseAnswer);
            desk.fate(change.clone()).await;
            desk.fate(change).await;
        }
        let told = desk.announcements.events();
        let told: Vec<String> = told.iter().map(thumbnails::PhotoEvent::to_json).collect();
        let (mut backwards, mut turned) = (told.clone(), told.clone());
        backwards.reverse();
        turned.rotate_left(told.len() / 2);
        for order in [told, backwards, turned] {
            let gallery = Gallery::new();
            gallery.hear(&order).await;
            let item = gallery.item();
            let listed = item.as_ref().filter(|item| item.contains_key("owner"));
            let manifest = desk.manifest(CAT);
            let source = |manifest: &thumbnails::Manifest| manifest.source.version.clone();
            assert_eq!(
                listed.map(|item| item["sourceVersion"].clone()),
                manifest.as_ref().map(|manifest| source(manifest).into()),
                "{history:?} heard as {order:?}"
            );
            let (Some(listed), Some(manifest)) = (listed, manifest) else {
                continue;
            };
            assert_eq!(listed["owner"], "ana");
            assert_eq!(listed["uploadedAt"], "2026-03-14T09:26:53.589Z");
            assert_eq!(listed["srcset"], manifest.srcset);
            assert_eq!(listed["width"], manifest.source.width);
            let sources: Value = serde_json::to_value(&manifest.picture).unwrap();
            assert_eq!(listed["picture"], sources);
        }
    }
}
