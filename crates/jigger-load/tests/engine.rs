//! The engine as its callers use it, against the null server over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jigger_load::hooks::{Batch, HookAction, Hooks, WholeResponse};
use jigger_load::{
    Address, Arrivals, BodyRule, ConnectionPolicy, ErrorKind, Expect, Extent, Load, LoadError,
    NullOptions, NullServer, Pacing, Request, Sample, Snapshots, Url, ceiling, run, run_with_hooks,
};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn start(options: &NullOptions) -> NullServer {
    NullServer::start(options).unwrap()
}

fn get() -> Request {
    Request::get(&Url::parse("http://localhost/").unwrap())
}

fn pong() -> Expect {
    Expect { status: Some(200), body: BodyRule::Exact(Arc::from(&b"pong"[..])) }
}

fn count(server: &NullServer, requests: u64) -> Load {
    let extent = Extent::Count(requests);
    Load { extent, expect: pong(), ..Load::new(server.address().clone(), get()) }
}

fn measure(load: &Load) -> Sample {
    run(load, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// Every request gets its correct response and is counted once wherever it is counted.
fn assert_whole(sample: &Sample, requests: u64) {
    assert_eq!(sample.errors.total(), 0, "{:?}", sample.errors);
    assert_eq!((sample.requests, sample.due), (requests, requests));
    assert_eq!(sample.response_time_ns.len(), requests);
    assert_eq!(sample.status.get(&200), Some(&requests));
    let ticks: u32 = sample.ticks.iter().flatten().sum();
    assert_eq!(u64::from(ticks), requests);
    assert_eq!(sample.unanswered_ns.len(), 0);
    assert!(sample.engine.cpu_ns > 0 && sample.elapsed_ns > 0);
}

#[test]
fn whoever_asks_sees_what_was_counted_so_far() {
    let server = start(&NullOptions::default());
    let snapshots = Arc::new(Snapshots::new(2));
    let load = Load {
        threads: 2,
        connections: 2,
        extent: Extent::Time(Duration::from_secs(60)),
        observe_every: Duration::from_millis(1),
        snapshots: Some(Arc::clone(&snapshots)),
        ..count(&server, 1)
    };
    let mut seen = Vec::new();
    let sample = run(&load, &mut |_| {
        seen.push(snapshots.latest().response_time_ns.len());
        snapshots.request();
        let is_growing = seen.iter().filter(|count| **count > 0).count() > 2;
        if is_growing { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let sample = sample.unwrap();
    assert!(seen.is_sorted() && *seen.last().unwrap() <= sample.requests, "{seen:?}");
    let latest = snapshots.latest();
    assert_eq!(latest.status.get(&200), Some(&latest.response_time_ns.len()));
}

#[test]
fn every_kind_of_address_is_reached() {
    let directory = tempfile::tempdir().unwrap();
    for address in [
        Address::Tcp("127.0.0.1:0".parse().unwrap()),
        Address::Tcp("[::1]:0".parse().unwrap()),
        Address::Unix(directory.path().join("socket")),
    ] {
        let server = start(&NullOptions { address: address.clone(), ..NullOptions::default() });
        for connection in [ConnectionPolicy::KeepAlive, ConnectionPolicy::Fresh] {
            let sample = measure(&Load { connection, connections: 3, ..count(&server, 200) });
            assert_whole(&sample, 200);
            let opened = if connection == ConnectionPolicy::Fresh { 200 } else { 3 };
            assert_eq!((sample.connections_opened, sample.closed_by_server), (opened, 0));
            assert_eq!(sample.connect_time_ns.len(), opened);
        }
    }
    assert!(!directory.path().join("socket").exists(), "the socket is removed");
}

#[test]
fn threads_share_connections_and_requests() {
    let server = start(&NullOptions { threads: 2, ..NullOptions::default() });
    let sample = measure(&Load { threads: 3, connections: 7, ..count(&server, 1000) });
    assert_whole(&sample, 1000);
    assert_eq!((sample.ticks.len(), sample.connections_opened), (3, 7));
}

#[test]
fn pipelining_batching_and_kernel_timestamps_change_no_count() {
    let server = start(&NullOptions::default());
    let sample = measure(&Load { pipeline: 8, connections: 4, ..count(&server, 2000) });
    assert_whole(&sample, 2000);
    let sample = measure(&Load { batch: true, connections: 32, ..count(&server, 5000) });
    assert_whole(&sample, 5000);
}

#[test]
fn the_kernels_time_is_within_the_clients() {
    let server = start(&NullOptions::default());
    let load = Load { kernel_timestamps: true, connections: 8, ..count(&server, 2000) };
    let sample = measure(&load);
    assert_whole(&sample, 2000);
    let kernel = sample.kernel_time_ns.unwrap();
    assert_eq!(kernel.len(), 2000);
    let response = &sample.response_time_ns;
    for quantile in [0.1, 0.5, 0.9] {
        let (kernel, response) =
            (kernel.value_at_quantile(quantile), response.value_at_quantile(quantile));
        assert!(kernel <= response, "{kernel} ns by the kernel, {response} ns by the client");
    }
    assert!(kernel.value_at_quantile(0.5) > 500, "no answer takes less than a microsecond or so");
}

#[test]
fn all_methods_bodies_and_templates_are_answered() {
    let server = start(&NullOptions::default());
    let url = Url::parse("http://localhost/item/{{counter}}?q={{random:1:1000}}").unwrap();
    let text = |text: &str| text.to_owned();
    let post = Request::template(
        "POST",
        &url,
        &[(text("X-Line"), text("{{line}}"))],
        b"{\"id\": {{counter}}}",
        &[text("a"), text("bcd")],
    );
    let plain = Url::parse("http://localhost/").unwrap();
    let large = Request::new("PUT", &plain, &[], &vec![b'x'; 300_000]).unwrap();
    let requests = vec![
        (post.unwrap(), 5),
        (Request::new("HEAD", &plain, &[], b"").unwrap(), 2),
        (Request::new("DELETE", &plain, &[], b"").unwrap(), 1),
        (large, 1),
        (get(), 3),
    ];
    for pipeline in [1, 4] {
        let load = Load { requests: requests.clone(), connections: 5, ..count(&server, 1000) };
        assert_whole(&measure(&Load { pipeline, ..load }), 1000);
    }
}

#[test]
fn open_loops_send_what_is_due() {
    let server = start(&NullOptions::default());
    for (arrivals, burst, threads) in
        [(Arrivals::Even, 1, 1), (Arrivals::Even, 5, 2), (Arrivals::Exponential, 1, 2)]
    {
        let pacing = Pacing::Open { rate_per_second: 2000.0, arrivals, burst };
        let load = Load { pacing, connections: 10, threads, ..count(&server, 400) };
        let sample = measure(&load);
        assert_whole(&sample, 400);
        assert_eq!(sample.service_time_ns.as_ref().unwrap().len(), 400);
        let late = sample.engine.schedule_lag_ns.as_ref().unwrap();
        assert!(late.len() <= 400 && !late.is_empty());
        assert!(sample.elapsed_ns > 100_000_000, "400 requests at 2000/s take about 0.2 s");
    }
}

#[test]
fn a_run_by_time_ends_on_time_and_shows_its_progress() {
    let server = start(&NullOptions::default());
    let load = Load {
        extent: Extent::Time(Duration::from_millis(250)),
        observe_every: Duration::from_millis(10),
        connections: 4,
        ..count(&server, 1)
    };
    let mut seen = Vec::new();
    let sample = run(&load, &mut |progress| {
        seen.push(*progress);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(sample.elapsed_ns, 250_000_000);
    assert_eq!(sample.requests + sample.unanswered_ns.len(), sample.due);
    assert!(sample.unanswered_ns.len() <= 4);
    assert!(seen.is_sorted_by_key(|progress| progress.responses));
    assert!(seen.iter().all(|progress| progress.responses <= sample.requests));
    assert!((2..=3).contains(&sample.ticks[0].len()), "{:?}", sample.ticks);
}

#[test]
fn wrong_answers_are_never_throughput() {
    let server = start(&NullOptions { body: b"ping".to_vec(), ..NullOptions::default() });
    let sample = measure(&count(&server, 50));
    assert_eq!((sample.requests, sample.response_time_ns.len()), (0, 0));
    assert_eq!(sample.errors.count(ErrorKind::WrongAnswer), 50);
    assert_eq!(sample.status.get(&200), Some(&50));
}

#[test]
fn the_servers_wish_to_close_is_seen() {
    let server = start(&NullOptions::default());
    let url = Url::parse("http://localhost/").unwrap();
    let close = [("Connection".to_owned(), "close".to_owned())];
    let request = Request::new("GET", &url, &close, b"").unwrap();
    for (connection, closed) in [(ConnectionPolicy::Fresh, 0), (ConnectionPolicy::KeepAlive, 100)] {
        let requests = vec![(request.clone(), 1)];
        let sample = measure(&Load { requests, connection, ..count(&server, 100) });
        assert_whole(&sample, 100);
        assert_eq!((sample.connections_opened, sample.closed_by_server), (100, closed));
    }
}

#[test]
fn large_answers_arrive_whole() {
    let body: Vec<u8> = (0_u8..=255).cycle().take(3_000_000).collect();
    let server = start(&NullOptions { body: body.clone(), ..NullOptions::default() });
    let exact = Expect { status: None, body: BodyRule::Exact(body.into()) };
    let sample = measure(&Load { expect: exact, connections: 4, ..count(&server, 12) });
    assert_whole(&sample, 12);
    assert!(sample.bytes_received > 36_000_000);
}

/// Two messages a millisecond on each connection, and the responses counted.
struct TwoAtOnce(Arc<AtomicU64>);

impl Hooks for TwoAtOnce {
    fn delay(&mut self) -> (Duration, HookAction) {
        (Duration::from_millis(1), HookAction::Continue)
    }

    fn request(&mut self, batch: &mut Batch) -> HookAction {
        batch.fill(&get().bytes().repeat(2)).unwrap();
        HookAction::Continue
    }

    fn wants_responses(&self) -> bool {
        true
    }

    fn response(&mut self, response: &WholeResponse<'_>) -> HookAction {
        assert_eq!(response.body, b"pong");
        self.0.fetch_add(1, Ordering::Relaxed);
        HookAction::Continue
    }
}

#[test]
fn hooks_have_what_every_load_has() {
    type Change = fn(&mut Load);
    let server = start(&NullOptions::default());
    let cases: [(Change, u64); 7] = [
        (|_| {}, 4),
        (|load| load.connection = ConnectionPolicy::Fresh, 100),
        (|load| load.ramp = Duration::from_millis(20), 4),
        (|load| load.kernel_timestamps = true, 4),
        (|load| load.busy_poll = true, 4),
        (|load| (load.batch, load.connections) = (true, 16), 16),
        (|load| (load.threads, load.pacing) = (2, even(2000.0)), 4),
    ];
    for (change, opened) in cases {
        let mut load = Load { connections: 4, ..count(&server, 200) };
        change(&mut load);
        let seen = Arc::new(AtomicU64::new(0));
        let hooks = (0..load.threads).map(|_| TwoAtOnce(Arc::clone(&seen))).collect();
        let sample = run_with_hooks(&load, hooks, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!((sample.errors.total(), sample.due), (0, 200), "{:?}", sample.errors);
        assert_eq!((sample.requests, seen.load(Ordering::Relaxed)), (200, 200));
        assert_eq!((sample.response_time_ns.len(), sample.connections_opened), (100, opened));
        let by_kernel = sample.kernel_time_ns.map(|times| times.len());
        assert_eq!(by_kernel, load.kernel_timestamps.then_some(100));
    }
    let load = Load { threads: 2, connections: 2, ..count(&server, 1) };
    let error =
        run_with_hooks(&load, vec![TwoAtOnce(Arc::default())], &mut |_| ControlFlow::Continue(()));
    assert!(error.unwrap_err().to_string().contains("hooks of its own"));
}

fn even(rate_per_second: f64) -> Pacing {
    Pacing::Open { rate_per_second, arrivals: Arrivals::Even, burst: 1 }
}

#[test]
fn pinning_to_a_core_that_is_not_there_is_refused() {
    let server = start(&NullOptions::default());
    let load = Load { cpus: Some(vec![1000]), ..count(&server, 1) };
    let error = run(&load, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, LoadError::Pin { cpu: 1000, .. }), "{error}");
    let taken = NullOptions { address: server.address().clone(), ..NullOptions::default() };
    assert!(NullServer::start(&taken).unwrap_err().to_string().contains("another address"));
}

#[test]
fn the_null_server_works_for_each_answer() {
    let work = Duration::from_micros(500);
    let server = start(&NullOptions { work, ..NullOptions::default() });
    let sample = measure(&Load { connections: 8, ..count(&server, 400) });
    assert_whole(&sample, 400);
    assert!(sample.elapsed_ns >= 200_000_000, "{}", sample.elapsed_ns);
    let soonest_ns = sample.response_time_ns.min();
    assert!((500_000..3_000_000).contains(&soonest_ns), "{soonest_ns}");
}

#[test]
fn the_ceiling_is_measured_against_a_null_server_of_its_own() {
    let nowhere = Address::Tcp("127.0.0.1:1".parse().unwrap());
    let load = Load { connections: 8, pipeline: 2, ..Load::new(nowhere, get()) };
    let time = Duration::from_millis(100);
    let sample = ceiling(&load, &NullOptions::default(), time).unwrap();
    assert!(sample.requests > 100, "{sample:?}");
    assert_eq!(sample.errors.total(), 0);
}
