//! One line of the results.

use serde::Serialize;

/// Ours against one peer, on one photo and one work. The first ten keys are the format that others read.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) photo: String,
    pub(crate) work: String,
    pub(crate) peer: String,
    /// Median.
    pub(crate) ours_ms: f64,
    /// Median.
    pub(crate) peer_ms: f64,
    /// `peer_ms / ours_ms`; none when it would not be fair, see `reason`.
    pub(crate) ratio: Option<f64>,
    /// Of several sizes, the mean.
    pub(crate) ours_ssimulacra2: Option<f64>,
    pub(crate) peer_ssimulacra2: Option<f64>,
    /// Of several sizes, the sum.
    pub(crate) ours_bytes: usize,
    pub(crate) peer_bytes: usize,
    /// Why there is no ratio.
    pub(crate) reason: Option<String>,
    /// The ratio that is wanted; for memory, the MB.
    pub(crate) goal: Option<f64>,
    pub(crate) met: Option<bool>,
    pub(crate) rounds: usize,
    pub(crate) ours_ssim: Option<f64>,
    pub(crate) peer_ssim: Option<f64>,
    /// `standard` or `optimised`, of a JPEG.
    pub(crate) ours_tables: Option<&'static str>,
    pub(crate) peer_tables: Option<&'static str>,
    /// The same tables, and bytes within 1 %.
    pub(crate) like_for_like: Option<bool>,
    /// The encoder's quality on the peer's side, where it was searched for an equal score.
    pub(crate) peer_quality: Option<u8>,
    /// Peak of memory over the file, MB (10^6 bytes).
    pub(crate) ours_mb: Option<f64>,
    pub(crate) peer_mb: Option<f64>,
    /// Peak of the whole process, file and all, MB (10^6 bytes).
    pub(crate) ours_process_mb: Option<f64>,
    pub(crate) peer_process_mb: Option<f64>,
    /// Which way ours took, and at how many eighths of its size it decoded a JPEG.
    pub(crate) ours_path: String,
}

impl Row {
    /// Fills in the ratio and whether the goal is met, or why there is none. `worse` is by how much the score of ours is
    /// below the peer's, at the size where it is most.
    pub(crate) fn judge(&mut self, worse: Option<f64>) {
        /// A difference in score that is not held against the faster.
        const TOLERANCE: f64 = 0.5;
        match worse {
            Some(worse) if worse > TOLERANCE => {
                self.reason = Some(format!("scores {worse:.1} points worse"));
                self.met = self.goal.map(|_| false);
            }
            _ => {
                let ratio = self.peer_ms / self.ours_ms;
                self.ratio = Some(ratio);
                self.met = self.goal.map(|goal| ratio >= goal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(worse: Option<f64>) -> Row {
        let mut row = Row {
            ours_ms: 10.0,
            peer_ms: 30.0,
            goal: Some(2.5),
            ..Row::default()
        };
        row.judge(worse);
        row
    }

    #[test]
    fn a_worse_score_forfeits_the_ratio_and_the_goal() {
        let row = judged(Some(0.6));
        assert_eq!((row.ratio, row.met), (None, Some(false)));
        assert!(row.reason.is_some());
    }

    #[test]
    fn an_equal_score_keeps_the_ratio() {
        for worse in [Some(0.4), Some(-3.0), None] {
            let row = judged(worse);
            assert_eq!((row.ratio, row.met), (Some(3.0), Some(true)));
        }
    }

    #[test]
    fn the_first_keys_are_those_that_others_read() {
        let text = serde_json::to_string(&Row::default()).expect("JSON");
        let keys = [
            "photo",
            "work",
            "peer",
            "ours_ms",
            "peer_ms",
            "ratio",
            "ours_ssimulacra2",
            "peer_ssimulacra2",
            "ours_bytes",
            "peer_bytes",
        ];
        let places: Vec<_> = keys
            .iter()
            .map(|key| text.find(&format!("\"{key}\":")))
            .collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{text}"
        );
    }
}
