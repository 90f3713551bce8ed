//! What the servers cost: memory for throughput, start-up, image sizes.

use maud::{Markup, html};

use super::caveats::Caveats;
use super::{bound_sign, figure, interval, round_text, scrolling};
use crate::analysis::{Analysis, ContenderResult, Metric, number};
use crate::record::{ImageRecord, ScenarioRecord};
use crate::report::chart::{self, Frame, Scale, WIDTH};
use crate::report::units::{bytes, grouped, with_unit};

const MEMORY: &str = "memory_peak_bytes";

/// A contender in the plane of memory and throughput.
struct Point<'a> {
    series: usize,
    name: &'a str,
    memory: &'a Metric,
    rate: &'a Metric,
}

/// Requests a second over peak memory, in the closed-loop scenario with the most connections.
pub fn throughput_against_memory(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let closed = |scenario: &&ScenarioRecord| scenario.rate_per_second.is_none();
    let scenarios = analysis.record.suite.scenarios.iter().filter(closed);
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
    let rate = format!("{}.requests_per_second", scenario.name);
    let point = |(series, contender): (usize, &'a ContenderResult<'_>)| {
        let name = contender.record.name.as_str();
        let (memory, rate) = contender.metric(MEMORY).zip(contender.metric(&rate))?;
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
        |metric: &Metric, scale: &Scale| Some((scale.at(metric.low?), scale.at(metric.high?)));
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

/// A bar with its name and value above it.
struct Bar<'a> {
    series: usize,
    name: &'a str,
    text: String,
    /// The solid part and the whole.
    solid: f64,
    whole: f64,
    /// The interval's ends.
    ends: Option<(f64, f64)>,
}

const TOP: f64 = 4.0;
const ROW: f64 = 32.0;

fn bars(id: &str, title: &str, axis: &str, bars: &[Bar<'_>], text: fn(f64) -> String) -> Markup {
    let furthest = |bar: &Bar<'_>| bar.ends.map_or(bar.whole, |(_, high)| high.max(bar.whole));
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
    let (left, _) = scale.ends();
    let y = top + 18.0;
    let room = 56_usize.saturating_sub(bar.text.chars().count());
    html! {
        (chart::label_at(2.0, top + 13.0, "start", &chart::shortened(bar.name, room)))
        (chart::label_at(WIDTH, top + 13.0, "end", &bar.text))
        @if bar.whole > bar.solid {
            (chart::bar(bar.series, (left, y), scale.at(bar.whole) - left, 9.0, true))
        }
        (chart::bar(bar.series, (left, y), scale.at(bar.solid) - left, 9.0, false))
        @if let Some((low, high)) = bar.ends {
            line x1=(scale.at(low)) y1=(y + 4.5) x2=(scale.at(high)) y2=(y + 4.5)
                stroke="currentColor" stroke-width="2" {}
        }
    }
}

/// From spawn to the first correct answer.
pub fn start_up(analysis: &Analysis<'_>) -> Option<Markup> {
    let started = analysis.contenders.iter().enumerate().filter_map(|(series, contender)| {
        let metric = contender.metric("startup_ms")?;
        let shown = |value| with_unit(value, metric.unit);
        let ends = metric.low.zip(metric.high);
        let interval = ends.map(|ends| format!(" ({})", interval(ends, metric.unit)));
        Some(Bar {
            series,
            name: &contender.record.name,
            text: shown(metric.estimate) + &interval.unwrap_or_default(),
            solid: metric.estimate,
            whole: metric.estimate,
            ends,
        })
    });
    let started: Vec<Bar<'_>> = started.collect();
    let axis = "from spawn to the first correct answer";
    (!started.is_empty()).then(|| {
        let text = |value| with_unit(value, crate::analysis::Unit::Milliseconds);
        let chart = bars("start-up-times", "Start-up times", axis, &started, text);
        let caption =
            html! { "Bars are estimates over the rounds; lines on them are 95 % intervals." };
        html! { div.charts { (figure(&chart, &caption)) } }
    })
}

/// Sizes of the images, apart into what is an image's own and what others share.
pub fn images(analysis: &Analysis<'_>) -> Option<Markup> {
    let images: Vec<(usize, &str, &ImageRecord)> = analysis
        .contenders
        .iter()
        .enumerate()
        .filter_map(|(at, c)| Some((at, c.record.name.as_str(), c.record.image.as_ref()?)))
        .collect();
    if images.is_empty() {
        return None;
    }
    let sizes: Vec<Bar<'_>> =
        images.iter().map(|(at, name, image)| image_bar(*at, name, image)).collect();
    let chart = bars("image-sizes", "Unpacked sizes of the images", "unpacked", &sizes, bytes);
    let caption = html! {
        "Solid: layers that no other contender's image has. Pale: layers that it shares with others."
    };
    Some(html! { div.charts { (figure(&chart, &caption)) } (image_table(&images)) })
}

fn image_bar<'a>(series: usize, name: &'a str, image: &ImageRecord) -> Bar<'a> {
    let (own, whole) = (number(image.own_bytes), number(image.unpacked_bytes));
    let text = format!("{} ({} its own)", bytes(whole), bytes(own));
    Bar { series, name, text, solid: own, whole, ends: None }
}

fn image_table(images: &[(usize, &str, &ImageRecord)]) -> Markup {
    let size = |count: u64| bytes(number(count));
    let engine_says =
        |image: &ImageRecord| image.engine_says_bytes.map_or_else(|| "-".to_owned(), size);
    scrolling(
        "sizes of the images",
        &html! {
            table {
                caption { span { "sizes of the images" } }
                thead { tr {
                    @for heading in ["contender", "unpacked", "its own", "transfer (gzip)", "the engine says", "engine", "image"] {
                        th scope="col" { (heading) }
                    }
                } }
                tbody {
                    @for (_, name, image) in images {
                        tr {
                            th scope="row" { (name) }
                            td { (size(image.unpacked_bytes)) }
                            td { (size(image.own_bytes)) }
                            td { (size(image.transfer_bytes)) }
                            td { (engine_says(image)) }
                            td { (image.engine) }
                            td { code { (image.reference) } }
                        }
                    }
                }
            }
        },
    )
}
