//! Progress on stderr: a bar with the time left and the estimates so far on a terminal, plain
//! lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Event, Standing};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Only what is wrong.
    Quiet,
    Normal,
    /// Each step on a line of its own.
    Verbose,
}

#[derive(Debug)]
pub struct Display {
    verbosity: Verbosity,
    bar: Option<ProgressBar>,
    head: String,
    width: usize,
}

/// What is cut off where it does not fit comes last.
const BAR: &str = "{bar:20} {pos}/{len} {wide_msg}";
const BAR_AND_STANDINGS: &str = "{bar:20} {pos}/{len} {wide_msg}\n{prefix}";

impl Display {
    pub fn new(verbosity: Verbosity) -> Self {
        let drawn = verbosity == Verbosity::Normal && std::io::stderr().is_terminal();
        let found = terminal_size::terminal_size_of(std::io::stderr());
        let width = found.map_or(80, |(terminal_size::Width(columns), _)| usize::from(columns));
        Self::on(verbosity, drawn.then(ProgressDrawTarget::stderr), width)
    }

    fn on(verbosity: Verbosity, target: Option<ProgressDrawTarget>, width: usize) -> Self {
        let bar = target.map(|target| {
            let bar = ProgressBar::with_draw_target(Some(1), target);
            bar.set_style(style(BAR));
            bar
        });
        Self { verbosity, bar, head: String::new(), width }
    }

    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Preparing { contender, step } => self.line(&format!("{step} {contender}")),
            Event::LeftOut { contender, reason } => self.always(&format!("{contender}: {reason}")),
            Event::Launching { entry, launch, launches } => {
                self.line(&format!("launch {} of {launches} {entry}", launch + 1));
            }
            Event::RoundsBegin { visits, max_rounds } => {
                if let Some(bar) = &self.bar {
                    bar.set_length((visits * max_rounds) as u64);
                }
            }
            Event::VisitBegins { entry, round, visits_done, left } => {
                self.visit(entry, *round, *visits_done, *left);
            }
            Event::Step { name, rate_per_second } => self.step(name, *rate_per_second),
            Event::RoundRepeated { round, evidence } => {
                self.line(&format!("round {} again: {evidence}", round + 1));
            }
            Event::RoundEnded { round, standings } => self.round_ended(*round, standings),
            Event::Looked { rounds, is_settled, next } => {
                self.line(&look_text(*rounds, *is_settled, *next));
            }
            Event::RoundsEnded => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
        }
    }

    fn visit(&mut self, entry: &str, round: usize, visits_done: usize, left: Option<Duration>) {
        let left = left.map_or_else(String::new, |left| format!("{} left at most, ", clock(left)));
        self.head = format!("{left}round {}, {entry}", round + 1);
        if let Some(bar) = &self.bar {
            bar.set_position(visits_done as u64);
        }
        let head = self.head.clone();
        self.line(&head);
    }

    fn step(&self, name: &str, rate_per_second: Option<f64>) {
        let rate = rate_per_second.map_or(String::new(), |rate| format!(" {rate:.0}/s"));
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}: {name}{rate}", self.head));
        } else if self.verbosity == Verbosity::Verbose {
            self.write(&format!("  {name}{rate}"));
        }
    }

    fn round_ended(&self, round: usize, standings: &[Standing]) {
        if standings.is_empty() {
            return;
        }
        if let Some(bar) = &self.bar {
            bar.set_style(style(BAR_AND_STANDINGS));
            bar.set_prefix(standings_text("so far", standings, self.width));
        } else if self.verbosity != Verbosity::Quiet {
            let head = format!("after round {}", round + 1);
            self.write(&standings_text(&head, standings, self.width));
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None if self.verbosity == Verbosity::Quiet => {}
            None => self.write(text),
        }
    }

    fn always(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.write(text)),
            None => self.write(text),
        }
    }

    /// A display that cannot be written to is no reason to end a measurement.
    #[expect(clippy::unused_self, reason = "all output of the display goes through it")]
    fn write(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

fn look_text(rounds: usize, is_settled: bool, next: Option<usize>) -> String {
    match (is_settled, next) {
        (true, _) => format!("look after {rounds} rounds: every comparison is decided"),
        (false, Some(next)) => {
            format!(
                "look after {rounds} rounds: not every comparison is decided; next look after {next}"
            )
        }
        (false, None) => {
            format!("last look, after {rounds} rounds: not every comparison is decided")
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `so far: gin 12.3x (+-3 %), axum 15.1x (+-2 %)`, as many as fit.
fn standings_text(head: &str, standings: &[Standing], width: usize) -> String {
    let mut text = format!("{head}:");
    for (at, Standing { contender, ratio, half_width }) in standings.iter().enumerate() {
        let spread =
            half_width.map_or_else(String::new, |w| format!(" (\u{b1}{:.0} %)", w * 100.0));
        let part = format!("{} {contender} {ratio:.2}x{spread}", if at == 0 { "" } else { "," });
        if text.chars().count() + part.chars().count() + 5 > width {
            text.push_str(", ...");
            break;
        }
        text.push_str(&part);
    }
    text
}

/// `4m 05s`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{seconds}s")
    } else {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    /// What stands on a terminal of that width in the midst of a run.
    fn drawn(width: u16) -> String {
        let terminal = InMemoryTerm::new(10, width);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let mut display = Display::on(Verbosity::Normal, Some(target), width.into());
        let standing = |name: &str, ratio, half_width| Standing {
            contender: name.to_owned(),
            ratio,
            half_width,
        };
        let standings = vec![
            standing("gin", 12.34, Some(0.031)),
            standing("a-contender-with-quite-a-long-name", 0.412, Some(0.2)),
            standing("axum", 15.1, None),
        ];
        let left = Some(Duration::from_secs(245));
        let entry = "a-contender-with-quite-a-long-name".to_owned();
        for event in [
            Event::RoundsBegin { visits: 5, max_rounds: 30 },
            Event::RoundEnded { round: 6, standings },
            Event::VisitBegins { entry, round: 7, visits_done: 35, left },
            Event::Step { name: "saturation".to_owned(), rate_per_second: Some(20_412.7) },
        ] {
            display.show(&event);
        }
        terminal.contents()
    }

    #[test]
    fn the_bar_has_the_time_left_and_the_estimates() {
        insta::assert_snapshot!("bar_80", drawn(80));
        insta::assert_snapshot!("bar_120", drawn(120));
    }
}
