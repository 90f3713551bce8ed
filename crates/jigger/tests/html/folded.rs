//! A link from the glance into a folded part unfolds it, without a script of the page's.

use std::fs;
use std::path::Path;

use crate::devtools::Browser;
use crate::records::troubled_page;

/// Follows the first link of the caveats, and says whether what it leads to was and is visible.
const FOLLOW: &str = "(async () => {
  const link = document.querySelector('#glance .numbered a');
  const target = document.getElementById(link.hash.slice(1));
  const before = target.checkVisibility();
  link.click();
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  return [before, target.checkVisibility(), document.querySelectorAll('details[open]').length];
})()";

#[test]
fn a_link_to_a_caveat_unfolds_the_list() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("folded.html");
    fs::write(&file, troubled_page()).unwrap();
    let facts = Browser::open(&file).evaluate(FOLLOW);
    assert_eq!(facts, serde_json::json!([false, true, 1]));
}
