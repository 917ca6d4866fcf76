//! The shapes of the site's paths: `/posts/{slug}`.

use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::post::Post;

/// What stays as it is within a path's segment. CloudFront wants non-ASCII and RFC 1738's unsafe characters encoded and no
/// others, or it invalidates another path than the one that is cached; it refuses a plain `~` or `@`. The rest that is
/// encoded here has a meaning of its own in a path (`/`, `?`) or in an invalidation (`*`).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'+')
    .remove(b',')
    .remove(b':')
    .remove(b';')
    .remove(b'=');

/// Longer ones are no path of a site.
const MAX_BYTES: usize = 200;

/// A path, or one for each slug, tag or author: at most one `{slug}`, `{tag}` or `{author}` in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathTemplate {
    /// What is before the placeholder; the whole path without one.
    prefix: String,
    filling: Option<(Placeholder, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Placeholder {
    Slug,
    Tag,
    Author,
}

/// Why a text is no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Paths are absolute.
    #[error("it does not begin with /")]
    Relative,
    /// Longer than 200 bytes.
    #[error("it is too long")]
    TooLong,
    /// A wildcard is the worker's own decision.
    #[error("it has a character that is not allowed in a path")]
    Character,
    /// Braces around anything else, or twice.
    #[error("it has something in braces that is not one {{slug}}, {{tag}} or {{author}}")]
    Placeholder,
}

impl FromStr for PathTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if !text.starts_with('/') {
            return Err(TemplateError::Relative);
        }
        if text.len() > MAX_BYTES {
            return Err(TemplateError::TooLong);
        }
        let (prefix, filling) = match text.split_once('{') {
            None => (text, None),
            Some((prefix, rest)) => {
                let (name, suffix) = rest.split_once('}').ok_or(TemplateError::Placeholder)?;
                let placeholder = match name {
                    "slug" => Placeholder::Slug,
                    "tag" => Placeholder::Tag,
                    "author" => Placeholder::Author,
                    _ => return Err(TemplateError::Placeholder),
                };
                (prefix, Some((placeholder, suffix.to_owned())))
            }
        };
        let suffix = filling.as_ref().map_or("", |(_, suffix)| suffix);
        for part in [prefix, suffix] {
            if part.contains(['{', '}']) {
                return Err(TemplateError::Placeholder);
            }
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.%".contains(&byte);
            if !part.bytes().all(allowed) {
                return Err(TemplateError::Character);
            }
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            filling,
        })
    }
}

impl PathTemplate {
    /// The paths of `post`, encoded.
    pub(crate) fn paths(&self, post: &Post) -> Vec<String> {
        let Some((placeholder, suffix)) = &self.filling else {
            return vec![self.prefix.clone()];
        };
        let values: Vec<&String> = match placeholder {
            Placeholder::Slug => vec![&post.slug],
            Placeholder::Tag => post.tags.iter().collect(),
            Placeholder::Author => post.author.iter().collect(),
        };
        values
            .into_iter()
            .map(|value| {
                format!(
                    "{}{}{suffix}",
                    self.prefix,
                    utf8_percent_encode(value, SEGMENT)
                )
            })
            .collect()
    }

    /// The wildcard for all paths of this shape and whatever else begins like them; `None` for a single path.
    pub(crate) fn wildcard(&self) -> Option<String> {
        self.filling.as_ref().map(|_| format!("{}*", self.prefix))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn paths(template: &str, slug: &str, tags: &[&str]) -> Vec<String> {
        let post = Post {
            slug: slug.to_owned(),
            author: None,
            tags: tags
                .iter()
                .map(|tag| (*tag).to_owned())
                .collect::<BTreeSet<_>>(),
        };
        template.parse::<PathTemplate>().unwrap().paths(&post)
    }

    #[test]
    fn a_template_is_filled_with_what_the_post_has() {
        assert_eq!(paths("/feed.xml", "a", &[]), ["/feed.xml"]);
        assert_eq!(paths("/posts/{slug}/", "a", &[]), ["/posts/a/"]);
        assert_eq!(
            paths("/tags/{tag}", "a", &["x", "y"]),
            ["/tags/x", "/tags/y"]
        );
        assert_eq!(paths("/tags/{tag}", "a", &[]), [""; 0]);
        assert_eq!(paths("/authors/{author}", "a", &[]), [""; 0]);
    }

    #[test]
    fn paths_are_encoded_as_cloudfront_wants_them() {
        for (slug, path) in [
            ("Harbour-at_7.30", "/p/Harbour-at_7.30"),
            ("a b", "/p/a%20b"),
            ("phở", "/p/ph%E1%BB%9F"),
            ("c++,c:(d)", "/p/c++,c:(d)"),
            ("50%", "/p/50%25"),
            ("a/b?c#d", "/p/a%2Fb%3Fc%23d"),
            ("*", "/p/%2A"),
            ("~ann@x", "/p/%7Eann%40x"),
            (
                "<\"{[|\\^`]}>\r\n",
                "/p/%3C%22%7B%5B%7C%5C%5E%60%5D%7D%3E%0D%0A",
            ),
        ] {
            assert_eq!(paths("/p/{slug}", slug, &[]), [path]);
        }
    }

    #[test]
    fn what_is_no_template_says_why() {
        let long = format!("/{}", "a".repeat(MAX_BYTES));
        for (text, error) in [
            ("", TemplateError::Relative),
            ("posts", TemplateError::Relative),
            (long.as_str(), TemplateError::TooLong),
            ("/posts/*", TemplateError::Character),
            ("/a b", TemplateError::Character),
            ("/bücher", TemplateError::Character),
            ("/{title}", TemplateError::Placeholder),
            ("/{slug", TemplateError::Placeholder),
            ("/slug}", TemplateError::Placeholder),
            ("/{slug}/{tag}", TemplateError::Placeholder),
        ] {
            assert_eq!(text.parse::<PathTemplate>(), Err(error), "{text}");
        }
    }
}
