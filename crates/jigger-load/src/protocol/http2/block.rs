//! A header block that comes in several frames.

/// A header block of which only a part has arrived.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// 0: there is none.
    pub(super) stream: u32,
    pub(super) ends_stream: bool,
    pub(super) bytes: Vec<u8>,
}
