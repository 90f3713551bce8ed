//! axe-core looks for what keeps people from reading the HTML report, in a real browser.

use std::fs;
use std::path::{Path, PathBuf};

use crate::chromium::browse;
use crate::records::troubled_page;
use serde_json::Value;

/// Runs every rule over the whole page, with all that is folded unfolded.
const RUN: &str = "<script>
document.querySelectorAll('details').forEach((part) => { part.open = true; });
axe.run(document).then((result) => {
  const found = document.createElement('pre');
  found.id = 'axe';
  found.textContent = JSON.stringify({
    rules: result.passes.length,
    violations: result.violations.map((v) => v.id + ': ' + v.help + ': '
      + v.nodes.map((n) => n.html).join(' ')),
  });
  document.body.append(found);
});
</script>";

fn axe_core() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.jigger/axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    assert!(
        script.exists(),
        "axe-core is not in {}; run `make setup-test`, which installs it from npm",
        folder.display()
    );
    script.canonicalize().unwrap()
}

/// What axe-core says of a page: how many rules held, and what violates one.
fn examined(name: &str, page: &str, dark: bool, width: u32) -> (u64, Vec<String>) {
    // The page's policy forbids every script, this one too.
    let policy = page.split("<meta http-equiv=\"Content-Security-Policy\"").nth(1).unwrap();
    let policy = policy.split_once('>').unwrap().0;
    let allowed = page.replace(&format!(" http-equiv=\"Content-Security-Policy\"{policy}"), "");
    let script = format!("<script src=\"file://{}\"></script>{RUN}", axe_core().display());
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("axe-{name}-{width}-{dark}.html"));
    fs::write(&file, allowed.replace("</body>", &format!("{script}</body>"))).unwrap();
    let flags = ["--virtual-time-budget=60000".to_owned(), format!("--window-size={width},2000")];
    let browsed = browse(&file, dark, &flags);
    let found = browsed.dom.split_once("<pre id=\"axe\">");
    let found = found.unwrap_or_else(|| panic!("axe-core did not run: {:?}", browsed.messages)).1;
    let found = found.split_once("</pre>").unwrap().0;
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let found: Value = serde_json::from_str(&found).unwrap();
    let violations = found["violations"].as_array().unwrap();
    let violations = violations.iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    (found["rules"].as_u64().unwrap(), violations)
}

#[test]
fn no_rule_is_violated() {
    let page = troubled_page();
    for (dark, width) in [(false, 1280), (true, 1280), (false, 500)] {
        let (rules, violations) = examined("page", page, dark, width);
        assert!(rules > 20, "{rules} rules held");
        assert_eq!(violations, Vec::<String>::new(), "dark: {dark}, {width} pixels");
    }
}

#[test]
fn what_is_wrong_would_be_found() {
    let spoilt = troubled_page()
        .replace("--muted:#57606a", "--muted:#c5ccd3")
        .replace("<html lang=\"en\">", "<html>");
    let (_, violations) = examined("spoilt", &spoilt, false, 1280);
    for rule in ["color-contrast", "html-has-lang"] {
        assert!(violations.iter().any(|found| found.starts_with(rule)), "{rule}: {violations:?}");
    }
}
