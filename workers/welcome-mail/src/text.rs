//! Text that people outside chose, made fit for a header and a greeting.

/// The longest name that is used, in characters. Longer ones are no names.
const MAX_NAME_CHARS: usize = 64;

/// `text` on one line: controls and line separators are spaces, runs of spaces are one, marks that reorder what a reader
/// sees are gone.
pub(crate) fn one_line(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|&character| !reorders(character))
        .map(|character| if breaks(character) { ' ' } else { character })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The name to greet somebody by; `None` when `text` is empty, no name, or somebody's advertisement.
///
/// Sign-up forms are used to have a blog mail a link to a stranger, whose address is entered with the link as the name.
/// A greeting without a name is the lesser loss.
pub(crate) fn greetable(text: &str) -> Option<String> {
    let name = one_line(text);
    let advertises = name.contains(['@', '/', '\\', '<', '>'])
        || name.split_whitespace().any(looks_like_a_domain);
    (!name.is_empty() && name.chars().count() <= MAX_NAME_CHARS && !advertises).then_some(name)
}

/// A dot with two letters or more behind it: mail programs make a link of `example.com`, not of `J.R.R.`.
fn looks_like_a_domain(word: &str) -> bool {
    word.split('.').skip(1).any(|part| {
        part.chars()
            .take_while(|character| character.is_alphanumeric())
            .count()
            > 1
    })
}

fn breaks(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// The bidirectional embeddings, overrides and isolates of Unicode, and its byte order mark.
fn reorders(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_break_in_a_name_is_a_space() {
        assert_eq!(one_line(" Ann\r\nBcc: x\u{2028}y\t\tz "), "Ann Bcc: x y z");
        assert_eq!(one_line("a\u{202e}b\u{0}c"), "ab c");
    }

    #[test]
    fn names_are_greeted() {
        for name in [
            "Nguyễn Thị Ánh",
            "J.R.R. Tolkien",
            "O'Brien",
            "Ann-Marie",
            "李雷",
            "Dr. No",
        ] {
            assert_eq!(greetable(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_a_mail_program_would_make_a_link_of_is_no_name() {
        let long = "a".repeat(MAX_NAME_CHARS + 1);
        for text in [
            "",
            " \r\n",
            "win at evil.com",
            "https://evil",
            "www.evil.example",
            "a@b",
            "<b>",
            &long,
        ] {
            assert_eq!(greetable(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_line(
            // Proptest's own strings have no controls, and hardly two spaces in a row.
            characters in prop::collection::vec(
                prop_oneof![any::<char>(), prop::sample::select(vec![' ', '\r', '\n', '\0', '\u{2028}', '\u{202e}'])],
                0..20,
            )
        ) {
            let line = one_line(&String::from_iter(characters));
            prop_assert!(!line.chars().any(|character| breaks(character) || reorders(character)));
            prop_assert!(!line.contains("  ") && line.trim() == line);
            prop_assert_eq!(one_line(&line), line);
        }
    }
}
