//! docs/tutorial.md, walked: its files are saved and its commands run, in its order.

use crate::lab::{Lab, SCENARIOS, contender};

/// A step of the tutorial.
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
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial.md");
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
    assert_eq!((saved, ran), (3, 7));
    for file in ["report.html", "report.md", "result.json", "charts/latency-saturation.svg"] {
        assert!(lab.path(file).exists(), "{file}");
    }
    lab.assert_nothing_left();
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
            outcome.expect(0, &["node: responds correctly", "python: responds correctly"]);
            assert_eq!(outcome.stdout.lines().count(), 2, "it finds nothing unfair");
        }
        _ => {}
    }
}
