//! The pipeline beside its peers. `benches/versus/run` builds this, installs the peers, and starts it.

mod arguments;
mod measure;
mod memory;
mod photos;
mod protocol;
mod reference;
mod report;
mod row;
mod score;
mod serve;
mod server;
mod subject;
mod svg;
mod works;

use std::fs;

use anyhow::{Context, Result, bail};

use arguments::Arguments;
use measure::Servers;
use photos::Photos;
use server::{Places, Server, Side};
use works::{Case, Kind};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => serve(arguments.get(1).map_or("", String::as_str)),
        _ => run(&Arguments::parse(arguments)?),
    }
}

fn serve(library: &str) -> Result<()> {
    match library {
        "ours" => serve::serve(&mut serve::ours::Ours::new()),
        #[cfg(feature = "libjpeg-turbo")]
        "libjpeg-turbo" => serve::serve(&mut serve::libjpeg_turbo::LibjpegTurbo::new()?),
        other => bail!("this build does not serve {other}"),
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    warn_if_busy();
    let places = Places {
        scripts: arguments.scripts.clone(),
        installed: arguments.installed.clone(),
        core: arguments.core,
    };
    let cache = places.installed.join("photos");
    let photos = match &arguments.photos {
        Some(folder) => Photos::of(folder, &cache)?,
        None => Photos::made(&cache)?,
    };
    let mut servers = Servers::new();
    let ours = Server::start(Side::Ours, &places).context("ours cannot be started")?;
    servers.insert(Side::Ours, ours);
    for side in Side::PEERS {
        match Server::start(side, &places) {
            Ok(server) => {
                println!("{}: {}", side.name(), server.versions);
                servers.insert(side, server);
            }
            Err(error) => println!("{}: left out, it cannot be started: {error:#}", side.name()),
        }
    }

    let cases = works::cases(&photos, &arguments.works);
    let mut rows = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        eprintln!(
            "[{}/{}] {}: {}",
            number + 1,
            cases.len(),
            case.work,
            case.subject.name
        );
        match one(case, &mut servers, &photos, &places, arguments.rounds) {
            Ok(found) => rows.extend(found),
            Err(error) => eprintln!("  left out: {error:#}"),
        }
    }
    print!("{}", report::table(&rows));
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&rows)? + "\n";
        fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &arguments.svg {
        fs::write(path, svg::plot(&rows)).with_context(|| path.display().to_string())?;
    }
    if rows.is_empty() {
        bail!("nothing could be measured");
    }
    Ok(())
}

fn one(
    case: &Case,
    servers: &mut Servers,
    photos: &Photos,
    places: &Places,
    rounds: usize,
) -> Result<Vec<row::Row>> {
    match case.kind {
        Kind::Memory => {
            let small = photos.small(case.subject.facts.progressive)?;
            memory::measure(case, &small, places)
        }
        Kind::Threads => measure::threads(case, places, rounds),
        _ => measure::measure(case, servers, rounds),
    }
}

/// Says so when the machine does something else as well.
fn warn_if_busy() {
    let load = fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    if let Some(load) = load.filter(|load| *load > 0.5) {
        eprintln!(
            "warning: the machine is not idle (load {load}): the ratios will do, the times will not"
        );
    }
}
