//! A Lambda Runtime API endpoint for tests of worker binaries.
