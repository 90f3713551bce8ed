//! What this machine can do at best.

use crate::load::{ConnectionPolicy, Extent, Load, LoadError, Pacing};
use crate::null_server::{NullOptions, NullServer, NullServerError};
use crate::sample::Sample;
use crate::source::request::Request;
use crate::team::run;
use crate::url::Url;
use std::ops::ControlFlow;
use std::time::Duration;

/// Why there is no ceiling.
#[derive(Debug, thiserror::Error)]
pub enum CeilingError {
    /// The null server did not start.
    #[error(transparent)]
    Server(#[from] NullServerError),
    /// The load did not start.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Runs a closed loop shaped as `load` (threads, connections, policy, pipelining, cores, batching)
/// against a null server as `server` says, for `time`. Its rate is the ceiling.
///
/// # Errors
/// [`CeilingError`] when one of the two cannot start.
pub fn ceiling(load: &Load, server: &NullOptions, time: Duration) -> Result<Sample, CeilingError> {
    let server = NullServer::start(server)?;
    let url = Url::parse("http://localhost/").expect("a constant URL that is valid");
    let load = Load {
        address: server.address().clone(),
        requests: vec![(Request::get(&url), 1)],
        pacing: Pacing::Closed,
        ramp: Duration::ZERO,
        extent: Extent::Time(time),
        expect: crate::expect::Expect::default(),
        connection: if load.pipeline > 1 { ConnectionPolicy::KeepAlive } else { load.connection },
        ..load.clone()
    };
    Ok(run(&load, &mut |_| ControlFlow::Continue(()))?)
}
