//! What was added, for people.

use std::io::{self, Write};

use super::report::Report;
use crate::terminal::Style;

/// Prints the new files, the lines in the old ones, and the commands to go on with.
pub fn print(report: &Report, out: &mut impl Write, style: Style) -> io::Result<()> {
    let Report { worker, .. } = report;
    let (title, created, edited) = if report.dry_run {
        ("would be added", "would be created", "would be added to")
    } else {
        ("is added", "created", "added to")
    };
    writeln!(
        out,
        "{}",
        style.bold(&format!("The worker {worker} {title}."))
    )?;
    writeln!(out)?;
    for path in &report.created {
        writeln!(out, "{} {path}", style.green(created))?;
    }
    for file in &report.edited {
        writeln!(out, "{} {}", style.yellow(edited), file.path)?;
        for line in &file.added {
            writeln!(out, "    {}", style.dim(&format!("+ {line}")))?;
        }
    }
    writeln!(out)?;
    writeln!(out, "{}", style.bold("Next:"))?;
    for command in &report.next {
        writeln!(out, "  {command}")?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "It works as it stands. workers/{worker}/README.md says what to put in its place."
    )
}
