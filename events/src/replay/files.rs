//! Files of captured events.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::run::UsageError;

/// Where objects lie beside events.
const OBJECTS: &str = "objects";

/// Largest file of events that is read, in bytes. One event of Lambda has at most 6 MB.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// The files of events at `paths`: files as they are named, folders with everything below them whose name ends in `.json`
/// or `.jsonl`, in order of names. Skips hidden folders, folders of objects, and the output folders of replays.
pub fn event_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, UsageError> {
    let mut files = Vec::new();
    for path in paths {
        let unreadable = |source| UsageError::Unreadable {
            path: path.display().to_string(),
            source,
        };
        if path.metadata().map_err(unreadable)?.is_dir() {
            let before = files.len();
            walk(path, &mut files).map_err(unreadable)?;
            if files.len() == before {
                return Err(UsageError::NoEvents(path.display().to_string()));
            }
        } else {
            files.push(path.clone());
        }
    }
    for path in &files {
        // Before anything runs, so that a replay of many is not stopped half way.
        File::open(path).map_err(|source| UsageError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.');
        // Links to folders are not followed: they may lead back up.
        if entry.file_type()?.is_dir() {
            if !hidden && name != OBJECTS && !path.join(".flotilla").exists() {
                walk(&path, files)?;
            }
        } else if !hidden && path.is_file() && is_event_file(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_event_file(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json" || extension == "jsonl")
}

/// The nearest folder named `objects` beside a file or beside one of the folders above it.
pub fn nearest_objects(file: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(file).ok()?;
    absolute
        .ancestors()
        .skip(1)
        .map(|folder| folder.join(OBJECTS))
        .find(|objects| objects.is_dir())
}

/// The events in a file: one, an array of them, or one a line. What is not JSON is an error in its place, and the rest goes on.
pub fn events_in(path: &Path) -> Vec<Result<Value, String>> {
    let mut text = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text));
    match read {
        Err(error) => vec![Err(format!("the file cannot be read: {error}"))],
        Ok(length) if u64::try_from(length).is_ok_and(|length| length > MAX_FILE_BYTES) => {
            vec![Err(format!(
                "the file has more than {MAX_FILE_BYTES} bytes"
            ))]
        }
        Ok(_) => events(&text),
    }
}

fn events(text: &[u8]) -> Vec<Result<Value, String>> {
    // A mark that Windows editors put before UTF-8, and that JSON does not allow.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let error = match serde_json::from_slice::<Value>(text) {
        Ok(Value::Array(events)) => return events.into_iter().map(Ok).collect(),
        Ok(event) => return vec![Ok(event)],
        Err(error) => error,
    };
    let lines: Vec<Result<Value, String>> = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(|error| not_json(&error)))
        .collect();
    // A broken indented file also has lines that are JSON, such as `1` or `]`; an event is an object.
    let is_event = |line: &Result<Value, String>| line.as_ref().is_ok_and(Value::is_object);
    if lines.len() > 1 && lines.iter().any(is_event) {
        lines
    } else {
        vec![Err(not_json(&error))]
    }
}

fn not_json(error: &serde_json::Error) -> String {
    format!("the event is not JSON: {error}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_holds_one_event_or_an_array_or_lines() {
        assert_eq!(events(b"{\"a\":1}"), [Ok(json!({"a": 1}))]);
        assert_eq!(events(b"\xef\xbb\xbf{}"), [Ok(json!({}))]);
        assert_eq!(
            events(b" [ {\"a\":1}, 2 ]"),
            [Ok(json!({"a": 1})), Ok(json!(2))]
        );
        assert_eq!(
            events(b"{}\r\n\n{\"b\":2}\n"),
            [Ok(json!({})), Ok(json!({"b": 2}))]
        );
    }

    #[test]
    fn a_line_that_is_not_json_does_not_hide_the_others() {
        let events = events(b"{}\n{\"a\":\n{}");
        assert_eq!(events.len(), 3);
        assert!(events[0].is_ok() && events[1].is_err() && events[2].is_ok());
    }

    #[test]
    fn a_broken_file_is_one_error() {
        for text in [
            &b""[..],
            b"hello",
            b"{\n\"a\": [\n1\n]\n",
            b"\xff\xfe{\0}\0",
        ] {
            let events = events(text);
            assert_eq!(events.len(), 1, "{events:?}");
            assert!(events[0].is_err(), "{events:?}");
        }
    }

    #[test]
    fn a_folder_gives_its_events_in_order_of_names_without_objects_and_outputs() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.json",
            "a/2.jsonl",
            "a/1.json",
            "a/notes.txt",
            "objects/x.json",
            "out/history/x.json",
            ".hidden/x.json",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        fs::create_dir(folder.path().join("out/.flotilla")).unwrap();
        let files = event_files(&[folder.path().to_owned()]).unwrap();
        let expected = ["a/1.json", "a/2.jsonl", "b.json"];
        assert_eq!(files, expected.map(|name| folder.path().join(name)));
        assert_eq!(
            nearest_objects(&files[0]),
            Some(folder.path().join("objects"))
        );
    }

    #[test]
    fn a_path_that_leads_nowhere_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.json");
        let error = event_files(std::slice::from_ref(&missing)).unwrap_err();
        assert!(error.to_string().contains("missing.json"), "{error}");
        let error = event_files(&[folder.path().to_owned()]).unwrap_err();
        assert!(matches!(error, UsageError::NoEvents(_)), "{error}");
    }
}
