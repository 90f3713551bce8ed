//! The HTML report in a real browser: what is drawn, at two widths, light and dark.
//!
//! The screenshots stay in the target folder's `tmp`, to be looked at.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::chromium::browse;
use crate::records::troubled_page;
use flate2::read::ZlibDecoder;

/// A browser window is 500 pixels wide at least, so the page is put into a frame of the wanted
/// width, as wide as a telephone for one; the frame's owner then tells what it found. The page
/// itself has no script, and its policy would not let one run.
const FRAME: &str =
    "<!doctype html><meta charset=utf-8><meta name=color-scheme content='light dark'>\
<title>frame</title><style>body{margin:0}iframe{border:0;display:block}</style>\
<iframe id=frame width=WIDTH height=HEIGHT srcdoc=\"PAGE\"></iframe>\
<dl id=facts></dl><script>
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const all = (selector) => [...page.querySelectorAll(selector)];
  all('details').forEach((part) => { part.open = true; });
  const wide = all('main *').filter((e) => !e.closest('.scrolling *, svg')
    && e.getBoundingClientRect().right > root.clientWidth + 0.5);
  const outside = all('svg text').filter((t) => {
    const chart = t.ownerSVGElement.getBoundingClientRect(), text = t.getBoundingClientRect();
    return text.left < chart.left - 1 || text.right > chart.right + 1
      || text.top < chart.top - 1 || text.bottom > chart.bottom + 1;
  });
  const row = (t) => t.closest('svg').id + ': ' + t.textContent;
  const texts = all('svg text'), meeting = [];
  for (const a of texts) for (const b of texts) {
    if (a === b || a.ownerSVGElement !== b.ownerSVGElement) continue;
    const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
    const x = Math.min(p.right, q.right) - Math.max(p.left, q.left);
    const y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (x > 1 && y > 4) meeting.push(row(a) + ' / ' + b.textContent);
  }
  const facts = {
    title: page.title,
    width: root.clientWidth,
    scroll: root.scrollWidth,
    height: root.scrollHeight,
    wide: wide.map((e) => e.tagName + '.' + e.className).join(),
    outside: outside.map(row).join(),
    meeting: meeting.join(),
    charts: all('svg').length,
    empty: all('svg').filter((c) => c.getBoundingClientRect().height < 50).length,
    unnamed: all('svg').filter((c) => !c.getAttribute('aria-labelledby').split(' ')
      .every((id) => page.getElementById(id).textContent)).length,
    smallest: Math.min(...texts.map((t) => parseFloat(getComputedStyle(t).fontSize)
      * t.ownerSVGElement.getBoundingClientRect().width / 360)),
    images: all('img').length,
    scripts: all('script').filter((s) => !/^application.(json|gzip)$/.test(s.type)).length,
    record: page.getElementById('record').type,
    background: getComputedStyle(page.body).backgroundColor,
  };
  for (const [name, fact] of Object.entries(facts)) {
    const item = document.createElement('dd');
    item.id = name; item.textContent = fact;
    document.getElementById('facts').append(item);
  }
};
</script>";

/// What a browser made of the page.
struct Seen {
    dom: String,
    messages: Vec<String>,
    screenshot: PathBuf,
}

impl Seen {
    /// What the frame's owner said of that name.
    fn fact(&self, name: &str) -> &str {
        let begin = format!("<dd id=\"{name}\">");
        let found = self.dom.split_once(&begin).and_then(|(_, rest)| rest.split_once("</dd>"));
        found.unwrap_or_else(|| panic!("no {name} in {}", self.dom)).0
    }

    fn number(&self, name: &str) -> f64 {
        self.fact(name).parse().unwrap()
    }
}

/// Renders a page at that width and takes a screenshot.
fn look(page: &str, width: u32, height: u32, dark: bool) -> Seen {
    let scheme = if dark { "dark" } else { "light" };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let screenshot = folder.join(format!("html-{width}-{scheme}.png"));
    let file = folder.join(format!("html-{width}-{scheme}.html"));
    let quoted = page.replace('&', "&amp;").replace('"', "&quot;");
    let frame = FRAME.replace("WIDTH", &width.to_string()).replace("HEIGHT", &height.to_string());
    fs::write(&file, frame.replace("PAGE", &quoted)).unwrap();
    let _ = fs::remove_file(&screenshot);
    let flags = [
        format!("--window-size={},{height}", width.max(500)),
        format!("--screenshot={}", screenshot.display()),
    ];
    let browsed = browse(&file, dark, &flags);
    Seen { dom: browsed.dom, messages: browsed.messages, screenshot }
}

/// The size of a PNG and the colour of its first pixel, red, green and blue.
///
/// Of the first row, whatever its filter, the first pixel is stored as it is (PNG, section 9.2).
fn picture(path: &Path) -> ((u32, u32), [u8; 3]) {
    let bytes = fs::read(path).unwrap();
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(&bytes[1..4], b"PNG");
    let size = (word(16), word(20));
    let (mut at, mut packed) = (8, Vec::new());
    while at + 12 <= bytes.len() {
        let length = word(at) as usize;
        if &bytes[at + 4..at + 8] == b"IDAT" {
            packed.extend_from_slice(&bytes[at + 8..at + 8 + length]);
        }
        at += 12 + length;
    }
    let mut first = [0; 4];
    ZlibDecoder::new(&packed[..]).read_exact(&mut first).unwrap();
    (size, [first[1], first[2], first[3]])
}

fn check(width: u32, dark: bool) {
    const HEIGHT: u32 = 1_600;
    let seen = look(troubled_page(), width, HEIGHT, dark);
    assert_eq!(seen.messages, Vec::<String>::new());
    assert_eq!(seen.fact("title"), "pong: jigger report", "a script of the page has run");
    assert_eq!(seen.fact("scripts"), "0");
    assert_eq!(seen.fact("images"), "0");
    assert_eq!(seen.fact("record"), "application/json");
    assert_eq!(seen.number("width"), f64::from(width));
    assert_eq!(seen.fact("scroll"), seen.fact("width"), "the page scrolls sideways");
    assert_eq!(seen.fact("wide"), "", "these are wider than the page");
    assert_eq!(seen.fact("outside"), "", "these texts leave their chart");
    assert_eq!(seen.fact("meeting"), "", "these texts meet");
    assert!(seen.number("charts") >= 15.0, "{} charts", seen.fact("charts"));
    assert_eq!(seen.fact("empty"), "0");
    assert_eq!(seen.fact("unnamed"), "0");
    assert!(seen.number("smallest") >= 10.0, "text of {} pixels", seen.fact("smallest"));
    let background = if dark { [16, 21, 27] } else { [255, 255, 255] };
    assert_eq!(
        seen.fact("background"),
        format!("rgb({}, {}, {})", background[0], background[1], background[2])
    );
    assert_eq!(picture(&seen.screenshot), ((width.max(500), HEIGHT), background));
}

#[test]
fn on_a_desk_light() {
    check(1280, false);
}

#[test]
fn on_a_desk_dark() {
    check(1280, true);
}

/// Between the two, where tables and charts have the least room for their number.
#[test]
fn on_a_tablet() {
    check(768, false);
}

#[test]
fn on_a_telephone_light() {
    check(390, false);
}

#[test]
fn on_a_telephone_dark() {
    check(390, true);
}
