use std::ops::RangeInclusive;

use crate::jpeg::header::ScanHeader;
use crate::jpeg::{BlockSide, JpegError};

/// Which bits of which coefficients have come, and which scans are needed for the sizes that are wanted.
#[derive(Debug)]
pub(super) struct Script {
    components: Vec<Progress>,
}

#[derive(Debug)]
struct Progress {
    /// By zig-zag index, down to which bit it is known.
    low: [Option<u8>; 64],
    /// The last index that the size needs.
    wanted: usize,
    /// The last index whose scans have to be decoded. More than are wanted: in a refinement of a band the length of
    /// the data of each block depends on which of all its coefficients have been zero so far.
    followed: usize,
    /// By zig-zag index, a bit for each whose scan was broken: a refinement cannot be decoded that has it in its band.
    broken: u64,
}

impl Script {
    /// Nothing has come. Without knowing the scans to come every AC band may be refined together with a wanted one.
    pub(super) fn new(sides: &[BlockSide]) -> Self {
        let components = sides.iter().map(|side| Progress {
            low: [None; 64],
            wanted: side.last_index(),
            followed: if *side == BlockSide::One { 0 } else { 63 },
            broken: 0,
        });
        Self {
            components: components.collect(),
        }
    }

    /// Takes all the scans of the image, so that those are passed over whose bands neither hold a wanted coefficient
    /// nor are refined together with one.
    pub(super) fn look_ahead(&mut self, scans: &[ScanHeader]) {
        for (index, component) in self.components.iter_mut().enumerate() {
            let mut followed = component.wanted;
            // A band may reach into another one, at most 62 times.
            while let Some(scan) = scans.iter().find(|scan| {
                let last = usize::from(scan.last);
                let mut components = scan.components.iter();
                scan.high > 0
                    && (1..=followed).contains(&usize::from(scan.first))
                    && last > followed
                    && components.any(|component| component.index == index)
            }) {
                followed = usize::from(scan.last);
            }
            component.followed = followed;
        }
    }

    /// Whether every wanted coefficient is known to its last bit.
    pub(super) fn is_complete(&self) -> bool {
        self.components.iter().all(|component| {
            let mut wanted = component.low.iter().take(component.wanted + 1);
            wanted.all(|low| *low == Some(0))
        })
    }

    /// Notes a scan; whether it has to be decoded.
    ///
    /// # Errors
    ///
    /// When it gives bits that are known, or leaves bits out (libjpeg warns and mixes them up somehow); when it refines
    /// a wanted coefficient together with those of a broken scan.
    pub(super) fn enter(&mut self, scan: &ScanHeader) -> Result<bool, JpegError> {
        let band = usize::from(scan.first)..=usize::from(scan.last);
        let expected = (scan.high > 0).then_some(scan.high);
        let mut needed = false;
        for scanned in &scan.components {
            let Some(component) = self.components.get_mut(scanned.index) else {
                continue;
            };
            let is_broken = scan.high > 0 && component.broken & bits_of(&band) != 0;
            if is_broken && *band.start() <= component.wanted {
                return Err(JpegError::corrupt("it refines what is broken"));
            }
            if is_broken {
                component.broken |= bits_of(&band);
            }
            needed |= *band.start() <= component.followed && !is_broken;
            for low in component.low.get_mut(band.clone()).unwrap_or_default() {
                if *low != expected {
                    return Err(JpegError::corrupt("its scans do not follow each other"));
                }
                *low = Some(scan.low);
            }
        }
        Ok(needed)
    }

    /// Notes that a scan is broken; whether that is of no matter, as long as no wanted coefficient is refined together
    /// with its own. So an image whose later scans cannot be seen yet becomes what it becomes when they can.
    pub(super) fn forgive(&mut self, scan: &ScanHeader) -> bool {
        let band = usize::from(scan.first)..=usize::from(scan.last);
        scan.components.iter().all(|scanned| {
            let component = self.components.get_mut(scanned.index);
            component.is_none_or(|component| {
                component.broken |= bits_of(&band);
                *band.start() > component.wanted
            })
        })
    }

    /// # Errors
    ///
    /// When a component has had no DC scan: there is no picture then. (Without the others it is a blurred one, which
    /// an encoder may have wanted.)
    pub(super) fn check_dc(&self) -> Result<(), JpegError> {
        let mut components = self.components.iter();
        if components.any(|component| component.low[0].is_none()) {
            return Err(JpegError::corrupt("a component has no DC scan"));
        }
        Ok(())
    }
}

/// A bit for each index.
fn bits_of(band: &RangeInclusive<usize>) -> u64 {
    band.clone().fold(0, |bits, index| bits | 1 << (index & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::header::ScanComponent;

    fn scan(index: usize, first: u8, last: u8, high: u8, low: u8) -> ScanHeader {
        let component = ScanComponent {
            index,
            dc_table: 0,
            ac_table: 0,
        };
        ScanHeader {
            components: vec![component],
            first,
            last,
            high,
            low,
        }
    }

    #[test]
    fn the_smallest_size_needs_dc_scans_only() {
        let mut script = Script::new(&[BlockSide::One]);
        assert_eq!(script.enter(&scan(0, 0, 0, 0, 1)), Ok(true));
        assert_eq!(script.enter(&scan(0, 1, 63, 0, 0)), Ok(false));
        assert!(!script.is_complete());
        assert_eq!(script.enter(&scan(0, 0, 0, 1, 0)), Ok(true));
        assert!(script.is_complete());
    }

    #[test]
    fn a_band_is_followed_only_when_a_wanted_one_is_refined_with_it() {
        let scans = [
            scan(0, 1, 5, 0, 0),
            scan(0, 6, 20, 0, 1),
            scan(0, 21, 63, 0, 1),
            scan(0, 6, 30, 1, 0),
        ];
        let mut script = Script::new(&[BlockSide::Two]);
        script.look_ahead(&scans);
        assert_eq!(script.enter(&scans[0]), Ok(true));
        assert_eq!(script.enter(&scans[1]), Ok(false));

        let mut script = Script::new(&[BlockSide::Four]);
        script.look_ahead(&scans);
        for scan in &scans {
            assert_eq!(script.enter(scan), Ok(true));
        }
        let mut blind = Script::new(&[BlockSide::Two]);
        assert_eq!(blind.enter(&scans[1]), Ok(true));
    }

    #[test]
    fn bits_come_once_and_in_order() {
        let start = || {
            let mut script = Script::new(&[BlockSide::Eight]);
            script.enter(&scan(0, 1, 5, 0, 2)).unwrap();
            script
        };
        assert_eq!(start().enter(&scan(0, 1, 5, 2, 1)), Ok(true));
        for wrong in [
            scan(0, 1, 5, 0, 2),
            scan(0, 5, 9, 0, 2),
            scan(0, 1, 5, 1, 0),
            scan(0, 1, 6, 2, 1),
            scan(0, 6, 6, 2, 1),
        ] {
            assert!(start().enter(&wrong).is_err(), "{wrong:?}");
        }
        assert!(start().check_dc().is_err());
        let mut script = start();
        script.enter(&scan(0, 0, 0, 0, 2)).unwrap();
        assert_eq!(script.check_dc(), Ok(()));
    }
}
