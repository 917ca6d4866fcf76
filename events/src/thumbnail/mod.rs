//! The pixel pipeline alone, on a person's own photos.

mod make;
mod photos;
mod print;
mod sheet;

pub use make::{MadePhoto, MadeThumbnail, Options, Session, make};
pub use photos::PhotosError;
pub use print::Table;
