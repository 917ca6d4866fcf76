//! CLI.
fn main() { }
