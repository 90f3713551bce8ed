//! The HTML report on paper, as a real browser lays it out for printing.

use std::fs;
use std::path::Path;

use crate::devtools::Browser;
use crate::records::troubled_page;
use serde_json::{Value, json};

/// A4 within the browser's own margins of a centimetre, in CSS pixels (96 an inch).
const WIDTH: u32 = 718;

/// What is true of the page as it is laid out now.
const FACTS: &str = "(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const root = document.documentElement, name = (e) => e.tagName + '.' + e.className;
  const hasText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && e.getBoundingClientRect().width > 0 && e.getBoundingClientRect().height > 0;
  // Links within the page are of no use on paper, and a chart's name is for who cannot see it.
  const meant = all('body *').filter((e) => hasText(e) && !e.closest('nav, script, style')
    && !['title', 'desc'].includes(e.tagName));
  const outer = all('body *').filter((e) => e.tagName === 'svg' || !e.closest('svg'));
  const clips = (e) => getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth;
  const colours = (e) => ['color', 'backgroundColor', 'borderTopColor', 'fill', 'stroke']
    .map((property) => getComputedStyle(e)[property]);
  return {
    print: matchMedia('print').matches,
    dark: matchMedia('(prefers-color-scheme: dark)').matches,
    texts: meant.length,
    hidden: meant.filter((e) => !seen(e)).map(name),
    width: root.clientWidth,
    wide: outer.filter((e) => e.getBoundingClientRect().right > root.clientWidth + 0.5).map(name),
    clipped: outer.filter(clips).map(name),
    figures: all('figure svg').length,
    narrow: all('figure svg').filter((e) => e.getBoundingClientRect().width < 200).length,
    background: getComputedStyle(document.body).backgroundColor,
    text: getComputedStyle(document.body).color,
    colours: [...new Set(all('body, body *').flatMap(colours))].sort(),
  };
})()";

/// The facts of a page in print, for a reader who has the screen light or dark.
fn printed(name: &str, page: &str, scheme: &str) -> Value {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("print-{name}-{scheme}.html"));
    fs::write(&file, page).unwrap();
    let mut browser = Browser::open(&file);
    let size = json!({ "width": WIDTH, "height": 1_000, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", size);
    let preference = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
    browser.call("Emulation.setEmulatedMedia", json!({ "media": "print", "features": preference }));
    let facts = browser.evaluate(FACTS);
    assert_eq!((&facts["print"], &facts["dark"]), (&true.into(), &(scheme == "dark").into()));
    assert_eq!(facts["width"], WIDTH);
    facts
}

#[test]
fn all_of_it_is_on_the_paper_whatever_the_screen_is_like() {
    let page = troubled_page();
    let light = printed("page", page, "light");
    assert!(light["texts"].as_u64().unwrap() > 300, "{}", light["texts"]);
    assert!(light["figures"].as_u64().unwrap() >= 15, "{}", light["figures"]);
    for found in ["hidden", "wide", "clipped"] {
        assert_eq!(light[found], json!([]), "{found}");
    }
    assert_eq!(light["narrow"], 0);
    assert_eq!((&light["background"], &light["text"]), (&WHITE.into(), &BLACK.into()));
    let dark = printed("page", page, "dark");
    assert_eq!(dark["colours"], light["colours"]);
}

const WHITE: &str = "rgb(255, 255, 255)";
const BLACK: &str = "rgb(0, 0, 0)";

/// The page as it would be without its rules for print.
#[test]
fn what_is_wrong_would_be_found() {
    let spoilt = troubled_page().replace("@media print{", "@media speech{");
    let facts = printed("spoilt", &spoilt, "dark");
    for found in ["hidden", "clipped"] {
        assert_ne!(facts[found], json!([]), "{found}");
    }
    assert_ne!(facts["background"], WHITE);
    let wide =
        troubled_page().replace(".charts{grid-template-columns:1fr 1fr}", ".charts{width:900px}");
    assert_ne!(printed("wide", &wide, "light")["wide"], json!([]));
}
