//! The picture for a post, as a real browser draws it: no text leaves its place, whatever the names.

use std::fs;
use std::path::Path;

use crate::devtools::Browser;
use crate::records::record;
use jigger::analysis::Analysis;
use jigger::record::Record;
use jigger::report::card;
use serde_json::{Value, json};

/// What is true of the picture: its size, texts that leave it, texts and bars that meet.
const FACTS: &str = "(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const texts = all('text'), name = (e) => e.textContent || e.tagName;
  const outside = texts.filter((e) => {
    const b = e.getBBox();
    return b.x < 0 || b.y < 0 || b.x + b.width > 1200 || b.y + b.height > 630;
  });
  const shapes = [...texts, ...all('rect').slice(1)], meeting = [];
  for (const a of texts) for (const b of shapes) {
    if (a === b) continue;
    const p = a.getBBox(), q = b.getBBox();
    const x = Math.min(p.x + p.width, q.x + q.width) - Math.max(p.x, q.x);
    const y = Math.min(p.y + p.height, q.y + q.height) - Math.max(p.y, q.y);
    if (x > 1 && y > 8) meeting.push(name(a) + ' / ' + name(b));
  }
  const size = document.documentElement.getBoundingClientRect();
  return {
    size: [size.width, size.height],
    texts: texts.length,
    outside: outside.map(name),
    meeting,
    smallest: Math.min(...texts.map((e) => parseFloat(getComputedStyle(e).fontSize))),
    cut: texts.filter((e) => e.textContent.endsWith('\u{2026}')).length,
  };
})()";

fn facts(name: &str, card: &str) -> Value {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("card-{name}.svg"));
    fs::write(&file, card).unwrap();
    Browser::open(&file).evaluate(FACTS)
}

/// The record with every name replaced.
fn renamed(mut record: Record, names: [&str; 8]) -> Record {
    let old: Vec<String> = record.contenders.iter().map(|it| it.name.clone()).collect();
    let new = |name: &mut String| {
        if let Some(at) = old.iter().position(|known| known == name) {
            *name = names[at].to_owned();
        }
    };
    record.contenders.iter_mut().for_each(|contender| new(&mut contender.name));
    record.visits.iter_mut().for_each(|visit| new(&mut visit.entry));
    new(&mut record.suite.baseline);
    record
}

#[test]
fn no_text_leaves_its_place() {
    let widest = ["W".repeat(40), "@%".repeat(30), "\u{6771}\u{4eac}".repeat(20)];
    let mut long = renamed(
        record(8, 6),
        [&widest[0], &widest[1], &widest[2], "a", "M<&\"'>M", "\u{1f980}\u{1f980}", "i", "flask"],
    );
    long.suite.name = "WIDE ".repeat(20);
    long.host.processor = "Processor of many words ".repeat(9);
    let unmeasured = {
        let mut record = record(2, 1);
        record.visits.clear();
        record
    };
    for (name, record, cut) in [
        ("two", record(2, 6), 0),
        ("eight", record(8, 6), 1),
        ("long", long, 6),
        ("none", unmeasured, 0),
    ] {
        let facts = facts(name, &card(&Analysis::of(&record)));
        assert_eq!(facts["size"], json!([1200, 630]), "{name}");
        assert_eq!((&facts["outside"], &facts["meeting"]), (&json!([]), &json!([])), "{name}");
        assert!(facts["smallest"].as_f64().unwrap() >= 24.0, "{name}: {facts}");
        assert!(facts["texts"].as_u64().unwrap() >= 4, "{name}: {facts}");
        assert_eq!(facts["cut"], cut, "{name}: {facts}");
    }
}

#[test]
fn what_is_wrong_would_be_found() {
    let whole = card(&Analysis::of(&record(8, 6)));
    let wide = whole.replace("font-size=\"48\"", "font-size=\"900\"");
    assert_ne!(facts("wide", &wide)["outside"], json!([]));
    let near = whole.replace(">1 axum</text>", ">1 axum with a name that goes far beyond</text>");
    assert_ne!(facts("near", &near)["meeting"], json!([]));
}
