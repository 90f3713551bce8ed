//! The HTML report: as text, as a browser draws it, on paper, and for who cannot see it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod axe;
mod browser;
mod card;
mod chromium;
mod devtools;
mod folded;
mod page;
mod print;
mod records;
