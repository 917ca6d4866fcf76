use std::borrow::Cow;

use crate::input::InputError;

/// Why this decoder gave no picture. A caller tries the general decoder on all but [`JpegError::Input`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JpegError {
    /// A JPEG of a kind that this decoder leaves to others.
    #[error("unsupported JPEG: {0}")]
    Unsupported(&'static str),
    /// It breaks a rule of ITU-T T.81.
    #[error("corrupt JPEG: {0}")]
    Corrupt(Cow<'static, str>),
    /// The file ends before the picture does. There is no partial picture: what is missing is never made up.
    #[error("truncated JPEG")]
    Truncated,
    /// The bytes could not be had.
    #[error(transparent)]
    Input(#[from] InputError),
}

impl JpegError {
    /// [`JpegError::Corrupt`] with a fixed reason.
    pub(crate) const fn corrupt(reason: &'static str) -> Self {
        Self::Corrupt(Cow::Borrowed(reason))
    }
}
