//! `jigger ab` in a git repository made for the test.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::lab::{Lab, Outcome};

const SVC: &str = "[[contender]]\nname = \"svc\"\ndir = \"svc\"\n\
    start = [\"python3\", \"server.py\", \"pong\", \"{port}\"]\n\
    url = \"http://127.0.0.1:{port}/\"\nstart_limit = \"120s\"\ngrace = \"120s\"\n";
const SCENARIO: &str = "[[scenario]]\nname = \"q\"\nrequests = 5\n";

/// A repository with the server in `svc/`; its second commit changes the file by `edit`.
pub struct Fixture {
    pub lab: Lab,
}

pub fn fixture(edit: impl Fn(&str) -> String) -> Fixture {
    let lab = Lab::new("", &[SVC.to_owned()], SCENARIO);
    let fixture = Fixture { lab };
    std::fs::create_dir_all(fixture.lab.path("svc")).unwrap();
    std::fs::create_dir_all(fixture.lab.path("tmp")).unwrap();
    let source = include_str!("../fixtures/server.py");
    std::fs::write(fixture.lab.path("svc/server.py"), source).unwrap();
    std::fs::write(fixture.lab.path(".gitignore"), "tmp/\njigger-records/\n__pycache__/\n")
        .unwrap();
    fixture.git(&["init", "--quiet", "--initial-branch", "main"]);
    fixture.commit("first");
    std::fs::write(fixture.lab.path("svc/server.py"), edit(source)).unwrap();
    fixture.commit("second");
    fixture
}

/// Each response waits 100 ms: whatever else the machine does, there are ten a second at most.
pub fn slowed(source: &str) -> String {
    source.replace("            self.send(", "            time.sleep(0.1)\n            self.send(")
}

fn touched(source: &str) -> String {
    format!("{source}# the same\n")
}

impl Fixture {
    pub fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
        let output = Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(self.lab.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.lab.command(&[&["ab"], arguments].concat());
        command.env("TMPDIR", self.lab.path("tmp"));
        command
    }

    fn ab(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&self.command(arguments).output().unwrap())
    }

    /// No process, no worktree, no file is left, and the checkout is as it was.
    fn assert_clean(&self, status_before: &str) {
        self.lab.assert_nothing_left();
        assert_eq!(self.git(&["worktree", "list"]).lines().count(), 1);
        let left: Vec<_> = std::fs::read_dir(self.lab.path("tmp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(self.git(&["status", "--porcelain"]), status_before);
    }
}

#[test]
fn a_slower_head_is_found_and_nothing_is_left_behind() {
    let fixture = fixture(slowed);
    let metric = ["--metric", "requests_per_second"];
    let arguments = [&["main~1", "main", "--rounds", "6"], &metric[..], &["--", "suite.toml"]];
    let outcome = fixture.ab(&arguments.concat());
    outcome.expect(
        1,
        &["## svc: Slower, ", "in q.requests_per_second", ": worse in 1 of 1 metrics", "| worse |"],
    );
    outcome.expect(1, &["main (", "against main~1 (", "6 interleaved rounds"]);
    fixture.assert_clean("");
    let record = std::fs::read_dir(fixture.lab.path("jigger-records")).unwrap().next().unwrap();
    let text = std::fs::read_to_string(record.unwrap().path()).unwrap();
    assert!(text.contains("svc@main~1") && text.contains("placebo"), "{text}");
}

/// Changed and new files that are not committed are measured, and stay uncommitted.
#[test]
fn the_head_may_be_the_working_tree() {
    let fixture = fixture(touched);
    let source = std::fs::read_to_string(fixture.lab.path("svc/server.py")).unwrap();
    let source = source.replace("import os\n", "import os\nimport body\n");
    std::fs::write(fixture.lab.path("svc/server.py"), source).unwrap();
    std::fs::write(fixture.lab.path("svc/body.py"), "# new\n").unwrap();
    let before = fixture.git(&["status", "--porcelain"]);
    assert_eq!(before, "M svc/server.py\n?? svc/body.py");
    let outcome = fixture.ab(&["HEAD", ".", "--format", "json", "--", "suite.toml", "--quick"]);
    outcome.expect(0, &["\"contender\": \"svc\"", "\"verdict\": null"]);
    fixture.assert_clean(&before);
}

#[test]
fn ctrl_c_removes_the_checkouts() {
    let fixture = fixture(touched);
    let child = fixture.command(&["main~1", "main", "--rounds", "50", "suite.toml", "-q"]);
    let child = { child }.spawn().unwrap();
    fixture.lab.wait_for("a server", || {
        fixture.lab.processes().iter().any(|(_, line)| line.contains("server.py"))
    });
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    Outcome::of(&child.wait_with_output().unwrap()).expect(130, &[]);
    fixture.assert_clean("");
}

#[test]
fn a_head_that_does_not_start_is_told_and_nothing_is_left_behind() {
    let fixture = fixture(|source| format!("raise SystemExit('broken')\n{source}"));
    let outcome = fixture.ab(&["main~1", "main", "--quick", "suite.toml"]);
    outcome.expect(3, &["svc@main", "broken"]);
    fixture.assert_clean("");
}

#[test]
fn what_cannot_be_compared() {
    let fixture = fixture(touched);
    let refused = |arguments: &[&str], texts: &[&str]| fixture.ab(arguments).expect(2, texts);
    refused(
        &["mian", "HEAD", "suite.toml"],
        &["'mian' is not a revision", "a branch, a tag or a commit"],
    );
    refused(&["main", "HEAD", "suite.toml"], &["main and HEAD are both", "nothing to compare"]);
    refused(&["main~1", ".", "gone.toml"], &["cannot read the suite gone.toml"]);
    refused(&["main", ".", "suite.toml"], &["nothing to compare"]);
    let outside = SVC.replace("dir = \"svc\"", "dir = \"/\"");
    let suite = std::fs::read_to_string(fixture.lab.path("suite.toml")).unwrap();
    std::fs::write(fixture.lab.path("tmp/far.toml"), suite.replace(SVC, &outside)).unwrap();
    refused(
        &["main~1", "main", "tmp/far.toml"],
        &["svc: left out: its folder / is outside the repository", "no contender that can be"],
    );
    std::fs::remove_file(fixture.lab.path("tmp/far.toml")).unwrap();
    fixture.assert_clean("");
    let elsewhere = Lab::new("", &[SVC.to_owned()], SCENARIO);
    let mut command = elsewhere.command(&["ab", "main", "HEAD", "suite.toml"]);
    command.env("GIT_CEILING_DIRECTORIES", elsewhere.folder.path().parent().unwrap());
    Outcome::of(&command.output().unwrap()).expect(2, &["is not in a git repository"]);
}
