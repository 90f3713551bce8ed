//! Ten gigabytes as one response, over a real socket: counted to the byte, and not kept.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jigger_load::{Address, Extent, Load, Request, Url, run};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::ops::ControlFlow;

const BODY_BYTES: u64 = 10_000_000_000;

#[test]
fn a_body_of_ten_gigabytes_takes_time_and_no_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let piece = vec![b'x'; 10_000_000];
        (0..BODY_BYTES / 10_000_000).for_each(|_| stream.write_all(&piece).unwrap());
        head.len() as u64
    });
    let url = Url::parse("http://localhost/").unwrap();
    let load =
        Load { extent: Extent::Count(1), ..Load::new(Address::Tcp(address), Request::get(&url)) };
    let before_kib = peak_memory_kib();
    let sample = run(&load, &mut |_| ControlFlow::Continue(())).unwrap();
    let grown_kib = peak_memory_kib() - before_kib;
    assert_eq!((sample.requests, sample.errors.total()), (1, 0), "{:?}", sample.errors);
    assert_eq!(sample.bytes_received, BODY_BYTES + server.join().unwrap());
    assert!(grown_kib < 20_000, "{grown_kib} KiB");
}

/// The most memory that this process has held at once (VmHWM, see proc_pid_status(5)).
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
