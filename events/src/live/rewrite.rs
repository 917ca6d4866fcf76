//! Captured events, made to fit the account that they are replayed in.

use std::collections::BTreeMap;

use serde_json::Value;

/// What is called otherwise there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rewrite {
    /// Buckets that have another name.
    pub(super) buckets: BTreeMap<String, String>,
    /// The bucket that takes the place of every other.
    pub(super) any_bucket: Option<String>,
    /// Versions of objects: S3 gives them, nobody else can.
    pub(super) versions: BTreeMap<String, String>,
}

/// Wrappings within wrappings, such as an S3 notice in an SNS message in an SQS body.
const MAX_DEPTH: usize = 64;

impl Rewrite {
    /// Renames buckets and versions of S3 notices in `event`, also where JSON is text within JSON.
    pub(super) fn apply(&self, event: &mut Value) {
        self.within(event, 0);
    }

    fn within(&self, value: &mut Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(items) => {
                for item in items {
                    self.within(item, depth + 1);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    match name.as_str() {
                        "versionId" | "version-id" => self.version(member),
                        "bucket" => self.bucket(member),
                        _ => self.within(member, depth + 1),
                    }
                }
            }
            Value::String(text) if text.trim_start().starts_with('{') => {
                let Ok(inner) = serde_json::from_str::<Value>(text) else {
                    return;
                };
                let mut rewritten = inner.clone();
                self.within(&mut rewritten, depth + 1);
                // Poison keeps its very bytes.
                if rewritten != inner {
                    *text = rewritten.to_string();
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn version(&self, version: &mut Value) {
        let known = version
            .as_str()
            .and_then(|version| self.versions.get(version));
        if let Some(known) = known {
            *version = known.as_str().into();
        }
    }

    fn bucket(&self, described: &mut Value) {
        let renamed = described["name"]
            .as_str()
            .and_then(|name| self.buckets.get(name).or(self.any_bucket.as_ref()));
        let (Some(bucket), Some(members)) = (renamed, described.as_object_mut()) else {
            return;
        };
        members.insert("name".to_owned(), bucket.as_str().into());
        if let Some(arn) = members.get_mut("arn").filter(|arn| arn.is_string()) {
            *arn = format!("arn:aws:s3:::{bucket}").into();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn notice(bucket: &str, version: &str) -> Value {
        json!({ "Records": [{ "eventSource": "aws:s3", "s3": {
            "bucket": { "name": bucket, "arn": format!("arn:aws:s3:::{bucket}") },
            "object": { "key": "uploads/cat.jpg", "versionId": version },
        } }] })
    }

    fn rewrite() -> Rewrite {
        Rewrite {
            buckets: [("thumbnails".to_owned(), "real-thumbnails".to_owned())].into(),
            any_bucket: Some("real".to_owned()),
            versions: [("v1".to_owned(), "r1".to_owned())].into(),
        }
    }

    #[test]
    fn a_notice_is_renamed_in_every_wrapping() {
        let wrapped = |notice: Value| {
            let message = json!({ "Type": "Notification", "Message": notice.to_string() });
            json!({ "Records": [{ "eventSource": "aws:sqs", "body": message.to_string() }] })
        };
        for wrap in [&(|notice| notice) as &dyn Fn(Value) -> Value, &wrapped] {
            let mut event = wrap(notice("uploads", "v1"));
            rewrite().apply(&mut event);
            assert_eq!(event, wrap(notice("real", "r1")));
            let mut event = wrap(notice("thumbnails", "v2"));
            rewrite().apply(&mut event);
            assert_eq!(event, wrap(notice("real-thumbnails", "v2")));
        }
    }

    #[test]
    fn what_has_no_other_name_stays_as_it_is() {
        let poison = "{ \"a\" :1 , \"versionId\": \"v2\" }";
        let event =
            json!({ "Records": [{ "body": poison }, { "body": "{ cut" }, { "bucket": "x" }] });
        let mut rewritten = event.clone();
        rewrite().apply(&mut rewritten);
        assert_eq!(rewritten, event);
        let mut rewritten = notice("uploads", "v1");
        Rewrite::default().apply(&mut rewritten);
        assert_eq!(rewritten, notice("uploads", "v1"));
    }
}
