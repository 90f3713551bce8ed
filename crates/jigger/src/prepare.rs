//! Before the rounds: what each contender needs, its build, its container image.
//!
//! What cannot be prepared is left out with the reason; the others go on.

mod artifact;
mod images;
pub mod revisions;
pub mod worktree;

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use artifact::Artifact;

use crate::event::{Event, Listener};
use crate::image::{Engine, MeasureError, NoEngine};
use crate::interrupt::Interrupt;
use crate::plan::RunPlan;
use crate::record::{ArtifactRecord, BuildKind, ContenderRecord, Status};
use crate::server::job::{self, Ended, JobError};
use crate::server::{Diagnostic, Exit, StartSpec};
use crate::suite::{Contender, Placeholders, Suite, UnknownPlaceholder};

/// Whether container images are built and measured.
#[derive(Debug)]
pub enum Images {
    /// They are not wanted, or no contender has one.
    Skip,
    /// They are, with this engine.
    Build(Engine),
    /// They are wanted, but no engine responds.
    NoEngine(NoEngine),
}

impl Images {
    /// With the engine of that name, or the first that responds, where a contender has an image.
    #[must_use]
    pub fn detect(suite: &Suite, choice: Option<&str>) -> Self {
        if suite.contenders.iter().all(|contender| contender.image.is_none()) {
            return Self::Skip;
        }
        Engine::detect(choice).map_or_else(Self::NoEngine, Self::Build)
    }
}

/// Why a contender or its image is not there to be measured.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("it has an image and no start, so it runs in a container only")]
    ImageOnly,
    #[error("'{0}' is not on PATH")]
    MissingProgram(String),
    #[error("{key}")]
    Placeholder { key: &'static str, source: UnknownPlaceholder },
    #[error("the artifact '{}' cannot be read", .0.display())]
    UnreadableArtifact(PathBuf, #[source] io::Error),
    #[error("the build succeeded but did not make '{}'", .0.display())]
    NoArtifact(PathBuf),
    /// There is no folder for this command's log.
    #[error("the build '{0}' has no place")]
    NoPlace(String, #[source] io::Error),
    #[error("the build '{command}' failed ({exit}); its last lines:\n{}", indented(.last_lines))]
    FailedBuild { command: String, exit: Exit, last_lines: String },
    #[error("interrupted while it was built")]
    Interrupted,
    #[error("the build '{command}' in {}", .folder.display())]
    NotRun { command: String, folder: PathBuf, source: Box<JobError> },
    #[error(transparent)]
    NoEngine(NoEngine),
    #[error(transparent)]
    UnmeasuredImage(#[from] MeasureError),
}

impl PrepareError {
    fn status(&self) -> Status {
        match self {
            Self::ImageOnly | Self::MissingProgram(_) => Status::Skipped,
            _ => Status::Failed,
        }
    }
}

impl Diagnostic for PrepareError {
    fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::ImageOnly => "give it a start, or run it by `jigger run --in containers`".into(),
            Self::MissingProgram(program) => how_to_install(program),
            Self::NoArtifact(_) => "correct it, or the key artifact".into(),
            Self::NotRun { source, .. } => source.remedy(),
            _ => "".into(),
        }
    }

    fn log_tail(&self) -> &str {
        if let Self::NotRun { source, .. } = self { source.log_tail() } else { "" }
    }
}

/// From SIGTERM to SIGKILL for a build that the user interrupts.
const GRACE: Duration = Duration::from_secs(5);

/// Where the remedy for a missing program is not just its name.
const REMEDIES: &[(&str, &str)] = &[
    ("go", "install Go 1.25 or newer (https://go.dev/dl/), or run `make setup`"),
    ("python3", "install Python 3.10 or newer with its venv module (Debian: python3-venv)"),
    ("cargo", "install Rust (https://rustup.rs)"),
    ("rustup", "install Rust with rustup (https://rustup.rs), which has the target for musl"),
    ("node", "install Node.js (https://nodejs.org)"),
    ("java", "install a JDK (Debian: default-jdk-headless)"),
];

/// The remedy for a program that is not on PATH.
pub fn how_to_install(program: &str) -> Cow<'static, str> {
    let known = REMEDIES.iter().find(|(name, _)| *name == program);
    known.map_or_else(|| format!("install {program}").into(), |(_, how)| (*how).into())
}

/// Prepares every contender; one entry each, in the suite's order.
pub fn prepare(
    plan: &RunPlan,
    images: &Images,
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) -> Vec<ContenderRecord> {
    let (suite, anew) = (&plan.suite, plan.options.clean_build);
    let mut records: Vec<ContenderRecord> = suite
        .contenders
        .iter()
        .map(|contender| {
            let record = prepared(contender, anew, interrupt, listener);
            if let Some(reason) = &record.reason {
                let (contender, reason) = (record.name.clone(), reason.clone());
                listener(Event::LeftOut { contender, reason });
            }
            record
        })
        .collect();
    match images {
        Images::Skip => {}
        Images::Build(engine) => images::add(suite, Ok(engine), &mut records, interrupt, listener),
        Images::NoEngine(why) => images::add(suite, Err(why), &mut records, interrupt, listener),
    }
    records
}

fn prepared(
    contender: &Contender,
    anew: bool,
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) -> ContenderRecord {
    let mut record = ContenderRecord {
        name: contender.name.clone(),
        status: Status::Measured,
        reason: None,
        start: contender.start.clone().unwrap_or_default(),
        environment: contender.environment.clone(),
        build_seconds: None,
        artifact: None,
        image: None,
        image_reason: None,
        container: None,
    };
    match made(contender, anew, interrupt, listener) {
        Ok(made) => (record.build_seconds, record.artifact) = made,
        Err(error) => {
            record.status = error.status();
            record.reason = Some(error.in_full());
        }
    }
    record
}

/// How many seconds the build took, if there is one, and what it made.
fn made(
    contender: &Contender,
    anew: bool,
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) -> Result<(Option<f64>, Option<ArtifactRecord>), PrepareError> {
    if contender.is_image_only() && contender.container.is_none() {
        return Err(PrepareError::ImageOnly);
    }
    if let Some(missing) = contender.needs.iter().find(|program| !is_on_path(program)) {
        return Err(PrepareError::MissingProgram(missing.clone()));
    }
    if contender.build.is_empty() {
        return Ok((None, None));
    }
    listener(Event::Preparing { contender: contender.name.clone(), step: "building" });
    let (took, artifact) = build(contender, anew, interrupt)?;
    Ok((Some(took.as_secs_f64()), artifact))
}

/// Whether a program of that name can be started from PATH.
#[must_use]
pub fn is_on_path(program: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let executable = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| executable(&folder.join(program)))
}

/// Runs the build's commands, those that build `anew` where there are such; the wall time of all,
/// and what they made.
fn build(
    contender: &Contender,
    anew: bool,
    interrupt: &Interrupt,
) -> Result<(Duration, Option<ArtifactRecord>), PrepareError> {
    let anew = anew && !contender.clean_build.is_empty();
    let commands = if anew { &contender.clean_build } else { &contender.build };
    let before = artifact(contender)?;
    let mut took = Duration::ZERO;
    for command in commands {
        let arguments = Placeholders::default()
            .with("arch", std::env::consts::ARCH)
            .fill_all(command)
            .map_err(|source| PrepareError::Placeholder { key: "build", source })?;
        took += run_to_end(&arguments, &contender.directory, interrupt)?;
    }
    let Some(path) = &contender.artifact else { return Ok((took, None)) };
    let made = artifact(contender)?.ok_or_else(|| PrepareError::NoArtifact(path.clone()))?;
    let build = match before {
        _ if anew => BuildKind::Clean,
        None => BuildKind::First,
        Some(before) if before == made => BuildKind::Unchanged,
        Some(_) => BuildKind::Changed,
    };
    let path = path.display().to_string();
    Ok((took, Some(ArtifactRecord { path, bytes: made.bytes, build })))
}

/// What the build makes, if it is there.
fn artifact(contender: &Contender) -> Result<Option<Artifact>, PrepareError> {
    let Some(path) = &contender.artifact else { return Ok(None) };
    Artifact::at(&contender.directory.join(path))
        .map_err(|error| PrepareError::UnreadableArtifact(path.clone(), error))
}

/// Runs one command of a build to its end; how long it took.
///
/// # Errors
/// When it cannot be started, fails, or the user interrupts.
pub fn run_to_end(
    arguments: &[String],
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<Duration, PrepareError> {
    let command = shell_words::join(arguments);
    let place = match tempfile::Builder::new().prefix("jigger-build-").tempdir() {
        Ok(place) => place,
        Err(error) => return Err(PrepareError::NoPlace(command, error)),
    };
    let log = place.path().join("log");
    let spec = StartSpec::new(arguments.to_vec(), folder.to_owned(), log, GRACE);
    match job::run(&spec, None, interrupt) {
        Ok(Ended { exit: Exit::Code(0), took, .. }) => Ok(took),
        Ok(Ended { exit, last_lines, .. }) => {
            Err(PrepareError::FailedBuild { command, exit, last_lines })
        }
        Err(JobError::Interrupted) => Err(PrepareError::Interrupted),
        Err(error) => {
            let (folder, source) = (folder.to_owned(), Box::new(error));
            Err(PrepareError::NotRun { command, folder, source })
        }
    }
}

/// Of a line that was drawn over the last state is kept.
fn indented(lines: &str) -> String {
    let last = |line: &str| line.trim_end().rsplit('\r').next().unwrap_or(line).to_owned();
    let lines: Vec<String> = lines.lines().map(|line| format!("    {}", last(line))).collect();
    lines.join("\n")
}
