//! Modules that are built into jigger, in scripts. The real wrk has them where somebody has installed
//! them; what they give is held against theirs in the modules' own tests.

use crate::bench::Bench;
use crate::tool::Tool;

#[test]
fn bodies_are_made_and_read_as_json() {
    let script = r#"
        local cjson = require "cjson"
        local safe = require("cjson.safe")
        local seen, token = 0, nil
        request = function()
            wrk.headers["X-Token"] = token
            return wrk.format("POST", "/json", nil, cjson.encode({ list = { 1, 2.5, cjson.null } }))
        end
        response = function(status, headers, body)
            seen = seen + 1
            local found = cjson.decode(body)
            token = found.token .. #found.ids .. tostring(found.next == cjson.null)
            print("> " .. tostring(safe.decode("no")))
            if seen == 2 then wrk.thread:stop() end
        end
    "#;
    let ours = Bench::new(script).run(Tool::Jigger, &["-t1", "-c1", "-d10s"], "/", &[]);
    assert_eq!(ours.outcome.code, Some(0), "{ours:#?}");
    assert_eq!(ours.log[0].body, r#"{"list":[1,2.5,null]}"#);
    assert_eq!(ours.log[1].headers["x-token"], "t12true");
    assert_eq!(ours.printed(), ["nil", "nil"]);
}

#[test]
fn signatures_and_times_are_made() {
    let script = r#"
        local socket, md5 = require "socket", require "md5"
        local begin = socket.gettime()
        math.randomseed(begin * 1000)
        request = function()
            return wrk.format("GET", "/sign", { Sign = md5.sumhexa("abc") })
        end
        response = function()
            socket.sleep(0.05)
            print("> " .. tostring(socket.gettime() - begin >= 0.05))
            wrk.thread:stop()
        end
    "#;
    let ours = Bench::new(script).run(Tool::Jigger, &["-t1", "-c1", "-d10s"], "/", &[]);
    assert_eq!(ours.printed(), ["true"], "{ours:#?}");
    assert_eq!(ours.log[0].headers["sign"], "900150983cd24fb0d6963f7d28e17f72");
}

/// A script's problem with JSON is reported with the script's line.
#[test]
fn what_is_no_json_is_told_with_its_place() {
    let script = "local cjson = require 'cjson'\nfunction response(_, _, body)\n\
                  local found = cjson.decode(body) end";
    let ours = Bench::new(script).run(Tool::Jigger, &["-t1", "-c1", "-d10s"], "/", &[]);
    assert_eq!(ours.outcome.code, Some(1));
    let problem = "script.lua:3: not JSON: expected value at line 1 column 1";
    assert!(ours.outcome.stderr.contains(problem), "{}", ours.outcome.stderr);
}
