//! AWS Signature Version 4, for the one kind of request that is made here: a form posted to `/`.
//!
//! With its authorisation on, local AWS verifies signatures like AWS does.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt::Write as _;

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

const FORM: &str = "application/x-www-form-urlencoded";

const SIGNED_HEADERS: &str = "content-type;host;x-amz-date";

/// Who signs, for what, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signer<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    /// ISO 8601 without signs: `20150830T123600Z`.
    pub(super) date: &'a str,
}

impl Signer<'_> {
    /// The header lines that go with the form `body` to `host`.
    pub(super) fn headers(&self, host: &str, body: &str) -> Vec<String> {
        let day = self.date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let canonical = format!(
            "POST\n/\n\ncontent-type:{FORM}\nhost:{host}\nx-amz-date:{}\n\n{SIGNED_HEADERS}\n{}",
            self.date,
            hex(&Sha256::digest(body))
        );
        let text = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
            self.date,
            hex(&Sha256::digest(canonical))
        );
        let secret = format!("AWS4{}", self.secret_access_key);
        let key = [day, self.region, self.service, "aws4_request"]
            .iter()
            .fold(secret.into_bytes(), |key, part| seal(&key, part));
        vec![
            format!("content-type: {FORM}"),
            format!("x-amz-date: {}", self.date),
            format!(
                "authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED_HEADERS}, Signature={}",
                self.access_key_id,
                hex(&seal(&key, &text))
            ),
        ]
    }
}

fn seal(key: &[u8], text: &str) -> Vec<u8> {
    // A key of any length is fine for HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_published_test_suite() {
        // "post-x-www-form-urlencoded" of the AWS Signature Version 4 test suite.
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service: "service",
            date: "20150830T123600Z",
        };
        let headers = signer.headers("example.amazonaws.com", "Param1=value1");
        assert_eq!(
            headers.last().unwrap(),
            "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }
}
