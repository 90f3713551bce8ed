//! The jigger end of the guard: starts it, reads its events, tells it to stop.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::protocol::Event;
use super::{StartSpec, guard, stray};

/// A running guard.
#[derive(Debug)]
pub(super) struct Link {
    guard: Child,
    reports: ChildStdout,
    /// What the guard has said and nobody has taken yet; the last line may be unfinished.
    unread: Vec<u8>,
}

/// What came, or did not come, from the guard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It reported this.
    Event(Event),
    /// Nothing new in the time given.
    Nothing,
    /// It ended, or talks nonsense: nothing more will come.
    Lost,
}

impl Link {
    /// Starts a guard that starts the server; its environment carries `mark`.
    pub(super) fn start(spec: &StartSpec, log: File, mark: &str) -> io::Result<Self> {
        let mut command = Command::new(&spec.guard);
        command.args(words(spec)).current_dir(&spec.dir);
        command.envs(spec.env.iter().map(|(name, value)| (name, value)));
        command.env(stray::VARIABLE, mark);
        // A process group of its own: Ctrl-C at the terminal reaches jigger alone.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut guard = command.spawn()?;
        let reports = guard.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
        Ok(Self { guard, reports, unread: Vec::new() })
    }

    /// The guard's process id.
    pub(super) fn pid(&self) -> i32 {
        rustix::process::Pid::from_child(&self.guard).as_raw_pid()
    }

    /// The next event, waiting for it at most until `deadline`; one that is there already is
    /// returned even if that has passed.
    pub(super) fn next(&mut self, deadline: Instant) -> News {
        loop {
            if let Some(line) = self.take_line() {
                return line.parse().map_or(News::Lost, News::Event);
            }
            match self.is_readable(deadline.saturating_duration_since(Instant::now())) {
                Ok(true) => {}
                Ok(false) => return News::Nothing,
                // A signal, such as Ctrl-C, is no reason to give up on the guard.
                Err(Errno::INTR) => continue,
                Err(_) => return News::Lost,
            }
            let mut bytes = [0; 512];
            match self.reports.read(&mut bytes) {
                Ok(0) => return News::Lost,
                Ok(length) => self.unread.extend_from_slice(&bytes[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return News::Lost,
            }
        }
    }

    /// Closes the guard's standard input, which is the order to stop.
    pub(super) fn order_stop(&mut self) {
        drop(self.guard.stdin.take());
    }

    /// Waits for the end of a guard that has said its last word.
    pub(super) fn wait(&mut self) {
        let _ = self.guard.wait();
    }

    /// Ends a guard that does not do its work.
    pub(super) fn kill(&mut self) {
        let _ = self.guard.kill();
        self.wait();
    }

    fn take_line(&mut self) -> Option<String> {
        let end = self.unread.iter().position(|&byte| byte == b'\n')?;
        let line: Vec<u8> = self.unread.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    fn is_readable(&self, limit: Duration) -> Result<bool, Errno> {
        let timeout = Timespec::try_from(limit).map_err(|_| Errno::INVAL)?;
        let mut watched = [PollFd::new(&self.reports, PollFlags::IN)];
        Ok(poll(&mut watched, Some(&timeout))? > 0)
    }
}

/// The guard's command line, as [`guard::main`] reads it.
fn words(spec: &StartSpec) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![guard::VERB.into()];
    words.extend([OsString::from("--grace-ms"), spec.grace.as_millis().to_string().into()]);
    if let Some(cpus) = spec.cpus.as_ref().filter(|cpus| !cpus.is_empty()) {
        let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
        words.extend([OsString::from("--cpus"), cpus.join(",").into()]);
    }
    if let Some(container) = &spec.container {
        words.extend([OsString::from("--container"), container.name.clone().into()]);
        words.extend([OsString::from("--engine"), container.engine.clone().into()]);
    }
    for (option, file) in [("--input", &spec.input), ("--output", &spec.output)] {
        words.extend(file.iter().flat_map(|file| [OsString::from(option), file.clone().into()]));
    }
    words.push("--".into());
    words.extend(spec.argv.iter().map(OsString::from));
    words
}
