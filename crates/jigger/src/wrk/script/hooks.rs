//! The script's hooks, called by the load engine at each request and each answer.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jigger_load::hooks::{Batch, HookAction, Hooks, WholeResponse};
use mlua::{Error, Function, Lua, Result, Value};

use super::thread::Shared;

/// The first thing that a script did wrong, of all threads.
pub type Failure = Arc<OnceLock<Error>>;

/// One thread's hooks.
pub struct LuaHooks {
    lua: Lua,
    shared: Arc<Shared>,
    /// Sent when the script has no `request`.
    fixed: Vec<u8>,
    failure: Failure,
    has_delay: bool,
    has_response: bool,
}

impl LuaHooks {
    pub(super) fn new(lua: Lua, shared: Arc<Shared>, fixed: Vec<u8>, failure: Failure) -> Self {
        let has = |name: &str| lua.globals().get::<Function>(name).is_ok();
        let (has_delay, has_response) = (has("delay"), has("response"));
        Self { lua, shared, fixed, failure, has_delay, has_response }
    }

    /// Asks for one request that is not sent.
    pub(super) fn check_request(&mut self) {
        self.request(&mut Batch::default());
        self.shared.clear_stop();
    }

    fn action<T>(&self, outcome: Result<T>) -> (Option<T>, HookAction) {
        match outcome {
            Ok(value) if self.shared.is_stopped() => (Some(value), HookAction::EndThread),
            Ok(value) => (Some(value), HookAction::Continue),
            Err(error) => {
                self.failure.get_or_init(|| error);
                (None, HookAction::EndLoad)
            }
        }
    }

    fn function(&self, name: &str) -> Option<Function> {
        self.lua.globals().get(name).ok()
    }

    fn wait(&self) -> Result<Duration> {
        let Some(delay) = self.function("delay") else {
            return Ok(Duration::ZERO);
        };
        let value: Value = delay.call(())?;
        let milliseconds = self.lua.coerce_number(value.clone()).ok().flatten();
        milliseconds
            .and_then(|milliseconds| Duration::try_from_secs_f64(milliseconds / 1e3).ok())
            .ok_or_else(|| {
                let found = shown(&value);
                fault(&delay, &format!("delay() returned {found}, not milliseconds from 0 on"))
            })
    }

    fn fill(&self, batch: &mut Batch) -> Result<()> {
        let Some(request) = self.function("request") else {
            let refused = |error| Error::runtime(format!("wrk.format(): {error}"));
            return batch.fill(&self.fixed).map_err(refused);
        };
        let value: Value = request.call(())?;
        let Value::String(text) = &value else {
            let found = shown(&value);
            return Err(fault(&request, &format!("request() returned {found}, not a text")));
        };
        batch.fill(&text.as_bytes()).map_err(|error| {
            fault(&request, &format!("request() returned what cannot be sent: {error}"))
        })
    }

    fn tell(&self, answer: &WholeResponse<'_>) -> Result<()> {
        let Some(response) = self.function("response") else {
            return Ok(());
        };
        let headers = self.lua.create_table()?;
        for (name, value) in answer.headers() {
            headers.raw_set(name, value)?;
        }
        let body = self.lua.create_string(answer.body)?;
        response.call::<()>((answer.status, headers, body))
    }
}

impl Hooks for LuaHooks {
    fn delay(&mut self) -> (Duration, HookAction) {
        if !self.has_delay {
            return (Duration::ZERO, HookAction::Continue);
        }
        let (delay, action) = self.action(self.wait());
        (delay.unwrap_or_default(), action)
    }

    fn request(&mut self, batch: &mut Batch) -> HookAction {
        self.action(self.fill(batch)).1
    }

    fn wants_responses(&self) -> bool {
        self.has_response
    }

    fn response(&mut self, answer: &WholeResponse<'_>) -> HookAction {
        self.action(self.tell(answer)).1
    }
}

/// What a function did wrong, after FILE:LINE of its first line.
fn fault(function: &Function, message: &str) -> Error {
    let info = function.info();
    let file = info.source.unwrap_or_default();
    let line = info.line_defined.map_or_else(String::new, |line| format!(":{line}"));
    Error::runtime(format!("{}{line}: {message}", file.trim_start_matches('@')))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Number(_) | Value::Integer(_) | Value::String(_) => {
            value.to_string().unwrap_or_default()
        }
        other => format!("a {}", other.type_name()),
    }
}
