//! A server that says over HTTP/2 what a test has it say.

use jigger_load::Address;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Fields that nobody keeps, as HPACK has them (RFC 7541, section 6.2.2), each shorter than 127 bytes.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    fields.iter().flat_map(field).collect()
}

/// Responds to the request on each stream when it has ended; lives as long as the test's process.
pub fn serve(respond: fn(u32) -> Vec<u8>) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            // A client that closes ends the conversation.
            std::thread::spawn(move || converse(stream, respond));
        }
    });
    Address::Tcp(address)
}

fn converse(mut stream: TcpStream, respond: fn(u32) -> Vec<u8>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(&frame(4, 0, 0, &[]))?;
    stream.read_exact(&mut [0; 24])?;
    loop {
        let mut header = [0; 9];
        stream.read_exact(&mut header)?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        stream.read_exact(&mut vec![0; usize::try_from(length).unwrap()])?;
        let id = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        if matches!(header[3], 0 | 1) && header[4] & 1 != 0 {
            stream.write_all(&respond(id))?;
        }
    }
}
