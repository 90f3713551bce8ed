//! Scripts without a load: which path they take, and what they leave behind.

use jigger_load::Url;
use jigger_load::hooks::{Batch, HookAction, Hooks as _, WholeResponse};

use super::*;

fn load(text: &str) -> Result<Script, ScriptError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.lua");
    std::fs::write(&path, text).unwrap();
    let url = Url::parse("http://h:81/p").unwrap();
    Script::load(&Setting {
        path: &path,
        url: &url,
        headers: &[("A".to_owned(), "b".to_owned())],
        arguments: &["http://h:81/p".to_owned()],
        threads: 2,
        address: "127.0.0.1:81".parse().unwrap(),
    })
}

fn requests(script: &Script) -> Vec<String> {
    let requests = script.requests();
    requests.iter().map(|[(request, _)]| String::from_utf8(request.bytes()).unwrap()).collect()
}

#[test]
fn only_scripts_with_hooks_leave_the_fast_path() {
    for (text, has_hooks) in [
        ("", false),
        ("#!/usr/bin/env wrk -s\nwrk.method = 'PUT'", false),
        ("function setup() end function init() end function done() end", false),
        ("request = 'no function'", false),
        ("function request() return wrk.format() end", true),
        ("function response() end", true),
        ("function delay() return 0 end", true),
        ("function init() function request() return wrk.format() end end", true),
    ] {
        assert_eq!(load(text).unwrap().hooks().is_some(), has_hooks, "{text}");
    }
}

#[test]
fn what_the_table_holds_after_init_is_asked() {
    let get = "GET /p HTTP/1.1\r\nA: b\r\nHost: h:81\r\n\r\n";
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&requests(&load("").unwrap())[1]), sorted(get));
    let own =
        load("function init() wrk.method, wrk.body, wrk.headers = 'POST', 12, { Host = 'x' } end");
    assert_eq!(
        requests(&own.unwrap()),
        ["POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n12"; 2]
    );
}

#[test]
fn hooks_stop_their_thread_and_tell_what_failed() {
    let script = load(
        "function request() return wrk.format() end\n\
         function response(status, headers, body)\n\
         if status == 201 then wrk.thread:stop() end\n\
         if status == 500 then error(headers.A .. body) end end",
    )
    .unwrap();
    let mut hooks = script.hooks().unwrap();
    let mut batch = Batch::default();
    assert_eq!((hooks[0].request(&mut batch), batch.messages()), (HookAction::Continue, 1));
    let head = b"HTTP/1.1 200 OK\r\nA: it \r\n\r\n";
    let answer = |status| WholeResponse { status, head, body: b"broke" };
    assert_eq!(hooks[0].response(&answer(200)), HookAction::Continue);
    assert_eq!(hooks[0].response(&answer(201)), HookAction::EndThread);
    assert_eq!(hooks[1].response(&answer(200)), HookAction::Continue, "the other thread goes on");
    assert!(script.failure.get().is_none());
    assert_eq!(hooks[1].response(&answer(500)), HookAction::EndLoad);
    let failure = message(script.failure.get().unwrap());
    assert!(failure.ends_with("x.lua:4: itbroke"), "{failure}");
}

#[test]
fn tables_are_copied_and_those_without_end_refused() {
    let nested = "function setup(t) t:set('a', { { 1, 'x' }, b = { c = true } })\n\
                  local a = t:get('a')\n\
                  assert(a[1][2] == 'x' and a.b.c == true)\n a.b.c = false\n\
                  assert(t:get('a').b.c == true) end";
    load(nested).map(|_| ()).unwrap();
    let endless = "function setup(t)\n local a = {} a.a = a t:set('a', a) end";
    let error = load(endless).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("x.lua:2: cannot transfer a table that holds itself"), "{error}");
}
