//! HPACK, how HTTP/2 writes header fields (RFC 7541): no I/O, and nothing of HTTP/2 but this.

mod decoder;
mod encoder;
mod huffman;
mod table;

pub(crate) use decoder::Decoder;
pub(crate) use encoder::{Encoder, Literal, literals, static_index};
pub(crate) use table::size as field_bytes;

/// Why a header block cannot be read; the connection is lost then (RFC 7541, section 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HpackError {
    #[error("it ends within a field")]
    Truncated,
    #[error("a number in it is too large")]
    Number,
    #[error("index {0} refers to no field")]
    Index(usize),
    #[error("a Huffman-coded string is broken")]
    Huffman,
    #[error("a change of the table's size is larger than allowed, or follows a field")]
    TableSize,
}
