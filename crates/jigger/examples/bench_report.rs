//! How much CPU time each report of a record takes, and how long it is: of 30 rounds and 8 contenders,
//! and of an ordinary record.
//!
//!     cargo run --release -p jigger --example bench_report
//!
//! The record is the one of the tests: drawn by a generator, as large as a real one. The time
//! includes reading the file and the analysis, as in `jigger report`.

use std::path::Path;

use jigger::analysis::Analysis;
use jigger::record::Record;
use jigger::report::{Format, Look, card, render_as};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

#[path = "../tests/html/records.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is the tests' own, which use more of it")]
mod records;

type Report = fn(&Analysis<'_>) -> String;

const REPORTS: [(&str, Report); 7] = [
    ("text", |of| render_as(of, Format::Text, Look::default())),
    ("details", |of| render_as(of, Format::Text, Look { has_details: true, ..Look::default() })),
    ("markdown", |of| render_as(of, Format::Markdown, Look::default())),
    ("html", |of| render_as(of, Format::Html, Look::default())),
    ("csv", |of| render_as(of, Format::Csv, Look::default())),
    ("json", |of| render_as(of, Format::Json, Look::default())),
    ("card", card),
];

/// The median of so many is shown.
const TIMES: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (contenders, rounds, times) in [(8, 30, 4_000), (4, 10, 1_000)] {
        let file = tempfile::NamedTempFile::new()?;
        serde_json::to_writer(&file, &records::drawn_record(contenders, rounds, times))?;
        let bytes = file.as_file().metadata()?.len();
        println!("{rounds} rounds, {contenders} contenders: {bytes} bytes");
        for (name, report) in REPORTS {
            let mut runs = Vec::new();
            for _ in 0..TIMES {
                runs.push(timed(file.path(), report)?);
            }
            runs.sort_unstable();
            let (elapsed_ms, length) = runs[TIMES / 2];
            println!("  {name:<10} {length:>9} bytes {elapsed_ms:>6} ms");
        }
    }
    Ok(())
}

/// The CPU time, which other programs on the machine do not lengthen, and the length.
fn timed(record: &Path, report: Report) -> Result<(i64, usize), Box<dyn std::error::Error>> {
    let begin = cpu_ms()?;
    let record = Record::read(record)?;
    let text = report(&Analysis::of(&record));
    Ok((cpu_ms()? - begin, text.len()))
}

fn cpu_ms() -> Result<i64, nix::Error> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok((usage.user_time() + usage.system_time()).num_milliseconds())
}
