//! Writes a plan, or nothing of it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::plan::{EditedFile, NewFile, Plan};

/// A file could not be written. Everything that was is taken back.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be written, so nothing was: {source}")]
pub struct WriteError {
    /// Which file.
    path: String,
    /// Why.
    source: io::Error,
}

/// Writes all that is planned.
pub fn write(plan: &Plan) -> Result<(), WriteError> {
    let mut done = Done::default();
    let result = write_all(plan, &mut done);
    if result.is_err() {
        done.undo(plan);
    }
    result
}

fn write_all(plan: &Plan, done: &mut Done) -> Result<(), WriteError> {
    for file in &plan.created {
        create(&plan.root, file, done).map_err(|source| WriteError {
            path: file.path.clone(),
            source,
        })?;
    }
    for (index, file) in plan.edited.iter().enumerate() {
        replace(&plan.root.join(file.path), &file.before, &file.after).map_err(|source| {
            WriteError {
                path: file.path.to_owned(),
                source,
            }
        })?;
        done.edited = index + 1;
    }
    Ok(())
}

/// What was done so far.
#[derive(Debug, Default)]
struct Done {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    edited: usize,
}

impl Done {
    /// Takes it back. What cannot be is left: the error that made it necessary says more than this one would.
    fn undo(self, plan: &Plan) {
        for EditedFile {
            path,
            before,
            after,
            ..
        } in plan.edited.iter().take(self.edited)
        {
            let _ = replace(&plan.root.join(path), after, before);
        }
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn create(root: &Path, file: &NewFile, done: &mut Done) -> io::Result<()> {
    let path = root.join(&file.path);
    let missing: Vec<&Path> = path
        .ancestors()
        .skip(1)
        .take_while(|folder| !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder)?;
        done.folders.push(folder.to_owned());
    }
    let mut created = File::create_new(&path)?;
    done.files.push(path);
    created.write_all(file.text.as_bytes())
}

/// Replaces a file's text in one step, if it still is `before`.
fn replace(path: &Path, before: &str, after: &str) -> io::Result<()> {
    if fs::read_to_string(path)? != before {
        return Err(io::Error::other("somebody else changed it just now"));
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = File::create_new(&beside).and_then(|mut file| {
        file.write_all(after.as_bytes())?;
        file.set_permissions(fs::metadata(path)?.permissions())?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Lets Cargo note the new crates in `Cargo.lock`, and says whether it did. They bring no dependency that is not there, so
/// it needs no network. Until it has, every command with `--locked` fails.
pub fn lock(root: &Path) -> bool {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    Command::new(cargo)
        .args(["update", "--workspace", "--offline", "--quiet"])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaffold::NewSource;

    fn plan(root: &Path) -> Plan {
        fs::write(root.join("old"), "old").unwrap();
        fs::create_dir(root.join("there")).unwrap();
        Plan {
            root: root.to_owned(),
            name: "orders".parse().unwrap(),
            source: NewSource::Sqs,
            created: vec![
                NewFile {
                    path: "there/a".to_owned(),
                    text: "a".to_owned(),
                },
                NewFile {
                    path: "new/deep/b".to_owned(),
                    text: "b".to_owned(),
                },
            ],
            edited: vec![EditedFile {
                path: "old",
                before: "old".to_owned(),
                after: "older".to_owned(),
                added: Vec::new(),
            }],
        }
    }

    fn files(root: &Path) -> Vec<String> {
        let mut files: Vec<String> = fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }

    #[test]
    fn everything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(&plan(root)).unwrap();
        assert_eq!(fs::read_to_string(root.join("new/deep/b")).unwrap(), "b");
        assert_eq!(fs::read_to_string(root.join("old")).unwrap(), "older");
        assert_eq!(files(root), ["new", "old", "there"]);
    }

    #[test]
    fn what_fails_halfway_leaves_nothing() {
        let breaks: [fn(&mut Plan); 3] = [
            // Another edit than the last fails.
            |plan| {
                let mut second = plan.edited[0].clone();
                second.path = "there";
                plan.edited.push(second);
            },
            // Somebody changed the file since.
            |plan| plan.edited[0].before = "other".to_owned(),
            // A new file is there.
            |plan| plan.created.push(plan.created[0].clone()),
        ];
        for break_it in breaks {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            let mut plan = plan(root);
            break_it(&mut plan);
            assert!(write(&plan).is_err());
            assert_eq!(files(root), ["old", "there"]);
            assert_eq!(files(&root.join("there")), [""; 0]);
            assert_eq!(fs::read_to_string(root.join("old")).unwrap(), "old");
        }
    }
}
