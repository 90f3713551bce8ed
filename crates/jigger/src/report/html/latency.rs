//! The distribution of response times, with as much room for the tail as for the rest.

use maud::{Markup, html};

use super::caveats::Caveats;
use super::{anchor, figure, of_scenarios, round_text};
use crate::analysis::{Analysis, LatencyCurve, latency_curve};
use crate::numbers::number;
use crate::record::{PacingRecord, ScenarioRecord};
use crate::report::chart::{self, Frame, Scale, WIDTH};
use crate::report::units::{grouped, time_us};

struct Line<'a> {
    series: usize,
    name: &'a str,
    curve: LatencyCurve,
}

pub fn body(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let how = "The responses of all rounds together. A point shows the share of the responses that came \
               within that time; each further nine (99 %, 99.9 %) has the same width. A curve ends \
               where ten responses of a round are left.";
    of_scenarios(analysis, how, |scenario| scenario_figure(analysis, scenario, caveats))
}

fn scenario_figure(
    analysis: &Analysis<'_>,
    scenario: &ScenarioRecord,
    caveats: &Caveats,
) -> Option<Markup> {
    let lines: Vec<Line<'_>> = analysis
        .contenders
        .iter()
        .enumerate()
        .filter_map(|(series, contender)| {
            let name = contender.record.name.as_str();
            let curve = latency_curve(analysis.record, name, &scenario.name)?;
            Some(Line { series, name, curve })
        })
        .collect();
    let frame = frame(&lines)?;
    let legend: Vec<(usize, &str)> = lines.iter().map(|line| (line.series, line.name)).collect();
    let drawn = html! {
        (frame.x_axis("share of the responses", quantile_text))
        (frame.y_axis(&format!("{}: response time", scenario.name), |tick| round_text(&time_us(tick))))
        @for line in &lines {
            (frame.line(line.series, line.curve.points.iter().map(|p| (p.quantile, p.response_time_us))))
            (end_mark(&frame, line))
        }
        (chart::legend(LEGEND, &legend))
    };
    let chart = chart::svg(
        &anchor("latency", &scenario.name),
        &format!("{}: response times by share of the responses", scenario.name),
        &description(&lines),
        LEGEND + chart::legend_height(legend.len()),
        &drawn,
    );
    Some(figure(&chart, &html! { (caption(scenario)) (caveats.below(&scenario.name)) }))
}

const BOTTOM: f64 = 216.0;
const LEGEND: f64 = BOTTOM + 36.0;

fn frame(lines: &[Line<'_>]) -> Option<Frame> {
    let points = || lines.iter().flat_map(|line| &line.curve.points);
    let times = || points().map(|point| point.response_time_us).filter(|time| *time > 0.0);
    let low = times().min_by(f64::total_cmp)?;
    let high = times().max_by(f64::total_cmp)?;
    let last = points().map(|point| point.quantile).fold(0.0, f64::max);
    Some(Frame {
        x: Scale::tail(last, (54.0, WIDTH - 20.0)),
        y: Scale::log(low / 1.1, high * 1.1, (BOTTOM, 24.0)),
    })
}

fn end_mark(frame: &Frame, line: &Line<'_>) -> Markup {
    let Some(last) = line.curve.points.last() else {
        return html! {};
    };
    let title = format!(
        "{}: {} of the responses within {}",
        line.name,
        quantile_text(last.quantile),
        time_us(last.response_time_us)
    );
    chart::marker(
        line.series,
        frame.x.at(last.quantile),
        frame.y.at(last.response_time_us),
        false,
        &title,
    )
}

fn description(lines: &[Line<'_>]) -> String {
    let line = |line: &Line<'_>| {
        let last = line.curve.points.last();
        let reached = last.map_or_else(String::new, |last| {
            format!(", {} within {}", quantile_text(last.quantile), time_us(last.response_time_us))
        });
        format!("{}: {} responses{reached}", line.name, grouped(number(line.curve.requests)))
    };
    lines.iter().map(line).collect::<Vec<_>>().join("; ")
}

fn caption(scenario: &ScenarioRecord) -> &'static str {
    match (scenario.pacing() != PacingRecord::Closed, scenario.fresh) {
        (true, _) => "From the instant a request was due to the last byte of its response.",
        (false, true) => "From the connect to the last byte of the response.",
        (false, false) => "From the first byte sent to the last byte received.",
    }
}

/// `99.9 %`, with as many digits as its nines need; the smallest value at 0.
fn quantile_text(quantile: f64) -> String {
    if quantile <= 0.0 {
        return "least".to_owned();
    }
    let percent = format!("{:.7}", quantile * 100.0);
    let (whole, fraction) = percent.split_once('.').unwrap_or((&percent, ""));
    let digits = fraction.chars().take_while(|digit| *digit == '9').count();
    let kept = if digits == 0 { usize::from(!fraction.starts_with('0')) } else { digits };
    match &fraction[..kept.min(fraction.len())] {
        "" => format!("{whole} %"),
        fraction => format!("{whole}.{fraction} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_digits_that_their_nines_need() {
        let shown: Vec<String> =
            [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.967].map(quantile_text).into();
        assert_eq!(shown, ["least", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "96.7 %"]);
    }
}
