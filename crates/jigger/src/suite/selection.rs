//! Which of a suite's contenders take part, and where they run, in containers within which limits:
//! part of reading it.

use clap::{Args, ValueEnum};

use super::fault::{Checked, Fault, refused, unknown};
use super::{Contender, Limit, Suite, SuiteError};
use crate::metric::parse_bytes;

/// Which of a suite's contenders take part, and where they run. By default all, as the suite has
/// them, as processes.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct Selection {
    /// Use only this contender (repeatable)
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Where contenders run; "both" runs each contender as a process and in a container
    #[arg(long = "in", value_enum, default_value_t = Place::Processes)]
    pub place: Place,
    /// Network of the containers [default: the suite's, otherwise host]
    #[arg(long, value_enum)]
    pub network: Option<Network>,
    /// The most cores that a container may use, such as 0.5 [default: the suite's, otherwise no
    /// limit]
    #[arg(long, value_name = "N", value_parser = cores)]
    pub cpus: Option<f64>,
    /// The most memory that a container may use, such as 256m [default: the suite's, otherwise no
    /// limit]
    #[arg(long = "memory", value_name = "SIZE", value_parser = memory)]
    pub memory_bytes: Option<u64>,
}

fn cores(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().and_then(|number| cpus(number).ok()).ok_or(CORES)
}

fn memory(text: &str) -> Result<u64, &'static str> {
    memory_bytes(text).map_err(|_| SIZE)
}

const CORES: &str = "write a number of cores above zero, such as 0.5 or 2";
const SIZE: &str = "write a size such as \"512 MB\", \"256m\" or \"1 GiB\"";

impl Selection {
    /// What it leaves of a suite: the contenders named, each where it is to run, and the thresholds
    /// about them alone.
    ///
    /// # Errors
    /// [`SuiteError::Meaning`] when a name is not in the suite, no contender has an image to run
    /// from, or one cannot run on this network.
    pub(super) fn of(&self, suite: Suite) -> Result<Suite, SuiteError> {
        let limits = suite.container_limits;
        let container_limits = ContainerLimits {
            network: self.network.unwrap_or(limits.network),
            cpus: self.cpus.or(limits.cpus),
            memory_bytes: self.memory_bytes.or(limits.memory_bytes),
        };
        let unknown = self.unknown_name(&suite);
        let suite = Suite { container_limits, ..self.named(suite) };
        if let Some(fault) = unknown.or_else(|| self.no_place(&suite)) {
            return Err(SuiteError::Meaning { suite: suite.name, fault });
        }
        let placed = match self.place {
            Place::Processes => return Ok(suite),
            Place::Containers => in_container,
            Place::Both => both,
        };
        let contenders = suite.contenders.iter().cloned().flat_map(placed).collect();
        Ok(suite.with_contenders(contenders))
    }

    fn unknown_name(&self, suite: &Suite) -> Option<Fault> {
        let known: Vec<&str> = suite.contenders.iter().map(|c| c.name.as_str()).collect();
        let other = self.only.iter().find(|name| !known.contains(&name.as_str()))?;
        Some(unknown("contender", other, &known).into())
    }

    fn no_place(&self, suite: &Suite) -> Option<Fault> {
        let mut images = suite.contenders.iter().filter(|contender| contender.image.is_some());
        if self.place == Place::Processes {
            return None;
        }
        if images.next().is_none() {
            return Some(Fault::from(
                "no contender has an image to run from; give one `image = { build = ... }` or \
                 `image = { ref = ... }`"
                    .to_owned(),
            ));
        }
        let is_host = suite.container_limits.network == Network::Host;
        let fixed = suite.contenders.iter().find(|c| c.image_start.port.is_some());
        fixed.filter(|_| is_host).map(|fixed| {
            Fault::from(format!(
                "contender '{}': its image has a fixed port, which only the bridge can map; add \
                 --network bridge",
                fixed.name
            ))
        })
    }

    fn named(&self, mut suite: Suite) -> Suite {
        let is_kept = |name: &String| self.only.is_empty() || self.only.contains(name);
        let is_about_kept = |limit: &Limit| match limit {
            Limit::Amount(_) => true,
            Limit::Times { contender, .. } => is_kept(contender),
        };
        suite.thresholds.retain(|it| is_kept(&it.contender) && is_about_kept(&it.limit));
        suite.published.retain(|it| is_kept(&it.contender) && is_kept(&it.to));
        let mut contenders = suite.contenders.clone();
        contenders.retain(|contender| is_kept(&contender.name));
        for contender in &mut contenders {
            contender.counterpart = contender.counterpart.take().filter(is_kept);
        }
        suite.with_contenders(contenders)
    }
}

impl Suite {
    /// The same with other contenders: the baseline is the one of the same name, or the first.
    fn with_contenders(self, contenders: Vec<Contender>) -> Self {
        let name = &self.baseline().name;
        let baseline = contenders.iter().position(|it| it.name == *name).unwrap_or(0);
        Self { baseline, contenders, ..self }
    }
}

fn in_container(contender: Contender) -> Vec<Contender> {
    let of = contender.name.clone();
    vec![Contender { container: Some(InContainer { of }), ..contender }]
}

/// A contender, and its second entry in a container where it has an image. What the first one
/// needs and builds is not needed and built a second time.
fn both(contender: Contender) -> Vec<Contender> {
    if contender.is_image_only() {
        return in_container(contender);
    }
    let second = contender.image.is_some().then(|| Contender {
        name: format!("{}{CONTAINER_SUFFIX}", contender.name),
        container: Some(InContainer { of: contender.name.clone() }),
        needs: Vec::new(),
        build: Vec::new(),
        clean_build: Vec::new(),
        artifact: None,
        counterpart: None,
        ..contender.clone()
    });
    std::iter::once(contender).chain(second).collect()
}

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
    /// Each contender both ways.
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Network {
    /// The host's own network.
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
    pub memory_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImageStart {
    /// Words after the image's name: its command's arguments, or another command.
    pub arguments: Vec<String>,
    /// Environment; may hold `{port}` and `{host}`.
    pub environment: Vec<(String, String)>,
    /// The port that it listens on, where it cannot be made to take another.
    pub port: Option<u16>,
}

/// That a contender runs in a container, and from whose image.
#[derive(Debug, Clone, PartialEq)]
pub struct InContainer {
    /// The contender whose image it is: itself, or the one that it is compared with.
    pub of: String,
}

impl Place {
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
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Bridge => "bridge",
        }
    }

    /// The address that a server in the container is to listen on: on the host's network the
    /// loopback address, so that no other machine can reach it.
    pub fn listen_address(self) -> &'static str {
        match self {
            Self::Host => "127.0.0.1",
            Self::Bridge => "0.0.0.0",
        }
    }
}

/// A size of memory.
pub fn memory_bytes(text: &str) -> Checked<u64> {
    let bytes = parse_bytes(text).filter(|bytes| *bytes >= 1.0 && *bytes < MOST_BYTES);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 2^63")]
    let whole = bytes.map(|bytes| bytes as u64);
    whole.ok_or_else(|| Fault::from(format!("memory = '{text}': {SIZE}")))
}

/// As many as a signed 64-bit number has.
const MOST_BYTES: f64 = 9.2e18;

/// A size as container engines write it (powers of 1,024), in the largest unit that it is a whole
/// number of.
pub fn memory_text(bytes: u64) -> String {
    let units = [(30, "g"), (20, "m"), (10, "k")];
    let unit = units.iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| format!("{bytes}b"), |(shift, name)| format!("{}{name}", bytes >> shift))
}

/// A number of cores, not necessarily whole.
pub fn cpus(value: f64) -> Checked<f64> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    refused(format!("cpus = {value}: {CORES}"))
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
             [[scenario]]\nname = \"q\"\nrequests = 1\n\
             [[threshold]]\nmetric = \"startup_ms\"\ncontender = \"a\"\nat_most = \"2 x b\"\n"
        );
        Suite::parse(&text, "s", Path::new("/")).unwrap()
    }

    fn at(place: Place) -> Selection {
        Selection { place, ..Selection::default() }
    }

    #[test]
    fn who_is_named_takes_part_with_the_thresholds_about_them() {
        let only = |names: &[&str]| {
            let only = names.iter().map(|name| (*name).to_owned()).collect();
            Selection { only, ..Selection::default() }.of(suite(""))
        };
        let both = only(&["a", "b"]).unwrap();
        assert_eq!((both.contenders.len(), both.thresholds.len(), both.baseline), (2, 1, 1));
        let one = only(&["a"]).unwrap();
        assert_eq!((one.contenders.len(), one.thresholds.len(), one.baseline), (1, 0, 0));
        let error = only(&["a", "aa"]).unwrap_err().to_string();
        assert_eq!(error, "s: unknown contender 'aa'; did you mean 'a'?");
        assert_eq!(only(&[]).unwrap().contenders.len(), 2);
    }

    #[test]
    fn both_makes_two_of_each_and_builds_once() {
        let image = "image = { ref = \"i\", env = { PORT = \"{port}\" } }";
        let suite = at(Place::Both).of(suite(image)).unwrap();
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
        let suite = at(Place::Both).of(suite).unwrap();
        let names: Vec<&str> = suite.contenders.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "b+container"]);
        assert_eq!(suite.contenders[0].container, Some(InContainer { of: "a".to_owned() }));
    }

    #[test]
    fn without_images_there_is_nothing_to_run_in_containers() {
        let error = at(Place::Containers).of(suite("")).unwrap_err().to_string();
        assert!(error.contains("no contender has an image"), "{error}");
        assert!(at(Place::Processes).of(suite("")).is_ok());
    }

    #[test]
    fn a_port_of_the_images_own_needs_the_bridge() {
        let image = "image = { ref = \"i\", port = 80 }";
        let error = at(Place::Containers).of(suite(image)).unwrap_err().to_string();
        assert!(error.contains("--network bridge"), "{error}");
        let bridged = Selection { network: Some(Network::Bridge), ..at(Place::Containers) };
        let suite = bridged.of(suite(image)).unwrap();
        assert_eq!(suite.container_limits.network, Network::Bridge);
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
            assert!(memory_bytes(text).unwrap_err().to_string().contains("256m"), "{text}");
        }
        assert!(cpus(0.5).is_ok());
        for value in [0.0, -1.0, f64::NAN] {
            assert!(cpus(value).is_err());
        }
    }
}
