//! A headless browser that speaks to no one and finds nothing of an earlier run.

use std::io;
use std::path::Path;
use std::process::Command;

/// What every run of it needs.
pub const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
];

/// What the browser made of a page.
pub struct Browsed {
    /// The document at the end.
    pub dom: String,
    /// What was written to the console.
    pub messages: Vec<String>,
}

/// Opens a file, light or dark, with further flags.
pub fn browse(file: &Path, dark: bool, flags: &[String]) -> Browsed {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new("chromium");
    command
        .args(FLAGS)
        .arg("--dump-dom")
        .args(dark.then_some("--force-dark-mode"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(flags)
        .arg(format!("file://{}", file.display()));
    let output = command.output().unwrap_or_else(|error| not_started(&error));
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{log}");
    let messages =
        log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    Browsed { dom: String::from_utf8_lossy(&output.stdout).into_owned(), messages }
}

/// Fails with what to do about it.
fn not_started(error: &io::Error) -> ! {
    match error.kind() {
        io::ErrorKind::NotFound => panic!(
            "chromium is not on PATH, so the HTML report cannot be looked at; install it \
             (Debian: apt-get install -y chromium), or run `make setup-test`"
        ),
        _ => panic!("chromium cannot be started: {error}"),
    }
}
