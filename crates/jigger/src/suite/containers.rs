//! Contenders in containers: where they run, within which limits, and how an image is started.

use super::{Contender, Suite, SuiteError};
use crate::metric::parse_bytes;

/// What is put behind a contender's name for its second entry, the one in a container.
pub const CONTAINER_SUFFIX: &str = "+container";

/// Where contenders run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// As processes of the host.
    Processes,
    /// In containers, from their images.
    Containers,
    /// Each in both ways, as two contenders; those that have only one way, in that.
    Both,
}

/// The network of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// The host's own: no address translation, no other interface.
    #[default]
    Host,
    /// The engine's bridge, with the port published on the loopback address.
    Bridge,
}

/// What holds for every container of a run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ContainerLimits {
    /// Its network.
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

impl Suite {
    /// Has the contenders run where `place` says.
    ///
    /// # Errors
    /// [`SuiteError::Meaning`] when no contender has an image, or one cannot run on this network.
    pub fn put(&mut self, place: Place) -> Result<(), SuiteError> {
        if place == Place::Processes {
            return Ok(());
        }
        if self.contenders.iter().all(|contender| contender.image.is_none()) {
            return Err(self.meaning(
                "no contender has an image to run from; give one `image = { build = ... }` or \
                 `image = { ref = ... }`",
            ));
        }
        if self.container_limits.network == Network::Host
            && let Some(fixed) = self.contenders.iter().find(|c| c.image_start.port.is_some())
        {
            let message = format!(
                "contender '{}': its image has a port of its own, which only the bridge can map; \
                 add --network bridge",
                fixed.name
            );
            return Err(self.meaning(&message));
        }
        match place {
            Place::Processes => {}
            Place::Containers => {
                for contender in &mut self.contenders {
                    put_in_container(contender);
                }
            }
            Place::Both => {
                let baseline = self.baseline().name.clone();
                let single = std::mem::take(&mut self.contenders);
                self.contenders = single.into_iter().flat_map(both).collect();
                let found = self.contenders.iter().position(|c| c.name == baseline);
                self.baseline = found.unwrap_or(0);
            }
        }
        Ok(())
    }

    fn meaning(&self, message: &str) -> SuiteError {
        SuiteError::Meaning { suite: self.name.clone(), message: message.to_owned() }
    }
}

fn put_in_container(contender: &mut Contender) {
    contender.container = Some(InContainer { of: contender.name.clone() });
}

/// A contender, and its second entry in a container where it has an image. What the first one
/// needs and builds is not needed and built a second time.
fn both(mut contender: Contender) -> Vec<Contender> {
    if contender.is_image_only() {
        put_in_container(&mut contender);
        return vec![contender];
    }
    let second = contender.image.is_some().then(|| Contender {
        name: format!("{}{CONTAINER_SUFFIX}", contender.name),
        container: Some(InContainer { of: contender.name.clone() }),
        needs: Vec::new(),
        build: Vec::new(),
        clean_build: Vec::new(),
        artifact: None,
        ..contender.clone()
    });
    std::iter::once(contender).chain(second).collect()
}

/// A size of memory.
///
/// # Errors
/// The message, when it is none, or below one byte.
pub fn memory_bytes(text: &str) -> Result<u64, String> {
    let bytes = parse_bytes(text).filter(|bytes| *bytes >= 1.0 && *bytes < MOST_BYTES);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 2^63")]
    let whole = bytes.map(|bytes| bytes as u64);
    whole.ok_or_else(|| {
        format!("memory = '{text}': write a size such as \"512 MB\", \"256m\" or \"1 GiB\"")
    })
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
pub fn cpus(value: f64) -> Result<f64, String> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(format!("cpus = {value}: write a number of cores above zero, such as 0.5 or 2"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn suite(image: &str) -> Suite {
        let text = format!(
            "[suite]\nname = \"s\"\nbaseline = \"b\"\n\
             [[contender]]\nname = \"a\"\nstart = \"x\"\nurl = \"http://h:{{port}}/\"\n{image}\n\
             [[contender]]\nname = \"b\"\nstart = \"y\"\nbuild = \"make\"\nurl = \"http://h:{{port}}/\"\n{image}\n\
             [[scenario]]\nname = \"q\"\nrequests = 1\n"
        );
        Suite::parse(&text, "s", Path::new("/")).unwrap()
    }

    #[test]
    fn both_makes_two_of_each_and_builds_once() {
        let mut suite = suite("image = { ref = \"i\", env = { PORT = \"{port}\" } }");
        suite.put(Place::Both).unwrap();
        let names: Vec<&str> = suite.contenders.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["a", "a+container", "b", "b+container"]);
        assert_eq!(suite.baseline().name, "b");
        assert!(suite.baseline().container.is_none());
        assert_eq!(suite.contenders[3].container, Some(InContainer { of: "b".to_owned() }));
        assert!(suite.contenders[3].build.is_empty());
    }

    #[test]
    fn who_has_an_image_only_is_entered_in_its_container_alone() {
        let mut suite = suite("image = { ref = \"i\" }");
        suite.contenders[0].start = None;
        assert!(suite.contenders[0].is_image_only() && !suite.contenders[1].is_image_only());
        suite.put(Place::Both).unwrap();
        let names: Vec<&str> = suite.contenders.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "b+container"]);
        assert_eq!(suite.contenders[0].container, Some(InContainer { of: "a".to_owned() }));
    }

    #[test]
    fn without_images_there_is_nothing_to_run_in_containers() {
        let error = suite("").put(Place::Containers).unwrap_err().to_string();
        assert!(error.contains("no contender has an image"), "{error}");
        assert!(suite("").put(Place::Processes).is_ok());
    }

    #[test]
    fn a_port_of_the_images_own_needs_the_bridge() {
        let mut suite = suite("image = { ref = \"i\", port = 80 }");
        let error = suite.put(Place::Containers).unwrap_err().to_string();
        assert!(error.contains("--network bridge"), "{error}");
        suite.container_limits.network = Network::Bridge;
        suite.put(Place::Containers).unwrap();
        assert_eq!(suite.contenders[0].container, Some(InContainer { of: "a".to_owned() }));
    }

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
            assert!(memory_bytes(text).unwrap_err().contains("256m"), "{text}");
        }
        assert!(cpus(0.5).is_ok());
        for value in [0.0, -1.0, f64::NAN] {
            assert!(cpus(value).is_err());
        }
    }
}
