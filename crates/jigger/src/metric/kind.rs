//! What is measured.

/// What is measured of a server. [`Kind::descriptor`] says all that is known of it: a new one needs
/// a line here, one in the table, and its explanation in docs/suite.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Startup,
    StartupMin,
    StartupMax,
    StartupP50,
    StartupP90,
    RequestsPerSecond,
    SecondsPerRequest,
    ResponseTimeMean,
    ResponseTimeStdev,
    ResponseTimeP50,
    ResponseTimeP90,
    ResponseTimeP99,
    ResponseTimeP999,
    ResponseTimeP9999,
    ResponseTimeMax,
    CpuPerRequest,
    Memory,
    MemoryIdle,
    MemoryPeak,
    BuildTime,
    ArtifactSize,
    ImageUnpacked,
    ImageTransfer,
    ImageOwn,
}
