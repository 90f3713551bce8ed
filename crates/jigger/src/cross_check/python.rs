//! A Python that has requests: the one on PATH, or an environment made for it from pinned hashes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::ToolError;
use super::process::{Job, Runner};
use crate::interrupt::Interrupt;
use crate::prepare;

/// What is installed, with the hashes of every file.
const LOCK: &str = include_str!("requests.lock");

const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// The loop of the post. Its arguments: the URL, the number of requests, and whether a session
/// keeps the connection. No certificate is verified, as by most of the other tools.
pub const PROGRAM: &str = "import sys, timeit, requests\n\
    ask = requests.Session().get if sys.argv[3] == 'kept' else requests.get\n\
    more = {'verify': False} if sys.argv[1].startswith('https') else {}\n\
    print(timeit.timeit(lambda: ask(sys.argv[1], **more), number=int(sys.argv[2])))\n";

/// The interpreter and the version of its requests.
///
/// # Errors
/// When there is none and none can be made.
pub fn find(cache: &Path, runner: &Runner) -> Result<(PathBuf, String), ToolError> {
    let own = cache.join("requests-venv");
    let interpreter = own.join("bin/python");
    let on_path = PathBuf::from("python3");
    for python in [&on_path, &interpreter] {
        if let Some(version) = version_of_requests(python, runner) {
            return Ok((python.clone(), version));
        }
    }
    make(&own, &interpreter, &runner.interrupt)?;
    let version = version_of_requests(&interpreter, runner);
    version.map(|version| (interpreter, version)).ok_or(ToolError::NoRequests(own))
}

fn version_of_requests(python: &Path, runner: &Runner) -> Option<String> {
    let look = "import requests; print(requests.__version__)";
    let command = [python.display().to_string(), "-c".to_owned(), look.to_owned()];
    let programs = [command.to_vec()];
    let job = Job { programs: &programs, input: "", cpus: &[], limit: LOOK_LIMIT };
    let output = runner.run(&job).ok()?;
    output.is_success.then(|| output.stdout.trim().to_owned())
}

fn make(own: &Path, interpreter: &Path, interrupt: &Interrupt) -> Result<(), ToolError> {
    let lock = own.join("requests.lock");
    std::fs::create_dir_all(own)
        .and_then(|()| std::fs::write(&lock, LOCK))
        .map_err(|error| ToolError::NotWritten(lock.clone(), error))?;
    let text = |path: &Path| path.display().to_string();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for command in [
        words(&["python3", "-m", "venv", &text(own)]),
        words(&[
            &text(interpreter),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            &text(&lock),
        ]),
    ] {
        prepare::run_to_end(&command, own, interrupt).map_err(ToolError::NoPython)?;
    }
    Ok(())
}
