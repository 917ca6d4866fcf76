use bytes::Bytes;
use thumbnailer::{Input, InputError};
use tokio::sync::{mpsc, watch};

/// A photo as a decoder sees it: the bytes that are here, and a wait for the others.
///
/// To be read on a thread that may block.
#[derive(Debug)]
pub(crate) struct Arriving {
    pub(super) bytes: Vec<u8>,
    /// How many there will be.
    pub(super) length: usize,
    pub(super) arrivals: mpsc::UnboundedReceiver<Result<Bytes, InputError>>,
    /// Why no more will come.
    pub(super) broken: Option<InputError>,
    /// Whether all of it comes without being asked for.
    pub(super) unasked: bool,
    /// Tells the fetching end up to where bytes are needed.
    pub(super) wanted: watch::Sender<u64>,
}

impl Arriving {
    /// The memory that the photo lay in, for the next one.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// Waits until everything is here that comes without being asked for, or until nothing more will.
    pub(crate) async fn arrived(&mut self) {
        while self.unasked && self.bytes.len() < self.length {
            let arrival = self.arrivals.recv().await;
            if self.take(arrival).is_err() {
                break;
            }
        }
    }

    /// Takes what has come in the meantime.
    pub(crate) fn catch_up(&mut self) {
        while let Ok(arrival) = self.arrivals.try_recv() {
            if self.take(Some(arrival)).is_err() {
                break;
            }
        }
    }

    fn take(&mut self, arrival: Option<Result<Bytes, InputError>>) -> Result<(), InputError> {
        let error = match arrival {
            Some(Ok(chunk)) => {
                self.bytes.extend_from_slice(&chunk);
                return Ok(());
            }
            Some(Err(error)) => error,
            None => InputError {
                reason: "the download was given up".to_owned(),
            },
        };
        // The first reason is the one, and what came before it can still be read.
        Err(self.broken.get_or_insert(error).clone())
    }
}

impl Input for Arriving {
    fn from(&mut self, offset: usize, want: usize) -> Result<&[u8], InputError> {
        let end = offset.saturating_add(want).min(self.length);
        if self.bytes.len() < end {
            let end = u64::try_from(end).unwrap_or(u64::MAX);
            self.wanted.send_if_modified(|wanted| {
                let more = end > *wanted;
                *wanted = end.max(*wanted);
                more
            });
        }
        while self.bytes.len() < end {
            let arrival = self.arrivals.blocking_recv();
            self.take(arrival)?;
        }
        Ok(self.bytes.get(offset..).unwrap_or_default())
    }

    fn whole(&self) -> Option<&[u8]> {
        (self.bytes.len() == self.length).then_some(&self.bytes)
    }
}
