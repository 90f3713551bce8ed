//! What a server gets from its start, and what each failed start says.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::world::{World, status, until};
use jigger::server::{Diagnostic, Exit, GuardError, Life, Server, StartError};
use rustix::process::{Pid, getpgid, getpgrp};

fn pid_of(raw: i32) -> Option<Pid> {
    Pid::from_raw(raw)
}

fn failure(world: &World) -> StartError {
    let error = Server::start(&world.spec).expect_err("the start was to fail");
    assert_eq!(world.marked(), [0; 0], "something was left running");
    error
}

/// Puts a file named `program` into the world's directory, and starts `./program`.
fn with_file(content: &str, mode: u32) -> World {
    let world = World::new(&["./program"]);
    let path = world.dir.path().join("program");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    world
}

#[test]
fn arguments_directory_environment_and_both_outputs_arrive_unchanged() {
    let script = r#"printf '%s|' "$@"; pwd; echo "$NAME" >&2; cat"#;
    let world = World::new(&["sh", "-c", script, "sh", "a b", "--", "--grace-ms", "ü'\"$x"])
        .with_variable("NAME", "a=b c");
    let mut server = world.start();
    let lines = world.log_lines(2);
    let directory = world.dir.path().canonicalize().unwrap();
    assert_eq!(lines[0], format!("a b|--|--grace-ms|ü'\"$x|{}", directory.display()));
    assert_eq!(lines[1], "a=b c");
    // Standard input is empty, so `cat` ends the script.
    until("the end", || server.exit() == Some(Exit::Code(0)));
    assert_eq!(server.log_tail(1), "a=b c");
    assert_eq!(server.log_bytes(), fs::metadata(&world.spec.log).unwrap().len());
    server.stop().unwrap();
}

#[test]
fn input_and_output_can_be_files() {
    let mut world = World::new(&["sh", "-c", "cat; echo log >&2"]);
    let file = |name: &str| world.dir.path().join(name);
    let (input, output) = (file("input"), file("output"));
    fs::write(&input, "in\n").unwrap();
    fs::write(&output, "what was there before, and is longer").unwrap();
    (world.spec.input, world.spec.output) = (Some(input), Some(output.clone()));
    let mut server = world.start();
    until("the end", || server.exit() == Some(Exit::Code(0)));
    server.stop().unwrap();
    assert_eq!(fs::read_to_string(&output).unwrap(), "in\n");
    assert_eq!(fs::read_to_string(&world.spec.log).unwrap(), "log\n");
}

#[test]
fn an_input_that_is_not_there_is_named() {
    let mut world = World::new(&["cat"]);
    world.spec.input = Some(world.dir.path().join("gone"));
    let message = failure(&world).in_full();
    assert!(message.contains("gone: No such file or directory"), "{message}");
}

#[test]
fn a_server_inherits_neither_blocked_signals_nor_our_process_group() {
    let world = World::new(&["sleep", "1000"]);
    let server = world.start();
    assert_eq!(status(server.pid(), "SigBlk"), "0000000000000000");
    // SIGPIPE (bit 12), which Rust programs ignore, is the one that std puts back.
    let ignored = u64::from_str_radix(&status(server.pid(), "SigIgn"), 16).unwrap();
    assert_eq!(ignored & (1 << 12), 0);
    let guard: i32 = status(server.pid(), "PPid").parse().unwrap();
    let groups = [Ok(getpgrp()), getpgid(pid_of(guard)), getpgid(pid_of(server.pid()))];
    assert!(groups[0] != groups[1] && groups[1] != groups[2] && groups[0] != groups[2]);
    server.stop().unwrap();
}

#[test]
fn a_server_keeps_to_its_cores() {
    let mut world = World::new(&["sleep", "1000"]);
    world.spec.cpus = Some(vec![0]);
    let server = world.start();
    assert_eq!(status(server.pid(), "Cpus_allowed_list"), "0");
    // What reads its costs is kept to none, so that it need not take its time.
    let guard: i32 = status(server.pid(), "PPid").parse().unwrap();
    let own = i32::try_from(std::process::id()).unwrap();
    assert_eq!(status(guard, "Cpus_allowed_list"), status(own, "Cpus_allowed_list"));
    server.stop().unwrap();
}

#[test]
fn time_counts_from_the_spawn_of_the_program() {
    let world = World::new(&["sleep", "1000"]);
    let before = std::time::Instant::now();
    let mut server = world.start();
    assert!(server.elapsed_since_spawn() <= before.elapsed());
    assert_eq!(server.life(), Life::Running);
    server.stop().unwrap();
}

#[test]
fn a_core_that_does_not_exist_is_refused() {
    let mut world = World::new(&["sleep", "1000"]);
    world.spec.cpus = Some(vec![100_000]);
    let message = failure(&world).in_full();
    assert!(message.contains("no core 100000"), "{message}");
}

#[test]
fn a_command_that_does_not_exist_is_named_with_where_it_was_looked_for() {
    let world = World::new(&["no-such-server", "--port", "1"]).with_variable("PATH", "/a:/b");
    let error = failure(&world);
    assert!(matches!(&error, StartError::NotFound { program, .. } if program == "no-such-server"));
    assert!(error.to_string().contains("on PATH (/a:/b)"), "{error}");
    let error = failure(&World::new(&["./no-such-server"]));
    assert!(matches!(&error, StartError::NotFound { .. }), "{error}");
}

#[test]
fn a_file_that_may_not_be_executed_says_how_to_change_that() {
    let error = failure(&with_file("#!/bin/sh\n", 0o644));
    assert!(matches!(error, StartError::NotExecutable { .. }), "{error}");
    assert!(error.in_full().contains("chmod +x"));
}

#[test]
fn a_script_whose_interpreter_is_missing_is_not_called_missing_itself() {
    let error = failure(&with_file("#!/no/such/interpreter\n", 0o755));
    assert!(matches!(error, StartError::NoInterpreter { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_program_is_said_to_be_none() {
    let error = failure(&with_file("\u{1}\u{2}\u{3}", 0o755));
    assert!(matches!(error, StartError::NotAProgram { .. }), "{error}");
}

#[test]
fn what_is_wrong_before_the_start_is_named() {
    assert!(matches!(failure(&World::new(&[])), StartError::NoCommand));
    let mut world = World::new(&["sleep", "1000"]);
    world.spec.log = world.dir.path().join("no/such/log");
    assert!(matches!(failure(&world), StartError::Log { .. }));
    world.spec.dir = world.dir.path().join("no/such/dir");
    assert!(matches!(failure(&world), StartError::Directory { .. }));
}

#[test]
fn a_guard_that_is_no_guard_is_reported_with_what_it_said() {
    let mut world = World::new(&["sleep", "1000"]);
    world.spec.guard = "/bin/false".into();
    let StartError::Guard { source, .. } = failure(&world) else { panic!("no guard") };
    assert_eq!(source, GuardError::Silent);
    world.spec.guard = "/no/such/guard".into();
    let message = failure(&world).in_full();
    assert!(message.contains("/no/such/guard") && message.contains("No such file"), "{message}");
}

/// It waits for the end of the pipe, as a guard does.
#[test]
fn a_guard_of_another_version_is_refused_by_name() {
    let greeting = r#"{"event":{"greeting":{"version":7,"since":"later"}}}"#;
    let mut world = with_file(&format!("#!/bin/sh\necho '{greeting}'; exec cat >&2\n"), 0o755);
    world.spec.guard = world.dir.path().join("program");
    let error = failure(&world);
    let StartError::Guard { source, .. } = &error else { panic!("{error:?}") };
    let is_theirs = matches!(source, GuardError::OtherVersion { theirs: 7, ours } if *ours != 7);
    assert!(is_theirs, "{source:?}");
    assert!(error.in_full().contains("it uses version 7"), "{}", error.in_full());
}
