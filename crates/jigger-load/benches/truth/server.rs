//! Servers whose truth is known.

use super::Outcome;
use jigger_load::sample::histogram;
use jigger_load::{Histogram, NullOptions, NullServer};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use rustix::event::{Timespec, epoll};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What the server does with each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Responds.
    AtOnce,
    /// Waits for 2 ms, then responds.
    Delay,
    /// Works for 20 us, then responds, one request after another.
    Work,
    /// Responds, but in the last second of every ten.
    Stall,
}

const NAMES: &[(&str, Behaviour)] = &[
    ("at-once", Behaviour::AtOnce),
    ("delay", Behaviour::Delay),
    ("work", Behaviour::Work),
    ("stall", Behaviour::Stall),
];
const DELAY: Duration = Duration::from_millis(2);
const WORK: Duration = Duration::from_micros(20);
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";

/// A server in a process of its own on the last core; ends when dropped.
pub struct Server {
    child: Child,
    lines: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    pub fn start(behaviour: Behaviour) -> Outcome<Server> {
        let cores = std::thread::available_parallelism()?.get();
        let (name, _) = NAMES
            .iter()
            .find(|(_, known)| *known == behaviour)
            .ok_or("every behaviour has a name")?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", name, &(cores - 1).to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("the server has no output")?);
        let mut address = String::new();
        lines.read_line(&mut address)?;
        Ok(Server { child, lines, address: address.trim().to_owned() })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends the server; p50 and p99 of the microseconds that it took, by its own account.
    pub fn finish(mut self) -> Outcome<[f64; 2]> {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        let (p50, p99) = line.trim().split_once(' ').ok_or("the server gave no account")?;
        Ok([p50.parse()?, p99.parse()?])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends by itself when its input closes.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The server's side: prints its address, serves until standard input closes, prints its account.
pub fn serve(behaviour: &str, cpu: usize) -> Outcome<()> {
    let (_, behaviour) =
        *NAMES.iter().find(|(name, _)| *name == behaviour).ok_or("no such server")?;
    pin(cpu)?;
    if behaviour == Behaviour::AtOnce {
        let server = NullServer::start(&NullOptions::default())?;
        println!("{}", server.address());
        std::io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    if behaviour == Behaviour::Stall {
        let start = Instant::now();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                std::thread::spawn(move || converse(stream, start));
            }
        });
        std::io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let (delay, work) = if behaviour == Behaviour::Delay {
        (DELAY, Duration::ZERO)
    } else {
        (Duration::ZERO, WORK)
    };
    let spinner = std::thread::spawn(move || spin(&listener, &seen, delay, work));
    std::io::stdin().read_to_end(&mut Vec::new())?;
    stop.store(true, Ordering::Relaxed);
    let taken_ns = spinner.join().map_err(|_| "the server broke down")??;
    let [p50, p99] = [0.5, 0.99].map(|quantile| taken_ns.value_at_quantile(quantile) / 1000);
    println!("{p50} {p99}");
    Ok(())
}

/// Keeps the calling thread to one core.
pub fn pin(cpu: usize) -> Result<(), rustix::io::Errno> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(cpu);
    rustix::thread::sched_setaffinity(None, &set)
}

/// Responds to each request so long after it was read, and after so much work. Never sleeps, so that
/// neither timers nor a core that has to wake up blur the truth; what it took, from the kernel's time
/// of arrival to writing, it tells.
fn spin(
    listener: &TcpListener,
    stop: &AtomicBool,
    delay: Duration,
    work: Duration,
) -> std::io::Result<Histogram<u64>> {
    let mut taken_ns = histogram();
    let mut streams: Vec<TcpStream> = Vec::new();
    let mut due: VecDeque<Due> = VecDeque::new();
    let mut buffer = [0; 4096];
    let queue = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut events = [const { MaybeUninit::<epoll::Event>::uninit() }; 64];
    listener.set_nonblocking(true)?;
    epoll::add(&queue, listener, epoll::EventData::new_u64(u64::MAX), epoll::EventFlags::IN)?;
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    while !stop.load(Ordering::Relaxed) {
        let (ready, _) = epoll::wait(&queue, events.as_mut_slice(), Some(&at_once))?;
        for event in ready {
            let Some(stream) =
                usize::try_from(event.data.u64()).ok().and_then(|n| streams.get_mut(n))
            else {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                setsockopt(&stream, sockopt::ReceiveTimestampns, &true)?;
                let data = epoll::EventData::new_u64(streams.len() as u64);
                epoll::add(&queue, &stream, data, epoll::EventFlags::IN)?;
                streams.push(stream);
                continue;
            };
            match read(stream, &mut buffer) {
                // The client is done, perhaps with requests under way.
                Ok((0, _)) | Err(_) => epoll::delete(&queue, &*stream)?,
                Ok((_, waited)) => {
                    let index = usize::try_from(event.data.u64()).unwrap_or(0);
                    due.push_back(Due { read: Instant::now(), waited, index });
                }
            }
        }
        while let Some(due) = due.pop_front_if(|due| due.read.elapsed() >= delay) {
            let begin = Instant::now();
            while begin.elapsed() < work {}
            // The reader may be gone.
            let _ = streams[due.index].write_all(ANSWER);
            let took = due.waited + due.read.elapsed();
            taken_ns.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }
    Ok(taken_ns)
}

/// A request that has been read.
struct Due {
    read: Instant,
    /// How long it lay in the kernel before.
    waited: Duration,
    index: usize,
}

/// Reads, with the time that the bytes lay in the kernel (SO_TIMESTAMPNS, see socket(7)).
fn read(stream: &TcpStream, buffer: &mut [u8]) -> std::io::Result<(usize, Duration)> {
    let mut parts = [IoSliceMut::new(buffer)];
    let mut control = nix::cmsg_space!(nix::libc::timespec);
    let message = recvmsg::<()>(
        stream.as_raw_fd(),
        &mut parts,
        Some(control.as_mut_slice()),
        MsgFlags::empty(),
    )?;
    let waited = message.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(arrived) => {
            SystemTime::now().duration_since(UNIX_EPOCH + Duration::from(arrived)).ok()
        }
        _ => None,
    });
    Ok((message.bytes, waited.unwrap_or_default()))
}

/// Responds to each read as one request until the client closes, but while it stands still.
fn converse(mut stream: TcpStream, start: Instant) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer)? > 0 {
        std::thread::sleep(until_awake(start.elapsed()));
        stream.write_all(ANSWER)?;
    }
    Ok(())
}

/// How long it still stands still: nothing but in the last second of ten.
fn until_awake(since_start: Duration) -> Duration {
    const PERIOD_NS: u128 = 10_000_000_000;
    const AWAKE_NS: u128 = 9_000_000_000;
    let within_ns = since_start.as_nanos() % PERIOD_NS;
    let left_ns = if within_ns < AWAKE_NS { 0 } else { PERIOD_NS - within_ns };
    Duration::from_nanos(u64::try_from(left_ns).unwrap_or_default())
}
