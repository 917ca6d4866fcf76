use super::geometry::{Block, Geometry};
use super::stream::Plan;
use crate::jpeg::header::{HuffmanSpec, ScanHeader, Tables};
use crate::jpeg::huffman::{CoefficientTable, HuffmanCode, SkipTable, SymbolTable};
use crate::jpeg::{BlockSide, JpegError};

/// The tables of the eight destinations, built when a scan needs them and the code is another than the last time.
#[derive(Debug, Default)]
pub(super) struct BuiltTables {
    dc: [Option<(HuffmanSpec, DcTables)>; 4],
    ac: [Option<(HuffmanSpec, AcTables)>; 4],
}

/// What decodes DC coefficients.
#[derive(Debug)]
pub(super) struct DcTables {
    pub(super) values: CoefficientTable,
    pub(super) symbols: SymbolTable,
}

/// What decodes AC coefficients or passes over them.
#[derive(Debug)]
pub(super) struct AcTables {
    pub(super) values: CoefficientTable,
    pub(super) skip: SkipTable,
    pub(super) symbols: SymbolTable,
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
            refresh(
                &mut self.dc,
                &tables.dc_tables,
                component.dc_table,
                |code| {
                    if code.largest() > 15 {
                        return Err(JpegError::corrupt("a DC difference of more than 15 bits"));
                    }
                    Ok(DcTables {
                        values: CoefficientTable::new(code),
                        symbols: SymbolTable::new(code),
                    })
                },
            )?;
            refresh(
                &mut self.ac,
                &tables.ac_tables,
                component.ac_table,
                |code| {
                    Ok(AcTables {
                        values: CoefficientTable::new(code),
                        skip: SkipTable::new(code),
                        symbols: SymbolTable::new(code),
                    })
                },
            )?;
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
            Some(Plan {
                lane: block.lane,
                side: block.side,
                dc,
                ac,
            })
        };
        (geometry.blocks.iter().map(plan).collect::<Option<_>>()).ok_or(MISSING)
    }
}

const MISSING: JpegError = JpegError::corrupt("a scan has no Huffman table");

fn refresh<T>(
    built: &mut [Option<(HuffmanSpec, T)>; 4],
    specs: &[Option<HuffmanSpec>; 4],
    destination: usize,
    build: impl Fn(&HuffmanCode) -> Result<T, JpegError>,
) -> Result<(), JpegError> {
    let spec = specs
        .get(destination)
        .and_then(Option::as_ref)
        .ok_or(MISSING)?;
    let built = built.get_mut(destination).ok_or(MISSING)?;
    if built.as_ref().is_none_or(|(known, _)| known != spec) {
        let code = HuffmanCode::new(spec.counts, &spec.values)?;
        *built = Some((spec.clone(), build(&code)?));
    }
    Ok(())
}
