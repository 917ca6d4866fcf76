use super::geometry::{Block, Geometry};
use super::stream::Plan;
use crate::jpeg::header::{HuffmanSpec, ScanHeader, Tables};
use crate::jpeg::huffman::{AcSkips, HuffmanCode, Skips, SymbolTable, ValueTable};
use crate::jpeg::{BlockSide, JpegError};

/// The tables of the eight destinations, built when a scan needs them and the code is another than the last time.
#[derive(Debug, Default)]
pub(super) struct BuiltTables {
    dc: [Option<(HuffmanSpec, DcTables)>; 4],
    ac: [Option<(HuffmanSpec, AcTables)>; 4],
    /// For the beginning of blocks, by the destinations of DC and AC.
    first: [[Option<Box<Skips>>; 4]; 4],
}

/// What decodes DC coefficients.
#[derive(Debug)]
pub(super) struct DcTables {
    code: HuffmanCode,
    pub(super) values: ValueTable,
    pub(super) symbols: SymbolTable,
}

/// What decodes AC coefficients or passes over them.
#[derive(Debug)]
pub(super) struct AcTables {
    pub(super) values: ValueTable,
    pub(super) skips: AcSkips,
    pub(super) symbols: SymbolTable,
}

impl DcTables {
    /// # Errors
    ///
    /// When the code has symbols that are no sizes.
    pub(super) fn new(code: HuffmanCode) -> Result<Self, JpegError> {
        if code.largest() > 15 {
            return Err(JpegError::corrupt("a DC difference of more than 15 bits"));
        }
        Ok(Self {
            values: ValueTable::dc(&code),
            symbols: SymbolTable::new(&code),
            code,
        })
    }
}

impl AcTables {
    pub(super) fn new(code: &HuffmanCode) -> Self {
        Self {
            values: ValueTable::ac(code),
            skips: AcSkips::new(code),
            symbols: SymbolTable::new(code),
        }
    }
}

impl BuiltTables {
    /// Builds what a scan needs.
    ///
    /// # Errors
    ///
    /// When a table is not there, or is none.
    pub(super) fn build(
        &mut self,
        tables: &Tables,
        scan: &ScanHeader,
        _sides: &[BlockSide],
    ) -> Result<(), JpegError> {
        for component in &scan.components {
            let (dc, ac) = (component.dc_table, component.ac_table);
            let is_other_dc = refresh(&mut self.dc, &tables.dc_tables, dc, DcTables::new)?;
            let is_other_ac = refresh(&mut self.ac, &tables.ac_tables, ac, |code| {
                Ok(AcTables::new(&code))
            })?;
            if is_other_dc && let Some(first) = self.first.get_mut(dc) {
                *first = [const { None }; 4];
            }
            if is_other_ac {
                for first in &mut self.first {
                    if let Some(first) = first.get_mut(ac) {
                        *first = None;
                    }
                }
            }
            if let Some((_, dc_tables)) = self.dc.get(dc).and_then(Option::as_ref)
                && let Some((_, ac_tables)) = self.ac.get(ac).and_then(Option::as_ref)
                && let Some(first) = self.first.get_mut(dc).and_then(|first| first.get_mut(ac))
            {
                first.get_or_insert_with(|| Skips::first(&dc_tables.code, &ac_tables.skips));
            }
        }
        Ok(())
    }

    /// How to read the blocks of a scan whose tables have been built.
    pub(super) fn plans(
        &self,
        scan: &ScanHeader,
        geometry: &Geometry,
    ) -> Result<Vec<Plan<'_>>, JpegError> {
        let plan = |block: &Block| {
            let component = scan.components.get(block.lane)?;
            let (_, dc) = self.dc.get(component.dc_table)?.as_ref()?;
            let (_, ac) = self.ac.get(component.ac_table)?.as_ref()?;
            let first = self
                .first
                .get(component.dc_table)?
                .get(component.ac_table)?;
            Some(Plan {
                lane: block.lane,
                side: block.side,
                dc,
                ac,
                first: first.as_ref()?,
            })
        };
        (geometry.blocks.iter().map(plan).collect::<Option<_>>()).ok_or(MISSING)
    }
}

const MISSING: JpegError = JpegError::corrupt("a scan has no Huffman table");

/// Builds a table anew if the code is another than the last time. Whether it was.
fn refresh<T>(
    built: &mut [Option<(HuffmanSpec, T)>; 4],
    specs: &[Option<HuffmanSpec>; 4],
    destination: usize,
    build: impl Fn(HuffmanCode) -> Result<T, JpegError>,
) -> Result<bool, JpegError> {
    let spec = specs
        .get(destination)
        .and_then(Option::as_ref)
        .ok_or(MISSING)?;
    let built = built.get_mut(destination).ok_or(MISSING)?;
    if built.as_ref().is_some_and(|(known, _)| known == spec) {
        return Ok(false);
    }
    let code = HuffmanCode::new(spec.counts, &spec.values)?;
    *built = Some((spec.clone(), build(code)?));
    Ok(true)
}
