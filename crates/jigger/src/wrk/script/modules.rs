//! The modules that scripts of others require and that come in C elsewhere.

mod cjson;
mod debug;

use std::thread;
use std::time::{Duration, SystemTime};

use md5::{Digest as _, Md5};
use mlua::{Lua, LuaString, Result, Table};

/// How `require` finds them.
const LOADERS: &str = include_str!("modules.lua");
/// Why no other can be had. Scripts with them could break jigger's memory.
const REFUSAL: &str = "modules in C and ffi are not in jigger; built in are socket (gettime, sleep), \
                       cjson, cjson.safe, md5 (sum, sumhexa) and of debug getinfo and traceback; \
                       modules in Lua are found by package.path";

/// Lets the state's scripts require them.
pub fn install(lua: &Lua) -> Result<()> {
    let built_in = lua.create_table()?;
    built_in.set("socket", socket(lua)?)?;
    built_in.set("cjson.safe", cjson::safe(lua)?)?;
    built_in.set("md5", md5(lua)?)?;
    lua.load(LOADERS).set_name("=[require]").call::<()>((built_in, debug::table(lua)?, REFUSAL))
}

/// What load scripts use of LuaSocket: the time, and waiting.
fn socket(lua: &Lua) -> Result<Table> {
    let socket = lua.create_table()?;
    let time = |_: &Lua, ()| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Ok(since.unwrap_or_default().as_secs_f64())
    };
    let sleep = |_: &Lua, seconds: f64| {
        thread::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        Ok(())
    };
    socket.set("gettime", lua.create_function(time)?)?;
    socket.set("sleep", lua.create_function(sleep)?)?;
    Ok(socket)
}

/// As the module of the Kepler project: the digest's bytes, and the same in hexadecimal.
fn md5(lua: &Lua) -> Result<Table> {
    let digest = |text: &LuaString| Md5::digest(&*text.as_bytes());
    let md5 = lua.create_table()?;
    let sum = move |lua: &Lua, text: LuaString| lua.create_string(digest(&text));
    let hexadecimal = move |_: &Lua, text: LuaString| {
        Ok(digest(&text).iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    md5.set("sum", lua.create_function(sum)?)?;
    md5.set("sumhexa", lua.create_function(hexadecimal)?)?;
    Ok(md5)
}

#[cfg(test)]
mod tests;
