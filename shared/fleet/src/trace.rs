//! One trace id through every log line, in both spellings: AWS X-Ray and W3C Trace Context.

use std::fmt;

use serde_json::Value;

/// Where in a distributed trace something happened.
///
/// X-Ray writes `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`, W3C writes
/// `00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01`: the same 32 digits, the same 16 digits, one flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// 32 lower-case hexadecimal digits.
    id: String,
    /// 16 lower-case hexadecimal digits.
    parent: Option<String>,
    sampled: bool,
}

impl Trace {
    /// Reads either spelling; `None` when it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_xray(text).or_else(|| Self::parse_w3c(text))
    }

    /// Reads an X-Ray trace header, as in `_X_AMZN_TRACE_ID` and in the `AWSTraceHeader` attribute of SQS messages.
    pub fn parse_xray(text: &str) -> Option<Self> {
        let mut id = None;
        let mut parent = None;
        let mut sampled = false;
        for field in text.split(';') {
            match field.trim().split_once('=') {
                Some(("Root", root)) => {
                    let (epoch, rest) = root.strip_prefix("1-")?.split_once('-')?;
                    id = Some(digits(&format!("{epoch}{rest}"), 32)?);
                }
                Some(("Parent", value)) => parent = digits(value, 16),
                Some(("Sampled", value)) => sampled = value == "1",
                _ => {}
            }
        }
        Some(Self {
            id: id?,
            parent,
            sampled,
        })
    }

    /// Reads a W3C `traceparent`.
    pub fn parse_w3c(text: &str) -> Option<Self> {
        let mut fields = text.trim().split('-');
        let version = digits(fields.next()?, 2)?;
        let id = digits(fields.next()?, 32)?;
        let parent = digits(fields.next()?, 16)?;
        let flags = u8::from_str_radix(&digits(fields.next()?, 2)?, 16).ok()?;
        // "ff" is forbidden by the standard, and so is an id of zeros.
        let valid = version != "ff" && id.bytes().any(|digit| digit != b'0');
        valid.then_some(Self {
            id,
            parent: Some(parent),
            sampled: flags & 1 == 1,
        })
    }

    /// The trace that an SQS message carries: a `traceparent` message attribute of its sender, else the
    /// `AWSTraceHeader` system attribute.
    pub fn of_sqs_message(message: &Value) -> Option<Self> {
        message["messageAttributes"]["traceparent"]["stringValue"]
            .as_str()
            .and_then(Self::parse_w3c)
            .or_else(|| {
                message["attributes"]["AWSTraceHeader"]
                    .as_str()
                    .and_then(Self::parse_xray)
            })
    }

    /// The 32 digits that both spellings share.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// As a W3C `traceparent`; `None` without a parent, which the standard requires.
    pub fn traceparent(&self) -> Option<String> {
        let parent = self.parent.as_ref()?;
        Some(format!(
            "00-{}-{parent}-{:02x}",
            self.id,
            u8::from(self.sampled)
        ))
    }
}

impl fmt::Display for Trace {
    /// The root as X-Ray's console searches for it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (epoch, rest) = self.id.split_at(8);
        write!(formatter, "1-{epoch}-{rest}")
    }
}

/// `text` in lower case when it is `length` hexadecimal digits.
fn digits(text: &str, length: usize) -> Option<String> {
    (text.len() == length && text.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    const W3C: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

    #[test]
    fn both_spellings_name_one_trace() {
        let xray = Trace::parse(XRAY).unwrap();
        assert_eq!(Some(&xray), Trace::parse(W3C).as_ref());
        assert_eq!(xray.traceparent().as_deref(), Some(W3C));
        assert_eq!(xray.to_string(), "1-5759e988-bd862e3fe1be46a994272793");
    }

    #[test]
    fn a_root_without_a_parent_has_no_traceparent() {
        let trace = Trace::parse("Root=1-5759e988-bd862e3fe1be46a994272793").unwrap();
        assert_eq!(trace.traceparent(), None);
    }

    #[test]
    fn what_is_no_trace_is_none() {
        for text in ["", "Root=1-x-y", "Root=", "00-0-0-0", "é-é", "Sampled=1"] {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
        let zeros = "00-00000000000000000000000000000000-53995c3f42cd8ad8-01";
        assert_eq!(Trace::parse(zeros), None);
    }
}
