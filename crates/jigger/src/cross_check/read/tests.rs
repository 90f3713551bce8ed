//! The readers, on what the tools have printed (Debian's wrk 4.1, hey 0.1.4, ab 2.3, h2load 1.64; oha
//! 1.16, k6 1.8.1, vegeta 12.13). The JSON is cut to what is read and its neighbours.

use super::*;

const WRK: &str = "\
Running 1s test @ http://127.0.0.1:18081
  1 threads and 1 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   587.22us    1.14ms   7.94ms   86.81%
    Req/Sec    10.27k     4.44k   17.31k    80.00%
  Latency Distribution
     50%    1.28ms
     75%  343.00us
     90%    1.16ms
     99%    1.05s 
  10241 requests in 1.01s, 660.06KB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  10166.39
Transfer/sec:    655.26KB
";

const HEY: &str = "
Summary:
  Total:\t1.0008 secs
  Slowest:\t0.0126 secs
  Fastest:\t0.0001 secs
  Average:\t0.0006 secs
  Requests/sec:\t6648.8886
  
Response time histogram:
  0.000 [1]\t|

Latency distribution:
  50% in 0.0004 secs
  99% in 0.0046 secs

Status code distribution:
  [200]\t6654 responses
  [503]\t7 responses

Error distribution:
  [3]\tGet \"http://127.0.0.1:18081/\": EOF
";

const AB: &str = "
Complete requests:      200
Failed requests:        2
Non-2xx responses:      3
Requests per second:    1966.36 [#/sec] (mean)
Time per request:       1.017 [ms] (mean)
Time per request:       0.509 [ms] (mean, across all concurrent requests)
";

const H2LOAD: &str = "
finished in 1.01s, 8520.00 req/s, 549.14KB/s
requests: 8520 total, 8524 started, 8520 done, 8510 succeeded, 7 failed, 2 errored, 1 timeout
status codes: 8520 2xx, 0 3xx, 0 4xx, 0 5xx
                     min         max         mean         sd        +/- sd
time for request:       61us     21.19ms       468us       983us    94.46%
time for connect:       11us        41us        30us        13us    75.00%
";

/// Of a server that responds to every seventh request with 503 and closes on every fiftieth.
const OHA: &str = r#"{
  "summary": {
    "successRate": 0.9893617021276596,
    "total": 1.039867178,
    "slowest": 0.059882952,
    "average": 0.043997173849462355,
    "requestsPerSec": 90.39616019114318
  },
  "metrics": { "requests_per_sec": 90.39616019114318, "latency_ms": { "p50": 44.03 } },
  "latencyPercentiles": { "p50": 0.044029701, "p95": 0.055405296, "p99": 0.059882952 },
  "firstBytePercentiles": { "p50": 0.044026897, "p95": 0.055404635, "p99": 0.059882752 },
  "rps": { "mean": 6262.522127905999 },
  "statusCodeDistribution": { "200": 80, "503": 13 },
  "errorDistribution": { "connection closed before message completed": 1 }
}"#;

/// Likewise, each request over a connection of its own.
const K6: &str = r#"{
  "http_req_waiting": {"type":"trend","contains":"time","values":{"avg":5.8,"med":5.4,"p(99)":14.7}},
  "http_reqs": {"contains":"default","values":{"rate":622.9652747132645,"count":200},"type":"counter"},
  "http_req_duration": {"contains":"time","type":"trend",
    "values":{"med":5.527229999999999,"p(99)":14.878453799999988,"avg":5.9224926049999995}},
  "http_req_failed": {"type":"rate","contains":"default","values":{"fails":168,"rate":0.16,"passes":32}}
}"#;

/// Likewise.
const VEGETA: &str = r#"{"latencies":{"total":3985768652,"mean":5272180,"50th":3514119,
"90th":11504971,"95th":14358130,"99th":18682979,"max":22620877,"min":656893},
"duration":999889864,"wait":2505651,"requests":756,"rate":756.0832719872436,
"throughput":633.482483209235,"success":0.83994708994709,
"status_codes":{"0":15,"200":635,"503":106},
"errors":["503 Service Unavailable","Get \"http://127.0.0.1:18990/\": EOF"]}"#;

fn rounded(reading: Reading) -> (f64, Option<f64>, Option<f64>, Option<f64>, u64) {
    let round = |value: Option<f64>| value.map(|value| (value * 100.0).round() / 100.0);
    let Reading { requests_per_second, mean_us, p50_us, p99_us, failed } = reading;
    (requests_per_second, round(mean_us), round(p50_us), round(p99_us), failed)
}

#[test]
fn figures_are_found() {
    let cases = [
        (wrk(WRK), (10_166.39, Some(587.22), Some(1_280.0), Some(1_050_000.0), 15)),
        (hey(HEY), (6_648.888_6, Some(600.0), Some(400.0), Some(4_600.0), 10)),
        (ab(AB), (1_966.36, Some(1_017.0), None, None, 5)),
        (h2load(H2LOAD), (8_520.0, Some(468.0), None, None, 10)),
        (oha(OHA), (90.396_160_191_143_18, Some(43_997.17), Some(44_029.7), Some(59_882.95), 14)),
        (k6(K6), (622.965_274_713_264_5, Some(5_922.49), Some(5_527.23), Some(14_878.45), 32)),
        (
            vegeta(VEGETA),
            (633.482_483_209_235, Some(5_272.18), Some(3_514.12), Some(18_682.98), 121),
        ),
        (timeit("2.5\n", 1_000), (400.0, Some(2_500.0), None, None, 0)),
    ];
    for (found, wanted) in cases {
        assert_eq!(rounded(found.unwrap()), wanted);
    }
}

#[test]
fn what_is_no_report_has_no_figures() {
    for text in ["", "unable to connect to 127.0.0.1:9 Connection refused\n", "Requests/sec: many"]
    {
        assert_eq!((wrk(text), hey(text), ab(text), h2load(text)), (None, None, None, None));
        assert_eq!(timeit(text, 1), None);
    }
    for text in
        ["", "Error: no", "{}", "[]", r#"{"http_reqs":1,"summary":{"requestsPerSec":null}}"#]
    {
        assert_eq!((oha(text), k6(text), vegeta(text)), (None, None, None), "{text}");
    }
}
