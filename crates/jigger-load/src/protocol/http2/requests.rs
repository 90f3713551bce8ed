//! What a connection asks its source for.

use super::hpack::Encoder;
use crate::protocol::Flight;

/// A source's requests. The same flight has the same bytes each time.
pub(crate) trait Requests {
    /// Appends the header block of a request.
    fn header_block(&mut self, flight: &Flight, encoder: &mut Encoder, out: &mut Vec<u8>);

    /// Its body.
    fn body(&mut self, flight: &Flight) -> &[u8];
}
