#![doc = include_str!("../README.md")]

mod config;
mod invalidation;
mod paths;
mod post;
mod record;
mod template;
mod worker;

pub use config::{Config, ConfigError};
pub use invalidation::{InvalidateError, Invalidated, Invalidation, Invalidator};
pub use post::{Post, PostError};
pub use record::is_of_a_post;
pub use template::{PathTemplate, TemplateError};
pub use worker::CacheWorker;
