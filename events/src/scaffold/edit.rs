//! Lines that a new worker has in files that were there before.

use std::cmp::Ordering;

/// Inserts `line` into the list that begins behind the line `heading` and ends at an empty line, among lines that are in
/// the order of their first words. `None` when there is no such list, or the line is there.
pub(super) fn sorted_into(text: &str, heading: &str, line: &str) -> Option<String> {
    let begin = behind(text, heading)?;
    let list = text.get(begin..)?;
    let mut at = begin;
    for standing in list.split_inclusive('\n') {
        if standing.trim().is_empty() {
            break;
        }
        let is_comment = standing.starts_with('#');
        if !is_comment {
            match first_word(standing).cmp(first_word(line)) {
                Ordering::Less => {}
                Ordering::Equal => return None,
                Ordering::Greater => break,
            }
        }
        at += standing.len();
    }
    inserted(text, at, &format!("{line}\n"))
}

/// Inserts `mod NAME;` among the modules, where rustfmt wants it.
pub(super) fn module(text: &str, name: &str) -> Option<String> {
    let mut at = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let standing = line
            .strip_prefix("mod ")
            .and_then(|rest| rest.trim_end().strip_suffix(';'));
        match standing {
            Some(standing) => match standing.cmp(name) {
                Ordering::Less => at = Some(offset + line.len()),
                Ordering::Equal => return None,
                Ordering::Greater => {
                    at = at.or(Some(offset));
                    break;
                }
            },
            None if at.is_some() => break,
            None => {}
        }
        offset += line.len();
    }
    inserted(text, at?, &format!("mod {name};\n"))
}

/// Inserts `addition` before the line that begins with `anchor`.
pub(super) fn before(text: &str, anchor: &str, addition: &str) -> Option<String> {
    let at = match text.find(&format!("\n{anchor}")) {
        Some(line_break) => line_break + 1,
        None => text.starts_with(anchor).then_some(0)?,
    };
    inserted(text, at, addition)
}

/// Inserts `addition` after the line that begins with `anchor`.
pub(super) fn after(text: &str, anchor: &str, addition: &str) -> Option<String> {
    let at = behind(text, anchor)?;
    inserted(text, at, addition)
}

/// Inserts an import behind those that are there, and among those that come from the same folder in their order.
pub(super) fn import(text: &str, folder: &str, line: &str) -> Option<String> {
    let mut at = None;
    let mut offset = 0;
    for standing in text.split_inclusive('\n') {
        offset += standing.len();
        let Some(from) = imported(standing) else {
            continue;
        };
        if from.starts_with(folder) && Some(from) > imported(line) {
            at = at.or(Some(offset - standing.len()));
            break;
        }
        at = Some(offset);
    }
    inserted(text, at?, &format!("{line}\n"))
}

/// Where an import's last line imports from.
fn imported(line: &str) -> Option<&str> {
    let ends = line.starts_with("import ") || line.starts_with("} from ");
    let from = line.trim_end().strip_suffix("';")?;
    ends.then(|| from.rsplit_once('\''))
        .flatten()
        .map(|(_, from)| from)
}

/// The end of the line that begins with `anchor`.
fn behind(text: &str, anchor: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        offset += line.len();
        if line.starts_with(anchor) {
            return Some(offset);
        }
    }
    None
}

fn inserted(text: &str, at: usize, addition: &str) -> Option<String> {
    Some([text.get(..at)?, addition, text.get(at..)?].concat())
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_goes_where_it_belongs_in_its_list() {
        let text = "[dependencies]\nb = 1\n# About d.\nd = 1\n\n[other]\nc = 1\n";
        let add = |line: &str| sorted_into(text, "[dependencies]", line);
        let first = add("a = 2").unwrap();
        assert!(
            first.starts_with("[dependencies]\na = 2\nb = 1\n"),
            "{first}"
        );
        let last = add("e = 2").unwrap();
        assert!(last.contains("d = 1\ne = 2\n\n[other]"), "{last}");
        assert_eq!(add("b = 2"), None);
        assert_eq!(sorted_into(text, "[missing]", "a = 2"), None);
    }

    #[test]
    fn a_module_goes_where_rustfmt_wants_it() {
        let text = "//! Doc.\n\nmod a10;\nmod a2;\nmod a_b;\nmod c;\n\nuse x;\n\nmod tests;\n";
        for (name, around) in [
            ("a", "\n\nmod a;\nmod a10;\n"),
            ("a3", "\nmod a2;\nmod a3;\nmod a_b;\n"),
            ("ab", "\nmod a_b;\nmod ab;\nmod c;\n"),
            ("d", "\nmod c;\nmod d;\n\nuse x;"),
        ] {
            let text = module(text, name).unwrap();
            assert!(text.contains(around), "{text}");
        }
        assert_eq!(module(text, "c"), None);
        assert_eq!(module("//! No modules.\n", "a"), None);
    }

    #[test]
    fn an_anchor_that_is_gone_is_noticed() {
        assert_eq!(before("a\nb\n", "b", "x\n").unwrap(), "a\nx\nb\n");
        assert_eq!(before("b\n", "b", "x\n").unwrap(), "x\nb\n");
        assert_eq!(after("a\nb\n", "a", "x\n").unwrap(), "a\nx\nb\n");
        assert_eq!(before("a b\n", "b", "x\n"), None);
        assert_eq!(after("a b\n", "b", "x\n"), None);
    }

    #[test]
    fn an_import_goes_behind_the_others_and_among_its_own() {
        let text = "import { A } from 'a';\nimport {\n  B,\n} from './b.ts';\n\nimport('x');\n";
        let one = import(text, "./workers/", "import { m } from './workers/m.ts';").unwrap();
        assert!(
            one.contains("'./b.ts';\nimport { m } from './workers/m.ts';\n\n"),
            "{one}"
        );
        let two = import(&one, "./workers/", "import { k } from './workers/k.ts';").unwrap();
        assert!(two.contains("k.ts';\nimport { m }"), "{two}");
        let three = import(&two, "./workers/", "import { z } from './workers/z.ts';").unwrap();
        assert!(
            three.contains("m.ts';\nimport { z } from './workers/z.ts';\n\n"),
            "{three}"
        );
    }
}
