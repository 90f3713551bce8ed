//! A server that writes down its requests.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub line: String,
    /// Names in lower case; their order is not kept.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// See the module. It runs until the test process ends.
#[derive(Clone)]
pub struct LoggingServer {
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<Seen>>>,
}

impl LoggingServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), log: Arc::default() };
        let own = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                thread::spawn(move || own.converse(&stream.unwrap()));
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What was seen since the last call.
    pub fn take_log(&self) -> Vec<Seen> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// Until the client closes or a response ends the connection.
    fn converse(&self, stream: &TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut reader = BufReader::new(stream);
        loop {
            let seen = read(&mut reader)?;
            let path = seen.line.split(' ').nth(1)?.to_owned();
            self.log.lock().unwrap().push(seen);
            let (answer, goes_on) = answer(&path);
            (&*stream).write_all(answer.as_bytes()).ok()?;
            goes_on.then_some(())?;
        }
    }
}

/// `/status/503` gets that status, `/close...` ends the connection, `/close-in-body` before
/// the body is whole; `/empty` has no body, `/json` an object; all else is a pong.
fn answer(path: &str) -> (String, bool) {
    let status = path.strip_prefix("/status/").and_then(|rest| rest.get(..3)).unwrap_or("200");
    let body = match path {
        "/empty" => "",
        "/json" => r#"{"token":"t1","ids":[3,4],"next":null}"#,
        _ => "pong",
    };
    let goes_on = !path.starts_with("/close");
    let close = if goes_on { "" } else { "Connection: close\r\n" };
    let length = body.len() + usize::from(path == "/close-in-body");
    let head = format!("HTTP/1.1 {status} X\r\n{close}X-A: 1\r\nx-a: 2\r\nX-A: 3\r\n");
    (format!("{head}Content-Length: {length}\r\n\r\n{body}"), goes_on)
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Seen> {
    let mut next = || {
        let mut line = String::new();
        let bytes = reader.read_line(&mut line).ok()?;
        (bytes > 0).then(|| line.trim_end().to_owned())
    };
    let line = next()?;
    let mut headers = BTreeMap::new();
    loop {
        let field = next()?;
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(": ").unwrap();
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { line, headers, body: String::from_utf8(body).unwrap() })
}
