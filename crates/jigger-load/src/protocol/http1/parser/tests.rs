//! Responses at every split of their bytes, and shapes that no response may have.

use super::*;
use proptest::prelude::*;

/// Everything the parser says about a stream, in a form that does not depend on the splits.
#[derive(Debug, PartialEq)]
struct Reading {
    answers: Vec<(Head, Vec<u8>, bool)>,
    error: Option<Malformed>,
    open: bool,
}

fn read(stream: &[u8], cuts: &[usize], to_head: bool, memo: &mut Memo) -> Reading {
    let mut parser = Parser::default();
    let mut reading = Reading { answers: Vec::new(), error: None, open: false };
    let mut edges = vec![0];
    edges.extend(cuts.iter().map(|cut| cut % (stream.len() + 1)));
    edges.push(stream.len());
    edges.sort_unstable();
    for pair in edges.windows(2) {
        let mut input = &stream[pair[0]..pair[1]];
        loop {
            match parser.next(&mut input, to_head, memo) {
                Ok(Event::Head(head)) => reading.answers.push((head, Vec::new(), false)),
                Ok(Event::Data(piece)) => {
                    assert!(!piece.is_empty());
                    reading.answers.last_mut().unwrap().1.extend_from_slice(piece);
                }
                Ok(Event::End) => reading.answers.last_mut().unwrap().2 = true,
                Ok(Event::More) => break,
                Err(error) => {
                    reading.error = Some(error);
                    return reading;
                }
            }
        }
    }
    reading.open = parser.is_within_response();
    if parser.close_completes() {
        reading.answers.last_mut().unwrap().2 = true;
    }
    reading
}

fn whole(stream: &[u8], to_head: bool) -> Reading {
    read(stream, &[], to_head, &mut Memo::default())
}

/// (stream, bodies of the responses it holds, whether the last keeps the connection).
const GOOD: &[(&str, &[&str], bool)] = &[
    ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong", &["pong"], true),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &[""], true),
    ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", &[""], true),
    ("HTTP/1.1 200 OK\r\ncontent-length:4\r\nConnection: foo, Close\r\n\r\npong", &["pong"], false),
    ("HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\npong", &["pong"], false),
    ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx", &["x"], true),
    ("HTTP/1.1 200 OK\r\n\r\nuntil close", &["until close"], false),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nzz", &["zz"], false),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npong\r\n0\r\n\r\n",
        &["pong"],
        true,
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: , Chunked\r\n\r\n\
         A;x=\"y;z\";n\r\n0123456789\r\n002 ;e\r\nab\r\n0;last\r\nTrailer: 1\r\nB: 2\r\n\r\n",
        &["0123456789ab"],
        true,
    ),
    (
        "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        &["", ""],
        true,
    ),
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        &["ok"],
        true,
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno\
         HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n!",
        &["ok", "no", "!"],
        true,
    ),
    ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 1\r\n\r\n!", &["!"], true),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         00000000000000000004\r\npong\r\n0000\r\nA:\r\nB: c\r\n\td\r\n\r\n",
        &["pong"],
        true,
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 00000000000000000000004\r\n\r\npong", &["pong"], true),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 04\r\n\r\npong\
         HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\npong",
        &["pong", "pong"],
        true,
    ),
    // What ends with its head may say anything about its body.
    (
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
         HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n\
         HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
        &["", "", ""],
        true,
    ),
    ("HTTP/1.1 999 Denied\r\nContent-Length: 2\r\n\r\nno", &["no"], true),
];

const BAD: &[(&str, Malformed)] = &[
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\npong",
        Malformed::TwoLengths,
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 4, 5\r\n\r\npong", Malformed::TwoLengths),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 4, 5, 4\r\nContent-Length: 4\r\n\r\npong",
        Malformed::TwoLengths,
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 4,\r\n\r\npong", Malformed::BadLength),
    ("HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\npong", Malformed::BadLength),
    ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\npong", Malformed::BadLength),
    ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", Malformed::BadLength),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        Malformed::LengthAndEncoding,
    ),
    ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Malformed::BadEncoding),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", Malformed::BadEncoding),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", Malformed::BadEncoding),
    ("HTTP/1.1 101 Switching Protocols\r\n\r\n", Malformed::Switched),
    ("HTTP/1.1 042 What\r\n\r\n", Malformed::Status(42)),
    ("HTTP/2.0 200 OK\r\n\r\n", Malformed::Head(httparse::Error::Version)),
    ("\0\0\u{c}\u{4}\0\0\0\0\0\0\u{3}", Malformed::Http2),
    ("\u{16}\u{3}\u{1}garbage", Malformed::Tls),
    (
        "HTTP/1.1 200 OK\r\nContent-Length : 4\r\n\r\npong",
        Malformed::Head(httparse::Error::HeaderName),
    ),
];

const BAD_CHUNKS: &[&str] = &[
    "\r\n",
    "g\r\n",
    "-1\r\n",
    "4\npong",
    "4;x\npong",
    "4\rx",
    "4\r\npongX",
    "4\r\npong\rX",
    "1234567890abcdef1\r\n",
    "0\r\nA: b\nC",
    "0\r\n\rX",
    "4 x\r\n",
    "0\r\nA: b\rX",
    "4;x\0\r\n",
    "4;x\n",
    // The rest of a body of which a part was lost is no trailer.
    "6\r\nhello \r\n0\r\nworld\r\n5\r\n\r\n",
    "0\r\n world\r\n\r\n",
    "0\r\n\tworld: x\r\n\r\n",
    "0\r\n: x\r\n\r\n",
    "0\r\nA : x\r\n\r\n",
    "0\r\nA(: x\r\n\r\n",
    "0\r\nA: x\0\r\n\r\n",
    "0\r\nA: x\n\r\n",
    "0\r\n\0\r\n\r\n",
    "0\r\nHTTP/1.1 200 OK\r\n\r\n",
];

#[test]
fn good_streams_are_read_at_every_split() {
    for (stream, bodies, keeps_alive) in GOOD {
        let stream = stream.as_bytes();
        let expected = whole(stream, false);
        let found: Vec<&[u8]> = expected.answers.iter().map(|answer| &answer.1[..]).collect();
        let wanted: Vec<&[u8]> = bodies.iter().map(|body| body.as_bytes()).collect();
        assert_eq!(found, wanted, "{}", String::from_utf8_lossy(stream));
        assert!(expected.answers.iter().all(|answer| answer.2), "{expected:?}");
        assert_eq!(expected.answers.last().unwrap().0.keeps_alive, *keeps_alive);
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let split = read(stream, &[first, second], false, &mut Memo::default());
                assert_eq!(split, expected, "split at {first} and {second}");
            }
        }
    }
}

#[test]
fn bad_streams_are_errors_at_every_split() {
    for (stream, error) in BAD {
        let stream = stream.as_bytes();
        for cut in 0..=stream.len() {
            let reading = read(stream, &[cut], false, &mut Memo::default());
            assert_eq!(reading.error, Some(*error), "{}", String::from_utf8_lossy(stream));
        }
    }
    for body in BAD_CHUNKS {
        let stream = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        let error = whole(stream.as_bytes(), false).error;
        assert!(matches!(error, Some(Malformed::Chunk(_))), "{body:?}: {error:?}");
    }
}

#[test]
fn an_answer_to_head_has_no_body() {
    let stream = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n";
    let both = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(whole(both, true).error, None);
    let memo = &mut Memo::default();
    let with_memo = [read(stream, &[], true, memo), read(stream, &[], true, memo)];
    for reading in with_memo {
        assert!(reading.answers[0].2 && reading.error.is_none());
    }
    assert!(!read(stream, &[], false, memo).answers[0].2, "a GET still waits for the body");
}

#[test]
fn endless_heads_are_refused() {
    let mut stream = b"HTTP/1.1 200 OK\r\n".to_vec();
    while stream.len() < 1 << 20 {
        stream.extend_from_slice(b"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    }
    let cuts: Vec<usize> = (0..stream.len()).step_by(1000).collect();
    assert_eq!(
        read(&stream, &cuts, false, &mut Memo::default()).error,
        Some(Malformed::HeadTooLong)
    );
    assert_eq!(whole(&stream, false).error, Some(Malformed::HeadTooLong));
}

#[test]
fn a_head_may_have_as_many_fields_as_it_has_room_for() {
    for count in [127, 128, 129, 1_000, HEAD_MAX_BYTES / 4 - 12] {
        let fields = "x:\r\n".repeat(count);
        let stream = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 4\r\n\r\npong");
        let reading = whole(stream.as_bytes(), false);
        assert_eq!(reading.error, None, "{count} fields");
        assert_eq!(reading.answers[0].1, b"pong");
        assert_eq!(fields_of(&stream).len(), count + 1);
    }
}

fn fields_of(head: &str) -> Vec<(String, String)> {
    fields(head.as_bytes())
}

#[test]
fn endless_chunk_extensions_and_trailers_are_refused() {
    for begin in ["4;", "0\r\nX: "] {
        let stream = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{begin}{}",
            "x".repeat(HEAD_MAX_BYTES)
        );
        let error = whole(stream.as_bytes(), false).error;
        assert_eq!(error, Some(Malformed::Chunk("its size lines or trailers are too long")));
    }
}

#[test]
fn a_remembered_head_reads_as_a_parsed_one() {
    let memo = &mut Memo::default();
    for (stream, _, _) in GOOD {
        let fresh = whole(stream.as_bytes(), false);
        assert_eq!(read(stream.as_bytes(), &[], false, memo), fresh);
        assert_eq!(read(stream.as_bytes(), &[], false, memo), fresh, "the second time");
    }
}

#[test]
fn fields_are_listed() {
    let head = b"HTTP/1.0 200 OK\r\nA: b\r\nC: \xff\r\n\r\n";
    let listed = fields(head);
    assert_eq!(listed[0], ("A".to_owned(), "b".to_owned()));
    assert_eq!(listed[1].1, "\u{fffd}");
    assert_eq!(version(head), "HTTP/1.0");
}

fn arbitrary_stream() -> impl Strategy<Value = Vec<u8>> {
    let chunk = "[a-z\r\n]{1,30}".prop_map(|text| format!("{:x};q\r\n{text}\r\n", text.len()));
    let chunked = proptest::collection::vec(chunk, 0..4).prop_map(|chunks| {
        let body = chunks.concat();
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\nT: x\r\n\r\n")
    });
    let sized = "[ -~\r\n]{0,60}".prop_map(|body| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    });
    let answers = proptest::collection::vec(prop_oneof![chunked, sized], 1..4)
        .prop_map(|answers| answers.concat().into_bytes());
    // One byte overwritten: mostly garbage that looks like a response.
    let mutated =
        (answers.clone(), any::<usize>(), any::<u8>()).prop_map(|(mut bytes, at, byte)| {
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes
        });
    prop_oneof![answers, mutated, proptest::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #[test]
    fn splits_never_change_the_reading(
        stream in arbitrary_stream(),
        cuts in proptest::collection::vec(any::<usize>(), 0..12),
        to_head: bool,
    ) {
        let one = whole(&stream, to_head);
        let bytewise: Vec<usize> = (0..stream.len()).collect();
        let memo = &mut Memo::default();
        prop_assert_eq!(&read(&stream, &cuts, to_head, memo), &one);
        prop_assert_eq!(&read(&stream, &bytewise, to_head, memo), &one);
        prop_assert_eq!(&read(&stream, &cuts, to_head, memo), &one);
    }
}
