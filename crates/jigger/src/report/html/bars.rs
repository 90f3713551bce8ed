//! Bars, each with its name and value above it.

use maud::{Markup, html};

use super::{bound_sign, interval, round_text};
use crate::analysis::Summary;
use crate::report::chart::{self, Scale, WIDTH};
use crate::report::units::with_unit;

/// How bars with intervals are read.
pub const INTERVALS: &str =
    "Bars show estimates over the rounds. Lines on them are 95 % intervals.";

/// A bar, in one part or in several one after another.
pub struct Bar {
    pub series: usize,
    pub name: String,
    pub text: String,
    pub parts: Vec<Part>,
    pub ends: Option<(f64, f64)>,
}

pub struct Part {
    pub value: f64,
    /// Whether it counts less.
    pub is_faint: bool,
    /// What it is, where that is not what the whole bar is.
    pub title: Option<String>,
}

impl Bar {
    /// An estimate with its interval; a bound has none.
    pub fn of(series: usize, name: impl Into<String>, found: &Summary<'_>) -> Self {
        let unit = found.metric.descriptor().unit;
        let ends = found.low.zip(found.high).filter(|_| found.bound.is_none());
        let shown = ends.map_or_else(String::new, |ends| format!(" ({})", interval(ends, unit)));
        Self {
            series,
            name: name.into(),
            text: format!("{}{}{shown}", bound_sign(found.bound), with_unit(found.estimate, unit)),
            parts: vec![Part { value: found.estimate, is_faint: false, title: None }],
            ends,
        }
    }

    fn whole(&self) -> f64 {
        self.parts.iter().map(|part| part.value).sum()
    }

    /// Each part with where it begins.
    fn placed<'a>(&'a self) -> Vec<(f64, &'a Part)> {
        let place = |end: &mut f64, part: &'a Part| {
            let begin = *end;
            *end += part.value;
            Some((begin, part))
        };
        self.parts.iter().scan(0.0, place).collect()
    }
}

const TOP: f64 = 4.0;
const ROW: f64 = 32.0;
const THICKNESS: f64 = 9.0;
/// What stays free between two parts, where they are wide enough for it.
const GAP: f64 = 1.2;

pub fn bars(id: &str, title: &str, axis: &str, bars: &[Bar], text: fn(f64) -> String) -> Markup {
    let furthest = |bar: &Bar| bar.ends.map_or(bar.whole(), |(_, high)| high.max(bar.whole()));
    let longest = bars.iter().map(furthest).fold(0.0, f64::max);
    let scale = Scale::linear(0.0, longest, (2.0, WIDTH - 16.0));
    let bottom = TOP + ROW * chart::number(bars.len()) + 4.0;
    let drawn = html! {
        (chart::x_axis(&scale, TOP, bottom, axis, |tick| round_text(&text(tick))))
        @for (at, bar) in bars.iter().enumerate() {
            (drawn_bar(bar, &scale, TOP + ROW * chart::number(at)))
        }
    };
    let texts: Vec<String> = bars.iter().map(|bar| format!("{}: {}", bar.name, bar.text)).collect();
    chart::svg(id, title, &texts.join("; "), bottom + 32.0, &drawn)
}

fn drawn_bar(bar: &Bar, scale: &Scale, top: f64) -> Markup {
    let y = top + 18.0;
    let middle = y + THICKNESS / 2.0;
    let room = 56_usize.saturating_sub(bar.text.chars().count());
    html! {
        (chart::label_at(2.0, top + 13.0, "start", &chart::shortened(&bar.name, room)))
        (chart::label_at(WIDTH, top + 13.0, "end", &bar.text))
        @for (begin, part) in bar.placed() { (drawn_part(bar.series, part, begin, scale, y)) }
        @if let Some((low, high)) = bar.ends {
            (chart::interval(scale.at(low), scale.at(high), middle, 2.0))
        }
    }
}

fn drawn_part(series: usize, part: &Part, begin: f64, scale: &Scale, y: f64) -> Markup {
    let left = scale.at(begin);
    let width = scale.at(begin + part.value) - left;
    let shown = if width > 3.0 * GAP { width - GAP } else { width };
    let drawn = chart::bar(series, (left, y), shown, THICKNESS, part.is_faint);
    match &part.title {
        Some(title) => html! { g { title { (title) } (drawn) } },
        None => drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_one_after_another() {
        let part = |value| Part { value, is_faint: value > 1.0, title: Some(format!("p{value}")) };
        let parts = vec![part(2.0), part(1.0)];
        let bar = Bar { series: 0, name: "a".to_owned(), text: "3".to_owned(), parts, ends: None };
        let begins: Vec<f64> = bar.placed().iter().map(|(begin, _)| *begin).collect();
        assert_eq!((begins, bar.whole()), (vec![0.0, 2.0], 3.0));
        let drawn = bars("b", "B", "things", &[bar], |value| value.to_string()).into_string();
        let at = |text: &str| drawn.find(text).unwrap_or_else(|| panic!("{text}: {drawn}"));
        assert!(at("<g><title>p2</title>") < at("fill-opacity=\"0.35\""));
        assert!(at("fill-opacity=\"0.35\"") < at("<g><title>p1</title>"));
        assert!(at("<g><title>p1</title>") < at("fill-opacity=\"1\""));
        assert!(drawn.contains("<desc id=\"b-description\">a: 3</desc>"), "{drawn}");
    }
}
