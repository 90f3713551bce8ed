//! A picture for a post: the busiest scenario as an SVG file of 1200 by 630 pixels, the size that social
//! networks show links with. Its text is at least 24 pixels high, so that it is readable at half size.

use maud::{Markup, html};

use super::glance::{Caveat, busiest, caveats, marks, title};
use super::heading;
use super::tables::{bounded, ranked_name, ratio_cell};
use super::units::{count, with_unit};
use super::warnings::{NO_IMAGE_SIZE, unmeasured};
use crate::analysis::{Analysis, Ranked, headline};
use crate::record::ScenarioRecord;
use crate::report::chart::{self, number, px};

const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 630.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = WIDTH - LEFT;
/// Where bars begin and end, and where the column of values ends.
const BARS: (f64, f64) = (450.0, 600.0);
const VALUES: f64 = 830.0;
/// Between two columns.
const GAP: f64 = 20.0;
const TOP: f64 = 164.0;
/// Of small text, and from one of its lines to the next.
const SMALL: f64 = 24.0;
const LINE: f64 = 34.0;
/// Servers beyond these are only counted, and so are notes.
const ROWS_MAX: usize = 8;
const NOTES_MAX: usize = 4;
/// What a row takes at least.
const ROW_MIN: f64 = 32.0;

const TEXT: &str = "#1b1f24";
const MUTED: &str = "#57606a";
const WARNING: &str = "#8a4600";
const FASTEST: &str = "#0072b2";
const OTHERS: &str = "#8fa3b5";

struct Row {
    name: String,
    /// The numbers of the caveats that touch its figures, or empty.
    marks: String,
    /// `None` where a gate withholds the figure.
    bar: Option<Bar>,
    text: String,
    ratio: String,
    is_first: bool,
}

struct Bar {
    value: f64,
    ends: Option<(f64, f64)>,
}

/// The whole file, ending with a line feed.
pub fn render(analysis: &Analysis<'_>) -> String {
    let scenario = busiest(analysis);
    let mut caveats = caveats(analysis);
    caveats.retain(|caveat| scenario.is_some_and(|shown| caveat.touches_scenario(&shown.name)));
    let rows = scenario.map_or_else(Vec::new, |scenario| rows(analysis, scenario, &caveats));
    let notes = notes(analysis, &caveats);
    let subtitle = scenario.map_or_else(String::new, title);
    let name = &analysis.record.suite.name;
    let bottom = HEIGHT - LINE * number(notes.len()) - 18.0;
    let card = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(HEIGHT)
            viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby="title description"
            font-family="sans-serif" fill=(TEXT) color=(TEXT) {
            title id="title" { (name) ": " (subtitle) }
            desc id="description" { (description(&rows)) }
            rect width=(WIDTH) height=(HEIGHT) fill="#ffffff" {}
            (Label::new(LEFT, 72.0, 48.0, name).bold().drawn(RIGHT - LEFT))
            (Label::new(LEFT, 114.0, 28.0, &subtitle).muted().drawn(RIGHT - LEFT))
            @if let (Some(scenario), false) = (scenario, rows.is_empty()) {
                (headings(analysis, scenario))
            }
            (drawn_rows(&rows, bottom))
            @for (at, (color, text)) in notes.iter().enumerate() {
                @let y = bottom + LINE * number(at + 1) - 8.0;
                (Label { color, ..Label::new(LEFT, y, SMALL, text) }.drawn(RIGHT - LEFT))
            }
        }
    };
    card.into_string() + "\n"
}

/// None where no server has the figure.
fn rows(analysis: &Analysis<'_>, scenario: &ScenarioRecord, caveats: &[Caveat<'_>]) -> Vec<Row> {
    let metric = headline(scenario).of(&scenario.name);
    let unit = metric.descriptor().unit;
    let row = |Ranked { rank, contender, summary }: Ranked<'_>| {
        let name = &contender.record.name;
        let text = summary.map(|found| bounded(found.bound, with_unit(found.estimate, unit)));
        let bar = summary.map(|found| Bar {
            value: found.estimate,
            ends: found.low.zip(found.high).filter(|_| found.bound.is_none()),
        });
        let marks = marks(caveats, name, &scenario.name);
        Row {
            name: ranked_name(rank, name),
            marks: marks.map_or_else(String::new, |marks| format!(" {marks}")),
            bar,
            text: text.unwrap_or_else(|| "-".to_owned()),
            ratio: ratio_cell(analysis, metric, contender),
            is_first: rank == Some(1),
        }
    };
    let rows: Vec<Row> = analysis.ranking(scenario).into_iter().map(row).collect();
    if rows.iter().any(|row| row.bar.is_some()) { rows } else { Vec::new() }
}

fn description(rows: &[Row]) -> String {
    let row = |row: &Row| format!("{}{}: {} ({})", row.name, row.marks, row.text, row.ratio);
    rows.iter().map(row).collect::<Vec<_>>().join("; ")
}

/// What stands below the servers, each a line: what the run lacks, caveats, machine, date.
fn notes(analysis: &Analysis<'_>, caveats: &[Caveat<'_>]) -> Vec<(&'static str, String)> {
    let unmeasured = analysis.contenders.iter().flat_map(|it| {
        let reasons = unmeasured(it.record).filter(|(what, _)| *what != NO_IMAGE_SIZE);
        reasons.map(|(what, _)| format!("{what}: {}", it.record.name))
    });
    let mut lacks: Vec<String> = analysis.notes().into_iter().chain(unmeasured).collect();
    if lacks.len() > NOTES_MAX {
        let more = lacks.len() + 1 - NOTES_MAX;
        lacks.truncate(NOTES_MAX - 1);
        lacks.push(format!("and {}", count(more, "more note")));
    }
    lacks.extend(codes(caveats));
    let (extent, date) = (heading::extent(analysis), heading::date(analysis));
    let run = format!("{extent}, {date}, jigger {}", analysis.record.jigger);
    let lacks = lacks.into_iter().map(|text| (WARNING, text));
    lacks.chain([(MUTED, heading::machine(analysis)), (MUTED, run)]).collect()
}

/// `caveats: [1] connection-close, [2] debug-mode`, in as many lines as it takes.
fn codes(caveats: &[Caveat<'_>]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (at, caveat) in caveats.iter().enumerate() {
        let code = format!("[{}] {}", at + 1, caveat.code);
        match lines.last_mut() {
            None => lines.push(format!("caveats: {code}")),
            Some(line) if fits(&format!("{line}, {code},")) => line.push_str(&format!(", {code}")),
            Some(line) => {
                line.push(',');
                lines.push(code);
            }
        }
    }
    lines
}

fn fits(note: &str) -> bool {
    width_of_all(note, false) <= (RIGHT - LEFT) / SMALL
}

fn headings(analysis: &Analysis<'_>, scenario: &ScenarioRecord) -> Markup {
    let descriptor = headline(scenario).descriptor();
    let better = if descriptor.is_more_better() { "higher" } else { "lower" };
    let metric = format!("{}, {better} is better", descriptor.column.unwrap_or(descriptor.name));
    let ratio = format!("vs {}", analysis.record.suite.baseline);
    html! {
        (Label::new(BARS.0, TOP - 10.0, SMALL, &metric).muted().drawn(VALUES - BARS.0))
        (Label::new(RIGHT, TOP - 10.0, SMALL, &ratio).muted().at_end().drawn(RIGHT - VALUES - GAP))
    }
}

fn drawn_rows(rows: &[Row], bottom: f64) -> Markup {
    let most = (1..=ROWS_MAX).rev().find(|most| ROW_MIN * number(*most) <= bottom - TOP);
    let most = most.unwrap_or(1);
    let shown = if rows.len() > most { most - 1 } else { rows.len() };
    let (rows, others) = rows.split_at(shown);
    let lines = shown + usize::from(!others.is_empty());
    let height = ((bottom - TOP) / number(lines.max(1))).min(62.0);
    let bars = rows.iter().filter_map(|row| row.bar.as_ref());
    let longest = bars.map(|bar| bar.ends.map_or(bar.value, |(_, high)| high));
    let scale = (BARS.1 - BARS.0) / longest.fold(f64::MIN_POSITIVE, f64::max);
    html! {
        @for (at, row) in rows.iter().enumerate() {
            (drawn_row(row, TOP + height * number(at), height, scale))
        }
        @if !others.is_empty() {
            @let text = format!("and {} more", others.len());
            @let y = TOP + height * (number(shown) + 0.7);
            (Label::new(LEFT, y, SMALL, &text).muted().drawn(BARS.1))
        }
        @if rows.is_empty() {
            (Label::new(LEFT, TOP + 40.0, 28.0, "no server was measured").drawn(RIGHT - LEFT))
        }
    }
}

fn drawn_row(row: &Row, top: f64, height: f64, scale: f64) -> Markup {
    let size = (height * 0.62).clamp(SMALL, 28.0);
    let middle = top + height / 2.0;
    let text = middle + size * 0.36;
    let (thickness, color) = (height * 0.56, if row.is_first { FASTEST } else { OTHERS });
    let room = BARS.0 - LEFT - GAP;
    let name = fitted(&row.name, room / size - width_of_all(&row.marks, false), false) + &row.marks;
    html! {
        (Label::new(LEFT, text, size, &name).drawn(room))
        @if let Some(Bar { value, ends }) = row.bar {
            rect x=(BARS.0) y=(px(middle - thickness / 2.0)) width=(px((value * scale).max(1.0)))
                height=(px(thickness)) fill=(color) {}
            @if let Some((low, high)) = ends {
                (chart::interval(BARS.0 + low * scale, BARS.0 + high * scale, middle, 3.0))
            }
        }
        (Label::new(VALUES, text, size, &row.text).bold().at_end().drawn(VALUES - BARS.1 - GAP))
        (Label::new(RIGHT, text, size, &row.ratio).at_end().drawn(RIGHT - VALUES - GAP))
    }
}

/// A line of text that is cut to the room that it has.
struct Label<'a> {
    x: f64,
    y: f64,
    size: f64,
    text: &'a str,
    color: &'static str,
    anchor: &'static str,
    is_bold: bool,
}

impl<'a> Label<'a> {
    fn new(x: f64, y: f64, size: f64, text: &'a str) -> Self {
        Self { x, y, size, text, color: TEXT, anchor: "start", is_bold: false }
    }

    fn bold(self) -> Self {
        Self { is_bold: true, ..self }
    }

    fn muted(self) -> Self {
        Self { color: MUTED, ..self }
    }

    fn at_end(self) -> Self {
        Self { anchor: "end", ..self }
    }

    fn drawn(&self, room: f64) -> Markup {
        html! {
            text x=(px(self.x)) y=(px(self.y)) font-size=(px(self.size)) text-anchor=(self.anchor)
                font-weight=[self.is_bold.then_some("bold")] fill=(self.color) {
                (fitted(self.text, room / self.size, self.is_bold))
            }
        }
    }
}

/// The text in so many widths of a letter m, with an ellipsis where it is cut. A control character,
/// which XML does not allow, becomes a space.
fn fitted(text: &str, ems: f64, is_bold: bool) -> String {
    let text: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    if width_of_all(&text, is_bold) <= ems {
        return text;
    }
    let mut left = ems - width_of('\u{2026}', is_bold);
    let fits = |width: &f64| {
        left -= width;
        left >= 0.0
    };
    let widths = text.chars().map(|letter| width_of(letter, is_bold));
    let kept = widths.take_while(fits).count();
    let kept: String = text.chars().take(kept).collect();
    format!("{}\u{2026}", kept.trim_end())
}

fn width_of_all(text: &str, is_bold: bool) -> f64 {
    text.chars().map(|letter| width_of(letter, is_bold)).sum()
}

/// At least the width of a letter, in ems, in fonts as wide as DejaVu Sans and Verdana.
fn width_of(letter: char, is_bold: bool) -> f64 {
    let regular = match letter {
        ' ' | 'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '(' | ')' | '-' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1.0,
        'A'..='Z' | '<' | '>' | '=' | '~' | '+' | '&' | '#' => 0.84,
        ' '..='~' => 0.65,
        '\0'..='\u{ffff}' => 1.05,
        // Mostly emoji.
        _ => 1.4,
    };
    if is_bold { regular * 1.12 } else { regular }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::drawn::record;

    #[test]
    fn the_card() {
        insta::assert_snapshot!(render(&Analysis::of(&record(7))).replace("><", ">\n<"));
    }

    #[test]
    fn without_a_figure_the_card_says_so() {
        let mut record = record(7);
        record.visits.clear();
        let card = render(&Analysis::of(&record));
        assert!(card.contains(">no server was measured</text>"), "{card}");
        assert!(!card.contains("is better"), "{card}");
    }

    #[test]
    fn what_the_report_withholds_is_not_certain_on_the_card() {
        let mut noisy = record(7);
        for visit in noisy.visits.iter_mut().filter(|visit| visit.round < 3) {
            visit.disturbance.foreign_cpu_share = Some(0.4);
        }
        let card = render(&Analysis::of(&noisy));
        assert!(card.contains(">too noisy to compare"), "{card}");
        // Neither a rank nor the colour of the fastest.
        assert!(card.contains(">gin</text>") && !card.contains(FASTEST), "{card}");

        let mut failing = record(7);
        for visit in failing.visits.iter_mut().filter(|visit| visit.entry == "gin") {
            visit.trials[1].errors = [("timeout".to_owned(), 3)].into();
        }
        let card = render(&Analysis::of(&failing));
        assert!(card.contains("gin [1]: - (-)"), "{card}");
        assert!(card.contains(">caveats: [1] errors, [2] connection-close"), "{card}");
        assert!(card.contains(">skipped: axum</text>"), "{card}");
    }

    #[test]
    fn notes_beyond_the_room_are_counted() {
        let mut record = record(7);
        let skipped = record.contenders[2].clone();
        record.contenders.extend((0..4).map(|_| skipped.clone()));
        let card = render(&Analysis::of(&record));
        assert_eq!(card.matches(">skipped: axum</text>").count(), 3, "{card}");
        assert!(card.contains(">and 2 more notes</text>"), "{card}");
    }

    #[test]
    fn what_does_not_fit_is_cut_and_escaped() {
        assert_eq!(fitted("flask", 3.0, false), "flask");
        assert_eq!(fitted("mmmmmmmm", 4.1, false), "mmm\u{2026}");
        assert_eq!(fitted("a\u{7}b", 3.0, false), "a b");
        let mut record = record(7);
        record.suite.name = "</text><script>".to_owned();
        let card = render(&Analysis::of(&record));
        assert!(card.contains(">&lt;/text&gt;&lt;script&gt;</text>"), "{card}");
    }
}
