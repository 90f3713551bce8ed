//! The stream that a script's `print` and `io.write` go to. The report goes there too, as wrk's does,
//! so that all comes out in the order in which it was written, however the stream is buffered.

use mlua::{Function, Lua, Result};

use super::ScriptError;

/// errno(3) of a reader that has gone, such as `head`, which is no error.
const BROKEN_PIPE: i32 = 32;

/// Standard output as C has it.
pub struct Output {
    write: Function,
    flush: Function,
}

impl Output {
    /// Takes the stream of a state in which no script has run.
    pub fn new(lua: &Lua) -> Result<Self> {
        let chunk =
            |call: &str| format!("local out = io.stdout return function(...) return {call} end");
        let function = |call: &str| lua.load(chunk(call)).eval();
        Ok(Self { write: function("out:write(...)")?, flush: function("out:flush()")? })
    }

    pub fn write(&self, text: &str) -> std::result::Result<(), ScriptError> {
        outcome(&self.write, text)
    }

    pub fn flush(&self) -> std::result::Result<(), ScriptError> {
        outcome(&self.flush, "")
    }
}

/// Lua's streams return nil, a message and errno(3) when they fail.
fn outcome(function: &Function, text: &str) -> std::result::Result<(), ScriptError> {
    let (done, message, errno): (mlua::Value, Option<String>, Option<i32>) = function.call(text)?;
    if !done.is_nil() || errno == Some(BROKEN_PIPE) {
        return Ok(());
    }
    Err(ScriptError::Output(message.unwrap_or_default()))
}
