//! The script's hooks, called by the load engine at each request and each answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jigger_load::hooks::{Batch, HookAction, Hooks, WholeResponse};
use mlua::{Function, Lua, Value};

use super::message;
use super::thread::Shared;

/// The first thing that a script did wrong, of all threads.
#[derive(Debug, Clone, Default)]
pub struct Failure(Arc<Mutex<Option<String>>>);

impl Failure {
    pub fn message(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, message: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
    }
}

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
    pub(super) fn check_request(&mut self) -> Result<(), ()> {
        let action = self.request(&mut Batch::default());
        self.shared.clear_stop();
        if action == HookAction::EndLoad { Err(()) } else { Ok(()) }
    }

    fn action<T>(&self, outcome: Result<T, String>) -> (Option<T>, HookAction) {
        match outcome {
            Ok(value) if self.shared.is_stopped() => (Some(value), HookAction::EndThread),
            Ok(value) => (Some(value), HookAction::Continue),
            Err(message) => {
                self.failure.note(message);
                (None, HookAction::EndLoad)
            }
        }
    }

    fn function(&self, name: &str) -> Option<Function> {
        self.lua.globals().get(name).ok()
    }

    fn wait(&self) -> Result<Duration, String> {
        let Some(delay) = self.function("delay") else {
            return Ok(Duration::ZERO);
        };
        let value: Value = delay.call(()).map_err(|error| message(&error))?;
        let milliseconds = self.lua.coerce_number(value.clone()).ok().flatten();
        milliseconds
            .and_then(|milliseconds| Duration::try_from_secs_f64(milliseconds / 1e3).ok())
            .ok_or_else(|| {
                let place = place(&delay);
                format!("{place}: delay() returned {}, not milliseconds from 0 on", shown(&value))
            })
    }

    fn fill(&self, batch: &mut Batch) -> Result<(), String> {
        let Some(request) = self.function("request") else {
            return batch.fill(&self.fixed).map_err(|error| format!("wrk.format(): {error}"));
        };
        let value: Value = request.call(()).map_err(|error| message(&error))?;
        let Value::String(text) = &value else {
            let place = place(&request);
            return Err(format!("{place}: request() returned {}, not a text", shown(&value)));
        };
        batch.fill(&text.as_bytes()).map_err(|error| {
            format!("{}: request() returned what cannot be sent: {error}", place(&request))
        })
    }

    fn tell(&self, answer: &WholeResponse<'_>) -> Result<(), String> {
        let Some(response) = self.function("response") else {
            return Ok(());
        };
        let call = || {
            let headers = self.lua.create_table()?;
            for (name, value) in answer.headers() {
                headers.raw_set(name, value)?;
            }
            let body = self.lua.create_string(answer.body)?;
            response.call::<()>((answer.status, headers, body))
        };
        call().map_err(|error| message(&error))
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

/// Where a function is: FILE:LINE of its first line.
fn place(function: &Function) -> String {
    let info = function.info();
    let file = info.source.unwrap_or_default();
    let file = file.trim_start_matches('@').to_owned();
    info.line_defined.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))
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
