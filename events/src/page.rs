//! What the pages have in common: one style, templates that escape, links to files.

mod placeholder;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::terminal;

/// What needs no escape in the path of a URL; `/` separates names.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'=')
    .remove(b'@')
    .remove(b'/');

/// Renders a page: `template` fills the body of the common frame.
///
/// Pages run no script and load nothing but files beside them: their policy says so, which also binds mails shown in frames.
pub(crate) fn render(template: &str, context: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // Neither holds a character that would need escaping, and the template engine would escape the slashes.
    environment.add_filter("href", |path: String| Value::from_safe_string(href(&path)));
    environment.add_filter("bytes", terminal::bytes);
    environment.add_filter("plural", plural);
    environment.add_filter("truncated", truncated);
    environment.add_filter("placeholder", |thumbhash: String| {
        placeholder::data_url(&thumbhash).map(Value::from_safe_string)
    });
    let body = environment.render_str(template, context)?;
    let frame = minijinja::context! {
        body,
        style => include_str!("page/style.css"),
    };
    environment.render_str(include_str!("page/frame.html"), frame)
}

/// A relative link to a file. `./` keeps a name with a colon from being read as a scheme.
fn href(path: &str) -> String {
    format!("./{}", utf8_percent_encode(path, PATH))
}

fn plural(number: usize, noun: &str) -> String {
    terminal::count(number, noun)
}

/// The beginning of an identifier that nobody reads to its end.
fn truncated(identifier: &str) -> String {
    const SHOWN_CHARS: usize = 16;
    match identifier.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", identifier.get(..end).unwrap_or_default()),
        None => identifier.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let html = render(
            "<p title=\"{{ x }}\">{{ x }}</p>",
            context! { x => "\"<b>&" },
        )
        .unwrap();
        assert!(
            html.contains("<p title=\"&quot;&lt;b&gt;&amp;\">&quot;&lt;b&gt;&amp;</p>"),
            "{html}"
        );
    }

    #[test]
    fn a_page_may_load_nothing_from_elsewhere() {
        let html = render("", context! {}).unwrap();
        assert!(html.contains("default-src 'none'"), "{html}");
        assert!(!html.contains("<script") && !html.contains("://"), "{html}");
    }

    #[test]
    fn a_link_leads_to_the_file_whatever_its_name() {
        assert_eq!(href("a b/100%#?é.jpg"), "./a%20b/100%25%23%3F%C3%A9.jpg");
        assert_eq!(href("javascript:x"), "./javascript%3Ax");
    }
}
