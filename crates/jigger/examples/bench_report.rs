//! How long each report of a record of 30 rounds and 8 contenders takes, and how long it is.
//!
//!     cargo run --release -p jigger --example bench_report
//!
//! The record is the one of the tests: drawn by a generator, as large as a real one. The time
//! includes reading the file and the analysis, as in `jigger report`.

use std::time::Instant;

use jigger::analysis::Analysis;
use jigger::record::Record;
use jigger::report::{Format, render};

#[path = "../tests/html/records.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is the tests' own, which use more of it")]
mod records;

const FORMATS: [(&str, Format); 5] = [
    ("text", Format::Text),
    ("markdown", Format::Markdown),
    ("html", Format::Html),
    ("csv", Format::Csv),
    ("json", Format::Json),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&file, &records::drawn_record(8, 30, 4_000))?;
    println!("record     {:>9} bytes", file.as_file().metadata()?.len());
    for (name, format) in FORMATS {
        let begin = Instant::now();
        let record = Record::read(file.path())?;
        let text = render(&Analysis::of(&record), format, false);
        let elapsed_ms = begin.elapsed().as_millis();
        println!("{name:<10} {:>9} bytes {elapsed_ms:>6} ms", text.len());
    }
    Ok(())
}
