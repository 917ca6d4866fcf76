//! What was put, as text for people.

use std::io::{self, Write};

use handover::terminal::{Style, bytes, count, visible};

use super::{Photo, PutSession};

/// Prints photos as they end, then what to do next.
#[derive(Debug)]
pub(crate) struct Printer<W> {
    writer: W,
    style: Style,
}

impl<W: Write> Printer<W> {
    /// Prints to `writer`.
    pub(crate) fn new(writer: W, style: Style) -> Self {
        Self { writer, style }
    }

    /// One photo: where it went, and what became of it.
    pub(crate) fn photo(&mut self, photo: &Photo) -> io::Result<()> {
        let style = self.style;
        let what = format!("{} {}", bytes(photo.bytes), photo.content_type);
        let version = photo.version.as_deref().unwrap_or_default();
        writeln!(
            self.writer,
            "{}  {} -> {} {}",
            style.bold(&visible(&photo.photo)),
            style.dim(&what),
            visible(&photo.key),
            style.dim(&visible(version)),
        )?;
        let reason = photo.reason.as_deref().map(visible);
        match photo.state {
            "thumbnails" => {
                let thumbnails = count(photo.thumbnails.len(), "thumbnail");
                let ended = format!("{thumbnails} after {} ms", photo.elapsed_ms);
                writeln!(self.writer, "  {}", style.green(&ended))?;
                for thumbnail in &photo.thumbnails {
                    let at = thumbnail.saved.as_deref().unwrap_or(&thumbnail.key);
                    let size = format!(
                        "{} x {}, {}",
                        thumbnail.width,
                        thumbnail.height,
                        bytes(thumbnail.bytes)
                    );
                    writeln!(self.writer, "    {}  {}", visible(at), style.dim(&size))?;
                }
            }
            "rejected" => {
                let ended = format!("rejected: {}", reason.unwrap_or_default());
                writeln!(self.writer, "  {}", style.red(&ended))?;
            }
            "waiting" => {
                let last =
                    reason.map_or_else(String::new, |reason| format!("; last try: {reason}"));
                let ended = format!("no thumbnails after {} ms{last}", photo.elapsed_ms);
                writeln!(self.writer, "  {}", style.yellow(&ended))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Where all of it lies.
    pub(crate) fn summary(&mut self, session: &PutSession) -> io::Result<()> {
        let style = self.style;
        let place = format!(
            "photos in s3://{}, thumbnails in s3://{}, {}",
            session.bucket, session.thumbnails_bucket, session.place
        );
        writeln!(self.writer, "{}", style.dim(&visible(&place)))?;
        if !session.is_finished() {
            writeln!(
                self.writer,
                "`flotilla tail --worker thumbnails` shows what the worker does"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Thumbnail;
    use super::*;

    fn photo(state: &'static str, reason: Option<&str>) -> Photo {
        Photo {
            photo: "cat.jpg".to_owned(),
            key: "me/cat.jpg".to_owned(),
            version: Some("v1".to_owned()),
            bytes: 1_234,
            content_type: "image/jpeg",
            state,
            elapsed_ms: 412,
            reason: reason.map(str::to_owned),
            manifest: None,
            thumbnails: Vec::new(),
        }
    }

    #[test]
    fn every_ending_is_told() {
        let mut made = photo("thumbnails", None);
        made.thumbnails = vec![Thumbnail {
            key: "thumbnails/128.jpg".to_owned(),
            size: "128".to_owned(),
            width: 128,
            height: 96,
            bytes: 3_210,
            content_type: "image/jpeg".to_owned(),
            saved: None,
        }];
        let session = PutSession {
            version: PutSession::VERSION,
            place: "local AWS".to_owned(),
            bucket: "uploads".to_owned(),
            thumbnails_bucket: "thumbnails".to_owned(),
            photos: vec![
                made,
                photo("rejected", Some("corrupt: cut\n")),
                photo("waiting", Some("throttled: busy")),
                photo("put", None),
            ],
        };
        let mut text = Vec::new();
        let mut printer = Printer::new(&mut text, Style::plain());
        for photo in &session.photos {
            printer.photo(photo).unwrap();
        }
        printer.summary(&session).unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r"
        cat.jpg  1.2 kB image/jpeg -> me/cat.jpg v1
          1 thumbnail after 412 ms
            thumbnails/128.jpg  128 x 96, 3.2 kB
        cat.jpg  1.2 kB image/jpeg -> me/cat.jpg v1
          rejected: corrupt: cut\n
        cat.jpg  1.2 kB image/jpeg -> me/cat.jpg v1
          no thumbnails after 412 ms; last try: throttled: busy
        cat.jpg  1.2 kB image/jpeg -> me/cat.jpg v1
        photos in s3://uploads, thumbnails in s3://thumbnails, local AWS
        `flotilla tail --worker thumbnails` shows what the worker does
        ");
    }
}
