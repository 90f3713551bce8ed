//! `jigger image` as a user runs it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use jigger::schema::Schema;
use serde_json::Value;
use tempfile::TempDir;

use crate::archives::{Tar, docker_legacy};
use crate::two_layers;

/// A folder with `good.tar` and `bad.tar`, and engines as the tests need them.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = docker_legacy("app:1", &two_layers());
        fs::write(folder.path().join("good.tar"), &archive).unwrap();
        fs::write(folder.path().join("bad.tar"), &archive[..archive.len() / 2]).unwrap();
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
        command.arg("image").args(arguments).current_dir(self.0.path());
        command.env("PATH", self.0.path().join("bin")).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// An engine that responds and has the image in `saved`, or none.
    fn engine(&self, name: &str, saved: Option<&str>) {
        let question = if name == "docker" { "version" } else { "info" };
        let image = match saved {
            None => "echo 'Error: No such image: x' >&2; exit 1".to_owned(),
            Some(_) => "echo sha256:1 5018".to_owned(),
        };
        let save = saved.map_or("exit 1".to_owned(), |file| format!("exec /bin/cat {file}"));
        let script = format!(
            "#!/bin/sh\ncase $1 in\n{question}) echo 1.0;;\nimage) {image};;\nsave) {save};;\nesac\n"
        );
        let bin = self.0.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        write_program(&bin.join(name), &script);
    }
}

/// Not open for writing in this process at any time, or the system refuses to run it: another test
/// may start a program meanwhile, which holds the file open until it has begun.
fn write_program(path: &Path, script: &str) {
    let mut child = Command::new("/usr/bin/install")
        .args(["--mode=755", "/dev/stdin"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[track_caller]
fn expect(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    assert!(out.contains(stdout), "{stdout:?} in\n{out}");
    assert!(err.contains(stderr), "{stderr:?} in\n{err}");
}

#[test]
fn an_archive_comes_from_standard_input_too() {
    let place = Place::new();
    let good = fs::File::open(place.0.path().join("good.tar")).unwrap();
    let output = place.command(&["-"]).stdin(good).output().unwrap();
    expect(&output, 0, "app:1\n  unpacked  5.02 kB", "");
    expect(&place.run(&["-"]), 2, "", "cannot measure standard input: it is not a container image");
}

#[test]
fn a_bad_archive_does_not_hide_a_good_one() {
    let place = Place::new();
    for order in [["good.tar", "bad.tar"], ["bad.tar", "good.tar"]] {
        let output = place.run(&order);
        expect(&output, 3, "5.02 kB", "jigger: cannot measure bad.tar: the archive is truncated");
    }
    expect(&place.run(&["bad.tar"]), 2, "", "cannot measure bad.tar");
}

#[test]
fn the_formats_are_those_of_other_commands() {
    let place = Place::new();
    fs::write(place.0.path().join("other.tar"), docker_legacy("b", &[Tar::new().bytes()])).unwrap();
    let arguments = ["good.tar", "other.tar", "bad.tar", "--max-size", "1kB", "--format"];
    let with = |format| place.run(&[&arguments[..], &[format]].concat());
    expect(&with("markdown"), 3, "| image | unpacked |", "exceeds the limit");
    expect(&with("html"), 2, "", "possible values: text, markdown, json");
    let output = with("json");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::validator_for(&Schema::Image.value()).unwrap();
    assert!(validator.is_valid(&report));
    for list in ["images", "differences", "exceeded", "failures"] {
        assert!(!report[list].as_array().unwrap().is_empty(), "{list}");
        let mut spoilt = report.clone();
        spoilt[list][0] = Value::Null;
        assert!(!validator.is_valid(&spoilt), "{list}");
    }
    assert_eq!(
        place.run(&["good.tar", "--json"]).stdout,
        place.run(&["good.tar", "--format", "json"]).stdout
    );
}

#[test]
fn limits_end_with_one() {
    let place = Place::new();
    let limited = |limit: &[&str]| place.run(&[&["good.tar"], limit].concat());
    expect(&limited(&["--max-size", "5018"]), 0, "app:1", "");
    expect(&limited(&["--max-size", "5 kB"]), 1, "app:1", "5.02 kB unpacked (5018 bytes) exceeds");
    expect(&limited(&["--max-wasted", "0"]), 1, "app:1", "5.01 kB wasted");
    expect(&limited(&["--max-wasted", "100%"]), 0, "app:1", "");
    expect(&limited(&["--max-size", "5%"]), 2, "", "write a size such as \"50 MB\"");
}

#[test]
fn a_mistyped_file_is_no_image_of_an_engine() {
    let place = Place::new();
    place.engine("docker", None);
    let message = "cannot measure god.tar: no such file or folder\n";
    expect(&place.run(&["god.tar"]), 2, "", message);
    expect(&place.run(&["god"]), 2, "", "no such file or folder, and docker has no image");
    fs::create_dir(place.0.path().join("folder")).unwrap();
    expect(&place.run(&["folder"]), 2, "", "the folder has neither index.json nor manifest.json");
}

#[test]
fn the_engine_that_has_the_image_is_used() {
    let place = Place::new();
    expect(&place.run(&["app"]), 2, "", "docker: not installed; install it");
    place.engine("docker", None);
    expect(&place.run(&["containers-storage:app"]), 2, "", "podman: not installed; install it");
    place.engine("podman", None);
    expect(&place.run(&["app"]), 2, "", "and neither docker nor podman has an image of that name");
    place.engine("podman", Some("good.tar"));
    let note = "note: docker has no image app; this is the one that podman has";
    expect(&place.run(&["app"]), 0, "app, app:1 (podman)", note);
    expect(&place.run(&["app", "--engine", "docker"]), 2, "", "docker has no image of that name");
    expect(&place.run(&["containers-storage:app"]), 0, "(podman)", "");
    expect(&place.run(&["good.tar", "--engine", "dokcer"]), 2, "", "choose docker or podman");
}
