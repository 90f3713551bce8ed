//! Scripts of the kinds that people write for wrk, each run by both programs: those of wrk's own
//! examples, and what is found again and again in public repositories.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::{Bench, agree, agree_in_order, agree_in_order_on, agree_with_code};
use crate::server::LoggingServer;
use crate::tool::Tool;

/// The scripts of a folder, which end by themselves on one connection: the same requests in the same
/// order, the same lines printed, the same report but for its figures.
#[track_caller]
fn agree_on_folder(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrk/lua").join(name);
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "lua")).collect();
    scripts.sort();
    assert!(scripts.len() > 2, "{}", folder.display());
    for script in scripts {
        let ours = agree_in_order_on(&Bench::of(&script), "/start?a=b");
        assert!(!ours.log.is_empty(), "{}", script.display());
    }
}

/// Scripts of our own of the shapes that wrk's eight examples have.
#[test]
fn shapes_of_the_examples_of_wrk() {
    agree_on_folder("examples");
}

#[test]
fn requests_of_many_kinds() {
    agree_on_folder("requests");
}

#[test]
fn responses_of_many_kinds() {
    agree_on_folder("responses");
}

/// No request is sent when a script has none left.
#[test]
fn scripts_that_run_out_of_requests_and_delays_that_are_none() {
    agree_on_folder("ends");
}

/// Counted by each thread for itself, added up at the end.
#[test]
fn threads_are_set_up_and_read() {
    let script = r#"
        local counter = 1
        local threads = {}
        function setup(thread)
            thread:set("id", counter)
            table.insert(threads, thread)
            counter = counter + 1
        end
        function init(args)
            requests, responses = 0, 0
            print("> " .. string.format("thread %d created", id))
        end
        function request()
            requests = requests + 1
            if requests > 5 then wrk.thread:stop() return end
            return wrk.request and wrk.format(nil, "/" .. wrk.thread:get("id")) or nil
        end
        function response(status, headers, body) responses = responses + 1 end
        function done(summary, latency, requests)
            for index, thread in ipairs(threads) do
                local id, responses = thread:get("id"), thread:get("responses")
                print("> " .. string.format("thread %d got %d responses", id, responses))
            end
        end
    "#;
    let ours = agree(script, &["-t2", "-c2", "-d1s"], "/", &[]);
    // The look beforehand is the first thread's.
    let last = &ours.printed()[2..];
    assert_eq!(last, ["thread 1 got 4 responses", "thread 2 got 5 responses"]);
}

/// Each connection finds that there is nothing left; what the others have under way is waited for.
#[test]
fn all_that_is_under_way_counts_when_requests_run_out() {
    let script = r#"
        local left = 21
        function request()
            left = left - 1
            if left >= 0 then return wrk.format(nil, "/" .. left) end
        end
        function done(summary) print("> " .. summary.requests) end
    "#;
    let ours = agree(script, &["-t1", "-c5", "-d1s"], "/", &[]);
    assert_eq!(ours.printed(), ["20"], "the first was for a look only");
}

#[test]
fn figures_are_written_in_many_ways() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("out.csv");
    let script = format!(
        r#"
        local left = 50
        function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
        done = function(summary, latency, requests)
            local file = assert(io.open("{}", "a"))
            file:write(string.format("%d,%d,%s,%s\n", summary.requests, summary.bytes,
                tostring(latency:percentile(99.9) >= latency:percentile(50)), type(latency.stdev)))
            file:close()
            print("> " .. type(getmetatable(latency)) .. " " .. type(latency) .. " " ..
                type(getmetatable(latency).__index))
            local value, count = latency(1)
            print("> " .. tostring(value == latency.min) .. " " .. tostring(count >= 1))
            print("> " .. tostring(#latency >= 1) .. " " .. tostring(latency(#latency) == latency.max))
            print("> " .. tostring(latency:percentile(100) <= latency.max) .. " " .. type(#requests))
            local of = latency.percentile
            print("> " .. tostring(of(latency, 50) == latency:percentile(50)))
            print("> " .. string.format("%.2f", summary.requests / 1000) .. " " ..
                tostring(summary.duration == math.floor(summary.duration)))
            io.stdout:write("> " .. os.date("%Y"):len() .. " " .. #os.getenv("PATH"):sub(1, 1) .. "\n")
        end
    "#,
        csv.display()
    );
    agree_in_order(&script, "/");
    let text = fs::read_to_string(&csv).unwrap();
    assert!(text.lines().all(|line| line.starts_with("50,") && line.ends_with(",true,number")));
    assert!(
        text.lines().next() == text.lines().next_back(),
        "both programs wrote the same: {text}"
    );
}

/// What scripts write is in order with the report, and nothing of it is lost.
#[test]
fn what_scripts_write_is_in_order_with_the_report() {
    let script = r#"
        io.write("no line yet; ")
        print("printed")
        function init(args) io.stdout:write("[init ", #args, "] ") end
        local left = 3
        function response(status)
            left = left - 1
            if left == 0 then wrk.thread:stop() end
        end
        function done()
            io.write("done ")
            io.stderr:write("to the other stream\n")
            print(("x"):rep(20))
        end
    "#;
    let ours = agree(script, &["-t1", "-c1", "-d1s"], "/", &["--", "a", "b"]);
    let out = &ours.outcome.stdout;
    assert!(
        out.starts_with("no line yet; printed\nno line yet; printed\n[init 2] Running 1s test @"),
        "{out}"
    );
    assert!(out.ends_with("B\ndone xxxxxxxxxxxxxxxxxxxx\n"), "{out}");
}

/// Between the report's beginning and its end; the real wrk's threads may be before both.
#[test]
fn what_scripts_write_under_load_is_within_the_report() {
    let script = "local left = 3\nfunction response(status) io.write(status, ' ') left = left - 1\n\
                  if left == 0 then wrk.thread:stop() end end";
    let ours = Bench::new(script).run(Tool::Jigger, &["-t1", "-c1", "-d9s"], "/", &[]);
    let out = &ours.outcome.stdout;
    assert!(out.contains("connections\n200 200 200   Thread Stats"), "{out}");
}

#[test]
fn scripts_may_end_the_program() {
    for (script, code) in [
        ("function done() io.write('> bye') os.exit(3) end", 3),
        ("function init(args) if #args == 0 then io.write('usage\\n') os.exit(1) end end", 1),
    ] {
        agree_with_code(script, &["-t1", "-c1", "-d1s"], code);
    }
}

#[test]
fn arguments_are_options_of_the_script() {
    let script = r#"
        function init(args)
            local at = 1
            while at <= #args do
                if args[at] == "--path" then wrk.path = args[at + 1] at = at + 2
                elseif args[at] == "-H" then wrk.headers[args[at + 1]] = args[at + 2] at = at + 3
                else print("> " .. args[at]) at = at + 1 end
            end
        end
        local left = 2
        function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
    "#;
    let words = ["--", "--path", "/from/args", "-H", "X-Arg", "v w", "rest"];
    let ours = agree(script, &["-t1", "-c1", "-d1s"], "/", &words);
    assert_eq!(ours.log[0].line, "GET /from/args HTTP/1.1");
    assert_eq!(ours.printed(), ["rest"]);
}

/// Threads are sent to several servers in turn.
#[test]
fn threads_go_to_servers_in_turn() {
    let servers = [LoggingServer::start(), LoggingServer::start()];
    let ports: Vec<String> =
        servers.iter().map(|server| format!("\"{}\"", server.address.port())).collect();
    let script = format!(
        r#"
        local addresses = {{}}
        for _, port in ipairs({{ {} }}) do
            for _, address in ipairs(wrk.lookup("127.0.0.1", port)) do
                addresses[#addresses + 1] = address
            end
        end
        local turn = 0
        function setup(thread)
            local index = (turn % #addresses) + 1
            turn = turn + 1
            thread.addr = addresses[index]
        end
        local left = 2
        function response() left = left - 1 if left == 0 then wrk.thread:stop() end end
    "#,
        ports.join(", ")
    );
    agree(&script, &["-t2", "-c2", "-d1s"], "/", &[]);
    let seen = servers.each_ref().map(|server| server.take_log().len());
    assert!(seen[0] > 0 && seen[0] == seen[1], "{seen:?}");
}
