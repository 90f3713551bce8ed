//! What the built-in modules give, held against what lua-cjson 2.1.0, LuaSocket and the Kepler
//! project's md5 of Debian gave for the same calls under LuaJIT.

use mlua::Lua;

use super::*;

fn state() -> Lua {
    let lua = Lua::new();
    install(&lua).unwrap();
    lua
}

fn shown(lua: &Lua, code: &str) -> String {
    let show = "local function show(...)\n\
                local texts = {}\n\
                for at = 1, select('#', ...) do texts[at] = tostring((select(at, ...))) end\n\
                return table.concat(texts, ' ') end\n\
                local cjson, safe, md5 = require 'cjson', require 'cjson.safe', require 'md5'\n";
    lua.load(format!("{show} return show({code})")).eval().unwrap()
}

#[test]
fn values_are_encoded_as_lua_cjson_does() {
    let lua = state();
    for (value, text) in [
        ("{}", "{}"),
        ("{1, 2, 3}", "[1,2,3]"),
        ("{ a = 1 }", r#"{"a":1}"#),
        ("{ [1] = 1, [3] = 3 }", "[1,null,3]"),
        ("{ [1] = 1, [10] = 1 }", "[1,null,null,null,null,null,null,null,null,1]"),
        ("{ [1.5] = 1 }", r#"{"1.5":1}"#),
        ("{ [0] = 1 }", r#"{"0":1}"#),
        ("{ [-1] = 2 }", r#"{"-1":2}"#),
        ("{ { {} }, { b = {} } }", r#"[[{}],{"b":{}}]"#),
        ("1", "1"),
        ("3.0", "3"),
        ("1.5", "1.5"),
        ("0.1", "0.1"),
        ("1e14", "1e+14"),
        ("123456789012345678", "1.2345678901235e+17"),
        ("100000", "100000"),
        ("true", "true"),
        ("nil", "null"),
        ("cjson.null", "null"),
        ("{ a = cjson.null }", r#"{"a":null}"#),
        (r#""a/b\"\\\n\t\1\127é\255""#, "\"a\\/b\\\"\\\\\\n\\t\\u0001\\u007fé\u{fffd}\""),
    ] {
        let encoded: LuaString = lua
            .load(format!("local cjson = require 'cjson' return cjson.encode({value})"))
            .eval()
            .unwrap();
        assert_eq!(encoded.to_string_lossy(), text, "{value}");
    }
}

#[test]
fn texts_are_decoded_as_lua_cjson_does() {
    let lua = state();
    for (code, found) in [
        ("cjson.decode('1'), cjson.decode('1.50'), cjson.decode('1e3')", "1 1.5 1000"),
        ("cjson.decode('12345678901234567890')", "1.2345678901235e+19"),
        (r#"cjson.decode('"a\\u00e9\\/"'), cjson.decode('"\\ud83d\\ude00"')"#, "aé/ 😀"),
        (
            "cjson.decode('null') == cjson.null, cjson.decode(' true '), cjson.decode(5)",
            "true true 5",
        ),
        ("cjson.null", "userdata: NULL"),
        (r#"cjson.decode('{"a":[1,null,{"b":[]}],"a":2}').a"#, "2"),
        ("#cjson.decode('[1,null,3]'), cjson.decode('[1,null,3]')[2] == cjson.null", "3 true"),
        (r#"cjson.decode('{"a":{"b":["x"]}}').a.b[1], next(cjson.decode('{}'))"#, "x nil"),
        ("safe.null == cjson.null, safe.decode('[2]')[1], safe.encode({ 1 })", "true 2 [1]"),
    ] {
        assert_eq!(shown(&lua, code), found, "{code}");
    }
}

/// Errors are texts, with the place where a script calls.
#[test]
fn what_cannot_be_encoded_or_decoded_is_told() {
    let lua = state();
    for (code, found) in [
        ("pcall(cjson.encode, print)", "false Cannot serialise function: type not supported"),
        ("pcall(cjson.encode, 1/0)", "false Cannot serialise number: must not be NaN or Inf"),
        (
            "pcall(cjson.encode, { [1] = 1, [100] = 1 })",
            "false Cannot serialise table: excessively sparse array",
        ),
        (
            "pcall(cjson.encode, { [true] = 1 })",
            "false Cannot serialise boolean: table key must be a number or string",
        ),
        (
            "pcall(cjson.encode, (function() local x = {} x.x = x return x end)())",
            "false Cannot serialise, excessive nesting (128)",
        ),
        ("pcall(cjson.encode)", "false bad argument #1 to 'encode' (expected 1 argument)"),
        ("pcall(cjson.decode, '[1,]')", "false not JSON: trailing comma at line 1 column 4"),
        (
            "pcall(cjson.decode, nil)",
            "false bad argument #1 to 'decode' (string expected, got nil)",
        ),
        ("safe.encode(print)", "nil Cannot serialise function: type not supported"),
        ("safe.decode('')", "nil not JSON: EOF while parsing a value at line 1 column 0"),
        ("type(select(2, pcall(cjson.decode, '{')))", "string"),
        ("#cjson.encode(cjson.decode(('['):rep(127) .. (']'):rep(127)))", "254"),
        (
            "safe.decode(('['):rep(128) .. (']'):rep(128))",
            "nil not JSON: recursion limit exceeded at line 1 column 128",
        ),
    ] {
        assert_eq!(shown(&lua, code), found, "{code}");
    }
    let placed = lua.load("return require('cjson').decode('{') .. 1").set_name("=s.lua").exec();
    assert!(placed.unwrap_err().to_string().contains("s.lua:1: not JSON: "));
}

#[test]
fn digests_times_and_places_are_those_of_the_modules_in_c() {
    let lua = state();
    assert_eq!(shown(&lua, "md5.sumhexa('abc')"), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(shown(&lua, "#md5.sum('a'), md5.sum('a'):byte(1)"), "16 12");
    let elapsed = "(function() local socket = require 'socket' local begin = socket.gettime()\n\
                   socket.sleep(0.02) socket.sleep(-1) return socket.gettime() - begin end)()";
    assert_eq!(shown(&lua, &format!("{elapsed} >= 0.02")), "true");
    assert_eq!(shown(&lua, "math.abs(require('socket').gettime() - os.time()) < 3"), "true");
    let place = "local at = debug.getinfo(1) return at.source, at.currentline, at.what";
    let found: (String, i32, String) = lua.load(place).set_name("@/a/b.lua").eval().unwrap();
    assert_eq!(found, ("@/a/b.lua".to_owned(), 1, "main".to_owned()));
    assert_eq!(shown(&lua, "debug.getinfo(99), debug.getinfo(print).what"), "nil C");
    assert_eq!(
        shown(
            &lua,
            "(select(2, xpcall(function() error('e', 0) end, debug.traceback))):sub(1, 18)"
        ),
        "e\nstack traceback:"
    );
}

#[test]
fn what_is_not_built_in_is_refused_with_what_is() {
    let lua = state();
    let problem = |code: &str| lua.load(code).exec().unwrap_err().to_string();
    for (code, problem_has) in [
        ("require 'ffi'", "modules in C and ffi are not in jigger; built in are socket"),
        ("require 'lpeg'", "no module 'lpeg' built in"),
        ("require('socket').tcp()", "socket.tcp is not built in; there are gettime, sleep"),
        ("require('cjson').new()", "cjson.new is not built in; there are _NAME, _VERSION, decode,"),
    ] {
        assert!(problem(code).contains(problem_has), "{code}: {}", problem(code));
    }
}

/// A module that lies beside a script is the one that it means; that of an installed LuaSocket goes
/// on to its part in C.
#[test]
fn own_files_come_before_what_is_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let installed = folder.path().join("share/lua/5.1");
    std::fs::create_dir_all(&installed).unwrap();
    std::fs::write(folder.path().join("md5.lua"), "return 'own'").unwrap();
    std::fs::write(installed.join("socket.lua"), "return require 'socket.core'").unwrap();
    let lua = state();
    let path: String = lua.load("return package.path").eval().unwrap();
    assert!(path.contains(";/usr/share/lua/5.1/?.lua"), "{path}");
    let (own, installed) = (folder.path().display(), installed.display());
    let path = format!("package.path = '{own}/?.lua;{installed}/?.lua;' .. package.path");
    lua.load(path).exec().unwrap();
    assert_eq!(shown(&lua, "require 'md5', type(require('socket').sleep)"), "own function");
}
