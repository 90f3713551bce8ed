//! The picture: a pure function of the model.

use jigger_load::{Pacing, Snapshot};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Padding, Paragraph, Wrap};

use super::model::{Bar, Model};
use crate::metric::Kind;
use crate::numbers::number;
use crate::report::units::{bytes, count, grouped, time_us, whole};

const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const FIGURE: Style = Style::new().fg(Color::Cyan);
const WRONG: Style = Style::new().fg(Color::Red);
const QUIET: Style = Style::new().add_modifier(Modifier::DIM);

pub fn draw(frame: &mut Frame<'_>, model: &Model<'_>) {
    let rows = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(8),
        Constraint::Length(7),
        Constraint::Length(1),
    ]);
    let [head, gauge, charts, figures, keys] = rows.areas(frame.area());
    frame.render_widget(title(model), head);
    frame.render_widget(progress(model), gauge);
    let halves = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]);
    let [left, right] = halves.areas(charts);
    rates(frame, left, model);
    histogram(frame, right, model);
    let [left, right] = halves.areas(figures);
    frame.render_widget(totals(model), left);
    frame.render_widget(responses(model), right);
    let hint = Line::styled("q: stop and report   Ctrl-C: interrupt and report", QUIET);
    frame.render_widget(hint, keys);
}

fn boxed(title: &str) -> Block<'_> {
    Block::bordered().title(Line::styled(format!(" {title} "), STRONG))
}

fn title(model: &Model<'_>) -> Line<'static> {
    let load = model.load;
    let pace = match load.pacing {
        Pacing::Closed => String::new(),
        Pacing::Open { rate_per_second, .. } => format!(", {rate_per_second} requests/s"),
    };
    let (connections, threads) =
        (count(load.connections, "connection"), count(load.threads, "thread"));
    Line::from(vec![
        Span::styled(model.url.to_owned(), STRONG),
        Span::raw(format!(": {connections}, {threads}{pace}")),
    ])
}

fn progress(model: &Model<'_>) -> Gauge<'static> {
    let (share, left) = model.done();
    let elapsed = model.progress.elapsed.as_secs_f64();
    let left = left.map_or_else(String::new, |left| format!(", {:.0} s left", left.as_secs_f64()));
    Gauge::default()
        .ratio(share)
        .label(format!("{elapsed:.0} s{left}"))
        .gauge_style(FIGURE)
        .use_unicode(true)
}

fn rates(frame: &mut Frame<'_>, area: Rect, model: &Model<'_>) {
    let points: Vec<(f64, f64)> = model.rates.iter().copied().collect();
    let highest = points.iter().map(|(_, rate)| *rate).fold(1.0, f64::max) * 1.1;
    let (from, to) = match (points.first(), points.last()) {
        (Some((from, _)), Some((to, _))) if to > from => (*from, *to),
        _ => (0.0, 1.0),
    };
    let line = Dataset::default()
        .marker(Marker::Braille)
        .graph_type(GraphType::Line)
        .style(FIGURE)
        .data(&points);
    let seconds = |at: f64| Line::raw(format!("{at:.0} s"));
    let chart = Chart::new(vec![line])
        .block(boxed("responses per second"))
        .x_axis(
            Axis::default().bounds([from, to]).labels([seconds(from), seconds(to)]).style(QUIET),
        )
        .y_axis(
            Axis::default()
                .bounds([0.0, highest])
                .labels(["0".to_owned(), grouped(highest / 2.0), grouped(highest)])
                .style(QUIET),
        );
    frame.render_widget(chart, area);
}

/// A line for each bar: up to which time, how many, and how many that is beside the fullest.
fn histogram(frame: &mut Frame<'_>, area: Rect, model: &Model<'_>) {
    let bars = model.bars();
    let fullest = bars.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
    let room = usize::from(area.width).saturating_sub(2 + 10 + 1 + 10 + 1);
    // Where the box is too low for all, neighbours are taken together.
    let lines = usize::from(area.height).saturating_sub(2).max(1);
    let together = bars.len().div_ceil(lines).max(1);
    let line = |bars: &[Bar]| {
        let count: u64 = bars.iter().map(|bar| bar.count).sum();
        let up_to_us = bars.last().map_or(0.0, |bar| number(bar.up_to_ns) / 1e3);
        Line::from(vec![
            Span::raw(format!("{:>10} ", time_us(up_to_us))),
            Span::styled(block_bar(count, fullest * together as u64, room), FIGURE),
            Span::styled(format!(" {}", whole(count)), QUIET),
        ])
    };
    let lines: Vec<Line<'_>> = bars.chunks(together).map(line).collect();
    frame.render_widget(Paragraph::new(lines).block(boxed("response times, up to")), area);
}

/// So many eighths of a character as the share asks for; something is never nothing.
fn block_bar(count: u64, of: u64, room: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = u128::from(count) * (room as u128 * 8) / u128::from(of.max(1));
    let eighths = usize::try_from(eighths).unwrap_or(room * 8).max(usize::from(count > 0));
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

fn totals(model: &Model<'_>) -> Paragraph<'static> {
    let progress = &model.progress;
    let seconds = progress.elapsed.as_secs_f64().max(1e-9);
    let now = model.rates.back().map_or(0.0, |(_, rate)| *rate);
    let mut lines = vec![
        pair("responses", whole(progress.responses)),
        pair("rate", format!("{}/s now, {}/s mean", grouped(now), grouped(model.mean_rate()))),
        pair("received", format!("{} per second", bytes(number(progress.bytes) / seconds))),
    ];
    if let Some(snapshot) = &model.snapshot {
        lines.extend(percentiles(snapshot).map(|text| pair("time", text)));
    }
    Paragraph::new(lines).block(boxed("so far").padding(Padding::horizontal(1)))
}

/// Two lines: the percentiles that there are responses enough for.
fn percentiles(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    let times = &snapshot.response_time_ns;
    let shown = |kind: Kind| {
        let descriptor = kind.descriptor();
        let value_us = descriptor.source.of_times(times)?;
        let (_, name) = descriptor.name.split_once('.')?;
        Some(format!("{} {}", name.replace('_', "."), time_us(value_us)))
    };
    let kinds = [
        Kind::ResponseTimeP50,
        Kind::ResponseTimeP90,
        Kind::ResponseTimeP99,
        Kind::ResponseTimeP999,
    ];
    let shown: Vec<String> = kinds.into_iter().filter_map(shown).collect();
    let lines: Vec<String> = shown.chunks(2).map(|two| two.join(", ")).collect();
    lines.into_iter()
}

fn responses(model: &Model<'_>) -> Paragraph<'static> {
    let mut lines = Vec::new();
    if let Some(snapshot) = &model.snapshot {
        let statuses: Vec<String> = snapshot
            .status
            .iter()
            .map(|(status, count)| format!("{status}: {}", whole(*count)))
            .collect();
        lines.push(pair("status", statuses.join(", ")));
        for (kind, count, first) in snapshot.errors.iter() {
            let text = format!("{kind}: {} ({first})", whole(count));
            lines.push(Line::styled(text, WRONG));
        }
        for (name, count) in
            [("closed", snapshot.closed_by_server), ("surplus", snapshot.surplus_bytes)]
        {
            if count > 0 {
                lines.push(pair(name, whole(count)));
            }
        }
    }
    if model.progress.errors == 0 {
        lines.push(Line::styled("no errors", QUIET).alignment(Alignment::Left));
    }
    let block = boxed("responses and errors").padding(Padding::horizontal(1));
    Paragraph::new(lines).block(block).wrap(Wrap { trim: true })
}

fn pair(name: &str, text: String) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{name:<10}"), QUIET), Span::raw(text)])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use jigger_load::{ErrorKind, Errors, Extent, Load, Progress, Request, Url, sample};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    /// What is shown of a load that is at its tenth second, at that size.
    fn shown(width: u16, height: u16, errors: u64) -> String {
        let address = "127.0.0.1:8080".parse::<std::net::SocketAddr>().unwrap();
        let url = "http://127.0.0.1:8080/";
        let request = Request::get(&Url::parse(url).unwrap());
        let load = Load {
            connections: 32,
            threads: 2,
            extent: Extent::Time(Duration::from_secs(30)),
            ..Load::new(address.into(), request)
        };
        let mut model = Model::new(url, &load);
        let mut response_time_ns = sample::histogram();
        for at in 0..40_u32 {
            let seconds = f64::from(at) / 4.0;
            let responses = 2_000 * u64::from(at) + 300 * u64::from(at % 3);
            (0..500).for_each(|n| response_time_ns.saturating_record(90_000 + n * n * 97));
            let mut failed = Errors::default();
            if errors > 0 {
                failed.add(ErrorKind::Timeout, errors, || "no response in 10 s".to_owned());
            }
            let snapshot = Snapshot {
                response_time_ns: response_time_ns.clone(),
                status: BTreeMap::from([(200, responses), (503, 7)]),
                errors: failed,
                closed_by_server: 2 * errors,
                surplus_bytes: 40 * errors,
            };
            let elapsed = Duration::from_secs_f64(seconds);
            let progress = Progress { elapsed, responses, errors, bytes: responses * 150 };
            model.follow(&progress, snapshot);
        }
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &model)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_screen_at_two_sizes() {
        insta::assert_snapshot!("screen_80x24", shown(80, 24, 12));
        insta::assert_snapshot!("screen_120x40", shown(120, 40, 0));
    }

    #[test]
    fn a_tiny_terminal_is_no_reason_to_end() {
        for (width, height) in [(1, 1), (10, 3), (20, 12), (300, 4)] {
            shown(width, height, 1);
        }
    }

    #[test]
    fn something_is_never_nothing() {
        assert_eq!(block_bar(1, 1_000_000, 10), "▏");
        assert_eq!(block_bar(0, 5, 10), "");
        assert_eq!(block_bar(5, 5, 3), "███");
        assert_eq!(block_bar(1, 2, 3), "█▌");
    }
}
