#![doc = include_str!("../README.md")]

mod claims;
mod failure;
mod rejections;
mod table;
#[cfg(test)]
mod tests;

pub use claims::DynamoClaims;
pub use rejections::DynamoRejections;
pub use table::DynamoTable;
