//! What the server tests share: a marked server, and a look whether anything of it is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use jigger::server::{Server, StartSpec};
use tempfile::TempDir;

/// Long enough for any machine; reached only by a failing test.
pub const PATIENCE: Duration = Duration::from_secs(120);

const MARK: &str = "JIGGER_TEST_MARK";

/// A server's surroundings: a directory, and a mark in the environment of all its processes.
pub struct World {
    pub dir: TempDir,
    pub mark: String,
    pub spec: StartSpec,
}

impl World {
    /// For a server started by `argv`.
    pub fn new(argv: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = tempfile::tempdir().unwrap();
        let mark = format!("{}-{number}-{}", std::process::id(), dir.path().display());
        let (argv, log) = (argv.iter().map(ToString::to_string), dir.path().join("server.log"));
        let spec = StartSpec {
            env: vec![(MARK.to_owned(), mark.clone())],
            guard: PathBuf::from(env!("CARGO_BIN_EXE_jigger")),
            ..StartSpec::new(argv.collect(), dir.path().to_owned(), log, PATIENCE)
        };
        Self { dir, mark, spec }
    }

    /// For a server written in Python, with nothing but its standard library.
    pub fn python(source: &str) -> Self {
        let system = Path::new("/usr/bin/python3");
        let program = if system.exists() { "/usr/bin/python3" } else { "python3" };
        Self::new(&[program, "-SEuc", source])
    }

    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.spec.grace = grace;
        self
    }

    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.spec.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn start(&self) -> Server {
        Server::start(&self.spec).unwrap()
    }

    /// The processes, the guard included, that carry the mark; zombies have none.
    pub fn marked(&self) -> Vec<i32> {
        marked(&self.mark)
    }

    /// Waits until the log has `count` lines, and returns them.
    pub fn log_lines(&self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        until("the log has the lines", || {
            let text = fs::read_to_string(&self.spec.log).unwrap();
            lines = text
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .collect::<Vec<_>>()
                .iter()
                .map(|line| line.trim_end().to_owned())
                .collect();
            lines.len() >= count
        });
        lines
    }
}

/// The processes whose environment carries `mark`.
pub fn marked(mark: &str) -> Vec<i32> {
    let wanted = format!("{MARK}={mark}");
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == wanted.as_bytes())
    })
    .collect()
}

/// Waits for a condition that another process brings about.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in {} s: {what}", PATIENCE.as_secs());
        std::thread::yield_now();
    }
}

/// A line of `/proc/PID/status`, without its name.
pub fn status(pid: i32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
    line.unwrap().trim().to_owned()
}
