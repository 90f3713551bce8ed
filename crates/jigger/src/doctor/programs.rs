//! Programs: container engines, languages of servers, other load generators; and what was compiled in.

use std::path::Path;
use std::time::Duration;

use super::finding::Finding;
use crate::cross_check::process::{Job, Runner};
use crate::cross_check::{TOOLS, version};
use crate::image::{Engine, NoEngine};
use crate::programs::{how_to_install, is_on_path};

/// How long a program may take to say something of itself.
const LIMIT: Duration = Duration::from_secs(20);

pub fn examine(runner: &Runner) -> Vec<Finding> {
    let musl = is_on_path("rustc").then(|| has_musl(runner));
    let venv = is_on_path("python3").then(|| has_venv(runner));
    vec![
        engine(&Engine::detect_all(None)),
        language("go", "Go servers, such as the suites' Gin", runner),
        language("python3", "Python servers, such as the suites' Flask", runner),
        python_venv(venv),
        language("cargo", "Rust servers, such as the suites' axum", runner),
        musl_target(musl),
        language("node", "Node.js servers", runner),
        language("java", "Java servers", runner),
        language("git", "`jigger ab`", runner),
    ]
}

fn engine(found: &Result<Vec<Engine>, NoEngine>) -> Finding {
    let name = "container engine";
    match found {
        Ok(engines) => {
            let words = |engine: &Engine| format!("{} {}", engine.program, engine.version);
            let words: Vec<String> = engines.iter().map(words).collect();
            Finding::fine(name, words.join(", "), "image sizes, and servers in containers")
        }
        Err(why) => Finding::lacking(
            name,
            "none responds",
            "no image sizes, and no servers in containers; `jigger image` still reads saved images",
            why.remedies(),
        ),
    }
}

fn language(program: &str, what: &str, runner: &Runner) -> Finding {
    let found = is_on_path(program).then(|| version(program, runner));
    of_program(program, what, found, &how_to_install(program))
}

/// `found` is its version, empty when it tells none.
fn of_program(program: &str, what: &str, found: Option<String>, remedy: &str) -> Finding {
    match found {
        Some(version) if version.is_empty() => Finding::fine(program, "on PATH", what),
        Some(version) => Finding::fine(program, version, what),
        None => Finding::lacking(program, "not on PATH", format!("needed for: {what}"), remedy),
    }
}

/// `None` without Python.
fn python_venv(found: Option<bool>) -> Finding {
    let (name, what) = ("Python venv", "environments of the suites' Flask servers");
    match found {
        Some(true) => Finding::fine(name, "there", what),
        Some(false) | None => Finding::lacking(
            name,
            "not there",
            format!("needed for: {what}"),
            how_to_install("python3"),
        ),
    }
}

/// Debian parts `ensurepip`, which a working venv needs, from Python.
fn has_venv(runner: &Runner) -> bool {
    said(&["python3", "-c", "import ensurepip, venv"], runner).is_some()
}

fn musl() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}

/// `None` without Rust.
fn musl_target(found: Option<bool>) -> Finding {
    let (name, what) = ("Rust for musl", "axum in an image without a C library");
    match found {
        Some(true) => Finding::fine(name, musl(), what),
        Some(false) => Finding::lacking(
            name,
            "not installed",
            format!("needed for: {what}"),
            format!(
                "rustup target add {} (the suite's build does this if rustup is installed)",
                musl()
            ),
        ),
        None => Finding::lacking(
            name,
            "no Rust",
            format!("needed for: {what}"),
            how_to_install("rustup"),
        ),
    }
}

/// The folder is named whether it is there or not.
fn has_musl(runner: &Runner) -> bool {
    let folder = said(&["rustc", "--print", "target-libdir", "--target", &musl()], runner);
    folder.is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

/// What a program writes that ends well.
fn said(words: &[&str], runner: &Runner) -> Option<String> {
    let programs = [words.iter().map(|word| (*word).to_owned()).collect()];
    let job = Job { programs: &programs, input: "", cpus: &[], limit: LIMIT };
    let output = runner.run(&job).ok()?;
    output.is_success.then_some(output.stdout)
}

/// Python is among the languages.
pub fn load_generators(runner: &Runner) -> Vec<Finding> {
    let tools = TOOLS.iter().filter(|tool| tool.program != "python3");
    let finding = |tool: &crate::cross_check::Tool| {
        let found = is_on_path(tool.program).then(|| version(tool.program, runner));
        of_program(
            tool.name,
            "its figures beside jigger's in `jigger cross-check`",
            found,
            tool.remedy,
        )
    };
    tools.map(finding).collect()
}

pub fn features() -> Vec<Finding> {
    vec![
        feature("lua", cfg!(feature = "lua"), "Lua scripts of `jigger wrk -s`"),
        feature("tui", cfg!(feature = "tui"), "the live screen of `jigger load`"),
    ]
}

fn feature(name: &str, is_there: bool, what: &str) -> Finding {
    match is_there {
        true => Finding::fine(name, "compiled in", what),
        false => Finding::lacking(
            name,
            "left out",
            format!("needed for: {what}"),
            format!("build jigger with --features {name}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use crate::image::{Program, Unavailable};

    #[test]
    fn what_is_not_there_has_a_remedy() {
        let nowhere = Err(NoEngine::Unavailable(vec![
            (Program::Docker, Unavailable::NotInstalled),
            (Program::Podman, Unavailable::NoPermission("no".to_owned())),
        ]));
        for found in [
            engine(&nowhere),
            of_program("go", "Go servers", None, &how_to_install("go")),
            python_venv(Some(false)),
            python_venv(None),
            musl_target(Some(false)),
            musl_target(None),
            feature("lua", false, "scripts"),
        ] {
            assert_eq!(found.state, State::Lacking, "{found:?}");
            assert!(found.remedy.is_some_and(|remedy| !remedy.is_empty()));
        }
        let remedy = engine(&nowhere).remedy.unwrap();
        assert!(remedy.starts_with("docker: install it"), "{remedy}");
        assert!(remedy.contains("; podman: run as the user"), "{remedy}");
    }

    #[test]
    fn what_is_there_is_fine_and_needs_none() {
        for found in [
            of_program("go", "Go servers", Some("1.25".to_owned()), ""),
            of_program("go", "Go servers", Some(String::new()), ""),
            python_venv(Some(true)),
            musl_target(Some(true)),
            feature("lua", true, "scripts"),
        ] {
            assert_eq!((found.state, found.remedy), (State::Fine, None));
        }
    }
}
