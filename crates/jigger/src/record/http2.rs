//! What a server said about itself over HTTP/2, and how many requests were under way at once.

use std::borrow::Cow;

use jigger_load::PeerSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Record, ScenarioRecord, TrialRecord};

/// The SETTINGS of a server (RFC 9113, section 6.5.2) that bear on what a request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Http2Settings {
    /// The fewest requests at once that it allowed on a connection; absent without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_streams: Option<u32>,
    /// How much of a request's body it accepts before it widens the window.
    pub initial_window_bytes: u32,
    /// The longest frame that it accepts.
    pub max_frame_bytes: u32,
    /// The size of its table of request fields.
    pub header_table_bytes: u32,
}

impl From<PeerSettings> for Http2Settings {
    fn from(settings: PeerSettings) -> Self {
        let PeerSettings {
            max_concurrent_streams,
            initial_window_bytes,
            max_frame_bytes,
            header_table_bytes,
        } = settings;
        Self { max_concurrent_streams, initial_window_bytes, max_frame_bytes, header_table_bytes }
    }
}

impl Http2Settings {
    /// How many of so many streams it allows, when it does not allow all.
    pub fn fewer_than(&self, streams: usize) -> Option<usize> {
        let allowed = usize::try_from(self.max_concurrent_streams?).ok()?;
        (allowed < streams).then_some(allowed)
    }

    /// In words: what sets it apart from the other's.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let any = |limit: Option<u32>| limit.map_or("any number".to_owned(), |it| it.to_string());
        let number = |value: u32| value.to_string();
        let pairs = [
            (
                "MAX_CONCURRENT_STREAMS",
                any(self.max_concurrent_streams),
                any(other.max_concurrent_streams),
            ),
            (
                "INITIAL_WINDOW_SIZE",
                number(self.initial_window_bytes),
                number(other.initial_window_bytes),
            ),
            ("MAX_FRAME_SIZE", number(self.max_frame_bytes), number(other.max_frame_bytes)),
            (
                "HEADER_TABLE_SIZE",
                number(self.header_table_bytes),
                number(other.header_table_bytes),
            ),
        ];
        let differing = pairs.into_iter().filter(|(_, mine, theirs)| mine != theirs);
        differing.map(|(name, mine, theirs)| format!("{name} {mine} against {theirs}")).collect()
    }
}

/// Streams on each connection of a contender over HTTP/2 by its own `protocol`: no more than the load
/// has connections, which are divided by them; one on a fresh connection.
pub fn own_streams(streams: usize, connections: usize, is_fresh: bool) -> usize {
    if is_fresh { 1 } else { streams.min(connections) }
}

impl Record {
    /// The scenario as an entry was loaded: with the connections and streams of its own `protocol`, if it
    /// has one.
    pub fn load_of<'a>(
        &self,
        entry: &str,
        scenario: &'a ScenarioRecord,
    ) -> Cow<'a, ScenarioRecord> {
        // An entry that is no contender is the placebo, which is the baseline.
        let contender = self.contender(entry).or_else(|| self.contender(&self.suite.baseline));
        match contender.filter(|it| it.protocol.as_deref() == Some("h2")) {
            None => Cow::Borrowed(scenario),
            Some(own) => {
                let connections = scenario.connections;
                let streams = own_streams(own.streams.unwrap_or(1), connections, scenario.fresh);
                let (connections, http2) = (connections / streams, Some(streams));
                Cow::Owned(ScenarioRecord { connections, http2, ..scenario.clone() })
            }
        }
    }
}

impl ScenarioRecord {
    /// Requests that were to be under way at once.
    pub fn at_once(&self) -> usize {
        self.connections * self.http2.unwrap_or(1)
    }

    /// The same, with as many streams on each connection as the server of this trial allowed.
    pub fn at_once_in(&self, trial: &TrialRecord) -> usize {
        let streams = self.http2.unwrap_or(1);
        let allowed = trial.http2_settings.and_then(|settings| settings.fewer_than(streams));
        self.connections * allowed.unwrap_or(streams)
    }
}
