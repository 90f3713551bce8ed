//! What the servers cost: memory for throughput, and start-up.

use maud::{Markup, html};

use super::bars::{Bar, INTERVALS, bars};
use super::caveats::Caveats;
use super::{bound_sign, figure, round_text};
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
        (frame.y_axis(&format!("{}: requests per second", scenario.name), grouped))
        @for point in &points { (cross(&frame, point)) }
        (chart::legend(LEGEND, &legend))
    };
    let description: Vec<String> = points.iter().map(Point::text).collect();
    let chart = chart::svg(
        "throughput-memory",
        "Requests per second against peak memory",
        &description.join("; "),
        LEGEND + chart::legend_height(legend.len()),
        &drawn,
    );
    let caption = html! {
        "Higher and further left is better. Lines are 95 % intervals." (caveats.below(&scenario.name))
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

/// From spawn to the first correct response.
pub fn start_up(analysis: &Analysis<'_>) -> Option<Markup> {
    let started = analysis.contenders.iter().enumerate().filter_map(|(series, contender)| {
        Some(Bar::of(series, &contender.record.name, contender.summary(Kind::Startup)?))
    });
    let started: Vec<Bar> = started.collect();
    let axis = "from process start to the first correct response";
    (!started.is_empty()).then(|| {
        let text = |value| with_unit(value, Kind::Startup.descriptor().unit);
        let chart = bars("start-up-times", "Start-up times", axis, &started, text);
        html! { div.charts { (figure(&chart, &html! { (INTERVALS) })) } }
    })
}
