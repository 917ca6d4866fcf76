//! The page that shows a replay: `OUT/report.html`.

mod effects;
mod mails;
mod photos;

use std::io;
use std::path::Path;

use fleet::report::Count;
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use crate::page;
use crate::replay::{Replay, ReplayedEvent, ReplayedRecord};
use crate::stand_ins::OutFolder;

use effects::EffectView;
use mails::MailView;
use photos::PhotoView;

/// Its name in the output folder.
pub const FILE_NAME: &str = "report.html";

/// How much of an event is shown, in characters: a batch of 10,000 records would drown the page.
const SHOWN_CHARS: usize = 20_000;

/// An event as the page shows it.
#[derive(Debug, Serialize)]
struct EventView<'a> {
    file: &'a str,
    index: usize,
    worker: Option<&'static str>,
    route: &'a str,
    elapsed_ms: f64,
    records: &'a [ReplayedRecord],
    error: Option<&'a str>,
    fates: Vec<&'static str>,
    counts: Option<&'a [Count]>,
    new_effects: usize,
    earlier: bool,
    photos: Vec<PhotoView<'a>>,
    mails: Vec<MailView>,
    effects: Vec<EffectView<'a>>,
    json: String,
    response: String,
}

/// Writes the page.
pub fn write(replay: &Replay, out: &OutFolder) -> io::Result<()> {
    let events = replay
        .events
        .iter()
        .map(|event| view(event, out))
        .collect::<io::Result<Vec<_>>>()?;
    let context = context! {
        totals => Value::from(Serde(&replay.totals)),
        events => Value::from(Serde(&events)),
        against => &replay.against,
    };
    let html = page::render(include_str!("report.html"), context).map_err(io::Error::other)?;
    out.write(Path::new(FILE_NAME), html.as_bytes())?;
    Ok(())
}

fn view<'a>(event: &'a ReplayedEvent, out: &OutFolder) -> io::Result<EventView<'a>> {
    let fates = ["done", "rejected", "retry"];
    let past = &event.past;
    Ok(EventView {
        file: &event.file,
        index: event.index,
        worker: event.worker,
        route: &event.route,
        elapsed_ms: event.elapsed_ms,
        records: &event.records,
        error: event.error.as_deref(),
        fates: fates
            .into_iter()
            .filter(|fate| event.count(fate) > 0)
            .collect(),
        counts: event.counts.as_deref(),
        new_effects: event.effects.len(),
        earlier: event.effects.is_empty() && !past.effects.is_empty(),
        photos: past
            .manifests
            .iter()
            .map(|manifest| PhotoView::new(manifest, out))
            .collect(),
        mails: MailView::all(&past.effects, out)?,
        effects: past
            .effects
            .iter()
            .map(|effect| EffectView::new(effect, out))
            .collect(),
        json: shown(&event.event),
        response: event.response.as_ref().map_or_else(String::new, shown),
    })
}

fn shown(json: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(json).unwrap_or_default();
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}\n… and more", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
