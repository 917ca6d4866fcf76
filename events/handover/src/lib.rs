//! What the `flotilla` command and its AWS half, `flotilla-aws`, have in common.
//!
//! `flotilla` links no AWS SDK, so that its first build on a bare machine takes a minute and not five. The commands that
//! talk to AWS are a program of their own, which takes the same words: `flotilla put cat.jpg` becomes
//! `flotilla-aws put cat.jpg`. Both read them by the structures here.

mod invoke;
mod live;
mod server;
pub mod terminal;

pub use invoke::{Answer, Ask, Greeting, InvokeAnswer, InvokeAsk, PutAnswer, PutAsk};
pub use live::{Against, AwsCommand, Live, Mail, Place, Put, Subscribe, Tail, Which};
pub use server::{Server, checkout, state_folder};
