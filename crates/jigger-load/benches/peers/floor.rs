//! The floor: a client that only waits, receives and sends, over epoll. It parses nothing,
//! measures nothing and checks nothing, so that no client over these calls in this order
//! can cost less.

use rustix::event::{Timespec, epoll};
use rustix::net::{self, RecvFlags, SendFlags};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Outcome;

/// Read before the same are sent on, as the engine does: that costs less than to alternate.
const AT_ONCE: usize = 16;

/// Loads a server over some connections for some time and prints what an engine would print.
pub fn run(address: SocketAddr, connections: usize, seconds: u64) -> Outcome<()> {
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
    let queue = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut streams = Vec::with_capacity(connections);
    for number in 0..connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&queue, &stream, data, epoll::EventFlags::IN)?;
        net::send(&stream, &request, SendFlags::NOSIGNAL)?;
        streams.push(stream);
    }
    let start = Instant::now();
    let time = Duration::from_secs(seconds);
    let answers = ping_pong(&queue, &streams, &request, start + time)?;
    println!("requests {answers} rate {} p50 0 p99 0", answers / seconds);
    Ok(())
}

fn ping_pong(
    queue: &impl std::os::fd::AsFd,
    streams: &[TcpStream],
    request: &[u8],
    end: Instant,
) -> Outcome<u64> {
    let mut events = [const { MaybeUninit::<epoll::Event>::uninit() }; 512];
    let mut buffer = vec![0; 64 << 10];
    let mut answers = 0;
    let patience = Timespec { tv_sec: 1, tv_nsec: 0 };
    while Instant::now() < end {
        let (ready, _) = epoll::wait(queue, events.as_mut_slice(), Some(&patience))?;
        for events in ready.chunks(AT_ONCE) {
            for event in events {
                let stream = &streams[usize::try_from(event.data.u64())?];
                let (_, bytes) = net::recv(stream, buffer.as_mut_slice(), RecvFlags::empty())?;
                if bytes == 0 {
                    return Err("the server closed a connection".into());
                }
            }
            for event in events {
                let stream = &streams[usize::try_from(event.data.u64())?];
                net::send(stream, request, SendFlags::NOSIGNAL)?;
                answers += 1;
            }
        }
    }
    Ok(answers)
}
