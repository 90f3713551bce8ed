//! Running one peer against the server, with the CPU time of both.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Outcome;
use super::peer::{Figures, Peer, Shape};
use nix::sys::resource::{UsageWho, getrusage};

/// A server in a process of its own; ends when dropped.
pub struct Server {
    child: Child,
    address: String,
    is_foreign: bool,
}

impl Server {
    /// Starts it on the last core.
    pub fn start(work_us: u64) -> Outcome<Server> {
        let cores = std::thread::available_parallelism()?.get();
        if cores < 2 {
            return Err("client and server need a core each; this machine has one".into());
        }
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", &(cores - 1).to_string(), &work_us.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address)?;
        Ok(Server { child, address: address.trim().to_owned(), is_foreign: false })
    }

    /// Starts nghttpd, which speaks HTTP/2 without TLS, on the last core; it answers with a file of
    /// four bytes.
    pub fn start_nghttpd() -> Outcome<Server> {
        let folder = std::env::temp_dir().join("jigger-peers");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("index.html"), "pong")?;
        // A port that nobody has is free again at once.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let cores = std::thread::available_parallelism()?.get();
        let child = Command::new("taskset")
            .args(["-c", &(cores - 1).to_string(), "nghttpd", "--no-tls", "-a", "127.0.0.1", "-d"])
            .arg(&folder)
            .arg(address.port().to_string())
            .stdin(Stdio::piped())
            .spawn()?;
        let mut server = Server { child, address: address.to_string(), is_foreign: true };
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("nghttpd ended: {status}").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// CPU time of all its threads so far (first number of schedstat, see the kernel's
    /// Documentation/scheduler/sched-stats.rst).
    fn cpu_us(&self) -> Outcome<f64> {
        let mut total_ns = 0_u64;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            total_ns += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(number(total_ns) / 1e3)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The null server ends by itself when its input closes; nghttpd does not.
        drop(self.child.stdin.take());
        if self.is_foreign {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// One run of a peer on the first core.
pub fn measure(peer: &Peer, shape: &Shape<'_>, server: &Server) -> Outcome<Figures> {
    let own = std::env::current_exe()?;
    let program = if peer.program.is_empty() { own.as_os_str() } else { peer.program.as_ref() };
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(program).args(peer.arguments(shape));
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
