//! What wrk does before the load goes through the table `wrk`, which scripts read, call and replace.

use crate::bench::{Bench, agree, agree_in_order};
use crate::server::LoggingServer;
use crate::tool::{Tool, is_wrk_wanted};

/// Stops a thread after its third response.
const STOP: &str = "
    local responses = 0
    function response()
        responses = responses + 1
        if responses == 3 then wrk.thread:stop() end
    end
";

fn stopped(script: &str) -> String {
    format!("{script}\n{STOP}")
}

#[test]
fn the_frozen_request_can_be_read() {
    let script = r#"
        wrk.method, wrk.body = "POST", "frozen"
        function init() print("> " .. tostring(wrk.request)) end
        function request()
            wrk.body = "too late"
            return wrk.request()
        end
    "#;
    let ours = agree_in_order(&stopped(script), "/");
    assert_eq!(ours.printed(), ["nil"], "it is frozen after init");
    assert_eq!(ours.log[2].body, "frozen");
}

#[test]
fn init_and_setup_of_the_table_can_be_replaced() {
    let script = r#"
        wrk.setup = function(thread)
            thread.addr = wrk.addrs[1]
            print("> setup " .. #wrk.addrs .. " " .. type(thread))
        end
        local init_of_wrk = wrk.init
        wrk.init = function(args)
            print("> init " .. #args .. " " .. tostring(wrk.headers["Host"]))
            wrk.headers["X-Own"] = "yes"
            init_of_wrk(args)
        end
    "#;
    let ours = agree_in_order(&stopped(script), "/");
    assert_eq!(ours.printed(), ["setup 1 userdata", "init 0 nil"]);
    assert_eq!(ours.log[0].headers["x-own"], "yes");
}

/// The first request of a run is for a look only, also that of a script's own `wrk.request`.
#[test]
fn a_script_may_make_the_request_of_the_table() {
    let script = r#"
        local asked = 0
        function wrk.init(args)
            wrk.headers.Host = "own"
            wrk.request = function()
                asked = asked + 1
                return wrk.format("GET", "/asked/" .. asked)
            end
        end
    "#;
    let ours = agree(script, &["-t2", "-c2", "-d1s"], "/", &[]);
    let mut paths = ours.paths();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths, ["/asked/1", "/asked/2"]);
    assert_eq!(ours.log[0].headers["host"], "own");
}

#[test]
fn addresses_are_those_that_were_found() {
    let script = r#"
        function setup(thread)
            thread.addr = wrk.addrs[#wrk.addrs]
            print("> " .. tostring(thread.addr == nil) .. " " .. type(tostring(wrk.addrs[1])))
        end
        function init() print("> " .. string.format("%s", wrk.thread.addr):match("^[^:]+")) end
    "#;
    let ours = agree(script, &["-t2", "-c2", "-d1s"], "/", &[]);
    assert_eq!(ours.printed()[1], "127.0.0.1");
}

#[test]
fn a_script_may_find_the_addresses() {
    let elsewhere = LoggingServer::start();
    let port = elsewhere.address.port();
    let script = format!(
        r#"
        function wrk.resolve(host, service)
            print("> " .. host .. " " .. type(service))
            wrk.addrs = wrk.lookup("127.0.0.1", "{port}")
        end
    "#
    );
    // A host that stands for nothing is none to the script.
    let bench = Bench::new(&script);
    for tool in [Tool::Jigger, Tool::Wrk] {
        if tool == Tool::Jigger || is_wrk_wanted() {
            let ran = bench.run_at(tool, &["-t1", "-c1", "-d1s"], "http://no-such.invalid/x", &[]);
            assert_eq!(ran.outcome.code, Some(0), "{ran:#?}");
            assert_eq!(ran.printed(), ["no-such.invalid string"]);
            let log = elsewhere.take_log();
            assert_eq!(log[0].headers["host"], "no-such.invalid");
            assert_eq!(log[0].line, "GET /x HTTP/1.1");
        }
    }
}

/// klen's py-frameworks-bench sets these at the top level of each script.
#[test]
fn host_and_port_of_the_table_make_the_host_field() {
    for (script, host) in [
        ("wrk.host, wrk.port = 'example.test', 81", "example.test:81"),
        ("wrk.host, wrk.port = 'example.test', nil", "example.test"),
        ("wrk.host = '::1' wrk.port = '82'", "[::1]:82"),
        ("wrk.headers['Host'] = 'own'", "own"),
        ("function init() wrk.host = 'too.late' wrk.headers['Host'] = 'in-init' end", "in-init"),
    ] {
        let ours = agree_in_order(&stopped(script), "/");
        assert_eq!(ours.log[0].headers["host"], host, "{script}");
    }
}

#[test]
fn the_table_is_a_module() {
    let script = r#"
        local own = require "wrk"
        own.path = "/by/module"
        print("> " .. tostring(own == wrk) .. " " .. tostring(package.loaded.wrk == wrk))
        local names = {}
        for name, value in pairs(wrk) do table.insert(names, name .. "=" .. type(value)) end
        table.sort(names)
        print("> " .. table.concat(names, " "))
    "#;
    let ours = agree_in_order(&stopped(script), "/");
    assert_eq!(ours.paths()[0], "/by/module");
}

#[test]
fn formats_are_those_of_wrk() {
    let script = r#"
        print("> [" .. wrk.format("GET", "/early"):gsub("\r\n", "|") .. "]")
        local function show(...)
            local lines = {}
            for line in (wrk.format(...)):gmatch("[^\r\n]+") do table.insert(lines, line) end
            table.sort(lines, function(a, b) return a > b end)
            print("> " .. table.concat(lines, "|"):gsub(":%d%d%d%d%d?", ""))
        end
        function init()
            show()
            show("PUT", "/p", { A = 1, B = true, C = 1.5, D = "" }, 12)
            show(nil, nil, { Host = "" })
            show("POST", nil, { ["Content-Length"] = "99" }, "abc")
            show("POST", nil, { ["Content-Length"] = "99" })
            show("POST", nil, { ["content-length"] = "3" })
            show("DELETE", "http://x/y", setmetatable({}, { __index = { Host = "meta" } }))
            local kept = { A = "b" }
            wrk.format(nil, nil, kept, "body")
            print("> " .. kept["Content-Length"])
        end
        wrk.headers["X-Table"] = setmetatable({}, { __tostring = function() return "shown" end })
    "#;
    let ours = agree(&stopped(script), &["-t1", "-c1", "-d1s"], "/", &[]);
    assert_eq!(ours.log[0].headers["x-table"], "shown");
}
