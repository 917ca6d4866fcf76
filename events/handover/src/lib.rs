//! What the `flotilla` command and its AWS half, `flotilla-aws`, have in common.
//!
//! `flotilla` links no AWS SDK, so that its first build on a bare machine takes a minute and not five. The commands that
//! talk to AWS are a program of their own, which takes the same words: `flotilla put cat.jpg` becomes
//! `flotilla-aws put cat.jpg`. Both read them by the structures here.

pub mod terminal;
