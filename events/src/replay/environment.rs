//! The workers' configuration in a replay.

use fleet::env::{ProcessEnvironment, Variables};

/// What stands where the process's environment sets nothing. Names of things that exist nowhere, and a key that is no secret.
const DEFAULTS: [(&str, &str); 6] = [
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048"),
    ("THUMBNAILS_BUCKET", "myblog-thumbnails"),
    ("WELCOME_FROM", "MyBlog <hello@example.com>"),
    ("UNSUBSCRIBE_URL", "https://example.com/unsubscribe"),
    ("UNSUBSCRIBE_KEY", "replay only, not a secret"),
    ("BLOG_URL", "https://example.com/"),
];

/// The same variables as in Lambda, with a default for each one that is required there.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayEnvironment;

impl Variables for ReplayEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        ProcessEnvironment.get(name).or_else(|| DEFAULTS.get(name))
    }
}
