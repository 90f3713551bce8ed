//! What the kernel takes for a call from a loop, and for one from within a function.

use super::{Outcome, number, with_spread};
use rustix::net::{self, RecvFlags, SendFlags};
use std::hint::black_box;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

const ROUNDS: usize = 40;
const TURNS: usize = 100;
const CONNECTIONS: usize = 16;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";

type Pair = (TcpStream, TcpStream);

/// Sends the same requests both ways, in turn, and prints the ratio.
pub fn run() -> Outcome<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let pairs: Vec<Pair> = (0..CONNECTIONS)
        .map(|_| {
            let client = TcpStream::connect(address)?;
            client.set_nodelay(true)?;
            Ok((client, listener.accept()?.0))
        })
        .collect::<Outcome<_>>()?;
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let from_loop_ns = round(&pairs, from_loop)?;
        ratios.push(round(&pairs, from_function)? / from_loop_ns);
    }
    println!(
        "sending a request from within a function, against from a loop; median of {ROUNDS} rounds: \
         {} times as long",
        with_spread(ratios)
    );
    Ok(())
}

/// Nanoseconds for one send.
fn round(pairs: &[Pair], way: fn(&[Pair])) -> Outcome<f64> {
    let mut buffer = [0; 1024];
    let mut total_ns = 0;
    for _ in 0..TURNS {
        let begin = Instant::now();
        way(pairs);
        total_ns += u64::try_from(begin.elapsed().as_nanos())?;
        for (_, server) in pairs {
            net::recv(server, &mut buffer[..], RecvFlags::empty())?;
        }
    }
    Ok(number(total_ns) / number((TURNS * CONNECTIONS) as u64))
}

#[inline(never)]
fn from_loop(pairs: &[Pair]) {
    for (client, _) in pairs {
        // Looked at where it is read.
        let _ = net::send(client, REQUEST, SendFlags::NOSIGNAL);
    }
}

#[inline(never)]
fn from_function(pairs: &[Pair]) {
    for (client, _) in pairs {
        send(client);
    }
}

#[inline(never)]
fn send(client: &TcpStream) {
    let sent = net::send(client, REQUEST, SendFlags::NOSIGNAL);
    black_box(sent.is_ok());
}
