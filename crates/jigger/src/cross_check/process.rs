//! Runs other tools to their end, on the cores of the load engine, each under a guard that ends it
//! when jigger is gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::ToolError;
use crate::interrupt::Interrupt;
use crate::server::job::{self, JobError};
use crate::server::{Exit, StartSpec};
use crate::temporary::TemporaryFolder;

/// From SIGTERM to SIGKILL for a tool that is not waited for any longer.
const GRACE: Duration = Duration::from_secs(1);

/// Programs to run one after another; each reads what the one before it wrote.
#[derive(Debug)]
pub struct Job<'a> {
    pub programs: &'a [Vec<String>],
    /// What the first one reads.
    pub input: &'a str,
    /// The cores that they are kept to; none means all.
    pub cpus: &'a [usize],
    /// How long each of them may take.
    pub limit: Duration,
}

#[derive(Debug)]
pub struct Output {
    pub is_success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Runs jobs until the user interrupts.
#[derive(Debug)]
pub struct Runner {
    guard: PathBuf,
    pub interrupt: Interrupt,
}

impl Output {
    /// The last line of it, for a message.
    #[must_use]
    pub fn last_line(&self) -> &str {
        let lines = self.stdout.lines().chain(self.stderr.lines());
        lines.rev().find(|line| !line.trim().is_empty()).unwrap_or("it printed no error").trim()
    }
}

impl Runner {
    /// One whose guards are started from `guard`, which is jigger's own program.
    #[must_use]
    pub fn new(guard: &Path, interrupt: &Interrupt) -> Self {
        Self { guard: guard.to_owned(), interrupt: interrupt.clone() }
    }

    /// Runs the programs of a job until one of them fails: what the last one wrote that ran. A
    /// program is ended when it takes longer than its limit or the user interrupts.
    ///
    /// # Errors
    /// When a program cannot be started or was ended.
    pub fn run(&self, job: &Job<'_>) -> Result<Output, ToolError> {
        let folder = TemporaryFolder::new("tool").map_err(ToolError::NoFolder)?;
        let (log, mut file) = (folder.path().join("log"), folder.path().join("input"));
        fs::write(&file, job.input).map_err(|error| ToolError::NotWritten(file.clone(), error))?;
        let mut is_success = true;
        for (place, words) in job.programs.iter().enumerate() {
            let output = folder.path().join(format!("output-{place}"));
            let spec = self.spec(words, job.cpus, [&file, &output, &log]);
            is_success = self.run_one(&spec, job.limit)?;
            file = output;
            if !is_success {
                break;
            }
        }
        Ok(Output { is_success, stdout: text(&file), stderr: text(&log) })
    }

    fn spec(&self, words: &[String], cpus: &[usize], files: [&Path; 3]) -> StartSpec {
        let [input, output, log] = files.map(Path::to_owned);
        // The servers are on this machine; a proxy would be measured instead.
        let no_proxy = ["NO_PROXY", "no_proxy"].map(|name| (name.to_owned(), "*".to_owned()));
        StartSpec {
            env: no_proxy.to_vec(),
            input: Some(input),
            output: Some(output),
            cpus: Some(cpus.to_vec()),
            guard: self.guard.clone(),
            ..StartSpec::new(words.to_vec(), PathBuf::from("."), log, GRACE)
        }
    }

    fn run_one(&self, spec: &StartSpec, limit: Duration) -> Result<bool, ToolError> {
        match job::run(spec, Some(limit), &self.interrupt) {
            Ok(ended) => Ok(ended.exit == Exit::Code(0)),
            Err(JobError::Interrupted) => Err(ToolError::Interrupted),
            Err(error) => {
                let program = spec.argv.first().cloned().unwrap_or_default();
                Err(ToolError::NotEnded { program, source: Box::new(error) })
            }
        }
    }
}

/// What is in a file, whatever its encoding; a file that was never made is an empty one.
fn text(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned()
}
