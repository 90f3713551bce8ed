//! A handle for the costs of a running server.

use super::error::UsageError;
use super::link::Connection;
use super::protocol::Request;
use super::usage::Usage;

/// Asks a server's guard for its costs; cheap to clone and to send to a sampling thread.
#[derive(Clone, Debug)]
pub struct Meter {
    pub(super) connection: Connection,
}

impl Meter {
    /// CPU time and memory of the tree, as of the guard's response.
    ///
    /// The guard reads about 10 us for CPU time with a cgroup, else about 10 us a process. For
    /// memory the kernel walks the page tables of each process: 0.1 to 0.5 ms for a small one such
    /// as a gunicorn worker, more for a big one. The way there and back are some ten system calls.
    ///
    /// # Errors
    /// [`UsageError`]; [`UsageError::Gone`] also when the guard is gone.
    pub fn usage(&self) -> Result<Usage, UsageError> {
        self.connection.request(&Request::Usage)
    }
}
