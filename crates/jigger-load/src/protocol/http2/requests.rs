//! What a connection gets from its source.

use super::hpack::Encoder;
use crate::protocol::Flight;

/// A source's requests. The same flight has the same bytes each time.
pub(crate) trait Requests {
    /// The whole of a request in one HEADERS frame of no stream, where the server knows all of its
    /// fields and it has no body.
    fn frame(&self, _encoder: &Encoder) -> Option<&[u8]> {
        None
    }

    /// Appends the header block of a request.
    fn header_block(&mut self, flight: &Flight, encoder: &mut Encoder, out: &mut Vec<u8>);

    /// Its body.
    fn body(&mut self, flight: &Flight) -> &[u8];
}
