//! A histogram in the record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

/// A histogram as text: V2 with compression, base64.
pub fn encode_histogram(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .expect("writing to memory cannot fail");
    STANDARD.encode(bytes)
}

/// A histogram from its text; `None` when it is damaged.
pub fn decode_histogram(text: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(text).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_survives_its_text() {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        histogram.record_n(1_000, 5).unwrap();
        histogram.record(9_000_000).unwrap();
        assert_eq!(decode_histogram(&encode_histogram(&histogram)).unwrap(), histogram);
        assert!(decode_histogram("AAAA").is_none());
    }
}
