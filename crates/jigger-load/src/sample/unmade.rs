//! Connections that a load was still making when it ended.

use std::fmt;
use std::time::Duration;

/// How many they were, and how old the oldest was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unmade {
    /// Those that did not stand.
    pub connecting: u64,
    /// Those whose TLS handshake was under way.
    pub shaking: u64,
    /// Since the oldest was begun.
    pub oldest_ns: u64,
}

/// What takes so long is not made at all.
const LONG_NS: u64 = 1_000_000_000;

impl Unmade {
    /// Whether it says why there are so few responses.
    pub fn is_telling(&self, responses: u64) -> bool {
        self.connecting + self.shaking > 0 && (responses == 0 || self.oldest_ns >= LONG_NS)
    }

    pub(crate) fn merge(&mut self, other: Unmade) {
        self.connecting += other.connecting;
        self.shaking += other.shaking;
        self.oldest_ns = self.oldest_ns.max(other.oldest_ns);
    }
}

impl fmt::Display for Unmade {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unmade { connecting, shaking, oldest_ns } = *self;
        let (what, cause) = match shaking {
            0 => (
                counted(connecting, "connection was", "connections were"),
                "the server's listen queue is full, or a firewall drops packets",
            ),
            _ => (
                counted(shaking, "TLS handshake was", "TLS handshakes were"),
                "the server accepted the connection and sent nothing; does it speak TLS on this port?",
            ),
        };
        let oldest = Duration::from_nanos(oldest_ns).as_secs_f64();
        write!(formatter, "{what} under way at the end, the oldest for {oldest:.1} s: {cause}")
    }
}

fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_made_is_told_with_its_age_and_its_cause() {
        let mut unmade = Unmade { connecting: 1, shaking: 0, oldest_ns: 400_000_000 };
        assert!(unmade.is_telling(0) && !unmade.is_telling(5));
        let text = unmade.to_string();
        assert!(text.starts_with("1 connection was under way at the end, the oldest for 0.4 s: "));
        unmade.merge(Unmade { connecting: 0, shaking: 2, oldest_ns: 2_000_000_000 });
        assert!(unmade.is_telling(5) && !Unmade::default().is_telling(0));
        let text = unmade.to_string();
        assert!(
            text.starts_with("2 TLS handshakes were under way at the end, the oldest for 2.0 s")
        );
        assert!(text.ends_with("does it speak TLS on this port?"));
    }
}
