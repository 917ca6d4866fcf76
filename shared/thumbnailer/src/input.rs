use std::fmt;

/// The bytes of an encoded image, some of which may still be on their way.
///
/// Decoders ask for what they need next, in rising order but for a return to the start, and stop asking when they have
/// enough: of a progressive JPEG a small thumbnail needs only the first few per cent. A slice is an input that is all
/// there.
pub trait Input {
    /// The bytes from `offset` to the end of what is there: at least `want` of them, or all up to the end of the image
    /// when that is less, none when `offset` lies at or past the end. Waits for bytes that are still on their way.
    ///
    /// # Errors
    ///
    /// When the bytes cannot be had any more.
    fn from(&mut self, offset: usize, want: usize) -> Result<&[u8], InputError>;

    /// The whole image, if it is there already without waiting. Lets several threads work on it.
    fn whole(&self) -> Option<&[u8]>;
}

impl Input for &[u8] {
    fn from(&mut self, offset: usize, _want: usize) -> Result<&[u8], InputError> {
        Ok(self.get(offset..).unwrap_or_default())
    }

    fn whole(&self) -> Option<&[u8]> {
        Some(self)
    }
}

/// The bytes of an image cannot be had any more: the download failed. Says nothing about the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// What happened, for whoever reads the log.
    pub reason: String,
}

impl fmt::Display for InputError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for InputError {}
