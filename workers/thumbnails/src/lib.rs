//! The thumbnail worker.
