//! Builds images with an engine.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{PathBuf, absolute};
use std::process::Command;
use std::time::Instant;

use thiserror::Error;

use super::command::stream;
use super::engine::{Engine, Program};

/// How much of a failed build's output its error shows.
const LAST_LINES: usize = 20;

/// What to build.
#[derive(Clone, Debug)]
pub struct BuildSpec {
    /// The folder whose files the build may copy.
    pub context: PathBuf,
    /// The Dockerfile, relative to the context; `Dockerfile` when not given.
    pub dockerfile: Option<PathBuf>,
    /// The name of the image to be.
    pub tag: String,
    /// Names and values of build arguments.
    pub args: Vec<(String, String)>,
    /// The network of the build's commands, as in `host`; the engine's default when not given.
    pub network: Option<String>,
}

/// A build that succeeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Built {
    /// How long it took, in seconds of wall-clock time. Steps found in the engine's cache make it
    /// short.
    pub seconds: f64,
}

/// A build that failed.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The program cannot be started.
    #[error("cannot start the build command {program}: {error}")]
    NotStarted {
        /// The program.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// The program ran and failed.
    #[error("the build command `{command}` failed ({status}). Its last lines:{}", indented(.last_lines))]
    Failed {
        /// The command, for people to read.
        command: String,
        /// How it ended, as in `exit status: 1`.
        status: String,
        /// The end of what it wrote, at most 20 lines.
        last_lines: Vec<String>,
    },
}

impl Engine {
    /// Builds an image; `on_line` gets each line that the engine writes, as it comes.
    ///
    /// # Errors
    /// The engine cannot be started, or the build fails.
    pub fn build(
        &self,
        spec: &BuildSpec,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Built, BuildError> {
        let mut command = self.command();
        command.args(spec.arguments());
        run_build(command, on_line)
    }

    /// A build command of the user's own as this engine runs it: one that begins with `docker` or
    /// `podman` runs with this engine, whichever it is, since the two take the same build flags.
    #[must_use]
    pub fn own_command(&self, mut words: Vec<String>) -> Vec<String> {
        if let Some(program) = words.first_mut()
            && Program::ALL.iter().any(|known| known.name() == program)
        {
            *program = self.command().get_program().to_string_lossy().into_owned();
        }
        words
    }
}

impl BuildSpec {
    fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec!["build".into(), format!("--tag={}", self.tag).into()];
        if let Some(dockerfile) = &self.dockerfile {
            // docker looks for a relative path in the working folder, podman in the context first.
            let path = self.context.join(dockerfile);
            let mut argument = OsString::from("--file=");
            argument.push(absolute(&path).unwrap_or(path));
            arguments.push(argument);
        }
        for (name, value) in &self.args {
            arguments.push(format!("--build-arg={name}={value}").into());
        }
        if let Some(network) = &self.network {
            arguments.push(format!("--network={network}").into());
        }
        arguments.push("--".into());
        arguments.push(self.context.clone().into());
        arguments
    }
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

fn run_build(mut command: Command, on_line: &mut dyn FnMut(&str)) -> Result<Built, BuildError> {
    let begun = Instant::now();
    let mut last_lines = VecDeque::with_capacity(LAST_LINES);
    let mut keep = |line: &str| {
        if last_lines.len() == LAST_LINES {
            last_lines.pop_front();
        }
        last_lines.push_back(line.to_owned());
        on_line(line);
    };
    let status = stream(&mut command, &mut keep).map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        BuildError::NotStarted { program, error }
    })?;
    if status.success() {
        return Ok(Built { seconds: begun.elapsed().as_secs_f64() });
    }
    Err(BuildError::Failed {
        command: shown(&command),
        status: status.to_string(),
        last_lines: last_lines.into(),
    })
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
