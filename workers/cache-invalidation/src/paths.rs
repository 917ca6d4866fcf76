//! Which paths are invalidated for a batch: as few as name everything that may be stale.
//!
//! A path costs $0.005 beyond the first 1,000 of a month, and a wildcard counts as one path (Amazon CloudFront pricing).
//! Its own cost is what it evicts beside: 1,000 pages in 13 regional caches fetched anew from S3 are 13,000 GETs at
//! $0.0004 for 1,000, or $0.0052, a path's price. So by price alone a wildcard wins from the third path on, and readers
//! lose from the first: every page it evicts is slow once. The limit between them is configured, not computed.

use std::collections::BTreeSet;

use crate::post::{Post, PostError};
use crate::template::PathTemplate;

/// "Each path has at most 4,000 characters": Amazon CloudFront Developer Guide, on invalidating files.
const MAX_PATH_CHARS: usize = 4_000;

/// Everything on the site that shows the post.
pub(crate) fn of_post(
    templates: &[PathTemplate],
    post: &Post,
) -> Result<BTreeSet<String>, PostError> {
    let paths: BTreeSet<String> = templates
        .iter()
        .flat_map(|template| template.paths(post))
        .collect();
    match paths.iter().map(String::len).max() {
        Some(length) if length > MAX_PATH_CHARS => Err(PostError::PathTooLong(length)),
        _ => Ok(paths),
    }
}

/// `paths` with a wildcard in place of all that begin like one, where those are more than `wildcard_above`.
pub(crate) fn coalesced(
    mut paths: BTreeSet<String>,
    templates: &[PathTemplate],
    wildcard_above: usize,
) -> BTreeSet<String> {
    let mut wildcards: Vec<String> = templates
        .iter()
        .filter_map(PathTemplate::wildcard)
        .collect();
    // The narrow ones first: `/posts/*` may be enough where `/*` would be meant by another template.
    wildcards.sort_unstable_by_key(|wildcard| std::cmp::Reverse(wildcard.len()));
    for wildcard in wildcards {
        let prefix = wildcard.trim_end_matches('*');
        let covered = paths.iter().filter(|path| path.starts_with(prefix)).count();
        if covered > wildcard_above {
            paths.retain(|path| !path.starts_with(prefix));
            paths.insert(wildcard);
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Config, MAX_TEMPLATES, MAX_WILDCARD_ABOVE};

    fn templates() -> Vec<PathTemplate> {
        Config::from_env(&[("DISTRIBUTION_ID", "E1EXAMPLE")])
            .unwrap()
            .paths
    }

    fn post(slug: &str, tags: &[&str]) -> Post {
        Post {
            slug: slug.to_owned(),
            author: Some("ann".to_owned()),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        }
    }

    fn all(posts: &[Post]) -> BTreeSet<String> {
        posts
            .iter()
            .flat_map(|post| of_post(&templates(), post).unwrap())
            .collect()
    }

    #[test]
    fn a_post_shows_on_its_page_and_on_every_list() {
        insta::assert_debug_snapshot!(all(&[post("harbour", &["sea", "boats"])]), @r#"
        {
            "/",
            "/authors/ann",
            "/feed.xml",
            "/index.html",
            "/posts/harbour",
            "/posts/harbour/",
            "/sitemap.xml",
            "/tags/boats",
            "/tags/sea",
        }
        "#);
    }

    #[test]
    fn many_of_a_kind_become_a_wildcard_and_the_others_stay() {
        let posts: Vec<Post> = (0..6)
            .map(|number| post(&format!("p{number}"), &["sea"]))
            .collect();
        assert_eq!(coalesced(all(&posts), &templates(), 12), all(&posts));
        insta::assert_debug_snapshot!(coalesced(all(&posts), &templates(), 11), @r#"
        {
            "/",
            "/authors/ann",
            "/feed.xml",
            "/index.html",
            "/posts/*",
            "/sitemap.xml",
            "/tags/sea",
        }
        "#);
    }

    #[test]
    fn a_template_at_the_root_coalesces_to_everything() {
        let templates = ["/{slug}", "/tags/{tag}"].map(|text| text.parse().unwrap());
        let paths = BTreeSet::from(["/a", "/b", "/tags/x", "/tags/y"].map(str::to_owned));
        let coalesced = |above| coalesced(paths.clone(), &templates, above);
        assert_eq!(coalesced(4), paths);
        // The tags alone are enough of a kind, and then too few are left for the rest.
        assert_eq!(coalesced(1), BTreeSet::from(["/*".to_owned()]));
        assert_eq!(coalesced(3), BTreeSet::from(["/*".to_owned()]));
    }

    #[test]
    fn a_path_that_cloudfront_does_not_take_is_an_error_of_its_post() {
        let long = "é".repeat(MAX_PATH_CHARS / 6);
        let result = of_post(&templates(), &post(&long, &[]));
        assert!(
            matches!(result, Err(PostError::PathTooLong(_))),
            "{result:?}"
        );
    }

    proptest! {
        #[test]
        fn every_path_stays_covered_and_the_quotas_are_kept(
            slugs in prop::collection::btree_set("[a-c]{1,4}", 0..60),
            tags in prop::collection::btree_set("[a-c]{1,2}", 0..12),
            above in 1_usize..40,
        ) {
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            let posts: Vec<Post> = slugs.iter().map(|slug| post(slug, &tags)).collect();
            let paths = all(&posts);
            let few = coalesced(paths.clone(), &templates(), above);
            for path in &paths {
                let is_covered = few.iter().any(|one| match one.strip_suffix('*') {
                    Some(prefix) => path.starts_with(prefix),
                    None => one == path,
                });
                prop_assert!(is_covered, "{}", path);
            }
            prop_assert!(few.len() <= paths.len());
            let (wild, exact): (Vec<_>, Vec<_>) = few.iter().partition(|path| path.ends_with('*'));
            prop_assert!(wild.len() <= MAX_TEMPLATES);
            prop_assert!(exact.len() <= MAX_TEMPLATES * above);
        }
    }

    /// Quotas on what may be in progress in one distribution, "Quotas" in the Amazon CloudFront Developer Guide: so no
    /// invalidation has to be split.
    const _: () = assert!(MAX_TEMPLATES <= 15 && MAX_TEMPLATES * MAX_WILDCARD_ABOVE <= 3_000);
}
