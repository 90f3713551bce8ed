//! A server that is slower by a known amount: before each response it does a fixed amount of work.
//!
//! The work is fixed, not the time: time would also pass while another thread has the core, and
//! the thread would then do less work.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                        Content-Length: 18\r\n\r\n{\"message\":\"pong\"}";

fn main() {
    let number = |name: &str| {
        let value = env::var(name).unwrap_or_else(|_| panic!("set {name}"));
        value.parse::<u64>().unwrap_or_else(|_| panic!("{name} is not a number"))
    };
    let (port, steps) = (number("PORT"), number("STEPS"));
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("the port is free");
    for connection in listener.incoming().flatten() {
        thread::spawn(move || serve(connection, steps));
    }
}

fn serve(connection: TcpStream, steps: u64) -> Option<()> {
    connection.set_nodelay(true).ok()?;
    let mut answers = connection.try_clone().ok()?;
    let mut lines = BufReader::new(connection).lines();
    loop {
        while !lines.next()?.ok()?.is_empty() {}
        work(steps);
        answers.write_all(ANSWER).ok()?;
    }
}

/// Each step needs the result of the previous one, and `black_box` keeps the compiler from merging steps.
fn work(steps: u64) {
    let mut state = 1_u64;
    for step in 0..steps {
        state = black_box(state).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step);
    }
    black_box(state);
}
