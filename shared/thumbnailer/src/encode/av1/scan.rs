//! In which order the coefficients of a transform are coded, and what of their contexts follows from their place alone.

use super::transform::Size;

/// Zeros to the right of and below the magnitudes, so that a neighbour outside the transform is one.
pub(super) const MARGIN: usize = 4;

/// A place in a transform.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Row-major.
    pub(super) index: u16,
    /// In magnitudes with [`MARGIN`].
    pub(super) padded: u16,
    /// What the context of a base level begins at.
    pub(super) base: u8,
    /// What the context of a greater level begins at.
    pub(super) range: u8,
}

/// The order of one size.
pub(super) struct Scan {
    pub(super) places: &'static [Place],
    /// When an index comes: the order in which [`super::quantise::quantise`] wants it.
    pub(super) order: &'static [u16],
}

/// Of the 2D transforms of a size.
pub(super) fn scan(size: Size) -> Scan {
    macro_rules! table {
        ($width:literal, $height:literal) => {{
            const COUNT: usize = $width * $height;
            static PLACES: [Place; COUNT] = places::<COUNT>($width, $height);
            static ORDER: [u16; COUNT] = order(&PLACES);
            Scan {
                places: &PLACES,
                order: &ORDER,
            }
        }};
    }
    match (size.coded_width(), size.coded_height()) {
        (4, 4) => table!(4, 4),
        (4, 8) => table!(4, 8),
        (8, 4) => table!(8, 4),
        (8, 8) => table!(8, 8),
        (8, 16) => table!(8, 16),
        (16, 8) => table!(16, 8),
        (16, 16) => table!(16, 16),
        (16, 32) => table!(16, 32),
        (32, 16) => table!(32, 16),
        _ => table!(32, 32),
    }
}

/// Diagonal by diagonal: down in tall transforms, up in wide ones, by turns in square ones.
const fn places<const COUNT: usize>(width: usize, height: usize) -> [Place; COUNT] {
    let mut places = [Place {
        index: 0,
        padded: 0,
        base: 0,
        range: 0,
    }; COUNT];
    let mut count = 0;
    let mut diagonal = 0;
    while diagonal < width + height - 1 {
        let down = if width == height {
            diagonal % 2 == 1
        } else {
            height > width
        };
        let mut step = 0;
        while step <= diagonal {
            let row = if down { step } else { diagonal - step };
            let column = diagonal - row;
            if row < height && column < width {
                places[count] = place(row, column, width, height);
                count += 1;
            }
            step += 1;
        }
        diagonal += 1;
    }
    places
}

const fn place(row: usize, column: usize, width: usize, height: usize) -> Place {
    // Coeff_Base_Ctx_Offset of the standard (8.3.2), as a rule.
    let base = if row + column == 0 {
        0
    } else if width == height {
        match row + column {
            0 | 1 => 1,
            2 | 3 => 6,
            _ => 21,
        }
    } else if height > width {
        match row {
            0 | 1 => 11,
            2 | 3 if row + column <= 3 => 6,
            _ => 21,
        }
    } else {
        match column {
            0 | 1 => 16,
            2 | 3 if row + column <= 3 => 6,
            _ => 21,
        }
    };
    let range = match (row, column) {
        (0, 0) => 0,
        (0 | 1, 0 | 1) => 7,
        _ => 14,
    };
    Place {
        index: (row * width + column) as u16,
        padded: (row * (width + MARGIN) + column) as u16,
        base,
        range,
    }
}

const fn order<const COUNT: usize>(places: &[Place; COUNT]) -> [u16; COUNT] {
    let mut order = [0; COUNT];
    let mut at = 0;
    while at < COUNT {
        order[places[at].index as usize] = at as u16;
        at += 1;
    }
    order
}
