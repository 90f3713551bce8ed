//! The fields that an index stands for: those that every connection knows, and those that came on
//! this one (RFC 7541, section 2.3).

use std::collections::VecDeque;

pub(super) type Field<'a> = (&'a [u8], &'a [u8]);

/// RFC 7541, appendix A; the first has index 1.
#[rustfmt::skip]
pub(super) const STATIC: [Field<'static>; 61] = [
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
];

/// The size that both sides begin with.
pub(crate) const DEFAULT_BYTES: usize = 4096;
/// What a field counts for beside its name and value (RFC 7541, section 4.1; RFC 9113, section 6.5.2).
const OVERHEAD_BYTES: usize = 32;

/// What a field counts for.
pub(crate) fn size(name: &[u8], value: &[u8]) -> usize {
    name.len() + value.len() + OVERHEAD_BYTES
}

/// A name and a value.
type Kept = (Box<[u8]>, Box<[u8]>);

/// The table of the fields that came, the latest first.
#[derive(Debug)]
pub(super) struct DynamicTable {
    fields: VecDeque<Kept>,
    size_bytes: usize,
    max_bytes: usize,
}

impl DynamicTable {
    pub(super) fn new() -> DynamicTable {
        DynamicTable { fields: VecDeque::new(), size_bytes: 0, max_bytes: DEFAULT_BYTES }
    }

    /// The field of that index, static ones included.
    pub(super) fn field(&self, index: usize) -> Option<Field<'_>> {
        let index = index.checked_sub(1)?;
        if let Some(field) = STATIC.get(index) {
            return Some(*field);
        }
        let (name, value) = self.fields.get(index - STATIC.len())?;
        Some((name, value))
    }

    /// Makes room by dropping the oldest; a field larger than the table empties it.
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) {
        let size = size(name, value);
        self.shrink(self.max_bytes.saturating_sub(size));
        if size <= self.max_bytes {
            self.size_bytes += size;
            self.fields.push_front((name.into(), value.into()));
        }
    }

    pub(super) fn limit(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
        self.shrink(max_bytes);
    }

    fn shrink(&mut self, bytes: usize) {
        while self.size_bytes > bytes
            && let Some((name, value)) = self.fields.pop_back()
        {
            self.size_bytes -= size(&name, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_field_has_the_lowest_index_and_the_oldest_goes() {
        let mut table = DynamicTable::new();
        assert_eq!(table.field(0), None);
        assert_eq!(table.field(2), Some((&b":method"[..], &b"GET"[..])));
        assert_eq!(table.field(61), Some((&b"www-authenticate"[..], &b""[..])));
        assert_eq!(table.field(62), None);
        table.insert(b"a", b"1");
        table.insert(b"b", b"2");
        assert_eq!(table.field(62), Some((&b"b"[..], &b"2"[..])));
        assert_eq!(table.field(63), Some((&b"a"[..], &b"1"[..])));
        table.limit(size(b"a", b"1") * 2 - 1);
        assert_eq!(table.field(63), None, "there is room for one");
        table.insert(b"c", b"3");
        assert_eq!(table.field(62), Some((&b"c"[..], &b"3"[..])));
        table.insert(b"c", &[b'x'; 64]);
        assert_eq!(table.field(62), None, "what is too large empties the table");
    }
}
