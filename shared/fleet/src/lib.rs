//! The plumbing that every worker of the fleet shares.
