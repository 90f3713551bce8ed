//! One request whose bytes never change.

use super::Source;
use crate::protocol::http1::Http1;
use crate::protocol::{Flight, Protocol};
use crate::source::request::Request;
use std::ops::Range;

/// The request as many times as are pipelined, so that sending is a slice.
#[derive(Debug)]
pub(crate) struct Fixed {
    repeated: Vec<u8>,
    one_bytes: usize,
    is_head: bool,
}

impl Fixed {
    /// `None` where there are several requests, or holes to be filled.
    pub(crate) fn of(requests: &[(Request, u32)], pipeline: usize) -> Option<Fixed> {
        let [(request, _)] = requests else { return None };
        let bytes = request.fixed()?;
        Some(Fixed {
            repeated: bytes.repeat(pipeline),
            one_bytes: bytes.len(),
            is_head: request.is_head(),
        })
    }
}

impl Source<Http1> for Fixed {
    fn next(&mut self, _: usize, due_ns: u64, now_ns: u64) -> Flight {
        Flight { due_ns, started_ns: now_ns, counter: 0, request: 0, is_head: self.is_head }
    }

    fn lay_out(&mut self, _: usize, conversation: &mut Http1) -> Range<usize> {
        0..self.one_bytes * conversation.unsent()
    }

    fn bytes(&self, _: usize, laid_out: Range<usize>) -> &[u8] {
        &self.repeated[laid_out]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::Url;

    fn get(path: &str) -> Request {
        let url = Url::parse(&format!("http://h{path}")).unwrap();
        Request::template("GET", &url, &[], b"", &[]).unwrap()
    }

    #[test]
    fn a_single_request_is_repeated_for_the_pipeline() {
        let mut source = Fixed::of(&[(get("/"), 1)], 2).unwrap();
        let mut conversation = Http1::new(2);
        for times in 1..=2 {
            conversation.begin(source.next(0, 0, 0));
            let laid_out = source.lay_out(0, &mut conversation);
            assert_eq!(source.bytes(0, laid_out), get("/").bytes().repeat(times));
        }
        conversation.mark_sent();
        assert!(source.lay_out(0, &mut conversation).is_empty(), "all is sent");
        assert!(Fixed::of(&[(get("/"), 1), (get("/b"), 1)], 1).is_none());
        assert!(Fixed::of(&[(get("/{{counter}}"), 1)], 1).is_none());
    }
}
