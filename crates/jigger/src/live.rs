//! The live screen of `jigger load`: what a terminal shows while the load runs.
//!
//! It is drawn on standard error, so that the report can go elsewhere, by the thread that
//! observes the load; the load's own threads only copy their counts when they are asked.

mod draw;
mod model;
mod screen;

use std::time::Duration;

use jigger_load::{Load, Progress, Snapshots};

pub use model::Model;
pub use screen::{Screen, Wish};

/// Between two pictures; also how soon a key is heard.
pub const EVERY: Duration = Duration::from_millis(250);

/// A screen that follows a load.
#[derive(Debug)]
pub struct Live<'a> {
    screen: Screen,
    model: Model<'a>,
    snapshots: &'a Snapshots,
}

impl<'a> Live<'a> {
    /// Takes the terminal.
    ///
    /// # Errors
    /// What the system says when it cannot be had.
    pub fn new(url: &'a str, load: &'a Load, snapshots: &'a Snapshots) -> std::io::Result<Self> {
        let mut live = Self { screen: Screen::new()?, model: Model::new(url, load), snapshots };
        live.draw()?;
        snapshots.request();
        Ok(live)
    }

    /// Shows how far the load is, and says what the user wants.
    ///
    /// # Errors
    /// What the system says when the terminal is gone.
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
