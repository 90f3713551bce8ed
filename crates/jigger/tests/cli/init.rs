//! `jigger init` for real servers in each language: the suite that it writes passes `jigger check`.

use crate::lab::{Lab, SCENARIOS, contender};

const GO: &str = r#"package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/pong", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "pong")
	})
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
"#;

const PYTHON: &str = r#"import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"pong")


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

const NODE: &str = r#"const http = require("http");
http.createServer((request, answer) => answer.end("pong")).listen(process.env.PORT, "127.0.0.1");
"#;

const RUST: &str = r#"use std::io::{BufRead, BufReader, Write};

fn main() {
    let port = std::env::var("PORT").unwrap();
    let listener = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    for stream in listener.incoming() {
        std::thread::spawn(move || {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for _end_of_head in lines.map_while(Result::ok).filter(String::is_empty) {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong").unwrap();
            }
        });
    }
}
"#;

/// A folder without a suite, with these files.
fn lab(files: &[(&str, &str)]) -> Lab {
    let lab = Lab::new("", &[contender("one", "pong", "")], SCENARIOS);
    std::fs::remove_file(lab.path("suite.toml")).unwrap();
    for (name, text) in files {
        std::fs::create_dir_all(lab.path(name).parent().unwrap()).unwrap();
        std::fs::write(lab.path(name), text).unwrap();
    }
    lab
}

#[test]
fn the_suite_for_real_servers_passes_the_check() {
    let lab = lab(&[
        ("services/go/go.mod", "module example.org/pong\n\ngo 1.21\n"),
        ("services/go/main.go", GO),
        ("services/node/package.json", "{\"scripts\": {\"start\": \"node server.js\"}}"),
        ("services/node/server.js", NODE),
        ("services/python/server.py", PYTHON),
        ("services/rust/Cargo.toml", "[package]\nname = \"pong\"\nedition = \"2021\"\n"),
        ("services/rust/src/main.rs", RUST),
    ]);
    lab.run(&["init"]).expect(
        0,
        &["jigger.toml", "next: jigger check ./jigger.toml, then jigger run ./jigger.toml"],
    );
    let check = lab.run(&["check", "jigger.toml"]);
    for name in ["go", "node", "python", "rust"] {
        check.expect(0, &[&format!("{name}: responds correctly")]);
    }
    lab.assert_nothing_left();
}

#[test]
fn an_existing_suite_is_left_as_it_is() {
    let lab = lab(&[("server.py", PYTHON), ("jigger.toml", "mine")]);
    lab.run(&["init"]).expect(2, &["jigger.toml already exists and was not changed", "-o FILE"]);
    assert_eq!(std::fs::read_to_string(lab.path("jigger.toml")).unwrap(), "mine");
    lab.run(&["init", "-o", "other.toml"]).expect(0, &["other.toml"]);
    assert!(lab.path("other.toml").exists());
}

#[test]
fn a_folder_without_servers() {
    let empty = lab(&[]);
    empty.run(&["init"]).expect(2, &["no server found in .", "go.mod, Cargo.toml, package.json"]);
    empty.run(&["init", "nowhere"]).expect(2, &["nowhere is not a folder"]);
    lab(&[("x/Dockerfile", "FROM x")])
        .run(&["init"])
        .expect(2, &["1 with a Dockerfile alone, which jigger cannot start"]);
    assert!(!empty.path("jigger.toml").exists());
}

#[test]
fn completions_and_man_pages() {
    let lab = lab(&[]);
    for (shell, sign) in [
        ("bash", "complete -F _jigger"),
        ("zsh", "#compdef jigger"),
        ("fish", "complete -c jigger"),
    ] {
        lab.run(&["completions", shell]).expect(0, &[sign, "kernel-timestamps"]);
    }
    lab.run(&["man"]).expect(0, &[".TH jigger 1", "a short run of the default suite"]);
    lab.run(&["man", "--dir", "pages"]).expect(0, &[]);
    let page = std::fs::read_to_string(lab.path("pages/jigger-load.1")).unwrap();
    assert!(page.contains("\\-\\-rate") && page.contains("500 requests due each second"), "{page}");
}

#[test]
fn short_help_is_short_and_long_help_has_examples() {
    let lab = lab(&[]);
    let (short, long) = (lab.run(&["load", "-h"]), lab.run(&["load", "--help"]));
    short.expect(0, &["`--help` has more details and examples"]);
    long.expect(0, &["Examples:", "--rate 500"]);
    assert!(!short.stdout.contains("Examples:"));
}
