//! What a script sees of a thread: its address, its globals, and a way to end it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mlua::{
    AnyUserData, Error, Lua, MetaMethod, Result, UserData, UserDataFields, UserDataMethods, Value,
    WeakLua,
};

/// Tables within tables, at most; one that holds itself has no end.
const DEPTH_MAX: usize = 32;

/// What the script's run and a thread share.
pub struct Shared {
    /// None until `wrk.setup` or the script has said.
    address: Mutex<Option<SocketAddr>>,
    is_stopped: AtomicBool,
    lua: WeakLua,
}

/// A thread, as the script sees it.
pub struct Thread(pub Arc<Shared>);

/// An address, as the script sees it.
#[derive(Clone, Copy)]
pub struct ScriptAddress(pub SocketAddr);

impl Shared {
    pub fn new(lua: WeakLua) -> Self {
        Self { address: Mutex::default(), is_stopped: AtomicBool::new(false), lua }
    }

    pub fn address(&self) -> Option<SocketAddr> {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// What was stopped before the load began runs all the same, as in wrk.
    pub fn clear_stop(&self) {
        self.is_stopped.store(false, Ordering::Relaxed);
    }

    fn lua(&self) -> Result<Lua> {
        self.lua.try_upgrade().ok_or_else(|| Error::runtime("this thread is over"))
    }
}

impl UserData for Thread {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("addr", |_, thread| Ok(thread.0.address().map(ScriptAddress)));
        fields.add_field_method_set("addr", |_, thread, address: AnyUserData| {
            let address = address.borrow::<ScriptAddress>()?.0;
            *thread.0.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
            Ok(())
        });
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("get", |lua, thread, name: String| {
            let value: Value = thread.0.lua()?.globals().get(name)?;
            copied(&value, lua, DEPTH_MAX)
        });
        methods.add_method("set", |_, thread, (name, value): (String, Value)| {
            let lua = thread.0.lua()?;
            lua.globals().set(name, copied(&value, &lua, DEPTH_MAX)?)
        });
        methods.add_method("stop", |_, thread, ()| {
            thread.0.is_stopped.store(true, Ordering::Relaxed);
            Ok(())
        });
    }
}

impl UserData for ScriptAddress {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::ToString, |_, address, ()| Ok(address.0.to_string()));
    }
}

/// A value of one state, made anew in another.
fn copied(value: &Value, to: &Lua, depth: usize) -> Result<Value> {
    Ok(match value {
        Value::Nil => Value::Nil,
        Value::Boolean(value) => Value::Boolean(*value),
        Value::Integer(value) => Value::Integer(*value),
        Value::Number(value) => Value::Number(*value),
        Value::String(text) => Value::String(to.create_string(text.as_bytes())?),
        Value::Table(_) if depth == 0 => {
            return Err(Error::runtime("cannot transfer a table that holds itself to a thread"));
        }
        Value::Table(table) => {
            let copy = to.create_table()?;
            for pair in table.pairs::<Value, Value>() {
                let (key, value) = pair?;
                copy.raw_set(copied(&key, to, depth - 1)?, copied(&value, to, depth - 1)?)?;
            }
            Value::Table(copy)
        }
        Value::UserData(data) => {
            let address = data.borrow::<ScriptAddress>().map(|address| *address);
            Value::UserData(to.create_userdata(address.map_err(|_| untransferable(value))?)?)
        }
        other => return Err(untransferable(other)),
    })
}

fn untransferable(value: &Value) -> Error {
    Error::runtime(format!("cannot transfer '{}' to thread", value.type_name()))
}
