//! The kernel's receive timestamps (SO_TIMESTAMPNS, see socket(7)), through nix: rustix has
//! neither the option nor the control message.

use super::{Received, nanoseconds};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use rustix::io::Errno;
use std::io::{IoSliceMut, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

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
