//! Pictures as planes: one component's samples at a time, each in its own resolution, as JPEG stores them.

/// One component's samples, eight bits each, rows without padding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plane {
    /// Samples in a row.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// `width * height` samples.
    pub(crate) samples: Vec<u8>,
}

impl Plane {
    /// Rows as columns.
    pub(crate) fn transposed(&self) -> Self {
        let mut samples = Vec::with_capacity(self.samples.len());
        for column in 0..self.width {
            samples.extend(self.samples.iter().skip(column).step_by(self.width));
        }
        Self {
            width: self.height,
            height: self.width,
            samples,
        }
    }
}

/// Some whole rows of one component, in order from the top.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// Row after row, `stride` bytes apart; the last one may be cut after `width`.
    pub(crate) samples: &'a [u8],
    /// Bytes from one row to the next, at least `width`.
    pub(crate) stride: usize,
    /// Samples of a row that belong to the picture.
    pub(crate) width: usize,
    /// How many rows.
    pub(crate) count: usize,
}

impl<'a> Rows<'a> {
    /// All rows of a plane.
    pub(crate) fn of(plane: &'a Plane) -> Self {
        Self {
            samples: &plane.samples,
            stride: plane.width,
            width: plane.width,
            count: plane.height,
        }
    }

    /// The samples of each row, `width` of them.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let Self {
            samples,
            stride,
            width,
            count,
        } = self;
        samples
            .chunks(stride.max(1))
            .take(count)
            .map(move |row| row.get(..width).unwrap_or(row))
    }
}

/// Takes the rows of a picture while it is being decoded, so that nobody holds a whole plane who does not need it.
pub(crate) trait RowSink {
    /// The next rows of component `component` (0 is the first of the file). Components come in any order and
    /// interleaving, the rows of each from the top, without gaps, each exactly once.
    fn rows(&mut self, component: usize, rows: Rows<'_>);
}

/// Keeps every row.
#[derive(Debug)]
pub(crate) struct Gathered(pub(crate) Vec<Plane>);

impl Gathered {
    /// For the rows of so many components.
    pub(crate) fn new(components: usize) -> Self {
        Self(vec![Plane::default(); components])
    }
}

impl RowSink for Gathered {
    fn rows(&mut self, component: usize, rows: Rows<'_>) {
        if let Some(plane) = self.0.get_mut(component) {
            plane.width = rows.width;
            plane.height += rows.count;
            for row in rows.iter() {
                plane.samples.extend_from_slice(row);
            }
        }
    }
}

/// What one component looks like at the resolution that it is decoded to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Grid {
    /// Samples in a row.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
    /// How many of those columns the picture covers: the last may be covered in part.
    pub(crate) extent_x: f64,
    /// How many of those rows the picture covers: the last may be covered in part.
    pub(crate) extent_y: f64,
}
