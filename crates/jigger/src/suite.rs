//! The suite: what is compared, how it is loaded, and how long.
//!
//! A suite file is read once, into `raw` types that mirror the file, and
//! turned into the validated types below. Nothing later sees the raw ones.

mod body_expectation;
mod builtin;
mod capture;
mod coding;
mod command;
mod expectation;
mod fault;
mod file;
mod filled;
mod grpc;
mod html;
mod image;
mod json_schema;
mod json_shape;
mod matrix;
mod own_request;
mod placeholder;
mod protocol;
mod raw;
mod replay;
mod request;
mod scenario;
mod selection;
mod service;
mod setup;
mod threshold;
mod tls;
mod together;
mod validate;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jigger_load::{ConnectionPolicy, TlsOptions};

use crate::disturbance::Limits;
use crate::record::{PublishedRecord, VariantRecord};

pub use body_expectation::{BodyExpectation, hex};
pub use builtin::{BUILTIN_NAMES, Builtin, cache_folder};
pub use capture::Capture;
pub use coding::{Coding, decoded, values_of};
pub use expectation::{Expectation, ExpectationChange, StatusRule};
pub use fault::{Fault, duration, is_name_character};
pub use file::NOT_TEXT;
pub use own_request::OwnRequest;
pub use placeholder::{Placeholders, UnknownPlaceholder};
pub use protocol::Protocol;
pub use replay::Replay;
pub use request::{RequestSpec, Setup, SetupRequest};
pub use scenario::{Objective, Pacing, Scenario, Spread};
pub use selection::{
    ContainerLimits, ImageStart, InContainer, Network, Place, Selection, cpus, memory_bytes,
    memory_text,
};
pub use service::{Ready, RunAs, Scope, Service, ServiceStart, folders};
pub use threshold::{Limit, Threshold, check_metrics};

/// The name under which the baseline is entered a second time; no contender may have it.
pub const PLACEBO: &str = "placebo";

#[derive(Debug, Clone)]
pub struct Suite {
    /// The suite's name, used for the record's file name and in reports.
    pub name: String,
    /// The suite file as it was read, kept in the record.
    pub source: String,
    /// Index into `contenders` of the one that the others are divided by.
    pub baseline: usize,
    /// Whether the baseline is entered a second time, as the placebo.
    pub placebo: bool,
    pub rounds: Rounds,
    pub warm_up: WarmUp,
    /// The folder that relative paths in it start from.
    pub folder: PathBuf,
    /// What contenders need beside them, each after those that it uses.
    pub services: Vec<Service>,
    /// Commands before each visit, and after it; argument lists.
    pub prepare: Vec<Vec<String>>,
    pub conclude: Vec<Vec<String>>,
    /// The servers under comparison; at least one.
    pub contenders: Vec<Contender>,
    /// How requests are sent; at least one scenario.
    pub scenarios: Vec<Scenario>,
    /// What has to hold for the run to end well.
    pub thresholds: Vec<Threshold>,
    /// Ratios that others published.
    pub published: Vec<PublishedRecord>,
    /// The difference, as a share, within which two contenders are the same (0.02 is 2 %).
    pub margin: f64,
    /// Whether all are also loaded with fresh connections when some close theirs and others do not.
    pub measure_closing: bool,
    pub container_limits: ContainerLimits,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rounds {
    /// No stop before this many rounds.
    pub min: usize,
    pub max: usize,
    /// A comparison that is known to within this share of its ratio needs no further rounds.
    pub until_half_width: f64,
    /// Once `min` rounds are done, none is begun that would end after this; builds do not count.
    pub budget: Duration,
    /// A round in which a visit was disturbed beyond these is repeated.
    pub disturbance: Limits,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WarmUp {
    pub window: Duration,
    pub windows: usize,
    /// After this the server is taken as it is and 'not steady' is reported.
    pub cap: Duration,
}

impl WarmUp {
    /// The same with this cap, which has room for all its windows.
    pub fn within(&self, cap: Duration) -> Self {
        let windows = u32::try_from(self.windows).unwrap_or(u32::MAX).max(1);
        Self { window: self.window.min(cap / windows), cap, ..self.clone() }
    }
}

/// One server variant: how to build, start and load it.
#[derive(Debug, Clone)]
pub struct Contender {
    /// Unique within the suite.
    pub name: String,
    /// Which of several this is that a matrix made.
    pub variant: Option<VariantRecord>,
    /// Absolute folder in which commands run.
    pub directory: PathBuf,
    pub needs: Vec<String>,
    /// Commands run one after another before the first round; argument lists.
    pub build: Vec<Vec<String>>,
    /// Commands that build everything anew, in place of `build`; empty where there are none.
    pub clean_build: Vec<Vec<String>>,
    /// What the build makes: a file or a folder, relative to `directory`.
    pub artifact: Option<PathBuf>,
    /// The server's command; `None` for a server that already runs, or one that runs from its image
    /// alone.
    pub start: Option<Vec<String>>,
    /// Environment added to the server's.
    pub environment: Vec<(String, String)>,
    /// The URL of its requests; may hold `{port}`.
    pub url: String,
    /// Its requests over TLS.
    pub tls: TlsOptions,
    /// The version of HTTP that it is loaded in, where it is not the scenario's.
    pub protocol: Option<Protocol>,
    /// The contender that it is a variant of: the report says what sets their figures apart.
    pub counterpart: Option<String>,
    /// Time allowed from spawn to the first correct response.
    pub start_limit: Duration,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
    pub expectation: Expectation,
    pub image: Option<ImageRecipe>,
    pub image_start: ImageStart,
    /// That it runs in a container; `None` for a process of the host.
    pub container: Option<InContainer>,
    /// The services that it needs, each after those that these need.
    pub uses: Vec<String>,
    /// The user that it runs as where it is a process of the host; `None` for jigger's own.
    pub user: Option<RunAs>,
    /// Commands before each visit of it, and after it; argument lists.
    pub prepare: Vec<Vec<String>>,
    pub conclude: Vec<Vec<String>>,
    /// What its requests have otherwise than those of the suite.
    pub own_request: OwnRequest,
}

impl Contender {
    /// Whether it can run in a container only: nothing starts it as a process, and on the port that
    /// is chosen for a visit none runs already.
    pub fn is_image_only(&self) -> bool {
        self.start.is_none() && has_chosen_port(&self.url)
    }

    /// Whether it is started with the certificate that is made for the run.
    pub fn wants_certificate(&self) -> bool {
        let start = self.start.iter().flatten();
        let mut texts = start.chain(self.environment.iter().map(|(_, value)| value));
        texts.any(|text| text.contains("{certificate}") || text.contains("{key}"))
    }

    /// Whether it is loaded over TLS.
    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }
}

/// Whether the port is chosen for each visit.
fn has_chosen_port(url: &str) -> bool {
    url.contains("{port}")
}

#[derive(Debug, Clone, PartialEq)]
pub enum ImageRecipe {
    /// Built by a command that holds `{engine}` and `{tag}`.
    Build(Vec<String>),
    /// Already there, under this reference.
    Reference(String),
}

/// Why a suite could not be used. Each text names the place and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    #[error(
        "cannot read the suite {path}: {cause}\n  \
         name a suite file, or one of the suites compiled in: {}", BUILTIN_NAMES.join(", ")
    )]
    Read { path: String, cause: std::io::Error },
    /// The file is not TOML, or has a key or a value that a suite does not have.
    #[error("{place}: {message}")]
    Syntax {
        /// `file:line`.
        place: String,
        message: String,
    },
    /// The file reads well and means nothing sensible.
    #[error("{suite}: {fault}")]
    Meaning { suite: String, fault: Fault },
    #[error(
        "cannot unpack the sources of the suite '{name}' into {directory}: {cause}\n  set JIGGER_CACHE_DIR to a folder that can be written"
    )]
    Unpack { name: String, directory: String, cause: std::io::Error },
}

/// The schema of a suite file. What only makes no sense, such as two contenders of one name, is
/// not in it.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(raw::RawSuite).to_value()
}

impl Suite {
    /// Reads a suite, a compiled-in one by its name, otherwise a file: the contenders selected,
    /// each where it is to run.
    ///
    /// # Errors
    /// [`SuiteError`] when the file cannot be read, is not a valid suite, or has not what is
    /// selected.
    pub fn read(name_or_path: &str, selection: &Selection) -> Result<Self, SuiteError> {
        let suite = match Builtin::named(name_or_path) {
            Some(builtin) => {
                let directory = builtin.unpack()?;
                Self::parse(builtin.text, builtin.name, &directory)
            }
            None => Self::read_file(Path::new(name_or_path)),
        }?;
        selection.of(suite)
    }

    fn read_file(path: &Path) -> Result<Self, SuiteError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|cause| SuiteError::Read { path: shown.clone(), cause })?;
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let folder = std::path::absolute(folder)
            .map_err(|cause| SuiteError::Read { path: shown.clone(), cause })?;
        Self::parse(&text, &shown, &folder)
    }

    /// Parses a suite's text. `place` names it in messages; `folder` is what
    /// relative paths in it start from.
    ///
    /// # Errors
    /// [`SuiteError::Syntax`] and [`SuiteError::Meaning`].
    pub fn parse(text: &str, place: &str, folder: &Path) -> Result<Self, SuiteError> {
        let raw = raw::parse(text, place)?;
        validate::validate(raw, text, place, folder)
    }

    pub fn baseline(&self) -> &Contender {
        &self.contenders[self.baseline]
    }

    /// Each request once, and first the one that shows whether a server is ready: one that only reads,
    /// where there is one.
    pub fn requests(&self) -> Vec<&RequestSpec> {
        let mut distinct: Vec<&RequestSpec> = Vec::new();
        for (request, _) in self.scenarios.iter().flat_map(|scenario| &scenario.requests) {
            if !distinct.contains(&request) {
                distinct.push(request);
            }
        }
        if let Some(safe) = distinct.iter().position(|request| request.is_safe()) {
            distinct[..=safe].rotate_right(1);
        }
        distinct
    }

    /// The scenario that would measure what closing connections costs: the busiest closed loop with
    /// kept connections, short and with fresh ones. `None` when there is no such loop, when the
    /// suite has its like already, or does not want it.
    pub fn fresh_counterpart(&self) -> Option<Scenario> {
        const LONGEST: Duration = Duration::from_millis(150);
        const MOST: u64 = 1_000;
        let is_closed = |scenario: &&Scenario| {
            scenario.pacing == Pacing::Closed && scenario.connections > 1 && !scenario.is_fresh()
        };
        let kept = self.scenarios.iter().filter(is_closed).max_by_key(|s| s.connections)?;
        let name = format!("{}-fresh", kept.name);
        let is_there = self.scenarios.iter().any(|scenario| {
            scenario.name == name
                || (scenario.is_fresh() && scenario.connections == kept.connections)
        });
        (self.measure_closing && !is_there).then(|| Scenario {
            name,
            streams: 1,
            connection: ConnectionPolicy::Fresh,
            requests_per_connection: None,
            fresh_for: Some(kept.name.clone()),
            ..kept.shortened(MOST, LONGEST)
        })
    }
}
