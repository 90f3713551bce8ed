//! The tools: how each is asked for a scenario, and why its figures may differ by design.

use std::path::PathBuf;
use std::time::Duration;

use super::python;
use super::read::{self, Reading};
use crate::suite::Extent;

/// What a tool is to do.
#[derive(Debug, Clone)]
pub struct Task {
    /// What is asked.
    pub url: String,
    /// Connections at once.
    pub connections: usize,
    /// Load threads.
    pub threads: usize,
    /// Whether each request has a connection of its own.
    pub is_fresh: bool,
    /// How long, or how many.
    pub extent: Extent,
}

/// A program that others measure with.
#[derive(Debug)]
pub struct Tool {
    /// Its name here.
    pub name: &'static str,
    /// The program on PATH.
    pub program: &'static str,
    /// How it is had.
    pub remedy: &'static str,
    /// Its arguments for a task; `None` when it cannot do it.
    pub arguments: fn(&Task) -> Option<Vec<String>>,
    /// The figures in its output.
    pub read: fn(&str, &Task) -> Option<Reading>,
    /// Why its figures differ from jigger's by design.
    pub differs: &'static str,
}

/// A tool that is there.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which.
    pub tool: &'static Tool,
    /// The program to start.
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
        arguments: wrk_arguments,
        read: |text, _| read::wrk(text),
        differs: "The same closed loop over kept connections. Making a connection is in neither's \
                  response time. wrk adds samples that nobody measured to its mean and its \
                  percentiles (its correction for coordinated omission), so these may be lower \
                  than the truth; its rate is not touched. It counts answers with an error status.",
    },
    Tool {
        name: "python",
        program: "python3",
        remedy: "Debian: apt-get install python3-requests, or python3-venv",
        arguments: python_arguments,
        read: |text, task| match task.extent {
            Extent::Requests(requests) => read::timeit(text, requests),
            Extent::Time(_) => None,
        },
        differs: "timeit around requests counts the client's own work for each request (a new \
                  session, header objects, the response object, and name and proxy look-ups), \
                  which is much more than a small server's. With requests.get each request has a \
                  connection of its own, whose making is in its time, as in jigger's fresh \
                  scenario.",
    },
    Tool {
        name: "hey",
        program: "hey",
        remedy: "Debian: apt-get install hey",
        arguments: hey_arguments,
        read: |text, _| read::hey(text),
        differs: "Go's HTTP client costs more processor time a request than the load engine, which \
                  lowers its rate where the client is the limit. Its response time includes making \
                  the connection, where one is made. Its times are rounded to 0.1 ms.",
    },
    Tool {
        name: "ab",
        program: "ab",
        remedy: "Debian: apt-get install apache2-utils",
        arguments: ab_arguments,
        read: |text, _| read::ab(text),
        differs: "It speaks HTTP/1.0, one thread: a server may answer other bytes, or close where it \
                  would keep. Its response time includes making the connection. Its percentiles \
                  are whole milliseconds and left out here.",
    },
    Tool {
        name: "h2load",
        program: "h2load",
        remedy: "Debian: apt-get install nghttp2-client",
        arguments: h2load_arguments,
        read: |text, _| read::h2load(text),
        differs: "The same closed loop over kept connections, in HTTP/1.1 mode. It sends headers of \
                  its own (user-agent), so the requests are longer. A load by time does not end \
                  when the server closes connections after each answer.",
    },
];

impl Task {
    /// How long it may take before something is wrong.
    #[must_use]
    pub fn limit(&self) -> Duration {
        match self.extent {
            Extent::Time(time) => time * 2 + Duration::from_secs(15),
            // 50 ms for each, far above what any of these servers takes.
            Extent::Requests(requests) => {
                Duration::from_secs(60) + Duration::from_millis(requests.saturating_mul(50))
            }
        }
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Whole seconds, at least one.
fn seconds(time: Duration) -> String {
    time.as_secs_f64().ceil().max(1.0).to_string()
}

fn wrk_arguments(task: &Task) -> Option<Vec<String>> {
    let Extent::Time(time) = task.extent else {
        return None;
    };
    let (threads, connections) = (task.threads.to_string(), task.connections.to_string());
    let duration = format!("-d{}s", seconds(time));
    (!task.is_fresh)
        .then(|| words(["-t", &threads, "-c", &connections, &duration, "--latency", &task.url]))
}

fn python_arguments(task: &Task) -> Option<Vec<String>> {
    let Extent::Requests(requests) = task.extent else {
        return None;
    };
    let kept = if task.is_fresh { "fresh" } else { "kept" };
    let number = requests.to_string();
    (task.connections == 1).then(|| words(["-c", python::PROGRAM, &task.url, &number, kept]))
}

fn hey_arguments(task: &Task) -> Option<Vec<String>> {
    let connections = task.connections.to_string();
    let mut arguments = match task.extent {
        Extent::Time(time) => words(["-z", &format!("{}s", seconds(time)), "-c", &connections]),
        Extent::Requests(requests) => words(["-n", &requests.to_string(), "-c", &connections]),
    };
    if task.is_fresh {
        arguments.push("-disable-keepalive".to_owned());
    }
    arguments.push(task.url.clone());
    Some(arguments)
}

/// Only counted loads: by time it ends with an error when answers come late.
fn ab_arguments(task: &Task) -> Option<Vec<String>> {
    let Extent::Requests(requests) = task.extent else {
        return None;
    };
    let (number, connections) = (requests.to_string(), task.connections.to_string());
    let mut arguments = words(["-q", "-n", &number, "-c", &connections]);
    if !task.is_fresh {
        arguments.push("-k".to_owned());
    }
    arguments.push(task.url.clone());
    Some(arguments)
}

fn h2load_arguments(task: &Task) -> Option<Vec<String>> {
    let (threads, connections) = (task.threads.to_string(), task.connections.to_string());
    let extent = match task.extent {
        Extent::Time(time) => words(["-D", &seconds(time)]),
        Extent::Requests(requests) => words(["-n", &requests.to_string()]),
    };
    let common = words(["--h1", "-t", &threads, "-c", &connections]);
    (!task.is_fresh).then(|| [common, extent, vec![task.url.clone()]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able(task: &Task) -> Vec<&'static str> {
        let able = TOOLS.iter().filter(|tool| (tool.arguments)(task).is_some());
        able.map(|tool| tool.name).collect()
    }

    #[test]
    fn each_tool_does_what_it_can() {
        let task = Task {
            url: "http://h/".to_owned(),
            connections: 1,
            threads: 1,
            is_fresh: true,
            extent: Extent::Requests(10),
        };
        assert_eq!(able(&task), ["python", "hey", "ab"]);
        let kept = Task { is_fresh: false, ..task.clone() };
        assert_eq!(able(&kept), ["python", "hey", "ab", "h2load"]);
        let load =
            Task { connections: 32, extent: Extent::Time(Duration::from_millis(2_500)), ..kept };
        assert_eq!(able(&load), ["wrk", "hey", "h2load"]);
        let arguments = wrk_arguments(&load).unwrap().join(" ");
        assert_eq!(arguments, "-t 1 -c 32 -d3s --latency http://h/");
    }
}
