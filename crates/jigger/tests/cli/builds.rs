//! What a build makes, and building anew.

use serde_json::{Value, json};

use crate::lab::{Lab, contender};

const SCENARIO: &str = "[[scenario]]\nname = \"q\"\nrequests = 1\n";

/// Two contenders whose build makes 3 bytes; the first one's clean build makes 5.
fn lab() -> Lab {
    let build = "build = \"cp old made-NAME\"\nartifact = \"made-NAME\"\n";
    let clean = "clean_build = [\"rm -f made-NAME\", \"cp new made-NAME\"]\n";
    let with = |name: &str, keys: &str| contender(name, "pong", &keys.replace("NAME", name));
    let contenders = [with("one", &format!("{build}{clean}")), with("two", build)];
    let lab = Lab::new("", &contenders, SCENARIO);
    std::fs::write(lab.path("old"), "old").unwrap();
    std::fs::write(lab.path("new"), "newer").unwrap();
    lab
}

fn run(lab: &Lab, more: &[&str], texts: &[&str]) -> [Value; 2] {
    let begin =
        ["run", "suite.toml", "--quick", "--no-images", "--record", "record.json", "--details"];
    lab.run(&[&begin, more].concat()).expect(0, texts);
    let contenders = &lab.record()["contenders"];
    [0, 1].map(|at| contenders[at]["artifact"].clone())
}

fn made(name: &str, bytes: u64, build: &str) -> Value {
    json!({ "path": format!("made-{name}"), "bytes": bytes, "build": build })
}

#[test]
fn a_clean_build_takes_the_place_of_the_build_where_there_is_one() {
    let lab = lab();
    let said =
        ["build: one: made-one 5.00 B, clean build", "build: two: made-two 3.00 B, first build"];
    let built = run(&lab, &["--clean-build"], &said);
    assert_eq!(built, [made("one", 5, "clean"), made("two", 3, "first")]);

    let said = [
        "build: one: made-one 3.00 B, incremental build",
        "build: two: made-two 3.00 B; nothing was rebuilt (",
    ];
    let built = run(&lab, &[], &said);
    assert_eq!(built, [made("one", 3, "changed"), made("two", 3, "unchanged")]);

    let built = run(&lab, &["--clean-build"], &["build: one: made-one 5.00 B, clean build"]);
    assert_eq!(built, [made("one", 5, "clean"), made("two", 3, "unchanged")]);
}

#[test]
fn a_clean_build_that_fails_is_a_failed_contender() {
    let lab = lab();
    std::fs::remove_file(lab.path("new")).unwrap();
    let arguments = ["run", "suite.toml", "--quick", "--no-images", "--clean-build"];
    lab.run(&arguments).expect(3, &["one: the build 'cp new made-one' failed", "cannot stat"]);
}
