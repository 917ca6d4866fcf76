//! The languages that the mail is written in.

/// A language with templates of its own. To add one, add its folder under `templates/` and a line to [`Locale::ALL`].
#[derive(Debug, PartialEq, Eq)]
pub struct Locale {
    /// Its BCP 47 primary language, in lower case.
    pub tag: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) text: &'static str,
    pub(crate) html: &'static str,
}

macro_rules! locale {
    ($tag:literal) => {
        Locale {
            tag: $tag,
            subject: include_str!(concat!("../templates/", $tag, "/welcome.subject.txt")),
            text: include_str!(concat!("../templates/", $tag, "/welcome.txt")),
            html: include_str!(concat!("../templates/", $tag, "/welcome.html")),
        }
    };
}

impl Locale {
    /// Every locale; the first is the fallback.
    pub const ALL: &'static [Self] = &[locale!("en"), locale!("vi")];

    /// The locale for a subscriber's wish, such as `vi`, `vi-VN` or `vi_VN`; the fallback for every other.
    pub fn of(wish: Option<&str>) -> &'static Self {
        let wish = wish.unwrap_or_default().trim();
        let language = wish.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .iter()
            .find(|locale| locale.tag.eq_ignore_ascii_case(language))
            .unwrap_or(const { &Self::ALL[0] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_not_another_language() {
        for wish in ["vi", "vi-VN", "vi_VN", "VI", " vi "] {
            assert_eq!(Locale::of(Some(wish)).tag, "vi", "{wish}");
        }
    }

    #[test]
    fn a_language_without_templates_is_english() {
        for wish in [
            None,
            Some(""),
            Some("en-GB"),
            Some("fr"),
            Some("vietnamese"),
            Some("-"),
        ] {
            assert_eq!(Locale::of(wish).tag, "en", "{wish:?}");
        }
    }
}
