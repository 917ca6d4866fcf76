//! From the image of an item to what of a post shows in its addresses.

use std::collections::BTreeSet;

use serde_json::Value;

/// A post, as far as the site's paths depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Names it within the site.
    pub slug: String,
    /// Who wrote it.
    pub author: Option<String>,
    /// What it is filed under.
    pub tags: BTreeSet<String>,
}

/// Why an item is no post.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// It has no name.
    #[error("the attribute slug is missing or empty")]
    MissingSlug,
    /// An attribute has another DynamoDB type than it should.
    #[error("the attribute {attribute} is not {expected}")]
    WrongType {
        /// Its name.
        attribute: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// CloudFront takes no longer path.
    #[error("a path of the post has {0} characters, more than CloudFront takes")]
    PathTooLong(usize),
}

impl Post {
    /// Reads a post from an item's image in DynamoDB's JSON; `None` when it does not show on the site: a draft, or
    /// archived.
    ///
    /// Any other status shows, and so does none: a page that stays stale is worse than an invalidation too many.
    pub fn public(image: &Value) -> Result<Option<Self>, PostError> {
        let status = text(image, "status")?.map(|status| status.trim().to_lowercase());
        if matches!(status.as_deref(), Some("draft" | "archived")) {
            return Ok(None);
        }
        Ok(Some(Self {
            slug: text(image, "slug")?.ok_or(PostError::MissingSlug)?,
            author: text(image, "author")?,
            tags: tags(image)?,
        }))
    }
}

/// A string; `None` when it is missing, NULL or empty.
fn text(image: &Value, attribute: &'static str) -> Result<Option<String>, PostError> {
    let Some(value) = attribute_of(image, attribute) else {
        return Ok(None);
    };
    let text = value["S"].as_str().ok_or(PostError::WrongType {
        attribute,
        expected: "a string (S)",
    })?;
    Ok((!text.trim().is_empty()).then(|| text.to_owned()))
}

/// A set or a list of strings, of which empty ones count for nothing.
fn tags(image: &Value) -> Result<BTreeSet<String>, PostError> {
    const ATTRIBUTE: &str = "tags";
    let wrong = || PostError::WrongType {
        attribute: ATTRIBUTE,
        expected: "a set (SS) or a list (L) of strings",
    };
    let Some(value) = attribute_of(image, ATTRIBUTE) else {
        return Ok(BTreeSet::new());
    };
    let tags: Option<BTreeSet<String>> = match (&value["SS"], &value["L"]) {
        (Value::Array(set), _) => set
            .iter()
            .map(|tag| tag.as_str().map(str::to_owned))
            .collect(),
        (_, Value::Array(list)) => {
            let tag = |tag: &Value| tag["S"].as_str().map(str::to_owned);
            list.iter().map(tag).collect()
        }
        _ => None,
    };
    let mut tags = tags.ok_or_else(wrong)?;
    tags.retain(|tag| !tag.trim().is_empty());
    Ok(tags)
}

fn attribute_of<'a>(image: &'a Value, name: &str) -> Option<&'a Value> {
    image.get(name).filter(|value| value["NULL"] != true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn post(image: &Value) -> Result<Option<Post>, PostError> {
        Post::public(image)
    }

    #[test]
    fn a_post_is_read_with_its_tags_as_a_set_or_a_list() {
        for tags in [
            json!({ "SS": ["b", "a"] }),
            json!({ "L": [{ "S": "a" }, { "S": "b" }, { "S": " " }] }),
        ] {
            let image = json!({
                "slug": { "S": "harbour" }, "author": { "S": "ann" }, "tags": tags, "status": { "S": "published" },
                "title": { "S": "The harbour" }, "views": { "N": "3" },
            });
            let expected = Post {
                slug: "harbour".to_owned(),
                author: Some("ann".to_owned()),
                tags: BTreeSet::from(["a".to_owned(), "b".to_owned()]),
            };
            assert_eq!(post(&image), Ok(Some(expected)));
        }
    }

    #[test]
    fn drafts_and_archived_posts_do_not_show_and_everything_else_does() {
        for (status, shows) in [
            (json!({ "S": "draft" }), false),
            (json!({ "S": " Draft " }), false),
            (json!({ "S": "archived" }), false),
            (json!({ "S": "published" }), true),
            (json!({ "S": "featured" }), true),
            (json!({ "NULL": true }), true),
        ] {
            let image = json!({ "slug": { "S": "a" }, "status": status });
            assert_eq!(post(&image).unwrap().is_some(), shows, "{image}");
        }
        assert!(post(&json!({ "slug": { "S": "a" } })).unwrap().is_some());
        // Nobody mends what nobody sees.
        assert_eq!(
            post(&json!({ "status": { "S": "draft" }, "tags": { "N": "1" } })),
            Ok(None)
        );
    }

    #[test]
    fn what_is_no_post_says_why() {
        for image in [
            json!({}),
            json!({ "slug": { "S": "" } }),
            json!({ "slug": { "NULL": true } }),
        ] {
            assert_eq!(post(&image), Err(PostError::MissingSlug));
        }
        for (attribute, value) in [
            ("slug", json!({ "N": "1" })),
            ("status", json!({ "BOOL": true })),
            ("author", json!({ "M": {} })),
            ("tags", json!({ "S": "a" })),
            ("tags", json!({ "NS": ["1"] })),
            ("tags", json!({ "L": [{ "S": "a" }, { "N": "1" }] })),
        ] {
            let mut image = json!({ "slug": { "S": "a" } });
            image[attribute] = value;
            let error = post(&image).unwrap_err();
            assert!(error.to_string().contains(attribute), "{image}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_image_makes_it_panic(name in "slug|status|author|tags", kind in "S|SS|L|N|NULL", value in "[a-z]{0,3}") {
            let _ = post(&json!({ "slug": { "S": "a" }, name: { kind: [value] } }));
        }
    }
}
