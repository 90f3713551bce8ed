//! A script and a server, and what becomes of them with either program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::layout::shape;
use crate::server::{LoggingServer, Seen};
use crate::tool::{Outcome, Tool, is_wrk_wanted, run};

/// A script, and a server to run it against.
pub struct Bench {
    script: PathBuf,
    /// Of a script that is written for the test.
    _folder: Option<TempDir>,
    server: LoggingServer,
}

/// What came of one program's run.
#[derive(Debug)]
pub struct Ran {
    pub outcome: Outcome,
    pub log: Vec<Seen>,
}

impl Ran {
    pub fn paths(&self) -> Vec<&str> {
        self.log.iter().map(|seen| seen.line.split(' ').nth(1).unwrap()).collect()
    }

    /// Each request that the server saw, once: how often it is made is a matter of time.
    fn distinct(&self) -> BTreeSet<&Seen> {
        self.log.iter().collect()
    }

    /// The lines of the report without their numbers. Those that a script prints are not among them:
    /// the real wrk's threads run before its report begins, so that theirs may come first.
    fn shape(&self) -> Vec<String> {
        let lines = self.outcome.stdout.lines();
        lines.filter(|line| !line.starts_with("> ")).map(shape).collect()
    }

    /// The lines that the script printed.
    pub fn printed(&self) -> Vec<&str> {
        self.outcome.stdout.lines().filter_map(|line| line.strip_prefix("> ")).collect()
    }

    /// The report's number of requests.
    pub fn requests(&self) -> u64 {
        let line = self.outcome.stdout.lines().find(|line| line.contains(" requests in "));
        line.unwrap().trim().split(' ').next().unwrap().parse().unwrap()
    }
}

impl Bench {
    pub fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let script = folder.path().join("script.lua");
        std::fs::write(&script, text).unwrap();
        Self { script, _folder: Some(folder), server: LoggingServer::start() }
    }

    /// Of a script where it lies.
    pub fn of(script: &Path) -> Self {
        Self { script: script.to_owned(), _folder: None, server: LoggingServer::start() }
    }

    pub fn run(&self, tool: Tool, arguments: &[&str], path: &str, script: &[&str]) -> Ran {
        self.run_at(tool, arguments, &self.server.url(path), script)
    }

    /// Runs it for another URL than the server's; `words` are for the script.
    pub fn run_at(&self, tool: Tool, arguments: &[&str], url: &str, words: &[&str]) -> Ran {
        let common = ["-s", self.script.to_str().unwrap(), url];
        let outcome = run(tool, &[arguments, &common, words].concat());
        Ran { outcome, log: self.server.take_log() }
    }
}

/// Runs a script with jigger, and with the real wrk where it is wanted, after what has to agree has
/// been compared.
#[track_caller]
fn run_both(bench: &Bench, arguments: &[&str], path: &str, words: &[&str]) -> (Ran, Option<Ran>) {
    let run = |tool| bench.run(tool, arguments, path, words);
    let script = std::fs::read_to_string(&bench.script).unwrap();
    let ours = run(Tool::Jigger);
    assert_eq!(ours.outcome.code, Some(0), "{script}\n{ours:#?}");
    let real = is_wrk_wanted().then(|| run(Tool::Wrk));
    if let Some(real) = &real {
        assert_eq!(ours.outcome.code, real.outcome.code, "{script}\n{real:#?}");
        assert_eq!(ours.printed(), real.printed(), "{script}");
        assert_eq!(ours.shape(), real.shape(), "{script}");
        // Programs read both streams together.
        assert_eq!(ours.outcome.stderr, real.outcome.stderr, "{script}");
        assert_eq!(ours.distinct(), real.distinct(), "what the server saw: {script}");
    }
    (ours, real)
}

/// As [`run_both`]; jigger's run.
#[track_caller]
pub fn agree(script: &str, arguments: &[&str], path: &str, script_arguments: &[&str]) -> Ran {
    run_both(&Bench::new(script), arguments, path, script_arguments).0
}

/// As [`agree`], for scripts that end by themselves: also the order and the number of requests.
#[track_caller]
pub fn agree_in_order(script: &str, path: &str) -> Ran {
    agree_in_order_on(&Bench::new(script), path)
}

/// As [`agree_in_order`], for a script that lies somewhere.
#[track_caller]
pub fn agree_in_order_on(bench: &Bench, path: &str) -> Ran {
    let (ours, real) = run_both(bench, &["-t1", "-c1", "-d1s"], path, &[]);
    if let Some(real) = real {
        assert_eq!(ours.paths(), real.paths());
        assert_eq!(ours.requests(), real.requests());
    }
    ours
}

/// A script that ends both programs with this code, having written the same lines.
#[track_caller]
pub fn agree_with_code(script: &str, arguments: &[&str], code: i32) {
    let bench = Bench::new(script);
    let run = |tool| bench.run(tool, arguments, "/", &[]);
    let ours = run(Tool::Jigger);
    assert_eq!(ours.outcome.code, Some(code), "{script}\n{ours:#?}");
    if is_wrk_wanted() {
        let real = run(Tool::Wrk);
        assert_eq!(real.outcome.code, Some(code), "{script}\n{real:#?}");
        assert_eq!(ours.shape(), real.shape(), "{script}");
    }
}
