//! Checks of Rust sources: their length, their names, and who may use what.

use std::path::Path;

use quote::ToTokens as _;
use syn::visit::Visit;

use crate::source::{Source, production, word_positions};

/// No file may be longer.
const LINES_MAX: usize = 600;

const ENGINE_IO: &str = "crates/jigger-load/src/io";
const FETCH: &str = "crates/jigger-load/src/fetch";
const NULL_SERVER: &str = "crates/jigger-load/src/null_server";
const SERVER: &str = "crates/jigger/src/server";
const GUARD: &str = "crates/jigger/src/server/guard.rs";
const PORTS: &str = "crates/jigger/src/server/port.rs";
const IMAGE: &str = "crates/jigger/src/image";
const WORKTREE: &str = "crates/jigger/src/prepare/worktree.rs";

/// Words of the operating system, and the only places (beginnings of paths) that may use them.
pub const PLACES: &[(&str, &[&str])] = &[
    ("Command", &[SERVER, IMAGE, WORKTREE]),
    ("TcpStream", &[ENGINE_IO, FETCH, NULL_SERVER]),
    ("TcpListener", &[ENGINE_IO, NULL_SERVER, PORTS]),
    // It sends nothing: the kernel says by it which address is its own.
    ("UdpSocket", &["crates/jigger/src/host.rs"]),
    // The guard's streams carry signals, not requests.
    ("UnixStream", &[ENGINE_IO, FETCH, NULL_SERVER, GUARD]),
    ("UnixListener", &[NULL_SERVER]),
    ("rustix::net", &[ENGINE_IO, NULL_SERVER]),
    ("sys::socket", &[ENGINE_IO, NULL_SERVER]),
];

/// Beginnings of function names that say nothing.
const EMPTY_VERBS: &[&str] = &["get_", "do_", "handle_"];

/// Names of files that hold anything and everything.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "misc", "common"];

pub fn too_long(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    (lines > LINES_MAX).then(|| format!("{}: {lines} lines; split it by concept", source.path))
}

pub fn undocumented(source: &Source) -> Option<String> {
    let documented = source.text.starts_with("//!");
    (!documented).then(|| format!("{}: begin it with `//!` and what it is", source.path))
}

pub fn empty_names(source: &Source) -> Vec<String> {
    let stem = Path::new(&source.path).file_stem().unwrap_or_default().to_string_lossy();
    let mut faults = Vec::new();
    if EMPTY_NAMES.contains(&stem.as_ref()) {
        faults.push(format!("{}: name the file after its concept", source.path));
    }
    let named = source.text.lines().filter_map(function_name);
    let empty = named.filter(|name| EMPTY_VERBS.iter().any(|verb| name.starts_with(verb)));
    faults.extend(empty.map(|name| format!("{}: fn {name}: say what it gives", source.path)));
    faults
}

/// The name of the function that a line declares.
fn function_name(line: &str) -> Option<&str> {
    let (before, name) = line.split_once("fn ")?;
    let is_declared = before.chars().all(|c| c.is_ascii_lowercase() || " ()".contains(c));
    is_declared.then(|| name.split(['(', '<']).next().unwrap_or_default())
}

pub fn unwraps(source: &Source) -> Option<String> {
    let unwraps = production(&source.text).contains(".unwrap()");
    unwraps.then(|| format!("{}: .unwrap(); give an error, or expect() with a reason", source.path))
}

/// Uses of words of the operating system outside of their places.
pub fn misplaced(source: &Source, places: &[(&str, &[&str])]) -> Vec<String> {
    let code = production(&source.text);
    let uses = |word: &str| match word {
        "Command" => code.split(';').any(starts_processes),
        word => word_positions(&code, word).next().is_some(),
    };
    places
        .iter()
        .filter(|(_, homes)| !homes.iter().any(|home| source.path.starts_with(home)))
        .filter(|(word, _)| uses(word))
        .map(|(word, homes)| format!("{}: {word} belongs to {homes:?} only", source.path))
        .collect()
}

/// clap's subcommands are often called `Command` too, so the path or the import decides.
fn starts_processes(statement: &str) -> bool {
    let imports = statement.contains("use std::") && statement.contains("process");
    statement.contains("process::Command")
        || (imports && word_positions(statement, "Command").next().is_some())
}

/// A renderer may know a verdict and nothing else of the statistics.
pub fn statistics(source: &Source) -> Vec<String> {
    let code = production(&source.text);
    let allowed = |rest: &&str| {
        let names = rest.split(';').next().unwrap_or_default();
        word_positions(names, "Verdict").any(|at| at == 0)
    };
    let wrong = code.split("jigger_stats::").skip(1).filter(|rest| !allowed(rest));
    wrong.map(|_| format!("{}: only jigger_stats::Verdict is for renderers", source.path)).collect()
}

/// An error whose text has its cause in it gives the cause no second time as its source: whoever
/// prints the chain would repeat it.
pub fn causes_told_twice(source: &Source) -> Vec<String> {
    let mut found = ErrorTypes { path: &source.path, faults: Vec::new() };
    found.visit_file(&syn::parse_file(&source.text).expect(&source.path));
    found.faults
}

struct ErrorTypes<'a> {
    path: &'a str,
    faults: Vec<String>,
}

impl ErrorTypes<'_> {
    fn look_at(&mut self, name: &syn::Ident, attributes: &[syn::Attribute], fields: &syn::Fields) {
        let Some(message) = attributes.iter().find(|found| found.path().is_ident("error")) else {
            return;
        };
        let message = message.to_token_stream().to_string();
        let is_cause = |field: &syn::Field| {
            let is_marked = |mark| field.attrs.iter().any(|found| found.path().is_ident(mark));
            field.ident.as_ref().is_some_and(|name| name == "source")
                || is_marked("source")
                || is_marked("from")
        };
        let told =
            fields.iter().enumerate().filter(|(_, field)| is_cause(field)).any(|(at, field)| {
                let name = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
                let arguments = message.rsplit('"').next().unwrap_or_default();
                let as_argument = word_positions(arguments, &name)
                    .any(|at| arguments[..at].trim_end().ends_with('.'));
                let in_text = |end: &str| message.contains(&format!("{{{name}{end}"));
                in_text("}") || in_text(":") || as_argument
            });
        if told {
            self.faults.push(format!("{}: {name} tells its cause twice", self.path));
        }
    }
}

impl<'ast> Visit<'ast> for ErrorTypes<'_> {
    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.look_at(&variant.ident, &variant.attrs, &variant.fields);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.look_at(&item.ident, &item.attrs, &item.fields);
    }
}

mod tests {
    use super::*;

    #[test]
    fn length_and_documentation() {
        let doc = "//! x\n";
        assert!(too_long(&Source::sample("a.rs", &doc.repeat(600))).is_none());
        assert!(too_long(&Source::sample("a.rs", &doc.repeat(601))).is_some());
        assert!(undocumented(&Source::sample("a.rs", doc)).is_none());
        assert!(undocumented(&Source::sample("a.rs", "\n//! x")).is_some());
        assert!(undocumented(&Source::sample("a.rs", "use a;")).is_some());
    }

    #[test]
    fn names() {
        let faults = |path: &str, text: &str| empty_names(&Source::sample(path, text)).len();
        assert_eq!(faults("src/utils.rs", "    pub(crate) fn get_port<T>() {}"), 2);
        assert_eq!(faults("src/port.rs", "// fn get_x()\nconst fn target() {}"), 0);
    }

    #[test]
    fn unwrapping() {
        let test = "#[cfg(test)]\nmod tests {\n    a().unwrap();\n}";
        assert!(unwraps(&Source::sample("a.rs", test)).is_none());
        assert!(unwraps(&Source::sample("a.rs", &format!("a().unwrap();\n{test}"))).is_some());
        assert!(unwraps(&Source::sample("a.rs", "/// a().unwrap();\na().unwrap_or(1);")).is_none());
    }

    #[test]
    fn places() {
        let faults = |path: &str, text: &str| misplaced(&Source::sample(path, text), PLACES).len();
        let plan = "crates/jigger/src/plan.rs";
        assert_eq!(faults(plan, "use std::process::{ExitCode,\n Command};"), 1);
        assert_eq!(faults(plan, "std::process::Command::new(\"sh\");"), 1);
        assert_eq!(faults(plan, "use std::{io, process::{self, Command}};"), 1);
        assert_eq!(faults(plan, "use std::process::ExitCode; enum Command {}"), 0);
        assert_eq!(faults("crates/jigger/src/server/link.rs", "use std::process::Command;"), 0);
        assert_eq!(faults(plan, "use std::net::TcpStream; use rustix::net::connect;"), 2);
        assert_eq!(faults("crates/jigger-load/src/io/epoll.rs", "use rustix::net;"), 0);
        assert_eq!(faults("crates/jigger/src/server/port.rs", "TcpListener::bind(a)"), 0);
    }

    #[test]
    fn causes() {
        let faults = |fields: &str| {
            let text = format!("enum E {{ {fields} }}");
            causes_told_twice(&Source::sample("a.rs", &text)).len()
        };
        assert_eq!(faults("#[error(\"it {source}\")] A { source: io::Error }"), 1);
        assert_eq!(faults("#[error(\"it: {0}\")] A(#[from] io::Error)"), 1);
        assert_eq!(faults("#[error(\"it: {b}\")] A { #[source] b: io::Error }"), 1);
        assert_eq!(faults("#[error(\"it: {}\", said(.source))] A { source: io::Error }"), 1);
        assert_eq!(faults("#[error(\"it: {}\", .0.kind())] A(#[from] io::Error)"), 1);
        assert_eq!(faults("#[error(\"{}: it\", .0.display())] A(PathBuf, #[source] io::Error)"), 0);
        assert_eq!(faults("#[error(\"it: {cause}\")] A { cause: io::Error }"), 0);
        assert_eq!(faults("#[error(\"it\")] A { source: io::Error }"), 0);
        assert_eq!(faults("#[error(transparent)] A(#[from] io::Error)"), 0);
    }

    #[test]
    fn statistics_in_renderers() {
        let faults =
            |text: &str| statistics(&Source::sample("crates/jigger/src/report/x.rs", text)).len();
        assert_eq!(faults("use jigger_stats::Verdict;"), 0);
        assert_eq!(faults("use jigger_stats::{Paired, Verdict};"), 1);
        assert_eq!(faults("let ratio = jigger_stats::Ratio::of(a, b, c);"), 1);
    }
}
