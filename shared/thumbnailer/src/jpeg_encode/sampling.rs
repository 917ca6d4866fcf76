use crate::planes::Plane;

/// One component of the scan and its place in the minimum coded unit (MCU).
#[derive(Debug)]
pub(super) struct Component<'a> {
    pub(super) plane: &'a Plane,
    /// Blocks of this component in one MCU, across.
    pub(super) across: usize,
    /// Blocks of this component in one MCU, down.
    pub(super) down: usize,
    /// Blocks with samples of the plane in a row; those past them only fill the last MCU.
    pub(super) columns: usize,
    /// Rows of blocks with samples of the plane.
    pub(super) rows: usize,
    /// Which tables it uses: 0 is luma's, 1 chroma's.
    pub(super) table: u8,
    /// `across` and `down` as SOF0 says them.
    pub(super) factors: u8,
    /// Where its groups start among those of a row of MCUs.
    pub(super) first_group: usize,
    /// Groups in one row of its blocks.
    pub(super) groups_across: usize,
}

/// How the components of a picture interleave.
#[derive(Debug)]
pub(super) struct Sampling<'a> {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) components: Vec<Component<'a>>,
    pub(super) mcu_columns: usize,
    pub(super) mcu_rows: usize,
}

impl<'a> Sampling<'a> {
    /// Finds the subsampling from the sizes of the planes.
    ///
    /// # Errors
    ///
    /// When a side is 0 or more than 65535, or the planes do not fit each other.
    pub(super) fn new(luma: &'a Plane, chroma: Option<[&'a Plane; 2]>) -> Result<Self, String> {
        let side = |length: usize| {
            u16::try_from(length)
                .ok()
                .filter(|&side| side > 0)
                .ok_or_else(|| format!("a JPEG side is 1 to 65535 pixels, not {length}"))
        };
        let (width, height) = (side(luma.width)?, side(luma.height)?);
        let (across, down) = match chroma {
            None => (1, 1),
            Some(chroma) => luma_factors(luma, chroma)?,
        };
        let planes = std::iter::once(luma).chain(chroma.into_iter().flatten());
        let mcu_columns = luma.width.div_ceil(8 * across);
        let mcu_rows = luma.height.div_ceil(8 * down);
        let mut components = Vec::with_capacity(3);
        let mut first_group = 0;
        for (index, plane) in planes.enumerate() {
            if plane.samples.len() != plane.width * plane.height {
                return Err("a plane does not have width times height samples".to_owned());
            }
            let (across, down) = if index == 0 { (across, down) } else { (1, 1) };
            let columns = plane.width.div_ceil(8);
            let groups_across = columns.div_ceil(4);
            components.push(Component {
                plane,
                across,
                down,
                columns,
                rows: plane.height.div_ceil(8),
                table: u8::from(index > 0),
                factors: u8::from(across == 2) * 0x10 + u8::from(down == 2) + 0x11,
                first_group,
                groups_across,
            });
            first_group += groups_across * down;
        }
        Ok(Self {
            width,
            height,
            components,
            mcu_columns,
            mcu_rows,
        })
    }

    /// How many groups of blocks one row of MCUs takes.
    pub(super) fn groups(&self) -> usize {
        self.components
            .iter()
            .map(|component| component.groups_across * component.down)
            .sum()
    }

    /// How many components.
    pub(super) fn count(&self) -> u8 {
        if self.components.len() == 1 { 1 } else { 3 }
    }

    /// How many tables of each kind the picture needs: 1 without chroma, else 2.
    pub(super) fn tables(&self) -> usize {
        self.components.len().min(2)
    }
}

/// Blocks of luma in one MCU, across and down, when chroma has one each.
fn luma_factors(luma: &Plane, [blue, red]: [&Plane; 2]) -> Result<(usize, usize), String> {
    let chroma = (blue.width, blue.height);
    let half = |side: usize| side.div_ceil(2);
    if chroma != (red.width, red.height) {
        Err("the chroma planes differ in size".to_owned())
    } else if chroma == (luma.width, luma.height) {
        Ok((1, 1))
    } else if chroma == (half(luma.width), half(luma.height)) {
        Ok((2, 2))
    } else if chroma == (half(luma.width), luma.height) {
        Ok((2, 1))
    } else {
        Err(format!(
            "chroma of {} x {} does not fit luma of {} x {}",
            blue.width, blue.height, luma.width, luma.height
        ))
    }
}
