//! The contact sheet: `OUT/index.html`.

use std::path::Path;

use minijinja::context;
use minijinja::value::{Serde, Value};

use super::make::Session;
use crate::page;
use crate::stand_ins::OutFolder;

/// Its name in the output folder.
pub(crate) const FILE_NAME: &str = "index.html";

/// Writes the sheet.
pub(crate) fn write(session: &Session, out: &OutFolder) -> anyhow::Result<()> {
    let html = page::render(
        include_str!("sheet.html"),
        context! { session => Value::from(Serde(session)) },
    )?;
    out.write(Path::new(FILE_NAME), html.as_bytes())?;
    Ok(())
}
