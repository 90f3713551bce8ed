//! What took the machine away from a visit, and how much of it is too much.
//!
//! CPU pressure alone does not tell: it counts the contention that the server and the load engine
//! make themselves, which eight workers on one core are bound to do. So the CPU time of all
//! *other* processes is had besides: what the cores were busy with, less what jigger and its
//! descendants used.

mod reading;

use serde::{Deserialize, Serialize};

pub use reading::HostReading;

/// What disturbed a visit. Shares are 0..1; `None` where the machine does not show it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Disturbance {
    /// Share of the cores' time that the hypervisor kept for others.
    pub steal_share: f64,
    /// Share of the cores' time that processes used which are neither jigger nor a server that
    /// it started. Unknown for a server that was running already or is in a container, since its
    /// time is foreign too.
    #[serde(default)]
    pub foreign_cpu_share: Option<f64>,
    /// Share of the time in which some runnable thread of the machine waited for a core (PSI).
    #[serde(default)]
    pub cpu_pressure_share: Option<f64>,
    /// Share of the time in which a quota of jigger's cgroup, or heat, held the cores back.
    #[serde(default)]
    pub throttled_share: Option<f64>,
    /// Mean frequency of the servers' cores at the end of the last trial.
    #[serde(default)]
    pub frequency_mhz: Option<f64>,
}

/// Above which shares a round is repeated. 1 never is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Limits {
    /// Of [`Disturbance::steal_share`].
    pub steal: f64,
    /// Of [`Disturbance::foreign_cpu_share`].
    pub foreign_cpu: f64,
    /// Of [`Disturbance::cpu_pressure_share`].
    pub cpu_pressure: f64,
    /// Of [`Disturbance::throttled_share`].
    pub throttled: f64,
}

impl Default for Limits {
    /// 5 % for steal and for foreign CPU time, 2 % for throttling. None for CPU pressure, see the
    /// module.
    fn default() -> Self {
        Self { steal: 0.05, foreign_cpu: 0.05, cpu_pressure: 1.0, throttled: 0.02 }
    }
}

impl Limits {
    /// No limit at all.
    #[must_use]
    pub fn none() -> Self {
        Self { steal: 1.0, foreign_cpu: 1.0, cpu_pressure: 1.0, throttled: 1.0 }
    }

    /// What was beyond its limit, in words; `None` when nothing was.
    #[must_use]
    pub fn exceeded_by(&self, found: &Disturbance) -> Option<String> {
        let checks = [
            ("steal", Some(found.steal_share), self.steal),
            ("foreign CPU time", found.foreign_cpu_share, self.foreign_cpu),
            ("CPU pressure", found.cpu_pressure_share, self.cpu_pressure),
            ("throttling", found.throttled_share, self.throttled),
        ];
        let beyond: Vec<String> = checks
            .into_iter()
            .filter_map(|(name, share, limit)| Some((name, share?, limit)))
            .filter(|(_, share, limit)| share > limit)
            .map(|(name, share, limit)| format!("{name} {} > {}", percent(share), percent(limit)))
            .collect();
        (!beyond.is_empty()).then(|| beyond.join(", "))
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_and_beyond_its_limit_counts() {
        let limits = Limits::default();
        let quiet = Disturbance { steal_share: 0.05, ..Disturbance::default() };
        assert_eq!(limits.exceeded_by(&quiet), None);
        let loud = Disturbance {
            steal_share: 0.071,
            foreign_cpu_share: Some(0.5),
            cpu_pressure_share: Some(0.99),
            throttled_share: Some(0.0),
            frequency_mhz: Some(800.0),
        };
        let found = limits.exceeded_by(&loud).unwrap();
        assert_eq!(found, "steal 7.1 % > 5.0 %, foreign CPU time 50.0 % > 5.0 %");
        assert_eq!(Limits::none().exceeded_by(&loud), None);
    }
}
