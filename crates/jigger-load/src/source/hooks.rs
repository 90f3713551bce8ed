//! Hooks: what a program may do at each request and each response of a load.

mod batch;

pub use batch::{Batch, BatchError};

use super::Source;
use crate::protocol::http1::Http1;
use crate::protocol::http1::parser::fields;
use crate::protocol::{Flight, Protocol, Sink};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One thread's hooks. Each connection goes round: delay, request, its responses, delay, ...
pub trait Hooks: Send + 'static {
    /// Called before each batch: how long its connection waits first.
    fn delay(&mut self) -> (Duration, HookAction);

    /// Fills the next batch: one message, or several to be sent before the first response.
    fn request(&mut self, batch: &mut Batch) -> HookAction;

    /// Whether [`Hooks::response`] is to be called. Only then are responses kept whole.
    fn wants_responses(&self) -> bool;

    /// Takes a complete response.
    fn response(&mut self, response: &WholeResponse<'_>) -> HookAction;
}

/// What a hook wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookAction {
    /// Go on.
    Continue,
    /// This thread ends; a batch just filled is still sent. The others go on.
    EndThread,
    /// All threads end, with what was measured.
    EndLoad,
}

/// A response with its head and body.
#[derive(Clone, Copy, Debug)]
pub struct WholeResponse<'a> {
    /// 200 to 599.
    pub status: u16,
    /// The head's bytes, status line and closing empty line included.
    pub head: &'a [u8],
    /// The body, without its framing.
    pub body: &'a [u8],
}

impl WholeResponse<'_> {
    /// The header fields in order, names as the server wrote them.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        fields(self.head)
    }
}

/// What the hooks of a thread have each of its connections send.
pub(crate) struct Hooked<'a, H> {
    hooks: H,
    wants_responses: bool,
    exchanges: Vec<Exchange>,
    /// Ends all threads.
    stop: &'a AtomicBool,
    has_ended: bool,
    /// Which message of the batch just filled is the next.
    message: u32,
}

/// A connection's batch, and the response that it is reading.
#[derive(Default)]
struct Exchange {
    batch: Batch,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl<'a, H: Hooks> Hooked<'a, H> {
    pub(crate) fn new(hooks: H, connections: usize, stop: &'a AtomicBool) -> Hooked<'a, H> {
        let exchanges = (0..connections).map(|_| Exchange::default()).collect();
        let wants_responses = hooks.wants_responses();
        Hooked { hooks, wants_responses, exchanges, stop, has_ended: false, message: 0 }
    }

    fn obey(&mut self, action: HookAction) {
        self.has_ended |= action != HookAction::Continue;
        if action == HookAction::EndLoad {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

impl<H: Hooks> Source<Http1> for Hooked<'_, H> {
    const IN_BATCHES: bool = true;

    fn pause_ns(&mut self) -> u64 {
        if self.has_ended {
            return 0;
        }
        let (delay, action) = self.hooks.delay();
        self.obey(action);
        u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX)
    }

    fn prepare(&mut self, connection: usize, _: usize) -> usize {
        if self.has_ended {
            return 0;
        }
        let batch = &mut self.exchanges[connection].batch;
        let action = self.hooks.request(batch);
        let messages = batch.messages();
        self.message = 0;
        self.obey(action);
        if action == HookAction::EndLoad { 0 } else { messages }
    }

    fn next(&mut self, connection: usize, due_ns: u64, now_ns: u64) -> Flight {
        let request = self.message;
        self.message += 1;
        let is_head = self.exchanges[connection].batch.is_head(request as usize);
        Flight { due_ns, started_ns: now_ns, counter: 0, request, is_head }
    }

    fn lay_out(&mut self, connection: usize, conversation: &mut Http1) -> Range<usize> {
        let flights = conversation.flights().range(conversation.sent()..);
        let mut messages = flights.map(|flight| flight.request as usize);
        let Some(first) = messages.next() else { return 0..0 };
        self.exchanges[connection].batch.place(first..=messages.next_back().unwrap_or(first))
    }

    fn bytes(&self, connection: usize, laid_out: Range<usize>) -> &[u8] {
        &self.exchanges[connection].batch.bytes()[laid_out]
    }

    fn sink(&mut self, connection: usize) -> impl Sink {
        self.wants_responses.then(|| &mut self.exchanges[connection])
    }

    fn response(&mut self, connection: usize, status: u16) {
        if self.wants_responses {
            let Exchange { head, body, .. } = &self.exchanges[connection];
            let action = self.hooks.response(&WholeResponse { status, head, body });
            self.obey(action);
        }
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl Sink for Option<&mut Exchange> {
    fn head(&mut self, bytes: &[u8]) {
        if let Some(exchange) = self {
            exchange.head.clear();
            exchange.head.extend_from_slice(bytes);
            exchange.body.clear();
        }
    }

    fn data(&mut self, piece: &[u8]) {
        if let Some(exchange) = self {
            exchange.body.extend_from_slice(piece);
        }
    }
}
