//! Before the rounds: what each contender needs, its build, its container image.
//!
//! What cannot be prepared is left out with the reason; the others go on.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::event::{Event, Listener};
use crate::image::{Engine, Image, measure_reference, own_bytes};
use crate::interrupt::Interrupt;
use crate::record::{ContenderRecord, ImageRecord, Status};
use crate::suite::{Contender, ImageRecipe, Placeholders, Suite};

/// Whether container images are built and measured.
#[derive(Debug, Clone, Copy)]
pub enum Images<'a> {
    /// They are not.
    Skip,
    /// They are, with the engine of that name, or the first that answers.
    Build(Option<&'a str>),
}

/// Lines of a failed build that are shown.
const SHOWN_LINES: usize = 15;

/// Where the remedy for a missing program is not just its name.
const REMEDIES: &[(&str, &str)] = &[
    ("go", "install Go 1.25 or newer (https://go.dev/dl/), or run `make setup`"),
    ("python3", "install Python 3.10 or newer with its venv module (Debian: python3-venv)"),
    ("cargo", "install Rust (https://rustup.rs)"),
    ("node", "install Node.js (https://nodejs.org)"),
];

/// Prepares every contender; one entry each, in the suite's order.
pub fn prepare(
    suite: &Suite,
    images: Images<'_>,
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) -> Vec<ContenderRecord> {
    let mut records: Vec<ContenderRecord> = suite
        .contenders
        .iter()
        .map(|contender| {
            let record = prepared(contender, interrupt, listener);
            if let Some(reason) = &record.reason {
                let (contender, reason) = (record.name.clone(), reason.clone());
                listener(Event::LeftOut { contender, reason });
            }
            record
        })
        .collect();
    if let Images::Build(choice) = images {
        add_images(suite, choice, &mut records, interrupt, listener);
    }
    records
}

fn prepared(
    contender: &Contender,
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
        image: None,
        image_reason: None,
    };
    if let Some(missing) = contender.needs.iter().find(|program| !is_on_path(program)) {
        record.status = Status::Skipped;
        record.reason = Some(format!("'{missing}' is not on PATH; {}", remedy(missing)));
        return record;
    }
    if !contender.build.is_empty() {
        listener(Event::Preparing { contender: contender.name.clone(), step: "building" });
        match build(contender, interrupt) {
            Ok(seconds) => record.build_seconds = Some(seconds),
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

/// Runs the build's commands; the wall time of all, in seconds, or what went wrong.
fn build(contender: &Contender, interrupt: &Interrupt) -> Result<f64, String> {
    let began = Instant::now();
    for command in &contender.build {
        let arguments =
            Placeholders::default().fill_all(command).map_err(|error| format!("build: {error}"))?;
        run_to_end(&arguments, &contender.directory, interrupt)?;
    }
    Ok(began.elapsed().as_secs_f64())
}

/// Runs one command of a build to its end.
///
/// # Errors
/// A message with its last lines when it fails.
pub fn run_to_end(
    arguments: &[String],
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<(), String> {
    let shown = shell_words::join(arguments);
    let (program, rest) = arguments.split_first().ok_or("the build command is empty")?;
    let (reader, writer) = std::io::pipe().map_err(|error| format!("build: {error}"))?;
    let second = writer.try_clone().map_err(|error| format!("build: {error}"))?;
    let mut command = Command::new(program);
    command.args(rest).current_dir(folder).stdin(Stdio::null()).process_group(0);
    command.stdout(writer).stderr(second);
    let mut child = command.spawn().map_err(|error| {
        format!("the build '{shown}' in {} cannot be started: {error}", folder.display())
    })?;
    // The command holds the pipe's writing ends until it is dropped.
    drop(command);
    let lines = std::thread::spawn(move || last_lines(reader));
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if interrupt.is_raised() => {
                end_group(child.id());
                let _ = child.wait();
                return Err("interrupted while it was built".to_owned());
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(format!("the build '{shown}' cannot be waited for: {error}")),
        }
    };
    if status.success() {
        return Ok(());
    }
    let lines = lines.join().unwrap_or_default();
    Err(format!("the build '{shown}' failed ({status}); its last lines:\n{}", lines.join("\n")))
}

fn end_group(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

fn last_lines(reader: impl std::io::Read) -> Vec<String> {
    let mut last = VecDeque::new();
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        if last.len() == SHOWN_LINES {
            last.pop_front();
        }
        last.push_back(format!("    {}", String::from_utf8_lossy(&line)));
    }
    last.into()
}

fn add_images(
    suite: &Suite,
    choice: Option<&str>,
    records: &mut [ContenderRecord],
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) {
    if suite.contenders.iter().all(|contender| contender.image.is_none()) {
        return;
    }
    let engine = Engine::detect(choice).map_err(|error| error.to_string());
    let mut measured: Vec<(usize, Image)> = Vec::new();
    for (at, contender) in suite.contenders.iter().enumerate() {
        let Some(recipe) = &contender.image else {
            continue;
        };
        if records[at].status != Status::Measured || interrupt.is_raised() {
            continue;
        }
        let step = "building and measuring the image of";
        listener(Event::Preparing { contender: contender.name.clone(), step });
        match image(suite, contender, recipe, engine.as_ref()) {
            Ok(image) => measured.push((at, image)),
            Err(reason) => records[at].image_reason = Some(reason),
        }
    }
    let images: Vec<Image> = measured.iter().map(|(_, image)| image.clone()).collect();
    for ((at, image), own_bytes) in measured.into_iter().zip(own_bytes(&images)) {
        records[at].image = Some(ImageRecord {
            reference: image.reference,
            engine: image.engine.unwrap_or_default(),
            unpacked_bytes: image.unpacked_bytes,
            transfer_bytes: image.transfer_bytes,
            own_bytes,
            engine_says_bytes: image.engine_says_bytes,
        });
    }
}

fn image(
    suite: &Suite,
    contender: &Contender,
    recipe: &ImageRecipe,
    engine: Result<&Engine, &String>,
) -> Result<Image, String> {
    let engine = engine.map_err(Clone::clone)?;
    let reference = match recipe {
        ImageRecipe::Reference(reference) => reference.clone(),
        ImageRecipe::Build(command) => {
            let tag =
                format!("jigger-{}/{}", suite.name.to_lowercase(), contender.name.to_lowercase());
            let filled = Placeholders::default()
                .with("engine", engine.program.name())
                .with("tag", &tag)
                .fill_all(command)
                .map_err(|error| format!("image.build: {error}"))?;
            engine
                .run_build_command(&filled, &contender.directory, &mut |_| {})
                .map_err(|error| error.to_string())?;
            tag
        }
    };
    measure_reference(engine, &reference).map_err(|error| error.to_string())
}
