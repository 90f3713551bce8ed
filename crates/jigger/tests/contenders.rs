//! The compiled-in suites over their real contenders: Go, Python, Rust, and a
//! container engine. `make setup-test` installs what they need.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "containers are looked into elsewhere")]
mod container_support;

use std::path::Path;

use container_support::{Lab, engine, errors};
use serde_json::Value;

/// Runs a suite in an empty folder; the JSON report.
fn report(arguments: &[&str]) -> Value {
    let lab = Lab::new();
    let mut command = lab.command(arguments);
    match engine() {
        Some(engine) => command.args(["--engine", engine]),
        None => command.arg("--no-images"),
    };
    let output = command.args(["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether tests may use a container engine.
fn has_engine() -> bool {
    engine().is_some()
}

fn contender<'a>(report: &'a Value, name: &str) -> &'a Value {
    let contenders = report["contenders"].as_array().unwrap();
    contenders.iter().find(|contender| contender["name"] == name).unwrap()
}

fn estimate(contender: &Value, metric: &str) -> f64 {
    let value = contender["metrics"][metric]["estimate"].as_f64();
    value.unwrap_or_else(|| panic!("{} has no {metric}: {contender:#}", contender["name"]))
}

fn codes(contender: &Value) -> Vec<&str> {
    codes_of(&contender["confounders"])
}

fn gates(contender: &Value) -> Vec<&str> {
    codes_of(&contender["gates"])
}

fn codes_of(found: &Value) -> Vec<&str> {
    let found = found.as_array().unwrap();
    found.iter().map(|found| found["code"].as_str().unwrap()).collect()
}

const METRICS: &[&str] = &[
    "startup_ms",
    "sequential.requests_per_second",
    "sequential-keep-alive.requests_per_second",
    "saturation.requests_per_second",
    "saturation.cpu_us_per_request",
    "memory_idle_bytes",
    "memory_peak_bytes",
    "build_seconds",
    "artifact_bytes",
    "saturation.memory_bytes",
    "fixed-rate.cpu_us_per_request",
];

#[test]
fn the_default_suite_measures_all_four_contenders() {
    let report = report(&["run", "--quick", "--rounds", "1"]);
    for name in ["gin", "flask", "flask-gunicorn", "axum"] {
        let contender = contender(&report, name);
        assert_eq!(contender["status"], "measured", "{contender:#}");
        for metric in METRICS {
            assert!(estimate(contender, metric) > 0.0);
        }
        // Of a slow server on a busy machine a quick trial has so few responses that those under
        // way at its end count.
        if !gates(contender).contains(&"littles-law") {
            assert!(estimate(contender, "saturation.response_time_us.p50") > 0.0);
        }
        if has_engine() {
            let unpacked_bytes = estimate(contender, "image_unpacked_bytes");
            assert!(estimate(contender, "image_transfer_bytes") < unpacked_bytes);
        }
        assert!(!codes(contender).contains(&"body-differs"), "{contender:#}");
        assert!(!codes(contender).contains(&"content-type-differs"), "{contender:#}");
    }
    if has_engine() {
        assert!(estimate(contender(&report, "axum"), "image_unpacked_bytes") < 1e6);
    }
}

#[test]
fn the_suite_of_the_post_says_what_was_unfair_about_it() {
    let report = report(&["run", "post", "--quick", "--rounds", "1"]);
    let gin = codes(contender(&report, "gin"));
    for code in ["body-differs", "content-type-differs", "debug-mode", "logs-per-request"] {
        assert!(gin.contains(&code), "{code} is missing in {gin:?}");
    }
    let gunicorn = codes(contender(&report, "flask-gunicorn"));
    for code in ["connection-close", "workers-exceed-cores"] {
        assert!(gunicorn.contains(&code), "{code} is missing in {gunicorn:?}");
    }
    if has_engine() {
        let size = |name| estimate(contender(&report, name), "image_unpacked_bytes");
        assert!(size("gin") < size("flask-gunicorn"));
    }
}

#[test]
fn the_placebo_is_one_server_twice_and_has_a_ratio_of_every_metric() {
    let report = report(&["run", "placebo", "--quick"]);
    let again = contender(&report, "server-again");
    assert!(codes(again).is_empty(), "{again:#}");
    assert!(estimate(again, "saturation.requests_per_second") > 0.0);
    let comparisons = report["comparisons"].as_array().unwrap();
    let withheld: Vec<_> = comparisons.iter().filter(|c| !c["withheld"].is_null()).collect();
    assert!(withheld.is_empty(), "{withheld:#?}");
    let bounds: Vec<_> = comparisons.iter().filter(|c| !c["bound"].is_null()).collect();
    assert!(bounds.is_empty(), "{bounds:#?}");
}

/// Without what makes the servers fast, since they are only to be right: the Rust one builds in a
/// fraction of the time.
#[test]
fn three_stacks_do_six_kinds_of_work_with_a_database() {
    let lab = Lab::new();
    let mut command = lab.command(&["run", "stack", "--quick", "--rounds", "1", "--no-images"]);
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
    command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    let output = command.args(["--record", "r.json", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let version = report["services"][0]["version"].as_str().unwrap();
    assert!(version.starts_with("postgres (PostgreSQL) "), "{version}");
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(lab.path("r.json")).unwrap()).unwrap();
    for name in ["gin", "flask-gunicorn", "axum"] {
        let contender = contender(&report, name);
        assert_eq!(contender["status"], "measured", "{contender:#}");
        for kind in ["plaintext", "json", "db", "queries", "fortunes", "updates"] {
            assert!(estimate(contender, &format!("{kind}.requests_per_second")) > 0.0);
        }
        assert!(estimate(contender, "db.service_cpu_us_per_request") > 0.0);
        assert!(estimate(contender, "service_memory_bytes") > 1e6);
    }
    for visit in record["visits"].as_array().unwrap() {
        for trial in visit["trials"].as_array().unwrap() {
            assert_eq!(trial["errors"], serde_json::json!({}), "{}: {trial:#}", visit["entry"]);
        }
    }
}

/// As above, without what makes the Rust one fast.
#[test]
fn each_server_speaks_http_and_https_and_two_of_them_http2() {
    let lab = Lab::new();
    let mut command = lab.command(&["run", "tls", "--quick", "--rounds", "1", "--no-images"]);
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env("CARGO_PROFILE_RELEASE_LTO", "off");
    command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    let output = command.args(["--record", "r.json", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tls = |name: &str| contender(&report, name)["tls"].clone();
    for server in ["gin", "flask-gunicorn", "axum"] {
        assert_eq!(tls(server), Value::Null, "{server}");
        let agreed = tls(&format!("{server}-https"));
        assert_eq!([&agreed["version"], &agreed["group"]], ["1.3", "X25519"], "{agreed:#}");
        assert_eq!(agreed["cipher"], "TLS_AES_128_GCM_SHA256");
        assert_eq!(agreed["certificate_key"], tls("gin-https")["certificate_key"]);
        assert!(agreed["certificate_key"].as_str().unwrap().contains("secp256r1"), "{agreed:#}");
    }
    for h2 in ["gin-h2", "axum-h2"] {
        assert_eq!(tls(h2)["alpn"], "h2");
    }
    for contender in report["contenders"].as_array().unwrap() {
        assert_eq!(contender["status"], "measured", "{contender:#}");
        for scenario in ["keep-alive", "handshakes", "resumed-handshakes"] {
            assert!(estimate(contender, &format!("{scenario}.requests_per_second")) > 0.0);
        }
        let found = codes(contender);
        for code in ["tls-differs", "http-version-differs", "connection-close", "body-differs"] {
            assert!(!found.contains(&code), "{contender:#}");
        }
        if !contender["tls"].is_null() {
            assert!(estimate(contender, "handshakes.handshake_time_us.p50") > 0.0);
        }
    }
    let counterparts = report["counterparts"].as_array().unwrap();
    for (one, other) in [("gin-https", "gin"), ("gin-h2", "gin-https"), ("axum-h2", "axum-https")] {
        let found = |it: &&Value| it["contender"] == one && it["baseline"] == other;
        assert!(counterparts.iter().any(|it| found(&it)), "{one}");
    }
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(lab.path("r.json")).unwrap()).unwrap();
    for visit in record["visits"].as_array().unwrap() {
        for trial in visit["trials"].as_array().unwrap() {
            assert_eq!(trial["errors"], serde_json::json!({}), "{}: {trial:#}", visit["entry"]);
        }
    }
}

/// The suite itself with other servers, each wrong in one way.
#[test]
fn what_a_stack_does_wrong_is_found_and_named() {
    let lab = Lab::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shipped = std::fs::read_to_string(root.join("suites/stack.toml")).unwrap();
    let [before, contenders] =
        ["[[contender]]", "[[scenario]]"].map(|it| shipped.find(it).unwrap());
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/stack_server.py");
    let faults = [
        (
            "wrong-row",
            "GET /db",
            "the response has the number 5433 for the row 7, and the table has 5434",
        ),
        (
            "no-content-type",
            "GET /json",
            "no header 'Content-Type', which should be 'application/json'",
        ),
        (
            "unescaped",
            "GET /fortunes",
            "the HTML has the tag <script> instead of the text '<script>",
        ),
        ("unsorted", "GET /fortunes", "the HTML has the text '0' instead of the text '11'"),
        (
            "unstored",
            "GET /updates",
            "the response has the number 3 for the row 5, and the table has",
        ),
    ];
    let contender = |fault: &str| {
        format!(
            "[[contender]]\nname = \"{fault}\"\nuses = [\"postgres\"]\n\
             start = [\"python3\", \"-SE\", \"{server}\", \"{fault}\", \"{{port}}\"]\n\
             url = \"http://127.0.0.1:{{port}}/\"\n"
        )
    };
    let wrong: String = faults.iter().map(|(fault, ..)| contender(fault)).collect();
    let head =
        shipped[..before].replace("baseline = \"flask-gunicorn\"", "baseline = \"unstored\"");
    std::fs::create_dir(lab.path("suites")).unwrap();
    std::os::unix::fs::symlink(root.join("contenders"), lab.path("contenders")).unwrap();
    let suite = format!("{head}{wrong}{}", &shipped[contenders..]);
    std::fs::write(lab.path("suites/stack.toml"), suite).unwrap();
    let mut command = lab.command(&["check", "suites/stack.toml"]);
    let output = command.output().unwrap();
    let told = errors(&output) + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{told}");
    let one_line = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for (fault, request, message) in faults {
        let message = message.to_owned();
        assert!(one_line.contains(request) && one_line.contains(&message), "{fault}: {told}");
    }
}

/// A timing, so it is for a quiet machine: `cargo test --test contenders -- --ignored`.
#[test]
#[ignore = "takes two minutes and needs a quiet machine"]
fn a_known_slowdown_is_found_and_a_negligible_one_is_not_called_faster() {
    let report = report(&["run", "known"]);
    assert_eq!(report["too_noisy"], false, "the machine is too noisy for this test");
    let comparisons = report["comparisons"].as_array().unwrap();
    let of = |contender: &str| {
        let rate = "saturation.requests_per_second";
        comparisons.iter().find(|c| c["metric"] == rate && c["contender"] == contender).unwrap()
    };
    for (contender, truth) in [("5-percent-more", 1.0 / 1.05), ("10-percent-more", 1.0 / 1.1)] {
        let slower = of(contender);
        assert_eq!(slower["verdict"], "slower", "{slower:#}");
        let [low, high] = ["low", "high"].map(|end| slower[end].as_f64().unwrap());
        assert!((low..=high).contains(&truth), "{slower:#}");
    }
    assert_ne!(of("1-percent-more")["verdict"], "faster", "{:#}", of("1-percent-more"));
}
