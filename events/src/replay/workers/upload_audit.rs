//! Who changed what in the uploads bucket.

use upload_audit::{AuditWorker, Config};

use super::WorkerEntry;

pub(super) const ENTRY: WorkerEntry = WorkerEntry {
    name: "upload-audit",
    takes: "the notifications that thumbnails takes, when it is named",
    // Both are told of the same changes, and one event is replayed by one worker: that with the pictures to show.
    recognises: |_| false,
    takes_the_rest_of: &[],
    environment: &[("AUDIT_BUCKET", "audit")],
    start: |stand_ins, environment| {
        let config = Config::from_env(environment).map_err(|error| error.to_string())?;
        Ok(Box::new(AuditWorker::new(
            config,
            stand_ins.objects.clone(),
        )))
    },
};
