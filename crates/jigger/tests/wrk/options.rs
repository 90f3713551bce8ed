//! Options and exit codes.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::Value;

use crate::layout::shape;
use crate::server::LoggingServer;
use crate::tool::{Tool, run, run_both};

/// Command lines that both refuse, and what jigger says.
const REFUSED: &[(&[&str], &str)] = &[
    (&[], "no URL is given"),
    (&["-d1s"], "no URL is given"),
    (&["-t4", "-c2", "URL"], "number of connections must be >= threads"),
    (&["-t2", "-c0", "URL"], "number of connections must be >= threads"),
    (&["-t0", "URL"], "-t '0': write a whole number"),
    (&["-d0", "URL"], "-d '0': write a whole time"),
    (&["-t1.5", "URL"], "-t '1.5'"),
    (&["-c", "1z", "URL"], "-c '1z'"),
    (&["-d1.5s", "URL"], "-d '1.5s'"),
    (&["-d100ms", "URL"], "-d '100ms'"),
    (&["--timeout", "soon", "URL"], "-T 'soon'"),
    (&["-z", "URL"], "unexpected argument '-z'"),
    (&["-d"], "a value is required"),
    (&["--nothing", "URL"], "unexpected argument '--nothing'"),
    (&["-d1s", "nonsense"], "invalid URL"),
    (&["-d1s", "ftp://x/"], "invalid URL"),
    (&["-d1s", "http://no-such-host.invalid/"], "unable to resolve no-such-host.invalid:80"),
    (&["-d1s", "http://127.0.0.1:9/"], "unable to connect to 127.0.0.1:9"),
    (&["-d1s", "https://127.0.0.1:9/"], "unable to connect to 127.0.0.1:9"),
];

/// Command lines that wrk takes and does nothing with, where jigger says what is wrong.
const REFUSED_BY_JIGGER: &[(&[&str], &str)] = &[
    (&["-d1s", "-H", "no colon", "URL"], "-H 'no colon': write \"Name: value\""),
    (&["-d1s", "-H", "A:b", "URL"], "-H 'A:b'"),
    (&["-d1s", "-T0", "URL"], "-T '0'"),
    (&["-d1s", "-s", "/no/such.lua", "URL"], "cannot read the script /no/such.lua"),
    (&["-d1s", "--exact", "-R10", "URL"], "cannot be used with"),
];

fn with_url<'a>(arguments: &[&'a str], url: &'a str) -> Vec<&'a str> {
    arguments.iter().map(|text| if *text == "URL" { url } else { *text }).collect()
}

#[test]
fn what_wrk_refuses_is_refused_with_the_cause() {
    let server = LoggingServer::start();
    let url = server.url("/");
    for (arguments, message) in REFUSED {
        let arguments = with_url(arguments, &url);
        let (real, ours) = run_both(&arguments);
        assert_eq!(ours.code, Some(1), "{arguments:?}: {ours:#?}");
        assert!(ours.stderr.contains(message), "{arguments:?}: {ours:#?}");
        assert_eq!(ours.stdout, "");
        if let Some(real) = real {
            assert_eq!(real.code, Some(1), "{arguments:?}: {real:#?}");
        }
    }
    for (arguments, message) in REFUSED_BY_JIGGER {
        let ours = run(Tool::Jigger, &with_url(arguments, &url));
        assert_eq!(ours.code, Some(1), "{arguments:?}: {ours:#?}");
        assert!(ours.stderr.contains(message), "{arguments:?}: {ours:#?}");
    }
    // Reaching the server is not asking it.
    assert!(server.take_log().iter().all(|seen| seen.line.starts_with("GET / ")));
}

/// Each spelling of each option is taken by both.
#[test]
fn every_spelling_is_known() {
    let server = LoggingServer::start();
    let url = server.url("/spelt");
    let lines: &[&[&str]] = &[
        &["URL", "-t1", "-c1", "-d1"],
        &["--threads", "1", "--connections=1", "--duration", "1S", "--timeout=2s", "URL"],
        &["--lat", "-t1", "-c1", "-d1s", "-T", "1m", "--header", "A: b", "URL"],
        &["-L", "-t1", "-c1", "-d1s", "-v", "URL"],
    ];
    for arguments in lines {
        let arguments = with_url(arguments, &url);
        let (real, ours) = run_both(&arguments);
        assert_eq!(ours.code, Some(0), "{arguments:?}: {ours:#?}");
        assert!(ours.stdout.contains("  1 threads and 1 connections\n"), "{ours:#?}");
        if let Some(real) = real {
            assert_eq!(real.code, Some(0), "{arguments:?}: {real:#?}");
            let has_distribution = real.stdout.contains("  Latency Distribution\n");
            assert_eq!(ours.stdout.contains("  Latency Distribution\n"), has_distribution);
        }
    }
}

#[test]
fn the_same_bytes_are_asked() {
    let server = LoggingServer::start();
    let url = server.url("/a?b=c");
    let arguments = ["-t1", "-c1", "-d1s", "-H", "X-Y:  two blanks", "-H", "A: b", &url];
    let (real, ours) = run_both(&arguments);
    assert_eq!(ours.code, Some(0));
    let mut log = server.take_log();
    log.sort();
    log.dedup();
    assert_eq!(log.len(), 1, "{real:#?} {log:#?}");
    assert_eq!(log[0].headers["x-y"], " two blanks");
}

#[test]
fn all_connections_are_opened_and_said_to_be() {
    let server = LoggingServer::start();
    let url = server.url("/");
    let ours = run(Tool::Jigger, &["-t3", "-c7", "-d1s", "--format", "json", &url]);
    let report: Value = serde_json::from_str(&ours.stdout).unwrap();
    assert_eq!(report["connections_opened"], 7);
    let told = run(Tool::Jigger, &["-t3", "-c7", "-d1s", "-v", &url]).stderr;
    let hint = "all 7 connections are opened; wrk gives each of 3 threads 2 and leaves out 1";
    assert!(told.contains(hint), "{told}");
}

#[test]
fn arguments_without_a_script_are_told() {
    let server = LoggingServer::start();
    let ours = run(Tool::Jigger, &["-t1", "-c1", "-d1s", "-v", &server.url("/"), "--", "a", "-b"]);
    assert_eq!(ours.code, Some(0));
    assert!(ours.stderr.contains("'a -b' is for a script, and none is given"), "{ours:#?}");
}

#[test]
fn a_program_called_wrk_is_wrk() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("wrk");
    symlink(env!("CARGO_BIN_EXE_jigger"), &program).unwrap();
    let server = LoggingServer::start();
    let url = server.url("/");
    let output = Command::new(&program).args(["-t1", "-c1", "-d1s", &url]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with(&format!("Running 1s test @ {url}\n")), "{text}");
    let refused = Command::new(&program).args(["-d1s"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn json_has_the_errors_by_kind_and_the_far_percentiles() {
    let server = LoggingServer::start();
    let url = server.url("/status/404");
    let ours = run(Tool::Jigger, &["-t1", "-c1", "-d1s", "--format", "json", &url]);
    let report: Value = serde_json::from_str(&ours.stdout).unwrap();
    assert_eq!(report["status"]["404"], report["requests"]);
    assert!(report["errors"]["read_malformed"].is_u64());
    let times = report["response_time_us"].as_object().unwrap();
    assert!(times.contains_key("p99_99"));
}

/// wrk2's report: no more is asked than was due, and the spectrum ends with all answers.
#[test]
fn a_fixed_rate_has_the_report_of_wrk2() {
    let server = LoggingServer::start();
    let url = server.url("/");
    let ours = run(Tool::Jigger, &["-t2", "-c4", "-d1s", "-R", "200", "-L", &url]);
    assert_eq!(ours.code, Some(0), "{ours:#?}");
    let text = &ours.stdout;
    let requests: u64 = text
        .split(" requests in")
        .next()
        .unwrap()
        .rsplit([' ', '\n'])
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=200).contains(&requests), "{text}");
    for part in [
        "  Latency Distribution (HdrHistogram - Recorded Latency)\n 50.000% ",
        "\n 99.999% ",
        "\n\n  Detailed Percentile spectrum:\n       Value   Percentile   TotalCount 1/(1-Percentile)\n\n",
        &format!("     1.000000 {requests:12}          inf\n#[Mean    ="),
        "\n----------------------------------------------------------\n  ",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

/// `2>&1` is how benchmarks of others keep wrk's output: with jigger all of it is wrk's, also where
/// jigger has more to say, which `-v` shows, before the report.
#[test]
fn both_streams_together_are_in_the_layout_of_wrk() {
    let server = LoggingServer::start();
    let (broken, fine) = (server.url("/close-in-body"), server.url("/"));
    for arguments in [
        &["-t2", "-c5", "-d1s", "-L", &fine][..],
        &["-t1", "-c1", "-d1s", &broken],
        &["-t1", "-c1", "-d1s", &fine, "--", "for no script"],
    ] {
        let (real, ours) = run_both(arguments);
        assert_eq!((ours.code, ours.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(ours.stdout.ends_with("B\n"), "{}", ours.stdout);
        if let Some(real) = real {
            let shapes = |text: &str| text.lines().map(shape).collect::<Vec<_>>();
            assert_eq!(shapes(&ours.stdout), shapes(&real.stdout), "{arguments:?}");
        }
    }
    let told = run(Tool::Jigger, &["-t1", "-c1", "-d1s", "-v", &broken]);
    assert!(told.stderr.contains(" read_closed_early: "), "{told:#?}");
    assert!(!told.stderr.contains('%'), "{told:#?}");
}

/// The number that a run's spectra count, in their order.
fn totals(text: &str) -> Vec<u64> {
    let counts = text.lines().filter_map(|line| line.split_once("Total count    = "));
    counts.map(|(_, count)| count.trim_end_matches(']').trim().parse().unwrap()).collect()
}

#[test]
fn latencies_of_wrk2_are_from_when_requests_were_due_and_sent() {
    let server = LoggingServer::start();
    let url = server.url("/");
    let ours = run(Tool::Jigger, &["-t1", "-c2", "-d1s", "-R", "200", "-U", &url]);
    let text = &ours.stdout;
    for part in [
        "  Latency Distribution (HdrHistogram - Recorded Latency)\n 50.000% ",
        "----\n\n  Latency Distribution (HdrHistogram - Uncorrected Latency (measured without taking \
         delayed starts into account))\n 50.000% ",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let totals = totals(text);
    assert_eq!((totals.len(), totals[0]), (2, totals[1]), "{text}");
}

/// wrk2 has a latency for each of the responses of a batch; with `-B` one for all of them.
#[cfg(feature = "lua")]
#[test]
fn a_batch_has_a_latency_for_each_response_or_one() {
    let script = "local batch\nfunction init() batch = wrk.format() .. wrk.format() end\n\
                  function request() return batch end";
    let bench = crate::bench::Bench::new(script);
    for (more, each) in [(&["-L"][..], 1), (&["-L", "-B"], 2)] {
        let arguments = [&["-t1", "-c1", "-d1s", "-R", "100"], more].concat();
        let ran = bench.run(Tool::Jigger, &arguments, "/", &[]);
        let (latencies, requests) = (totals(&ran.outcome.stdout)[0], ran.requests());
        assert_eq!(latencies * each, requests, "{ran:#?}");
    }
}

#[test]
fn requests_are_spread_as_asked() {
    let server = LoggingServer::start();
    let url = server.url("/");
    let counted = |spread: &str| {
        let ours = run(Tool::Jigger, &["-t1", "-c4", "-d1s", "-R", "400", "-D", spread, &url]);
        assert_eq!(ours.code, Some(0), "{ours:#?}");
        server.take_log().len()
    };
    assert!((395..=400).contains(&counted("fixed")));
    assert!((300..=500).contains(&counted("exp")));
    for refused in
        [&["-R9", "-D", "zipf", &url][..], &["-D", "exp", &url], &["-U", &url], &["-B", &url]]
    {
        let ours = run(Tool::Jigger, refused);
        assert_eq!(ours.code, Some(1), "{refused:?}: {ours:#?}");
    }
    let ours = run(Tool::Jigger, &["-R9", "--dist", "zipf", &url]);
    assert!(ours.stderr.contains("possible values: fixed, exp"), "{}", ours.stderr);
}
