//! The script's hooks, called by the load engine at each request and each response.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jigger_load::hooks::{Batch, BatchError, HookAction, Hooks, WholeResponse};
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

    /// Looks at the fixed request, or, as wrk does beforehand, `may_call` the script for one that is
    /// not sent; of how many messages it is.
    pub(super) fn check_request(&self, may_call: bool) -> Result<usize> {
        let request = self.function("request");
        if request.is_some() && !may_call {
            return Ok(0);
        }
        let mut batch = Batch::default();
        self.fill(&mut batch)?;
        match (batch.messages(), request) {
            (0, Some(request)) => Err(fault(&request, "request() returned no request")),
            (messages, _) => Ok(messages),
        }
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

    /// As wrk, which takes what is no number for 0.
    fn wait(&self) -> Result<Duration> {
        let Some(delay) = self.function("delay") else {
            return Ok(Duration::ZERO);
        };
        let milliseconds = self.lua.coerce_number(delay.call::<Value>(())?)?.unwrap_or_default();
        Ok(Duration::try_from_secs_f64(milliseconds / 1e3).unwrap_or_default())
    }

    fn fill(&self, batch: &mut Batch) -> Result<()> {
        let Some(request) = self.function("request") else {
            return batch.fill(&self.fixed).map_err(|error| unsendable("wrk.request", &error));
        };
        match request.call(())? {
            Value::Nil | Value::Boolean(false) => batch.clear(),
            Value::String(text) if text.as_bytes().is_empty() => batch.clear(),
            Value::String(text) => {
                let refused = |error| fault(&request, &unsendable("request", &error).to_string());
                batch.fill(&text.as_bytes()).map_err(refused)?;
            }
            other => {
                let kind = other.type_name();
                return Err(fault(&request, &format!("request() returned a {kind}, not a text")));
            }
        }
        Ok(())
    }

    fn tell(&self, whole: &WholeResponse<'_>) -> Result<()> {
        let Some(response) = self.function("response") else {
            return Ok(());
        };
        let headers = self.lua.create_table()?;
        for (name, value) in whole.headers() {
            headers.raw_set(name, value)?;
        }
        let body = self.lua.create_string(whole.body)?;
        response.call::<()>((whole.status, headers, body))
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

    fn response(&mut self, whole: &WholeResponse<'_>) -> HookAction {
        self.action(self.tell(whole)).1
    }
}

/// What a function did wrong, behind FILE:LINE of its first line.
fn fault(function: &Function, message: &str) -> Error {
    let info = function.info();
    let file = info.source.unwrap_or_default();
    let line = info.line_defined.map_or_else(String::new, |line| format!(":{line}"));
    Error::runtime(format!("{}{line}: {message}", file.trim_start_matches('@')))
}

fn unsendable(function: &str, error: &BatchError) -> Error {
    Error::RuntimeError(format!("{function}() returned what cannot be sent: {error}"))
}
