//! Every round's value, so that drift, jumps and outliers can be seen.

use maud::{Markup, html};

use super::caveats::Caveats;
use super::{anchor, bound_sign, figure, of_scenarios, scrolling};
use crate::analysis::{Analysis, Summary};
use crate::metric::Kind;
use crate::record::ScenarioRecord;
use crate::report::chart::{self, Frame, Scale, WIDTH};
use crate::report::units::{count, significant, with_unit};

struct Strip<'a> {
    series: usize,
    name: &'a str,
    summary: &'a Summary<'a>,
}

pub fn body(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let how = "Requests per second in each round, from left to right. The line in the middle of a strip \
               is the server's estimate. All strips of a chart span the same ratio. A cross marks a \
               round without a value.";
    of_scenarios(analysis, how, |scenario| scenario_figure(analysis, scenario, caveats))
}

fn scenario_figure(
    analysis: &Analysis<'_>,
    scenario: &ScenarioRecord,
    caveats: &Caveats,
) -> Option<Markup> {
    let metric = Kind::RequestsPerSecond.of(&scenario.name);
    let strips: Vec<Strip<'_>> = analysis
        .contenders
        .iter()
        .enumerate()
        .filter_map(|(series, contender)| {
            let summary = contender.summary(metric)?;
            Some(Strip { series, name: &contender.record.name, summary })
        })
        .collect();
    let rounds = strips.iter().map(|strip| strip.summary.rounds.len()).max()?;
    if rounds < 2 {
        return None;
    }
    let span = span(&strips);
    let description = format!(
        "{} of {}; each strip spans {} % to either side of the estimate. The table below has the values.",
        count(rounds, "round"),
        count(strips.len(), "server"),
        significant((span - 1.0) * 100.0)
    );
    let chart = chart::svg(
        &anchor("rounds", &scenario.name),
        &format!("{}: requests per second in each round", scenario.name),
        &description,
        TOP + STRIP * chart::number(strips.len()) + 32.0,
        &drawn(scenario, &strips, rounds, span),
    );
    let caption = html! {
        "Each strip spans \u{b1}" (significant((span - 1.0) * 100.0)) " %."
        (caveats.below(&scenario.name))
    };
    Some(html! {
        div { (figure(&chart, &caption)) (values(scenario, &strips, rounds)) }
    })
}

/// The largest ratio of a value to its estimate, either way, and at least what 5 % take.
fn span(strips: &[Strip<'_>]) -> f64 {
    let ratios = strips.iter().flat_map(|strip| {
        strip.summary.rounds.iter().flatten().map(|value| value / strip.summary.estimate)
    });
    let largest = ratios.map(|ratio| ratio.max(1.0 / ratio)).filter(|ratio| ratio.is_finite());
    largest.fold(1.05, f64::max)
}

const TOP: f64 = 18.0;
const STRIP: f64 = 58.0;
const LEFT: f64 = 8.0;

fn drawn(scenario: &ScenarioRecord, strips: &[Strip<'_>], rounds: usize, span: f64) -> Markup {
    let bottom = TOP + STRIP * chart::number(strips.len());
    let x = Scale::linear(1.0, chart::number(rounds), (LEFT, WIDTH - LEFT));
    let whole = |tick: f64| {
        if tick.fract() == 0.0 { tick.to_string() } else { String::new() }
    };
    html! {
        (chart::label_at(0.0, 11.0, "start", &format!("{}: requests per second", scenario.name)))
        (chart::x_axis(&x, TOP, bottom, "round", whole))
        @for (at, strip) in strips.iter().enumerate() {
            (drawn_strip(strip, x, TOP + STRIP * chart::number(at), span))
        }
    }
}

fn drawn_strip(strip: &Strip<'_>, x: Scale, top: f64, span: f64) -> Markup {
    let Summary { metric, estimate, rounds, bound, .. } = strip.summary;
    let unit = metric.descriptor().unit;
    let y = Scale::log(estimate / span, estimate * span, (top + STRIP - 5.0, top + 22.0));
    let frame = Frame { x, y };
    let middle = frame.y.at(*estimate);
    let of_round = |at: usize| chart::number(at + 1);
    let points: Vec<Option<(f64, f64)>> =
        rounds.iter().enumerate().map(|(at, value)| Some((of_round(at), (*value)?))).collect();
    let text = format!("{}{}/s", bound_sign(*bound), with_unit(*estimate, unit));
    html! {
        (chart::label_at(0.0, top + 14.0, "start", &chart::shortened(strip.name, 40)))
        (chart::label_at(WIDTH, top + 14.0, "end", &text))
        (chart::rule(LEFT, middle, WIDTH - LEFT, middle))
        @for run in points.split(Option::is_none) {
            (frame.line(strip.series, run.iter().copied().flatten()))
        }
        @for (at, value) in rounds.iter().enumerate() {
            @let place = frame.x.at(of_round(at));
            @match value {
                Some(value) => (chart::marker(
                    strip.series, place, frame.y.at(*value), false,
                    &format!("{}, round {}: {}/s", strip.name, at + 1, with_unit(*value, unit)),
                )),
                None => (chart::label_at(place, middle + 4.0, "middle", "\u{d7}")),
            }
        }
    }
}

fn values(scenario: &ScenarioRecord, strips: &[Strip<'_>], rounds: usize) -> Markup {
    let title = format!("{}: requests per second in each round", scenario.name);
    let shown = |strip: &Strip<'_>, round: usize| {
        let value = strip.summary.rounds.get(round).copied().flatten();
        value.map_or_else(
            || "-".to_owned(),
            |value| with_unit(value, strip.summary.metric.descriptor().unit),
        )
    };
    html! {
        details {
            summary { "The values: " (scenario.name) }
            (scrolling(&title, &html! {
                table {
                    caption { span { (title) } }
                    thead { tr {
                        th scope="col" { "round" }
                        @for strip in strips { th scope="col" { (strip.name) } }
                    } }
                    tbody {
                        @for round in 0..rounds {
                            tr {
                                th scope="row" { (round + 1) }
                                @for strip in strips { td { (shown(strip, round)) } }
                            }
                        }
                    }
                }
            }))
        }
    }
}
