//! The live screen of `jigger load`: what a terminal shows while the load runs.
//!
//! It is drawn on standard error, so that the report can go elsewhere, by the thread that
//! observes the load; the load's own threads only copy their counts on request.

mod draw;
mod model;

use std::io::{Stderr, Write, stderr};
use std::sync::Once;
use std::time::Duration;

use jigger_load::{Load, Progress, Snapshots};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use ratatui::prelude::CrosstermBackend;
use ratatui::{Frame, Terminal};

use model::Model;

/// Between two pictures; also how soon a key takes effect.
pub const EVERY: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct Live<'a> {
    screen: Screen,
    model: Model<'a>,
    snapshots: &'a Snapshots,
}

impl<'a> Live<'a> {
    /// Takes the terminal.
    pub fn new(url: &'a str, load: &'a Load, snapshots: &'a Snapshots) -> std::io::Result<Self> {
        let mut live = Self { screen: Screen::new()?, model: Model::new(url, load), snapshots };
        live.draw()?;
        snapshots.request();
        Ok(live)
    }

    /// Shows how far the load is, and says what the user wants.
    pub fn show(&mut self, progress: &Progress) -> std::io::Result<Wish> {
        self.model.follow(progress, self.snapshots.latest());
        self.snapshots.request();
        self.draw()?;
        self.screen.wish()
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let model = &self.model;
        self.screen.draw(|frame| draw::draw(frame, model))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    GoOn,
    /// `q`: to end now, with the report.
    End,
    /// Ctrl-C: to break off.
    BreakOff,
}

/// The terminal while it is ours. Dropping it, or a panic anywhere, gives it back.
#[derive(Debug)]
pub struct Screen(Terminal<CrosstermBackend<Stderr>>);

impl Screen {
    /// Takes the terminal of standard error.
    pub fn new() -> std::io::Result<Self> {
        give_back_on_panic();
        enable_raw_mode()?;
        let taken = execute!(stderr(), EnterAlternateScreen, cursor::Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stderr())));
        taken.map(Self).inspect_err(|_| give_back())
    }

    /// Draws a picture.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> std::io::Result<()> {
        self.0.draw(picture).map(|_| ())
    }

    /// The first wish among the keys that were pressed since the last look; does not wait.
    pub fn wish(&mut self) -> std::io::Result<Wish> {
        while event::poll(Duration::ZERO)? {
            if let Event::Key(key) = event::read()?
                && let Some(wish) = wish_of(key)
            {
                return Ok(wish);
            }
        }
        Ok(Wish::GoOn)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn wish_of(key: KeyEvent) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::BreakOff),
        KeyCode::Char('q') | KeyCode::Esc => Some(Wish::End),
        _ => None,
    }
}

/// Doing it twice does no harm, and nothing can be done where it fails.
fn give_back() {
    let _ = disable_raw_mode();
    let _ = execute!(stderr(), LeaveAlternateScreen, cursor::Show);
    let _ = stderr().flush();
}

/// A panic's message is to stand on the terminal that the user goes on with.
fn give_back_on_panic() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_what_they_mean() {
        let key = |code, modifiers| wish_of(KeyEvent::new(code, modifiers));
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::NONE), Some(Wish::End));
        assert_eq!(key(KeyCode::Esc, KeyModifiers::NONE), Some(Wish::End));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Wish::BreakOff));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), None);
    }
}
