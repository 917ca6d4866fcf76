//! The `flotilla-aws` command, which `flotilla` hands over to.

fn main() {}
