//! What a thread asks of the kernel for itself.

use crate::load::LoadError;
use rustix::io::Errno;
use rustix::thread::CpuSet;

/// Gives the calling thread a table of open files of its own. A table that threads share costs two
/// locked instructions in every call on a socket (fdget and fdput in the kernel's fs/file.c), about a
/// fiftieth of a request. This thread opens and closes its own files alone; its copies of the others
/// end with it. Where it is forbidden, as in some containers, the table stays shared.
pub(crate) fn own_file_table() {
    let _ = nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES);
}

/// Pins the calling thread to one core.
pub(crate) fn pin(cpu: usize) -> Result<(), LoadError> {
    let failed = |errno: Errno| LoadError::Pin { cpu, source: errno.into() };
    if cpu >= CpuSet::MAX_CPU {
        return Err(failed(Errno::INVAL));
    }
    let mut set = CpuSet::new();
    set.set(cpu);
    rustix::thread::sched_setaffinity(None, &set).map_err(failed)
}

/// The CPU time of the calling thread.
pub(crate) fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or_default() * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or_default()
}
