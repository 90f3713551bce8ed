//! Projects as people have them, found in folders that are made for the test.

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
    let go = "package main\nfunc main() { r := gin.Default(); r.GET(\"/ping\", pong); r.Run() }";
    assert_eq!(
        shown(&[("gin/go.mod", "module x/gin\n"), ("gin/main.go", go)]),
        ["gin | go build -o app . | ./app | Variable(\"PORT\") | /ping"]
    );
    let flask = "from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef a(): pass";
    assert_eq!(
        shown(&[("w/main.py", flask), ("w/requirements.txt", "flask\n")]),
        ["w | python3 -m venv .venv; .venv/bin/python -m pip install --quiet -r requirements.txt \
          | .venv/bin/python -m flask --app main:app run --port {port} | Argument | /"]
    );
    let fast = "api: FastAPI = FastAPI()\n@api.get(\"/hello\")\nasync def a(): pass";
    assert_eq!(
        shown(&[("app/main.py", fast), ("pyproject.toml", "[project]\n")]),
        [". | python3 -m venv .venv; .venv/bin/python -m pip install --quiet . \
          | .venv/bin/python -m uvicorn app.main:api --host 127.0.0.1 --port {port} | Argument | /hello"]
    );
    let package = r#"{"scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}}"#;
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
        ["r | cargo build --release --locked | target/release/pong-server | Fixed(3000) | /pong"]
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
    let text = suite_text("things", "jigger.toml", &found);
    insta::assert_snapshot!(text);
    let suite = Suite::parse(&text, "jigger.toml", Path::new("/")).unwrap();
    assert_eq!(suite.contenders.len(), 4, "the image alone is a comment");
}
