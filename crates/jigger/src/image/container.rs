//! The command line that makes a container from an image.

use procfs::sys::kernel::pid_max;
use rustix::process::{Resource, Rlimit, getrlimit};

use super::engine::{Engine, Program};

/// What to make a container of, and within which limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerSpec {
    /// The name that it is to have.
    pub name: String,
    /// The image, which the engine has already.
    pub image: String,
    /// `host`, or the engine's `bridge`.
    pub network: String,
    /// A port of the loopback address, and the container's port that it leads to.
    pub publish: Option<(u16, u16)>,
    /// The most processor time, in cores.
    pub cpus: Option<f64>,
    /// The cores that it is kept to; empty for all.
    pub cpu_set: Vec<usize>,
    /// The most memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Environment.
    pub environment: Vec<(String, String)>,
    /// What comes after the image's name.
    pub arguments: Vec<String>,
}

impl Engine {
    /// The program and the words that make the container, without starting it.
    ///
    /// Its output goes to whoever attaches and is not kept by the engine besides. What is not there
    /// is never pulled: a registry's answer is no part of a measurement.
    #[must_use]
    pub fn create_command(&self, spec: &ContainerSpec) -> Vec<String> {
        let mut words = vec![self.path.to_string_lossy().into_owned(), "create".to_owned()];
        words.push(format!("--name={}", spec.name));
        words.push("--pull=never".to_owned());
        words.push("--log-driver=none".to_owned());
        words.push(format!("--network={}", spec.network));
        words.extend(
            spec.publish.map(|(host, inside)| format!("--publish=127.0.0.1:{host}:{inside}")),
        );
        words.extend(spec.cpus.map(|cpus| format!("--cpus={cpus}")));
        if !spec.cpu_set.is_empty() {
            let cores: Vec<String> = spec.cpu_set.iter().map(ToString::to_string).collect();
            words.push(format!("--cpuset-cpus={}", cores.join(",")));
        }
        // Both together the same: none of it may be swapped out instead.
        words.extend(spec.memory_bytes.map(|bytes| format!("--memory={bytes}b")));
        words.extend(spec.memory_bytes.map(|bytes| format!("--memory-swap={bytes}b")));
        if self.program == Program::Podman {
            words.extend(own_limits());
        }
        words.extend(spec.environment.iter().map(|(name, value)| format!("--env={name}={value}")));
        words.push("--".to_owned());
        words.push(spec.image.clone());
        words.extend(spec.arguments.iter().cloned());
        words
    }
}

/// Flags for the limits on open files and processes that this process has, and that a server as a
/// process of the host inherits from it.
///
/// Docker's containers inherit those of its daemon. Podman gives root's containers 1,048,576 of both,
/// whatever the host has, and where root may not raise limits (without `CAP_SYS_RESOURCE`) it starts
/// none of them: <https://github.com/containers/podman/issues/7510>.
fn own_limits() -> [String; 2] {
    // Podman first lowers its own limit to the most processes that there can be at all.
    let most = pid_max().ok().and_then(|most| u64::try_from(most).ok());
    [
        limit("nofile", &getrlimit(Resource::Nofile), None),
        limit("nproc", &getrlimit(Resource::Nproc), most),
    ]
}

fn limit(name: &str, limit: &Rlimit, most: Option<u64>) -> String {
    let text = |value: Option<u64>| {
        let value = value.into_iter().chain(most).min();
        value.map_or_else(|| "-1".to_owned(), |value| value.to_string())
    };
    format!("--ulimit={name}={}:{}", text(limit.current), text(limit.maximum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_handed_on_as_engines_write_them() {
        let found = Rlimit { current: Some(1_024), maximum: None };
        assert_eq!(limit("nofile", &found, None), "--ulimit=nofile=1024:-1");
        assert_eq!(limit("nproc", &found, Some(1_000)), "--ulimit=nproc=1000:1000");
    }

    #[test]
    fn podman_is_given_the_limits_of_the_host() {
        let engine = Engine::new(Program::Podman, "4".to_owned(), "/usr/bin/podman".into());
        let words = engine.create_command(&spec());
        let limits = own_limits();
        assert!(words.windows(2).any(|two| two == limits), "{words:?}");
    }

    #[test]
    fn limits_ports_and_environment_come_before_the_image() {
        let engine = Engine::new(Program::Docker, "1".to_owned(), "/usr/bin/docker".into());
        let words = engine.create_command(&spec()).join(" ");
        assert_eq!(
            words,
            "/usr/bin/docker create --name=jigger-1 --pull=never --log-driver=none \
             --network=bridge --publish=127.0.0.1:12345:8080 --cpus=1.5 --cpuset-cpus=1,3 \
             --memory=1048576b --memory-swap=1048576b --env=PORT=12345 -- jigger-pong/gin --flag"
        );
    }

    fn spec() -> ContainerSpec {
        ContainerSpec {
            name: "jigger-1".to_owned(),
            image: "jigger-pong/gin".to_owned(),
            network: "bridge".to_owned(),
            publish: Some((12_345, 8_080)),
            cpus: Some(1.5),
            cpu_set: vec![1, 3],
            memory_bytes: Some(1 << 20),
            environment: vec![("PORT".to_owned(), "12345".to_owned())],
            arguments: vec!["--flag".to_owned()],
        }
    }
}
