//! Words from elsewhere, made fit for a log.

/// Enough for a sentence of SES.
const MAX_CHARS: usize = 200;

/// One line of at most 200 characters, in which every word with an `@`, plain or percent-encoded, is `[address]`.
pub(crate) fn without_addresses(text: &str) -> String {
    let words = text
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| {
            if word.contains('@') || word.contains("%40") {
                "[address]"
            } else {
                word
            }
        });
    let line = words.collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_line_breaks_are_taken_out() {
        let text = "Bad content:\r\n <ann@example.com>, b%40example.com\0 in\tpart 2";
        assert_eq!(
            without_addresses(text),
            "Bad content: [address] [address] in part 2"
        );
    }

    #[test]
    fn an_address_is_taken_out_before_the_line_is_cut() {
        let text = format!("{} ann@example.com", "x".repeat(MAX_CHARS - 5));
        assert!(!without_addresses(&text).contains("ann"));
        assert_eq!(without_addresses(&"é".repeat(500)).chars().count(), 200);
    }
}
