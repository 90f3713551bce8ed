//! The built-in server that does next to nothing for a response: what the engine reaches against
//! it is this machine's ceiling.

mod conversation;
mod http2;
mod responses;
mod turn;

use crate::expect::Expect;
use crate::io::{AT_ONCE, BUFFER_BYTES, READ_BYTES};
use crate::load::{ConnectionPolicy, Extent, Http, Load, LoadError, Pacing};
use crate::sample::Sample;
use crate::team::{pin, run};
use crate::tls::{TlsClient, TlsError, TlsOptions, TlsServer};
use crate::url::Address;
use conversation::{Conversation, State};
use responses::Responses;
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use turn::Turn;

/// How the null server responds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NullOptions {
    /// Where to listen; port 0: any free one.
    pub address: Address,
    /// Threads; connections are dealt out to them in turn.
    pub threads: usize,
    /// The cores the threads are pinned to, in turn.
    pub cpus: Option<Vec<usize>>,
    /// Time spun away before each response, in place of a real server's work.
    pub work: Duration,
    /// The body of each response.
    pub body: Vec<u8>,
    /// Speak TLS, with a certificate made at start that nobody has issued.
    pub tls: bool,
    /// What it agrees to by ALPN over TLS, the best first.
    pub http: Vec<Http>,
}

impl Default for NullOptions {
    /// One thread on a free port of 127.0.0.1 that responds with `pong` at once.
    fn default() -> NullOptions {
        NullOptions {
            address: Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            threads: 1,
            cpus: None,
            work: Duration::ZERO,
            body: b"pong".to_vec(),
            tls: false,
            http: vec![Http::V2, Http::V1],
        }
    }
}

/// Why the null server could not start.
#[derive(Debug, thiserror::Error)]
pub enum NullServerError {
    /// The address is taken, or is none of this machine's.
    #[error("the null server cannot listen on {address}: {cause}; choose another address")]
    Listen {
        /// As asked for.
        address: String,
        /// What the kernel said.
        cause: std::io::Error,
    },
    /// The kernel gave no thread, no epoll or no pinning.
    #[error("the null server cannot start: {0}")]
    Start(std::io::Error),
}

/// Why there is no ceiling.
#[derive(Debug, thiserror::Error)]
pub enum CeilingError {
    /// The null server did not start.
    #[error(transparent)]
    Server(#[from] NullServerError),
    /// The load did not start.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The load's TLS options cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A running null server; dropping it stops it. It responds to every well-formed request with
/// status 200, keeps connections alive unless told to close them, and understands pipelining,
/// `HEAD` and bodies with a `Content-Length`. A connection that begins with HTTP/2's preface is
/// answered in HTTP/2, with and without TLS; a gRPC call there succeeds, with the body as its message.
#[derive(Debug)]
pub struct NullServer {
    address: Address,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    listener: OwnedFd,
    stop: AtomicBool,
    responses: Responses,
    tls: Option<TlsServer>,
    hands: Vec<Hand>,
}

/// How a thread is reached: sockets accepted for it, and what wakes it.
#[derive(Debug)]
struct Hand {
    inbox: Mutex<Vec<OwnedFd>>,
    wake: OwnedFd,
}

const LISTENER: u64 = u64::MAX;
const WAKE: u64 = u64::MAX - 1;
const BACKLOG: i32 = 4096;

impl NullServer {
    /// Starts the server; it responds when this returns.
    ///
    /// # Errors
    /// [`NullServerError`] when it cannot listen, or start a thread.
    pub fn start(options: &NullOptions) -> Result<NullServer, NullServerError> {
        let (listener, address) = listen(&options.address).map_err(|errno| {
            let address = options.address.to_string();
            NullServerError::Listen { address, cause: errno.into() }
        })?;
        let hands = (0..options.threads.max(1)).map(|_| Hand::new()).collect::<Result<_, _>>();
        let alpn: Vec<_> = options.http.iter().map(|http| http.alpn()).collect();
        let tls = options.tls.then(|| TlsServer::new(&alpn));
        let shared = Arc::new(Shared {
            listener,
            stop: AtomicBool::new(false),
            responses: Responses::new(&options.body, options.work),
            tls: tls.transpose().map_err(NullServerError::Start)?,
            hands: hands.map_err(start_error)?,
        });
        let mut server = NullServer { address, shared, threads: Vec::new() };
        for number in 0..server.shared.hands.len() {
            let thread = Thread::new(Arc::clone(&server.shared), number).map_err(start_error)?;
            let cpu = options.cpus.as_ref().and_then(|cpus| cpus.get(number % cpus.len().max(1)));
            server.threads.push(spawn(thread, cpu.copied())?);
        }
        Ok(server)
    }

    /// Where it listens, with the port chosen.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The certificate that it made for `localhost`, in PEM; none without TLS.
    pub fn certificate(&self) -> Option<&str> {
        self.shared.tls.as_ref().map(TlsServer::certificate)
    }
}

impl Drop for NullServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.hands.iter().for_each(Hand::wake);
        for thread in self.threads.drain(..) {
            // A thread that panicked has stopped as well.
            let _ = thread.join();
        }
        if let Address::Unix(path) = &self.address {
            // Gone already is as good.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Runs a closed loop shaped as `load` (requests, threads, connections, policy, pipelining, cores, batching)
/// against a null server as `server` says, for `time`. Its rate is the ceiling. A load over TLS is one
/// against a null server that speaks it, which it trusts.
///
/// # Errors
/// [`CeilingError`] when one of the two cannot start.
pub fn ceiling(load: &Load, server: &NullOptions, time: Duration) -> Result<Sample, CeilingError> {
    let tls = load.tls.as_ref().map(trusting).transpose()?;
    let server = NullServer::start(&NullOptions { tls: tls.is_some(), ..server.clone() })?;
    let load = Load {
        address: server.address().clone(),
        tls,
        pacing: Pacing::Closed,
        ramp: Duration::ZERO,
        extent: Extent::Time(time),
        expect: Expect::default(),
        expects: Vec::new(),
        connection: if load.pipeline > 1 { ConnectionPolicy::KeepAlive } else { load.connection },
        ..load.clone()
    };
    Ok(run(&load, &mut |_| ControlFlow::Continue(()))?)
}

/// A client as this one that takes the null server's certificate.
fn trusting(client: &TlsClient) -> Result<TlsClient, CeilingError> {
    let options = TlsOptions {
        ca: None,
        cert: None,
        key: None,
        insecure: true,
        server_name: None,
        ..client.options().clone()
    };
    Ok(TlsClient::new(&options, "localhost")?)
}

impl Hand {
    fn new() -> Result<Hand, Errno> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Hand { inbox: Mutex::new(Vec::new()), wake })
    }

    fn wake(&self) {
        // Fails only when the counter is full, and then the thread is awake anyway.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}

struct Thread {
    shared: Arc<Shared>,
    number: usize,
    epoll: OwnedFd,
    /// By file descriptor number, which is also the event's data; the kernel gives the lowest
    /// free one.
    conversations: Vec<Option<Conversation>>,
    accepted: usize,
    buffer: Vec<u8>,
    state: State,
    turn: Turn,
}

impl Thread {
    fn new(shared: Arc<Shared>, number: usize) -> Result<Thread, Errno> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wake = &shared.hands[number].wake;
        epoll::add(&epoll, wake, epoll::EventData::new_u64(WAKE), epoll::EventFlags::IN)?;
        if number == 0 {
            let data = epoll::EventData::new_u64(LISTENER);
            epoll::add(&epoll, &shared.listener, data, epoll::EventFlags::IN)?;
        }
        Ok(Thread {
            shared,
            number,
            epoll,
            conversations: Vec::new(),
            accepted: 0,
            buffer: vec![0; BUFFER_BYTES],
            state: State::default(),
            turn: Turn::default(),
        })
    }

    fn run(mut self) {
        let mut events = vec![MaybeUninit::uninit(); 512];
        while !self.shared.stop.load(Ordering::Relaxed) {
            let ready = match epoll::wait(&self.epoll, events.as_mut_slice(), None) {
                Ok((ready, _)) => ready,
                Err(Errno::INTR) => continue,
                Err(_) => return,
            };
            if self.shared.responses.are_instant() {
                ready.chunks(AT_ONCE).for_each(|events| self.serve(events));
            } else {
                // A server that works does so on one request after another.
                ready.iter().for_each(|event| self.event(*event));
            }
        }
    }

    fn event(&mut self, event: epoll::Event) {
        let (data, flags) = (event.data, event.flags);
        match data.u64() {
            LISTENER => self.accept(),
            WAKE => self.take_inbox(),
            file => self.converse(usize::try_from(file).unwrap_or(usize::MAX), flags),
        }
    }

    /// Takes every connection that waits; out of files, they wait on.
    fn accept(&mut self) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        while let Ok(file) = net::accept_with(&self.shared.listener, flags) {
            // A unix socket has no such option and needs none.
            let _ = net::sockopt::set_tcp_nodelay(&file, true);
            let shared = Arc::clone(&self.shared);
            let hand = &shared.hands[self.accepted % shared.hands.len()];
            let own = self.accepted % shared.hands.len() == self.number;
            self.accepted += 1;
            if own {
                self.adopt(file);
            } else {
                hand.inbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(file);
                hand.wake();
            }
        }
    }

    fn take_inbox(&mut self) {
        let shared = Arc::clone(&self.shared);
        let hand = &shared.hands[self.number];
        // Empty already when a stop woke us.
        let _ = rustix::io::read(&hand.wake, &mut [0_u8; 8]);
        let mut inbox = hand.inbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        inbox.drain(..).for_each(|file| self.adopt(file));
    }

    fn adopt(&mut self, file: OwnedFd) {
        let Ok(number) = usize::try_from(file.as_raw_fd()) else {
            return;
        };
        let session = self.shared.tls.as_ref().map(TlsServer::session);
        let Ok(session) = session.transpose() else {
            return;
        };
        let data = epoll::EventData::new_u64(number as u64);
        if epoll::add(&self.epoll, &file, data, epoll::EventFlags::IN).is_ok() {
            if self.conversations.len() <= number {
                self.conversations.resize_with(number + 1, || None);
            }
            self.conversations[number] = Some(Conversation::new(file, session));
        }
    }

    fn converse(&mut self, number: usize, flags: epoll::EventFlags) {
        let Some(Some(conversation)) = self.conversations.get_mut(number) else {
            return;
        };
        let writable = flags.contains(epoll::EventFlags::OUT);
        let waited = conversation.is_full();
        let goes_on = if waited && writable {
            conversation.flush()
        } else if waited {
            // Not writable and yet reported: the client has gone.
            false
        } else {
            let received = conversation.read(&mut self.buffer[..READ_BYTES]);
            let responses = &self.shared.responses;
            conversation.respond(responses, &mut self.state, received, &self.buffer)
        };
        self.conclude(number, waited, goes_on);
    }

    /// Ends the conversation, or waits for what it needs next. `waited`: for room to send.
    fn conclude(&mut self, number: usize, waited: bool, goes_on: bool) {
        let Some(Some(conversation)) = self.conversations.get(number) else {
            return;
        };
        if goes_on && conversation.is_full() == waited {
            return;
        }
        let wanted = if waited { epoll::EventFlags::IN } else { epoll::EventFlags::OUT };
        let data = epoll::EventData::new_u64(number as u64);
        if !goes_on || epoll::modify(&self.epoll, conversation.file(), data, wanted).is_err() {
            self.conversations[number] = None;
        }
    }
}

fn listen(address: &Address) -> Result<(OwnedFd, Address), Errno> {
    let family = match address {
        Address::Unix(_) => AddressFamily::UNIX,
        Address::Tcp(address) if address.is_ipv4() => AddressFamily::INET,
        Address::Tcp(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let listener = net::socket_with(family, SocketType::STREAM, flags, None)?;
    let bound = match address {
        Address::Unix(path) => {
            net::bind(&listener, &SocketAddrUnix::new(path)?)?;
            address.clone()
        }
        Address::Tcp(wanted) => {
            net::sockopt::set_socket_reuseaddr(&listener, true)?;
            net::bind(&listener, wanted)?;
            Address::Tcp(SocketAddr::try_from(net::getsockname(&listener)?)?)
        }
    };
    net::listen(&listener, BACKLOG)?;
    Ok((listener, bound))
}

fn spawn(thread: Thread, cpu: Option<usize>) -> Result<JoinHandle<()>, NullServerError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let handle = std::thread::Builder::new()
        .name("null server".to_owned())
        .spawn(move || {
            let pinned = cpu.map_or(Ok(()), pin);
            let fine = pinned.is_ok();
            // The starter waits for this message.
            let _ = sender.send(pinned);
            if fine {
                thread.run();
            }
        })
        .map_err(NullServerError::Start)?;
    let pinned = receiver.recv().unwrap_or(Ok(()));
    pinned.map_err(|error| NullServerError::Start(std::io::Error::other(error)))?;
    Ok(handle)
}

fn start_error(errno: Errno) -> NullServerError {
    NullServerError::Start(errno.into())
}
