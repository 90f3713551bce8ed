//! The tutorials in docs/, walked: their files are saved and their commands run, in their order.

use crate::lab::{Lab, SCENARIOS, contender};

/// Something that the tutorial tells its reader to do.
#[derive(Debug)]
enum Step {
    Save { path: String, text: String },
    Run(String),
}

/// Files are fenced blocks after "save this as `NAME`" (or "this as `NAME`"); commands are
/// indented lines that begin with `jigger`.
fn steps(tutorial: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = tutorial.lines();
    let mut path = None;
    while let Some(line) = lines.next() {
        if let Some((_, rest)) = line.split_once("this as `") {
            path = rest.split_once('`').map(|(name, _)| name.to_owned());
        } else if line.starts_with("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let path = path.take().expect("a block of code belongs to a file");
            steps.push(Step::Save { path, text: block.join("\n") + "\n" });
        } else if line.starts_with("    jigger ") {
            steps.push(Step::Run(line.trim().to_owned()));
        }
    }
    steps
}

#[test]
fn the_tutorial_can_be_followed() {
    let (lab, done) = followed("tutorial.md", run);
    assert_eq!(done, (3, 7));
    for file in ["report.html", "report.md", "result.json", "charts/latency-saturation.svg"] {
        assert!(lab.path(file).exists(), "{file}");
    }
}

#[test]
fn the_tutorial_on_a_database_can_be_followed() {
    let (lab, done) = followed("database.md", |lab, line| {
        let mut words: Vec<&str> = line.split(' ').skip(1).collect();
        if words[0] == "run" {
            words.extend(["--quick", "--rounds", "1"]);
        }
        let outcome = lab.run(&words);
        outcome.expect(0, &[]);
        match words[0] {
            "check" => outcome.expect(0, &["connects: answers", "pools: answers"]),
            _ => outcome.expect(0, &["share of CPU time: postgres (PostgreSQL)"]),
        }
    });
    assert_eq!(done, (4, 3));
    let record = std::fs::read_to_string(lab.path("notes.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    for visit in record["visits"].as_array().unwrap() {
        let trials = visit["trials"].as_array().unwrap();
        assert_eq!((trials.len(), &visit["failure"]), (2, &serde_json::Value::Null), "{visit:#}");
        assert!(trials[1]["requests"].as_u64().unwrap() > 0);
    }
}

/// A page whose files are saved and whose commands `run` runs; how many there were of both.
fn followed(page: &str, run: impl Fn(&Lab, &str)) -> (Lab, (usize, usize)) {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let steps = steps(&std::fs::read_to_string(page).unwrap());
    let lab = Lab::new("", &[contender("one", "pong", "")], SCENARIOS);
    std::fs::remove_file(lab.path("suite.toml")).unwrap();
    let (mut saved, mut ran) = (0, 0);
    for step in steps {
        match step {
            Step::Save { path, text } => {
                std::fs::create_dir_all(lab.path(&path).parent().unwrap()).unwrap();
                std::fs::write(lab.path(&path), text).unwrap();
                saved += 1;
            }
            Step::Run(line) => {
                run(&lab, &line);
                ran += 1;
            }
        }
    }
    lab.assert_nothing_left();
    (lab, (saved, ran))
}

/// The measurement itself is made short.
fn run(lab: &Lab, line: &str) {
    let mut words: Vec<&str> = line.split(' ').skip(1).collect();
    if words[0] == "run" && !words.contains(&"--quick") {
        words.push("--quick");
    }
    let outcome = lab.run(&words);
    outcome.expect(0, &[]);
    match words[0] {
        "init" => {
            let suite = lab.path("jigger.toml");
            let text = std::fs::read_to_string(&suite).unwrap();
            let said = text.replace("# json = { message", "json = { message");
            assert_ne!(said, text, "there is a line to take the # away from");
            let warm_up = "warm_up = { window = \"20ms\", windows = 3, cap = \"60ms\" }";
            let short = said.replace("[suite]\n", &format!("[suite]\n{warm_up}\n"));
            assert_ne!(short, said, "there is a suite to put a short warm-up into");
            std::fs::write(suite, short).unwrap();
        }
        "check" => {
            outcome.expect(0, &["node: answers correctly", "python: answers correctly"]);
            assert_eq!(outcome.stdout.lines().count(), 2, "it finds nothing unfair");
        }
        _ => {}
    }
}
