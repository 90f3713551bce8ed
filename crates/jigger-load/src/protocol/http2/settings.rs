//! What a server has said about itself in SETTINGS (RFC 9113, section 6.5).

use super::fault::Http2Fault;
use super::frame::{DEFAULT_WINDOW_BYTES, big_endian};

/// The settings of a server that bear on what a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerSettings {
    /// How many requests it takes at once on a connection; `None`: as many as come.
    pub max_concurrent_streams: Option<u32>,
    /// How much of a request's body it takes before it asks for more.
    pub initial_window_bytes: u32,
    /// The longest frame that it takes.
    pub max_frame_bytes: u32,
    /// How much it keeps of the fields of requests, so that they come by index.
    pub header_table_bytes: u32,
}

impl Default for PeerSettings {
    /// As long as it has said nothing.
    fn default() -> PeerSettings {
        PeerSettings {
            max_concurrent_streams: None,
            initial_window_bytes: DEFAULT_WINDOW_BYTES,
            max_frame_bytes: 16_384,
            header_table_bytes: 4096,
        }
    }
}

/// Windows are never larger.
pub(super) const WINDOW_MAX_BYTES: u32 = (1 << 31) - 1;

impl PeerSettings {
    /// Takes in what another connection, or a later frame, said: the fewest streams count.
    pub(crate) fn note(&mut self, other: &PeerSettings) {
        let limits = [self.max_concurrent_streams, other.max_concurrent_streams];
        self.max_concurrent_streams = limits.into_iter().flatten().min();
    }

    /// Takes the payload of a frame in.
    pub(super) fn take(&mut self, payload: &[u8]) -> Result<(), Http2Fault> {
        if !payload.len().is_multiple_of(6) {
            return Err(Http2Fault::frame_size("SETTINGS is truncated"));
        }
        payload.chunks(6).try_for_each(|setting| {
            let value = big_endian(&setting[2..]);
            match u16::from_be_bytes([setting[0], setting[1]]) {
                0x1 => self.header_table_bytes = value,
                0x2 if value != 0 => {
                    return Err(Http2Fault::protocol(
                        "it sets ENABLE_PUSH, which only clients may set",
                    ));
                }
                0x3 => self.max_concurrent_streams = Some(value),
                0x4 if value > WINDOW_MAX_BYTES => {
                    return Err(Http2Fault::flow_control("INITIAL_WINDOW_SIZE is above 2^31-1"));
                }
                0x4 => self.initial_window_bytes = value,
                0x5 if !(16_384..=0xff_ffff).contains(&value) => {
                    return Err(Http2Fault::protocol("MAX_FRAME_SIZE is out of its range"));
                }
                0x5 => self.max_frame_bytes = value,
                _ => {}
            }
            Ok(())
        })
    }
}
