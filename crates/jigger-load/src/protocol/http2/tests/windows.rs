//! Bodies within the windows of both sides, streams within their number, blocks within their frames.

use super::*;

#[test]
fn bodies_keep_to_the_windows_and_the_longest_frame() {
    let body: Vec<u8> = (0..200_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mut pair = Pair::with_bodies(vec![body.clone(), body[..10].to_vec()]);
    let data = |frames: &[(Kind, u8, u32, Vec<u8>)], id: u32| -> Vec<u8> {
        let of = frames.iter().filter(|frame| frame.0 == Kind::Data && frame.2 == id);
        of.flat_map(|(.., payload)| payload.clone()).collect()
    };
    let first = pair.receive();
    assert!(first.iter().all(|(.., payload)| payload.len() <= 16_384));
    let mut sent = data(&first, 1);
    assert_eq!((sent.len(), data(&first, 3).len()), (65_535, 0), "the connection's window");
    assert!(!pair.client.is_due());
    pair.say(Kind::WindowUpdate, 0, 0, &50_000_u32.to_be_bytes());
    assert_eq!(pair.hear().end, None);
    let frames = pair.receive();
    assert_eq!(
        (data(&frames, 1).len(), data(&frames, 3).len()),
        (0, 10),
        "the stream's is used up"
    );
    let larger = [&[0, 4][..], &100_000_u32.to_be_bytes()].concat();
    pair.say(Kind::Settings, 0, 0, &larger);
    pair.hear();
    sent.extend(data(&pair.receive(), 1));
    assert_eq!(sent.len(), 100_000);
    let smaller = [&[0, 4][..], &10_u32.to_be_bytes()].concat();
    pair.say(Kind::Settings, 0, 0, &smaller);
    pair.say(Kind::WindowUpdate, 0, 0, &1_000_000_u32.to_be_bytes());
    pair.say(Kind::WindowUpdate, 0, 1, &99_990_u32.to_be_bytes());
    pair.hear();
    assert!(data(&pair.receive(), 1).is_empty(), "a window may be negative");
    pair.say(Kind::WindowUpdate, 0, 1, &1_000_000_u32.to_be_bytes());
    pair.hear();
    let last = pair.receive();
    sent.extend(data(&last, 1));
    assert_eq!(last.last().map(|frame| frame.1), Some(END_STREAM));
    assert!(sent == body);
}

#[test]
fn no_more_streams_than_the_server_allows() {
    let mut pair = Pair::with_bodies(vec![Vec::new(); 3]);
    pair.said.clear();
    pair.say(Kind::Settings, 0, 0, &[0, 3, 0, 0, 0, 2]);
    pair.hear();
    let opened = |pair: &mut Pair| {
        let frames = pair.receive();
        frames
            .iter()
            .filter(|frame| frame.0 == Kind::Headers)
            .map(|frame| frame.2)
            .collect::<Vec<_>>()
    };
    assert_eq!(opened(&mut pair), [1, 3]);
    assert_eq!((pair.client.sent(), pair.client.unsent(), pair.client.is_due()), (2, 1, false));
    pair.answer(3, b"");
    pair.hear();
    assert_eq!(opened(&mut pair), [5]);
    assert_eq!(Http2::peer(&pair.memory).unwrap().max_concurrent_streams, Some(2));
    let mut many = Pair::sent(150);
    assert_eq!(many.client.sent(), 100, "before the server's SETTINGS");
    many.hear();
    many.receive();
    assert_eq!(many.client.sent(), 150);
}

#[test]
fn a_window_of_a_stream_that_is_wrong_costs_the_stream() {
    for (more, code) in [([0; 4], 1_u8), ([0x7f, 0xff, 0xff, 0xff], 3)] {
        let mut pair = Pair::sent(2);
        pair.say(Kind::WindowUpdate, 0, 1, &more);
        assert_eq!(pair.lost().code(), Code(code.into()));
        assert!(pair.receive().contains(&(Kind::RstStream, 0, 1, vec![0, 0, 0, code])));
    }
}

#[test]
fn windows_are_returned_when_half_of_them_is_used() {
    let mut pair = Pair::sent(2);
    pair.hear();
    pair.receive();
    pair.say(Kind::Headers, END_HEADERS, 1, OK);
    let piece = vec![0; 16 << 10];
    let times = (1 << 29) / (16 << 10);
    for number in 0..times {
        assert!(!pair.client.is_due(), "{number} of {times}");
        pair.say(Kind::Data, 0, 1, &piece);
        pair.hear();
    }
    let wanted = [0, 1].map(|id| (Kind::WindowUpdate, 0, id, (1_u32 << 29).to_be_bytes().to_vec()));
    assert_eq!(pair.receive(), wanted);
}

#[test]
fn late_requests_are_given_up_alone_and_a_body_that_is_not_wanted_is_not_sent() {
    let mut pair = Pair::with_bodies(vec![vec![b'x'; 100_000], Vec::new()]);
    pair.receive();
    assert_eq!(pair.client.cancel(0).map(|flight| flight.counter), Some(0));
    assert_eq!(pair.client.cancel(0), None, "the other began later");
    assert_eq!(pair.receive(), [(Kind::RstStream, 0, 1, vec![0, 0, 0, 8])]);
    let mut early = Pair::with_bodies(vec![vec![b'x'; 100_000]]);
    early.receive();
    early.answer(1, b"no");
    assert_eq!(early.hear().responses, [correct(0)]);
    let frames = early.receive();
    assert_eq!(frames.last(), Some(&(Kind::RstStream, 0, 1, vec![0, 0, 0, 8])));
    assert_eq!(early.client.under_way(), 0);
}

#[test]
fn a_header_block_longer_than_a_frame_goes_on_in_others() {
    struct Long;
    impl Requests for Long {
        fn header_block(&mut self, _: &Flight, encoder: &mut Encoder, out: &mut Vec<u8>) {
            encoder.field(0, &Literal::new(b"x", &[b'y'; 40_000]), out);
        }

        fn body(&mut self, _: &Flight) -> &[u8] {
            b"body"
        }
    }
    let mut client = Http2::new(1, u64::MAX);
    client.begin(flight(0, 0));
    let mut out = Vec::new();
    client.lay_out(&mut Long, &mut out);
    let (mut reader, mut input) = (Reader::default(), &out[24..]);
    let (mut seen, mut block) = (Vec::new(), Vec::new());
    while let Some(frame) = reader.next(&mut input).unwrap() {
        seen.push((frame.kind, frame.flags));
        if matches!(frame.kind, Kind::Headers | Kind::Continuation) {
            block.extend_from_slice(frame.payload);
        }
    }
    let wanted = [
        (Kind::Headers, 0),
        (Kind::Continuation, 0),
        (Kind::Continuation, END_HEADERS),
        (Kind::Data, END_STREAM),
    ];
    assert_eq!(seen[2..], wanted);
    let mut bytes = 0;
    Decoder::default().decode(&block, |_, value| bytes += value.len()).unwrap();
    assert_eq!(bytes, 40_000);
}
