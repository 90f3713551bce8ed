//! The tools: how each is run for a scenario, and why its figures may differ by design.

use std::path::PathBuf;
use std::time::Duration;

use jigger_load::Extent;

use super::error::ToolError;
use super::process::{Job, Output, Runner};
use super::python;
use super::read::{self, Reading};
use crate::programs::is_on_path;
use crate::suite::cache_folder;

#[derive(Debug, Clone)]
pub struct Task {
    pub url: String,
    pub connections: usize,
    pub threads: usize,
    /// Whether each request has a connection of its own.
    pub is_fresh: bool,
    pub extent: Extent,
}

/// How a tool is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    pub arguments: Vec<String>,
    /// What it reads from standard input.
    pub input: String,
    /// The arguments with which it is started again, to tell the figures of what it wrote; empty
    /// when it tells them at once.
    pub report: Vec<String>,
}

/// A program that others measure with.
#[derive(Debug)]
pub struct Tool {
    pub name: &'static str,
    pub program: &'static str,
    /// How it is had.
    pub remedy: &'static str,
    /// Its command for a task; `None` when it cannot do it.
    pub call: fn(&Task) -> Option<Call>,
    /// The figures in its output.
    pub read: fn(&str, &Task) -> Option<Reading>,
    /// Why its figures differ from jigger's by design.
    pub differs: &'static str,
}

/// A tool that is there.
#[derive(Debug, Clone)]
pub struct Found {
    pub tool: &'static Tool,
    pub program: PathBuf,
    /// Its version, or that of what it brings; empty when it does not tell.
    pub version: String,
}

/// All that are known, those of the post first.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "wrk",
        program: "wrk",
        remedy: "Debian: apt-get install wrk",
        call: wrk_call,
        read: |text, _| read::wrk(text),
        differs: "The same closed loop over kept connections. Neither tool's response time \
                  includes making the connection. wrk adds samples that it did not measure to \
                  its mean and its percentiles (its correction for coordinated omission), so \
                  these may be lower than the true values; its rate is not affected. It counts \
                  responses with an error status.",
    },
    Tool {
        name: "python",
        program: "python3",
        remedy: "Debian: apt-get install python3-requests, or python3-venv",
        call: python_call,
        read: |text, task| match task.extent {
            Extent::Count(requests) => read::timeit(text, requests),
            Extent::Time(_) => None,
        },
        differs: "timeit around requests includes the client's own work for each request (a new \
                  session, header objects, the response object, name and proxy look-ups). This \
                  is much more than a small server's work. With requests.get each request has \
                  its own connection, and its time includes making that connection, as in \
                  jigger's fresh scenario.",
    },
    Tool {
        name: "hey",
        program: "hey",
        remedy: "Debian: apt-get install hey",
        call: hey_call,
        read: |text, _| read::hey(text),
        differs: "Go's HTTP client needs more CPU time per request than jigger's load \
                  generator. This lowers its rate when the client is the limit. Its response \
                  time includes making the connection, if one is made. Its times are rounded to \
                  0.1 ms.",
    },
    Tool {
        name: "ab",
        program: "ab",
        remedy: "Debian: apt-get install apache2-utils",
        call: ab_call,
        read: |text, _| read::ab(text),
        differs: "It uses HTTP/1.0 and one thread. A server may send other bytes, or close a \
                  connection that it would otherwise keep. Its response time includes making \
                  the connection. Its percentiles are whole milliseconds and are left out here.",
    },
    Tool {
        name: "h2load",
        program: "h2load",
        remedy: "Debian: apt-get install nghttp2-client",
        call: h2load_call,
        read: |text, _| read::h2load(text),
        differs: "The same closed loop over kept connections, in HTTP/1.1 mode. It sends its \
                  own headers (user-agent), so the requests are longer. A load with a duration \
                  does not end when the server closes connections after each response.",
    },
    Tool {
        name: "oha",
        program: "oha",
        remedy: "cargo install oha --locked",
        call: oha_call,
        read: |text, _| read::oha(text),
        differs: "Also a closed loop. A general HTTP client needs more CPU time per request \
                  than jigger's load generator. This lowers its rate when the client is the \
                  limit. Its response time includes making the connection, if one is made. It \
                  sends its own headers (user-agent, accept, accept-encoding), so the requests \
                  are longer. Its rate includes failed requests.",
    },
    Tool {
        name: "k6",
        program: "k6",
        remedy: "go install go.k6.io/k6@latest, or a package of its makers",
        call: k6_call,
        read: |text, _| read::k6(text),
        differs: "Each connection is a virtual user with its own JavaScript interpreter, and \
                  each request is one iteration of its script with a dozen metrics. This \
                  client's own work lowers the rate, but is not in the response time. Neither \
                  is making the connection, which k6 measures separately; jigger's response \
                  time includes it with fresh connections. Its rate includes failed requests. \
                  Over https it may choose HTTP/2.",
    },
    Tool {
        name: "vegeta",
        program: "vegeta",
        remedy: "go install github.com/tsenart/vegeta/v12@latest",
        call: vegeta_call,
        read: |text, _| read::vegeta(text),
        differs: "It is made for a fixed rate. Without one, as many workers as connections send \
                  requests in a closed loop. Go's HTTP client needs more CPU time per request \
                  than jigger's load generator, and each whole response is written to a file, \
                  from which the report is made afterwards. Its response time includes making \
                  the connection, if one is made. Its percentiles are estimates (a t-digest), \
                  and its rate includes only successful responses.",
    },
];

impl Call {
    /// Nothing but arguments.
    fn with(arguments: Vec<String>) -> Self {
        Self { arguments, ..Self::default() }
    }
}

impl Tool {
    /// The tool as it is here.
    ///
    /// # Errors
    /// When it is not here; a Python with requests is made where there is none.
    pub fn find(&'static self, runner: &Runner) -> Result<Found, ToolError> {
        if !is_on_path(self.program) {
            return Err(ToolError::NotOnPath { program: self.program, remedy: self.remedy });
        }
        let (program, version) = if self.name == "python" {
            let (program, version) = python::find(&cache_folder(), runner)?;
            (program, format!("(requests {version})"))
        } else {
            (self.program.into(), version(self.program, runner))
        };
        Ok(Found { tool: self, program, version })
    }
}

impl Found {
    /// What the tool measures, kept to these cores, when it is called so for this task.
    pub(super) fn measure(
        &self,
        task: &Task,
        call: &Call,
        cpus: &[usize],
        runner: &Runner,
    ) -> Result<Reading, ToolError> {
        let (programs, limit) = (self.programs(call), task.limit());
        let output = runner.run(&Job { programs: &programs, input: &call.input, cpus, limit })?;
        let last_line = |output: &Output| output.last_line().to_owned();
        if !output.is_success {
            return Err(ToolError::Failed { last_line: last_line(&output) });
        }
        (self.tool.read)(&output.stdout, task)
            .ok_or_else(|| ToolError::NoFigures { last_line: last_line(&output) })
    }

    /// The programs of a call, one after another.
    fn programs(&self, call: &Call) -> Vec<Vec<String>> {
        let program = self.program.display().to_string();
        let starts = [&call.arguments, &call.report].into_iter();
        let starts = starts.filter(|arguments| !arguments.is_empty());
        starts.map(|arguments| [vec![program.clone()], arguments.clone()].concat()).collect()
    }
}

impl Task {
    /// Most tools verify no certificate then; the others are told not to.
    fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// How long it may take before something is wrong.
    fn limit(&self) -> Duration {
        match self.extent {
            Extent::Time(time) => time * 2 + Duration::from_secs(15),
            // 50 ms for each, far above what any of these servers takes.
            Extent::Count(requests) => {
                Duration::from_secs(60) + Duration::from_millis(requests.saturating_mul(50))
            }
        }
    }
}

/// The first word that looks like a version in what a program prints for its version; empty
/// when there is none.
pub fn version(program: &str, runner: &Runner) -> String {
    let printed = ["--version", "-V", "-v", "version"].iter().find_map(|flag| {
        let programs = [vec![program.to_owned(), (*flag).to_owned()]];
        let limit = Duration::from_secs(5);
        let job = Job { programs: &programs, input: "", cpus: &[], limit };
        let output = runner.run(&job).ok()?;
        let is_version =
            |word: &&str| word.contains('.') && word.chars().any(|c| c.is_ascii_digit());
        output.stdout.lines().next()?.split_whitespace().find(is_version).map(str::to_owned)
    });
    printed.unwrap_or_default()
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Whole seconds, at least one.
fn seconds(time: Duration) -> String {
    time.as_secs_f64().ceil().max(1.0).to_string()
}

fn wrk_call(task: &Task) -> Option<Call> {
    let Extent::Time(time) = task.extent else {
        return None;
    };
    let (threads, connections) = (task.threads.to_string(), task.connections.to_string());
    let duration = format!("-d{}s", seconds(time));
    (!task.is_fresh)
        .then(|| words(["-t", &threads, "-c", &connections, &duration, "--latency", &task.url]))
        .map(Call::with)
}

fn python_call(task: &Task) -> Option<Call> {
    let Extent::Count(requests) = task.extent else {
        return None;
    };
    let kept = if task.is_fresh { "fresh" } else { "kept" };
    let number = requests.to_string();
    (task.connections == 1)
        .then(|| words(["-W", "ignore", "-c", python::PROGRAM, &task.url, &number, kept]))
        .map(Call::with)
}

fn hey_call(task: &Task) -> Option<Call> {
    let connections = task.connections.to_string();
    let mut arguments = match task.extent {
        Extent::Time(time) => words(["-z", &format!("{}s", seconds(time)), "-c", &connections]),
        Extent::Count(requests) => words(["-n", &requests.to_string(), "-c", &connections]),
    };
    if task.is_fresh {
        arguments.push("-disable-keepalive".to_owned());
    }
    arguments.push(task.url.clone());
    Some(Call::with(arguments))
}

/// Only counted loads: by time it ends with an error when responses come late.
fn ab_call(task: &Task) -> Option<Call> {
    let Extent::Count(requests) = task.extent else {
        return None;
    };
    let (number, connections) = (requests.to_string(), task.connections.to_string());
    let mut arguments = words(["-q", "-n", &number, "-c", &connections]);
    if !task.is_fresh {
        arguments.push("-k".to_owned());
    }
    arguments.push(task.url.clone());
    Some(Call::with(arguments))
}

fn h2load_call(task: &Task) -> Option<Call> {
    let (threads, connections) = (task.threads.to_string(), task.connections.to_string());
    let extent = match task.extent {
        Extent::Time(time) => words(["-D", &seconds(time)]),
        Extent::Count(requests) => words(["-n", &requests.to_string()]),
    };
    let common = words(["--h1", "-t", &threads, "-c", &connections]);
    (!task.is_fresh).then(|| Call::with([common, extent, vec![task.url.clone()]].concat()))
}

fn oha_call(task: &Task) -> Option<Call> {
    let connections = task.connections.to_string();
    let mut arguments = words(["--no-tui", "--output-format", "json", "-c", &connections]);
    arguments.extend(match task.extent {
        // -w: requests under way at the end are waited for, not counted as errors.
        Extent::Time(time) => words(["-z", &format!("{}s", seconds(time)), "-w"]),
        Extent::Count(requests) => words(["-n", &requests.to_string()]),
    });
    if task.is_fresh {
        arguments.push("--disable-keepalive".to_owned());
    }
    if task.is_https() {
        // Without it the server may choose HTTP/2.
        arguments.extend(words(["--insecure", "--http-version", "1.1"]));
    }
    arguments.push(task.url.clone());
    Some(Call::with(arguments))
}

/// Its script comes over standard input. It reports its use to nobody and opens no port for its own
/// remote control, which versions before 2 do by default.
fn k6_call(task: &Task) -> Option<Call> {
    let (connections, url) = (task.connections.to_string(), format!("URL={}", task.url));
    let quiet = words(["run", "--quiet", "--no-usage-report", "--address", ""]);
    let extent = match task.extent {
        Extent::Time(time) => words(["--duration", &format!("{}s", seconds(time))]),
        Extent::Count(requests) => words(["--iterations", &requests.to_string()]),
    };
    let fresh = task.is_fresh.then(|| "--no-connection-reuse".to_owned());
    let figures = words(["--summary-trend-stats", "avg,med,p(99)"]);
    let mut arguments = [quiet, figures, words(["--vus", &connections]), extent].concat();
    arguments.extend(fresh);
    if task.is_https() {
        arguments.push("--insecure-skip-tls-verify".to_owned());
    }
    arguments.extend(words(["--env", &url, "-"]));
    Some(Call { input: include_str!("k6.js").to_owned(), ..Call::with(arguments) })
}

/// Only loads by time: it knows no other. Without a rate its workers are a closed loop.
fn vegeta_call(task: &Task) -> Option<Call> {
    let Extent::Time(time) = task.extent else {
        return None;
    };
    let mut arguments = vec![
        "attack".to_owned(),
        "-rate=0".to_owned(),
        format!("-workers={}", task.connections),
        format!("-max-workers={}", task.connections),
        format!("-duration={}s", seconds(time)),
        format!("-keepalive={}", !task.is_fresh),
    ];
    if task.is_https() {
        arguments.extend(words(["-insecure", "-http2=false"]));
    }
    Some(Call {
        arguments,
        input: format!("GET {}\n", task.url),
        report: words(["report", "-type=json"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able(task: &Task) -> Vec<&'static str> {
        let able = TOOLS.iter().filter(|tool| (tool.call)(task).is_some());
        able.map(|tool| tool.name).collect()
    }

    #[test]
    fn each_tool_does_what_it_can() {
        let task = Task {
            url: "http://h/".to_owned(),
            connections: 1,
            threads: 1,
            is_fresh: true,
            extent: Extent::Count(10),
        };
        assert_eq!(able(&task), ["python", "hey", "ab", "oha", "k6"]);
        let kept = Task { is_fresh: false, ..task.clone() };
        assert_eq!(able(&kept), ["python", "hey", "ab", "h2load", "oha", "k6"]);
        let load =
            Task { connections: 32, extent: Extent::Time(Duration::from_millis(2_500)), ..kept };
        assert_eq!(able(&load), ["wrk", "hey", "h2load", "oha", "k6", "vegeta"]);
        let wrk = wrk_call(&load).unwrap();
        assert_eq!(wrk.arguments.join(" "), "-t 1 -c 32 -d3s --latency http://h/");
    }

    #[test]
    fn no_tool_verifies_certificates() {
        let task = Task {
            url: "https://h/".to_owned(),
            connections: 1,
            threads: 1,
            is_fresh: true,
            extent: Extent::Time(Duration::from_secs(1)),
        };
        let has = |call: fn(&Task) -> Option<Call>, flag: &str| {
            let arguments = |task: &Task| call(task).unwrap().arguments;
            let plain = Task { url: "http://h/".to_owned(), ..task.clone() };
            let flag = flag.to_owned();
            arguments(&task).contains(&flag) && !arguments(&plain).contains(&flag)
        };
        assert!(has(oha_call, "--insecure"));
        assert!(has(vegeta_call, "-insecure"));
        assert!(has(k6_call, "--insecure-skip-tls-verify"));
    }

    #[test]
    fn a_tool_that_reports_by_itself_is_started_once_and_vegeta_twice() {
        let task = Task {
            url: "http://h/".to_owned(),
            connections: 8,
            threads: 1,
            is_fresh: true,
            extent: Extent::Time(Duration::from_secs(2)),
        };
        let programs = |name: &str| {
            let tool = TOOLS.iter().find(|tool| tool.name == name).unwrap();
            let found = Found { tool, program: name.into(), version: String::new() };
            let call = (tool.call)(&task).unwrap();
            let programs = found.programs(&call);
            (programs.iter().map(|words| words.join(" ")).collect::<Vec<_>>(), call.input)
        };
        let attack =
            "vegeta attack -rate=0 -workers=8 -max-workers=8 -duration=2s -keepalive=false";
        let twice = vec![attack.to_owned(), "vegeta report -type=json".to_owned()];
        assert_eq!(programs("vegeta"), (twice, "GET http://h/\n".to_owned()));
        let oha = "oha --no-tui --output-format json -c 8 -z 2s -w --disable-keepalive http://h/";
        assert_eq!(programs("oha"), (vec![oha.to_owned()], String::new()));
    }
}
