//! Finding a container engine, and saying why there is none.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::env::join_paths;
use std::ffi::OsString;
use std::path::PathBuf;

use jigger::image::{Engine, NoEngine, Program, Unavailable};

/// A search path of the folders of these names beside the fixtures.
fn search_path(folders: &[&str]) -> OsString {
    let engines = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/image/engines");
    join_paths(folders.iter().map(|folder| engines.join(folder))).unwrap()
}

fn refusal(choice: Option<&str>, folders: &[&str]) -> NoEngine {
    Engine::detect_in(choice, &search_path(folders)).unwrap_err()
}

#[test]
fn without_any_engine_both_remedies_are_given() {
    let message = refusal(None, &["absent", "not-executable"]).to_string();
    let expected = "no container engine responds.\n  \
        docker: not installed; install it (on Debian and Ubuntu: apt install docker.io)\n  \
        podman: not installed; install it (on Debian and Ubuntu: apt install podman)";
    assert_eq!(message, expected);
}

#[test]
fn a_daemon_that_does_not_run_is_told_from_a_lack_of_permission() {
    let silent = refusal(Some("docker"), &["no-daemon"]);
    assert!(silent.to_string().contains("does not respond (Cannot connect"), "{silent}");
    assert!(silent.to_string().contains("start its daemon"), "{silent}");

    let denied = refusal(Some("docker"), &["no-permission"]);
    assert!(denied.to_string().contains("may not use it (permission denied"), "{denied}");
    assert!(denied.to_string().contains("usermod -aG docker"), "{denied}");
    let NoEngine::Unavailable(tried) = denied else { panic!("{denied}") };
    assert!(matches!(tried[..], [(Program::Docker, Unavailable::NoPermission(_))]));
}

#[test]
fn the_first_that_responds_is_taken() {
    let engine = Engine::detect_in(None, &search_path(&["no-daemon", "podman-only"])).unwrap();
    assert_eq!((engine.program, engine.version.as_str()), (Program::Podman, "4.3.1"));
}

#[test]
fn an_engine_that_was_chosen_is_not_replaced_by_another() {
    let message = refusal(Some("docker"), &["podman-only"]).to_string();
    assert!(message.contains("docker: not installed"), "{message}");
    assert!(!message.contains("podman:"), "{message}");
}

#[test]
fn an_unknown_engine_is_refused_by_name() {
    let message = refusal(Some("dokcer"), &["podman-only"]).to_string();
    assert_eq!(message, "unknown container engine 'dokcer': choose docker or podman");
}
