//! Contenders in containers: where they run, within which limits, and how an image is started.

use clap::ValueEnum;

use super::fault::{Checked, refused};
use crate::metric::parse_bytes;

/// What is put behind a contender's name for its second entry, the one in a container.
pub const CONTAINER_SUFFIX: &str = "+container";

/// Where contenders run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Place {
    /// As processes of the host.
    #[default]
    Processes,
    /// In containers, from the contenders' images.
    Containers,
    /// Each in both ways.
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Network {
    /// The host's own.
    #[default]
    Host,
    /// The engine's bridge, with a published port.
    Bridge,
}

/// What holds for every container of a run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ContainerLimits {
    pub network: Network,
    /// The most processor time that it may use, in cores; `None` for no limit of its own.
    pub cpus: Option<f64>,
    /// The most memory that it may use.
    pub memory_bytes: Option<u64>,
}

/// How a contender's image is started.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageStart {
    /// Words after the image's name: its command's arguments, or another command.
    pub arguments: Vec<String>,
    /// Environment; may hold `{port}` and `{host}`.
    pub environment: Vec<(String, String)>,
    /// The port that it listens on, where it cannot be told to take another.
    pub port: Option<u16>,
}

/// That a contender runs in a container, and from whose image.
#[derive(Debug, Clone, PartialEq)]
pub struct InContainer {
    /// The contender whose image it is: itself, or the one that it is compared with.
    pub of: String,
}

impl Place {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Processes => "processes",
            Self::Containers => "containers",
            Self::Both => "both",
        }
    }
}

impl Network {
    /// The name in suites, on the command line and for the engine.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Bridge => "bridge",
        }
    }

    /// The address that a server in the container is to listen on: on the host's network the
    /// loopback address, so that nobody else can reach it.
    #[must_use]
    pub fn listen_address(self) -> &'static str {
        match self {
            Self::Host => "127.0.0.1",
            Self::Bridge => "0.0.0.0",
        }
    }
}

/// A size of memory.
///
/// # Errors
/// The message, when it is none, or below one byte.
pub fn memory_bytes(text: &str) -> Checked<u64> {
    let bytes = parse_bytes(text).filter(|bytes| *bytes >= 1.0 && *bytes < MOST_BYTES);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 2^63")]
    let whole = bytes.map(|bytes| bytes as u64);
    let whole = whole.ok_or_else(|| {
        format!("memory = '{text}': write a size such as \"512 MB\", \"256m\" or \"1 GiB\"")
    })?;
    Ok(whole)
}

/// As many as a signed 64-bit number has.
const MOST_BYTES: f64 = 9.2e18;

/// A size as container engines write it (powers of 1,024), in the largest unit that it is a whole number of.
#[must_use]
pub fn memory_text(bytes: u64) -> String {
    let units = [(30, "g"), (20, "m"), (10, "k")];
    let unit = units.iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| format!("{bytes}b"), |(shift, name)| format!("{}{name}", bytes >> shift))
}

/// A number of cores, not necessarily whole.
///
/// # Errors
/// The message, when it is not above zero.
pub fn cpus(value: f64) -> Checked<f64> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    refused(format!("cpus = {value}: write a number of cores above zero, such as 0.5 or 2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_engines_read_them() {
        for (text, bytes) in [("512", 512), ("64k", 65_536), ("256M", 268_435_456), ("1g", 1 << 30)]
        {
            assert_eq!(memory_bytes(text), Ok(bytes));
            assert_eq!(memory_bytes(&memory_text(bytes)), Ok(bytes));
        }
        assert_eq!(memory_text(1_536 << 20), "1536m");
        assert_eq!((memory_text(1 << 30).as_str(), memory_text(1_001).as_str()), ("1g", "1001b"));
        for text in ["", "0", "m", "-1m", "1t", "99999999999g"] {
            assert!(memory_bytes(text).unwrap_err().to_string().contains("256m"), "{text}");
        }
        assert!(cpus(0.5).is_ok());
        for value in [0.0, -1.0, f64::NAN] {
            assert!(cpus(value).is_err());
        }
    }
}
