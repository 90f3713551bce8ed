//! Running one peer against the server, with the CPU time of both.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::Outcome;
use super::peer::{Figures, Peer, Shape};
use nix::sys::resource::{UsageWho, getrusage};

/// The null server in a process of its own, which ends when dropped, or one that runs already.
pub struct Server {
    child: Option<Child>,
    /// Whose CPU time is counted.
    processes: Vec<u32>,
    url: String,
}

impl Server {
    /// Starts it on the last core.
    pub fn start(work_us: u64, scheme: &str) -> Outcome<Server> {
        let cores = std::thread::available_parallelism()?.get();
        if cores < 2 {
            return Err("client and server need a core each; this machine has one".into());
        }
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", &(cores - 1).to_string(), &work_us.to_string(), scheme])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        let processes = vec![child.id()];
        Ok(Server { child: Some(child), processes, url: url.trim().to_owned() })
    }

    /// One that is there; the file has the number of its first process.
    pub fn running(url: &str, pid_file: Option<&str>) -> Outcome<Server> {
        let mut processes = Vec::new();
        if let Some(path) = pid_file {
            let first: u32 = std::fs::read_to_string(path)?.trim().parse()?;
            let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children"))?;
            processes.push(first);
            for child in children.split_whitespace() {
                processes.push(child.parse()?);
            }
        }
        Ok(Server { child: None, processes, url: url.to_owned() })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// CPU time of all its threads so far (first number of schedstat, see the kernel's
    /// Documentation/scheduler/sched-stats.rst).
    fn cpu_us(&self) -> Outcome<f64> {
        let mut total_ns = 0_u64;
        for process in &self.processes {
            for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
                let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
                total_ns += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
            }
        }
        Ok(number(total_ns) / 1e3)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends by itself when its input closes.
        if let Some(child) = &mut self.child {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

/// One run of a peer on the first core.
pub fn measure(peer: &Peer, shape: &Shape<'_>, server: &Server) -> Outcome<Figures> {
    let own = std::env::current_exe()?;
    let program = if peer.program.is_empty() { own.as_os_str() } else { peer.program.as_ref() };
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program).args(peer.arguments(shape).unwrap_or_default());
    let before_us = (children_cpu_us()?, server.cpu_us()?);
    let output = command.stdin(Stdio::null()).output()?;
    let after_us = (children_cpu_us()?, server.cpu_us()?);
    let text = String::from_utf8_lossy(&output.stdout);
    let figures = peer.read(&text).filter(|_| output.status.success()).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("cannot read what {} printed:\n{text}{errors}", peer.name)
    })?;
    Ok(Figures {
        client_cpu_us_per_request: (after_us.0 - before_us.0) / figures.requests,
        server_cpu_us_per_request: (after_us.1 - before_us.1) / figures.requests,
        ..figures
    })
}

/// CPU time of all children that have ended.
fn children_cpu_us() -> Outcome<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let microseconds =
        |time: nix::sys::time::TimeVal| nix::sys::time::TimeValLike::num_microseconds(&time);
    let total = microseconds(usage.user_time()) + microseconds(usage.system_time());
    Ok(number(u64::try_from(total)?))
}

#[expect(clippy::cast_precision_loss, reason = "times of minutes are far below 2^53")]
fn number(value: u64) -> f64 {
    value as f64
}
