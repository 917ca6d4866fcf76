//! The order of changes to one S3 key.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// The `sequencer` of an S3 notification: orders the events of **one key**; says nothing about two different keys.
///
/// S3 documents the comparison: right-pad the shorter value with zeros, then compare as text. Trailing zeros therefore
/// carry no meaning, and equal values mean the same event delivered twice. Hexadecimal, so case carries none either.
///
/// The empty sequencer (an event that came without one) is lower than every other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequencer(String);

impl Sequencer {
    /// Takes the text as S3 sent it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as S3 sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the event came without a sequencer, so that nothing can be said about its order.
    pub fn is_absent(&self) -> bool {
        self.significant().next().is_none()
    }

    /// The digits without the padding. Comparing these is the same as comparing the padded texts: where one ends, the
    /// other goes on with at least one digit above zero.
    fn significant(&self) -> impl Iterator<Item = u8> {
        self.0
            .trim_end_matches('0')
            .bytes()
            .map(|digit| digit.to_ascii_uppercase())
    }
}

impl Ord for Sequencer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.significant().cmp(other.significant())
    }
}

impl PartialOrd for Sequencer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sequencer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Sequencer {}

impl Hash for Sequencer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for digit in self.significant() {
            state.write_u8(digit);
        }
    }
}

impl fmt::Display for Sequencer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn padded(a: &str, b: &str) -> (String, String) {
        let length = a.len().max(b.len());
        (format!("{a:0<length$}"), format!("{b:0<length$}"))
    }

    #[test]
    fn a_shorter_sequencer_is_padded_on_the_right() {
        assert!(Sequencer::new("0055AED6DCD90281E6") > Sequencer::new("0055AED6DCD90281E5"));
        assert!(Sequencer::new("0055AED6DCD90281E5F0") > Sequencer::new("0055AED6DCD90281E5"));
        assert_eq!(Sequencer::new("0055AED6DC00"), Sequencer::new("0055AED6DC"));
        assert!(Sequencer::new("9") > Sequencer::new("10"));
    }

    #[test]
    fn an_absent_sequencer_is_below_all_others() {
        assert!(Sequencer::default().is_absent());
        assert!(Sequencer::default() < Sequencer::new("00000000000001"));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_padded_texts(a in "[0-9A-F]{0,20}", b in "[0-9A-F]{0,20}") {
            let (left, right) = padded(&a, &b);
            prop_assert_eq!(Sequencer::new(a).cmp(&Sequencer::new(b)), left.cmp(&right));
        }
    }
}
