//! Thumbnails as a table, for people.

use std::io::{self, Write};

use super::make::{MadePhoto, Session};
use crate::terminal::{Style, bytes, count, visible};

/// How much of a photo's name is shown; the path of each thumbnail has all of it.
const PHOTO_CHARS: usize = 24;

/// Prints photos as they are done, then where to look at them.
#[derive(Debug)]
pub struct Table<W> {
    writer: W,
    style: Style,
    begun: bool,
}

impl<W: Write> Table<W> {
    /// Prints to `writer`.
    pub fn new(writer: W, style: Style) -> Self {
        Self {
            writer,
            style,
            begun: false,
        }
    }

    /// The rows of one photo; none when it failed.
    pub fn photo(&mut self, photo: &MadePhoto) -> io::Result<()> {
        if photo.error.is_some() {
            return Ok(());
        }
        if !self.begun {
            self.begun = true;
            let heading = row(["photo", "size", "output", "pixels", "bytes", "ms"]);
            writeln!(self.writer, "{}", self.style.bold(&heading))?;
        }
        let name = photo.photo.rsplit(['/', '\\']).next().unwrap_or_default();
        let name: String = visible(name).chars().take(PHOTO_CHARS).collect();
        // One decode serves all sizes, so the time is the photo's.
        let mut milliseconds = format!("{:.0}", photo.elapsed_ms);
        for thumbnail in &photo.thumbnails {
            let line = row([
                &name,
                &thumbnail.size,
                &visible(&thumbnail.output),
                &format!("{}x{}", thumbnail.width, thumbnail.height),
                &bytes(u64::try_from(thumbnail.bytes).unwrap_or(u64::MAX)),
                &std::mem::take(&mut milliseconds),
            ]);
            writeln!(self.writer, "{line}")?;
        }
        Ok(())
    }

    /// How many, and where they are shown.
    pub fn summary(&mut self, session: &Session) -> io::Result<()> {
        let thumbnails = session.photos.iter().map(|photo| photo.thumbnails.len());
        write!(
            self.writer,
            "{} of {}",
            self.style.bold(&count(thumbnails.sum(), "thumbnail")),
            count(session.photos.len() - session.failed, "photo"),
        )?;
        if session.failed > 0 {
            let failed = format!("; {} failed", count(session.failed, "photo"));
            write!(self.writer, "{}", self.style.red(&failed))?;
        }
        writeln!(self.writer, "\nLook at them: {}", session.index)
    }
}

fn row([photo, size, output, pixels, bytes, milliseconds]: [&str; 6]) -> String {
    format!("{photo:<24}  {size:>9}  {output:<36}  {pixels:>9}  {bytes:>8}  {milliseconds:>6}")
        .trim_end()
        .to_owned()
}
