//! The server that is local AWS: what is known of the one that runs, starting it, stopping it.

mod record;
mod start;
mod stop;

pub use record::Server;
pub(super) use record::{ACCESS_KEY_ID, ACCOUNT, REGION, SECRET_ACCESS_KEY, STAGE};
pub(super) use start::{Wish, start};
pub(super) use stop::stop;
