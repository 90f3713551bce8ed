//! What a load's report has of TLS.

use std::fmt::Write as _;

use jigger_load::{TlsAgreement, TlsSample};
use schemars::JsonSchema;
use serde::Serialize;

use super::Latencies;
use crate::numbers::number;
use crate::record::TlsAgreementRecord;
use crate::report::units::{grouped, whole};

/// What the TLS handshakes came to.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TlsFigures {
    /// Handshakes that succeeded.
    handshakes: u64,
    /// Those that resumed an earlier session.
    resumed: u64,
    /// Those with a HelloRetryRequest, which costs a round trip.
    hello_retries: u64,
    /// From the moment that the connection stood until a request could go out.
    pub(super) handshake_time_us: Latencies,
    /// What was agreed on, the most frequent first.
    agreed: Vec<Agreed>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Agreed {
    /// How many handshakes agreed on it.
    handshakes: u64,
    #[serde(flatten)]
    agreement: TlsAgreementRecord,
}

impl TlsFigures {
    pub(super) fn of(sample: &TlsSample) -> Self {
        let agreed = |(agreement, count): (&TlsAgreement, &u64)| Agreed {
            handshakes: *count,
            agreement: agreement.into(),
        };
        let mut agreed: Vec<Agreed> = sample.agreed.iter().map(agreed).collect();
        agreed.sort_by_key(|agreed| std::cmp::Reverse(agreed.handshakes));
        Self {
            handshakes: sample.handshake_time_ns.len(),
            resumed: sample.resumed,
            hello_retries: sample.hello_retries,
            handshake_time_us: Latencies::of(&sample.handshake_time_ns),
            agreed,
        }
    }

    /// Of a load that took so long.
    pub(super) fn lines(&self, seconds: f64) -> String {
        let mut text = String::new();
        if self.handshakes == 0 {
            return text;
        }
        for Agreed { handshakes, agreement } in &self.agreed {
            let count = match self.agreed.len() {
                1 => String::new(),
                _ => format!(" ({} handshakes)", whole(*handshakes)),
            };
            let _ = writeln!(text, "  TLS: {}{count}", agreement.words());
        }
        let _ = write!(
            text,
            "  handshakes: {}, {} per second",
            whole(self.handshakes),
            grouped(number(self.handshakes) / seconds.max(1e-9))
        );
        if self.resumed > 0 {
            let _ = write!(text, "; {} resumed a session", whole(self.resumed));
        }
        if self.hello_retries > 0 {
            let _ = write!(
                text,
                "; {} with a HelloRetryRequest (an extra round trip)",
                whole(self.hello_retries)
            );
        }
        text + "\n"
    }
}
