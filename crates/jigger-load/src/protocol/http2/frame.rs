//! HTTP/2's frames (RFC 9113, sections 4 and 6), read one by one however their bytes are cut.

/// What a frame begins with.
pub(crate) const HEADER_BYTES: usize = 9;
/// The longest payload that is taken, and that every server takes (RFC 9113, section 4.2).
pub(crate) const PAYLOAD_MAX_BYTES: usize = 16 << 10;
/// What a client that knows that the server speaks HTTP/2 begins with (section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What either side may send before it is told otherwise (section 6.9.2).
pub(crate) const DEFAULT_WINDOW_BYTES: u32 = 65_535;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(crate) const PADDED: u8 = 0x8;
pub(crate) const PRIORITY: u8 = 0x20;

/// RFC 9113, section 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Data,
    Headers,
    Priority,
    RstStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// To be ignored.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: &'a [u8],
}

/// Why there is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadFrame {
    /// Its payload is longer than agreed.
    TooLong,
    /// Its padding is as long as its payload, or longer.
    Padding,
    /// Its payload ends before its fixed fields.
    TooShort,
}

impl Kind {
    fn of(byte: u8) -> Kind {
        const KINDS: [Kind; 10] = [
            Kind::Data,
            Kind::Headers,
            Kind::Priority,
            Kind::RstStream,
            Kind::Settings,
            Kind::PushPromise,
            Kind::Ping,
            Kind::GoAway,
            Kind::WindowUpdate,
            Kind::Continuation,
        ];
        KINDS.get(usize::from(byte)).copied().unwrap_or(Kind::Other)
    }
}

impl<'a> Frame<'a> {
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload without padding.
    pub(crate) fn unpadded(&self) -> Result<&'a [u8], BadFrame> {
        if !self.has(PADDED) {
            return Ok(self.payload);
        }
        let (padding, rest) = self.payload.split_first().ok_or(BadFrame::TooShort)?;
        let end = rest.len().checked_sub(usize::from(*padding)).ok_or(BadFrame::Padding)?;
        Ok(&rest[..end])
    }

    /// Of a HEADERS frame: its part of the header block, and the stream that it depends on.
    pub(crate) fn fragment(&self) -> Result<(&'a [u8], Option<u32>), BadFrame> {
        let payload = self.unpadded()?;
        if !self.has(PRIORITY) {
            return Ok((payload, None));
        }
        let (priority, rest) = payload.split_at_checked(5).ok_or(BadFrame::TooShort)?;
        Ok((rest, Some(stream(priority))))
    }
}

/// Puts frames together.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// A frame of which only a part has arrived, or the one that has just been given out.
    stash: Vec<u8>,
    is_given: bool,
}

impl Reader {
    /// Takes the next frame from the input; `None`: all is taken, and more is needed.
    #[inline]
    pub(crate) fn next<'f, 's: 'f, 'i: 'f>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Frame<'f>>, BadFrame> {
        if self.stash.is_empty()
            && let Some(header) = input.first_chunk::<HEADER_BYTES>()
        {
            let length = length(header)?;
            if let Some((whole, rest)) = input.split_at_checked(HEADER_BYTES + length) {
                *input = rest;
                return Ok(Some(frame(header, &whole[HEADER_BYTES..])));
            }
        }
        self.piece_together(input)
    }

    /// Whether a part of a frame has arrived.
    pub(crate) fn is_within_frame(&self) -> bool {
        !self.stash.is_empty() && !self.is_given
    }

    /// Forgets what has arrived.
    pub(crate) fn reset(&mut self) {
        self.stash = Vec::new();
        self.is_given = false;
    }

    #[cold]
    fn piece_together<'f, 's: 'f, 'i: 'f>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Frame<'f>>, BadFrame> {
        if std::mem::take(&mut self.is_given) {
            self.stash.clear();
            if !input.is_empty() {
                return self.next(input);
            }
            return Ok(None);
        }
        self.take(input, HEADER_BYTES);
        let Some(header) = self.stash.first_chunk::<HEADER_BYTES>().copied() else {
            return Ok(None);
        };
        let wanted = HEADER_BYTES + length(&header)?;
        self.take(input, wanted);
        if self.stash.len() < wanted {
            return Ok(None);
        }
        self.is_given = true;
        Ok(Some(frame(&header, &self.stash[HEADER_BYTES..])))
    }

    /// Moves bytes from the input until so many are here.
    fn take(&mut self, input: &mut &[u8], bytes: usize) {
        let count = bytes.saturating_sub(self.stash.len()).min(input.len());
        let (taken, rest) = input.split_at(count);
        self.stash.extend_from_slice(taken);
        *input = rest;
    }
}

#[inline]
fn length(header: &[u8; HEADER_BYTES]) -> Result<usize, BadFrame> {
    let [high, middle, low, ..] = *header;
    let length = u32::from_be_bytes([0, high, middle, low]) as usize;
    if length > PAYLOAD_MAX_BYTES { Err(BadFrame::TooLong) } else { Ok(length) }
}

#[inline]
fn frame<'a>(header: &[u8; HEADER_BYTES], payload: &'a [u8]) -> Frame<'a> {
    let [_, _, _, kind, flags, ..] = *header;
    Frame { kind: Kind::of(kind), flags, stream: stream(&header[5..]), payload }
}

/// The number of a stream, without the bit that is reserved.
pub(crate) fn stream(bytes: &[u8]) -> u32 {
    big_endian(bytes) & 0x7fff_ffff
}

/// The number in the first four bytes; 0 where there are fewer.
pub(crate) fn big_endian(bytes: &[u8]) -> u32 {
    bytes.first_chunk().copied().map_or(0, u32::from_be_bytes)
}

/// Appends a frame's header.
pub(crate) fn header(length: usize, kind: Kind, flags: u8, stream: u32, out: &mut Vec<u8>) {
    let [_, high, middle, low] = u32::try_from(length).unwrap_or_default().to_be_bytes();
    out.extend_from_slice(&[high, middle, low, kind as u8, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
}

/// Appends a whole frame.
pub(crate) fn write(kind: Kind, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    header(payload.len(), kind, flags, stream, out);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, flags, stream and payload of every frame.
    type Seen = Vec<(Kind, u8, u32, Vec<u8>)>;

    fn read(pieces: &[&[u8]]) -> (Seen, bool) {
        let (mut reader, mut seen) = (Reader::default(), Vec::new());
        for piece in pieces {
            let mut input = *piece;
            while let Some(frame) = reader.next(&mut input).unwrap() {
                seen.push((frame.kind, frame.flags, frame.stream, frame.payload.to_vec()));
            }
            assert!(input.is_empty());
        }
        (seen, reader.is_within_frame())
    }

    #[test]
    fn every_kind_is_read_at_every_split() {
        let (mut bytes, mut wanted) = (Vec::new(), Vec::new());
        for (number, byte) in (0_u8..=11).enumerate() {
            let payload = vec![byte; number * 3 % 7];
            let stream = u32::try_from(number).unwrap() << 24 | 5;
            header(payload.len(), Kind::of(byte), byte, stream, &mut bytes);
            let at = bytes.len() - 6;
            bytes[at] = byte;
            bytes.extend_from_slice(&payload);
            wanted.push((Kind::of(byte), byte, stream, payload));
        }
        assert_eq!(wanted[10].0, Kind::Other);
        for first in 0..=bytes.len() {
            for second in [first, first + 1, first + 9, bytes.len()] {
                let second = second.min(bytes.len());
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(&pieces), (wanted.clone(), false), "cut at {first}, {second}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single).0, wanted);
        assert!(read(&[&bytes[..bytes.len() - 1]]).1, "within the last frame");
    }

    #[test]
    fn the_reserved_bit_is_ignored_and_too_long_is_refused() {
        assert_eq!(stream(&[0x80, 0, 0, 1]), 1);
        for cut in 0..=HEADER_BYTES {
            let mut bytes = Vec::new();
            header(PAYLOAD_MAX_BYTES + 1, Kind::Data, 0, 1, &mut bytes);
            let mut reader = Reader::default();
            let (mut first, mut second) = bytes.split_at(cut);
            let read = match reader.next(&mut first) {
                Ok(_) => reader.next(&mut second).map(|_| ()),
                Err(error) => Err(error),
            };
            assert_eq!(read, Err(BadFrame::TooLong));
        }
    }

    #[test]
    fn padding_and_priority_are_taken_off() {
        let frame = |flags, payload| Frame { kind: Kind::Headers, flags, stream: 1, payload };
        assert_eq!(frame(0, b"\x02abcd").unpadded(), Ok(&b"\x02abcd"[..]));
        assert_eq!(frame(PADDED, b"\x02abcd").unpadded(), Ok(&b"ab"[..]));
        assert_eq!(frame(PADDED, b"\x04abcd").unpadded(), Ok(&b""[..]));
        assert_eq!(frame(PADDED, b"\x05abcd").unpadded(), Err(BadFrame::Padding));
        assert_eq!(frame(PADDED, b"").unpadded(), Err(BadFrame::TooShort));
        let both = frame(PADDED | PRIORITY, b"\x01\x80\x00\x00\x03\x10ab");
        assert_eq!(both.fragment(), Ok((&b"a"[..], Some(3))));
        assert_eq!(frame(PRIORITY, b"\0\0\0\0").fragment(), Err(BadFrame::TooShort));
        assert_eq!(frame(0, b"ab").fragment(), Ok((&b"ab"[..], None)));
    }
}
