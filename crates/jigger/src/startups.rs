//! Launches before the rounds, for the distribution of start-up times.
//!
//! They are interleaved as visits are: one launch of each entry in an order drawn for that turn,
//! so that what drifts on the machine meets all of them.

use crate::event::{Event, Listener};
use crate::plan::{Entry, Plan};
use crate::record::{LaunchRecord, RecordError, RecordFile};

/// Where launches take place.
pub trait Launcher {
    /// Whether the user has asked to stop.
    fn is_interrupted(&self) -> bool;

    /// Launches an entry, waits for its first correct answer and stops it. The time from the spawn
    /// until then in nanoseconds; `None` for a server that jigger does not start.
    ///
    /// # Errors
    /// Why there was no correct answer, or why it could not be stopped.
    fn launch(&mut self, entry: &Entry, listener: &mut Listener<'_>)
    -> Result<Option<u64>, String>;
}

/// Launches every entry so many times. An entry that fails is not launched again here: its first
/// visit says what becomes of it.
///
/// # Errors
/// [`RecordError`] when the record cannot be saved.
pub fn run(
    launches: usize,
    plan: &Plan,
    launcher: &mut impl Launcher,
    file: &mut RecordFile,
    listener: &mut Listener<'_>,
) -> Result<(), RecordError> {
    for launch in 0..launches {
        for entry in plan.round(launch) {
            let entry = &plan.entries[entry];
            if launcher.is_interrupted() {
                return file.save();
            }
            if has_failed(file, entry) {
                continue;
            }
            listener(Event::Launching { entry: entry.name.clone(), launch, launches });
            let outcome = launcher.launch(entry, listener);
            if launcher.is_interrupted() {
                return file.save();
            }
            file.record.launches.extend(record(entry, launch, outcome));
        }
    }
    file.save()
}

fn has_failed(file: &RecordFile, entry: &Entry) -> bool {
    let mut launches = file.record.launches.iter().filter(|it| it.entry == entry.name);
    launches.any(|it| it.failure.is_some())
}

fn record(
    entry: &Entry,
    launch: usize,
    outcome: Result<Option<u64>, String>,
) -> Option<LaunchRecord> {
    let entry = entry.name.clone();
    match outcome {
        Ok(None) => None,
        Ok(startup_ns) => Some(LaunchRecord { entry, launch, startup_ns, failure: None }),
        Err(reason) => {
            Some(LaunchRecord { entry, launch, startup_ns: None, failure: Some(reason) })
        }
    }
}
