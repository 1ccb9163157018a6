//! Shares with their intervals as a picture: SVG that opens anywhere and loads nothing.

use std::fmt::Write as _;

use crate::escape::html;

/// One row of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar<'a> {
    /// What the row is about.
    pub name: &'a str,
    /// The share, 0 to 1.
    pub share: f64,
    /// The interval about it.
    pub interval: (f64, f64),
    /// The share of what it is compared with, if there is such a thing.
    pub baseline: Option<f64>,
}

/// Room for names, for the bars and for the figures, in pixels.
const NAMES_PX: f64 = 120.0;
const BARS_PX: f64 = 480.0;
const FIGURES_PX: f64 = 80.0;
const ROW_PX: f64 = 24.0;
/// Room above the first row and below the last.
const HEAD_PX: f64 = 52.0;
const FOOT_PX: f64 = 28.0;
const INK: &str = "#222";
const BAR: &str = "#0072b2";
const BASELINE: &str = "#d55e00";

/// A bar for each row with its interval as a line, and a mark for what it is compared with, which
/// `baseline` names.
pub fn bar_plot(title: &str, baseline: &str, bars: &[Bar<'_>]) -> String {
    let width = NAMES_PX + BARS_PX + FIGURES_PX;
    let height = HEAD_PX + ROW_PX * bars.len() as f64 + FOOT_PX;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" \
         role=\"img\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        html(title)
    );
    text(&mut svg, (10.0, 18.0), "start", INK, title);
    legend(&mut svg, baseline);
    grid(&mut svg, height);
    for (number, bar) in bars.iter().enumerate() {
        row(&mut svg, HEAD_PX + ROW_PX * number as f64, bar);
    }
    svg.push_str("</svg>\n");
    svg
}

fn legend(svg: &mut String, baseline: &str) {
    rect(svg, (NAMES_PX, 28.0), (14.0, 10.0), BAR);
    text(
        svg,
        (NAMES_PX + 20.0, 37.0),
        "start",
        INK,
        "found, with its 95 % interval",
    );
    rect(svg, (NAMES_PX + 240.0, 26.0), (4.0, 14.0), BASELINE);
    text(svg, (NAMES_PX + 250.0, 37.0), "start", INK, baseline);
}

/// Lines at every fifth.
fn grid(svg: &mut String, height: f64) {
    let end = height - FOOT_PX;
    for fifth in 0..=5 {
        let share = f64::from(fifth) / 5.0;
        line(
            svg,
            (across(share), HEAD_PX - 4.0),
            (across(share), end),
            "#ddd",
            1.0,
        );
        let label = format!("{:.0} %", 100.0 * share);
        text(svg, (across(share), end + 16.0), "middle", "#666", &label);
    }
}

fn row(svg: &mut String, top: f64, bar: &Bar<'_>) {
    let middle = top + ROW_PX / 2.0;
    text(svg, (NAMES_PX - 8.0, middle + 4.0), "end", INK, bar.name);
    rect(
        svg,
        (NAMES_PX, top + 4.0),
        (BARS_PX * within(bar.share), ROW_PX - 8.0),
        BAR,
    );
    let (low, high) = (across(bar.interval.0), across(bar.interval.1));
    line(svg, (low, middle), (high, middle), INK, 2.0);
    for end in [low, high] {
        line(svg, (end, middle - 4.0), (end, middle + 4.0), INK, 2.0);
    }
    if let Some(baseline) = bar.baseline {
        rect(
            svg,
            (across(baseline) - 2.0, top + 2.0),
            (4.0, ROW_PX - 4.0),
            BASELINE,
        );
    }
    let figure = format!("{:.1} %", 100.0 * bar.share);
    let at = (NAMES_PX + BARS_PX + FIGURES_PX - 10.0, middle + 4.0);
    text(svg, at, "end", INK, &figure);
}

fn within(share: f64) -> f64 {
    if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    }
}

fn across(share: f64) -> f64 {
    NAMES_PX + BARS_PX * within(share)
}

fn rect(svg: &mut String, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str) {
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
    );
}

fn line(svg: &mut String, a: (f64, f64), b: (f64, f64), colour: &str, px: f64) {
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" \
         stroke-width=\"{px}\"/>",
        a.0, a.1, b.0, b.1
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, colour: &str, words: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{}</text>",
        html(words)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, share: f64) -> Bar<'_> {
        Bar {
            name,
            share,
            interval: (share - 0.1, share + 0.1),
            baseline: Some(0.5),
        }
    }

    #[test]
    fn a_plot_has_a_row_for_each_bar_and_no_markup_of_its_names() {
        let svg = bar_plot("<recall>", "PDQ", &[bar("crop", 0.75), bar("a & <b>", 1.0)]);
        assert!(svg.contains("75.0 %") && svg.contains("100.0 %"));
        assert!(svg.contains("a &amp; &lt;b&gt;") && svg.contains("&lt;recall&gt;"));
        assert!(!svg.contains("href") && !svg.contains("<script"));
        let widths = |px: f64| svg.matches(&format!("width=\"{px:.1}\"")).count();
        assert_eq!(widths(0.75 * BARS_PX), 1);
        assert_eq!(widths(BARS_PX), 1);
    }

    #[test]
    fn shares_beyond_the_plot_stay_on_it() {
        for share in [f64::NAN, -3.0, 9.0, f64::INFINITY] {
            let svg = bar_plot("t", "b", &[bar("x", share)]);
            assert!(!svg.contains("x1=\"NaN") && !svg.contains("width=\"NaN"));
            assert!(!svg.contains("width=\"-"), "{share}");
        }
        assert!(bar_plot("t", "b", &[]).ends_with("</svg>\n"));
    }
}
