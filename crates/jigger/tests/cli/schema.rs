//! The published schemas against what the program really reads and writes.

use std::sync::LazyLock;

use serde_json::Value;

use crate::lab::{Lab, Outcome, SCENARIOS, contender, null_server};

/// A schema as `jigger schema` prints it, made strict: fields that it does not describe are errors
/// too, although it allows them to those who read.
fn schema(lab: &Lab, of: &str) -> Value {
    let printed = lab.run(&["schema", of]);
    printed.expect(0, &[]);
    let mut schema = serde_json::from_str(&printed.stdout).unwrap();
    make_strict(&mut schema);
    schema
}

fn make_strict(schema: &mut Value) {
    if schema.get("properties").is_some_and(Value::is_object)
        && schema.get("additionalProperties").is_none()
        && schema.get("type").is_some()
    {
        schema["additionalProperties"] = false.into();
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(make_strict),
        Value::Array(items) => items.iter_mut().for_each(make_strict),
        _ => {}
    }
}

#[track_caller]
fn assert_valid(schema: &Value, found: &Value) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(found)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn lab() -> Lab {
    let contenders = [contender("one", "pong", ""), contender("two", "closes", "")];
    Lab::new("", &contenders, SCENARIOS)
}

/// A lab with the record of a short run, which is the same one in all of them, in `record.json`.
fn measured_lab() -> Lab {
    static RECORD: LazyLock<String> = LazyLock::new(|| {
        let lab = lab();
        lab.run_quick().expect(0, &[]);
        std::fs::read_to_string(lab.path("record.json")).unwrap()
    });
    let lab = lab();
    std::fs::write(lab.path("record.json"), &*RECORD).unwrap();
    lab
}

#[test]
fn records_and_reports_are_as_their_schemas_say() {
    let lab = measured_lab();
    assert_valid(&schema(&lab, "record"), &lab.record());
    let report = lab.run(&["report", "record.json", "--format", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let strict = schema(&lab, "report");
    assert_valid(&strict, &report);
    let mut spoilt = report;
    spoilt["comparisons"][0]["verdict"] = "quicker".into();
    assert!(!jsonschema::is_valid(&strict, &spoilt));
    spoilt["comparisons"][0]["verdict"] = Value::Null;
    spoilt["contenders"][0]["speed"] = 1.into();
    assert!(!jsonschema::is_valid(&strict, &spoilt));
}

#[test]
fn the_shipped_suites_are_as_the_schema_says_and_a_slip_is_not() {
    let lab = lab();
    let schema = schema(&lab, "suite");
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("suites");
    let mut texts: Vec<String> = ["pong.toml", "post.toml", "placebo.toml"]
        .map(|name| std::fs::read_to_string(shipped.join(name)).unwrap())
        .into();
    texts.push(std::fs::read_to_string(lab.path("suite.toml")).unwrap());
    let value = |text: &str| -> Value {
        serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap()
    };
    let requests = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/examples/requests/suite.toml");
    texts.push(std::fs::read_to_string(requests).unwrap());
    for text in &texts {
        assert_valid(&schema, &value(text));
    }
    let slip = texts[4].replace("body_file =", "bodyfile =");
    assert!(slip != texts[4] && !jsonschema::is_valid(&schema, &value(&slip)));
    for (right, wrong) in
        [("connections =", "conections ="), ("duration = \"300ms\"", "duration = 3")]
    {
        let slip = texts[3].replace(right, wrong);
        assert_ne!(slip, texts[3]);
        assert!(!jsonschema::is_valid(&schema, &value(&slip)), "{wrong}");
    }
}

#[test]
fn the_json_of_load_is_as_its_schema_says() {
    let lab = lab();
    let (_server, url) = null_server();
    let schema = schema(&lab, "load");
    for more in [
        &["-n", "50"][..],
        &["-n", "20", "--rate", "100", "--kernel-timestamps", "--busy-poll"],
        &["-n", "50", "--batch"],
        &["-n", "50", "--http", "2", "-m", "5"],
    ] {
        let arguments = [&["load", &url, "--format", "json"], more].concat();
        let report = lab.run(&arguments);
        report.expect(0, &[]);
        assert_valid(&schema, &serde_json::from_str(&report.stdout).unwrap());
    }
}

#[test]
fn the_json_of_timeit_is_as_its_schema_says() {
    let lab = lab();
    let (_server, url) = null_server();
    let schema = schema(&lab, "timeit");
    // Nothing responds at the second one, so that there are errors as well.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}/", listener.local_addr().unwrap());
    for (code, urls) in [(0, &[url.as_str()][..]), (3, &[&url, &silent])] {
        let report = lab.run(
            &[&["timeit", "-n", "3", "-r", "2", "-T", "0.5", "--format", "json"], urls].concat(),
        );
        report.expect(code, &[]);
        let mut report = serde_json::from_str(&report.stdout).unwrap();
        assert_valid(&schema, &report);
        report["urls"][0]["rounds"][0]["errors"] = serde_json::json!({ "bad_luck": 1 });
        assert!(!jsonschema::is_valid(&schema, &report));
    }
}

/// Also on a machine without any program, which is no reason to fail.
#[test]
fn the_json_of_doctor_is_as_its_schema_says() {
    let lab = lab();
    let schema = schema(&lab, "doctor");
    for path in [std::env::var("PATH").unwrap(), "/nowhere".to_owned()] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_jigger"));
        command.args(["doctor", "--format", "json"]).env("PATH", &path);
        let report = Outcome::of(&command.output().unwrap());
        report.expect(0, &[]);
        let report: Value = serde_json::from_str(&report.stdout).unwrap();
        assert_valid(&schema, &report);
        let topics = report["topics"].as_array().unwrap().iter();
        let mut findings = topics.flat_map(|topic| topic["findings"].as_array().unwrap());
        let go = findings.find(|found| found["name"] == "go").unwrap();
        let is_nowhere = path == "/nowhere";
        assert_eq!(go["state"] == "lacking", is_nowhere || go["remedy"].is_string(), "{go}");
        assert!(!is_nowhere || go["remedy"].as_str().unwrap().contains("install Go"), "{go}");
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_jigger"));
    command.arg("doctor").env("PATH", "/nowhere");
    Outcome::of(&command.output().unwrap()).expect(
        0,
        &[
            "cores and clock\n",
            "lacking go: not on PATH",
            "to do: install Go",
            "Nothing was changed.",
        ],
    );
    lab.run(&["doctor", "--format", "html"]).expect(2, &["[possible values: text, json]"]);
}

/// The fenced blocks of JSON in a page: what is named after `json`, and the text.
fn examples(page: &str) -> Vec<(&str, String)> {
    let mut lines = page.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("```json") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((name.trim(), text.join("\n")));
        }
    }
    found
}

/// Each names its schema after `json`, but for npm's `package.json`.
#[test]
fn every_example_in_the_documents_is_as_its_schema_says() {
    let lab = lab();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = std::fs::read_dir(root.join("docs")).unwrap().map(|page| page.unwrap().path());
    let mut held = Vec::new();
    for page in pages.chain([root.join("README.md")]).filter(|page| page.is_file()) {
        for (name, text) in examples(&std::fs::read_to_string(&page).unwrap()) {
            let example: Value = serde_json::from_str(&text).unwrap();
            if name != "package.json" {
                assert_valid(&schema(&lab, name), &example);
                held.push(name.to_owned());
            }
        }
    }
    // One that names none is found, and has no schema.
    assert_eq!(examples("```json\n{}\n```\n"), [("", "{}".to_owned())]);
    lab.run(&["schema", ""]).expect(2, &["[possible values: suite, report,"]);
    held.sort();
    assert_eq!(held, ["doctor", "image", "image", "timeit"]);
}

/// What has an interval is held against the schema where the figures are made by hand.
#[test]
fn the_json_of_cross_check_is_as_its_schema_says() {
    if std::env::var("JIGGER_TEST_WRK").is_ok_and(|value| value == "none") {
        return;
    }
    let lab = lab();
    let schema = schema(&lab, "cross-check");
    let arguments = ["cross-check", "suite.toml", "--quick", "--tool", "wrk", "-o", "out.md"];
    let report = lab.run(&[&arguments[..], &["--format", "json"]].concat());
    report.expect(0, &[]);
    let mut report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_valid(&schema, &report);
    let of_wrk = |series: &&Value| series["tool"] == "wrk" && series["contender"] == "one";
    let series = report["series"].as_array().unwrap().iter().find(of_wrk).unwrap();
    assert!(series["multiple"]["requests_per_second"]["ratio"].is_number(), "{series:#}");
    assert_eq!(series["rounds"].as_array().unwrap().len(), 2);
    let markdown = std::fs::read_to_string(lab.path("out.md")).unwrap();
    assert!(markdown.starts_with("## Cross-check of the suite `lab`"), "{markdown}");
    report["series"][0]["rounds"][0]["speed"] = 1.into();
    assert!(!jsonschema::is_valid(&schema, &report));
}

#[test]
fn a_record_of_an_earlier_jigger_is_read() {
    let lab = lab();
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/record-1.json");
    let path = fixture.to_str().unwrap();
    lab.run(&["report", path]).expect(0, &["first: 2 servers, 7 rounds", "plain is fastest"]);
    for format in ["markdown", "html", "csv", "json"] {
        let report = lab.run(&["report", path, "--format", format]);
        report.expect(0, &["plain", "closing"]);
        assert!(report.stdout.len() > 1_000, "{format}");
    }
}

#[test]
fn charts_lie_beside_the_markdown_that_shows_them() {
    let lab = measured_lab();
    std::fs::create_dir(lab.path("out")).unwrap();
    let report = ["report", "record.json", "-o", "out/r.md", "--charts", "figures"];
    lab.run(&report).expect(0, &[]);
    let markdown = std::fs::read_to_string(lab.path("out/r.md")).unwrap();
    let links: Vec<&str> =
        markdown.split("](<").skip(1).map(|rest| rest.split('>').next().unwrap()).collect();
    assert!(links.len() >= 5, "{markdown}");
    for link in links {
        assert!(link.starts_with("../figures/"), "{link}");
        let svg = std::fs::read_to_string(lab.path("out").join(link)).unwrap();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{link}");
    }
}

#[test]
fn the_card_is_drawn_beside_or_instead_of_the_report() {
    let lab = measured_lab();
    let card = |arguments: &[&str]| {
        let outcome = lab.run(&[&["report", "record.json"], arguments].concat());
        outcome.expect(0, &[]);
        assert_eq!(outcome.stdout, "");
        std::fs::read_to_string(lab.path("card.svg")).unwrap()
    };
    let svg = card(&["--card", "card.svg"]);
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(svg.contains("1 one</text>") && svg.contains(">baseline</text>"), "{svg}");
    assert_eq!(card(&["-o", "report.md", "--card", "card.svg"]), svg);
    let refused = lab.run(&["report", "record.json", "--card", "card.png"]);
    refused.expect(2, &["the picture is an SVG file: end its name in .svg"]);
}

#[test]
fn a_report_shows_what_changed_since_an_earlier_record() {
    let lab = measured_lab();
    let report = |arguments: &[&str]| {
        lab.run(&[&["report", "record.json", "--against", "record.json"], arguments].concat())
    };
    for format in ["text", "markdown"] {
        report(&["--format", format]).expect(0, &["two", "saturation.requests_per_second"]);
    }
    let page = report(&["--format", "html"]);
    page.expect(
        0,
        &[
            "<section id=\"change\"",
            "<caption><span>two</span>",
            "scope=\"row\">saturation.requests_per_second",
        ],
    );
    report(&["--format", "csv"]).expect(2, &["jigger diff --format json"]);
    report(&["-o", "r.html", "-o", "r.json"]).expect(2, &["jigger diff --format json"]);
    lab.run(&["report", "record.json", "--against", "gone.json"])
        .expect(2, &["cannot read the record gone.json"]);
}
