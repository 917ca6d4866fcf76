//! `flotilla down`.

use serde::Serialize;

use super::lock::Lock;
use super::status::is_untouched;
use super::{Checkout, LocalError, server};

/// What `down` did: what `flotilla down --json` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Down {
    /// Whether there was something to end.
    pub ended: bool,
}

/// Ends local AWS and every process that it started. It is no error when there is none.
pub fn down(checkout: &Checkout) -> Result<Down, LocalError> {
    if is_untouched(checkout) {
        return Ok(Down { ended: false });
    }
    checkout.make_state()?;
    let _lock = Lock::take(checkout)?;
    Ok(Down {
        ended: server::stop(checkout)?,
    })
}
