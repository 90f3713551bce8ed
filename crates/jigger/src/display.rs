//! Progress on stderr: a bar with the time left on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::event::Event;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Only what is wrong.
    Quiet,
    /// Progress.
    Normal,
    /// Each step on a line of its own.
    Verbose,
}

/// Shows events as they come.
#[derive(Debug)]
pub struct Display {
    verbosity: Verbosity,
    bar: Option<ProgressBar>,
    head: String,
}

impl Display {
    /// A display on stderr.
    #[must_use]
    pub fn new(verbosity: Verbosity) -> Self {
        let drawn = verbosity == Verbosity::Normal && std::io::stderr().is_terminal();
        let bar = drawn.then(|| {
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}");
            let bar = ProgressBar::new(1);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { verbosity, bar, head: String::new() }
    }

    /// Shows one event.
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
                let left = left.map_or(String::new(), |left| format!(", {} left", clock(left)));
                self.head = format!("round {} {entry}{left}", round + 1);
                if let Some(bar) = &self.bar {
                    bar.set_position(*visits_done as u64);
                }
                let head = self.head.clone();
                self.line(&head);
            }
            Event::Step { name, rate_per_second } => self.step(name, *rate_per_second),
            Event::RoundRepeated { round, evidence } => {
                self.line(&format!("round {} again: {evidence}", round + 1));
            }
            Event::RoundsEnded => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
        }
    }

    fn step(&self, name: &str, rate_per_second: Option<f64>) {
        let rate = rate_per_second.map_or(String::new(), |rate| format!(" {rate:.0}/s"));
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}: {name}{rate}", self.head));
        } else if self.verbosity == Verbosity::Verbose {
            self.write(&format!("  {name}{rate}"));
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

/// `4m 05s`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{seconds}s")
    } else {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    }
}
