//! What the fields of a response's head or trailers say (RFC 9113, section 8).

use super::hpack::field_bytes;

/// More than this in one head is refused.
const FIELDS_MAX_BYTES: usize = 256 << 10;
/// Those of the numbers below 10^18.
const LENGTH_DIGITS_MAX: usize = 18;

/// The head of a response; for trailers the status is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) length: Option<u64>,
}

/// Takes the fields of one head one by one.
#[derive(Debug)]
pub(crate) struct HeadReader {
    head: Head,
    is_trailer: bool,
    has_regular: bool,
    bytes: usize,
    fault: Option<&'static str>,
}

impl HeadReader {
    pub(crate) fn new(is_trailer: bool) -> HeadReader {
        let head = Head::default();
        HeadReader { head, is_trailer, has_regular: false, bytes: 0, fault: None }
    }

    pub(crate) fn field(&mut self, name: &[u8], value: &[u8]) {
        self.bytes += field_bytes(name, value);
        let result = match name.strip_prefix(b":") {
            Some(name) => self.pseudo(name, value),
            None => self.regular(name, value),
        };
        if let Err(fault) = result {
            self.fault.get_or_insert(fault);
        }
    }

    /// What they say together.
    ///
    /// # Errors
    /// Why the response is malformed.
    pub(crate) fn finish(self) -> Result<Head, &'static str> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.bytes > FIELDS_MAX_BYTES => Err("a head has more than 256 KiB of fields"),
            None if self.head.status == 0 && !self.is_trailer => Err("a response has no :status"),
            None => Ok(self.head),
        }
    }

    fn pseudo(&mut self, name: &[u8], value: &[u8]) -> Result<(), &'static str> {
        if self.is_trailer {
            return Err("a pseudo-header field stands in trailers");
        }
        if name != b"status" {
            return Err("a response has a pseudo-header field other than :status");
        }
        if self.has_regular {
            return Err(":status stands behind other fields");
        }
        if self.head.status != 0 {
            return Err("a response has :status twice");
        }
        self.head.status = status(value)?;
        Ok(())
    }

    fn regular(&mut self, name: &[u8], value: &[u8]) -> Result<(), &'static str> {
        self.has_regular = true;
        if name.is_empty() || name.iter().any(|byte| !is_name_byte(*byte)) {
            return Err("a field's name is in upper case or holds what no name may hold");
        }
        if value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            return Err("a field's value holds a line break or a NUL");
        }
        match name {
            b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding"
            | b"upgrade" => Err("a response has a field of HTTP/1.1's connections"),
            b"content-length" if !self.is_trailer => self.length(value),
            _ => Ok(()),
        }
    }

    fn length(&mut self, value: &[u8]) -> Result<(), &'static str> {
        let is_number = !value.is_empty()
            && value.len() <= LENGTH_DIGITS_MAX
            && value.iter().all(u8::is_ascii_digit);
        if !is_number {
            return Err("content-length is not a number");
        }
        let length = value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        if self.head.length.is_some_and(|other| other != length) {
            return Err("content-length is given twice, with different values");
        }
        self.head.length = Some(length);
        Ok(())
    }
}

fn status(value: &[u8]) -> Result<u16, &'static str> {
    match value {
        [b'1', b'0', b'1'] => Err("a response has status 101, which HTTP/2 has not"),
        [first @ b'1'..=b'9', second @ b'0'..=b'9', third @ b'0'..=b'9'] => {
            let digit = |byte: &u8| u16::from(byte - b'0');
            Ok(digit(first) * 100 + digit(second) * 10 + digit(third))
        }
        _ => Err("the :status of a response is not between 100 and 999"),
    }
}

/// RFC 9113, section 8.2.1.
fn is_name_byte(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !byte.is_ascii_uppercase() && byte != b':'
}

/// The last header block read, while the table that it was read by stays as it is: most responses
/// of a server are equal up to a date that changes once a second.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    block: Vec<u8>,
    head: Option<Head>,
}

impl Recall {
    #[inline]
    pub(crate) fn head(&self, block: &[u8]) -> Option<Head> {
        if self.block == block { self.head } else { None }
    }

    pub(crate) fn keep(&mut self, block: &[u8], head: Head) {
        self.block.clear();
        self.block.extend_from_slice(block);
        self.head = Some(head);
    }

    pub(crate) fn forget(&mut self) {
        self.head = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(is_trailer: bool, fields: &[(&str, &str)]) -> Result<Head, &'static str> {
        let mut reader = HeadReader::new(is_trailer);
        fields.iter().for_each(|(name, value)| reader.field(name.as_bytes(), value.as_bytes()));
        reader.finish()
    }

    #[test]
    fn heads_and_trailers() {
        let head = read(false, &[(":status", "204"), ("content-length", "12"), ("a", "b")]);
        assert_eq!(head, Ok(Head { status: 204, length: Some(12) }));
        let twice = [(":status", "200"), ("content-length", "1"), ("content-length", "1")];
        assert_eq!(read(false, &twice), Ok(Head { status: 200, length: Some(1) }));
        let trailers = [("grpc-status", "0"), ("content-length", "x")];
        assert_eq!(read(true, &trailers), Ok(Head::default()));
    }

    #[test]
    fn malformed_heads_are_refused_by_what_is_wrong() {
        const OK: (&str, &str) = (":status", "200");
        let long = "x".repeat(FIELDS_MAX_BYTES);
        let cases: [(&[(&str, &str)], &str); 18] = [
            (&[], "no :status"),
            (&[("a", "b")], "no :status"),
            (&[OK, OK], "twice"),
            (&[("a", "b"), OK], "behind"),
            (&[OK, (":path", "/")], "other than"),
            (&[(":status", "20")], "between 100"),
            (&[(":status", "099")], "between 100"),
            (&[(":status", "+20")], "between 100"),
            (&[(":status", "101")], "101"),
            (&[OK, ("Upper", "b")], "upper case"),
            (&[OK, ("", "b")], "upper case"),
            (&[OK, ("a b", "b")], "upper case"),
            (&[OK, ("a", "b\r\nc: d")], "line break"),
            (&[OK, ("connection", "close")], "connections"),
            (&[OK, ("content-length", "-1")], "not a number"),
            (&[OK, ("content-length", "1234567890123456789")], "not a number"),
            (&[OK, ("content-length", "1"), ("content-length", "2")], "twice, with"),
            (&[OK, ("a", &long)], "256 KiB"),
        ];
        for (fields, part) in cases {
            let fault = read(false, fields).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
        assert!(read(true, &[OK]).unwrap_err().contains("trailers"));
    }

    #[test]
    fn a_block_is_recalled_by_all_of_its_bytes() {
        let mut recall = Recall::default();
        assert_eq!(recall.head(b""), None);
        let head = Head { status: 200, length: None };
        recall.keep(b"abc", head);
        assert_eq!(recall.head(b"abc"), Some(head));
        assert_eq!(recall.head(b"ab"), None);
        recall.forget();
        assert_eq!(recall.head(b"abc"), None);
    }
}
