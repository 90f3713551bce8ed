//! The forest plots: each contender's ratio to the baseline with its interval and the margin.

use jigger_stats::Verdict;
use maud::{Markup, html};

use super::caveats::Caveats;
use super::{anchor, figure};
use crate::analysis::{Analysis, Comparison, ContenderResult, headline};
use crate::metric::{Bound, Metric, Role};
use crate::plan::PLACEBO;
use crate::report::chart::{self, Scale, WIDTH};
use crate::report::units::{fine, percent, significant};

struct Forest<'a> {
    title: String,
    metric: Metric<'a>,
    /// Whether the metric ranks its scenario.
    is_headline: bool,
    margin: f64,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    series: usize,
    name: &'a str,
    comparison: &'a Comparison<'a>,
    is_placebo: bool,
}

pub fn body(analysis: &Analysis<'_>, caveats: &Caveats) -> Option<Markup> {
    let metrics = Metric::all(&analysis.record.scenario_names());
    let forests: Vec<Forest<'_>> =
        metrics.into_iter().filter_map(|metric| forest(analysis, metric)).collect();
    if forests.is_empty() {
        return None;
    }
    let (headlines, others): (Vec<_>, Vec<_>) =
        forests.into_iter().partition(|forest| forest.is_headline);
    Some(html! {
        p.how {
            "Each mark is the ratio to " b { (analysis.record.suite.baseline) }
            " over the rounds that both have, and each line its 95 % interval. The grey band is the "
            "margin: within it two servers count as the same. A hollow mark: no difference shown."
        }
        div.charts { @for forest in &headlines { (forest.figure(caveats)) } }
        @if !others.is_empty() {
            details open[headlines.is_empty()] {
                summary { "Ratios of the other metrics" }
                div.charts { @for forest in &others { (forest.figure(caveats)) } }
            }
        }
    })
}

/// Where the rate is given there is nothing to see in it.
fn forest<'a>(analysis: &'a Analysis<'_>, metric: Metric<'a>) -> Option<Forest<'a>> {
    let descriptor = metric.descriptor();
    let name = descriptor.ratios?;
    let scenario = metric.scenario.and_then(|name| analysis.record.scenario(name));
    let is_headline = scenario.is_some_and(|scenario| headline(scenario) == metric.kind);
    if descriptor.role == Role::OfFreeRate && !is_headline {
        return None;
    }
    let mut rows = contender_rows(analysis, metric);
    if rows.is_empty() {
        return None;
    }
    rows.extend(placebo_row(analysis, metric));
    let title =
        metric.scenario.map_or_else(|| name.to_owned(), |scenario| format!("{scenario}: {name}"));
    let margin = analysis.record.suite.margin;
    Some(Forest { title, metric, is_headline, margin, rows })
}

fn contender_rows<'a>(analysis: &'a Analysis<'_>, metric: Metric<'_>) -> Vec<Row<'a>> {
    let row = |(series, contender): (usize, &'a ContenderResult<'_>)| {
        let comparison = analysis.comparison(metric, &contender.record.name)?;
        let row = Row { series, name: &contender.record.name, comparison, is_placebo: false };
        comparison.withheld.is_none().then_some(row)
    };
    analysis.contenders.iter().enumerate().filter_map(row).collect()
}

fn placebo_row<'a>(analysis: &'a Analysis<'_>, metric: Metric<'_>) -> Option<Row<'a>> {
    let comparison = analysis.placebo.iter().find(|comparison| comparison.metric == metric)?;
    let baseline = &analysis.record.suite.baseline;
    let series = analysis.contenders.iter().position(|c| c.record.name == *baseline)?;
    Some(Row { series, name: PLACEBO, comparison, is_placebo: true })
}

/// Room of a row: its texts, and below them its mark.
const ROW: f64 = 34.0;
const TOP: f64 = 18.0;
const LEFT: f64 = 8.0;

impl Forest<'_> {
    fn figure(&self, caveats: &Caveats) -> Markup {
        let bottom = TOP + ROW * chart::number(self.rows.len());
        let scale = self.scale();
        let body = html! {
            (chart::label_at(0.0, 11.0, "start", &chart::shortened(&self.title, 58)))
            (chart::band(scale.at(1.0 / (1.0 + self.margin)), TOP, scale.at(1.0 + self.margin), bottom))
            (chart::x_axis(&scale, TOP, bottom, self.axis_label(), |tick| format!("{}\u{d7}", plain(tick))))
            @for (at, row) in self.rows.iter().enumerate() {
                (self.row(row, &scale, TOP + ROW * chart::number(at)))
            }
        };
        let chart = chart::svg(
            &anchor("ratios", &self.metric.to_string()),
            &format!("Ratios to the baseline: {}", self.title),
            &self.description(),
            bottom + 32.0,
            &body,
        );
        let caption = html! {
            "Margin \u{b1}" (significant(self.margin * 100.0)) " %."
            @if let Some(scenario) = self.metric.scenario { (caveats.below(scenario)) }
        };
        figure(&chart, &caption)
    }

    fn scale(&self) -> Scale {
        let ends = self.rows.iter().flat_map(|row| {
            let Comparison { ratio, low, high, .. } = row.comparison;
            [Some(*ratio), *low, *high].into_iter().flatten()
        });
        let ends = ends.filter(|end| end.is_finite() && *end > 0.0);
        let band = (1.0 / (1.0 + self.margin), 1.0 + self.margin);
        let (low, high) = ends.fold(band, |(low, high), end| (low.min(end), high.max(end)));
        let pad = (high / low).powf(0.04);
        Scale::log(low / pad, high * pad, (LEFT, WIDTH - LEFT))
    }

    fn row(&self, row: &Row<'_>, scale: &Scale, top: f64) -> Markup {
        let Comparison { ratio, low, high, .. } = row.comparison;
        let y = top + 24.0;
        let hollow = !row.comparison.verdict.is_some_and(Verdict::is_different);
        let name = if row.is_placebo { "placebo (baseline again)" } else { row.name };
        let value = self.text(row);
        // A sign is about six units wide and the row is one line.
        let room = 58_usize.saturating_sub(value.chars().count() + 1);
        html! {
            (chart::label_at(0.0, top + 14.0, "start", &chart::shortened(name, room)))
            (chart::label_at(WIDTH, top + 14.0, "end", &value))
            @if let (Some(low), Some(high)) = (low, high) {
                (chart::stroke(row.series, (scale.at(*low), y), (scale.at(*high), y)))
            }
            (chart::marker(row.series, scale.at(*ratio), y, hollow, &format!("{}: {value}", row.name)))
        }
    }

    /// `11.6x (11.2 to 12.0) faster`.
    fn text(&self, row: &Row<'_>) -> String {
        let Comparison { ratio, low, high, verdict, bound, .. } = row.comparison;
        let mut text = match (bound, low, high) {
            (Some(Bound::AtLeast), Some(low), _) => format!("\u{2265} {}\u{d7}", fine(*low)),
            (Some(Bound::AtMost), _, Some(high)) => format!("\u{2264} {}\u{d7}", fine(*high)),
            (_, Some(low), Some(high)) => {
                format!("{}\u{d7} ({} to {})", fine(*ratio), fine(*low), fine(*high))
            }
            _ => format!("{}\u{d7}", fine(*ratio)),
        };
        let words = self.metric.descriptor().words;
        let word = match verdict {
            None => None,
            Some(Verdict::Better) => Some(words.better.to_owned()),
            Some(Verdict::Worse) => Some(words.worse.to_owned()),
            Some(Verdict::ProbablyBetter) => Some(format!("probably {}", words.better)),
            Some(Verdict::ProbablyWorse) => Some(format!("probably {}", words.worse)),
            Some(Verdict::Same) => Some("same".to_owned()),
            Some(Verdict::NotShown) => row
                .comparison
                .largest_difference
                .map(|share| format!("no difference above {}", percent(share))),
        };
        text.extend(word.map(|word| format!(" {word}")));
        text
    }

    fn axis_label(&self) -> &'static str {
        if self.metric.descriptor().is_more_better() {
            "\u{2190} worse \u{b7} better \u{2192}"
        } else {
            "\u{2190} better \u{b7} worse \u{2192}"
        }
    }

    fn description(&self) -> String {
        let rows: Vec<String> =
            self.rows.iter().map(|row| format!("{}: {}", row.name, self.text(row))).collect();
        rows.join("; ")
    }
}

/// A round number without needless zeros.
fn plain(tick: f64) -> String {
    let text = format!("{tick:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
