/// The part of a coded picture that is to be seen: a clean aperture, ISO/IEC 14496-12 section 12.1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aperture {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Aperture {
    /// From width, height, and how far its centre is to the right of and below the picture's, each over the number behind
    /// it. `None` when it is not within the picture, or is all of it: then there is nothing to cut.
    pub(super) fn of(fractions: [u32; 8], width: u32, height: u32) -> Option<Self> {
        let [w, w_over, h, h_over, x, x_over, y, y_over] = fractions;
        let along = |length: u32, over: u32, offset: u32, offset_over: u32, whole: u32| {
            let length = length.checked_div(over).filter(|length| *length > 0)?;
            let rest = i128::from(whole) - i128::from(length);
            let over = i128::from(offset_over);
            let doubled = 2 * i128::from(offset.cast_signed()) + rest * over;
            let start = doubled.checked_div_euclid(2 * over)?;
            (0..=rest).contains(&start).then_some(())?;
            Some((u32::try_from(start).ok()?, length))
        };
        let (left, clean_width) = along(w, w_over, x, x_over, width)?;
        let (top, clean_height) = along(h, h_over, y, y_over, height)?;
        ((clean_width, clean_height) != (width, height)).then_some(Self {
            left,
            top,
            width: clean_width,
            height: clean_height,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aperture_is_centred_but_for_its_offset() {
        let aperture = |left, top, width, height| {
            Some(Aperture {
                left,
                top,
                width,
                height,
            })
        };
        let of = |fractions| Aperture::of(fractions, 100, 60);
        assert_eq!(of([50, 1, 20, 1, 0, 1, 0, 1]), aperture(25, 20, 50, 20));
        // 3/2 to the right, a half up: where an odd rest is split.
        let up = (-1_i32).cast_unsigned();
        assert_eq!(of([51, 1, 41, 2, 3, 2, up, 2]), aperture(26, 19, 51, 20));
        for none in [
            [100, 1, 60, 1, 0, 1, 0, 1],
            [50, 1, 20, 1, 26, 1, 0, 1],
            [50, 1, 20, 1, 0, 1, (-21_i32).cast_unsigned(), 1],
            [101, 1, 60, 1, 0, 1, 0, 1],
            [50, 0, 20, 1, 0, 1, 0, 1],
            [50, 1, 20, 1, 0, 0, 0, 1],
            [0, 1, 20, 1, 0, 1, 0, 1],
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }
}
