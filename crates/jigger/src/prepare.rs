//! Before the rounds: what each contender needs, its build, its container image.
//!
//! What cannot be prepared is left out with the reason; the others go on.

use std::path::Path;
use std::time::Duration;

use crate::artifact::Artifact;
use crate::event::{Event, Listener};
use crate::image::Engine;
use crate::interrupt::Interrupt;
use crate::plan::RunPlan;
use crate::record::{ArtifactRecord, BuildKind, ContenderRecord, Status};
use crate::server::job::{self, Ended, JobError};
use crate::server::{Diagnostic, Exit, StartSpec};
use crate::suite::{Contender, Placeholders, Suite};

mod images;

/// Whether container images are built and measured.
#[derive(Debug)]
pub enum Images {
    /// They are not wanted, or no contender has one.
    Skip,
    /// They are, with this engine.
    Build(Engine),
    /// They are wanted, but no engine answers; the message says why.
    NoEngine(String),
}

impl Images {
    /// With the engine of that name, or the first that answers, where a contender has an image.
    #[must_use]
    pub fn detect(suite: &Suite, choice: Option<&str>) -> Self {
        if suite.contenders.iter().all(|contender| contender.image.is_none()) {
            return Self::Skip;
        }
        Engine::detect(choice).map_or_else(|error| Self::NoEngine(error.to_string()), Self::Build)
    }
}

/// From SIGTERM to SIGKILL for a build that the user interrupts.
const GRACE: Duration = Duration::from_secs(5);

/// Why a contender without a command is not measured as a process, and what to do.
const IMAGE_ONLY: &str = "it has an image and no start, so it runs in a container only; add \
                          `--in containers`, or give it a start";

/// Where the remedy for a missing program is not just its name.
const REMEDIES: &[(&str, &str)] = &[
    ("go", "install Go 1.25 or newer (https://go.dev/dl/), or run `make setup`"),
    ("python3", "install Python 3.10 or newer with its venv module (Debian: python3-venv)"),
    ("cargo", "install Rust (https://rustup.rs)"),
    ("rustup", "install Rust with rustup (https://rustup.rs), which has the target for musl"),
    ("node", "install Node.js (https://nodejs.org)"),
];

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
    if contender.is_image_only() && contender.container.is_none() {
        record.status = Status::Skipped;
        record.reason = Some(IMAGE_ONLY.to_owned());
        return record;
    }
    if let Some(missing) = contender.needs.iter().find(|program| !is_on_path(program)) {
        record.status = Status::Skipped;
        record.reason = Some(format!("'{missing}' is not on PATH; {}", remedy(missing)));
        return record;
    }
    if !contender.build.is_empty() {
        listener(Event::Preparing { contender: contender.name.clone(), step: "building" });
        match build(contender, anew, interrupt) {
            Ok((seconds, artifact)) => {
                record.build_seconds = Some(seconds);
                record.artifact = artifact;
            }
            Err(reason) => {
                record.status = Status::Failed;
                record.reason = Some(reason);
            }
        }
    }
    record
}

fn remedy(program: &str) -> String {
    let known = REMEDIES.iter().find(|(name, _)| *name == program);
    known.map_or_else(|| format!("install {program}"), |(_, remedy)| (*remedy).to_owned())
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

/// Runs the build's commands, those that build `anew` where there are such; the wall time of all, in seconds, and what they made, or what went
/// wrong.
fn build(
    contender: &Contender,
    anew: bool,
    interrupt: &Interrupt,
) -> Result<(f64, Option<ArtifactRecord>), String> {
    let anew = anew && !contender.clean_build.is_empty();
    let commands = if anew { &contender.clean_build } else { &contender.build };
    let before = artifact(contender)?;
    let mut took = Duration::ZERO;
    for command in commands {
        let arguments = Placeholders::default()
            .with("arch", std::env::consts::ARCH)
            .fill_all(command)
            .map_err(|error| format!("build: {error}"))?;
        took += run_to_end(&arguments, &contender.directory, interrupt)?;
    }
    let seconds = took.as_secs_f64();
    let Some(path) = &contender.artifact else { return Ok((seconds, None)) };
    let path = path.display().to_string();
    let made = artifact(contender)?.ok_or_else(|| {
        format!("the build ended well and made no '{path}'; correct it, or the key artifact")
    })?;
    let build = match before {
        _ if anew => BuildKind::Clean,
        None => BuildKind::First,
        Some(before) if before == made => BuildKind::Unchanged,
        Some(_) => BuildKind::Changed,
    };
    Ok((seconds, Some(ArtifactRecord { path, bytes: made.bytes, build })))
}

/// What the build makes, if it is there.
fn artifact(contender: &Contender) -> Result<Option<Artifact>, String> {
    let Some(path) = &contender.artifact else { return Ok(None) };
    Artifact::at(&contender.directory.join(path))
        .map_err(|error| format!("the artifact '{}' cannot be read: {error}", path.display()))
}

/// Runs one command of a build to its end; how long it took.
///
/// # Errors
/// A message with its last lines when it fails.
pub fn run_to_end(
    arguments: &[String],
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<Duration, String> {
    let shown = shell_words::join(arguments);
    let place = tempfile::Builder::new().prefix("jigger-build-").tempdir();
    let place = place.map_err(|error| format!("the build '{shown}' has no place: {error}"))?;
    let log = place.path().join("log");
    let spec = StartSpec::new(arguments.to_vec(), folder.to_owned(), log, GRACE);
    match job::run(&spec, None, interrupt) {
        Ok(Ended { exit: Exit::Code(0), took, .. }) => Ok(took),
        Ok(Ended { exit, last_lines, .. }) => {
            // Of a line that was drawn over the last state is kept.
            let last = |line: &str| line.trim_end().rsplit('\r').next().unwrap_or(line).to_owned();
            let lines: Vec<_> =
                last_lines.lines().map(|line| format!("    {}", last(line))).collect();
            let lines = lines.join("\n");
            Err(format!("the build '{shown}' failed ({exit}); its last lines:\n{lines}"))
        }
        Err(JobError::Interrupted) => Err("interrupted while it was built".to_owned()),
        Err(error) => {
            Err(format!("the build '{shown}' in {}: {}", folder.display(), error.in_full()))
        }
    }
}
