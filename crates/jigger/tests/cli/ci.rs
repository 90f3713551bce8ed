//! The action, the workflows and the template for GitLab: their steps run here as their runners run
//! them, with files, variables and programs put in for the runner's.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

use crate::ab::{Fixture, fixture, slowed};
use crate::lab::Outcome;

/// The server's scenario is counted and short; only its rate is to decide.
const ARGUMENTS: &str = "--rounds 6 --metric requests_per_second";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn yaml(path: &str) -> Yaml {
    let text = fs::read_to_string(root().join(path)).unwrap();
    YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}")).remove(0)
}

/// A job of a runner in the fixture's repository.
struct Runner {
    fixture: Fixture,
    variables: HashMap<String, String>,
}

impl Runner {
    /// With jigger, and what is put into `fakes/`, before the machine's own programs.
    fn new() -> Self {
        let fixture = fixture(slowed);
        let place = fixture.lab.path("tmp");
        fs::create_dir(place.join("fakes")).unwrap();
        let jigger = Path::new(env!("CARGO_BIN_EXE_jigger")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}/fakes:{}:{path}", place.display(), jigger.display());
        let mut runner = Self { fixture, variables: HashMap::new() };
        runner.set("PATH", &path);
        runner
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    fn place(&self, name: &str) -> PathBuf {
        self.fixture.lab.path("tmp").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.place(name)).unwrap_or_default()
    }

    /// A program that is found before the machine's of the same name.
    fn fake(&self, name: &str, script: &str) {
        let path = self.place("fakes").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, shell: &str, script: &str, variables: &HashMap<String, String>) -> Outcome {
        let mut command = Command::new(shell);
        command.args(["-e", "-c", script]).current_dir(self.fixture.lab.folder.path());
        command.envs(&self.variables).envs(variables);
        Outcome::of(&command.output().unwrap())
    }
}

/// The action's steps as a runner of GitHub runs them, with the event of a pull request.
struct Action {
    runner: Runner,
    steps: Vec<Yaml>,
}

impl Action {
    fn new() -> Self {
        let mut runner = Runner::new();
        for name in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH"] {
            let path = runner.place(name).display().to_string();
            runner.set(name, &path);
        }
        let place = runner.place("").display().to_string();
        runner.set("RUNNER_TEMP", place.trim_end_matches('/'));
        runner.set("GITHUB_ACTION_PATH", &root().display().to_string());
        runner.set("GITHUB_REPOSITORY", "them/theirs");
        let action = yaml("action.yml");
        assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
        Self { runner, steps: action["runs"]["steps"].as_vec().unwrap().clone() }
    }

    /// What stands for `${{ name }}`.
    fn value(&self, name: &str) -> String {
        if let Some(key) = name.strip_prefix("steps.compare.outputs.") {
            let outputs = self.runner.read("GITHUB_OUTPUT");
            let line = outputs.lines().find_map(|line| line.strip_prefix(&format!("{key}=")));
            return line.unwrap_or_default().to_owned();
        }
        match name {
            "inputs.suite" => "suite.toml".to_owned(),
            "inputs.arguments" => ARGUMENTS.to_owned(),
            "inputs.base" | "github.action_ref" => String::new(),
            "inputs.token" => "a-token".to_owned(),
            "github.action_repository" => "us/jigger".to_owned(),
            "github.event.pull_request.number" => "7".to_owned(),
            "github.event.pull_request.base.sha" => {
                self.runner.fixture.git(&["rev-parse", "main~1"])
            }
            other => panic!("nothing stands for {other}"),
        }
    }

    fn step(&self, name: &str) -> Outcome {
        let step = self.steps.iter().find(|step| step["name"].as_str() == Some(name)).unwrap();
        let variables = step["env"].as_hash().unwrap().iter().map(|(key, value)| {
            let expression = value.as_str().unwrap().trim();
            let name = expression.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
            (key.as_str().unwrap().to_owned(), self.value(name.unwrap().trim()))
        });
        assert_eq!(step["shell"].as_str(), Some("bash"));
        self.runner.run("bash", step["run"].as_str().unwrap(), &variables.collect())
    }
}

/// Writes down how it was called and the comment's text, and finds the comment `$EARLIER`.
const GH: &str = "echo \"$@\" >> \"$RUNNER_TEMP/gh.log\"\n\
    case \"$*\" in *--jq*) echo \"$EARLIER\"; exit;; esac\n\
    for word do case \"$word\" in body=@*) cp \"${word#body=@}\" \"$RUNNER_TEMP/body\";; esac; done";

#[test]
fn the_action_comments_a_slower_head_and_fails_at_the_end() {
    let mut action = Action::new();
    action.runner.fake("gh", GH);
    action.step("Install jigger").expect(0, &["using ", "/jigger"]);
    action.step("Compare").expect(0, &["jigger ab ended with 1"]);
    let summary = action.runner.read("GITHUB_STEP_SUMMARY");
    assert!(summary.contains("## svc: Slower"), "{summary}");
    let records = fs::read_dir(action.runner.place("jigger-ab/records")).unwrap();
    let names = records.map(|entry| entry.unwrap().path().display().to_string());
    assert!(names.into_iter().any(|name| name.ends_with(".html")));

    action.runner.set("EARLIER", "");
    action.step("Comment").expect(0, &[]);
    let comments = "repos/them/theirs/issues/7/comments";
    let log = action.runner.read("gh.log");
    assert!(log.contains(&format!("--method POST {comments} --field body=@")), "{log}");
    let body = action.runner.read("body");
    assert!(body.starts_with("<!-- jigger ab suite.toml -->\n"), "{body}");
    assert!(body.ends_with(&summary), "{body}");

    action.runner.set("EARLIER", "99");
    action.step("Comment").expect(0, &[]);
    let log = action.runner.read("gh.log");
    assert!(log.contains("--method PATCH repos/them/theirs/issues/comments/99 "), "{log}");

    action.runner.fake("gh", "exit 1");
    action.step("Comment").expect(0, &["::warning::the comment was refused"]);
    action.step("Judge").expect(1, &[]);
}

#[test]
fn a_verdict_that_is_too_long_for_a_comment_is_cut_between_lines() {
    let action = Action::new();
    action.runner.fake("gh", GH);
    fs::write(action.runner.place("long.md"), "a line of the verdict\n".repeat(5_000)).unwrap();
    let output = format!("verdict={}\n", action.runner.place("long.md").display());
    fs::write(action.runner.place("GITHUB_OUTPUT"), output).unwrap();
    action.step("Comment").expect(0, &[]);
    let body = action.runner.read("body");
    assert!(body.len() < 65_536, "{}", body.len());
    assert!(body.contains("verdict\n\n\nThe rest is in the summary"), "{}", &body[64_900..]);
}

/// `curl` copies from the folder that stands for the server.
#[test]
fn a_release_is_taken_whose_checksum_is_right() {
    let mut action = Action::new();
    action.runner.fake(
        "curl",
        "for word do case \"$before\" in --output) to=$word;; esac\n\
        before=$word; done\ncp \"$word\" \"$to\"",
    );
    let arch = std::env::consts::ARCH;
    let releases = action.runner.place("us/jigger/releases/download/v1.2.3");
    let bin = action.runner.place("us/jigger-1.2.3/bin");
    fs::create_dir_all(&releases).unwrap();
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("jigger"), "the program").unwrap();
    let archive = format!("jigger-{arch}-unknown-linux-musl.tar.gz");
    let pack = format!(
        "tar -czf {archive} -C ../../../.. jigger-1.2.3 && sha256sum {archive} > SHA256SUMS"
    );
    let packed = Command::new("sh").args(["-c", &pack]).current_dir(&releases).status().unwrap();
    assert!(packed.success());
    action.runner.set("PATH", &format!("{}:/usr/bin:/bin", action.runner.place("fakes").display()));
    action.runner.set("GITHUB_SERVER_URL", &action.runner.place("").display().to_string());
    let install = |action: &Action| {
        let variables = [("ACTION_REF", "v1.2.3"), ("ACTION_REPOSITORY", "us/jigger")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let script = root().join("action/install.sh").display().to_string();
        action.runner.run("bash", &script, &HashMap::from(variables))
    };
    install(&action).expect(0, &["took jigger from the release v1.2.3"]);
    assert_eq!(action.runner.read("jigger-bin/jigger"), "the program");
    let folder = action.runner.place("jigger-bin").display().to_string();
    assert_eq!(action.runner.read("GITHUB_PATH"), format!("{folder}\n"));
    fs::write(releases.join(&archive), "something else").unwrap();
    install(&action).expect(1, &["::error::the checksum of", "is wrong"]);
}

#[test]
fn the_job_of_gitlab_keeps_the_reports_and_fails_on_a_slower_head() {
    let mut runner = Runner::new();
    let job = yaml("docs/examples/jigger-ab.gitlab-ci.yml")["jigger-ab"].clone();
    let base = runner.fixture.git(&["rev-parse", "main~1"]);
    runner.set("JIGGER_SUITE", "suite.toml");
    runner.set("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base);
    runner.set("JIGGER_GITLAB_TOKEN", "a-token");
    runner.set("CI_API_V4_URL", "https://gitlab.example/api/v4");
    runner.set("CI_PROJECT_ID", "3");
    runner.set("CI_MERGE_REQUEST_IID", "7");
    let log = runner.place("curl.log").display().to_string();
    runner.fake("curl", &format!("echo \"$@\" > {log}"));
    let lines = ["before_script", "script"].map(|key| job[key].as_vec().unwrap().clone());
    let lines: Vec<String> =
        lines.concat().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
    let quick =
        lines.join("\n").replace("ab \"$base\" HEAD", &format!("ab $base HEAD {ARGUMENTS}"));
    runner.run("sh", &quick, &HashMap::new()).expect(1, &["## svc: Slower"]);
    let note = runner.read("curl.log");
    assert!(note.contains("api/v4/projects/3/merge_requests/7/notes"), "{note}");
    for path in job["artifacts"]["paths"].as_vec().unwrap() {
        let path = path.as_str().unwrap();
        assert!(runner.fixture.lab.path(path).exists(), "{path}");
    }
    let reports = fs::read_dir(runner.fixture.lab.path("jigger-ab")).unwrap();
    let mut names = reports.map(|entry| entry.unwrap().path().display().to_string());
    assert!(names.any(|name| name.ends_with(".html")));
}

#[test]
fn every_issue_form_has_fields_with_labels() {
    let mut fields = 0;
    for name in ["wrong-figure", "bug", "wish"] {
        let form = yaml(&format!(".github/ISSUE_TEMPLATE/{name}.yml"));
        assert!(form["name"].as_str().is_some() && form["description"].as_str().is_some());
        for field in form["body"].as_vec().unwrap() {
            assert!(matches!(field["type"].as_str(), Some("textarea" | "input")), "{field:?}");
            assert!(field["id"].as_str().is_some(), "{name}: {field:?}");
            assert!(field["attributes"]["label"].as_str().is_some(), "{name}: {field:?}");
            fields += 1;
        }
    }
    assert!(fields >= 8, "{fields}");
}

/// The scripts and targets of `make` that a step names and that are not there.
fn missing(run: &str, makefile: &str) -> Vec<String> {
    let words: Vec<&str> = run.split_whitespace().collect();
    let scripts =
        words.iter().filter(|word| word.starts_with("scripts/") || word.starts_with(".ci/"));
    let scripts = scripts.filter(|script| !root().join(script).is_file());
    let targets = words.windows(2).filter(|two| two[0] == "make").map(|two| two[1]);
    let targets = targets.filter(|target| !makefile.contains(&format!("\n{target}:")));
    scripts.copied().chain(targets).map(str::to_owned).collect()
}

#[test]
fn every_step_of_the_workflows_is_a_script_and_names_what_is_there() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    assert_eq!(
        missing("scripts/gone.sh && make gone\nmake test", &makefile),
        ["scripts/gone.sh", "gone"]
    );
    let mut steps = 0;
    for entry in fs::read_dir(root().join(".github/workflows")).unwrap() {
        let path = entry.unwrap().path();
        let workflow = yaml(&path.strip_prefix(root()).unwrap().display().to_string());
        for job in workflow["jobs"].as_hash().unwrap().values() {
            assert!(job["timeout-minutes"].as_i64().is_some(), "{}: no limit", path.display());
            let runs = job["steps"].as_vec().unwrap().iter();
            for run in runs.filter_map(|step| step["run"].as_str()) {
                assert_eq!(missing(run, &makefile), [""; 0], "{}", path.display());
                let parsed = Command::new("bash").args(["-n", "-c", run]).status().unwrap();
                assert!(parsed.success(), "{}: {run}", path.display());
                steps += 1;
            }
        }
    }
    assert!(steps >= 10, "{steps}");
}
