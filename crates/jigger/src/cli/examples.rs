//! The examples that `--help` shows. A test parses each as a command line.

/// Ends the short help.
pub const HINT: &str = "`--help` has more details and examples.";

pub const JIGGER: &str = "\
Examples:
  jigger run --quick                       a short run of the default suite
  jigger init                              write a suite for the servers in this folder
  jigger check jigger.toml                 build, start and verify them
  jigger run jigger.toml -o report.html    measure and compare them
  jigger load http://127.0.0.1:8080/       load one server

Exit codes: 0 success; 1 a threshold failed, or something got worse; 2 wrong usage or
suite; 3 a contender could not be measured; 130 interrupted: what was measured until then
is reported and recorded.";

pub const AB: &str = "\
Examples:
  jigger ab main HEAD jigger.toml          is this branch slower than main?
  jigger ab HEAD . jigger.toml             are the uncommitted changes slower?
  jigger ab v1.2 main jigger.toml --only api --format text

Exit codes: 0 nothing got worse; 1 something got worse, or a threshold failed.";

pub const DIFF: &str = "\
Examples:
  jigger diff old.json new.json             ratios to the common baseline
  jigger diff old.json new.json --absolute  values as they were measured
  jigger diff old.json new.json --format markdown > comment.md

Exit codes: 0 nothing got worse; 1 something got worse, or a threshold failed.";

pub const RUN: &str = "\
Examples:
  jigger run                                     the default suite, compiled in
  jigger run jigger.toml --quick                 three short rounds
  jigger run jigger.toml --thorough -o r.html -o r.md
  jigger run jigger.toml --only gin --only axum  only these two; the first is the baseline
  jigger run jigger.toml --format json -q > result.json";

pub const COMPARE: &str = "\
Examples:
  jigger compare gin=http://127.0.0.1:8080/ flask=http://127.0.0.1:5000/
  jigger compare old=http://10.0.0.1/ new=http://10.0.0.2/ -c 64 -d 10s --rounds 8";

pub const LOAD: &str = "\
Examples:
  jigger load http://127.0.0.1:8080/                      10 connections, 10 s
  jigger load http://127.0.0.1:8080/ -c 64 -t 2 -d 30s    64 connections, 2 threads, 30 s
  jigger load http://127.0.0.1:8080/ -n 10000 --fresh     a new connection for each request
  jigger load http://127.0.0.1:8080/ --http 2 -m 10       HTTP/2, 10 requests at once on each connection
  jigger load http://127.0.0.1:50051/echo.Echo/Unary --grpc -b @message.bin    gRPC calls
  jigger load https://127.0.0.1:8443/ --http auto         HTTP/2 if the server chooses it
  jigger load http://127.0.0.1:8080/ --rate 500           open loop: 500 requests due each second
  jigger load https://127.0.0.1:8443/ --cacert cert.pem --fresh    full TLS handshakes
  jigger load http://127.0.0.1:8080/ -X POST -H 'Content-Type: application/json' -b '{\"a\":1}'
  jigger load http://127.0.0.1:8080/ --no-tui --format json > load.json";

pub const WRK: &str = "\
Examples:
  jigger wrk -t2 -c32 -d10s http://127.0.0.1:8080/
  jigger wrk -t2 -c32 -d10s --latency --exact http://127.0.0.1:8080/
  jigger wrk -t2 -c32 -d10s -R 2k -L http://127.0.0.1:8080/     2,000 requests due each second
  jigger wrk -c32 -d10s -s post.lua http://127.0.0.1:8080/ -- token     a script argument

Exit codes are wrk's: 0 the load was run, even when requests failed; 1 wrong usage, unknown
host, connection refused, or the script failed; 2 a thread could not be started.";

pub const TIMEIT: &str = "\
Examples:
  jigger timeit http://127.0.0.1:8080/ -n 10000       a new connection for each request
  jigger timeit http://127.0.0.1:8080/ --keep-alive   one connection, like requests.Session
  jigger timeit http://127.0.0.1:8080/ http://127.0.0.1:5000/ --repeat 5";

pub const CROSS_CHECK: &str = "\
Examples:
  jigger cross-check --quick                           two short rounds, without intervals
  jigger cross-check post -o cross-check.md            the blog post's servers
  jigger cross-check jigger.toml --only gin --tool wrk --rounds 10
  jigger cross-check --format json > cross-check.json";

pub const CHECK: &str = "\
Examples:
  jigger check jigger.toml
  jigger check jigger.toml --only gin --verbose
  jigger check jigger.toml --in containers --memory 256m";

pub const REPORT: &str = "\
Examples:
  jigger report jigger-records/pong-20260101-120000.json
  jigger report record.json -o report.html -o report.md --charts charts
  jigger report report.html --format csv        the page contains the record";

pub const IMAGE: &str = "\
Examples:
  jigger image my-server:latest
  jigger image old.tar new.tar                  sizes of both, and what differs
  jigger image - < saved.tar.zst
  jigger image oci:layout:1.0 --format json
  jigger image my-server --max-size 50MB --max-wasted 5%

Exit codes: 0 everything was measured; 1 an image exceeds a limit; 2 wrong usage, or nothing
could be measured; 3 an image could not be measured, the others were.";

pub const INIT: &str = "\
Examples:
  jigger init                            write jigger.toml for the servers below this folder
  jigger init services -o services.toml  write services/services.toml for the servers in services/";

pub const DOCTOR: &str = "\
Examples:
  jigger doctor                            before measuring on a machine for the first time
  jigger doctor --format json > machine.json

Exit code: 0, whatever is lacking.";

pub const COMPLETIONS: &str = "\
Examples:
  jigger completions bash > ~/.local/share/bash-completion/completions/jigger
  jigger completions zsh > ~/.zfunc/_jigger        with ~/.zfunc in fpath
  jigger completions fish > ~/.config/fish/completions/jigger.fish";

pub const MAN: &str = "\
Examples:
  jigger man | man -l -                     the man page of jigger itself
  jigger man --dir ~/.local/share/man/man1  one man page for each command";

pub const SCHEMA: &str = "\
Examples:
  jigger schema suite > suite.schema.json  for an editor, which then completes and checks a
                                           suite that begins with #:schema ./suite.schema.json
  jigger schema report > report.schema.json";

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    /// The command lines of a text of examples: what comes before the explanation and the
    /// shell's own signs.
    fn command_lines(text: &str) -> Vec<Vec<String>> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
        let lines = lines.filter(|line| line.starts_with("jigger"));
        let command = |line: &str| {
            let command = line.split("  ").next().unwrap_or_default();
            let command = command.split(" > ").next().unwrap_or_default();
            shell_words::split(command.split(" | ").next().unwrap_or_default()).unwrap()
        };
        lines.map(command).collect()
    }

    #[test]
    fn every_example_is_a_command_line() {
        for text in [
            JIGGER,
            RUN,
            COMPARE,
            LOAD,
            WRK,
            TIMEIT,
            CROSS_CHECK,
            DOCTOR,
            CHECK,
            REPORT,
            AB,
            DIFF,
            IMAGE,
            INIT,
            COMPLETIONS,
            MAN,
            SCHEMA,
        ] {
            let lines = command_lines(text);
            assert!(!lines.is_empty(), "{text}");
            for line in lines {
                if let Err(error) = Cli::try_parse_from(&line) {
                    panic!("{line:?}: {error}");
                }
            }
        }
    }
}
