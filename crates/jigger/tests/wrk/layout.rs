//! The report's lines: what stands where.

use jigger_load::{Address, NullOptions, NullServer};
use regex::Regex;

use crate::server::LoggingServer;
use crate::tool::{Outcome, run_both};

/// A line without its numbers: `#` for each with its unit, blanks before it left out.
pub fn shape(line: &str) -> String {
    let number = Regex::new(r" *(-?[0-9]+(\.[0-9]+)?(us|ms|s|m|h|k|K|M|G)?|-nan)").unwrap();
    number.replace_all(line, " #").trim_end().to_owned()
}

/// Where the decimal points of a line stand, and where it ends.
fn columns(line: &str) -> (Vec<usize>, usize) {
    let points = line.match_indices('.').map(|(at, _)| at).collect();
    (points, line.len())
}

/// The lines whose numbers stand in columns.
fn is_table(line: &str) -> bool {
    let starts = ["    Latency", "    Req/Sec", "     50%", "     75%", "     90%", "     99%"];
    starts.iter().any(|start| line.starts_with(start)) && !line.contains("-nan")
}

#[track_caller]
fn assert_same_layout(real: &Outcome, ours: &Outcome) {
    assert_eq!((real.code, ours.code), (Some(0), Some(0)), "{real:#?}\n{ours:#?}");
    let shapes = |outcome: &Outcome| outcome.stdout.lines().map(shape).collect::<Vec<_>>();
    assert_eq!(shapes(ours), shapes(real), "{}\n{}", real.stdout, ours.stdout);
    for (real, ours) in real.stdout.lines().zip(ours.stdout.lines()) {
        if is_table(real) {
            assert_eq!(columns(ours), columns(real), "\n{real}\n{ours}");
        }
        if real.starts_with("Running") || real.ends_with("connections") {
            assert_eq!(ours, real);
        }
        if real.starts_with("Requests/sec") || real.starts_with("Transfer/sec") {
            let end = |line: &str| line.find('.').unwrap();
            assert_eq!(end(ours), end(real), "\n{real}\n{ours}");
        }
    }
}

fn null_server() -> (NullServer, String) {
    let server = NullServer::start(&NullOptions::default()).unwrap();
    let Address::Tcp(address) = server.address() else { panic!("the default is TCP") };
    let url = format!("http://{address}/");
    (server, url)
}

#[test]
fn every_line_stands_where_wrk_puts_it() {
    let (_server, url) = null_server();
    for arguments in [
        &["-t2", "-c4", "-d1s", "--latency"][..],
        &["-t1", "-c1", "-d1"],
        &["-t", "3", "-c7", "--duration", "1s", "-H", "X-Y: z"],
    ] {
        let (real, ours) = run_both(&[arguments, &[&url]].concat());
        if let Some(real) = real {
            assert_same_layout(&real, &ours);
        }
    }
}

/// wrk's correction: whoever compares with old figures gets wrk's own numbers in the same lines.
#[test]
fn exact_figures_have_the_same_lines() {
    let (_server, url) = null_server();
    let arguments = ["-t1", "-c8", "-d1s", "--latency", &url];
    let (real, _) = run_both(&arguments);
    let (_, ours) = run_both(&[&["--exact"], &arguments[..]].concat());
    if let Some(real) = real {
        assert_same_layout(&real, &ours);
    }
}

#[test]
fn lines_about_what_went_wrong_stand_where_wrk_puts_them() {
    let server = LoggingServer::start();
    let url = server.url("/status/500");
    let (real, ours) = run_both(&["-t1", "-c2", "-d1s", &url]);
    if let Some(real) = real {
        assert_same_layout(&real, &ours);
    }
    assert!(ours.stdout.contains("\n  Non-2xx or 3xx responses: "), "{}", ours.stdout);
    let count = |start: &str, end: &str| {
        let rest = ours.stdout.split_once(start).unwrap().1;
        rest.split(end).next().unwrap().trim().to_owned()
    };
    let requests = ours.stdout.lines().find(|line| line.contains(" requests in ")).unwrap();
    let requests = requests.trim().split(' ').next().unwrap();
    assert_eq!(count("responses: ", "\n"), requests, "each of them is a request too");
}

/// Nothing responds: wrk waits in silence; jigger says so by its own deadline.
#[test]
fn answers_that_never_come_are_timeouts() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let ours =
        crate::tool::run(crate::tool::Tool::Jigger, &["-t1", "-c1", "-d3s", "-T1s", "-v", &url]);
    assert_eq!(ours.code, Some(0));
    assert!(ours.stdout.contains("  Socket errors: connect 0, read 0, write 0, timeout "));
    assert!(ours.stderr.contains("timeout: no complete response within 1s"), "{}", ours.stderr);
    let latency = ours.stdout.lines().find(|line| line.starts_with("    Latency")).unwrap();
    assert_eq!(latency, "    Latency     0.00us    0.00us   0.00us    -nan%");
}
