//! The client's side against servers of any manners.

mod windows;

use super::fault::Code;
use super::frame::{ACK, END_HEADERS, END_STREAM, Kind, PADDED, PRIORITY};
use super::hpack::{Decoder, Encoder, Literal, literals as block};
use super::*;
use crate::expect::{BodyRule, Expect};
use crate::protocol::Verdict;
use proptest::prelude::*;
use std::sync::Arc;

/// Requests of these bodies, by number, each with its number as the path.
struct Bodies(Vec<Vec<u8>>);

impl Requests for Bodies {
    fn header_block(&mut self, flight: &Flight, encoder: &mut Encoder, out: &mut Vec<u8>) {
        let field = usize::try_from(flight.counter).unwrap();
        encoder.field(field, &Literal::new(b":path", flight.counter.to_string().as_bytes()), out);
    }

    fn body(&mut self, flight: &Flight) -> &[u8] {
        &self.0[flight.request as usize]
    }
}

/// A client with so many requests under way, and what a server has to say to it.
struct Pair {
    client: Http2,
    requests: Bodies,
    memory: Memory,
    said: Vec<u8>,
}

/// What came of the server's words: the numbers of the requests that have a response, those lost, and
/// the end.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    responses: Vec<(u64, u16, Verdict, bool)>,
    lost: Vec<(u64, Http2Fault)>,
    end: Option<Unusable<Http2Fault>>,
}

fn flight(counter: u64, request: u32) -> Flight {
    Flight { started_ns: counter, counter, request, ..Flight::default() }
}

const OK: &[u8] = &[0x88];

impl Pair {
    /// A client that has sent so many requests without a body.
    fn sent(requests: usize) -> Pair {
        let mut pair = Pair::with_bodies(vec![Vec::new(); requests]);
        pair.receive();
        pair
    }

    fn with_bodies(bodies: Vec<Vec<u8>>) -> Pair {
        let mut client = Http2::new(bodies.len().max(1), u64::MAX);
        for number in 0..bodies.len() {
            client.begin(flight(number as u64, u32::try_from(number).unwrap()));
        }
        let requests = Bodies(bodies);
        let mut pair = Pair { client, requests, memory: Memory::default(), said: Vec::new() };
        pair.say(Kind::Settings, 0, 0, &[]);
        pair
    }

    fn say(&mut self, kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> &mut Pair {
        frame::write(kind, flags, stream, payload, &mut self.said);
        self
    }

    fn answer(&mut self, stream: u32, body: &[u8]) -> &mut Pair {
        self.say(Kind::Headers, END_HEADERS, stream, OK).say(Kind::Data, END_STREAM, stream, body)
    }

    /// What the client has to send, frame by frame; its preface aside.
    fn receive(&mut self) -> Vec<(Kind, u8, u32, Vec<u8>)> {
        let mut out = Vec::new();
        while self.client.is_due() {
            self.client.lay_out(&mut self.requests, &mut out);
            self.client.mark_sent();
        }
        let mut input = out.strip_prefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap_or(&out);
        let (mut reader, mut frames) = (Reader::default(), Vec::new());
        while let Some(frame) = reader.next(&mut input).unwrap() {
            frames.push((frame.kind, frame.flags, frame.stream, frame.payload.to_vec()));
        }
        frames
    }

    /// What the client makes of all that was said, in pieces cut there.
    fn hear_cut(&mut self, cut: usize, expect: &impl Expectations) -> Heard {
        let said = std::mem::take(&mut self.said);
        let (first, second) = said.split_at(cut);
        let mut heard = Heard::default();
        for mut input in [first, second] {
            while heard.end.is_none() {
                match self.client.absorb(&mut input, expect, &mut self.memory, ()) {
                    Ok(None) => break,
                    Ok(Some(Response { flight, status, verdict, keeps_alive })) => {
                        heard.responses.push((flight.counter, status, verdict, keeps_alive));
                    }
                    Err(Unusable::Lost(flight, fault)) => heard.lost.push((flight.counter, fault)),
                    Err(end) => heard.end = Some(end),
                }
            }
        }
        heard
    }

    fn hear(&mut self) -> Heard {
        self.hear_cut(0, &Expect::default())
    }

    /// The error that ends the connection for what was said.
    fn broken(&mut self) -> (Code, String) {
        match self.hear().end {
            Some(Unusable::Malformed(fault)) => (fault.code(), fault.to_string()),
            other => panic!("{other:?}"),
        }
    }

    /// The error that costs a single request.
    fn lost(&mut self) -> Http2Fault {
        let heard = self.hear();
        assert_eq!((heard.end, heard.lost.len()), (None, 1));
        heard.lost[0].1
    }
}

fn correct(counter: u64) -> (u64, u16, Verdict, bool) {
    (counter, 200, Verdict::Correct, true)
}

#[test]
fn the_client_greets_and_each_request_has_its_stream() {
    let mut pair = Pair::with_bodies(vec![Vec::new(), b"body".to_vec()]);
    let frames = pair.receive();
    let kinds: Vec<_> = frames.iter().map(|(kind, flags, id, _)| (*kind, *flags, *id)).collect();
    let wanted = [
        (Kind::Settings, 0, 0),
        (Kind::WindowUpdate, 0, 0),
        (Kind::Headers, END_HEADERS | END_STREAM, 1),
        (Kind::Headers, END_HEADERS, 3),
        (Kind::Data, END_STREAM, 3),
    ];
    assert_eq!(kinds, wanted);
    assert_eq!(frames[0].3, b"\0\x02\0\0\0\0\0\x04\x40\0\0\0", "no pushes, a window of 2^30");
    assert_eq!(frames[1].3, ((1_u32 << 30) - 65_535).to_be_bytes());
    assert_eq!(frames[4].3, b"body");
    assert_eq!((pair.client.sent(), pair.client.unsent()), (2, 0));
}

#[test]
fn whatever_the_cut_all_kinds_of_frames_make_the_same_responses() {
    let whole = {
        let mut pair = Pair::sent(3);
        let settings = [[0, 3], [0, 0], [0, 9]].concat();
        pair.say(Kind::Settings, 0, 0, &settings)
            .say(Kind::Settings, ACK, 0, &[])
            .say(Kind::Ping, 0, 0, b"12345678")
            .say(Kind::Ping, ACK, 0, b"87654321")
            .say(Kind::WindowUpdate, 0, 0, &[0, 0, 0, 1])
            .say(Kind::WindowUpdate, 0, 5, &[0, 0, 0, 1])
            .say(Kind::Priority, 0, 5, &[0, 0, 0, 3, 1])
            .say(Kind::Other, 0xff, 77, b"whatever");
        let head = block(&[(":status", "200"), ("x", "y"), ("content-length", "4")]);
        let padded = [&[3][..], &[0, 0, 0, 1, 9], OK, &[0; 3]].concat();
        pair.say(Kind::Headers, END_HEADERS, 3, &block(&[(":status", "103"), ("link", "a")]))
            .say(Kind::Headers, 0, 3, &head[..1])
            .say(Kind::Continuation, 0, 3, &head[1..5])
            .say(Kind::Continuation, END_HEADERS, 3, &head[5..])
            .say(Kind::Headers, END_HEADERS | PADDED | PRIORITY, 5, &padded)
            .say(Kind::Data, PADDED, 3, b"\x02po\0\0")
            .say(Kind::Data, 0, 3, b"")
            .say(Kind::Data, END_STREAM, 5, b"pong")
            .say(Kind::Data, 0, 3, b"ng")
            .say(Kind::Headers, END_HEADERS | END_STREAM, 3, &block(&[("grpc-status", "0")]))
            .say(Kind::Headers, END_HEADERS | END_STREAM, 1, &block(&[(":status", "500")]));
        std::mem::take(&mut pair.said)
    };
    let expect = Expect { status: None, body: BodyRule::Exact(Arc::from(&b"pong"[..])) };
    for cut in 0..=whole.len() {
        let mut pair = Pair::sent(3);
        pair.said.clear();
        pair.say(Kind::Settings, 0, 0, &[]);
        pair.said = [std::mem::take(&mut pair.said), whole[9..].to_vec()].concat();
        let heard = pair.hear_cut(cut.min(pair.said.len()), &expect);
        let wanted = [correct(2), correct(1), (0, 500, Verdict::WrongStatus, true)];
        assert_eq!((heard.responses.as_slice(), heard.end), (&wanted[..], None), "cut at {cut}");
        let sent: Vec<_> =
            pair.receive().into_iter().map(|(kind, flags, ..)| (kind, flags)).collect();
        assert_eq!(sent, [(Kind::Settings, ACK), (Kind::Settings, ACK), (Kind::Ping, ACK)]);
    }
}

#[test]
fn each_response_is_held_to_what_its_own_request_expects() {
    struct Even;
    static WRONG: Expect = Expect { status: Some(404), body: BodyRule::Any };
    static RIGHT: Expect = Expect { status: Some(200), body: BodyRule::Any };
    impl Expectations for Even {
        fn of(&self, request: u32) -> &Expect {
            if request.is_multiple_of(2) { &RIGHT } else { &WRONG }
        }
    }
    let mut pair = Pair::sent(4);
    [7, 1, 5, 3].iter().for_each(|stream| {
        pair.answer(*stream, b"");
    });
    let heard = pair.hear_cut(0, &Even).responses;
    let verdicts: Vec<_> =
        heard.iter().map(|(counter, _, verdict, _)| (*counter, *verdict)).collect();
    use Verdict::{Correct, WrongStatus};
    assert_eq!(verdicts, [(3, WrongStatus), (0, Correct), (2, Correct), (1, WrongStatus)]);
}

#[test]
fn a_repeated_head_is_recalled_until_the_table_changes() {
    let mut pair = Pair::sent(4);
    // Kept by the client's table: x = 1, then x = 2; index 62 is the latest.
    for (stream, block) in [
        (1, &b"\x88\x40\x01x\x011"[..]),
        (3, b"\x88\xbe"),
        (5, b"\x88\x40\x0econtent-length\x019"),
        (7, b"\x88\xbe"),
    ] {
        pair.say(Kind::Headers, END_HEADERS | END_STREAM, stream, block);
    }
    let heard = pair.hear();
    assert_eq!(heard.responses, [correct(0), correct(1)]);
    assert_eq!(heard.lost.len(), 2, "they say that 9 bytes follow: {heard:?}");
}

#[test]
fn what_the_server_has_not_looked_at_is_asked_again_elsewhere() {
    let mut pair = Pair::sent(4);
    pair.answer(1, b"").say(Kind::GoAway, 0, 0, &[0, 0, 0, 3, 0, 0, 0, 0]).answer(3, b"");
    // More of a stream that it has given back is none of ours.
    pair.say(Kind::Data, 0, 5, b"x");
    let mut heard = pair.hear();
    assert_eq!(heard.responses, [correct(0), (1, 200, Verdict::Correct, false)]);
    assert!(heard.lost.is_empty() && pair.client.is_over());
    assert!(pair.receive().iter().all(|frame| frame.0 != Kind::Headers), "not on this one");
    pair.client.disconnect();
    assert!(!pair.client.is_over());
    let paths: Vec<_> = pair
        .receive()
        .into_iter()
        .filter(|frame| frame.0 == Kind::Headers)
        .map(|(_, _, id, block)| (id, block[block.len() - 1]))
        .collect();
    assert_eq!(paths, [(1, b'2'), (3, b'3')], "in their order");
    pair.say(Kind::Settings, 0, 0, &[]).answer(1, b"").answer(3, b"");
    pair.say(Kind::GoAway, 0, 0, &[0; 8]);
    heard = pair.hear();
    assert_eq!(heard.end, Some(Unusable::Closing), "nothing was under way");
}

#[test]
fn a_connection_that_is_ended_before_it_was_of_use_is_an_error() {
    let mut pair = Pair::sent(1);
    pair.say(Kind::GoAway, 0, 0, &[0; 8]);
    assert_eq!(pair.hear().end, Some(Unusable::Malformed(Http2Fault::GoAway(Code::NO_ERROR))));
    let mut pair = Pair::sent(2);
    pair.answer(1, b"").say(Kind::GoAway, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0xb, b'!']);
    let end = pair.hear().end;
    assert_eq!(end, Some(Unusable::Malformed(Http2Fault::GoAway(Code::ENHANCE_YOUR_CALM))));
    let mut idle = Pair::sent(0);
    idle.say(Kind::GoAway, 0, 0, &[0; 8]);
    assert_eq!(idle.hear().end, Some(Unusable::Closing));
}

#[test]
fn a_refused_stream_is_asked_again_once() {
    let mut pair = Pair::sent(2);
    pair.say(Kind::RstStream, 0, 3, &[0, 0, 0, 7]);
    assert_eq!(pair.hear(), Heard::default());
    let again = pair.receive();
    assert_eq!(again.last().map(|frame| (frame.0, frame.2)), Some((Kind::Headers, 5)));
    pair.say(Kind::RstStream, 0, 5, &[0, 0, 0, 7]);
    assert_eq!(pair.lost(), Http2Fault::Reset(Code::REFUSED_STREAM));
    pair.say(Kind::RstStream, 0, 1, &[0, 0, 0, 2]);
    assert_eq!(pair.lost(), Http2Fault::Reset(Code(2)));
    pair.say(Kind::RstStream, 0, 1, &[0, 0, 0, 2]);
    assert_eq!(pair.hear(), Heard::default(), "closed already");
}

#[test]
fn a_malformed_response_costs_its_own_request_alone() {
    type Said = fn(&mut Pair);
    let cases: [(Said, &str); 9] = [
        (|pair| _ = pair.say(Kind::Data, END_STREAM, 1, b"x"), "before its head"),
        (|pair| _ = pair.say(Kind::Headers, END_HEADERS, 1, &[0x82]), "other than :status"),
        (|pair| _ = pair.answer_with("content-length", "3", b"four"), "longer than"),
        (|pair| _ = pair.answer_with("content-length", "5", b"four"), "shorter than"),
        (|pair| _ = pair.answer_with("Upper", "5", b"four"), "upper-case"),
        (
            |pair| {
                _ = pair.say(
                    Kind::Headers,
                    END_HEADERS | END_STREAM,
                    1,
                    &block(&[(":status", "100")]),
                )
            },
            "interim",
        ),
        (
            |pair| {
                _ = pair.say(Kind::Headers, END_HEADERS, 1, OK).say(
                    Kind::Headers,
                    END_HEADERS,
                    1,
                    &[],
                )
            },
            "trailers do not end",
        ),
        (
            |pair| {
                _ = pair.say(Kind::Headers, END_HEADERS, 1, OK).say(
                    Kind::Headers,
                    END_HEADERS | END_STREAM,
                    1,
                    OK,
                )
            },
            "trailers contain a pseudo-header",
        ),
        (
            |pair| {
                pair.client = Http2::new(2, u64::MAX);
                (0..2).for_each(|n| pair.client.begin(Flight { is_head: true, ..flight(n, 0) }));
                pair.receive();
                pair.said.clear();
                _ = pair.say(Kind::Settings, 0, 0, &[]).answer(1, b"x");
            },
            "response to HEAD",
        ),
    ];
    for (say, part) in cases {
        let mut pair = Pair::sent(2);
        say(&mut pair);
        let message = pair.lost().to_string();
        assert!(message.contains(part), "{part}: {message}");
        let frames = pair.receive();
        assert!(frames.contains(&(Kind::RstStream, 0, 1, vec![0, 0, 0, 1])), "{frames:?}");
        // What is on its way still is ignored, and the other goes on.
        pair.say(Kind::Headers, END_HEADERS, 1, OK).say(Kind::Data, END_STREAM, 1, b"late");
        pair.say(Kind::Headers, END_HEADERS | END_STREAM, 3, OK);
        assert_eq!(pair.hear().responses, [correct(1)], "{part}");
    }
}

impl Pair {
    fn answer_with(&mut self, name: &str, value: &str, body: &[u8]) -> &mut Pair {
        let head = block(&[(":status", "200"), (name, value)]);
        self.say(Kind::Headers, END_HEADERS, 1, &head).say(Kind::Data, END_STREAM, 1, body)
    }
}

#[test]
fn what_breaks_the_connection_is_told_by_its_code() {
    let cases: &[(Kind, u8, u32, &[u8], u32)] = &[
        (Kind::Data, 0, 0, b"x", 1),
        (Kind::Data, 0, 2, b"x", 1),
        (Kind::Data, 0, 9, b"x", 1),
        (Kind::Data, PADDED, 1, b"\x02x", 1),
        (Kind::Data, PADDED, 1, b"", 6),
        (Kind::Headers, END_HEADERS, 0, OK, 1),
        (Kind::Headers, END_HEADERS, 9, OK, 1),
        (Kind::Headers, END_HEADERS, 1, &[0xff, 0xff, 0x01], 9),
        (Kind::Headers, END_HEADERS | PRIORITY, 1, &[0, 0, 0, 1, 0, 0x88], 1),
        (Kind::Headers, END_HEADERS | PRIORITY, 1, &[0, 0, 0], 6),
        (Kind::Continuation, END_HEADERS, 1, OK, 1),
        (Kind::Priority, 0, 0, &[0, 0, 0, 1, 0], 1),
        (Kind::Headers, 0, 9, OK, 1),
        (Kind::Priority, 0, 1, &[0; 4], 6),
        (Kind::Priority, 0, 1, &[0, 0, 0, 1, 0], 1),
        (Kind::RstStream, 0, 0, &[0; 4], 1),
        (Kind::RstStream, 0, 9, &[0; 4], 1),
        (Kind::RstStream, 0, 1, &[0; 3], 6),
        (Kind::Settings, 0, 1, &[], 1),
        (Kind::Settings, ACK, 0, &[0; 6], 6),
        (Kind::Settings, 0, 0, &[0; 5], 6),
        (Kind::Settings, 0, 0, &[0, 2, 0, 0, 0, 1], 1),
        (Kind::Settings, 0, 0, &[0, 4, 0x80, 0, 0, 0], 3),
        (Kind::Settings, 0, 0, &[0, 5, 0, 0, 0x3f, 0xff], 1),
        (Kind::Settings, 0, 0, &[0, 5, 1, 0, 0, 0], 1),
        (Kind::PushPromise, END_HEADERS, 1, &[0, 0, 0, 2, 0x82], 1),
        (Kind::Ping, 0, 1, &[0; 8], 1),
        (Kind::Ping, 0, 0, &[0; 7], 6),
        (Kind::GoAway, 0, 1, &[0; 8], 1),
        (Kind::GoAway, 0, 0, &[0; 7], 6),
        (Kind::WindowUpdate, 0, 0, &[0; 4], 1),
        (Kind::WindowUpdate, 0, 9, &[0, 0, 0, 1], 1),
        (Kind::WindowUpdate, 0, 0, &[0; 3], 6),
        (Kind::WindowUpdate, 0, 0, &[0x7f, 0xff, 0xff, 0xff], 3),
    ];
    for case in cases {
        let (kind, flags, stream, payload, code) = *case;
        let mut pair = Pair::sent(1);
        pair.say(kind, flags, stream, payload);
        let (found, message) = pair.broken();
        assert_eq!(found, Code(code), "{case:?}: {message}");
        let farewell = pair.client.farewell(Some(&Http2Fault::Protocol { code: found, what: "" }));
        assert_eq!(farewell[13..], code.to_be_bytes());
    }
}

#[test]
fn what_comes_out_of_order_breaks_the_connection() {
    let mut first = Pair::sent(1);
    first.said.clear();
    first.say(Kind::Ping, 0, 0, &[0; 8]);
    assert!(first.broken().1.contains("not SETTINGS"));
    let mut within = Pair::sent(2);
    within.say(Kind::Headers, 0, 1, OK).say(Kind::Ping, 0, 0, &[0; 8]);
    assert!(within.broken().1.contains("interrupts a header block"));
    let mut other = Pair::sent(2);
    other.say(Kind::Headers, 0, 1, OK).say(Kind::Continuation, END_HEADERS, 3, &[]);
    assert!(other.broken().1.contains("interrupts a header block"));
    let mut twice = Pair::sent(2);
    twice.answer(1, b"").say(Kind::Data, END_STREAM, 1, b"");
    assert_eq!(twice.broken().0, Code::STREAM_CLOSED);
    let mut endless = Pair::sent(1);
    endless.say(Kind::Headers, 0, 1, OK);
    (0..5).for_each(|_| _ = endless.say(Kind::Continuation, 0, 1, &[0; 16_000]));
    assert_eq!(endless.broken().0, Code::ENHANCE_YOUR_CALM);
}

#[test]
fn a_server_of_http1_is_told_as_such_however_its_answer_is_cut() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"<!DOCTYPE HTML>"] {
        for cut in 0..answer.len() {
            let mut pair = Pair::sent(1);
            pair.said = answer.to_vec();
            let end = pair.hear_cut(cut, &Expect::default()).end;
            assert_eq!(end, Some(Unusable::Malformed(Http2Fault::Http1)), "cut at {cut}");
        }
    }
    let mut pair = Pair::sent(1);
    assert_eq!(pair.client.unspoken(), Some(Http2Fault::Silent));
    pair.hear();
    assert_eq!(pair.client.unspoken(), None);
}

proptest! {
    /// Frames of any content and order: what is counted is what was sent, and what is lost.
    #[test]
    fn no_frames_make_a_request_two_or_none(
        frames in proptest::collection::vec(
            (0_u8..11, any::<u8>(), 0_u32..9, proptest::collection::vec(any::<u8>(), 0..40)),
            0..40,
        ),
        cut in 0_usize..2000,
    ) {
        let mut pair = Pair::sent(4);
        for (kind, flags, stream, payload) in frames {
            let header = frame::HEADER_BYTES;
            pair.say(Kind::Other, flags, stream, &payload);
            let at = pair.said.len() - payload.len() - header + 3;
            pair.said[at] = kind;
        }
        let cut = cut.min(pair.said.len());
        let heard = pair.hear_cut(cut, &Expect::default());
        pair.receive();
        let left = pair.client.under_way();
        prop_assert_eq!(heard.responses.len() + heard.lost.len() + left, 4);
        pair.client.disconnect();
        prop_assert_eq!(pair.client.unsent(), left);
    }
}

#[test]
fn requests_given_up_are_gone_and_the_others_stay() {
    let mut pair = Pair::with_bodies(vec![Vec::new(); 3]);
    pair.said.clear();
    pair.say(Kind::Settings, 0, 0, &[0, 3, 0, 0, 0, 1]);
    pair.hear();
    pair.receive();
    assert_eq!(pair.client.sent(), 1);
    pair.client.abandon(1);
    let left: Vec<u64> = pair.client.flights().map(|flight| flight.counter).collect();
    assert_eq!(left, [1, 2]);
    pair.client.disconnect();
    pair.client.restart(77);
    pair.receive();
    assert_eq!(pair.client.oldest().map(|flight| flight.started_ns), Some(77));
    pair.client.abandon(2);
    assert_eq!(pair.client.under_way(), 0);
}
