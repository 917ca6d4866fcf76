//! Text for people: colours, and numbers with units.

use std::env;
use std::io::{self, IsTerminal as _};

/// Colours text, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// Never colours.
    pub fn plain() -> Self {
        Self { colour: false }
    }

    /// Colours when standard output is a terminal and `NO_COLOR` is not set (<https://no-color.org>).
    pub fn of_stdout() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colour: !refused && io::stdout().is_terminal(),
        }
    }

    /// Stands out.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Of less importance.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Went well.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Wants attention.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Went wrong.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// `text` on one line, without what would steer a terminal: keys and reasons hold whatever somebody uploaded.
pub fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escaped = character.is_control().then(|| character.escape_default());
            let itself = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(itself)
        })
        .collect()
}

/// A size in bytes, with three digits and a decimal unit.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut unit = UNITS[0];
    let mut thousandths = bytes;
    for next in &UNITS[1..] {
        // Rounded, 999,950 would read as 1000.0.
        if thousandths < 999_950 {
            break;
        }
        thousandths /= 1_000;
        unit = next;
    }
    let tenths = (thousandths + 50) / 100;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// How much a worker counted of something: sizes have a unit.
pub fn amount(name: &str, value: f64) -> String {
    if name.ends_with("Bytes") {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size in bytes, shown with three digits; what is no size saturates"
        )]
        bytes(value as u64)
    } else {
        value.to_string()
    }
}

/// How many of something, in words: `1 photo`, `2 photos`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_that_fits() {
        let sizes = [
            0,
            999,
            1_000,
            12_345,
            999_949,
            999_950,
            1_500_000,
            2_000_000_000,
        ];
        assert_eq!(
            sizes.map(bytes),
            [
                "0 B", "999 B", "1.0 kB", "12.3 kB", "999.9 kB", "1.0 MB", "1.5 MB", "2.0 GB"
            ]
        );
    }

    #[test]
    fn what_was_counted_has_a_unit_when_it_is_a_size() {
        assert_eq!(amount("SourceBytes", 1_234_567.0), "1.2 MB");
        assert_eq!(amount("ThumbnailsWritten", 4.0), "4");
    }

    #[test]
    fn what_would_steer_a_terminal_is_shown_instead() {
        assert_eq!(visible("a\x1b[31m\né"), "a\\u{1b}[31m\\né");
    }

    #[test]
    fn a_plain_style_adds_nothing() {
        assert_eq!(Style::plain().red("x"), "x");
        assert_eq!(Style { colour: true }.red("x"), "\x1b[31mx\x1b[0m");
    }
}
