//! What is recorded against what is known to be true, in virtual time.

use super::*;
use crate::failure::ErrorKind;
use crate::io::READ_BYTES;
use crate::load::Arrivals;
use proptest::prelude::*;
use std::ops::ControlFlow;

use Step::{Close, Exactly, Pause, Read, Repeat, Request as Asked, Send, StandAfter, Until};

const PONG: Step = Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong");
const CLOSE: Step = Send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npong");

fn open(rate_per_second: f64) -> Pacing {
    Pacing::Open { rate_per_second, arrivals: Arrivals::Even, burst: 1 }
}

fn for_seconds(seconds: u64) -> Load {
    Load { extent: Extent::Time(Duration::from_secs(seconds)), ..load() }
}

fn percentile_us(histogram: &Histogram<u64>, percentile: f64) -> u64 {
    histogram.value_at_percentile(percentile) / 1000
}

#[test]
fn a_known_delay_is_what_is_recorded() {
    for connections in [1, 64] {
        let load = Load { connections, ..for_seconds(2) };
        let sample = run_fake(&load, &[&[Asked, Pause(2), PONG, Repeat]]);
        for percentile in [1.0, 50.0, 99.0] {
            let found_us = percentile_us(&sample.response_time_ns, percentile);
            // 64 responses at once queue behind each other at 2 us each.
            let most_us = 2010 + 3 * connections as u64;
            assert!((2000..most_us).contains(&found_us), "c = {connections}: {found_us}");
        }
        let wanted = connections as f64 * 500.0;
        assert!((sample.requests_per_second() / wanted - 1.0).abs() < 0.1);
        assert_eq!(sample.unanswered_ns.len(), connections as u64);
        assert!(sample.unanswered_ns.max() <= 2_300_000);
        assert_eq!(sample.due, sample.requests + connections as u64);
    }
}

/// A server that stands still in the last second of every ten.
fn with_stalls(now_ns: u64) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let within = now_ns % (10 * SECOND);
    if within >= 9 * SECOND { now_ns - within + 10 * SECOND } else { now_ns + 1_000_000 }
}

#[test]
fn an_open_loop_reports_a_stall_as_it_was_and_a_closed_one_cannot() {
    let script: &[Step] = &[Asked, Until(with_stalls), PONG, Repeat];
    let load = Load { pacing: open(1000.0), connections: 16, ..for_seconds(30) };
    let sample = run_fake(&load, &[script]);
    let p99_us = percentile_us(&sample.response_time_ns, 99.0);
    assert!((890_000..910_000).contains(&p99_us), "{p99_us}");
    let p50_us = percentile_us(&sample.response_time_ns, 50.0);
    assert!((1000..1010).contains(&p50_us), "{p50_us}");
    assert_eq!(sample.due, 30_000);
    let service = sample.service_time_ns.as_ref().unwrap();
    assert!(percentile_us(service, 99.0) < 1_200, "only 16 requests saw the stall themselves");
    let closed = run_fake(&Load { connections: 16, ..for_seconds(30) }, &[script]);
    assert!(percentile_us(&closed.response_time_ns, 99.0) < 1_200);
}

#[test]
fn open_loops_send_on_time_and_count_what_was_due() {
    let load = Load { pacing: open(2.5), connections: 3, ..for_seconds(10) };
    let sample = run_fake(&load, &[&[Asked, Pause(1), PONG, Repeat]]);
    assert_eq!((sample.requests, sample.due), (25, 25));
    let lag = sample.engine.schedule_lag_ns.as_ref().unwrap();
    assert_eq!(lag.len(), 25);
    assert!(lag.max() < 20_000, "{}", lag.max());
    assert_eq!(sample.connections_opened, 3);
}

#[test]
fn a_core_that_wakes_late_delays_nothing_at_a_moderate_rate() {
    for hooked in [false, true] {
        let latest_ns = |rate_per_second, busy_poll| {
            let driver = Fake::new(vec![vec![Asked, PONG, Repeat]]).waking_late(60_000);
            let pacing = open(rate_per_second);
            let load = Load { pacing, connections: 8, busy_poll, ..for_seconds(1) };
            run_either(hooked, driver, &load).engine.schedule_lag_ns.unwrap().max()
        };
        assert!(latest_ns(1000.0, false) < 5_000, "{}", latest_ns(1000.0, false));
        // Awake for a tenth of the time, and for more only when asked to.
        let late_ns = latest_ns(5000.0, false);
        assert!((40_000..60_000).contains(&late_ns), "{late_ns}");
        assert!(latest_ns(5000.0, true) < 5_000, "{}", latest_ns(5000.0, true));
    }
}

#[test]
fn an_open_loop_beyond_the_servers_capacity_counts_its_backlog() {
    // One connection, 10 ms a response: 100 of 200 a second.
    let load = Load { pacing: open(200.0), ..for_seconds(2) };
    let sample = run_fake(&load, &[&[Asked, Pause(10), PONG, Repeat]]);
    assert_eq!(sample.due, 400);
    assert!((198..=200).contains(&sample.requests), "{}", sample.requests);
    assert_eq!(sample.requests + sample.unanswered_ns.len(), sample.due);
    let oldest_ms = sample.unanswered_ns.max() / 1_000_000;
    assert!((990..=1020).contains(&oldest_ms), "{oldest_ms}");
    assert!(sample.engine.schedule_lag_ns.unwrap().max() < 10_000_000, "no lag of the engine's");
}

#[test]
fn a_deadline_fires_when_it_passes_not_when_an_answer_comes() {
    let load = Load { timeout: Duration::from_millis(100), ..for_seconds(1) };
    let sample = run_fake(&load, &[&[Asked, Pause(101), PONG, Repeat]]);
    assert_eq!(sample.requests, 0);
    assert_eq!(sample.errors.count(ErrorKind::Timeout), 9);
}

#[test]
fn fresh_connections_include_connecting_and_record_it_apart() {
    let load = Load { connection: ConnectionPolicy::Fresh, ..for_seconds(1) };
    let sample = run_fake(&load, &[&[StandAfter(3), Asked, Pause(2), PONG]]);
    assert_eq!(percentile_us(&sample.response_time_ns, 50.0) / 100, 50);
    assert_eq!(percentile_us(&sample.connect_time_ns, 50.0) / 100, 30);
    assert!((199..=200).contains(&sample.requests), "{}", sample.requests);
    assert_eq!(sample.closed_by_server, 0);
    let kept = run_fake(&for_seconds(1), &[&[StandAfter(3), Asked, Pause(2), PONG, Repeat]]);
    assert!(percentile_us(&kept.response_time_ns, 100.0) < 2100, "keep-alive: without connecting");
}

/// Little's law: response times, the time without a request, and what was still under way at the
/// end make up all the time that the connections had.
#[test]
fn no_time_of_a_connection_is_lost() {
    let closes: &[Step] = &[StandAfter(3), Asked, Pause(2), CLOSE, Close];
    let keeps: &[Step] = &[Asked, Pause(2), PONG, Repeat];
    // All at once: 16 reads of 1 us stand between a response and the next request.
    let together: &[Step] = &[Asked, Until(next_half_millisecond), PONG, Repeat];
    let halves: &[Step] =
        &[Asked, Until(next_half_millisecond), Send(HALF), Pause(1), Send(b"ng"), Repeat];
    let (kept, fresh) = (ConnectionPolicy::KeepAlive, ConnectionPolicy::Fresh);
    let cases = [
        (kept, 4, closes, 0.6),
        (kept, 4, keeps, 0.0),
        (kept, 32, together, 0.032),
        (kept, 32, halves, 0.011),
        (fresh, 4, closes, 0.0),
        (fresh, 4, &[Asked, Pause(2), PONG], 0.0),
    ];
    for (connection, connections, script, idle_share) in cases {
        let load = Load { connection, connections, ..for_seconds(2) };
        let sample = run_fake(&load, &[script]);
        let all_ns = connections as f64 * sample.elapsed_ns as f64;
        let answered_ns = sample.requests as f64 * sample.response_time_ns.mean();
        let accounted = (answered_ns + sample.idle_ns as f64) / all_ns;
        assert!((0.99..=1.005).contains(&accounted), "{connection:?} {script:?}: {accounted}");
        let idle = sample.idle_ns as f64 / all_ns;
        assert!((idle - idle_share).abs() < 0.01, "{connection:?} {script:?}: {idle}");
    }
}

const HALF: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npo";

fn next_half_millisecond(now_ns: u64) -> u64 {
    now_ns.next_multiple_of(500_000)
}

#[test]
fn answers_that_wait_for_an_acknowledgement_are_counted() {
    for (pause_ms, counts) in [(44, true), (5, false)] {
        let script: &[Step] = &[Asked, Send(HALF), Pause(pause_ms), Send(b"ng"), Repeat];
        let load = Load { connections: 4, extent: Extent::Count(20), ..load() };
        let sample = run_fake(&load, &[script]);
        assert_eq!(sample.requests, 20);
        assert_eq!(sample.held_back, if counts { 20 } else { 0 }, "{pause_ms} ms");
    }
}

/// A connection that has sent its share of the requests is idle until the others have.
#[test]
fn a_connection_without_work_is_idle() {
    let load = Load { connections: 2, extent: Extent::Count(4), ..load() };
    let slow: &[Step] = &[Asked, Pause(6), PONG, Repeat];
    let sample = run_fake(&load, &[&[Asked, Pause(2), PONG, Repeat], slow]);
    assert_eq!(sample.requests, 4);
    let answered_ns = sample.requests as f64 * sample.response_time_ns.mean();
    let accounted = (answered_ns + sample.idle_ns as f64) / (2.0 * sample.elapsed_ns as f64);
    assert!((0.98..=1.01).contains(&accounted), "{accounted}");
    let open = Load { pacing: open(100.0), ..for_seconds(1) };
    assert_eq!(run_fake(&open, &[&[Asked, PONG, Repeat]]).idle_ns, 0);
}

/// All responses at once, every 5 ms.
fn next_tick(now_ns: u64) -> u64 {
    now_ns.next_multiple_of(5_000_000)
}

#[test]
fn kernel_time_leaves_the_clients_own_queue_out() {
    let load = Load { connections: 64, kernel_timestamps: true, ..for_seconds(1) };
    let sample = run_fake(&load, &[&[Asked, Until(next_tick), PONG, Repeat]]);
    let kernel = sample.kernel_time_ns.unwrap();
    assert_eq!(kernel.len(), sample.requests);
    // The last of 64 is read and sent again 64 times 2 us after the tick: its server has less
    // time, and its client sees the same as the others, 5 ms but for 16 reads before a request.
    assert!(percentile_us(&kernel, 5.0) < 4_890, "{}", percentile_us(&kernel, 5.0));
    assert!(percentile_us(&sample.response_time_ns, 5.0) >= 4_980);
}

#[test]
fn pipelined_requests_go_out_together_and_survive_an_announced_close() {
    let load = Load { pipeline: 4, extent: Extent::Count(40), ..load() };
    let all: &[Step] = &[Asked, Asked, Asked, Asked, PONG, PONG, PONG, PONG, Repeat];
    let sample = run_fake(&load, &[all]);
    assert_eq!((sample.requests, sample.errors.total(), sample.connections_opened), (40, 0, 1));
    // Two responses of four, then the server closes: the others are sent again.
    let two: &[Step] = &[Asked, Asked, Asked, Asked, PONG, CLOSE, Close];
    let sample = run_fake(&load, &[two, two, all]);
    assert_eq!((sample.requests, sample.errors.total()), (40, 0));
    assert_eq!((sample.due, sample.closed_by_server), (40, 2));
}

/// Requests that differ, of several connections, sent together and in pieces.
#[test]
fn each_connection_sends_its_own_requests() {
    const SCRIPTS: [&[Step]; 3] = [
        &[Exactly(b"GET /0 HTTP/1.1\r\nHost: h\r\n\r\n"), Until(next_tick), PONG, NEXT_3, PONG],
        &[Exactly(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"), Until(next_tick), PONG, NEXT_4, PONG],
        &[Exactly(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"), Until(next_tick), PONG, NEXT_5, PONG],
    ];
    const NEXT_3: Step = Exactly(b"GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    const NEXT_4: Step = Exactly(b"GET /4 HTTP/1.1\r\nHost: h\r\n\r\n");
    const NEXT_5: Step = Exactly(b"GET /5 HTTP/1.1\r\nHost: h\r\n\r\n");
    let url = Url::parse("http://h/{{counter}}").unwrap();
    let request = Request::template("GET", &url, &[], b"", &[]).unwrap();
    for room_bytes in [usize::MAX, 7] {
        let load = Load {
            requests: vec![(request.clone(), 1)],
            connections: 3,
            extent: Extent::Count(6),
            ..load()
        };
        let scripts = SCRIPTS.iter().map(|script| script.to_vec()).collect();
        let sample = run_on(Fake::new(scripts).with_small_calls(room_bytes, usize::MAX), &load);
        assert_eq!((sample.requests, sample.errors.total()), (6, 0), "{room_bytes}");
    }
}

/// Responses of many reads, under way when the time is up: no byte is lost, and each last response
/// is heard out.
#[test]
fn long_answers_at_the_end_are_heard_out() {
    let long: &[Step] = &[Asked, Until(next_tick), Send(&LONG), Repeat];
    for end_us in 50_000..50_100 {
        let load =
            Load { connections: 4, extent: Extent::Time(Duration::from_micros(end_us)), ..load() };
        let fake = Fake::new(vec![long.to_vec()]);
        let (clock, cut_off) = (fake.now_ns.clone(), fake.cut_off.clone());
        let begin_ns = clock.get();
        let sample = run_on(fake, &load);
        assert_eq!(sample.drained, sample.unanswered_ns.len(), "{end_us}");
        assert_eq!((sample.errors.total(), cut_off.get()), (0, 0), "{end_us}");
        assert!(clock.get() - begin_ns < 100_000_000, "nobody waited in vain");
    }
}

/// A response of several buffers.
static LONG: [u8; 3 * READ_BYTES] =
    beginning_with(b"HTTP/1.1 200 OK\r\nContent-Length: 196565\r\n\r\n");

/// A response that fills the buffer to the last byte.
static FULL: [u8; READ_BYTES] = beginning_with(b"HTTP/1.1 200 OK\r\nContent-Length: 65494\r\n\r\n");

#[test]
fn a_full_buffer_does_not_end_the_conversation() {
    let load = Load { extent: Extent::Count(3), ..load() };
    let sample = run_fake(&load, &[&[Asked, Pause(1), Send(&FULL), Repeat]]);
    assert_eq!((sample.requests, sample.errors.total(), sample.connections_opened), (3, 0, 1));
}

#[test]
fn a_large_body_is_sent_in_pieces_and_may_be_refused_early() {
    let url = Url::parse("http://h/").unwrap();
    let request = Request::new("POST", &url, &[], &vec![b'x'; 100_000]).unwrap();
    let bytes = request.bytes().len();
    let load = Load { extent: Extent::Count(2), timeout: Duration::from_secs(1), ..load() };
    let load = Load { requests: vec![(request, 1)], ..load };
    // The script's size must be known at compile time: head of 52 bytes.
    assert_eq!(bytes, 100_052);
    let reads: &[Step] = &[Read(100_052), PONG, Repeat];
    let fake = Fake::new(vec![reads.to_vec()]).with_small_calls(10_000, 4096);
    let sample = run_on(fake, &load);
    assert_eq!((sample.requests, sample.errors.total(), sample.connections_opened), (2, 0, 1));
    let refuses: &[Step] = &[Read(10_000), CLOSE, Close];
    let fake = Fake::new(vec![refuses.to_vec()]).with_small_calls(10_000, 4096);
    let sample = run_on(fake, &load);
    assert_eq!((sample.requests, sample.errors.total()), (2, 0));
}

#[test]
fn a_ramp_opens_connections_one_after_another() {
    let load = Load { connections: 10, ramp: Duration::from_secs(1), ..for_seconds(2) };
    for hooked in [false, true] {
        let fake = Fake::new(vec![vec![Asked, Pause(10), PONG, Repeat]]);
        let ticks = &run_either(hooked, fake, &load).ticks[0];
        // Half of the full rate on the average in the first second.
        let first: u32 = ticks[..10].iter().sum();
        let second: u32 = ticks[10..].iter().sum();
        assert!((530..=560).contains(&first) && (970..=1010).contains(&second), "{ticks:?}");
    }
}

#[test]
fn batching_naps_only_where_many_requests_are_under_way() {
    for (connections, naps, hooked) in
        [(4, false, false), (32, true, false), (4, false, true), (32, true, true)]
    {
        let load = Load { connections, batch: true, ..for_seconds(1) };
        let fake = Fake::new(vec![vec![Asked, Pause(1), PONG, Repeat]]);
        let counted = std::rc::Rc::clone(&fake.naps);
        let sample = run_either(hooked, fake, &load);
        assert_eq!(counted.get() > 0, naps, "{connections} connections");
        assert!(sample.requests > 0);
    }
}

#[test]
fn an_idle_connection_that_the_server_closes_is_made_anew_when_needed() {
    // One request every 100 ms; the server closes after 50 ms of idleness.
    let load = Load { pacing: open(10.0), ..for_seconds(1) };
    let sample = run_fake(&load, &[&[Asked, PONG, Pause(50), Close]]);
    assert_eq!((sample.requests, sample.errors.total()), (10, 0));
    assert_eq!((sample.connections_opened, sample.closed_by_server), (10, 10));
}

/// What a load of so many requests allocates while it runs against a null server.
pub(super) fn allocations(load: &Load, count: u64) -> u64 {
    let server = crate::null_server::NullServer::start(&Default::default()).unwrap();
    let load = Load {
        address: server.address().clone(),
        extent: Extent::Count(count),
        connections: 10,
        ..load.clone()
    };
    let driver = crate::io::Epoll::new(&load.address, true).unwrap();
    seated(&load, |seat| {
        let job = job(seat, driver);
        let used = allocation_counter::measure(|| {
            assert_eq!(job().unwrap().requests, count);
        });
        used.count_total
    })
}

#[test]
fn more_requests_allocate_nothing_more() {
    for pacing in [Pacing::Closed, open(100_000.0)] {
        let load = Load { pacing, kernel_timestamps: true, ..load() };
        assert_eq!(allocations(&load, 100), allocations(&load, 5_000), "{pacing:?}");
    }
}

/// Responses come without a pause, so that the time is found to be up when one has been read.
#[test]
fn nobody_waits_for_an_answer_that_was_read() {
    let load = Load { connections: 4, ..for_seconds(1) };
    let fake = Fake::new(vec![vec![Asked, PONG, Repeat]]);
    let (now_ns, cut_off) = (std::rc::Rc::clone(&fake.now_ns), std::rc::Rc::clone(&fake.cut_off));
    let begin_ns = now_ns.get();
    run_on(fake, &load);
    assert_eq!(cut_off.get(), 0);
    let took_ns = now_ns.get() - begin_ns;
    // Connections are watched for 20 ms more, for what no request was sent for.
    assert!((1_020_000_000..1_021_000_000).contains(&took_ns), "{took_ns}");
}

/// A server whose last responses meet closed connections sees errors that no user makes.
#[test]
fn the_last_answers_are_heard_out_and_not_counted() {
    let late = vec![Asked, Pause(7), PONG, Repeat];
    let never = vec![Asked, Pause(2_500), PONG, Repeat];
    let until_close = vec![Asked, Pause(7), Send(b"HTTP/1.0 200 OK\r\n\r\npong"), Close];
    for (script, pipeline, cut_off) in
        [(late.clone(), 1, 0), (late, 3, 0), (until_close, 1, 0), (never, 1, 4)]
    {
        let load = Load { connections: 4, pipeline, ..for_seconds(1) };
        let fake = Fake::new(vec![script]);
        let counted = std::rc::Rc::clone(&fake.cut_off);
        let sample = run_on(fake, &load);
        assert_eq!(counted.get(), cut_off);
        let under_way = 4 * pipeline as u64;
        assert_eq!(sample.unanswered_ns.len(), under_way);
        assert_eq!(sample.drained, under_way - cut_off);
        assert_eq!(sample.due, sample.requests + sample.unanswered_ns.len());
        assert_eq!(sample.elapsed_ns, 1_000_000_000);
    }
}

#[test]
fn a_stop_ends_the_run_at_once_with_what_was_measured() {
    let mut load = for_seconds(3600);
    let server = crate::null_server::NullServer::start(&Default::default()).unwrap();
    load.address = server.address().clone();
    load.observe_every = Duration::from_millis(1);
    let mut last = None;
    let sample = crate::team::run(&load, &mut |progress| {
        last = Some(*progress);
        if progress.responses > 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert!(sample.requests >= last.unwrap().responses && last.unwrap().responses > 10);
    assert!(sample.elapsed_ns < 60_000_000_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn small_calls_change_no_count(room in 1_usize..80, read in 1_usize..80, pipeline in 1_usize..5) {
        let chunked: &[Step] = &[
            Asked,
            Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npong\r\n0\r\n\r\n"),
            Repeat,
        ];
        let load = Load { extent: Extent::Count(50), connections: 3, pipeline, ..load() };
        let fake = Fake::new(vec![chunked.to_vec()]).with_small_calls(room, read);
        let sample = run_on(fake, &load);
        prop_assert_eq!((sample.requests, sample.errors.total()), (50, 0));
        prop_assert_eq!(sample.response_time_ns.len(), 50);
    }
}
