//! Contenders in containers, with a real engine: measured, limited, and never left behind.
//!
//! The first engine that responds is used; `docker` or `podman` in `JIGGER_TEST_ENGINE` chooses one,
//! `none` there leaves these tests out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod container_support;

use std::path::Path;
use std::process::Command;

use container_support::{Lab, containers_of, engine, errors, long_run, send, until, write_suite};
use rustix::process::Signal;
use serde_json::Value;

/// `jigger run` of one contender of the default suite.
fn run(lab: &Lab, engine: &str, arguments: &[&str]) -> Command {
    let mut command = lab.command(&["run", "pong", "--only", "gin", "--quick", "--engine", engine]);
    command.args(arguments);
    command
}

fn report(lab: &Lab, engine: &str, arguments: &[&str]) -> Value {
    let output = run(lab, engine, arguments).args(["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn contender<'a>(report: &'a Value, name: &str) -> &'a Value {
    let contenders = report["contenders"].as_array().unwrap();
    contenders.iter().find(|contender| contender["name"] == name).unwrap()
}

fn estimate(contender: &Value, metric: &str) -> f64 {
    let value = contender["metrics"][metric]["estimate"].as_f64();
    value.unwrap_or_else(|| panic!("no {metric}: {contender:#}"))
}

#[test]
fn a_contender_is_measured_in_both_ways_and_compared_with_itself() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let report = report(&lab, engine, &["--in", "both", "--startups", "1", "--record", "r.json"]);
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
    // No gate withholds this one, however busy the machine is.
    let cpu = compared.iter().find(|it| it["metric"] == "saturation.cpu_us_per_request").unwrap();
    assert_eq!((&cpu["contender"], &cpu["baseline"]), (&"gin+container".into(), &"gin".into()));
    assert!(cpu["ratio"].as_f64().unwrap() > 0.0);
    let text = std::fs::read_to_string(lab.path("r.json")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    for visit in record["visits"].as_array().unwrap() {
        // The container's processes are the engine's children: their time is not jigger's, and is
        // no disturbance either.
        let is_known = visit["foreign_cpu_share"].is_number();
        assert_eq!(is_known, visit["entry"] != "gin+container", "{}", visit["entry"]);
    }
}

#[test]
fn limits_hold_and_a_bridge_is_published() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let limits = ["--in", "containers", "--network", "bridge", "--cpus", "0.2", "--memory", "64m"];
    let report = report(&lab, engine, &limits);
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
    let (mut child, _) = long_run(&lab, engine, "1h", &[]);
    let jigger = child.id();
    send(&child, Signal::KILL);
    child.wait().unwrap();
    until("the guard has removed it", || containers_of(engine, jigger).is_empty().then_some(()));
}

#[test]
fn an_interrupted_jigger_leaves_no_container() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let (child, _) = long_run(&lab, engine, "1h", &[]);
    let jigger = child.id();
    send(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    assert!(containers_of(engine, jigger).is_empty());
}

/// Also the engine stops building: its own process is not one of jigger's.
#[test]
fn an_interrupted_image_build_ends() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    write_suite(&lab, "pong", "requests = 1");
    let step = format!("sleep 1{:07}", std::process::id());
    let dockerfile = std::fs::read_to_string(lab.path("Dockerfile")).unwrap();
    std::fs::write(lab.path("Dockerfile"), format!("{dockerfile}RUN {step}\n")).unwrap();
    let arguments = ["check", "suite.toml", "--in", "containers", "--engine", engine];
    let child = lab.command(&arguments).spawn().unwrap();
    until("the step is built", || runs(&step).then_some(()));
    send(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    until("the step has ended", || (!runs(&step)).then_some(()));
}

/// Whether a process with exactly this command line runs on the machine.
fn runs(line: &str) -> bool {
    let of_process = |entry: std::io::Result<std::fs::DirEntry>| {
        let found = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&found).trim_end_matches('\0').replace('\0', " "))
    };
    std::fs::read_dir("/proc").unwrap().filter_map(of_process).any(|found| found == line)
}

#[test]
fn a_container_that_is_taken_away_is_a_failed_visit() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let (child, name) = long_run(&lab, engine, "10s", &["--rounds", "1"]);
    let jigger = child.id();
    let removed = Command::new(engine).args(["rm", "--force", &name]).output().unwrap();
    assert!(removed.status.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    assert!(errors(&output).contains("the server ended"), "{}", errors(&output));
    assert!(containers_of(engine, jigger).is_empty());
}

/// An engine that builds and responds, and refuses to make containers.
#[test]
fn an_engine_that_fails_is_quoted() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let path = std::env::var("PATH").unwrap();
    let real = std::env::split_paths(&path).map(|it| it.join(engine)).find(|it| it.exists());
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = create ] && {{ echo no space left on device >&2; exit 125; }}\n\
         exec {} \"$@\"\n",
        real.unwrap().display()
    );
    write_program(&lab.path("bin").join(engine), &script);
    let path = format!("{}:{path}", lab.path("bin").display());
    let mut command = run(&lab, engine, &["--in", "containers"]);
    let output = command.env("PATH", path).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    assert!(errors(&output).contains("could not be started: no space left on device"));
}

/// As they would be measured, and what sets the two apart is listed.
#[test]
fn a_contender_is_checked_in_a_container_too() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    let arguments = ["check", "pong", "--only", "gin", "--in", "both", "--engine", engine];
    let child = lab.command(&arguments).spawn().unwrap();
    let jigger = child.id();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let told = String::from_utf8_lossy(&output.stdout);
    for name in ["gin: responds correctly", "gin+container: responds correctly"] {
        assert!(told.contains(name), "{told}");
    }
    assert!(containers_of(engine, jigger).is_empty());
}

#[test]
fn without_an_engine_or_images_nothing_is_begun() {
    let lab = Lab::new();
    let mut command = run(&lab, "docker", &["--in", "containers"]);
    let output = command.env("PATH", lab.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("no container engine responds"), "{}", errors(&output));
    let output = run(&lab, "docker", &["--in", "both", "--no-images"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("leave out --no-images"), "{}", errors(&output));
}

fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// An image of the tests' store, which a contender on the host uses.
#[test]
fn a_service_runs_from_an_image_and_goes_with_the_run() {
    let Some(engine) = engine() else { return };
    let lab = Lab::new();
    for file in ["service.py", "server.py"] {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
        std::fs::copy(fixture, lab.path(file)).unwrap();
    }
    let base = std::env::var("JIGGER_PYTHON_BASE").ok();
    let base = base.unwrap_or_else(|| "docker.io/library/python:3.13-slim".to_owned());
    let dockerfile =
        format!("FROM {base}\nCOPY service.py /\nENTRYPOINT [\"python3\", \"/service.py\"]\n");
    std::fs::write(lab.path("Dockerfile"), dockerfile).unwrap();
    let built = Command::new(engine)
        .args(["build", "--quiet", "--tag", "jigger-test-service", "."])
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", errors(&built));
    let suite = "[suite]\nname = \"test\"\nplacebo = false\n\
         warm_up = { window = \"50ms\", windows = 3, cap = \"300ms\" }\n\
         [[service]]\nname = \"store\"\nstart_limit = \"120s\"\n\
         image = { ref = \"jigger-test-service\", args = [\"store\", \"{port}\", \"/tmp\"] }\n\
         [[contender]]\nname = \"front\"\nuses = [\"store\"]\nurl = \"http://127.0.0.1:{port}/\"\n\
         start = \"python3 service.py front {port} {store.port}\"\n\
         [[scenario]]\nname = \"load\"\nrequests = 50\n";
    std::fs::write(lab.path("suite.toml"), suite).unwrap();
    let arguments = ["run", "suite.toml", "--quick", "--rounds", "1", "--record", "r.json"];
    let child = lab.command(&[&arguments[..], &["--engine", engine]].concat()).spawn().unwrap();
    let jigger = child.id();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert_eq!(containers_of(engine, jigger), Vec::<String>::new());
    let text = std::fs::read_to_string(lab.path("r.json")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["services"][0]["image"], "jigger-test-service");
    let used = &record["visits"][0]["trials"][0]["services"][0];
    assert!(used["cpu_ns"].as_u64().unwrap() > 0, "{used}");
    assert!(used["memory_bytes"].as_u64().unwrap() > 1_000_000, "{used}");
}
