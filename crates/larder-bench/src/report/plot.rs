//! The plot: bars of how much longer the others take than Larder, on a logarithmic scale, as SVG.

use std::fmt::Write as _;

use crate::figure::Spread;
use crate::measure::Measured;
use crate::work::Plot;

/// One bar.
#[derive(Debug, PartialEq)]
struct Bar {
    label: String,
    /// Its time by Larder's.
    ratio: f64,
    ours: bool,
}

/// A heading and its bars.
#[derive(Debug)]
struct Group {
    title: &'static str,
    bars: Vec<Bar>,
}

const WIDTH: f64 = 880.0;
/// Where the bars begin and end; what is left of that is for names, what is right of it for numbers.
const LEFT: f64 = 310.0;
const RIGHT: f64 = 810.0;
const LINE: f64 = 18.0;
const TOP: f64 = 52.0;

/// The whole plot of what was measured.
pub(super) fn svg(all: &[Measured]) -> String {
    let groups = all.iter().flat_map(|measured| measured.work.plot.iter().map(|plot| group(measured, plot)));
    draw(&groups.filter(|group| group.bars.len() > 1).collect::<Vec<_>>())
}

fn group(measured: &Measured, plot: &Plot) -> Group {
    let work = measured.work;
    let subjects = work.subjects.iter().filter(|it| it.name == plot.one || !it.name.starts_with("larder"));
    let bars = subjects.filter_map(|subject| {
        let ratios = measured.ratios(work.metric, (plot.case, subject.name), (plot.case, plot.one));
        let label = subject.label.replace(['*', '`'], "");
        Some(Bar { label, ratio: Spread::of(ratios)?.middle, ours: subject.name == plot.one })
    });
    let mut bars: Vec<Bar> = bars.collect();
    bars.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    Group { title: plot.title, bars }
}

/// The powers of ten that hold all ratios, at least one below and one above 1.
fn decades<'a>(bars: impl Iterator<Item = &'a Bar>) -> (i32, i32) {
    bars.filter(|bar| bar.ratio.is_finite() && bar.ratio > 0.0).fold((-1, 1), |(low, high), bar| {
        let power = bar.ratio.log10();
        (low.min(power.floor() as i32), high.max(power.ceil() as i32))
    })
}

fn draw(groups: &[Group]) -> String {
    let (low, high) = decades(groups.iter().flat_map(|group| &group.bars));
    let place = |ratio: f64| {
        let power = ratio.log10().clamp(f64::from(low), f64::from(high));
        LEFT + (RIGHT - LEFT) * (power - f64::from(low)) / f64::from(high - low)
    };
    let lines: usize = groups.iter().map(|group| group.bars.len() + 2).sum();
    let height = TOP + lines as f64 * LINE + 16.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"The time of others by Larder's\">\n<style>\n{STYLE}</style>\n"
    );
    let _ = writeln!(text, "<rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>");
    let _ = writeln!(
        text,
        "<text class=\"head\" x=\"16\" y=\"24\">Time by Larder's: longer bars are slower</text>"
    );
    for power in low..=high {
        let x = place(10f64.powi(power));
        let class = if power == 0 { "one" } else { "grid" };
        let name =
            if power < 0 { format!("1/{}", 10f64.powi(-power)) } else { format!("{}", 10f64.powi(power)) };
        let _ = writeln!(
            text,
            "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\">{name}</text>",
            height - 12.0,
            TOP - 6.0
        );
    }
    let mut y = TOP;
    for group in groups {
        y += LINE * 1.5;
        let _ = writeln!(
            text,
            "<text class=\"title\" x=\"16\" y=\"{:.1}\">{}</text>",
            y - 5.0,
            escaped(group.title)
        );
        for bar in &group.bars {
            // Every bar starts at the left edge, so that on this scale lengths can be compared from one place.
            let (end, class) = (place(bar.ratio), if bar.ours { "ours" } else { "bar" });
            let _ = writeln!(
                text,
                "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text><rect class=\"{class}\" x=\"{LEFT}\" y=\"{:.1}\" \
                 width=\"{:.1}\" height=\"{:.1}\"/><text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LEFT - 8.0,
                y + 13.0,
                escaped(&bar.label),
                y + 3.0,
                (end - LEFT).max(1.0),
                LINE - 5.0,
                end + 6.0,
                y + 13.0,
                crate::number::digits(bar.ratio)
            );
            y += LINE;
        }
        y += LINE * 0.5;
    }
    text.push_str("</svg>\n");
    text
}

/// Colours for a light page, and for a dark one where the reader's system says so.
const STYLE: &str = "text { font: 12px system-ui, sans-serif; fill: #24292f; }
.head { font-size: 14px; font-weight: 600; } .title { font-weight: 600; }
.name { text-anchor: end; } .tick { text-anchor: middle; fill: #57606a; } .value { fill: #57606a; stroke: #ffffff; stroke-width: 4px; paint-order: stroke; }
.paper { fill: #ffffff; } .bar { fill: #9aa4af; } .ours { fill: #1a7f6b; }
.grid { stroke: #d8dee4; } .one { stroke: #1a7f6b; stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .tick, .value { fill: #9198a1; } .value { stroke: #0d1117; } .paper { fill: #0d1117; } .bar { fill: #59636e; }
.ours { fill: #2fb598; } .grid { stroke: #2f353d; } .one { stroke: #2fb598; }
}
";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, ratio: f64) -> Bar {
        Bar { label: label.to_owned(), ratio, ours: label == "larder" }
    }

    #[test]
    fn the_scale_holds_every_bar_and_one() {
        assert_eq!(decades([bar("a", 2.0)].iter()), (-1, 1));
        assert_eq!(decades([bar("a", 0.02), bar("b", 1200.0)].iter()), (-2, 4));
        assert_eq!(decades([bar("a", f64::NAN), bar("b", 0.0)].iter()), (-1, 1));
    }

    #[test]
    fn every_name_fits_left_of_its_bar() {
        for subject in crate::work::ALL.iter().flat_map(|work| work.subjects) {
            // Some six and a half units a letter, as drawn.
            let width = 6.5 * subject.label.replace(['*', '`'], "").chars().count() as f64;
            assert!(width < LEFT - 8.0, "{} is too long for the plot", subject.label);
        }
    }

    #[test]
    fn a_bar_of_ten_ends_at_its_line_and_names_are_escaped() {
        let group = Group { title: "a & b", bars: vec![bar("larder", 1.0), bar("<other>", 10.0)] };
        let text = draw(&[group]);
        // Two decades from 310 to 810: 1 is in the middle, 10 at the right end.
        assert!(text.contains("class=\"ours\" x=\"310\" y=\"82.0\" width=\"250.0\""), "{text}");
        assert!(text.contains("width=\"500.0\""), "{text}");
        assert!(text.contains("a &amp; b") && text.contains("&lt;other&gt;") && !text.contains("<other>"));
        assert_eq!(text.matches("<rect").count(), 3);
    }
}
