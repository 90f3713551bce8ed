//! What the tests with a real container engine share: which engine, and jigger in a folder of its
//! own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use jigger::image::Engine;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The builds share a folder, and figures their cores.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The engine to test with: the first that responds, or the one that `JIGGER_TEST_ENGINE` names. None
/// only where that says `none`.
pub fn engine() -> Option<&'static str> {
    let choice = std::env::var("JIGGER_TEST_ENGINE").ok();
    if choice.as_deref() == Some("none") {
        eprintln!("no container engine is tested: JIGGER_TEST_ENGINE=none");
        return None;
    }
    match Engine::detect(choice.as_deref()) {
        Ok(engine) => Some(engine.program.name()),
        Err(why) => panic!(
            "these tests need a container engine (JIGGER_TEST_ENGINE=none omits them): {why}"
        ),
    }
}

/// An empty folder in which jigger runs, alone.
pub struct Lab {
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Lab {
    pub fn new() -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Self { folder: tempfile::tempdir().unwrap(), _alone: alone }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
        command.args(arguments).current_dir(self.folder.path());
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contenders-cache");
        command.env("JIGGER_CACHE_DIR", cache).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// A suite of one contender, the tests' own server in a container, which behaves so. The image is
/// built on the one that the shipped suites' Python contenders are built on.
pub fn write_suite(lab: &Lab, behaviour: &str, scenario: &str) {
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/server.py");
    std::fs::copy(server, lab.path("server.py")).unwrap();
    let dockerfile =
        "ARG BASE\nFROM ${BASE}\nCOPY server.py /\nENTRYPOINT [\"python3\", \"/server.py\"]\n";
    std::fs::write(lab.path("Dockerfile"), dockerfile).unwrap();
    let suite = format!(
        "[suite]\nname = \"test\"\nplacebo = false\n\
         warm_up = {{ window = \"50ms\", windows = 3, cap = \"300ms\" }}\n\
         [expect]\njson = {{ message = \"pong\" }}\n\
         [[contender]]\nname = \"server\"\nurl = \"http://127.0.0.1:{{port}}/\"\n\
         image = {{ build = \"{{engine}} build --build-arg BASE=\
         {{env:JIGGER_PYTHON_BASE:-docker.io/library/python:3.13-slim}} -t {{tag}} .\", \
         args = [\"{behaviour}\", \"{{port}}\"] }}\n\
         [[scenario]]\nname = \"load\"\n{scenario}\n"
    );
    std::fs::write(lab.path("suite.toml"), suite).unwrap();
}

/// A run that loads its server, in a container, for so long, and that container's name.
pub fn long_run(lab: &Lab, engine: &str, duration: &str, arguments: &[&str]) -> (Child, String) {
    write_suite(lab, "pong", &format!("duration = \"{duration}\""));
    let mut command = lab.command(&["run", "suite.toml", "--in", "containers", "--engine", engine]);
    let mut child = command.args(arguments).spawn().unwrap();
    let name = until("the server is under load", || {
        assert_eq!(child.try_wait().unwrap(), None, "jigger ended");
        running_container_of(engine, child.id())
    });
    (child, name)
}

/// The containers that a jigger of this process id has made, running or not: name and status.
pub fn containers_of(engine: &str, jigger: u32) -> Vec<String> {
    let filter = format!("name=jigger-{jigger}-");
    let question = ["ps", "--all", "--filter", &filter, "--format", "{{.Names}} {{.Status}}"];
    let output = Command::new(engine).args(question).output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The name of a running one.
pub fn running_container_of(engine: &str, jigger: u32) -> Option<String> {
    let containers = containers_of(engine, jigger);
    let running = containers.iter().find(|line| line.contains(" Up"))?;
    running.split(' ').next().map(str::to_owned)
}

/// Waits for a condition that another process brings about; the limit is for a failing test.
pub fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "not in 120 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
