//! Other processes: whether one is still the one we started, and ending it with all that it started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long a process has between the request to end and the end.
pub(super) const GRACE: Duration = Duration::from_secs(5);

const POLL: Duration = Duration::from_millis(20);

/// When a process began, as text that no other process of the same number has; `None` when there is none, or only its
/// zombie.
///
/// On Linux it is the boot and the clock tick (`proc_pid_stat(5)`, field 22); elsewhere the second, as `ps` tells it.
pub(super) fn began(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let stat = Stat::read(pid)?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        return (!stat.is_zombie()).then(|| format!("{}/{}", boot.trim(), stat.start));
    }
    let output = Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
        .env("LC_ALL", "C")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (state, start) = text.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| start.trim().to_owned())
}

/// Whether the process of this number is the one that [`began`] then.
pub(super) fn is_same(pid: u32, then: &str) -> bool {
    began(pid).is_some_and(|now| now == then)
}

/// Ends a process that leads a session, and whatever it started within: first it is asked, then nobody is.
///
/// The caller has made sure that `leader` is what it takes it for. True when the leader ended by itself.
pub(super) fn end_session(leader: u32, then: &str) -> bool {
    let Some(pid) = number(leader) else {
        return true;
    };
    // A process that is gone has ended.
    let _ = kill_process(pid, Signal::TERM);
    let ended = wait_until(GRACE, || !is_same(leader, then));
    if !ended {
        let _ = kill_process(pid, Signal::KILL);
    }
    // The group's number stays taken as long as anybody is in it, so this meets no stranger.
    let _ = kill_process_group(pid, Signal::KILL);
    wait_until(GRACE, || {
        !is_same(leader, then) && session(leader).is_empty()
    });
    ended
}

/// Ends a program that we started in a group of its own, and that did not end yet.
pub(super) fn end_group(leader: u32, grace: Duration, mut has_ended: impl FnMut() -> bool) {
    let Some(pid) = number(leader) else { return };
    let _ = kill_process_group(pid, Signal::TERM);
    if !wait_until(grace, &mut has_ended) {
        let _ = kill_process_group(pid, Signal::KILL);
        wait_until(GRACE, has_ended);
    }
}

/// Ends what a dead leader left behind: the processes of its session that run a file below `folder`.
///
/// With the leader gone and its session empty, the number may be a stranger's session by now. Whoever runs a file
/// that only we put there is none.
pub(super) fn end_orphans(leader: u32, folder: &Path) {
    for pid in session(leader) {
        let is_ours = executable(pid).is_some_and(|path| path.starts_with(folder));
        if is_ours && let Some(pid) = number(pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The living processes of a session, on Linux; elsewhere none is known.
fn session(leader: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&pid| {
            Stat::read(pid).is_some_and(|stat| stat.session == leader && !stat.is_zombie())
        })
        .collect()
}

fn executable(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn number(pid: u32) -> Option<Pid> {
    // 0 and 1 are no process of ours: as numbers of groups they mean everybody.
    Pid::from_raw(i32::try_from(pid).ok()?).filter(|pid| pid.as_raw_nonzero().get() > 1)
}

fn wait_until(patience: Duration, mut happened: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    loop {
        if happened() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// What `/proc/PID/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: String,
    session: u32,
    start: String,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(line: &str) -> Option<Self> {
        // The second field is the program's name in parentheses, and may hold parentheses and spaces itself.
        let (_, fields) = line.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // `fields` begins with the third field of proc_pid_stat(5).
        Some(Self {
            state: (*fields.first()?).to_owned(),
            session: fields.get(3)?.parse().ok()?,
            start: (*fields.get(19)?).to_owned(),
        })
    }

    fn is_zombie(&self) -> bool {
        self.state == "Z" || self.state == "X"
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _};
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{self, Stdio};

    use super::*;

    #[test]
    fn a_name_with_parentheses_moves_no_field() {
        let line =
            "4242 (a) b (c)) S 1 4240 4241 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 4 0 987654 0 0";
        assert_eq!(
            Stat::parse(line),
            Some(Stat {
                state: "S".to_owned(),
                session: 4241,
                start: "987654".to_owned(),
            })
        );
        assert_eq!(Stat::parse("4242 (a) S 1"), None);
    }

    #[test]
    fn this_process_is_the_same_and_another_beginning_is_not() {
        let pid = process::id();
        let began = began(pid).unwrap();
        assert!(is_same(pid, &began));
        assert!(!is_same(pid, "another boot/1"));
    }

    #[test]
    fn a_zombie_is_no_process() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        assert!(wait_until(GRACE, || began(pid).is_none()), "{pid}");
        assert!(Stat::read(pid).is_some(), "nobody has waited for it yet");
        child.wait().unwrap();
    }

    #[test]
    fn a_group_that_ignores_the_request_ends_all_the_same() {
        let mut child = Command::new("sh")
            .args(["-c", "trap '' TERM; echo ready; sleep 60; sleep 60"])
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut ready = [0; 5];
        child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
        end_group(child.id(), POLL, || child.try_wait().unwrap().is_some());
        assert_eq!(child.try_wait().unwrap().unwrap().signal(), Some(9));
    }

    #[test]
    fn an_orphan_is_ended_only_when_it_runs_a_file_of_ours() {
        let place = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(place.path()).unwrap();
        let program = folder.join("bootstrap");
        fs::copy("/bin/sleep", &program).unwrap();
        // Another test's child may hold the copy open for writing until it begins itself.
        let mut ours = loop {
            match Command::new(&program).arg("60").spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::sleep(POLL),
                spawned => break spawned.unwrap(),
            }
        };
        let mut strangers = Command::new("/bin/sleep").arg("60").spawn().unwrap();
        // Both are in the session of this test.
        let session = Stat::read(process::id()).unwrap().session;
        assert!(
            wait_until(GRACE, || executable(ours.id()).as_deref()
                == Some(&*program)),
            "it started"
        );
        end_orphans(session, &folder);
        assert!(!ours.wait().unwrap().success());
        assert_eq!(strangers.try_wait().unwrap(), None);
        strangers.kill().unwrap();
        strangers.wait().unwrap();
    }
}
