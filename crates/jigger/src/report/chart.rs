//! Inline SVG from few primitives: scales, axes, marks and a legend.
//!
//! Every chart is [`WIDTH`] units wide, so that its text is readable on a telephone without
//! scaling. Colours are `currentColor`; the classes `s0` to `s7` give a series its own, in
//! [`style`](super::html). A series is told apart by its dashes and its marker too.

mod scale;

use maud::{Markup, html};

pub use scale::Scale;

pub const WIDTH: f64 = 360.0;
/// Text size, in the same units.
const TEXT: f64 = 11.0;
/// Width of a character on the average, for texts that must not meet.
const CHARACTER: f64 = 6.6;
/// Series that differ in colour.
const COLORS: usize = 8;
/// Dashes of lines; the first is solid.
const DASHES: [&str; 5] = ["none", "6 3", "2 2", "8 3 2 3", "1 3"];

/// A whole chart with its text for those who cannot see it. `id` is unique within the page.
pub fn svg(id: &str, title: &str, description: &str, height: f64, body: &Markup) -> Markup {
    let (title_id, description_id) = (format!("{id}-title"), format!("{id}-description"));
    html! {
        svg id=(id) xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {}", px(height)))
            role="img" aria-labelledby=(format!("{title_id} {description_id}"))
            font-size=(TEXT) fill="currentColor" {
            title id=(title_id) { (title) }
            desc id=(description_id) { (description) }
            (body)
        }
    }
}

/// The place of a plot within its chart, and the scales that fill it.
#[derive(Debug)]
pub struct Frame {
    pub x: Scale,
    pub y: Scale,
}

impl Frame {
    /// Grid lines and labels across the plot, for the horizontal axis.
    pub fn x_axis(&self, label: &str, text: impl Fn(f64) -> String) -> Markup {
        let (bottom, top) = self.y.ends();
        x_axis(&self.x, top, bottom, label, text)
    }

    /// Grid lines and labels across the plot, for the vertical axis; its label stands above it.
    pub fn y_axis(&self, label: &str, text: impl Fn(f64) -> String) -> Markup {
        let (left, right) = self.x.ends();
        let (_, top) = self.y.ends();
        html! {
            @for tick in self.y.ticks() {
                (rule(left, self.y.at(tick), right, self.y.at(tick)))
                (label_at(left - 4.0, self.y.at(tick) + 4.0, "end", &text(tick)))
            }
            (label_at(0.0, top - 7.0, "start", label))
        }
    }

    /// A line through points that are given in the scales' own units.
    pub fn line(&self, series: usize, points: impl Iterator<Item = (f64, f64)>) -> Markup {
        let points: Vec<String> =
            points.map(|(x, y)| format!("{},{}", px(self.x.at(x)), px(self.y.at(y)))).collect();
        html! {
            polyline class=(color(series)) points=(points.join(" ")) fill="none"
                stroke="currentColor" stroke-width="1.8" stroke-dasharray=(dashes(series)) {}
        }
    }
}

/// A horizontal axis between two heights: grid lines, tick labels and its own label below.
pub fn x_axis(
    scale: &Scale,
    top: f64,
    bottom: f64,
    label: &str,
    text: impl Fn(f64) -> String,
) -> Markup {
    let (left, right) = scale.ends();
    let mut free_from = f64::NEG_INFINITY;
    let mut labelled: Vec<(f64, Option<String>)> = Vec::new();
    for tick in scale.ticks() {
        let (x, shown) = (scale.at(tick), text(tick));
        let half = width_of(&shown) / 2.0;
        let fits = x - half >= free_from;
        if fits {
            free_from = x + half + CHARACTER;
        }
        labelled.push((x, fits.then_some(shown)));
    }
    html! {
        @for (x, shown) in &labelled {
            (rule(*x, top, *x, bottom))
            @if let Some(shown) = shown { (label_at(inside(*x, shown), bottom + 13.0, "middle", shown)) }
        }
        (label_at((left + right) / 2.0, bottom + 27.0, "middle", label))
    }
}

/// The middle of a text that is kept within the chart.
fn inside(middle: f64, text: &str) -> f64 {
    let half = width_of(text) / 2.0;
    middle.min(WIDTH - half).max(half)
}

pub fn rule(x1: f64, y1: f64, x2: f64, y2: f64) -> Markup {
    html! {
        line x1=(px(x1)) y1=(px(y1)) x2=(px(x2)) y2=(px(y2)) stroke="currentColor"
            stroke-opacity="0.18" {}
    }
}

/// A line in the series' colour, such as an interval.
pub fn stroke(series: usize, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> Markup {
    html! {
        line class=(color(series)) x1=(px(x1)) y1=(px(y1)) x2=(px(x2)) y2=(px(y2))
            stroke="currentColor" stroke-width="2" {}
    }
}

/// An interval in the colour of text.
pub fn interval(left: f64, right: f64, y: f64, thickness: f64) -> Markup {
    html! {
        line x1=(px(left)) y1=(px(y)) x2=(px(right)) y2=(px(y)) stroke="currentColor"
            stroke-width=(thickness) {}
    }
}

pub fn band(x1: f64, y1: f64, x2: f64, y2: f64) -> Markup {
    html! {
        rect x=(px(x1)) y=(px(y1)) width=(px((x2 - x1).max(0.5))) height=(px(y2 - y1))
            fill-opacity="0.13" {}
    }
}

/// A bar in the series' colour; `faint` for a part that counts less.
pub fn bar(series: usize, (x, y): (f64, f64), width: f64, height: f64, faint: bool) -> Markup {
    html! {
        rect class=(color(series)) x=(px(x)) y=(px(y)) width=(px(width.max(0.5)))
            height=(px(height)) fill-opacity=(if faint { "0.35" } else { "1" })
            stroke="currentColor" stroke-width="0.8" {}
    }
}

/// A text; `anchor` is `start`, `middle` or `end`.
pub fn label_at(x: f64, y: f64, anchor: &str, text: &str) -> Markup {
    html! { text x=(px(x)) y=(px(y)) text-anchor=(anchor) { (text) } }
}

/// The series' marker around a point; the title appears when it is pointed at.
pub fn marker(series: usize, x: f64, y: f64, hollow: bool, title: &str) -> Markup {
    let fill = if hollow { "var(--background, none)" } else { "currentColor" };
    html! {
        path class=(color(series)) d=(marker_path(series, x, y)) fill=(fill)
            stroke="currentColor" stroke-width="1.5" {
            title { (title) }
        }
    }
}

/// Circle, square, triangle, diamond and the two together upside down, in turn.
fn marker_path(series: usize, x: f64, y: f64) -> String {
    let (x, y) = (rounded(x), rounded(y));
    let at = |dx: f64, dy: f64| format!("{} {}", px(x + dx), px(y + dy));
    let through = |corners: &[(f64, f64)]| {
        let corners: Vec<String> = corners.iter().map(|(dx, dy)| at(*dx, *dy)).collect();
        format!("M{}Z", corners.join("L"))
    };
    match series % 5 {
        0 => format!("M{}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0Z", at(-3.5, 0.0)),
        1 => through(&[(-3.2, -3.2), (3.2, -3.2), (3.2, 3.2), (-3.2, 3.2)]),
        2 => through(&[(0.0, -4.2), (4.0, 3.2), (-4.0, 3.2)]),
        3 => through(&[(0.0, -4.6), (4.6, 0.0), (0.0, 4.6), (-4.6, 0.0)]),
        _ => through(&[(0.0, 4.2), (4.0, -3.2), (-4.0, -3.2)]),
    }
}

/// Which line is whose, in two columns; the height that it takes is [`legend_height`].
pub fn legend(top: f64, entries: &[(usize, &str)]) -> Markup {
    const COLUMN: f64 = WIDTH / 2.0;
    let placed = entries.iter().enumerate().map(|(at, (series, name))| {
        let x = if at.is_multiple_of(2) { 0.0 } else { COLUMN };
        (x, top + LEGEND_ROW * number(at / 2) + 8.0, *series, *name)
    });
    html! {
        @for (x, y, series, name) in placed {
            line class=(color(series)) x1=(px(x + 2.0)) y1=(px(y)) x2=(px(x + 26.0)) y2=(px(y))
                stroke="currentColor" stroke-width="1.8" stroke-dasharray=(dashes(series)) {}
            (marker(series, x + 14.0, y, false, name))
            (label_at(x + 32.0, y + 4.0, "start", &shortened(name, 22)))
        }
    }
}

const LEGEND_ROW: f64 = 16.0;

pub fn legend_height(entries: usize) -> f64 {
    LEGEND_ROW * number(entries.div_ceil(2)) + 4.0
}

pub fn color(series: usize) -> String {
    format!("s{}", series % COLORS)
}

fn dashes(series: usize) -> &'static str {
    DASHES[series % DASHES.len()]
}

/// So many characters at most, the last of them a mark that some are missing.
pub fn shortened(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{kept}\u{2026}")
}

/// What a text takes, by and large.
fn width_of(text: &str) -> f64 {
    number(text.chars().count()) * CHARACTER
}

/// A count as a number; charts have few of anything.
pub fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

fn rounded(units: f64) -> f64 {
    (units * 10.0).round() / 10.0
}

/// Units of the view box, with a digit behind the point.
pub fn px(units: f64) -> String {
    // Adding zero turns -0 into 0.
    (rounded(units) + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_says_what_it_shows() {
        let chart = svg("c", "A <title>", "A & b", 10.0, &html! {}).into_string();
        assert!(
            chart.contains("role=\"img\" aria-labelledby=\"c-title c-description\""),
            "{chart}"
        );
        assert!(chart.contains("<title id=\"c-title\">A &lt;title&gt;</title>"), "{chart}");
        assert!(chart.contains("<desc id=\"c-description\">A &amp; b</desc>"), "{chart}");
    }

    #[test]
    fn labels_that_would_meet_are_left_out() {
        let scale = Scale::linear(0.0, 10.0, (0.0, 40.0));
        let axis = x_axis(&scale, 0.0, 10.0, "", |tick| format!("{tick} requests"));
        let labels = axis.into_string().matches(" requests<").count();
        assert_eq!(labels, 1);
    }

    #[test]
    fn neighbouring_series_differ_without_colour() {
        for series in 0..16 {
            assert_ne!(dashes(series), dashes(series + 1));
            assert_ne!(marker_path(series, 0.0, 0.0), marker_path(series + 1, 0.0, 0.0));
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shortened("flask", 5), "flask");
        assert_eq!(shortened("žluťoučký", 4), "žlu\u{2026}");
    }

    #[test]
    fn places_are_short() {
        assert_eq!([px(1.0), px(0.26), px(-0.01)], ["1", "0.3", "0"]);
    }
}
