//! The report held against lines that wrk itself has printed, and against its readers.

use std::collections::BTreeMap;

use super::*;

const PRINTED: &str = include_str!("../../../tests/data/wrk-format.tsv");

fn options() -> Options<'static> {
    Options {
        url: "http://127.0.0.1:1/",
        threads: 2,
        connections: 4,
        duration_s: 2,
        rate: None,
        latency: true,
        uncorrected_latency: false,
        exact: false,
    }
}

fn figures(requests: u64, latency_us: &[(u64, u64)]) -> Figures {
    let mut latency = Statistics::default();
    latency_us.iter().for_each(|(value, times)| latency.record(*value, *times));
    Figures { requests, latency, rates: Statistics::default(), counts: Counts::default() }
}

/// A load of a second over nothing, to be filled in.
fn sample() -> Sample {
    let times = jigger_load::sample::histogram;
    Sample {
        by_request: Vec::new(),
        unchecked: 0,
        elapsed_ns: 1_000_000_000,
        requests: 0,
        due: 0,
        bytes_received: 0,
        response_time_ns: times(),
        service_time_ns: None,
        kernel_time_ns: None,
        connect_time_ns: times(),
        tls: None,
        status: BTreeMap::new(),
        errors: jigger_load::Errors::default(),
        unanswered_ns: jigger_load::sample::histogram(),
        connections_opened: 0,
        closed_by_server: 0,
        unmade: jigger_load::Unmade::default(),
        surplus_bytes: 0,
        held_back: 0,
        peer_settings: None,
        drained: 0,
        idle_ns: 0,
        ticks: Vec::new(),
        engine: jigger_load::EngineUse::default(),
        driver: "none",
    }
}

#[track_caller]
fn assert_printed(line: &str) {
    let known = PRINTED
        .lines()
        .any(|known| known.trim_end_matches(" |").trim_end_matches('|') == line.trim_end());
    assert!(known, "wrk did not print {line:?}");
}

/// wrk's `%8.2f%%` rows for the cells of the data file.
#[test]
fn rows_stand_as_in_wrk() {
    for (name, cells, within) in [
        ("Latency", ["635.91us", "0.89ms", "12.92ms"], 93.69),
        ("Req/Sec", ["56.20k", "8.07k", "62.00k"], 86.54),
        ("Req/Sec", ["255.47", "188.81", "670.00"], 65.98),
    ] {
        let cells = [cell(cells[0], 8), cell(cells[1], 10), cell(cells[2], 9)].concat();
        assert_printed(&format!("    {name:<10}{cells}{within:8.2}%"));
    }
    assert_printed("  Thread Stats   Avg      Stdev     Max   +/- Stdev");
    assert!(body(&options(), &sample(), &figures(0, &[])).contains("+/- Stdev\n"));
}

#[test]
fn an_empty_load_is_shown_as_wrk_shows_it() {
    let text = body(&options(), &sample(), &figures(0, &[]));
    let empty = PRINTED.lines().find_map(|line| line.strip_prefix("empty within ")).unwrap();
    assert!(text.lines().nth(1).unwrap().ends_with(empty), "{text}");
    for line in text.lines().skip(text.lines().count() - 2) {
        assert_printed(line);
    }
}

#[test]
fn rates_and_sizes_stand_as_in_wrk() {
    let last_two = |requests: u64, bytes_received: u64, elapsed_ns: u64| -> Vec<String> {
        let sample = Sample { bytes_received, elapsed_ns, ..sample() };
        let text = body(&options(), &sample, &figures(requests, &[]));
        text.lines().rev().take(2).map(str::to_owned).collect()
    };
    for line in [
        last_two(74_886_853, 63_578_310_000, 100_000_000_000),
        last_two(128_370_714, 309_250, 100_000_000_000),
    ]
    .concat()
    {
        assert_printed(&line);
    }
}

#[test]
fn the_distribution_stands_as_in_wrk() {
    let text = body(&options(), &sample(), &figures(2, &[(307_840, 1), (5_010_000, 1)]));
    let lines: Vec<&str> = text.lines().skip(3).take(5).collect();
    assert_eq!(lines[0], "  Latency Distribution");
    assert_printed(lines[1]);
    let fast = body(&options(), &sample(), &figures(1, &[(307_840, 1)]));
    assert_printed(fast.lines().nth(7).unwrap());
}

#[test]
fn kinds_of_errors_become_those_of_wrk() {
    let mut sample = sample();
    for (kind, count) in [
        (ErrorKind::ConnectRefused, 1),
        (ErrorKind::LocalLimit, 2),
        (ErrorKind::ReadReset, 3),
        (ErrorKind::ReadMalformed, 4),
        (ErrorKind::Write, 5),
        (ErrorKind::Timeout, 6),
        (ErrorKind::WrongAnswer, 100),
    ] {
        sample.errors.add(kind, count, || "why".to_owned());
    }
    sample.status = BTreeMap::from([(200, 10), (302, 1), (399, 1), (400, 2), (503, 7)]);
    let figures = Figures::of(&options(), &sample);
    assert_eq!(figures.requests, 21, "every complete answer is a request");
    let wanted = Counts { connect: 3, read: 7, write: 5, timeout: 6, status: 9 };
    assert_eq!(figures.counts, wanted, "a wrong body is no read error");
    let text = body(&options(), &sample, &figures);
    assert!(text.contains("  Socket errors: connect 3, read 7, write 5, timeout 6\n"));
    assert!(text.contains("  Non-2xx or 3xx responses: 9\n"));
    let more = more(&options(), &sample);
    assert!(more.contains("jigger: 4 read_malformed: why\n"), "{more}");
}

#[test]
fn a_tick_cut_short_counts_by_its_length() {
    let sample =
        Sample { elapsed_ns: 250_900_000, ticks: vec![vec![100, 0, 7], vec![1]], ..sample() };
    let rates = rates(&sample);
    assert_eq!((rates.count(), rates.value(0), rates.value(1)), (3, Some((10, 1)), Some((140, 1))));
    assert_eq!(rates.max(), 1_000);
}

#[test]
fn percentiles_beyond_wrk_need_answers_enough() {
    let mut sample = sample();
    sample.response_time_ns.record_n(1_000_000, 99_999).unwrap();
    assert_eq!(more(&options(), &sample), "jigger: p99.9 1.00ms\n");
    sample.response_time_ns.record(1_000_000).unwrap();
    assert_eq!(more(&options(), &sample), "jigger: p99.9 1.00ms\njigger: p99.99 1.00ms\n");
}

/// The figures that TechEmpower's toolset and HttpArena's scripts take out of wrk's output: their
/// patterns, held against it.
mod readers {
    use regex::Regex;

    use super::*;

    fn report() -> String {
        let mut sample = Sample { bytes_received: 2_000_000, ..sample() };
        sample.response_time_ns.record_n(635_910, 900).unwrap();
        sample.response_time_ns.record_n(12_920_000, 5).unwrap();
        sample.status = BTreeMap::from([(200, 900), (500, 5)]);
        sample.ticks = vec![vec![90; 10]];
        sample.errors.add(ErrorKind::Timeout, 2, || "late".to_owned());
        let figures = Figures::of(&options(), &sample);
        // Standard error is often in the same file.
        head(&options()) + &body(&options(), &sample, &figures) + &more(&options(), &sample)
    }

    #[test]
    fn tech_empower() {
        let report = report();
        let lines_with =
            |text: &'static str| report.lines().filter(move |line| line.contains(text));
        let numbers = Regex::new(r"([0-9]+\.*[0-9]*[us|ms|s|m|%]+)").unwrap();
        let latency: Vec<Vec<&str>> = lines_with("Latency")
            .map(|line| numbers.find_iter(line).map(|found| found.as_str()).collect())
            .collect();
        assert_eq!(latency, [vec!["703.90us", "0.91ms", "12.93ms", "99.45%"], vec![]]);
        let requests = Regex::new(r"([0-9]+) requests in").unwrap();
        let found: Vec<&str> = report
            .lines()
            .filter_map(|line| Some(requests.captures(line)?.get(1)?.as_str()))
            .collect();
        assert_eq!(found, ["905"]);
        let errors =
            Regex::new(r"connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)");
        let line = lines_with("Socket errors").next().unwrap();
        assert_eq!(&errors.unwrap().captures(line).unwrap()[4], "2");
        let status = Regex::new(r"Non-2xx or 3xx responses: ([0-9]+)").unwrap();
        assert_eq!(&status.captures(&report).unwrap()[1], "5");
    }

    #[test]
    fn http_arena() {
        let report = report();
        let after = |name: &str| {
            let lines: Vec<&str> = report.lines().filter(|line| line.contains(name)).collect();
            assert_eq!(lines.len(), 1, "{name}: {report}");
            lines[0].split_whitespace().nth(1).unwrap().to_owned()
        };
        assert_eq!(after("Requests/sec:"), "905.00");
        assert_eq!(after("Transfer/sec:"), "1.91MB");
    }
}
