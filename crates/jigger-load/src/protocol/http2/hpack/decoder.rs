//! Header blocks to fields (RFC 7541, sections 3 and 6).

use super::table::{DEFAULT_BYTES, DynamicTable};
use super::{HpackError, huffman};

/// Numbers beyond this are refused; no length or index that makes sense comes near.
const NUMBER_MAX: usize = 1 << 24;

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Decoder {
    table: DynamicTable,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder { table: DynamicTable::new(), name: Vec::new(), value: Vec::new() }
    }
}

impl Decoder {
    /// Calls `field` with each name and value; whether the table is another one afterwards, so that
    /// the same bytes may mean something else.
    pub(crate) fn decode(
        &mut self,
        block: &[u8],
        mut field: impl FnMut(&[u8], &[u8]),
    ) -> Result<bool, HpackError> {
        let (mut input, mut changed, mut has_field) = (block, false, false);
        while let Some(&first) = input.first() {
            match first {
                0x80.. => {
                    let index = number(&mut input, 7)?;
                    let (name, value) = self.field(index)?;
                    field(name, value);
                }
                0x40.. => {
                    self.literal(&mut input, 6)?;
                    field(&self.name, &self.value);
                    self.table.insert(&self.name, &self.value);
                    changed = true;
                }
                0x20.. if has_field => return Err(HpackError::TableSize),
                0x20.. => {
                    self.resize(number(&mut input, 5)?)?;
                    changed = true;
                    continue;
                }
                _ => {
                    self.literal(&mut input, 4)?;
                    field(&self.name, &self.value);
                }
            }
            has_field = true;
        }
        Ok(changed)
    }

    fn field(&self, index: usize) -> Result<(&[u8], &[u8]), HpackError> {
        self.table.field(index).ok_or(HpackError::Index(index))
    }

    /// Only up to the size that our settings allow, which is the default.
    fn resize(&mut self, bytes: usize) -> Result<(), HpackError> {
        if bytes > DEFAULT_BYTES {
            return Err(HpackError::TableSize);
        }
        self.table.limit(bytes);
        Ok(())
    }

    fn literal(&mut self, input: &mut &[u8], prefix_bits: u32) -> Result<(), HpackError> {
        self.name.clear();
        self.value.clear();
        match number(input, prefix_bits)? {
            0 => string(input, &mut self.name)?,
            index => {
                let (name, _) = self.table.field(index).ok_or(HpackError::Index(index))?;
                self.name.extend_from_slice(name);
            }
        }
        string(input, &mut self.value)
    }
}

/// A number whose first byte has so many bits of it (RFC 7541, section 5.1).
fn number(input: &mut &[u8], prefix_bits: u32) -> Result<usize, HpackError> {
    let mask = (1_usize << prefix_bits) - 1;
    let mut value = usize::from(byte(input)?) & mask;
    if value < mask {
        return Ok(value);
    }
    for shift in (0..).step_by(7) {
        let byte = usize::from(byte(input)?);
        value += (byte & 0x7f).checked_shl(shift).unwrap_or(NUMBER_MAX + 1);
        if value > NUMBER_MAX || shift > 28 {
            return Err(HpackError::Number);
        }
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(value)
}

fn string(input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), HpackError> {
    let is_huffman = input.first().is_some_and(|byte| byte & 0x80 != 0);
    let length = number(input, 7)?;
    let (string, rest) = input.split_at_checked(length).ok_or(HpackError::Truncated)?;
    *input = rest;
    if is_huffman {
        return huffman::decode(string, out);
    }
    out.extend_from_slice(string);
    Ok(())
}

fn byte(input: &mut &[u8]) -> Result<u8, HpackError> {
    let (first, rest) = input.split_first().ok_or(HpackError::Truncated)?;
    *input = rest;
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hexadecimal digits to bytes, blanks aside.
    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<char> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
        let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    fn decode(decoder: &mut Decoder, hex: &str) -> Result<String, HpackError> {
        let mut text = String::new();
        decoder.decode(&bytes(hex), |name, value| {
            let [name, value] = [name, value].map(String::from_utf8_lossy);
            text.push_str(&format!("{name}={value};"));
        })?;
        Ok(text)
    }

    /// What `text` is to be, and the table afterwards, as `name=value;...`.
    fn check(decoder: &mut Decoder, hex: &str, wanted: &str, table: &str) {
        assert_eq!(decode(decoder, hex).as_deref(), Ok(wanted));
        let mut found = String::new();
        let mut index = 62;
        while let Ok((name, value)) = decoder.field(index) {
            let [name, value] = [name, value].map(String::from_utf8_lossy);
            found.push_str(&format!("{name}={value};"));
            index += 1;
        }
        assert_eq!(found, table);
    }

    /// RFC 7541, appendices C.2.
    #[test]
    fn single_fields_of_the_rfc() {
        let fresh = Decoder::default;
        let custom = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
        check(&mut fresh(), custom, "custom-key=custom-header;", "custom-key=custom-header;");
        let path = "040c 2f73 616d 706c 652f 7061 7468";
        check(&mut fresh(), path, ":path=/sample/path;", "");
        let password = "1008 7061 7373 776f 7264 0673 6563 7265 74";
        check(&mut fresh(), password, "password=secret;", "");
        check(&mut fresh(), "82", ":method=GET;", "");
    }

    const FIRST: &str = ":method=GET;:scheme=http;:path=/;:authority=www.example.com;";
    const SECOND: &str =
        ":method=GET;:scheme=http;:path=/;:authority=www.example.com;cache-control=no-cache;";
    const THIRD: &str = ":method=GET;:scheme=https;:path=/index.html;\
                         :authority=www.example.com;custom-key=custom-value;";

    /// RFC 7541, appendices C.3 (plain) and C.4 (Huffman).
    #[test]
    fn requests_of_the_rfc() {
        let plain = [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ];
        let coded = [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ];
        for [first, second, third] in [plain, coded] {
            let mut decoder = Decoder::default();
            check(&mut decoder, first, FIRST, ":authority=www.example.com;");
            let table = "cache-control=no-cache;:authority=www.example.com;";
            check(&mut decoder, second, SECOND, table);
            let table = "custom-key=custom-value;cache-control=no-cache;\
                         :authority=www.example.com;";
            check(&mut decoder, third, THIRD, table);
        }
    }

    /// RFC 7541, appendices C.5 (plain) and C.6 (Huffman): a table of 256 bytes, so that fields go.
    #[test]
    fn responses_of_the_rfc() {
        let plain = [
            "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 \
             2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 \
             6c65 2e63 6f6d",
            "4803 3330 37c1 c0bf",
            "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d \
             54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 \
             5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e \
             3d31",
        ];
        let coded = [
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 \
             2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
            "4883 640e ffc1 c0bf",
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab \
             77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f \
             9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        ];
        let (at, later) =
            ("date=Mon, 21 Oct 2013 20:13:21 GMT", "date=Mon, 21 Oct 2013 20:13:22 GMT");
        let location = "location=https://www.example.com";
        let cookie = "set-cookie=foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
        for [first, second, third] in [plain, coded] {
            let mut decoder = Decoder::default();
            decoder.table.limit(256);
            let table = format!("{location};{at};cache-control=private;:status=302;");
            let wanted = format!(":status=302;cache-control=private;{at};{location};");
            check(&mut decoder, first, &wanted, &table);
            let table = format!(":status=307;{location};{at};cache-control=private;");
            let wanted = format!(":status=307;cache-control=private;{at};{location};");
            check(&mut decoder, second, &wanted, &table);
            let table = format!("{cookie};content-encoding=gzip;{later};");
            let wanted = format!(
                ":status=200;cache-control=private;{later};{location};content-encoding=gzip;\
                 {cookie};"
            );
            check(&mut decoder, third, &wanted, &table);
        }
    }

    #[test]
    fn the_table_changes_its_size_before_the_first_field_only() {
        let mut decoder = Decoder::default();
        check(&mut decoder, "4001 6101 62", "a=b;", "a=b;");
        check(&mut decoder, "20 3f e1 1f 82", ":method=GET;", "");
        check(&mut decoder, "3f e1 1f 4001 6101 62", "a=b;", "a=b;");
        assert_eq!(decode(&mut decoder, "3f e2 1f"), Err(HpackError::TableSize), "4097");
        assert_eq!(decode(&mut decoder, "82 20"), Err(HpackError::TableSize), "after a field");
    }

    #[test]
    fn whether_the_table_changed_is_told() {
        let mut decoder = Decoder::default();
        let mut changes = |hex: &str| decoder.decode(&bytes(hex), |_, _| {}).unwrap();
        assert!(changes("4001 6101 62"));
        assert!(!changes("be 82 0001 6101 62 1001 6101 62"));
        assert!(changes("20"));
    }

    #[test]
    fn what_is_broken_is_refused() {
        for (hex, wanted) in [
            ("80", HpackError::Index(0)),
            ("be", HpackError::Index(62)),
            ("7f", HpackError::Truncated),
            ("ff80 8080 8080 8080 8001", HpackError::Number),
            ("ffff ffff ff7f", HpackError::Number),
            ("0001 6105 62", HpackError::Truncated),
            ("00", HpackError::Truncated),
            ("0001 61", HpackError::Truncated),
            ("0001 6181 00", HpackError::Huffman),
            ("7fff ff00 00", HpackError::Index(16446)),
        ] {
            assert_eq!(decode(&mut Decoder::default(), hex), Err(wanted), "{hex}");
        }
    }
}
