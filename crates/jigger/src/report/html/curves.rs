//! Throughput and response time against the values of a suite's matrix.

use maud::{Markup, html};

use super::figures::marked_lines;
use super::{Caveats, anchor, figure, round_text};
use crate::analysis::Analysis;
use crate::metric::{Kind, Unit};
use crate::report::chart::{self, Frame, Scale, WIDTH};
use crate::report::curves::{Curve, Line, Point, curves, table};
use crate::report::units::with_unit;

/// What is drawn of each curve, where the servers have it.
const DRAWN: [Kind; 2] = [Kind::RequestsPerSecond, Kind::ResponseTimeP99];

pub fn body(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let curves = curves(analysis);
    let charts = curves.iter().flat_map(|curve| DRAWN.map(|kind| drawn(curve, kind)));
    let charts: Vec<Markup> = charts.flatten().collect();
    (!curves.is_empty()).then(|| {
        html! {
            p.how { "Each point was measured; the lines only connect the points of one server." }
            @if !charts.is_empty() { div.charts { @for chart in &charts { (chart) } } }
            @for curve in &curves { (marked(curve, caveats)) }
        }
    })
}

/// The curve's figures, each row with links to what touches them.
fn marked(curve: &Curve<'_>, caveats: &Caveats) -> Markup {
    let beside = |at: &Point<'_>| caveats.beside(&at.contender.record.name, &at.scenario.name);
    marked_lines(&table(curve), &curve.points().map(beside).collect::<Vec<_>>())
}

/// A server's points, as the figure at each value.
struct Drawn<'a> {
    series: usize,
    name: &'a str,
    points: Vec<(f64, f64)>,
}

fn drawn(curve: &Curve<'_>, kind: Kind) -> Option<Markup> {
    let all: Vec<Drawn<'_>> =
        curve.lines.iter().enumerate().filter_map(|it| points(it, kind)).collect();
    let frame = frame(&all)?;
    let unit = kind.descriptor().unit;
    let what = if unit == Unit::PerSecond { "requests per second" } else { "p99 response time" };
    let title = format!("{}: {what}", curve.title);
    let legend: Vec<(usize, &str)> = all.iter().map(|line| (line.series, line.name)).collect();
    let shown = |value: f64| round_text(&with_unit(value, unit));
    let body = html! {
        (frame.x_axis(curve.key, |tick| format!("{tick}")))
        (frame.y_axis(what, shown))
        @for line in &all {
            (frame.line(line.series, line.points.iter().copied()))
            @for (x, y) in &line.points {
                (chart::marker(line.series, frame.x.at(*x), frame.y.at(*y), false, &format!(
                    "{}: {} at {x}", line.name, with_unit(*y, unit)
                )))
            }
        }
        (chart::legend(LEGEND, &legend))
    };
    let told = |line: &Drawn<'_>| {
        let points = line.points.iter().map(|(x, y)| format!("{} at {x}", with_unit(*y, unit)));
        format!("{}: {}", line.name, points.collect::<Vec<_>>().join(", "))
    };
    let chart = chart::svg(
        &anchor(&format!("curve-{}", kind.descriptor().name), &curve.title),
        &title,
        &all.iter().map(told).collect::<Vec<_>>().join("; "),
        LEGEND + chart::legend_height(legend.len()),
        &body,
    );
    Some(figure(&chart, &html! { (title) "." }))
}

/// `None` where a value is no number, or less than two have the figure.
fn points<'a>((series, line): (usize, &Line<'a>), kind: Kind) -> Option<Drawn<'a>> {
    let values = line.points.iter().map(|point| Some((point.value.parse::<f64>().ok()?, point)));
    let values = values.collect::<Option<Vec<_>>>()?;
    let figure = |(value, point): &(f64, &Point<'_>)| {
        let summary = point.contender.summary(kind.of(&point.scenario.name))?;
        Some((*value, summary.estimate))
    };
    let mut points: Vec<(f64, f64)> = values.iter().filter_map(figure).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    (points.len() > 1).then_some(Drawn { series, name: line.name, points })
}

const BOTTOM: f64 = 216.0;
const LEGEND: f64 = BOTTOM + 36.0;
/// From this ratio of the values on, equal steps are equal ratios.
const WIDE: f64 = 8.0;

fn frame(lines: &[Drawn<'_>]) -> Option<Frame> {
    let ends = |values: &[f64]| {
        let low = values.iter().copied().min_by(f64::total_cmp)?;
        Some((low, values.iter().copied().max_by(f64::total_cmp)?))
    };
    let points = || lines.iter().flat_map(|line| &line.points);
    let (low, high) = ends(&points().map(|point| point.0).collect::<Vec<_>>())?;
    let (_, most) = ends(&points().map(|point| point.1).collect::<Vec<_>>())?;
    let across = (64.0, WIDTH - 20.0);
    let x = match low > 0.0 && high / low >= WIDE {
        true => Scale::log(low, high, across),
        false => Scale::linear(low, high, across),
    };
    Some(Frame { x, y: Scale::linear(0.0, most * 1.05, (BOTTOM, 24.0)) })
}
