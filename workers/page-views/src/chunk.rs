//! What one transaction counts: pure.

use std::collections::BTreeMap;

use fleet::table::{Condition, Item, Key, MAX_WRITES, Write};

use crate::checkpoint::Checkpoint;
use crate::recent::{Recent, Remembered};
use crate::record::Placed;

/// One write of a transaction is the checkpoint's.
const MAX_COUNTERS: usize = MAX_WRITES - 1;

/// The attribute of a counter.
const VIEWS: &str = "views";

/// What becomes of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// It counts.
    Counted,
    /// It was counted before, by a delivery of the same record.
    Delivered,
    /// It was counted before, from another record: its producer sent it twice.
    Repeated,
}

/// The longest run of a shard's next views that fits into one transaction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chunk {
    /// What becomes of each of them.
    pub(crate) met: Vec<Met>,
    /// Where the shard stands after it; `None` if nothing is to be written.
    pub(crate) next: Option<Checkpoint>,
    /// How much each counter grows, by post and hour.
    counters: BTreeMap<(String, String), u64>,
}

impl Chunk {
    /// The chunk of `views`, in the order of their sequence numbers, on a shard that stands at `standing`.
    pub(crate) fn of(
        standing: Option<&Checkpoint>,
        views: &[Placed],
        remembered: Remembered,
    ) -> Self {
        let mut recent = standing.map_or_else(Recent::default, |standing| standing.recent.clone());
        let mut counters: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut met = Vec::new();
        let mut last: Option<&str> = None;
        for Placed { sequence, view, .. } in views {
            let delivered = standing.is_some_and(|standing| standing.covers(sequence))
                || last.is_some_and(|last| last == sequence);
            if delivered {
                met.push(Met::Delivered);
            } else if view
                .digest
                .is_some_and(|digest| recent.knows(digest, view.minute, remembered))
            {
                met.push(Met::Repeated);
                last = Some(sequence);
            } else {
                let counter = (view.post.clone(), view.hour.clone());
                if counters.len() >= MAX_COUNTERS && !counters.contains_key(&counter) {
                    break;
                }
                *counters.entry(counter).or_default() += 1;
                if let Some(digest) = view.digest {
                    recent.remember(digest, view.minute, remembered);
                }
                met.push(Met::Counted);
                last = Some(sequence);
            }
        }
        let next = last.filter(|_| !counters.is_empty());
        Self {
            next: next.map(|sequence| Checkpoint {
                sequence: sequence.to_owned(),
                recent,
            }),
            met,
            counters,
        }
    }

    /// The transaction: the checkpoint and every counter, or nothing.
    pub(crate) fn writes(&self, shard: &str, standing: Option<&Checkpoint>) -> Vec<Write> {
        let checkpoint = self.next.iter().map(|next| next.write(shard, standing));
        let counters = self
            .counters
            .iter()
            .map(|((post, hour), views)| Write::Update {
                key: Key::sorted(post, format!("{hour}#{shard}")),
                set: Item::new(),
                add: BTreeMap::from([(VIEWS.to_owned(), *views)]),
                condition: Condition::None,
            });
        checkpoint.chain(counters).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recent::ViewDigest;
    use crate::view::View;

    const REMEMBERED: Remembered = Remembered {
        views: 100,
        minutes: 60,
    };

    fn view(sequence: usize, id: &str, post: &str) -> Placed {
        Placed {
            shard: "s".to_owned(),
            sequence: sequence.to_string(),
            view: View {
                digest: Some(ViewDigest::of(id)),
                post: post.to_owned(),
                hour: "2026-03-14T09".to_owned(),
                minute: 1,
            },
        }
    }

    fn chunk(standing: Option<&Checkpoint>, views: &[Placed]) -> Chunk {
        Chunk::of(standing, views, REMEMBERED)
    }

    #[test]
    fn views_without_an_id_count_once_for_each_record() {
        let nameless = |sequence| {
            let mut placed = view(sequence, "", "hello");
            placed.view.digest = None;
            placed
        };
        let first = chunk(None, &[nameless(1), nameless(2), nameless(2)]);
        assert_eq!(first.met, [Met::Counted, Met::Counted, Met::Delivered]);
        let again = chunk(first.next.as_ref(), &[nameless(2), nameless(3)]);
        assert_eq!(again.met, [Met::Delivered, Met::Counted]);
    }

    #[test]
    fn views_of_one_post_and_hour_are_one_write() {
        let views = [view(8, "a", "x"), view(9, "b", "x"), view(10, "c", "y")];
        let chunk = chunk(None, &views);
        assert_eq!(chunk.met, [Met::Counted; 3]);
        let writes = chunk.writes("s", None);
        let keys: Vec<String> = writes.iter().map(|write| write.key().to_string()).collect();
        assert_eq!(
            keys,
            ["#checkpoint/s", "x/2026-03-14T09#s", "y/2026-03-14T09#s"]
        );
        assert_eq!(writes[1].applied(None)["views"], 2);
        assert_eq!(chunk.next.unwrap().sequence, "10");
    }

    #[test]
    fn what_was_delivered_or_sent_before_is_not_counted() {
        let first = chunk(None, &[view(8, "a", "x"), view(9, "b", "x")]);
        let standing = first.next.unwrap();
        let views = [
            view(9, "b", "x"),
            view(10, "a", "x"),
            view(11, "c", "x"),
            view(11, "c", "x"),
            view(12, "c", "x"),
        ];
        let second = chunk(Some(&standing), &views);
        assert_eq!(
            second.met,
            [
                Met::Delivered,
                Met::Repeated,
                Met::Counted,
                Met::Delivered,
                Met::Repeated
            ]
        );
        assert_eq!(second.next.unwrap().sequence, "12");
    }

    #[test]
    fn nothing_is_written_when_nothing_counts() {
        let standing = chunk(None, &[view(8, "a", "x")]).next.unwrap();
        let again = chunk(Some(&standing), &[view(8, "a", "x"), view(9, "a", "x")]);
        assert_eq!(again.met, [Met::Delivered, Met::Repeated]);
        assert_eq!(again.next, None);
        assert_eq!(again.writes("s", Some(&standing)), []);
    }

    #[test]
    fn a_chunk_ends_before_the_counter_that_does_not_fit() {
        let mut views: Vec<Placed> = (0..MAX_COUNTERS)
            .map(|number| view(number + 1, &number.to_string(), &number.to_string()))
            .collect();
        views.push(view(200, "again", "7"));
        views.push(view(201, "one more", "one more"));
        views.push(view(202, "after", "7"));
        let chunk = chunk(None, &views);
        assert_eq!(chunk.met.len(), MAX_COUNTERS + 1);
        assert_eq!(chunk.writes("s", None).len(), MAX_WRITES);
        assert_eq!(chunk.next.unwrap().sequence, "200");
    }
}
