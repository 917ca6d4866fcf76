//! What the measurement is told on its command line. `run` prints the help.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::works::Kind;

/// The command line, read.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// The folder of photos; none for those that the project draws.
    pub(crate) photos: Option<PathBuf>,
    /// Where to write the rows.
    pub(crate) json: Option<PathBuf>,
    /// Where to write the plot.
    pub(crate) svg: Option<PathBuf>,
    /// Rounds that count.
    pub(crate) rounds: usize,
    /// What to measure.
    pub(crate) works: Vec<Kind>,
    /// The core to pin to.
    pub(crate) core: Option<usize>,
    /// The folder of the scripts.
    pub(crate) scripts: PathBuf,
    /// The folder of the installed peers.
    pub(crate) installed: PathBuf,
}

impl Arguments {
    /// Reads the command line.
    pub(crate) fn parse(words: Vec<String>) -> Result<Self> {
        let mut arguments = Self {
            photos: None,
            json: None,
            svg: None,
            rounds: 15,
            works: Kind::ALL.to_vec(),
            core: Some(0),
            scripts: "benches/versus".into(),
            installed: "target/versus".into(),
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} takes a value"))
            };
            match word.as_str() {
                "--photos" => arguments.photos = Some(value()?.into()),
                "--json" => arguments.json = Some(value()?.into()),
                "--svg" => arguments.svg = Some(value()?.into()),
                "--quick" => arguments.rounds = 5,
                "--rounds" => arguments.rounds = value()?.parse().context("--rounds")?,
                "--works" => {
                    let kinds = value()?;
                    let kinds = kinds.split(',').map(|kind| kind.trim().parse());
                    arguments.works = kinds.collect::<Result<_>>()?;
                }
                "--core" => {
                    let core = value()?;
                    arguments.core = match core.as_str() {
                        "none" => None,
                        core => Some(core.parse().context("--core")?),
                    };
                }
                "--scripts" => arguments.scripts = value()?.into(),
                "--installed" => arguments.installed = value()?.into(),
                _ => bail!("unknown option {word}, see --help"),
            }
        }
        if arguments.rounds == 0 {
            bail!("--rounds must be at least 1");
        }
        // The servers are started from elsewhere, perhaps, and name what they read.
        for folder in [
            Some(&mut arguments.scripts),
            Some(&mut arguments.installed),
            arguments.photos.as_mut(),
        ]
        .into_iter()
        .flatten()
        {
            *folder = std::path::absolute(&*folder)?;
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Arguments> {
        Arguments::parse(text.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn quick_is_five_rounds_and_otherwise_it_is_fifteen() {
        assert_eq!(parsed("").expect("nothing").rounds, 15);
        assert_eq!(parsed("--quick").expect("quick").rounds, 5);
    }

    #[test]
    fn works_are_chosen_by_name() {
        let works = parsed("--works set,png").expect("works").works;
        assert_eq!(works, [Kind::Set, Kind::Png]);
        assert!(parsed("--works everything").is_err());
        assert!(parsed("--works").is_err());
        assert!(parsed("--rounds 0").is_err());
    }
}
