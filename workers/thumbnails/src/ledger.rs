//! What was last applied to one photo, and what a new change means after it.
//!
//! S3 delivers at least once and in any order. The ledger is one small object per photo, written only on the condition
//! that it has not changed since it was read, and it is the only thing that decides: thumbnails lie under keys of their
//! own version, so writing them early harms nobody, and the manifest is a copy of what the ledger says.
//!
//! A removed photo keeps its ledger as a tombstone, so that an old create that comes late does not bring it back.

use fleet::notice::{Change, ObjectChange};
use fleet::sequencer::Sequencer;
use serde::{Deserialize, Serialize};

use crate::keys::PhotoKeys;
use crate::manifest::Manifest;

/// How many versions that were deleted for good are remembered. They matter only to a create of the same version that is
/// still under way or comes late, so the newest are enough.
const MAX_DELETED_VERSIONS: usize = 32;

/// The state of one photo.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ledger {
    /// The highest sequencer that was applied; absent when only versions were deleted.
    pub sequencer: Sequencer,
    /// What is shown; nothing once the photo is removed.
    pub live: Option<Live>,
    /// Folders whose thumbnails are to be deleted. Nothing may be written into them until they have been.
    pub sweep: Vec<String>,
    /// Versions that were deleted for good, newest last.
    pub deleted_versions: Vec<String>,
    /// How often what is shown has changed.
    pub revision: u64,
    /// The last revision that others were told of. Ledgers from before there were events have 0 of both: nothing to tell.
    pub announced: u64,
    /// The change that the revision came with.
    pub latest: Option<Latest>,
}

/// What is shown of a photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    /// The folder of its thumbnails.
    pub folder: String,
    /// Its manifest.
    pub manifest: Manifest,
}

/// The change that made what is shown as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latest {
    /// Which write or removal of the photo it was.
    pub version: String,
    /// When it was, as S3 told it.
    pub time: Option<String>,
}

/// What a change means after all that was applied before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Make thumbnails.
    Make,
    /// Take them away, and remember that.
    Remove,
    /// Note that a version is gone which is not the one shown.
    Note,
    /// This very change was applied before.
    Duplicate,
    /// A newer change was applied before, as the reason says.
    Superseded(String),
}

impl Ledger {
    /// Decides what `change` means. `ledger` is `None` for a photo never heard of.
    pub fn decide(ledger: Option<&Self>, change: &ObjectChange, keys: &PhotoKeys) -> Decision {
        let nothing = Self::default();
        let ledger = ledger.unwrap_or(&nothing);
        match change.change {
            Change::VersionRemoved => ledger.decide_version_removed(keys),
            Change::Created => ledger.decide_created(change, keys),
            Change::Removed => ledger.decide_removed(change),
            // The worker skips these before it reads a ledger.
            Change::Other => Decision::Duplicate,
        }
    }

    fn decide_created(&self, change: &ObjectChange, keys: &PhotoKeys) -> Decision {
        if self
            .deleted_versions
            .iter()
            .any(|version| version == keys.version())
        {
            return Decision::Superseded("this version was deleted since".to_owned());
        }
        let shown = self
            .live
            .as_ref()
            .is_some_and(|live| live.folder == keys.folder());
        if shown {
            return Decision::Duplicate;
        }
        if let Some(newer) = self.newer_than(change) {
            return newer;
        }
        let same = !change.sequencer.is_absent() && change.sequencer == self.sequencer;
        // The same change by another recipe is worth making again; one whose result was since taken away is not.
        if same && self.live.is_none() {
            return Decision::Superseded("what this change made was removed since".to_owned());
        }
        Decision::Make
    }

    fn decide_removed(&self, change: &ObjectChange) -> Decision {
        if let Some(newer) = self.newer_than(change) {
            return newer;
        }
        let same = !change.sequencer.is_absent() && change.sequencer == self.sequencer;
        if same && self.live.is_none() {
            Decision::Duplicate
        } else {
            Decision::Remove
        }
    }

    /// Not a matter of sequencers: the deletion of an old version is newer than the version shown, yet leaves it be.
    fn decide_version_removed(&self, keys: &PhotoKeys) -> Decision {
        if self
            .deleted_versions
            .iter()
            .any(|version| version == keys.version())
        {
            Decision::Duplicate
        } else if self.shows_version(keys) {
            Decision::Remove
        } else {
            Decision::Note
        }
    }

    fn shows_version(&self, keys: &PhotoKeys) -> bool {
        self.live
            .as_ref()
            .is_some_and(|live| live.manifest.source.version == keys.version())
    }

    /// Superseded, when a newer change was applied. A change without a sequencer cannot be placed in the order: it counts
    /// as the newest, because taking a new photo for an old one would lose it.
    fn newer_than(&self, change: &ObjectChange) -> Option<Decision> {
        (!change.sequencer.is_absent() && self.sequencer > change.sequencer).then(|| {
            Decision::Superseded(format!(
                "sequencer {} is older than {}, which was applied before",
                change.sequencer, self.sequencer
            ))
        })
    }

    /// The ledger after the thumbnails of `live` have been made.
    #[must_use]
    pub fn after_making(self, change: &ObjectChange, live: Live) -> Self {
        let version = live.manifest.source.version.clone();
        let mut next = self.without_live().revised(change, version);
        next.sequencer = next.sequencer.max(change.sequencer.clone());
        next.live = Some(live);
        next
    }

    /// The ledger after a removal of the photo or of one version of it.
    #[must_use]
    pub fn after_removal(self, change: &ObjectChange, keys: &PhotoKeys) -> Self {
        let one_version = change.change == Change::VersionRemoved;
        let mut next = if self.live.is_none() || (one_version && !self.shows_version(keys)) {
            self
        } else {
            let version = keys.version().to_owned();
            self.without_live().revised(change, version)
        };
        if one_version {
            next.deleted_versions.push(keys.version().to_owned());
            let excess = next
                .deleted_versions
                .len()
                .saturating_sub(MAX_DELETED_VERSIONS);
            next.deleted_versions.drain(..excess);
        } else {
            next.sequencer = next.sequencer.max(change.sequencer.clone());
        }
        next
    }

    /// Whether others have yet to be told of what is shown, or that nothing is any more.
    pub fn has_news(&self) -> bool {
        self.announced < self.revision
    }

    /// The ledger after others were told.
    #[must_use]
    pub fn after_announcing(self) -> Self {
        Self {
            announced: self.revision,
            ..self
        }
    }

    /// What is shown changes.
    fn revised(mut self, change: &ObjectChange, version: String) -> Self {
        self.revision = self.revision.saturating_add(1);
        self.latest = Some(Latest {
            version,
            time: change.time.clone(),
        });
        self
    }

    /// Nothing shown any more, and what was shown is to be swept.
    fn without_live(mut self) -> Self {
        if let Some(live) = self.live.take()
            && !self.sweep.contains(&live.folder)
        {
            self.sweep.push(live.folder);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::ManifestSource;

    fn change(kind: Change, version: &str, sequencer: &str) -> ObjectChange {
        ObjectChange {
            event_name: String::new(),
            change: kind,
            bucket: "b".to_owned(),
            key: "k".to_owned(),
            version: Some(version.to_owned()),
            etag: None,
            size_bytes: None,
            sequencer: Sequencer::new(sequencer),
            time: None,
        }
    }

    fn live(change: &ObjectChange, keys: &PhotoKeys) -> Live {
        Live {
            folder: keys.folder(),
            manifest: Manifest {
                manifest_version: 1,
                source: ManifestSource {
                    bucket: String::new(),
                    key: String::new(),
                    version: keys.version().to_owned(),
                    sequencer: change.sequencer.clone(),
                    etag: None,
                    bytes: 0,
                    content_type: String::new(),
                    width: 1,
                    height: 1,
                    path: None,
                    scale: None,
                    bytes_read: None,
                },
                recipe: String::new(),
                thumbhash: String::new(),
                outputs: vec![],
                srcset: String::new(),
                picture: vec![],
            },
        }
    }

    /// What the worker does with a change, without the pixels.
    fn apply(
        ledger: Option<Ledger>,
        change: &ObjectChange,
        recipe: &str,
    ) -> (Option<Ledger>, Decision) {
        let keys = PhotoKeys::new(change, recipe);
        let decision = Ledger::decide(ledger.as_ref(), change, &keys);
        let base = ledger.clone().unwrap_or_default();
        let next = match decision {
            Decision::Make => Some(base.after_making(change, live(change, &keys))),
            Decision::Remove | Decision::Note => Some(base.after_removal(change, &keys)),
            Decision::Duplicate | Decision::Superseded(_) => ledger,
        };
        (next, decision)
    }

    fn run(changes: &[ObjectChange]) -> (Ledger, Vec<Decision>) {
        let mut ledger = None;
        let mut decisions = Vec::new();
        for change in changes {
            let (next, decision) = apply(ledger, change, "r");
            ledger = next;
            decisions.push(decision);
        }
        (ledger.unwrap_or_default(), decisions)
    }

    fn shown(ledger: &Ledger) -> Option<&str> {
        let live = ledger.live.as_ref()?;
        Some(live.manifest.source.version.as_str())
    }

    #[test]
    fn the_second_delivery_is_a_duplicate() {
        let put = change(Change::Created, "v1", "01");
        let gone = change(Change::Removed, "m1", "02");
        let (_, decisions) = run(&[put.clone(), put, gone.clone(), gone]);
        assert_eq!(
            decisions,
            [
                Decision::Make,
                Decision::Duplicate,
                Decision::Remove,
                Decision::Duplicate
            ]
        );
    }

    #[test]
    fn an_old_create_does_not_undo_a_newer_delete() {
        let (ledger, decisions) = run(&[
            change(Change::Removed, "m1", "02"),
            change(Change::Created, "v1", "01"),
        ]);
        assert!(matches!(decisions[1], Decision::Superseded(_)));
        assert_eq!(shown(&ledger), None);
    }

    #[test]
    fn the_removal_of_an_old_version_leaves_the_current_one() {
        let (ledger, decisions) = run(&[
            change(Change::Created, "v1", "01"),
            change(Change::Created, "v2", "02"),
            change(Change::VersionRemoved, "v1", "03"),
        ]);
        assert_eq!(decisions[2], Decision::Note);
        assert_eq!(shown(&ledger), Some("v2"));
    }

    #[test]
    fn the_removal_of_a_version_does_not_hide_a_newer_one_that_comes_late() {
        let (ledger, _) = run(&[
            change(Change::Created, "v1", "01"),
            change(Change::VersionRemoved, "v1", "03"),
            change(Change::Created, "v2", "02"),
            change(Change::Created, "v1", "01"),
        ]);
        assert_eq!(shown(&ledger), Some("v2"));
    }

    #[test]
    fn another_recipe_is_made_again_and_sweeps_the_first() {
        let put = change(Change::Created, "v1", "01");
        let (ledger, _) = apply(None, &put, "old");
        let (ledger, decision) = apply(ledger, &put, "new");
        assert_eq!(decision, Decision::Make);
        let ledger = ledger.unwrap();
        assert_eq!(ledger.sweep, ["thumbnails/b/k/~vv1/old/"]);
        assert_eq!(ledger.live.unwrap().folder, "thumbnails/b/k/~vv1/new/");
    }

    #[test]
    fn a_change_without_a_sequencer_is_not_taken_for_an_old_one() {
        let (ledger, decisions) = run(&[
            change(Change::Created, "v1", "05"),
            change(Change::Created, "v2", ""),
            change(Change::Created, "v2", ""),
        ]);
        assert_eq!(decisions[1..], [Decision::Make, Decision::Duplicate]);
        assert_eq!(shown(&ledger), Some("v2"));
        assert_eq!(ledger.sequencer, Sequencer::new("05"));
    }

    #[test]
    fn deleted_versions_are_bounded() {
        let changes: Vec<_> = (0..100)
            .map(|index| change(Change::VersionRemoved, &format!("v{index}"), ""))
            .collect();
        let (ledger, _) = run(&changes);
        assert_eq!(ledger.deleted_versions.len(), MAX_DELETED_VERSIONS);
        assert_eq!(ledger.deleted_versions.last().unwrap(), "v99");
    }

    proptest! {
        /// The heart of it: whatever the order and however often, the end is that of the true order.
        #[test]
        fn any_order_and_any_duplicates_end_in_the_same_state(
            kinds in prop::collection::vec(prop::bool::weighted(0.6), 1..7),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
            seed in any::<u64>(),
        ) {
            let truth: Vec<_> = kinds
                .iter()
                .enumerate()
                .map(|(index, created)| {
                    let kind = if *created { Change::Created } else { Change::Removed };
                    change(kind, &format!("v{index}"), &format!("{:02X}", index + 1))
                })
                .collect();
            let (expected, _) = run(&truth);
            // Some duplicates first, then every change once in a shuffled order.
            let mut delivered: Vec<_> = order.iter().map(|index| index.get(&truth).clone()).collect();
            let mut rest = truth.clone();
            let mut state = seed;
            while !rest.is_empty() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let index = usize::try_from(state >> 33).unwrap_or(0) % rest.len();
                delivered.push(rest.swap_remove(index));
            }
            let (ledger, _) = run(&delivered);
            prop_assert_eq!(shown(&ledger), shown(&expected));
            prop_assert_eq!(&ledger.sequencer, &expected.sequencer);
            // Whatever was made and is not shown is to be swept.
            if let Some(live) = &ledger.live {
                prop_assert!(!ledger.sweep.contains(&live.folder));
            }
        }
    }
}
