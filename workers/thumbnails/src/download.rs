//! A photo's way from the store into memory, while it is being decoded.
//!
//! Two ends of one channel: [`Fetch`] brings bytes on the thread of the asynchronous runtime, and [`Arriving`] is what a decoder
//! reads, on a thread that may block. Whichever ends first ends the other: a decoder that has enough drops the transfer, and
//! a transfer that breaks is an error of the next read.

mod arriving;
mod fetch;
mod pace;
#[cfg(test)]
mod tests;

pub(crate) use self::arriving::Arriving;
pub(crate) use self::fetch::{Fetch, begin};
pub(crate) use self::pace::first_bytes;
