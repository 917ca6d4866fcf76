//! A replay as text, for people.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use super::event::{Replay, ReplayedEvent, ReplayedRecord};
use crate::stand_ins::{Effect, EffectKind};
use crate::terminal::{Style, amount, bytes, count, visible};

/// How many folders with effects are listed for one event; the report has all.
const LISTED_FOLDERS: usize = 8;

/// After this time a silent replay says that it goes on.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it says so.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Prints events as they end, then the sums.
#[derive(Debug)]
pub struct Printer<W> {
    writer: W,
    style: Style,
}

impl<W: Write> Printer<W> {
    /// Prints to `writer`.
    pub fn new(writer: W, style: Style) -> Self {
        Self { writer, style }
    }

    /// One event: where it came from, each record's fate, what changed.
    pub fn event(&mut self, event: &ReplayedEvent) -> io::Result<()> {
        let style = self.style;
        let place = if event.index > 0 {
            format!("{} [{}]", event.file, event.index)
        } else {
            event.file.clone()
        };
        let worker = event.worker.unwrap_or("no worker");
        let circumstances = format!("{worker} · {} · {} ms", event.route, event.elapsed_ms);
        writeln!(
            self.writer,
            "{}  {}",
            style.bold(&visible(&place)),
            style.dim(&visible(&circumstances))
        )?;
        for record in &event.records {
            self.record(record)?;
        }
        if let Some(error) = &event.error {
            let line = format!("the function fails: {}", visible(error));
            writeln!(self.writer, "    {}", style.yellow(&line))?;
        }
        self.effects(event)?;
        writeln!(self.writer)
    }

    fn record(&mut self, record: &ReplayedRecord) -> io::Result<()> {
        let fate = format!("{:<8}", record.fate);
        let fate = match record.fate {
            "done" => self.style.green(&fate),
            "rejected" => self.style.red(&fate),
            _ => self.style.yellow(&fate),
        };
        writeln!(
            self.writer,
            "  {fate} {:<12} {}",
            visible(&record.kind),
            visible(&record.subject)
        )?;
        let reason = visible(&record.reason);
        writeln!(self.writer, "  {:21} {}", "", self.style.dim(&reason))
    }

    fn effects(&mut self, event: &ReplayedEvent) -> io::Result<()> {
        if let Some(counts) = &event.counts {
            let counted: Vec<String> = counts
                .iter()
                .filter(|count| count.value != 0.0)
                .map(|count| {
                    format!(
                        "{} {}",
                        visible(&count.name),
                        amount(&count.name, count.value)
                    )
                })
                .collect();
            if counted.is_empty() {
                return Ok(());
            }
            return writeln!(self.writer, "    # counted {}", counted.join(", "));
        }
        if event.effects.is_empty() {
            let line = self.style.dim("= no new effects");
            return writeln!(self.writer, "    {line}");
        }
        let folders = by_folder(&event.effects);
        for ((kind, folder), effects) in folders.iter().take(LISTED_FOLDERS) {
            let (sign, verb, noun) = words(*kind);
            let [effect] = effects.as_slice() else {
                let many = count(effects.len(), noun);
                let folder = visible(folder);
                writeln!(self.writer, "    {sign} {verb} {many}: {folder}")?;
                let names: Vec<String> =
                    effects.iter().map(|effect| name_and_size(effect)).collect();
                writeln!(self.writer, "        {}", self.style.dim(&names.join(", ")))?;
                continue;
            };
            let name = format!("{}{}", visible(folder), name_and_size(effect));
            writeln!(self.writer, "    {sign} {verb} {noun} {name}")?;
        }
        let rest: usize = folders.values().skip(LISTED_FOLDERS).map(Vec::len).sum();
        if rest > 0 {
            let line = format!(
                "... and {}; the report has them all",
                count(rest, "more effect")
            );
            writeln!(self.writer, "    {}", self.style.dim(&line))?;
        }
        Ok(())
    }

    /// The sums, and where the report is.
    pub fn summary(&mut self, replay: &Replay) -> io::Result<()> {
        let totals = &replay.totals;
        let effects = if let Some(place) = &replay.against {
            format!("what changed lies in {}", visible(place))
        } else if totals.effects == 0 {
            "no new effects".to_owned()
        } else {
            [
                (totals.objects_written, "object", "written"),
                (totals.objects_deleted, "object", "deleted"),
                (totals.mails_sent, "mail", "sent"),
                (totals.rejections_kept, "rejection", "kept"),
                (totals.items_written, "item", "written"),
                (totals.events_published, "event", "published"),
                (totals.paths_invalidated, "invalidation", "made"),
            ]
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, noun, verb)| format!("{} {verb}", count(number, noun)))
            .collect::<Vec<_>>()
            .join(", ")
        };
        writeln!(
            self.writer,
            "{}, {}: {} done, {} rejected, {} to retry; {effects}; {} ms",
            self.style.bold(&count(totals.events, "event")),
            count(totals.records, "record"),
            totals.done,
            totals.rejected,
            totals.retry,
            totals.elapsed_ms,
        )?;
        if replay.against.is_some() && replay.objects.is_empty() {
            if records(replay).any(|record| record.kind == "gone" || record.kind == "denied") {
                let hint = "A function reads what an event names where it is deployed: captured events name the buckets of \
                            another account, and --put-objects names the stack's own instead";
                writeln!(self.writer, "{}", self.style.yellow(hint))?;
            }
        } else if replay.objects.is_empty() {
            let hint = "There was no folder of source objects: name one with --objects";
            writeln!(self.writer, "{}", self.style.yellow(hint))?;
        } else if records(replay).any(|record| record.kind == "gone") {
            let hint = format!(
                "What is gone was looked for in {}, as BUCKET/KEY and as KEY",
                replay.objects.join(", ")
            );
            writeln!(self.writer, "{}", self.style.yellow(&hint))?;
        }
        writeln!(self.writer, "Report: {}", replay.report)
    }
}

fn records(replay: &Replay) -> impl Iterator<Item = &ReplayedRecord> {
    replay.events.iter().flat_map(|event| &event.records)
}

/// Effects of one kind in one folder: a photo has many thumbnails, and their keys differ in the end only.
fn by_folder(effects: &[Effect]) -> BTreeMap<(EffectKind, &str), Vec<&Effect>> {
    let mut folders: BTreeMap<_, Vec<&Effect>> = BTreeMap::new();
    for effect in effects {
        let end = effect.name.rfind('/').map_or(0, |slash| slash + 1);
        let folder = effect.name.get(..end).unwrap_or_default();
        folders
            .entry((effect.kind, folder))
            .or_default()
            .push(effect);
    }
    for effects in folders.values_mut() {
        // 128 before 1024.
        effects.sort_by_key(|effect| (effect.name.len(), &effect.name));
    }
    folders
}

fn words(kind: EffectKind) -> (char, &'static str, &'static str) {
    match kind {
        EffectKind::ObjectWritten => ('+', "wrote", "object"),
        EffectKind::ObjectDeleted => ('-', "deleted", "object"),
        EffectKind::MailSent => ('+', "sent", "mail"),
        EffectKind::RejectionKept => ('+', "kept", "rejection"),
        EffectKind::ItemWritten => ('+', "wrote", "item"),
        EffectKind::EventPublished => ('+', "published", "event"),
        EffectKind::PathsInvalidated => ('+', "made", "invalidation"),
    }
}

fn name_and_size(effect: &Effect) -> String {
    let name = effect.name.rsplit('/').next().unwrap_or_default();
    match effect.kind {
        EffectKind::ObjectDeleted => visible(name),
        _ => format!("{} {}", visible(name), bytes(effect.bytes)),
    }
}

/// Says on standard error how far a silent replay is, once it has taken a while, and only to a person.
#[derive(Debug)]
pub struct Progress {
    watched: bool,
    shown: bool,
    next: Instant,
}

impl Progress {
    /// The progress of a replay that prints nothing else to the terminal when `silent`.
    pub fn new(silent: bool) -> Self {
        Self {
            watched: silent && io::stderr().is_terminal(),
            shown: false,
            next: Instant::now() + PATIENCE,
        }
    }

    /// So many files of all are behind.
    pub fn tell(&mut self, behind: usize, all: usize) {
        let now = Instant::now();
        if self.watched && now >= self.next {
            self.next = now + PROGRESS_INTERVAL;
            self.shown = true;
            // Nobody to tell is no reason to stop.
            let _ = write!(io::stderr(), "\r{behind} of {all} files\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Totals;

    fn printed(event: &ReplayedEvent) -> String {
        printed_from(&[], event)
    }

    fn printed_from(objects: &[&str], event: &ReplayedEvent) -> String {
        let mut text = Vec::new();
        let mut printer = Printer::new(&mut text, Style::plain());
        printer.event(event).unwrap();
        let replay = Replay {
            version: Replay::VERSION,
            events: vec![event.clone()],
            totals: Totals::of(std::slice::from_ref(event)),
            objects: objects.iter().map(ToString::to_string).collect(),
            report: "out/report.html".to_owned(),
            against: None,
        };
        printer.summary(&replay).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn an_event_is_told_with_fates_and_effects() {
        let mut event = ReplayedEvent::unhandled("a.json", 1);
        event.rejected("not-json", "not\n\x1b[31m JSON".to_owned());
        let effect = |kind, name: &str| Effect {
            kind,
            name: name.to_owned(),
            bytes: 1_234,
            content_type: String::new(),
            path: String::new(),
        };
        event.effects = vec![
            effect(EffectKind::ObjectWritten, "s3://b/k/1024.jpg"),
            effect(EffectKind::ObjectWritten, "s3://b/k/128.jpg"),
            effect(EffectKind::ObjectDeleted, "s3://b/x"),
            effect(EffectKind::RejectionKept, "x/1"),
        ];
        insta::assert_snapshot!(printed(&event), @r"
        a.json [1]  no worker · unknown · 0 ms
          rejected not-json     a.json
                                not\n\u{1b}[31m JSON
            + wrote 2 objects: s3://b/k/
                128.jpg 1.2 kB, 1024.jpg 1.2 kB
            - deleted object s3://b/x
            + kept rejection x/1 1.2 kB

        1 event, 1 record: 0 done, 1 rejected, 0 to retry; 2 objects written, 1 object deleted, 1 rejection kept; 0 ms
        There was no folder of source objects: name one with --objects
        Report: out/report.html
        ");
    }

    #[test]
    fn an_event_without_effects_says_so() {
        let event = ReplayedEvent::unhandled("a.json", 0);
        insta::assert_snapshot!(printed(&event), @r"
        a.json  no worker · unknown · 0 ms
            = no new effects

        1 event, 0 records: 0 done, 0 rejected, 0 to retry; no new effects; 0 ms
        There was no folder of source objects: name one with --objects
        Report: out/report.html
        ");
    }

    #[test]
    fn a_missing_photo_is_told_with_the_folder_it_was_looked_for_in() {
        let mut event = ReplayedEvent::unhandled("a.json", 0);
        event.rejected("gone", "there is no object s3://b/k".to_owned());
        let text = printed_from(&["photos"], &event);
        assert!(
            text.contains("\nWhat is gone was looked for in photos, as BUCKET/KEY and as KEY\n"),
            "{text}"
        );
    }
}
