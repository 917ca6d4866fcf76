//! The views that a shard counted last: how a view that its producer sent twice is found.
//!
//! What is remembered after a view is a pure function of the views before it in the shard, however they were cut into
//! batches: only a view that is counted changes it, and ages are told by the arrival of views, never by a clock.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;

use fleet::digest::sha256_hex;
use serde_json::{Value, json};

const HEX_DIGITS: usize = 16;

/// How much is remembered of the views of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// How many views at most.
    pub views: usize,
    /// For how many minutes of arrivals at most.
    pub minutes: u64,
}

/// A view's id in short: 64 bits of its SHA-256. Among a thousand remembered views, one new view in 10^16 is taken for
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ViewDigest(u64);

impl ViewDigest {
    pub(crate) fn of(id: &str) -> Self {
        let hex = sha256_hex([id.as_bytes()]);
        Self::read(hex.as_bytes().get(..HEX_DIGITS).unwrap_or_default()).unwrap_or(Self(0))
    }

    fn read(hex: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(hex).ok()?;
        let whole = text.len() == HEX_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok()?;
        whole.then_some(Self(number))
    }
}

/// The views counted last, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recent {
    order: VecDeque<(u64, ViewDigest)>,
    minutes: HashMap<ViewDigest, u64>,
}

impl Recent {
    /// Whether a view that arrived in `minute` was counted before.
    pub(crate) fn knows(&self, view: ViewDigest, minute: u64, limits: Remembered) -> bool {
        let now = self.now(minute);
        self.minutes
            .get(&view)
            .is_some_and(|counted| counted.saturating_add(limits.minutes) >= now)
    }

    /// Remembers a view that is counted, and forgets what that makes too many or too old.
    pub(crate) fn remember(&mut self, view: ViewDigest, minute: u64, limits: Remembered) {
        let now = self.now(minute);
        while let Some((counted, _)) = self.order.front()
            && counted.saturating_add(limits.minutes) < now
        {
            self.forget_oldest();
        }
        self.order.push_back((now, view));
        self.minutes.insert(view, now);
        while self.order.len() > limits.views {
            self.forget_oldest();
        }
    }

    /// Arrivals are in the order of the sequence numbers only roughly. A view counts as no older than the one before it,
    /// so that the oldest is always in front.
    fn now(&self, minute: u64) -> u64 {
        self.order
            .back()
            .map_or(minute, |(last, _)| minute.max(*last))
    }

    fn forget_oldest(&mut self) {
        if let Some((_, view)) = self.order.pop_front() {
            self.minutes.remove(&view);
        }
    }

    /// As an attribute: for each minute the digests of its views, one after another.
    pub(crate) fn to_json(&self) -> Value {
        let mut minutes: BTreeMap<u64, String> = BTreeMap::new();
        for (minute, ViewDigest(digest)) in &self.order {
            let views = minutes.entry(*minute).or_default();
            // Writing to a String cannot fail.
            let _ = write!(views, "{digest:016x}");
        }
        minutes
            .into_iter()
            .map(|(minute, views)| json!({ "minute": minute, "views": views }))
            .collect()
    }

    /// Reads the attribute; `None` if it is not what [`to_json`](Self::to_json) makes.
    pub(crate) fn read(json: &Value) -> Option<Self> {
        let mut recent = Self::default();
        for run in json.as_array()? {
            let minute = run["minute"].as_u64()?;
            let digests = run["views"].as_str()?.as_bytes();
            for digest in digests.chunks(HEX_DIGITS) {
                let view = ViewDigest::read(digest)?;
                recent.order.push_back((minute, view));
                recent.minutes.insert(view, minute);
            }
        }
        let in_order = recent.order.iter().is_sorted_by_key(|(minute, _)| *minute);
        in_order.then_some(recent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Remembered = Remembered {
        views: 3,
        minutes: 10,
    };

    fn view(id: &str) -> ViewDigest {
        ViewDigest::of(id)
    }

    fn with(views: &[(&str, u64)]) -> Recent {
        let mut recent = Recent::default();
        for (id, minute) in views {
            recent.remember(view(id), *minute, LIMITS);
        }
        recent
    }

    #[test]
    fn a_counted_view_is_known_until_too_many_follow() {
        let recent = with(&[("a", 1), ("b", 1), ("c", 1)]);
        assert!(recent.knows(view("a"), 1, LIMITS));
        assert!(!recent.knows(view("d"), 1, LIMITS));
        let recent = with(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
        assert!(!recent.knows(view("a"), 1, LIMITS));
        assert!(recent.knows(view("b"), 1, LIMITS));
    }

    #[test]
    fn a_counted_view_is_known_until_it_is_too_old() {
        let recent = with(&[("a", 1)]);
        assert!(recent.knows(view("a"), 11, LIMITS));
        assert!(!recent.knows(view("a"), 12, LIMITS));
        // A straggler does not turn the time back.
        let recent = with(&[("a", 1), ("b", 12)]);
        assert!(!recent.knows(view("a"), 1, LIMITS));
        let recent = with(&[("a", 12), ("b", 1)]);
        assert!(recent.knows(view("b"), 22, LIMITS));
    }

    #[test]
    fn nothing_is_remembered_where_none_may_be() {
        let limits = Remembered { views: 0, ..LIMITS };
        let mut recent = Recent::default();
        recent.remember(view("a"), 1, limits);
        assert_eq!(recent, Recent::default());
    }

    #[test]
    fn the_attribute_is_short() {
        let recent = with(&[("a", 29_557_440), ("b", 29_557_440), ("c", 29_557_441)]);
        insta::assert_snapshot!(
            recent.to_json(),
            @r#"[{"minute":29557440,"views":"3b196fd4907bedf55c53585edd9ec296"},{"minute":29557441,"views":"3f06570064e844bf"}]"#
        );
    }

    #[test]
    fn what_somebody_else_wrote_is_not_taken() {
        for json in [
            json!(null),
            json!([1]),
            json!([{"minute": 1}]),
            json!([{"minute": -1, "views": ""}]),
            json!([{"minute": 1, "views": "0123"}]),
            json!([{"minute": 1, "views": "+123456789abcdef"}]),
            json!([{"minute": 1, "views": "ééééééééé"}]),
            json!([{"minute": 2, "views": "0123456789abcdef"}, {"minute": 1, "views": "1123456789abcdef"}]),
        ] {
            assert_eq!(Recent::read(&json), None, "{json}");
        }
    }

    proptest! {
        #[test]
        fn what_is_remembered_survives_the_table(views in prop::collection::vec((0_u64..500, 0_u64..40), 0..40)) {
            let limits = Remembered { views: 8, minutes: 10 };
            let mut kept = Recent::default();
            let mut stored = Recent::default();
            for (id, minute) in views {
                let view = view(&id.to_string());
                prop_assert_eq!(kept.knows(view, minute, limits), stored.knows(view, minute, limits));
                if !kept.knows(view, minute, limits) {
                    kept.remember(view, minute, limits);
                    stored.remember(view, minute, limits);
                }
                stored = Recent::read(&stored.to_json()).unwrap();
                prop_assert_eq!(&kept, &stored);
                prop_assert!(kept.order.len() <= 8 && kept.order.len() == kept.minutes.len());
            }
        }
    }
}
