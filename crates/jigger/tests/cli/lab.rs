//! Runs the real program on suites written for a test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use jigger_load::{Address, NullOptions, NullServer};
use tempfile::TempDir;

/// A folder with a suite, in which jigger is run.
pub struct Lab {
    pub folder: TempDir,
    mark: String,
}

/// A limit that only a failing test reaches.
const PATIENCE: Duration = Duration::from_secs(120);

/// One contender: its name, the test server's behaviour, and further lines.
pub fn contender(name: &str, behaviour: &str, more: &str) -> String {
    let limit = PATIENCE.as_secs();
    format!(
        "[[contender]]\nname = \"{name}\"\nstart = [\"{}\", \"-SE\", \"{}\", \"{behaviour}\", \"{{port}}\"]\n\
         url = \"http://127.0.0.1:{{port}}/\"\nstart_limit = \"{limit}s\"\ngrace = \"{limit}s\"\n{more}\n",
        python(),
        script().display()
    )
}

/// A contender that never gives a correct answer. Its limit is reached, so it is short, but by far
/// longer than the test server takes to start on this machine as it is now.
pub fn never_ready(name: &str, behaviour: &str) -> String {
    let begun = Instant::now();
    Command::new(python()).arg("-SE").arg(script()).args(["exits", "0"]).output().unwrap();
    let limit = Duration::from_secs(2).max(begun.elapsed() * 20).as_millis();
    let patient = format!("start_limit = \"{}s\"", PATIENCE.as_secs());
    contender(name, behaviour, "").replace(&patient, &format!("start_limit = \"{limit}ms\""))
}

/// The distribution's own where there is one: what a version manager puts on PATH starts a shell first.
pub fn python() -> &'static str {
    let system = "/usr/bin/python3";
    if Path::new(system).exists() { system } else { "python3" }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/server.py")
}

pub const SCENARIOS: &str = "[[scenario]]\nname = \"sequential\"\nrequests = 30\n\
     [[scenario]]\nname = \"saturation\"\nconnections = 4\nduration = \"300ms\"\n";

/// The same without load by time: the sooner done, and nobody is left without an answer however busy
/// the machine is.
pub const COUNTED: &str = "[[scenario]]\nname = \"sequential\"\nrequests = 30\n\
     [[scenario]]\nname = \"saturation\"\nconnections = 4\nrequests = 400\n";

/// The load engine's own server, and its URL; it ends when dropped.
pub fn null_server() -> (NullServer, String) {
    let server = NullServer::start(&NullOptions::default()).unwrap();
    let Address::Tcp(address) = server.address() else { panic!("the default is TCP") };
    let url = format!("http://{address}/");
    (server, url)
}

impl Lab {
    /// A lab with the suite `suite.toml` of these parts.
    pub fn new(head: &str, contenders: &[String], scenarios: &str) -> Self {
        let lab = Self {
            folder: TempDir::new().unwrap(),
            mark: format!("{}-{:?}", std::process::id(), std::thread::current().id()),
        };
        let text = format!(
            "[suite]\nname = \"lab\"\nplacebo = false\n\
             disturbance = {{ steal = 1.0, foreign_cpu = 1.0, throttled = 1.0 }}\n\
             warm_up = {{ window = \"20ms\", windows = 3, cap = \"60ms\" }}\n{head}\n\
             [expect]\njson = {{ message = \"pong\" }}\n{}\n{scenarios}",
            contenders.join("\n")
        );
        std::fs::write(lab.path("suite.toml"), text).unwrap();
        lab
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("JIGGER_TEST_MARK", &self.mark).env_remove("NO_COLOR");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&self.command(arguments).output().unwrap())
    }

    /// `jigger run suite.toml --quick`, its record in `record.json`.
    pub fn run_quick(&self) -> Outcome {
        self.run(&["run", "suite.toml", "--quick", "--no-images", "--record", "record.json"])
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    pub fn record(&self) -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(self.path("record.json")).unwrap()).unwrap()
    }

    /// The processes that were started from this lab, by the mark in their environment.
    pub fn processes(&self) -> Vec<(u32, String)> {
        let wanted = format!("JIGGER_TEST_MARK={}", self.mark);
        let of = |pid: u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
            environment.split(|byte| *byte == 0).find(|entry| *entry == wanted.as_bytes())?;
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
        };
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .filter_map(of)
            .collect()
    }

    /// Fails when anything that was started here is still there.
    pub fn assert_nothing_left(&self) {
        assert_eq!(self.processes(), [], "processes outlived the run");
    }

    /// Waits until a condition holds.
    pub fn wait_for(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "{what} did not happen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails when a message has one of its causes, or anything else of some length, twice.
    fn assert_nothing_is_told_twice(&self) {
        for message in self.stderr.lines().filter(|line| line.starts_with("jigger: ")) {
            let parts: Vec<&str> = message.split([':', ';']).map(str::trim).collect();
            for (at, part) in parts.iter().enumerate().filter(|(_, part)| part.len() >= 12) {
                assert!(!parts[..at].contains(part), "{part:?} twice in {message:?}");
            }
        }
    }

    /// Fails unless it ended with that code and each text is on stderr or stdout, whatever the
    /// line breaks.
    pub fn expect(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self.assert_nothing_is_told_twice();
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (stdout, stderr) = (one_line(&self.stdout), one_line(&self.stderr));
        for text in texts {
            let wanted = one_line(text);
            let found = stderr.contains(&wanted) || stdout.contains(&wanted);
            assert!(found, "{text:?} is missing in {self:#?}");
        }
    }
}
