//! Contenders in containers, with a real engine: measured, limited, and never left behind.
//!
//! The first engine that answers is used. Where none does, the tests fail, unless the environment says
//! `JIGGER_TEST_ENGINE=none`; `docker` or `podman` there chooses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The builds share a folder, and figures their cores.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The engine to test with; none only where the environment says so.
fn engine() -> Option<&'static str> {
    let choice = std::env::var("JIGGER_TEST_ENGINE").ok();
    if choice.as_deref() == Some("none") {
        eprintln!("no container engine is tested: JIGGER_TEST_ENGINE=none");
        return None;
    }
    match jigger::image::Engine::detect(choice.as_deref()) {
        Ok(engine) => Some(engine.program.name()),
        Err(why) => {
            panic!(
                "these tests need a container engine (JIGGER_TEST_ENGINE=none omits them): {why}"
            )
        }
    }
}

/// An empty folder in which jigger runs, alone.
struct Lab {
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Lab {
    fn new() -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Self { folder: tempfile::tempdir().unwrap(), _alone: alone }
    }

    fn command(&self, engine: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
        command.args(["run", "pong", "--only", "gin", "--quick", "--engine", engine]);
        command.args(arguments).current_dir(self.folder.path());
        let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("contenders-cache");
        command.env("JIGGER_CACHE_DIR", cache).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn report(&self, engine: &str, arguments: &[&str]) -> Value {
        let output = self.command(engine, arguments).args(["--format", "json"]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn contender<'a>(report: &'a Value, name: &str) -> &'a Value {
    let contenders = report["contenders"].as_array().unwrap();
    contenders.iter().find(|contender| contender["name"] == name).unwrap()
}

fn estimate(contender: &Value, metric: &str) -> f64 {
    let value = contender["metrics"][metric]["estimate"].as_f64();
    value.unwrap_or_else(|| panic!("no {metric}: {contender:#}"))
}

/// The containers that a jigger of this process id has made, running or not.
fn containers_of(engine: &str, jigger: u32) -> Vec<String> {
    let filter = format!("name=jigger-{jigger}-");
    let output = Command::new(engine)
        .args(["ps", "--all", "--filter", &filter, "--format", "{{.Names}} {{.Status}}"])
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < deadline, "not in 120 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A run whose container runs; its name.
fn with_running_container(engine: &str, lab: &Lab) -> (Child, String) {
    let child = lab.command(engine, &["--in", "containers"]).spawn().unwrap();
    let mut name = String::new();
    until("a container runs", || {
        let containers = containers_of(engine, child.id());
        let running = containers.iter().find(|line| line.contains(" Up"));
        name = running.and_then(|line| line.split(' ').next()).unwrap_or_default().to_owned();
        !name.is_empty()
    });
    (child, name)
}

fn send(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn a_contender_is_measured_in_both_ways_and_compared_with_itself() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let report = lab.report(engine, &["--in", "both", "--startups", "1", "--record", "r.json"]);
    let (bare, contained) = (contender(&report, "gin"), contender(&report, "gin+container"));
    assert_eq!(bare["container"], Value::Null);
    assert_eq!(contained["container"]["of"], "gin");
    assert_eq!(contained["container"]["network"], "host");
    for metric in ["saturation.cpu_us_per_request", "memory_idle_bytes", "memory_peak_bytes"] {
        let ratio = estimate(contained, metric) / estimate(bare, metric);
        assert!((0.4..2.5).contains(&ratio), "{metric}: {ratio}");
    }
    // Two rounds and the launch before them.
    assert!(estimate(contained, "startup_ms.max") >= estimate(contained, "startup_ms.min"));
    assert_eq!(contained["image"], bare["image"]);
    let compared = report["containers"].as_array().unwrap();
    let rate = compared.iter().find(|it| it["metric"] == "saturation.requests_per_second").unwrap();
    assert_eq!((&rate["contender"], &rate["baseline"]), (&"gin+container".into(), &"gin".into()));
    assert!(rate["ratio"].as_f64().unwrap() > 0.0);
    let text = std::fs::read_to_string(lab.folder.path().join("r.json")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    for visit in record["visits"].as_array().unwrap() {
        // The container's processes are the engine's children: their time is not jigger's, and is
        // no disturbance either.
        let is_known = visit["foreign_cpu_share"].is_number();
        assert_eq!(is_known, visit["entry"] == "gin", "{}", visit["entry"]);
    }
}

#[test]
fn limits_hold_and_a_bridge_is_published() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let limits = ["--in", "containers", "--network", "bridge", "--cpus", "0.2", "--memory", "64m"];
    let report = lab.report(engine, &limits);
    let gin = contender(&report, "gin");
    assert_eq!(gin["container"]["network"], "bridge");
    assert_eq!(gin["container"]["cpus"], 0.2);
    assert_eq!(gin["container"]["memory_bytes"], 64 << 20);
    // A fifth of a core under closed load: CPU time a second is what a request takes, times the
    // requests.
    let cores = estimate(gin, "saturation.cpu_us_per_request")
        * estimate(gin, "saturation.requests_per_second")
        / 1e6;
    assert!(cores < 0.25, "{cores} cores used");
}

#[test]
fn a_killed_jigger_leaves_no_container() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let (mut child, _) = with_running_container(engine, &lab);
    let jigger = child.id();
    send(&child, rustix::process::Signal::KILL);
    child.wait().unwrap();
    until("the guard has removed it", || containers_of(engine, jigger).is_empty());
}

#[test]
fn an_interrupted_jigger_leaves_no_container() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let (child, _) = with_running_container(engine, &lab);
    let jigger = child.id();
    send(&child, rustix::process::Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    assert!(containers_of(engine, jigger).is_empty());
}

#[test]
fn a_container_that_is_taken_away_is_a_failed_visit() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let (child, name) = with_running_container(engine, &lab);
    let jigger = child.id();
    let removed = Command::new(engine).args(["rm", "--force", &name]).output().unwrap();
    assert!(removed.status.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    assert!(errors(&output).contains("the server ended"), "{}", errors(&output));
    assert!(containers_of(engine, jigger).is_empty());
}

/// An engine that builds and answers, and refuses to make containers.
#[test]
fn an_engine_that_fails_is_quoted() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let folder = lab.folder.path();
    let path = std::env::var("PATH").unwrap();
    let real = std::env::split_paths(&path).map(|it| it.join(engine)).find(|it| it.exists());
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = create ] && {{ echo no space left on device >&2; exit 125; }}\n\
         exec {} \"$@\"\n",
        real.unwrap().display()
    );
    write_program(&folder.join("bin").join(engine), &script);
    let path = format!("{}:{path}", folder.join("bin").display());
    let mut command = lab.command(engine, &["--in", "containers"]);
    let output = command.env("PATH", path).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    assert!(errors(&output).contains("could not be started: no space left on device"));
}

#[test]
fn without_an_engine_or_images_nothing_is_begun() {
    let lab = Lab::new();
    let mut command = lab.command("docker", &["--in", "containers"]);
    let output = command.env("PATH", lab.folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("no container engine answers"), "{}", errors(&output));
    let output = lab.command("docker", &["--in", "both", "--no-images"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("leave out --no-images"), "{}", errors(&output));
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
