//! Advice names flags: those that the command at hand has.

use std::collections::BTreeSet;
use std::path::Path;

use clap::CommandFactory as _;
use regex::Regex;

use super::Cli;
use super::refusal::is_called;

/// Where the sources advise a flag, and the commands that can come to say so.
const ADVICE: &[(&str, &[&str], &[&str])] = &[
    ("commands.rs", &["record", "details"], &["run", "compare"]),
    ("commands/ab.rs", &["metric", "records"], &["ab"]),
    ("commands/cross_check.rs", &["tool"], &["cross-check"]),
    ("commands/asked.rs", &["body", "json", "lines", "request"], &["load", "compare"]),
    (
        "commands/load.rs",
        &[
            "connect-to",
            "cpus",
            "fail-if",
            "max-error-rate",
            "no-tui",
            "percentiles",
            "pipeline",
            "rate",
            "streams",
            "timeline",
            "tui",
        ],
        &["load"],
    ),
    ("commands/run.rs", &["http"], &["compare"]),
    ("commands/report.rs", &["metric", "relative"], &["diff"]),
    ("commands/report.rs", &["force"], &["diff", "report"]),
    ("commands/report.rs", &["against"], &["report"]),
    ("commands/report.rs", &["format"], &["diff"]),
    ("analysis/gate.rs", &["client-cpus"], &["run", "compare", "ab"]),
    ("host.rs", &["client-cpus", "server-cpus"], &["run", "compare", "ab", "check"]),
    ("pipeline.rs", &["server-cpus"], &["run", "compare", "check"]),
    ("pipeline.rs", &["no-images"], &["run"]),
    ("prepare.rs", &["in"], &["run"]),
    ("report/load/condition.rs", &["fail-if"], &["load"]),
    ("report/load/text.rs", &["rate"], &["load"]),
    ("report/load/timeline.rs", &["timeline"], &["load"]),
    ("suite/selection.rs", &["network"], &["run", "check"]),
    ("visit/launched.rs", &["memory"], &["run", "check"]),
    ("visit/live.rs", &["network"], &["run", "check"]),
];

/// Files whose flags are other programs', or that define or repeat jigger's own.
const OTHERS: &[&str] = &[
    "cli",
    "cross_check/",
    "doctor",
    "image",
    "init",
    "plan",
    "prepare/worktree.rs",
    "record.rs",
    "report/chart",
    "report/html",
    "server/",
    "wrk",
];

/// The flags in the texts of a source file without its tests and comments.
fn flags_advised(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let flag = Regex::new("(?:^|[\"`( ])--([a-z][a-z-]+)").unwrap();
    let found = lines.flat_map(|line| flag.captures_iter(line).collect::<Vec<_>>());
    found.map(|captures| captures[1].to_owned()).collect()
}

#[test]
fn flags_that_are_advised_are_there() {
    assert_eq!(flags_advised("// --a\n\"use --bc\"\n#[cfg(test)]\nmod t { \"--de\" }").len(), 1);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs")
                && !name.contains("tests")
                && !OTHERS.iter().any(|other| name.starts_with(other))
                && !name.starts_with("commands/wrk")
                && !name.starts_with("commands/image")
            {
                let listed = ADVICE.iter().filter(|(file, ..)| *file == name);
                let listed =
                    listed.flat_map(|(_, flags, _)| flags.iter().map(|it| (*it).to_owned()));
                let text = std::fs::read_to_string(&path).unwrap();
                assert_eq!(flags_advised(&text), listed.collect(), "{name}: who can say so?");
            }
        }
    }
    let command = Cli::command();
    for (file, flags, verbs) in ADVICE {
        for (verb, flag) in verbs.iter().flat_map(|verb| flags.iter().map(move |it| (verb, it))) {
            let verb = command.find_subcommand(verb).unwrap();
            let has = verb.get_arguments().any(|arg| is_called(arg, &format!("--{flag}")));
            assert!(has, "{file} advises --{flag}, which {} has not", verb.get_name());
        }
    }
}
