//! Effects in the report.

use serde::Serialize;

use crate::stand_ins::{Effect, EffectKind, OutFolder};

#[derive(Debug, Serialize)]
pub(super) struct EffectView<'a> {
    what: &'static str,
    name: &'a str,
    bytes: u64,
    path: &'a str,
    exists: bool,
}

impl<'a> EffectView<'a> {
    pub(super) fn new(effect: &'a Effect, out: &OutFolder) -> Self {
        Self {
            what: match effect.kind {
                EffectKind::ObjectWritten => "wrote",
                EffectKind::ObjectDeleted => "deleted",
                EffectKind::MailSent => "sent mail",
                EffectKind::RejectionKept => "kept rejection",
                EffectKind::ItemWritten => "wrote item",
                EffectKind::EventPublished => "published event",
                EffectKind::PathsInvalidated => "invalidated paths",
            },
            name: &effect.name,
            bytes: effect.bytes,
            path: &effect.path,
            // A later event may have deleted it.
            exists: effect.kind != EffectKind::ObjectDeleted
                && out.root().join(&effect.path).is_file(),
        }
    }
}
