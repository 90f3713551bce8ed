//! The backend that runs: level-triggered epoll through rustix.
//!
//! Each connection costs one `epoll_ctl` in its life, plus two for each time that the kernel's
//! send buffer is full. SO_LINGER is left alone: a reset instead of a close would spare the
//! client TIME_WAIT and show the server something that no user does.

use super::{Driver, Ready, Received, nanoseconds};
use crate::url::Address;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::io::Errno;
use rustix::net;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType};
use std::io::{IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

/// Events taken at once.
const EVENTS: usize = 512;
const MILLISECOND_NS: u64 = 1_000_000;

pub(crate) struct Epoll {
    epoll: OwnedFd,
    address: Target,
    events: Vec<MaybeUninit<epoll::Event>>,
    stamps: Option<Stamps>,
}

enum Target {
    Tcp(std::net::SocketAddr),
    Unix(net::SocketAddrUnix),
}

/// A connection's socket.
pub(crate) struct Socket {
    file: OwnedFd,
    watched: bool,
}

impl Epoll {
    /// # Errors
    /// What the kernel says about the epoll or the path of a unix socket.
    pub(crate) fn new(address: &Address, timestamps: bool) -> Result<Epoll, Errno> {
        let address = match address {
            Address::Tcp(address) => Target::Tcp(*address),
            Address::Unix(path) => Target::Unix(net::SocketAddrUnix::new(path)?),
        };
        // Unix sockets have no timestamps.
        let stamped = timestamps && matches!(address, Target::Tcp(_));
        Ok(Epoll {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            address,
            events: vec![MaybeUninit::uninit(); EVENTS],
            stamps: stamped.then(Stamps::begin),
        })
    }
}

impl Epoll {
    /// Waits until a socket is ready or the time is up, to the nanosecond: epoll_pwait(2) rounds
    /// up to milliseconds, and epoll_pwait2(2) is missing before Linux 5.11.
    fn sleep(&self, timeout_ns: u64) -> Result<(), Errno> {
        let mut files = [PollFd::new(&self.epoll, PollFlags::IN)];
        match poll(&mut files, Some(&timespec(timeout_ns))) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Driver for Epoll {
    type Socket = Socket;
    const NAME: &'static str = "epoll";

    #[inline]
    fn now_ns(&self) -> u64 {
        clock_ns(rustix::time::ClockId::Monotonic)
    }

    fn cpu_ns(&self) -> u64 {
        clock_ns(rustix::time::ClockId::ThreadCPUTime)
    }

    fn arrival_offset_ns(&self) -> u64 {
        clock_ns(rustix::time::ClockId::Realtime).wrapping_sub(self.now_ns())
    }

    fn connect(&mut self) -> Result<Socket, Errno> {
        let file = open(&self.address)?;
        let begun = match &self.address {
            Target::Unix(address) => net::connect(&file, address),
            Target::Tcp(address) => {
                net::sockopt::set_tcp_nodelay(&file, true)?;
                net::connect(&file, address)
            }
        };
        match begun {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error),
        }
        if self.stamps.is_some() {
            ask(&file)?;
        }
        Ok(Socket { file, watched: false })
    }

    fn connect_error(&mut self, socket: &Socket) -> Option<Errno> {
        match net::sockopt::socket_error(&socket.file) {
            Ok(Ok(())) => None,
            Ok(Err(error)) | Err(error) => Some(error),
        }
    }

    fn watch(&mut self, socket: &mut Socket, token: u32, writable: bool) -> Result<(), Errno> {
        let mut flags = epoll::EventFlags::IN | epoll::EventFlags::RDHUP;
        flags.set(epoll::EventFlags::OUT, writable);
        let data = epoll::EventData::new_u64(u64::from(token));
        if socket.watched {
            return epoll::modify(&self.epoll, &socket.file, data, flags);
        }
        socket.watched = true;
        epoll::add(&self.epoll, &socket.file, data, flags)
    }

    #[inline(always)]
    fn send(&mut self, socket: &mut Socket, bytes: &[u8]) -> Result<usize, Errno> {
        net::send(&socket.file, bytes, SendFlags::NOSIGNAL)
    }

    #[inline(always)]
    fn receive(&mut self, socket: &mut Socket, buffer: &mut [u8]) -> Result<Received, Errno> {
        if let Some(stamps) = &mut self.stamps {
            return stamps.receive(&socket.file, buffer);
        }
        let (_, bytes) = net::recv(&socket.file, buffer, net::RecvFlags::empty())?;
        Ok(Received { bytes, arrived_ns: None })
    }

    fn wait(&mut self, timeout_ns: u64, ready: &mut Vec<Ready>) -> Result<(), Errno> {
        ready.clear();
        let timeout_ns = if timeout_ns.is_multiple_of(MILLISECOND_NS) {
            timeout_ns
        } else {
            self.sleep(timeout_ns)?;
            0
        };
        let timeout = timespec(timeout_ns);
        let (events, _) = match epoll::wait(&self.epoll, self.events.as_mut_slice(), Some(&timeout))
        {
            // A signal, for instance a debugger's.
            Err(Errno::INTR) => return Ok(()),
            other => other?,
        };
        ready.extend(events.iter().map(|event| read_event(*event)));
        Ok(())
    }

    fn nap(&mut self, duration_ns: u64) {
        // An interrupted nap is a shorter one.
        let _ = rustix::thread::nanosleep(&timespec(duration_ns));
    }
}

fn open(address: &Target) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let family = match address {
        Target::Unix(_) => AddressFamily::UNIX,
        Target::Tcp(address) if address.is_ipv4() => AddressFamily::INET,
        Target::Tcp(_) => AddressFamily::INET6,
    };
    net::socket_with(family, SocketType::STREAM, flags, None)
}

fn read_event(event: epoll::Event) -> Ready {
    let (flags, data) = (event.flags, event.data);
    let broken = flags.intersects(epoll::EventFlags::ERR | epoll::EventFlags::HUP);
    let hung_up = broken || flags.contains(epoll::EventFlags::RDHUP);
    Ready {
        token: u32::try_from(data.u64()).unwrap_or(u32::MAX),
        readable: hung_up || flags.contains(epoll::EventFlags::IN),
        writable: broken || flags.contains(epoll::EventFlags::OUT),
        hung_up,
    }
}

fn clock_ns(clock: rustix::time::ClockId) -> u64 {
    let time = rustix::time::clock_gettime(clock);
    nanoseconds(time.tv_sec, time.tv_nsec).unwrap_or_default()
}

fn timespec(duration_ns: u64) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration_ns / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(duration_ns % 1_000_000_000).unwrap_or_default(),
    }
}

/// The kernel's receive timestamps (SO_TIMESTAMPNS, see socket(7)), through nix: rustix has
/// neither the option nor the control message.
///
/// Keeps the kernel stamping. It stamps packets only while a socket asks for it, and begins some
/// time after the first one did; a connection of our own asks, and shows when it has begun.
pub(super) struct Stamps {
    /// Room for one timestamp.
    control: Vec<u8>,
    _connection: Option<(TcpStream, TcpStream)>,
}

/// So many tries of a millisecond for the kernel to begin.
const TRIES: u32 = 1000;

impl Stamps {
    /// Returns when the kernel stamps. Where it does not within a second, or there is no loopback
    /// interface, responses simply have no timestamps.
    pub(super) fn begin() -> Stamps {
        let mut stamps =
            Stamps { control: nix::cmsg_space!(nix::libc::timespec), _connection: None };
        stamps._connection = stamps.await_first().ok();
        stamps
    }

    fn await_first(&mut self) -> std::io::Result<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut sender = TcpStream::connect(listener.local_addr()?)?;
        let (receiver, _) = listener.accept()?;
        ask(&receiver)?;
        for _ in 0..TRIES {
            sender.write_all(b"?")?;
            if self.receive(&receiver, &mut [0])?.arrived_ns.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok((sender, receiver))
    }

    /// Reads, with the time at which the kernel got the last of the bytes.
    pub(super) fn receive(
        &mut self,
        file: &impl AsRawFd,
        buffer: &mut [u8],
    ) -> Result<Received, Errno> {
        let mut parts = [IoSliceMut::new(buffer)];
        let control = Some(self.control.as_mut_slice());
        let message = recvmsg::<()>(file.as_raw_fd(), &mut parts, control, MsgFlags::empty())
            .map_err(errno)?;
        let stamp = message.cmsgs().ok().and_then(|mut messages| messages.next());
        let arrived_ns = match stamp {
            Some(ControlMessageOwned::ScmTimestampns(time)) => {
                nanoseconds(time.tv_sec(), time.tv_nsec())
            }
            _ => None,
        };
        Ok(Received { bytes: message.bytes, arrived_ns })
    }
}

/// Asks for timestamps on this socket.
pub(super) fn ask(file: &impl AsFd) -> Result<(), Errno> {
    setsockopt(file, sockopt::ReceiveTimestampns, &true).map_err(errno)
}

fn errno(errno: nix::errno::Errno) -> Errno {
    Errno::from_raw_os_error(errno as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounded up to milliseconds, not one of many waits would be shorter than that.
    #[test]
    fn waits_are_not_rounded_to_milliseconds() {
        let address = Address::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], 1)));
        let mut driver = Epoll::new(&address, false).unwrap();
        let mut ready = Vec::new();
        let mut shortest_ns = u64::MAX;
        for _ in 0..50 {
            let begin_ns = driver.now_ns();
            driver.wait(100_000, &mut ready).unwrap();
            shortest_ns = shortest_ns.min(driver.now_ns() - begin_ns);
        }
        assert!((100_000..MILLISECOND_NS).contains(&shortest_ns), "{shortest_ns}");
    }
}
