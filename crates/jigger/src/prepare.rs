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
use crate::programs::{how_to_install, is_on_path};
use crate::record::{ArtifactRecord, BuildKind, ContenderRecord, Status};
use crate::server::{CommandError, Diagnostic, SuiteCommand, User, UserError};
use crate::service::Services;
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
    #[error(transparent)]
    Build(#[from] CommandError),
    /// A service that it uses cannot be used.
    #[error("{0}")]
    Service(String, Status),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    NoEngine(NoEngine),
    #[error(transparent)]
    UnmeasuredImage(#[from] MeasureError),
}

impl PrepareError {
    fn status(&self) -> Status {
        match self {
            Self::ImageOnly
            | Self::MissingProgram(_)
            | Self::User(UserError::NotRoot(_) | UserError::Unknown(_)) => Status::Skipped,
            Self::Service(_, status) => *status,
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
            Self::Build(error) => error.remedy(),
            Self::User(error) => error.remedy(),
            _ => "".into(),
        }
    }

    fn log_tail(&self) -> &str {
        if let Self::Build(error) = self { error.log_tail() } else { "" }
    }
}

/// Prepares every contender; one entry each, in the suite's order.
pub fn prepare(
    plan: &RunPlan,
    services: &Services<'_>,
    images: &Images,
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) -> Vec<ContenderRecord> {
    let (suite, anew) = (&plan.suite, plan.options.clean_build);
    let mut records: Vec<ContenderRecord> = suite
        .contenders
        .iter()
        .map(|contender| {
            let record = prepared(contender, (services, anew), interrupt, listener);
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
    (services, anew): (&Services<'_>, bool),
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
        uses: contender.uses.clone(),
        user: None,
        variant: contender.variant.clone(),
        counterpart: contender.counterpart.clone(),
        protocol: contender.protocol.map(|own| own.http.alpn().to_owned()),
        streams: contender.protocol.map(|own| own.streams),
        headers: contender.own_request.headers.clone(),
        path: contender.own_request.path.clone(),
    };
    let prepared = user(contender, services).and_then(|user| {
        record.user = user;
        made(contender, (services, anew), interrupt, listener)
    });
    match prepared {
        Ok(made) => (record.build_seconds, record.artifact) = made,
        Err(error) => {
            record.status = error.status();
            record.reason = Some(error.in_full());
        }
    }
    record
}

/// The user that a contender is to run as, if that is another one, where this machine has all that
/// it needs.
fn user(contender: &Contender, services: &Services<'_>) -> Result<Option<String>, PrepareError> {
    if contender.is_image_only() && contender.container.is_none() {
        return Err(PrepareError::ImageOnly);
    }
    if let Some(missing) = contender.needs.iter().find(|program| !is_on_path(program)) {
        return Err(PrepareError::MissingProgram(missing.clone()));
    }
    if let Some(error) = services.refusal(&contender.uses) {
        return Err(PrepareError::Service(error.in_full(), error.status()));
    }
    let wanted = contender.user.as_ref().filter(|_| contender.container.is_none());
    Ok(User::wanted(wanted)?.map(|user| user.name))
}

/// How many seconds the build took, if there is one, and what it made.
fn made(
    contender: &Contender,
    (services, anew): (&Services<'_>, bool),
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) -> Result<(Option<f64>, Option<ArtifactRecord>), PrepareError> {
    if contender.build.is_empty() {
        return Ok((None, None));
    }
    listener(Event::Preparing { contender: contender.name.clone(), step: "building" });
    let (took, artifact) = build(contender, &services.values(&contender.uses), anew, interrupt)?;
    Ok((Some(took.as_secs_f64()), artifact))
}

/// Runs the build's commands, those that build `anew` where there are such; the wall time of all,
/// and what they made.
fn build(
    contender: &Contender,
    values: &Placeholders,
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
            .and(values)
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
    let command = SuiteCommand::new("the build", arguments.to_vec(), folder);
    Ok(command.run(interrupt)?.took)
}
