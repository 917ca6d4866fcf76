//! From a locale's templates to the words of one mail.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::locale::Locale;
use crate::text::one_line;

/// What the templates may name. All of it is one line of visible characters.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Fields<'a> {
    /// Whom to greet, if that is known.
    pub(crate) name: Option<&'a str>,
    pub(crate) blog_name: &'a str,
    pub(crate) blog_url: Option<&'a str>,
    pub(crate) unsubscribe_url: &'a str,
}

/// The words of one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// Fills the templates of `locale`. A field that the templates misspell is an error, never a gap in the mail.
pub(crate) fn render(locale: &Locale, fields: &Fields<'_>) -> Result<Words, minijinja::Error> {
    // Made for each mail: parsing the three templates takes far less time than the call that sends them.
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A tag on a line of its own leaves no empty line in the text part.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).build()?);
    environment.set_auto_escape_callback(|name| {
        if name == "html" {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    let fill = |name: &str, source: &str| environment.render_named_str(name, source, Serde(fields));
    Ok(Words {
        subject: one_line(&fill("subject", locale.subject)?),
        text: fill("text", locale.text)?,
        html: fill("html", locale.html)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Fields<'_> = Fields {
        name: Some("Ánh"),
        blog_name: "MyBlog",
        blog_url: Some("https://blog.example.com/"),
        unsubscribe_url: "https://blog.example.com/unsubscribe?s=1&t=2",
    };

    const BARE: Fields<'_> = Fields {
        name: None,
        blog_url: None,
        ..FULL
    };

    #[test]
    fn every_template_of_every_locale_renders() {
        for locale in Locale::ALL {
            for fields in [FULL, BARE] {
                let words = render(locale, &fields).unwrap();
                for part in [&words.subject, &words.text, &words.html] {
                    assert!(part.contains("MyBlog"), "{}: {part}", locale.tag);
                    assert_eq!(
                        part.contains("Ánh"),
                        fields.name.is_some(),
                        "{}: {part}",
                        locale.tag
                    );
                }
                assert!(words.text.contains(FULL.unsubscribe_url), "{}", locale.tag);
                assert!(words.html.contains("<html lang=\"") && words.html.contains(locale.tag));
                assert_eq!(
                    words.html.matches("<a href=").count(),
                    if fields.blog_url.is_some() { 2 } else { 1 }
                );
            }
        }
    }

    #[test]
    fn a_mail_loads_nothing_from_elsewhere() {
        for locale in Locale::ALL {
            for part in [
                "src=", "url(", "<link", "<script", "@import", "http:", "https:",
            ] {
                assert!(!locale.html.contains(part), "{} has {part}", locale.tag);
            }
        }
    }

    #[test]
    fn markup_in_a_name_is_text() {
        let fields = Fields {
            name: Some("<b>\"A\" & 'B'"),
            ..FULL
        };
        let words = render(Locale::of(None), &fields).unwrap();
        assert!(
            words
                .html
                .contains("Hello &lt;b&gt;&quot;A&quot; &amp; &#x27;B&#x27;, and welcome"),
            "{}",
            words.html
        );
        assert!(
            words.text.contains("Hello <b>\"A\" & 'B',"),
            "{}",
            words.text
        );
    }

    #[test]
    fn a_misspelt_field_is_an_error() {
        let locale = Locale {
            tag: "xx",
            subject: "{{ nmae }}",
            text: "",
            html: "",
        };
        assert!(render(&locale, &FULL).is_err());
    }

    #[test]
    fn the_text_part_reads_well() {
        let words = render(Locale::of(Some("en")), &BARE).unwrap();
        assert_eq!(words.subject, "Welcome to MyBlog");
        insta::assert_snapshot!(words.text);
    }
}
