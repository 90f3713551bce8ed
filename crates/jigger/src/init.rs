//! A suite for the servers that are found in a folder, as `jigger init` writes it.
//!
//! Files are read and nothing is run. What they do not show is written down as a guess,
//! with a comment that says so.

mod compose;
mod languages;
mod routes;
mod write;

use std::path::{Path, PathBuf};

use languages::{go, node, python, rust};
use routes::Route;

use crate::suite::is_name_character;

pub use compose::{ComposeService, services};
pub use write::suite_text;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name in the suite.
    pub name: String,
    /// Its folder, from the one that was searched; `.` for that one.
    pub dir: String,
    /// What it is and by which file it was found.
    pub what: String,
    /// Programs that its commands need.
    pub needs: Vec<&'static str>,
    pub build: Vec<String>,
    /// The command that starts it; none where only an image can.
    pub start: Option<String>,
    pub port: Port,
    /// A path that it serves.
    pub path: String,
    /// What its sources show that it serves.
    pub routes: Vec<Route>,
    pub has_dockerfile: bool,
}

/// How a server learns on which port to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// From this environment variable.
    Variable(String),
    /// The command that starts it names the port.
    Argument,
    /// It is written in the sources.
    Fixed(u16),
    Unknown,
}

/// A folder that may be a project: where it is, and its files that matter.
#[derive(Debug, Clone, Default)]
struct Folder {
    path: PathBuf,
    /// From the searched folder, with `/`; empty for that one.
    dir: String,
    /// Names of the files in it, sorted.
    files: Vec<String>,
}

impl Folder {
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    /// A file's text, as far as it is one.
    fn text(&self, name: &str) -> String {
        std::fs::read(self.path.join(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The texts of all files whose names end so, those in the folders named included.
    fn sources(&self, endings: &[&str], folders: &[&str]) -> Vec<(String, String)> {
        let mut sources: Vec<(String, String)> = Vec::new();
        for folder in std::iter::once(&"").chain(folders) {
            let mut names = names_in(&self.path.join(folder));
            names.retain(|name| endings.iter().any(|ending| name.ends_with(ending)));
            sources.extend(names.into_iter().map(|name| {
                let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let text = self.text(&name);
                (name, text)
            }));
        }
        sources
    }

    /// `services/gin/go.mod`.
    fn place(&self, file: &str) -> String {
        if self.dir.is_empty() { file.to_owned() } else { format!("{}/{file}", self.dir) }
    }
}

/// Names of the plain files in a folder, sorted; none when it cannot be read.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<String> =
        files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Folders below the searched one that are looked into, at most so deep.
const DEPTH: usize = 3;

/// Folders that hold what others wrote, or what builds left.
const SKIPPED: &[&str] =
    &["node_modules", "target", "vendor", "venv", "dist", "build", "site-packages", "__pycache__"];

/// Every server that is found in a folder and below it, in the order of their folders.
pub fn find(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    walk(root, String::new(), &mut found);
    name_apart(&mut found, root);
    found
}

fn walk(path: &Path, dir: String, found: &mut Vec<Found>) {
    let folder = Folder { path: path.to_owned(), files: names_in(path), dir };
    let here = of_folder(&folder);
    // What is below a project is a part of it.
    let is_project = here.is_some();
    found.extend(here);
    let depth = folder.dir.split('/').filter(|part| !part.is_empty()).count();
    if is_project || depth >= DEPTH {
        return;
    }
    for name in folders_in(path) {
        walk(&path.join(&name), folder.place(&name), found);
    }
}

fn of_folder(folder: &Folder) -> Option<Found> {
    let found =
        go(folder).or_else(|| rust(folder)).or_else(|| node(folder)).or_else(|| python(folder));
    let has_dockerfile = folder.has("Dockerfile");
    found
        .map(|found| Found { has_dockerfile, ..found })
        .or_else(|| has_dockerfile.then(|| only_image(folder)))
}

/// A Dockerfile beside nothing that is known: it can be built, but not started as a process.
fn only_image(folder: &Folder) -> Found {
    let exposed = folder.text("Dockerfile");
    let exposed = exposed.lines().find_map(|line| line.trim().strip_prefix("EXPOSE "));
    let port = exposed.and_then(|port| port.trim().split('/').next()?.parse().ok());
    Found {
        name: String::new(),
        dir: folder.dir.clone(),
        what: format!("An image, found by {}", folder.place("Dockerfile")),
        needs: Vec::new(),
        build: Vec::new(),
        start: None,
        port: port.map_or(Port::Unknown, Port::Fixed),
        path: "/".to_owned(),
        routes: Vec::new(),
        has_dockerfile: true,
    }
}

fn folders_in(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> =
        folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.') && !SKIPPED.contains(&name.as_str()));
    names.sort();
    names
}

/// Names from the folders, fit for a suite and each only once.
fn name_apart(found: &mut [Found], root: &Path) {
    let whole = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut taken = vec![crate::plan::PLACEBO.to_owned()];
    for server in found {
        let last = server.dir.rsplit('/').next().filter(|name| !name.is_empty());
        let own = last.map(str::to_owned);
        let own = own.or_else(|| Some(whole.file_name()?.to_str()?.to_owned()));
        let plain = fit(&own.unwrap_or_default());
        let mut name = plain.clone();
        let mut count = 1;
        while taken.contains(&name) {
            count += 1;
            name = format!("{plain}-{count}");
        }
        taken.push(name.clone());
        server.name = name;
        if server.dir.is_empty() {
            ".".clone_into(&mut server.dir);
        }
    }
}

fn fit(name: &str) -> String {
    let name: String = name.chars().map(|c| if is_name_character(c) { c } else { '-' }).collect();
    if name.is_empty() { "server".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::suite::Suite;

    /// A folder with these files.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    /// What is found: folder, build, start, port and path.
    fn shown(files: &[(&str, &str)]) -> Vec<String> {
        let folder = folder(files);
        let found = find(folder.path());
        let shown = found.iter().map(|server| {
            let start = server.start.as_deref().unwrap_or("-");
            let Found { dir, build, port, path, .. } = server;
            format!("{dir} | {} | {start} | {port:?} | {path}", build.join("; "))
        });
        shown.collect()
    }

    #[test]
    fn frameworks_are_started_as_they_are_meant_to_be() {
        let go =
            "package main\nfunc main() { r := gin.Default(); r.GET(\"/ping\", pong); r.Run() }";
        assert_eq!(
            shown(&[("gin/go.mod", "module x/gin\n"), ("gin/main.go", go)]),
            ["gin | go build -o app . | ./app | Variable(\"PORT\") | /ping"]
        );
        let flask =
            "from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef a(): pass";
        assert_eq!(
            shown(&[("w/main.py", flask), ("w/requirements.txt", "flask\n")]),
            [
                "w | python3 -m venv .venv; .venv/bin/python -m pip install --quiet -r requirements.txt \
          | .venv/bin/python -m flask --app main:app run --port {port} | Argument | /"
            ]
        );
        let fast = "api: FastAPI = FastAPI()\n@api.get(\"/hello\")\nasync def a(): pass";
        assert_eq!(
            shown(&[("app/main.py", fast), ("pyproject.toml", "[project]\n")]),
            [". | python3 -m venv .venv; .venv/bin/python -m pip install --quiet . \
          | .venv/bin/python -m uvicorn app.main:api --host 127.0.0.1 --port {port} | Argument | /hello"]
        );
        let package =
            r#"{"scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}}"#;
        let express = "app.get('/', f); app.listen(process.env.PORT || 3000)";
        assert_eq!(
            shown(&[
                ("n/package.json", package),
                ("n/server.js", express),
                ("n/package-lock.json", "{}")
            ]),
            ["n | npm ci | node server.js | Variable(\"PORT\") | /"]
        );
        let axum = "let listener = TcpListener::bind(\"0.0.0.0:3000\").await; get(\"/pong\")";
        assert_eq!(
            shown(&[
                ("r/Cargo.toml", "[package]\nname = \"pong-server\"\n"),
                ("r/Cargo.lock", ""),
                ("r/src/main.rs", axum),
            ]),
            [
                "r | cargo build --release --locked | target/release/pong-server | Fixed(3000) | /pong"
            ]
        );
    }

    #[test]
    fn a_member_of_a_workspace_is_built_into_the_workspace() {
        let files = [
            ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
            ("crates/web/Cargo.toml", "[package]\nname = \"web\"\n"),
            ("crates/web/src/main.rs", "env::var(\"PORT\")"),
            ("crates/lib/Cargo.toml", "[package]\nname = \"lib\"\n"),
            ("crates/lib/src/lib.rs", ""),
        ];
        assert_eq!(
            shown(&files),
            ["crates/web | cargo build --release -p web | ../../target/release/web \
          | Variable(\"PORT\") | /"]
        );
    }

    #[test]
    fn what_others_wrote_is_not_searched() {
        let listens = "HTTPServer(('', 8000), H).serve_forever()";
        let files = [
            ("node_modules/x/package.json", r#"{"scripts": {"start": "node a.js"}}"#),
            (".venv/lib/server.py", listens),
            ("docs/conf.py", "x = 1"),
            ("lib/go.mod", "module x"),
            ("lib/lib.go", "package lib"),
        ];
        assert_eq!(shown(&files), Vec::<String>::new());
    }

    #[test]
    fn every_text_that_is_written_is_a_suite() {
        let listens = "HTTPServer(('', 8000), H).serve_forever()";
        let folder = folder(&[
            ("a b/server.py", listens),
            ("a-b/server.py", "print(1); s.serve_forever()"),
            ("placebo/server.py", "int(os.environ['PORT']); serve_forever()"),
            ("image/Dockerfile", "FROM x\nEXPOSE 9000/tcp\n"),
            ("web/Dockerfile", "FROM x\n"),
            (
                "web/package.json",
                r#"{"main": "i.js", "dependencies": {"x": "1"}, "scripts": {"build": "x"}}"#,
            ),
            ("web/i.js", "listen(3000)"),
        ]);
        let found = find(folder.path());
        let names: Vec<&str> = found.iter().map(|server| server.name.as_str()).collect();
        assert_eq!(names, ["a-b", "a-b-2", "image", "placebo-2", "web"]);
        let text = suite_text("things", "jigger.toml", &found, None);
        insta::assert_snapshot!(text);
        let suite = Suite::parse(&text, "jigger.toml", Path::new("/")).unwrap();
        assert_eq!(suite.contenders.len(), 4, "the image alone is a comment");
    }

    #[test]
    fn what_is_a_comment_is_right_without_its_marks() {
        let gin = "package main\nfunc main() { r := gin.Default(); r.GET(\"/a/:id\", f)\nr.POST(\"/a\", g)\nr.Run() }";
        let compose = "services:\n  db:\n    image: postgres:17\n    environment:\n      A.B: c\n";
        let folder =
            folder(&[("go.mod", "module x\n"), ("main.go", gin), ("compose.yaml", compose)]);
        let found = find(folder.path());
        let (file, services) = services(folder.path()).unwrap();
        let text = suite_text("things", "jigger.toml", &found, Some((file, &services)));
        let marked = |line: &&str| !line.starts_with("# From") && !line.starts_with("# A guess");
        let (before, after) = text.split_once("\n# From compose.yaml").unwrap();
        insta::assert_snapshot!(after);
        let after: Vec<&str> = after.lines().skip(1).filter(marked).collect();
        let bare = |line: &&str| line.strip_prefix("# ").unwrap_or(line).to_owned();
        let is_prose = |line: &String| line.starts_with(|c: char| c.is_ascii_uppercase());
        let mut lines: Vec<String> = after.iter().map(bare).collect();
        lines.retain(|line| !is_prose(line) && !line.starts_with("parameters"));
        let whole = format!("{before}\n{}\n", lines.join("\n"));
        let suite = Suite::parse(&whole, "jigger.toml", Path::new("/")).unwrap();
        assert_eq!(suite.services.len(), 1);
        let requests = &suite.scenarios.last().unwrap().requests;
        let titles: Vec<String> = requests.iter().map(|(request, _)| request.title()).collect();
        assert_eq!(titles, ["GET /a/1", "POST /a"]);
    }
}
