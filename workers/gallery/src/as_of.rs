//! The order of a photo's events.

use std::fmt;

use fleet::sequencer::Sequencer;

/// Which state of a photo something tells of. Of two states of the same photo the greater is the newer; of two photos it
/// says nothing.
///
/// The sequencer decides. Equal ones come from changes that S3 does not order, such as the same upload worked by another
/// recipe: then the revision does, which counts the states of the photo.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AsOf {
    /// The highest sequencer among the photo's changes so far.
    pub sequencer: Sequencer,
    /// How often what is shown of the photo had changed.
    pub revision: u64,
}

impl AsOf {
    /// Reads what [`Display`](fmt::Display) wrote: `SEQUENCER#REVISION`.
    pub fn parse(text: &str) -> Option<Self> {
        let (sequencer, revision) = text.rsplit_once('#')?;
        Some(Self {
            sequencer: Sequencer::new(sequencer),
            revision: revision.parse().ok()?,
        })
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#{}", self.sequencer, self.revision)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn as_of(sequencer: &str, revision: u64) -> AsOf {
        AsOf {
            sequencer: Sequencer::new(sequencer),
            revision,
        }
    }

    #[test]
    fn the_sequencer_decides_and_then_the_revision() {
        assert!(as_of("02", 1) > as_of("01", 9));
        assert!(as_of("01", 10) > as_of("01", 9));
        assert!(as_of("01", 1) > as_of("", 9));
        // By the rules of S3: the shorter one is padded on the right.
        assert!(as_of("9", 1) > as_of("10", 1));
        assert_eq!(as_of("0A00", 1), as_of("0a", 1));
    }

    #[test]
    fn what_is_no_state_is_none() {
        for text in ["", "01", "01#", "01#x", "01#-1"] {
            assert_eq!(AsOf::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(sequencer in "[0-9A-F#]{0,20}", revision: u64) {
            let as_of = as_of(&sequencer, revision);
            prop_assert_eq!(AsOf::parse(&as_of.to_string()), Some(as_of));
        }
    }
}
