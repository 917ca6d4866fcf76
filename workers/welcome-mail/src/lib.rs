//! The welcome mail worker.
