//! What of `debug` can break nothing: where code stands.

use mlua::debug::Debug;
use mlua::{Function, Lua, Result, Table, Value};

/// The table `debug`.
pub fn table(lua: &Lua) -> Result<Table> {
    let debug = lua.create_table()?;
    debug.set("getinfo", lua.create_function(info)?)?;
    debug.set("traceback", lua.create_function(traceback)?)?;
    Ok(debug)
}

/// `debug.getinfo(level or function)`: nil when there is no such level.
fn info(lua: &Lua, target: Value) -> Result<Option<Table>> {
    if let Value::Function(function) = &target {
        return of_function(lua, function).map(Some);
    }
    let level = lua.coerce_integer(target)?.and_then(|level| usize::try_from(level).ok());
    level.and_then(|level| lua.inspect_stack(level, |found| of_level(lua, found))).transpose()
}

fn of_function(lua: &Lua, function: &Function) -> Result<Table> {
    let info = function.info();
    let table = lua.create_table()?;
    table.set("source", info.source)?;
    table.set("short_src", info.short_src)?;
    table.set("what", info.what)?;
    table.set("currentline", -1)?;
    table.set("linedefined", info.line_defined)?;
    table.set("lastlinedefined", info.last_line_defined)?;
    table.set("func", function)?;
    Ok(table)
}

fn of_level(lua: &Lua, found: &Debug<'_>) -> Result<Table> {
    let table = of_function(lua, &found.function())?;
    let names = found.names();
    table.set("name", names.name.as_deref())?;
    table.set("namewhat", names.name_what.unwrap_or_default())?;
    if let Some(line) = found.current_line() {
        table.set("currentline", line)?;
    }
    Ok(table)
}

/// `debug.traceback(message, level)`; a message that is no text is given back, as by Lua's own.
fn traceback(lua: &Lua, (message, level): (Value, Option<usize>)) -> Result<Value> {
    let text = match &message {
        Value::Nil => None,
        Value::String(text) => Some(text.to_string_lossy()),
        _ => return Ok(message),
    };
    Ok(Value::String(lua.traceback(text.as_deref(), level.unwrap_or(1))?))
}
