//! What the servers cost: memory for throughput, start-up; and bars, each with its name and value
//! above it.

use maud::{Markup, html};

use super::caveats::Caveats;
use super::{bound_sign, figure, interval, round_text};
use crate::analysis::{Analysis, ContenderResult, Summary};
use crate::metric::Kind;
use crate::record::ScenarioRecord;
use crate::report::chart::{self, Frame, Scale, WIDTH};
use crate::report::units::{bytes, grouped, with_unit};

/// A contender in the plane of memory and throughput.
struct Point<'a> {
    series: usize,
    name: &'a str,
    memory: &'a Summary<'a>,
    rate: &'a Summary<'a>,
}

/// Requests a second over peak memory, in the closed-loop scenario with the most connections.
pub fn throughput_against_memory(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let free = |scenario: &&ScenarioRecord| !scenario.is_rate_given();
    let scenarios = analysis.record.suite.scenarios.iter().filter(free);
    let scenario = scenarios.max_by_key(|scenario| scenario.connections)?;
    let points = points(analysis, scenario);
    let frame = frame(&points)?;
    let legend: Vec<(usize, &str)> =
        points.iter().map(|point| (point.series, point.name)).collect();
    let drawn = html! {
        (frame.x_axis("peak memory", |tick| round_text(&bytes(tick))))
        (frame.y_axis(&format!("{}: requests a second", scenario.name), grouped))
        @for point in &points { (cross(&frame, point)) }
        (chart::legend(LEGEND, &legend))
    };
    let description: Vec<String> = points.iter().map(Point::text).collect();
    let chart = chart::svg(
        "throughput-memory",
        "Requests a second against peak memory",
        &description.join("; "),
        LEGEND + chart::legend_height(legend.len()),
        &drawn,
    );
    let caption = html! {
        "Further up and further left is better. Lines are 95 % intervals." (caveats.below(&scenario.name))
    };
    Some(html! { div.charts { (figure(&chart, &caption)) } })
}

fn points<'a>(analysis: &'a Analysis<'_>, scenario: &ScenarioRecord) -> Vec<Point<'a>> {
    let rate = Kind::RequestsPerSecond.of(&scenario.name);
    let point = |(series, contender): (usize, &'a ContenderResult<'_>)| {
        let name = contender.record.name.as_str();
        let (memory, rate) = contender.summary(Kind::MemoryPeak).zip(contender.summary(rate))?;
        Some(Point { series, name, memory, rate })
    };
    analysis.contenders.iter().enumerate().filter_map(point).collect()
}

impl Point<'_> {
    fn text(&self) -> String {
        let (memory, rate) = (self.memory, self.rate);
        format!(
            "{}: {}{}/s with {}",
            self.name,
            bound_sign(rate.bound),
            grouped(rate.estimate),
            bytes(memory.estimate)
        )
    }
}

const BOTTOM: f64 = 216.0;
const LEGEND: f64 = BOTTOM + 36.0;

fn frame(points: &[Point<'_>]) -> Option<Frame> {
    let range = |metric: fn(&Point<'_>) -> f64| {
        let values = || points.iter().map(metric);
        Some((values().min_by(f64::total_cmp)? / 1.4, values().max_by(f64::total_cmp)? * 1.4))
    };
    let memory = range(|point| point.memory.estimate)?;
    let rate = range(|point| point.rate.estimate)?;
    Some(Frame {
        x: Scale::log(memory.0, memory.1, (54.0, WIDTH - 8.0)),
        y: Scale::log(rate.0, rate.1, (BOTTOM, 24.0)),
    })
}

fn cross(frame: &Frame, point: &Point<'_>) -> Markup {
    let (x, y) = (frame.x.at(point.memory.estimate), frame.y.at(point.rate.estimate));
    let ends =
        |found: &Summary<'_>, scale: &Scale| Some((scale.at(found.low?), scale.at(found.high?)));
    html! {
        @if let Some((left, right)) = ends(point.memory, &frame.x) {
            (chart::stroke(point.series, (left, y), (right, y)))
        }
        @if let Some((low, high)) = ends(point.rate, &frame.y) {
            (chart::stroke(point.series, (x, low), (x, high)))
        }
        (chart::marker(point.series, x, y, false, &point.text()))
    }
}

/// From spawn to the first correct answer.
pub fn start_up(analysis: &Analysis<'_>) -> Option<Markup> {
    let unit = Kind::Startup.descriptor().unit;
    let started = analysis.contenders.iter().enumerate().filter_map(|(series, contender)| {
        let found = contender.summary(Kind::Startup)?;
        let ends = found.low.zip(found.high);
        let interval = ends.map(|ends| format!(" ({})", interval(ends, unit)));
        Some(Bar {
            series,
            name: &contender.record.name,
            text: with_unit(found.estimate, unit) + &interval.unwrap_or_default(),
            parts: vec![Part { value: found.estimate, is_faint: false, title: None }],
            ends,
        })
    });
    let started: Vec<Bar<'_>> = started.collect();
    let axis = "from spawn to the first correct answer";
    (!started.is_empty()).then(|| {
        let text = |value| with_unit(value, Kind::Startup.descriptor().unit);
        let chart = bars("start-up-times", "Start-up times", axis, &started, text);
        let caption =
            html! { "Bars are estimates over the rounds; lines on them are 95 % intervals." };
        html! { div.charts { (figure(&chart, &caption)) } }
    })
}

/// A bar, in one part or in several one after another.
pub struct Bar<'a> {
    pub series: usize,
    pub name: &'a str,
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

impl Bar<'_> {
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

pub fn bars(
    id: &str,
    title: &str,
    axis: &str,
    bars: &[Bar<'_>],
    text: fn(f64) -> String,
) -> Markup {
    let furthest = |bar: &Bar<'_>| bar.ends.map_or(bar.whole(), |(_, high)| high.max(bar.whole()));
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

fn drawn_bar(bar: &Bar<'_>, scale: &Scale, top: f64) -> Markup {
    let y = top + 18.0;
    let middle = y + THICKNESS / 2.0;
    let room = 56_usize.saturating_sub(bar.text.chars().count());
    html! {
        (chart::label_at(2.0, top + 13.0, "start", &chart::shortened(bar.name, room)))
        (chart::label_at(WIDTH, top + 13.0, "end", &bar.text))
        @for (begin, part) in bar.placed() { (drawn_part(bar.series, part, begin, scale, y)) }
        @if let Some((low, high)) = bar.ends {
            line x1=(scale.at(low)) y1=(middle) x2=(scale.at(high)) y2=(middle)
                stroke="currentColor" stroke-width="2" {}
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
        let bar = Bar { series: 0, name: "a", text: "3".to_owned(), parts, ends: None };
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
