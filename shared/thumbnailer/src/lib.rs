//! The pixel pipeline: bytes and a plan in, thumbnails out.
