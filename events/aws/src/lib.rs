//! The commands of `flotilla` that talk to AWS: a local one or an account.
