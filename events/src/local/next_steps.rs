//! What a person does once local AWS is up.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use handover::terminal::Style;
use serde::Serialize;

use super::Server;
use super::server::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

/// A photo that every checkout has.
const PHOTO: &str = "events/objects/myblog-uploads/photos/harbour.jpg";

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextSteps {
    /// Commands to try, each with what it shows.
    pub commands: Vec<NextCommand>,
    /// Variables by which any other AWS tool finds local AWS.
    pub environment: BTreeMap<&'static str, String>,
}

/// A command to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextCommand {
    /// To type in the checkout.
    pub command: String,
    /// What it shows.
    pub shows: &'static str,
}

impl NextSteps {
    /// What can be done with this server.
    pub(super) fn of(server: &Server) -> Self {
        let command = |words: &str, shows| NextCommand {
            command: format!("cargo run -- {words}"),
            shows,
        };
        Self {
            commands: vec![
                command(&format!("put {PHOTO}"), "a photo gets its thumbnails"),
                command("subscribe ana@example.com", "a subscriber gets one mail"),
                command("mail", "the mails that were sent"),
                command("tail", "every event, live"),
                command("down", "ends it, and forgets all that it has"),
            ],
            environment: BTreeMap::from([
                ("AWS_ENDPOINT_URL", server.endpoint.clone()),
                ("AWS_REGION", server.region.clone()),
                ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
                ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ]),
        }
    }

    /// As a person reads it.
    pub fn told(&self, style: Style) -> String {
        let width = self
            .commands
            .iter()
            .map(|next| next.command.len())
            .max()
            .unwrap_or_default();
        let mut text = String::from("Try:\n");
        for next in &self.commands {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "  {:<width$}  {}",
                next.command,
                style.dim(next.shows)
            );
        }
        text.push_str("For any other AWS tool:\n");
        let assignments: Vec<String> = self
            .environment
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let _ = writeln!(text, "  export {}", assignments.join(" "));
        text
    }
}
