//! Running other tools: what they read and say, and how they are ended.

use std::path::Path;
use std::time::{Duration, Instant};

use jigger::cross_check::ToolError;
use jigger::cross_check::process::{Job, Output, Runner};
use jigger::interrupt::Interrupt;
use jigger::server::Diagnostic as _;

/// Long enough for any machine; reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(120);

fn runner(interrupt: &Interrupt) -> Runner {
    Runner::new(Path::new(env!("CARGO_BIN_EXE_jigger")), interrupt)
}

fn run(programs: &[&[&str]], input: &str) -> Result<Output, ToolError> {
    run_within(PATIENCE, &Interrupt::default(), programs, input)
}

fn run_within(
    limit: Duration,
    interrupt: &Interrupt,
    programs: &[&[&str]],
    input: &str,
) -> Result<Output, ToolError> {
    let words = |words: &&[&str]| words.iter().map(ToString::to_string).collect();
    let programs: Vec<Vec<String>> = programs.iter().map(words).collect();
    runner(interrupt).run(&Job { programs: &programs, input, cpus: &[0], limit })
}

#[test]
fn what_a_program_says_is_kept_and_its_end_is_seen() {
    let said = run(&[&["sh", "-c", "cat; echo err >&2; exit 3"]], "in\n").unwrap();
    assert!(!said.is_success);
    assert_eq!(
        (said.stdout.as_str(), said.stderr.as_str(), said.last_line()),
        ("in\n", "err\n", "err")
    );
    let missing = run(&[&["no-such-program"]], "").unwrap_err().in_full();
    assert!(missing.contains("no-such-program: it cannot be started"), "{missing}");
}

#[test]
fn a_program_keeps_to_the_cores_given() {
    let said = run(&[&["grep", "Cpus_allowed_list", "/proc/self/status"]], "").unwrap();
    assert_eq!(said.stdout, "Cpus_allowed_list:\t0\n");
}

#[test]
fn each_program_reads_what_the_one_before_it_wrote_until_one_fails() {
    // Bytes that are no text pass unharmed.
    let odd: &[&str] = &["printf", r"\377\n"];
    let said = run(&[odd, &["sh", "-c", "od -An -tx1; echo two >&2"]], "").unwrap();
    assert_eq!(
        (said.is_success, said.stdout.trim(), said.stderr.as_str()),
        (true, "ff 0a", "two\n")
    );
    let said = run(&[&["sh", "-c", "echo first; exit 1"], &["echo", "second"]], "").unwrap();
    assert_eq!((said.is_success, said.stdout.as_str()), (false, "first\n"));
}

#[test]
fn a_program_that_does_not_end_is_ended_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("child");
    // A child in its own session, which prints its process number.
    let script = format!("setsid sleep 1000 & echo $! > {}; wait", file.display());
    let program: &[&str] = &["sh", "-c", &script];
    let is_gone = || {
        let pid = std::fs::read_to_string(&file).unwrap();
        !Path::new("/proc").join(pid.trim()).exists()
    };
    let interrupt = Interrupt::default();
    let ending = interrupt.clone();
    let told = file.clone();
    let watcher = std::thread::spawn(move || {
        let deadline = Instant::now() + PATIENCE;
        while std::fs::read_to_string(&told).map_or(true, |text| !text.ends_with('\n')) {
            assert!(Instant::now() < deadline, "the child did not start");
            std::thread::yield_now();
        }
        ending.raise();
    });
    let ended = run_within(PATIENCE, &interrupt, &[program], "").unwrap_err();
    watcher.join().unwrap();
    assert!(matches!(ended, ToolError::Interrupted), "{ended:?}");
    assert!(is_gone());
    let late =
        run_within(Duration::ZERO, &Interrupt::default(), &[program], "").unwrap_err().in_full();
    assert!(late.contains("did not end within"), "{late}");
}
