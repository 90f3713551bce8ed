//! Scripts without a load: which path they take, and what they leave behind.

use std::net::TcpListener;
use std::sync::LazyLock;
use std::time::Duration;

use jigger_load::Url;
use jigger_load::hooks::{Batch, HookAction, Hooks as _, WholeResponse};

use super::*;

/// Where the scripts' threads would connect.
static LISTENER: LazyLock<TcpListener> =
    LazyLock::new(|| TcpListener::bind("127.0.0.1:0").unwrap());

fn host() -> String {
    LISTENER.local_addr().unwrap().to_string()
}

fn load(text: &str) -> Result<Script, ScriptError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.lua");
    std::fs::write(&path, text).unwrap();
    let typed = format!("http://{}/p", host());
    let url = Url::parse(&typed).unwrap();
    Script::load(&Setting {
        path: &path,
        url: &url,
        headers: &[("A".to_owned(), "b".to_owned())],
        arguments: &[typed],
        threads: 2,
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
        ("wrk.method = 'GET / HTTP/1.1\\r\\n\\r\\nGET'", true),
        ("function init() function request() return wrk.format() end end", true),
    ] {
        assert_eq!(load(text).unwrap().hooks().is_some(), has_hooks, "{text}");
    }
}

#[test]
fn what_the_table_holds_after_init_is_asked() {
    let get = format!("GET /p HTTP/1.1\r\nA: b\r\nHost: {}\r\n\r\n", host());
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&requests(&load("").unwrap())[1]), sorted(&get));
    let own =
        load("function init() wrk.method, wrk.body, wrk.headers = 'POST', 12, { Host = 'x' } end");
    assert_eq!(
        sorted(&requests(&own.unwrap())[1]),
        sorted("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n12")
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
    let whole = |status| WholeResponse { status, head, body: b"broke" };
    assert_eq!(hooks[0].response(&whole(200)), HookAction::Continue);
    assert_eq!(hooks[0].response(&whole(201)), HookAction::EndThread);
    assert_eq!(hooks[1].response(&whole(200)), HookAction::Continue, "the other thread goes on");
    assert!(script.failure.get().is_none());
    assert_eq!(hooks[1].response(&whole(500)), HookAction::EndLoad);
    let failure = message(script.failure.get().unwrap());
    assert!(failure.ends_with("x.lua:4: itbroke"), "{failure}");
}

/// A connection that is given nothing has sent its last.
#[test]
fn a_request_of_nothing_ends_no_load() {
    for nothing in ["nil", "''", "false"] {
        let script = load(&format!(
            "n = 0\nfunction request() n = n + 1 if n > 1 then return {nothing} end\n\
             return wrk.format() end"
        ));
        let (script, mut batch) = (script.unwrap(), Batch::default());
        let mut hooks = script.hooks().unwrap();
        assert_eq!((hooks[0].request(&mut batch), batch.messages()), (HookAction::Continue, 0));
        assert!(script.failure.get().is_none());
    }
}

/// What is no number from 0 on is no delay.
#[test]
fn delays_are_taken_as_wrk_takes_them() {
    for (delay, milliseconds) in
        [("nil", 0), ("-5", 0), ("'soon'", 0), ("0/0", 0), ("{}", 0), ("'20'", 20), ("20", 20)]
    {
        let script = load(&format!("function delay() return {delay} end")).unwrap();
        let found = script.hooks().unwrap()[0].delay();
        assert_eq!(found, (Duration::from_millis(milliseconds), HookAction::Continue), "{delay}");
    }
}

#[test]
fn statistics_have_a_metatable_and_a_length() {
    let lua = Lua::new();
    let mut statistics = Statistics::default();
    statistics.record(3, 2);
    statistics.record(5, 1);
    let proxy: AnyUserData = lua.load(STATISTICS).call(statistics).unwrap();
    lua.globals().set("latency", proxy).unwrap();
    let found = "local value, count = latency(1)\n\
                 return type(getmetatable(latency)), type(latency), #latency, value, count,\n\
                 latency.max, latency:percentile(99), latency.unknown";
    let found: (String, String, i32, i32, i32, i32, i32, Option<i32>) =
        lua.load(found).eval().unwrap();
    assert_eq!(found, ("table".to_owned(), "userdata".to_owned(), 2, 3, 2, 5, 5, None));
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
