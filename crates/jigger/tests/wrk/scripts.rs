//! Scripts, each run by the real wrk and by jigger against one server: what the server saw and
//! what the script printed have to agree.

use crate::bench::{Bench, Ran, agree, agree_in_order};
use crate::server::LoggingServer;
use crate::tool::Tool;

#[test]
fn method_body_and_headers_of_the_table() {
    let script = r#"
        wrk.method = "POST"
        wrk.body = "a=b&c=d"
        wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
        wrk.headers["X-Number"] = 7
    "#;
    let ours = agree(script, &["-t2", "-c2", "-d1s", "-H", "X-Line: y"], "/form?x=1", &[]);
    let seen = &ours.log[0];
    assert_eq!(seen.line, "POST /form?x=1 HTTP/1.1");
    assert_eq!((seen.body.as_str(), seen.headers["content-length"].as_str()), ("a=b&c=d", "7"));
    assert_eq!((seen.headers["x-number"].as_str(), seen.headers["x-line"].as_str()), ("7", "y"));
}

#[test]
fn a_request_for_each_count() {
    let script = r#"
        local count = 0
        function request()
            count = count + 1
            if count == 6 then wrk.thread:stop() end
            return wrk.format("PUT", "/" .. count, { ["X-Count"] = count }, "body " .. count)
        end
    "#;
    let ours = agree_in_order(script, "/");
    assert_eq!(ours.paths(), ["/2", "/3", "/4", "/5", "/6"], "the first is for a look only");
    assert_eq!(ours.log[0].body, "body 2");
}

#[test]
fn threads_are_set_up_one_by_one() {
    let script = r#"
        local threads = {}
        function setup(thread)
            table.insert(threads, thread)
            thread:set("id", #threads)
            thread:set("words", { "a", "b", key = "value", on = true })
            print("> setup " .. #threads .. " " .. tostring(thread:get("answers")) .. " " ..
                tostring(thread:get("nothing")) .. " " .. type(thread.addr))
        end
        answers = 0
        function init(args)
            print("> init " .. id .. " " .. words[2] .. words.key .. tostring(words.on))
        end
        function request() return wrk.format(nil, "/thread/" .. id) end
        function response()
            answers = answers + 1
            if answers == 3 then wrk.thread:stop() end
        end
        function done(summary)
            for _, thread in ipairs(threads) do
                print("> done " .. thread:get("id") .. " " .. thread:get("answers"))
            end
            print("> all " .. summary.requests)
        end
    "#;
    let ours = agree(script, &["-t3", "-c3", "-d1s"], "/", &[]);
    assert_eq!(ours.printed()[..2], ["setup 1 0 nil userdata", "init 1 bvaluetrue"]);
    assert_eq!(ours.printed()[6..], ["done 1 3", "done 2 3", "done 3 3", "all 9"]);
    assert_eq!(ours.paths().iter().filter(|path| **path == "/thread/2").count(), 3);
}

#[test]
fn responses_are_seen_and_end_the_thread() {
    let script = r#"
        local count = 0
        function response(status, headers, body)
            count = count + 1
            print("> " .. status .. " " .. headers["X-A"] .. headers["x-a"] ..
                headers["Content-Length"] .. " [" .. body .. "]")
            if count == 3 then wrk.thread:stop() end
        end
    "#;
    let ours = agree_in_order(script, "/");
    assert_eq!(ours.printed(), ["200 324 [pong]"; 3]);
    assert_eq!(agree_in_order(script, "/empty").printed(), ["200 320 []"; 3]);
    assert_eq!(agree_in_order(script, "/status/404").printed()[0], "404 324 [pong]");
}

#[test]
fn responses_decide_about_requests() {
    let script = r#"
        local token
        local count = 0
        function request()
            local path = token and "/resource" or "/token"
            return wrk.format("GET", path, { Token = token })
        end
        function response(status, headers)
            token = headers["X-A"]
            count = count + 1
            if count == 3 then wrk.thread:stop() end
        end
    "#;
    let ours = agree_in_order(script, "/");
    assert_eq!(ours.paths(), ["/token", "/resource", "/resource"]);
    assert_eq!(ours.log[1].headers["token"], "3");
}

#[test]
fn delays_come_before_each_request() {
    let script = r#"
        local delays, answers = 0, 0
        function delay()
            delays = delays + 1
            return 100
        end
        function request() return wrk.format("GET", "/after/" .. delays) end
        function response()
            answers = answers + 1
            if answers == 3 then wrk.thread:stop() end
        end
        function done(summary, latency)
            print("> " .. tostring(summary.duration >= 300000) .. " " .. tostring(latency.min < 100000))
        end
    "#;
    let ours = agree_in_order(script, "/");
    assert_eq!(ours.paths(), ["/after/1", "/after/2", "/after/3"]);
    assert_eq!(ours.printed(), ["true true"], "a delay takes its time and is no latency");
}

#[test]
fn several_messages_in_one_request_are_pipelined() {
    let script = r#"
        local batch, batches, answers = nil, 0, 0
        function init(args)
            batch = wrk.format("GET", "/1") .. wrk.format("POST", "/2", nil, "two") .. wrk.format("HEAD", "/empty")
        end
        function request()
            batches = batches + 1
            return batch
        end
        function response()
            answers = answers + 1
            if answers == 6 then wrk.thread:stop() end
        end
        function done(summary, latency)
            print("> " .. summary.requests .. " answers")
        end
    "#;
    let ours = agree_in_order(script, "/");
    assert_eq!(ours.paths(), ["/1", "/2", "/empty", "/1", "/2", "/empty"]);
    assert_eq!((ours.printed(), ours.requests()), (vec!["6 answers"], 6));
}

#[test]
fn done_gets_the_figures() {
    let script = r#"
        local count = 0
        function response()
            count = count + 1
            if count == 20 then wrk.thread:stop() end
        end
        function done(summary, latency, requests)
            local errors = summary.errors
            print("> " .. summary.requests .. " " .. summary.bytes .. " " .. errors.connect ..
                errors.read .. errors.write .. errors.timeout .. " " .. errors.status)
            print("> " .. tostring(summary.duration > 0))
            local last = 0
            for _, percent in ipairs({ 0, 50, 75.5, 90, 99, 99.9 }) do
                local value = latency:percentile(percent)
                print("> " .. percent .. " " .. tostring(value >= last and value <= latency.max))
                last = value
            end
            print("> " .. tostring(latency.min <= latency.mean and latency.mean <= latency.max))
            print("> " .. tostring(latency.stdev >= 0) .. " " .. type(requests.mean))
            local sum = 0
            for at = 1, #latency do
                local value, times = latency(at)
                assert(value >= latency.min and value <= latency.max, value)
                sum = sum + times
            end
            print("> " .. sum)
        end
    "#;
    let ours = agree_in_order(script, "/status/503");
    assert_eq!(ours.printed()[0].split(' ').next_back(), Some("20"));
    assert_eq!(ours.printed().last(), Some(&"20"));
    assert!(ours.outcome.stdout.contains("  Non-2xx or 3xx responses: 20\n"));
}

#[test]
fn arguments_reach_init() {
    let script = r#"
        function init(args)
            local words = {}
            for at = 1, #args do words[at] = args[at] end
            print("> " .. type(args[0]) .. " " .. #args .. " " .. table.concat(words, ","))
            print("> " .. wrk.scheme .. " " .. wrk.host .. " " .. type(wrk.port) .. " " .. wrk.method .. " " .. wrk.path)
        end
    "#;
    let ours = agree(script, &["-t1", "-c1", "-d1s"], "/p?q", &["--", "a", "-b", "c d"]);
    assert_eq!(ours.printed(), ["string 3 a,-b,c d", "http 127.0.0.1 string GET /p?q"]);
}

#[test]
fn threads_may_connect_elsewhere() {
    let elsewhere = LoggingServer::start();
    let port = elsewhere.address.port();
    let script = format!(
        r#"
        function setup(thread)
            local addresses = wrk.lookup("127.0.0.1", "{port}")
            print("> " .. #addresses .. " " .. tostring(addresses[1] ~= nil) .. " " ..
                tostring(wrk.connect(addresses[1])))
            print("> " .. tostring(wrk.connect(wrk.lookup("127.0.0.1", "9")[1])))
            thread.addr = addresses[1]
            assert(tostring(thread.addr) == "127.0.0.1:{port}")
        end
    "#
    );
    let ours = agree(&script, &["-t1", "-c1", "-d1s"], "/else", &[]);
    assert_eq!(ours.printed(), ["1 true true", "false"]);
    assert!(ours.log.is_empty(), "the threads were sent away");
    let hosts: Vec<String> =
        elsewhere.take_log().into_iter().map(|seen| seen.headers["host"].clone()).collect();
    assert!(!hosts.is_empty() && hosts.iter().all(|host| !host.ends_with(&port.to_string())));
}

#[test]
fn connections_that_servers_close_are_made_again() {
    let script = r#"
        local count = 0
        function request()
            count = count + 1
            return wrk.format("GET", "/close/" .. count)
        end
        function response()
            if count == 5 then wrk.thread:stop() end
        end
    "#;
    assert_eq!(
        agree_in_order(script, "/").paths(),
        ["/close/2", "/close/3", "/close/4", "/close/5"]
    );
}

#[test]
fn a_static_script_runs_on_the_fast_path_with_a_request_for_each_thread() {
    let script = r#"
        local threads = 0
        function setup(thread)
            threads = threads + 1
            thread:set("id", threads)
        end
        function init(args) wrk.path = "/own/" .. id end
    "#;
    let ours = agree(script, &["-t2", "-c2", "-d1s"], "/", &[]);
    let mut paths = ours.paths();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths, ["/own/1", "/own/2"]);
}

/// jigger's run of a script that fails with that message.
#[track_caller]
fn fail(script: &str, duration: &str, message: &str) -> Ran {
    let ours = Bench::new(script).run(Tool::Jigger, &["-t1", "-c1", duration], "/", &[]);
    assert_eq!(ours.outcome.code, Some(1), "{script}: {ours:#?}");
    assert!(ours.outcome.stderr.contains(message), "{script}: {}", ours.outcome.stderr);
    assert!(!ours.outcome.stderr.contains("stack traceback"), "{}", ours.outcome.stderr);
    ours
}

/// Scripts that fail before the load begins: no report, code 1, file and line.
#[test]
fn errors_before_the_load_name_file_and_line() {
    for (script, message) in [
        ("x = = 3", "script.lua:1: unexpected symbol near '='"),
        ("\nlocal y = nil + 1", "script.lua:2: attempt to perform arithmetic on a nil value"),
        ("function init() error('boom') end", "script.lua:1: boom"),
        (
            "function setup(t)\n t:set('f', print)\nend",
            "script.lua:2: cannot transfer 'function' to thread",
        ),
        ("function setup(t)\n t.addr = 'x'\nend", "script.lua:2: "),
        ("function request() return nil end", "script.lua:1: request() returned no request"),
        ("function request() return {} end", "script.lua:1: request() returned a table"),
        ("wrk.init = function() end", "wrk.request is not a function; a script that replaces"),
        ("wrk.setup = function() end", "wrk.setup has not set thread.addr"),
        ("wrk.resolve = function() wrk.addrs = {} end", "unable to connect to 127.0.0.1:"),
        ("wrk.path = 'a b'", "wrk.request() returned what cannot be sent: message 1"),
        ("function request()\n return 'garbage'\nend", "message 1 is incomplete"),
        (
            "\nwrk.lookup('no-such-host.invalid', 'http')",
            "script.lua:2: unable to resolve no-such-host.invalid:http",
        ),
        ("wrk.format('GET', {})", "script.lua:1: the path is a text, not 'table'"),
        ("require('ffi')", "modules in C and ffi are not in jigger; built in are socket"),
    ] {
        let ours = fail(script, "-d1s", message);
        assert!(ours.log.is_empty() && ours.outcome.stdout.is_empty(), "{ours:#?}");
    }
}

/// Scripts that fail under load: what was measured is reported, then the cause, and code 1.
#[test]
fn errors_under_load_end_it_with_what_was_measured() {
    for (script, requests, message) in [
        (
            "n = 0\nfunction request()\n n = n + 1\n if n == 5 then error('five') end\n return wrk.format()\nend",
            3,
            "script.lua:4: five",
        ),
        (
            "n = 0 function response()\n n = n + 1\n if n == 4 then local x = nil .. 'x' end\nend",
            4,
            "script.lua:3: attempt to concatenate a nil value",
        ),
        (
            "n = 0\nfunction delay() n = n + 1 if n == 3 then error('soon') end end",
            2,
            "script.lua:2: soon",
        ),
    ] {
        assert_eq!(fail(script, "-d30s", message).requests(), requests, "{script}");
    }
    let at_the_end = "function done() error('at the end') end";
    assert!(fail(at_the_end, "-d1s", "script.lua:1: at the end").requests() > 0);
}

/// At a fixed rate the hooks are called when a request is due.
#[test]
fn hooks_and_a_fixed_rate_go_together() {
    let bench =
        Bench::new("n = 0\nfunction request() n = n + 1 return wrk.format('GET', '/' .. n) end");
    let ours = bench.run(Tool::Jigger, &["-t1", "-c2", "-d1s", "-R100"], "/", &[]);
    assert_eq!(ours.outcome.code, Some(0));
    assert!((1..=100).contains(&ours.log.len()), "{}", ours.log.len());
}
