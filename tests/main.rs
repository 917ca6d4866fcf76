//! Workers as a whole, driven through their handler.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod announcements;
mod gallery_follows;
mod photos;
mod thumbnails_fates;
mod thumbnails_news;
mod thumbnails_order;
mod thumbnails_reading;
mod thumbnails_routes;
