#![doc = include_str!("../README.md")]

mod init_error;
mod sdk;
mod serve;
mod shutdown;
mod start;

pub use sdk::sdk_config;
pub use serve::serve;
pub use start::start;
