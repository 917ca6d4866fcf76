//! Replays captured events through the workers.
