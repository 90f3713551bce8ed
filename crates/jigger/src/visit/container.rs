//! How a contender's container is started.

use std::sync::atomic::{AtomicU64, Ordering};

use super::error::VisitError;
use super::live::{LiveWorld, filled};
use crate::image::ContainerSpec;
use crate::server::{Container, StartSpec};
use crate::suite::{Contender, Network, Placeholders};

impl LiveWorld<'_> {
    /// The command that makes the contender's container, and its name, by which it is removed.
    pub(super) fn container_spec(
        &self,
        contender: &Contender,
        port: Option<u16>,
        values: &Placeholders,
    ) -> Result<StartSpec, VisitError> {
        let at = self.plan.suite.contenders.iter().position(|it| it.name == contender.name);
        let record = at.and_then(|at| self.containers.get(at)?.as_ref());
        let (Some(engine), Some(record)) = (&self.engine, record) else {
            return Err(VisitError("there is no image to run it from".to_owned()));
        };
        let limits = &self.plan.suite.container_limits;
        let start = &contender.image_start;
        let values = values.clone().with("host", limits.network.listen_address());
        let name = container_name(&contender.name);
        let spec = ContainerSpec {
            name: name.clone(),
            image: record.image.clone(),
            network: limits.network.name().to_owned(),
            publish: published(limits.network, port, start.port)?,
            cpus: limits.cpus,
            cpu_set: self.plan.placement.server_cpus.clone(),
            memory_bytes: limits.memory_bytes,
            environment: filled(&values, &start.environment)?,
            arguments: values.fill_all(&start.arguments).map_err(VisitError::of)?,
        };
        let container = Some(Container { engine: engine.path.clone(), name });
        Ok(StartSpec { container, ..self.spec(contender, engine.create_command(&spec)) })
    }
}

/// On the bridge, the visit's port and the one in the container that it leads to: the image's own,
/// or the same.
fn published(
    network: Network,
    port: Option<u16>,
    inside: Option<u16>,
) -> Result<Option<(u16, u16)>, VisitError> {
    if network == Network::Host {
        return Ok(None);
    }
    let port = port.ok_or_else(|| {
        let reason = "its url names no {port}, so there is nothing to publish on the bridge; \
                      write {port} there, or add --network host";
        VisitError(reason.to_owned())
    })?;
    Ok(Some((port, inside.unwrap_or(port))))
}

/// A name that no other container has: engines take letters, digits, `_`, `.` and `-`.
fn container_name(contender: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let contender = contender.replace('+', ".");
    format!("jigger-{}-{number}-{contender}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridge_publishes_the_visits_port_and_the_host_none() {
        assert_eq!(published(Network::Host, Some(7), None).unwrap(), None);
        assert_eq!(published(Network::Bridge, Some(7), None).unwrap(), Some((7, 7)));
        assert_eq!(published(Network::Bridge, Some(7), Some(80)).unwrap(), Some((7, 80)));
        assert!(published(Network::Bridge, None, None).unwrap_err().0.contains("{port}"));
    }

    #[test]
    fn names_are_such_as_engines_take_and_never_the_same() {
        let (first, second) = (container_name("gin+container"), container_name("gin+container"));
        assert_ne!(first, second);
        assert!(first.ends_with("-gin.container"), "{first}");
    }
}
