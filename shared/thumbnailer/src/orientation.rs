//! EXIF orientation (CIPA DC-008 section 4.6.4.A): how stored pixels are shown upright.

/// One of the eight ways to turn and mirror, numbered as in EXIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Orientation {
    #[cfg(test)]
    pub(crate) const UPRIGHT: Self = Self(1);

    /// Anything but 1 to 8 is upright.
    pub(crate) fn from_exif(number: u8) -> Self {
        Self(if (1..=8).contains(&number) { number } else { 1 })
    }

    /// Whether rows become columns.
    pub(crate) fn swaps_axes(self) -> bool {
        self.0 >= 5
    }

    /// The one that only makes rows of columns.
    pub(crate) const TRANSPOSED: Self = Self(5);

    /// Whether the columns, and whether the rows, as stored run backwards. What is mirrored so and then, where
    /// [`swaps_axes`](Self::swaps_axes) says so, transposed, is upright.
    pub(crate) fn mirrors(self) -> (bool, bool) {
        (
            matches!(self.0, 2 | 3 | 7 | 8),
            matches!(self.0, 3 | 4 | 6 | 7),
        )
    }

    /// The size as displayed of an image of `width` by `height` as stored.
    pub(crate) fn displayed(self, width: u32, height: u32) -> (u32, u32) {
        if self.swaps_axes() {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Turns the stored pixels upright. `samples` are rows of `width` pixels of `channels` bytes.
    pub(crate) fn apply(
        self,
        samples: Vec<u8>,
        width: u32,
        height: u32,
        channels: usize,
    ) -> Vec<u8> {
        if self.0 == 1 {
            return samples;
        }
        let (width, height) = (width as usize, height as usize);
        let (out_width, out_height) = if self.swaps_axes() {
            (height, width)
        } else {
            (width, height)
        };
        let mut upright = Vec::with_capacity(samples.len());
        for y in 0..out_height {
            for x in 0..out_width {
                let (from_x, from_y) = match self.0 {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, height - 1 - x),
                    7 => (width - 1 - y, height - 1 - x),
                    8 => (width - 1 - y, x),
                    _ => (x, y),
                };
                let at = (from_y * width + from_x) * channels;
                upright.extend_from_slice(&samples[at..at + channels]);
            }
        }
        upright
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each orientation makes of the stored rows `ab`, `cd`, `ef`.
    #[test]
    fn mirroring_and_transposing_make_every_orientation() {
        let stored = b"abcdef";
        for number in 1..=8 {
            let orientation = Orientation::from_exif(number);
            let (across, down) = orientation.mirrors();
            let mut turned = stored.to_vec();
            if across {
                turned = Orientation(2).apply(turned, 2, 3, 1);
            }
            if down {
                turned = Orientation(4).apply(turned, 2, 3, 1);
            }
            if orientation.swaps_axes() {
                turned = Orientation::TRANSPOSED.apply(turned, 2, 3, 1);
            }
            assert_eq!(
                turned,
                orientation.apply(stored.to_vec(), 2, 3, 1),
                "{number}"
            );
        }
    }

    #[test]
    fn every_orientation_turns_the_rows_as_exif_says() {
        let table = [
            (1, "ab cd ef"),
            (2, "ba dc fe"),
            (3, "fe dc ba"),
            (4, "ef cd ab"),
            (5, "ace bdf"),
            (6, "eca fdb"),
            (7, "fdb eca"),
            (8, "bdf ace"),
        ];
        for (number, rows) in table {
            let orientation = Orientation::from_exif(number);
            let upright = orientation.apply(b"abcdef".to_vec(), 2, 3, 1);
            assert_eq!(upright, rows.replace(' ', "").as_bytes(), "{number}");
            let width = rows.split(' ').next().unwrap().len();
            assert_eq!(orientation.displayed(2, 3).0 as usize, width, "{number}");
        }
    }

    #[test]
    fn the_bytes_of_a_pixel_stay_in_order() {
        let upright = Orientation::from_exif(2).apply(b"RGBrgb".to_vec(), 2, 1, 3);
        assert_eq!(upright, b"rgbRGB");
    }

    #[test]
    fn an_unknown_number_is_upright() {
        assert_eq!(Orientation::from_exif(0), Orientation::UPRIGHT);
        assert_eq!(Orientation::from_exif(9), Orientation::UPRIGHT);
    }
}
