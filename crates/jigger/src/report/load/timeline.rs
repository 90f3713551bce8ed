//! `--timeline FILE`: what each second of a load came to, as CSV.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use jigger_load::{Sample, Snapshots};

use crate::metric::Statistic;
use crate::numbers::number;

const HEADER: &str = "seconds,requests_per_second,p50_us,p99_us,errors\n";
const STEP: Duration = Duration::from_secs(1);

/// Writes a line for each second: until when it is, since the start; correct responses a second in it;
/// the median and p99 of their response times, empty with too few of them; failed requests.
pub struct Timeline {
    path: PathBuf,
    file: BufWriter<File>,
    /// When the snapshot was requested that is to come.
    asked: Option<Duration>,
    next: Duration,
    last: Point,
    /// A file that cannot be written is reported once, at the end.
    fault: Option<std::io::Error>,
}

/// What was counted up to some moment.
struct Point {
    at: Duration,
    times_ns: Histogram<u64>,
    errors: u64,
}

impl Timeline {
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        let cannot = || format!("--timeline: cannot write {}", path.display());
        let mut file = BufWriter::new(File::create(path).with_context(cannot)?);
        file.write_all(HEADER.as_bytes()).with_context(cannot)?;
        let start =
            Point { at: Duration::ZERO, times_ns: jigger_load::sample::histogram(), errors: 0 };
        Ok(Self { path: path.to_owned(), file, asked: None, next: STEP, last: start, fault: None })
    }

    /// Called often: requests what was counted at the end of each second, and takes it the next time.
    pub fn follow(&mut self, elapsed: Duration, snapshots: &Snapshots) {
        if let Some(at) = self.asked.take() {
            let latest = snapshots.latest();
            let errors = latest.errors.total();
            self.add(Point { at, times_ns: latest.response_time_ns, errors });
        }
        if elapsed >= self.next {
            snapshots.request();
            self.asked = Some(elapsed);
            self.next += STEP;
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When the file could not be written.
    pub fn end(mut self, sample: &Sample) -> Result<()> {
        let at = Duration::from_nanos(sample.elapsed_ns);
        let errors = sample.errors.total();
        if at > self.last.at {
            self.add(Point { at, times_ns: sample.response_time_ns.clone(), errors });
        }
        let flushed = self.file.flush();
        self.fault
            .map_or(flushed, Err)
            .with_context(|| format!("--timeline: cannot write {}", self.path.display()))
    }

    fn add(&mut self, point: Point) {
        let line = line(&self.last, &point);
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.fault.get_or_insert(error);
        }
        self.last = point;
    }
}

fn line(before: &Point, point: &Point) -> String {
    let mut times_ns = point.times_ns.clone();
    // Later counts have all that earlier ones have.
    let _ = times_ns.subtract(&before.times_ns);
    let seconds = (point.at - before.at).as_secs_f64();
    let time_us = |quantile: f64| {
        let statistic = Statistic::Quantile(quantile);
        let is_known = times_ns.len() >= u64::from(statistic.responses_needed());
        if is_known {
            format!("{:.1}", number(statistic.of(&times_ns)) / 1e3)
        } else {
            String::new()
        }
    };
    format!(
        "{:.2},{:.1},{},{},{}\n",
        point.at.as_secs_f64(),
        number(times_ns.len()) / seconds,
        time_us(0.5),
        time_us(0.99),
        point.errors.saturating_sub(before.errors)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(seconds: u64, responses: u64, time_ns: u64, errors: u64) -> Point {
        let mut times_ns = jigger_load::sample::histogram();
        times_ns.record_n(time_ns, responses).unwrap();
        Point { at: Duration::from_secs(seconds), times_ns, errors }
    }

    #[test]
    fn a_line_has_what_came_since_the_one_before() {
        let (first, mut second) = (point(1, 2_000, 1_000_000, 1), point(2, 2_000, 1_000_000, 1));
        second.times_ns.record_n(3_000_000, 500).unwrap();
        assert_eq!(line(&point(0, 0, 1, 0), &first), "1.00,2000.0,1000.4,1000.4,1\n");
        assert_eq!(line(&first, &second), "2.00,500.0,3000.3,,0\n");
        assert_eq!(
            line(&second, &Point { at: Duration::from_secs(3), ..second.copy() }),
            "3.00,0.0,,,0\n"
        );
    }

    impl Point {
        fn copy(&self) -> Self {
            Self { at: self.at, times_ns: self.times_ns.clone(), errors: self.errors }
        }
    }
}
