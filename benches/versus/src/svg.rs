//! The plot: for each work and photo, how many times as long each peer takes.

use std::fmt::Write as _;

use crate::row::Row;

const WIDTH: f64 = 860.0;
/// Where bars begin.
const LEFT: f64 = 330.0;
/// Room for a figure behind the longest bar.
const RIGHT: f64 = 60.0;
const BAR: f64 = 13.0;
/// Room that a figure takes.
const FIGURE: f64 = 38.0;
const HEAD: f64 = 46.0;

/// The ratios as an SVG that is readable on light and on dark, on a logarithmic scale from 1.
pub(crate) fn plot(rows: &[Row]) -> String {
    let rows = shown(rows);
    let most = rows
        .iter()
        .map(|(row, ratio)| ratio.max(row.goal.unwrap_or(0.0)))
        .fold(2.0, f64::max);
    // Below 1 a bar goes to the left of the line, and has at least this much room.
    let least = rows
        .iter()
        .map(|(_, ratio)| *ratio)
        .fold(0.9, f64::min)
        .max(0.05);
    let scale = (WIDTH - LEFT - RIGHT) / (most / least).ln();
    let at = |ratio: f64| LEFT + (ratio.max(least) / least).ln() * scale;

    let mut body = String::new();
    let mut y = HEAD;
    let mut title = String::new();
    for (row, ratio) in &rows {
        let here = format!("{}, {}", row.work, row.photo);
        if here != title {
            y += 12.0;
            let _ = writeln!(
                body,
                r#"<text class="work" x="8" y="{:.1}">{}</text>"#,
                y + 10.0,
                escaped(&here)
            );
            y += 17.0;
            title = here;
        }
        let (one, end) = (at(1.0), at(*ratio));
        let goal = row.goal.map(at);
        let class = if *ratio >= 1.0 { "bar" } else { "bar behind" };
        let _ = writeln!(
            body,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text><rect class="{class}" x="{:.1}" y="{y:.1}" width="{:.1}" height="{BAR}"/><text x="{:.1}" y="{:.1}">{ratio:.1}x</text>"#,
            LEFT - 8.0,
            y + 10.5,
            escaped(&row.peer),
            one.min(end),
            (end - one).abs().max(1.0),
            behind(one.max(end), goal),
            y + 10.5,
        );
        if let Some(goal) = goal {
            let _ = writeln!(
                body,
                r#"<line class="goal" x1="{goal:.1}" x2="{goal:.1}" y1="{:.1}" y2="{:.1}"/>"#,
                y - 1.5,
                y + BAR + 1.5,
            );
        }
        y += BAR + 3.0;
    }
    let height = y + 16.0;
    let mut grid = String::new();
    for ratio in [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0] {
        if ratio <= most {
            let x = at(ratio);
            let _ = writeln!(
                grid,
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{HEAD}" y2="{y:.1}"/><text class="axis" x="{x:.1}" y="{:.1}" text-anchor="middle">{ratio}x</text>"#,
                HEAD - 5.0,
            );
        }
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="Time of each peer over ours, by work">
<style>
text {{ font: 11px system-ui, sans-serif; fill: #24292f; }}
.title {{ font-size: 13px; font-weight: 600; }}
.work {{ font-weight: 600; }}
.axis {{ fill: #57606a; }}
.grid {{ stroke: #d0d7de; }}
.bar {{ fill: #2f7d5b; }}
.behind {{ fill: #b3542d; }}
.goal {{ stroke: #24292f; stroke-width: 2; }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3; }}
.axis {{ fill: #9198a1; }}
.grid {{ stroke: #3d444d; }}
.bar {{ fill: #4fb286; }}
.behind {{ fill: #d9825b; }}
.goal {{ stroke: #e6edf3; }}
}}
</style>
<text class="title" x="8" y="18">Time of each peer over ours, longer is better; a stroke across a bar is the goal</text>
{grid}{body}</svg>
"#
    )
}

/// Where a figure begins: behind its bar, and behind the stroke of a goal that would go through it.
fn behind(end: f64, goal: Option<f64>) -> f64 {
    let is_in_the_way = |goal: &f64| (end..end + FIGURE).contains(goal);
    goal.filter(is_in_the_way).unwrap_or(end) + 5.0
}

/// Of each work with a goal, on the first photo it was measured on: the peers that the goal is against, and the fastest of
/// the others. The table has the rest.
fn shown(rows: &[Row]) -> Vec<(&Row, f64)> {
    let mut shown = Vec::new();
    let mut works: Vec<&str> = Vec::new();
    for first in rows {
        if works.contains(&first.work.as_str()) {
            continue;
        }
        works.push(&first.work);
        let of_work = || {
            rows.iter()
                .filter(|row| row.work == first.work && row.photo == first.photo)
                .filter_map(|row| Some((row, row.ratio?)))
        };
        let others = of_work().filter(|(row, _)| row.goal.is_none());
        let fastest = others.min_by(|left, right| left.1.total_cmp(&right.1));
        let goals = shown.len();
        shown.extend(of_work().filter(|(row, _)| row.goal.is_some()));
        if shown.len() > goals {
            shown.extend(fastest);
        }
    }
    shown
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(peer: &str, ratio: Option<f64>, goal: Option<f64>) -> Row {
        Row {
            work: "a -> b".to_owned(),
            peer: peer.to_owned(),
            ratio,
            goal,
            ..Row::default()
        }
    }

    #[test]
    fn a_row_without_a_ratio_has_no_bar() {
        let plot = plot(&[
            row("fair", Some(3.0), Some(2.0)),
            row("unfair", None, Some(2.0)),
        ]);
        assert_eq!(plot.matches("class=\"bar\"").count(), 1, "{plot}");
        assert!(plot.contains("a -&gt; b"));
    }

    #[test]
    fn a_figure_stands_behind_the_goal_that_is_just_missed() {
        assert!((behind(100.0, Some(120.0)) - 125.0).abs() < 1e-9);
        assert!((behind(100.0, Some(200.0)) - 105.0).abs() < 1e-9);
        assert!((behind(100.0, Some(90.0)) - 105.0).abs() < 1e-9);
        assert!((behind(100.0, None) - 105.0).abs() < 1e-9);
    }

    #[test]
    fn of_peers_without_a_goal_the_fastest_is_shown() {
        let plot = plot(&[
            row("goal", Some(3.0), Some(2.0)),
            row("slow", Some(9.0), None),
            row("fast", Some(1.5), None),
        ]);
        assert!(plot.contains(">goal<") && plot.contains(">fast<") && !plot.contains(">slow<"));
    }
}
