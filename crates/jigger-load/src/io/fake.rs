//! A scripted network in virtual time, for tests: nothing waits, nothing is random, and each
//! instant is known to the nanosecond.

use super::{Driver, Ready, Received};
use rustix::io::Errno;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// What the server's side of one connection does, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The attempt to connect fails at once.
    Refuse(Errno),
    /// The connection stands only after so many milliseconds, instead of at once.
    StandAfter(u64),
    /// Waits for one whole request (without a body).
    Request,
    /// Waits until the client has sent so many bytes.
    Read(usize),
    /// Waits for so many bytes, and resets when they are not these.
    Exactly(&'static [u8]),
    /// Sends these bytes.
    Send(&'static [u8]),
    /// Lets so many milliseconds pass.
    Pause(u64),
    /// Lets time pass until the instant that this makes of the present one, in nanoseconds.
    Until(fn(u64) -> u64),
    /// Closes its side.
    Close,
    /// Resets the connection.
    Reset,
    /// Begins again with the first step.
    Repeat,
}

/// What each call costs.
const CALL_NS: u64 = 1_000;

/// Connection number n follows script n; the last script serves all others.
pub(crate) struct Fake {
    scripts: Vec<Vec<Step>>,
    wires: Rc<RefCell<Vec<Wire>>>,
    pub(crate) now_ns: Rc<Cell<u64>>,
    /// How many bytes the kernel takes in one call.
    room_bytes: usize,
    /// The longest read.
    read_max_bytes: usize,
    /// How late a sleep ends that nothing but the clock ends.
    wakes_late_ns: u64,
    pub(crate) naps: Rc<Cell<u64>>,
    /// How many connections the client closed with a response on its way to it.
    pub(crate) cut_off: Rc<Cell<u64>>,
}

/// The client's side of one connection; dropping it closes it.
pub(crate) struct Socket {
    number: usize,
    wires: Rc<RefCell<Vec<Wire>>>,
    cut_off: Rc<Cell<u64>>,
}

struct Wire {
    script: Vec<Step>,
    at: usize,
    /// The server's own time: when its next step begins.
    time_ns: u64,
    requests: Vec<u8>,
    /// What the client can see, from when on.
    incoming: VecDeque<(u64, Incoming)>,
    stands_ns: u64,
    watched: Option<(u32, bool)>,
    closed: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Incoming {
    Bytes(Vec<u8>),
    End,
    Reset,
}

impl Drop for Socket {
    fn drop(&mut self) {
        let wire = &mut self.wires.borrow_mut()[self.number];
        wire.closed = true;
        if wire.incoming.iter().any(|(_, what)| matches!(what, Incoming::Bytes(_))) {
            self.cut_off.set(self.cut_off.get() + 1);
        }
    }
}

impl Fake {
    pub(crate) fn new(scripts: Vec<Vec<Step>>) -> Fake {
        Fake {
            scripts,
            wires: Rc::default(),
            now_ns: Rc::new(Cell::new(1_000_000_000)),
            room_bytes: usize::MAX,
            read_max_bytes: usize::MAX,
            wakes_late_ns: 0,
            naps: Rc::default(),
            cut_off: Rc::default(),
        }
    }

    /// A kernel that takes and gives only so many bytes in one call.
    pub(crate) fn with_small_calls(mut self, room_bytes: usize, read_max_bytes: usize) -> Fake {
        self.room_bytes = room_bytes;
        self.read_max_bytes = read_max_bytes;
        self
    }

    /// A core that takes so long to wake up.
    pub(crate) fn waking_late(mut self, wakes_late_ns: u64) -> Fake {
        self.wakes_late_ns = wakes_late_ns;
        self
    }

    fn spend(&self, duration_ns: u64) {
        self.now_ns.set(self.now_ns.get() + duration_ns);
    }
}

impl Wire {
    /// Does the steps that need nothing more from the client.
    fn play(&mut self, now_ns: u64) {
        while let Some(step) = self.script.get(self.at) {
            match *step {
                Step::Refuse(_) | Step::StandAfter(_) => {}
                Step::Request => {
                    let end = self.requests.windows(4).position(|four| four == b"\r\n\r\n");
                    let Some(end) = end else { return };
                    self.requested(end + 4, now_ns);
                }
                Step::Read(bytes) => {
                    if self.requested(bytes, now_ns).is_none() {
                        return;
                    }
                }
                Step::Exactly(bytes) => match self.requested(bytes.len(), now_ns) {
                    None => return,
                    Some(requested) if requested == bytes => {}
                    Some(_) => self.come(Incoming::Reset),
                },
                Step::Send(bytes) => self.come(Incoming::Bytes(bytes.to_vec())),
                Step::Pause(milliseconds) => self.time_ns += milliseconds * 1_000_000,
                Step::Until(instant) => self.time_ns = instant(self.time_ns).max(self.time_ns),
                Step::Close => self.come(Incoming::End),
                Step::Reset => self.come(Incoming::Reset),
                Step::Repeat => {
                    self.at = 0;
                    continue;
                }
            }
            self.at += 1;
        }
    }

    /// Takes so many of the bytes that the client has sent; `None` while there are fewer.
    fn requested(&mut self, bytes: usize, now_ns: u64) -> Option<Vec<u8>> {
        if self.requests.len() < bytes {
            return None;
        }
        self.time_ns = self.time_ns.max(now_ns);
        Some(self.requests.drain(..bytes).collect())
    }

    fn come(&mut self, incoming: Incoming) {
        self.incoming.push_back((self.time_ns, incoming));
    }

    fn visible(&self, now_ns: u64) -> impl Iterator<Item = &Incoming> {
        self.incoming.iter().take_while(move |(at, _)| *at <= now_ns).map(|(_, what)| what)
    }

    /// What there is to report at this time.
    fn readiness(&self, now_ns: u64) -> Option<Ready> {
        let (token, wants_room) = self.watched.filter(|_| !self.closed)?;
        let readable = self.visible(now_ns).next().is_some();
        let hung_up = self.visible(now_ns).any(|what| !matches!(what, Incoming::Bytes(_)));
        let writable = wants_room && self.stands_ns <= now_ns;
        (readable || writable).then_some(Ready { token, readable, writable, hung_up })
    }

    /// When there will be something new to report.
    fn next_ns(&self, now_ns: u64) -> Option<u64> {
        let (_, wants_room) = self.watched.filter(|_| !self.closed)?;
        let incoming = self.incoming.front().map(|(at, _)| *at);
        let stands = wants_room.then_some(self.stands_ns);
        incoming.into_iter().chain(stands).map(|at| at.max(now_ns)).min()
    }
}

impl Driver for Fake {
    type Socket = Socket;
    const NAME: &'static str = "fake";

    fn now_ns(&self) -> u64 {
        self.now_ns.get()
    }

    fn cpu_ns(&self) -> u64 {
        0
    }

    fn arrival_offset_ns(&self) -> u64 {
        0
    }

    fn connect(&mut self) -> Result<Socket, Errno> {
        self.spend(CALL_NS);
        let mut wires = self.wires.borrow_mut();
        let number = wires.len();
        let script = self.scripts[number.min(self.scripts.len() - 1)].clone();
        let now_ns = self.now_ns.get();
        let stands_ns = match script.first() {
            Some(Step::StandAfter(milliseconds)) => now_ns + milliseconds * 1_000_000,
            _ => now_ns,
        };
        let refused = match script.first() {
            Some(Step::Refuse(error)) => Some(*error),
            _ => None,
        };
        let mut wire = Wire {
            script,
            at: 0,
            time_ns: stands_ns,
            requests: Vec::new(),
            incoming: VecDeque::new(),
            stands_ns,
            watched: None,
            closed: refused.is_some(),
        };
        wire.play(now_ns);
        wires.push(wire);
        match refused {
            Some(error) => Err(error),
            None => Ok(Socket {
                number,
                wires: Rc::clone(&self.wires),
                cut_off: Rc::clone(&self.cut_off),
            }),
        }
    }

    fn connect_error(&mut self, _: &Socket) -> Option<Errno> {
        None
    }

    fn watch(&mut self, socket: &mut Socket, token: u32, writable: bool) -> Result<(), Errno> {
        self.wires.borrow_mut()[socket.number].watched = Some((token, writable));
        Ok(())
    }

    fn send(&mut self, socket: &mut Socket, bytes: &[u8]) -> Result<usize, Errno> {
        self.spend(CALL_NS);
        let now_ns = self.now_ns.get();
        let wire = &mut self.wires.borrow_mut()[socket.number];
        if wire.stands_ns > now_ns {
            return Err(Errno::AGAIN);
        }
        if wire.visible(now_ns).any(|what| *what == Incoming::Reset) {
            return Err(Errno::PIPE);
        }
        let taken = bytes.len().min(self.room_bytes);
        wire.requests.extend_from_slice(&bytes[..taken]);
        wire.play(now_ns);
        Ok(taken)
    }

    fn receive(&mut self, socket: &mut Socket, buffer: &mut [u8]) -> Result<Received, Errno> {
        self.spend(CALL_NS);
        let now_ns = self.now_ns.get();
        let wire = &mut self.wires.borrow_mut()[socket.number];
        let room = buffer.len().min(self.read_max_bytes);
        let (mut bytes, mut arrived_ns) = (0, None);
        while let Some((at_ns, what)) = wire.incoming.front_mut().filter(|(at, _)| *at <= now_ns) {
            match what {
                Incoming::Bytes(come) => {
                    let taken = come.len().min(room - bytes);
                    buffer[bytes..bytes + taken].copy_from_slice(&come[..taken]);
                    come.drain(..taken);
                    bytes += taken;
                    arrived_ns = Some(*at_ns);
                    if !come.is_empty() {
                        return Ok(Received { bytes, arrived_ns });
                    }
                    wire.incoming.pop_front();
                }
                _ if bytes > 0 => break,
                Incoming::End => {
                    return Ok(Received { bytes: 0, arrived_ns: None });
                }
                Incoming::Reset => return Err(Errno::CONNRESET),
            }
        }
        if bytes == 0 { Err(Errno::AGAIN) } else { Ok(Received { bytes, arrived_ns }) }
    }

    fn wait(&mut self, timeout_ns: u64, ready: &mut Vec<Ready>) -> Result<(), Errno> {
        ready.clear();
        self.spend(CALL_NS);
        let now_ns = self.now_ns.get();
        let wires = self.wires.borrow();
        let next_ns = wires.iter().filter_map(|wire| wire.next_ns(now_ns)).min();
        let late_ns = if timeout_ns > 0 { self.wakes_late_ns } else { 0 };
        let latest_ns = now_ns + timeout_ns + late_ns;
        let now_ns = next_ns.map_or(latest_ns, |next_ns| next_ns.min(latest_ns));
        self.now_ns.set(now_ns);
        ready.extend(wires.iter().filter_map(|wire| wire.readiness(now_ns)));
        Ok(())
    }

    fn nap(&mut self, duration_ns: u64) {
        self.naps.set(self.naps.get() + 1);
        self.spend(duration_ns);
    }
}
