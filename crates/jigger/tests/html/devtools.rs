//! The browser held by its DevTools protocol, for what its command line cannot do: how a page looks
//! in print.
//!
//! The protocol (<https://chromedevtools.github.io/devtools-protocol/>) goes over two pipes,
//! messages in JSON with a zero byte behind each.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chromium::FLAGS;

/// The browser reads messages from its file 3 and writes them to its file 4.
const PIPES: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null";

/// A browser with one page open.
pub struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// That of the page, once it is open.
    session: Option<Value>,
    calls: u64,
    _profile: TempDir,
}

impl Browser {
    /// Opens a file.
    pub fn open(file: &Path) -> Self {
        let mut browser = Self::start();
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let which = json!({ "targetId": target["targetId"], "flatten": true });
        browser.session = Some(browser.call("Target.attachToTarget", which)["sessionId"].clone());
        browser.call("Page.navigate", json!({ "url": format!("file://{}", file.display()) }));
        browser.evaluate(
            "new Promise((loaded) => document.readyState === 'complete' ? loaded() : \
             addEventListener('load', loaded)).then(() => null)",
        );
        browser
    }

    fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut process = Command::new("sh")
            .args(["-c", PIPES, "chromium"])
            .args(FLAGS)
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let from = BufReader::new(from);
        Self { process, to, from, session: None, calls: 0, _profile: profile }
    }

    /// What a command gives; events that come before its response are passed over.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = session.clone();
        }
        // A browser that is gone gives no response, which says it better.
        let _ = self.to.write_all(format!("{message}\0").as_bytes());
        loop {
            let mut message = Vec::new();
            self.from.read_until(0, &mut message).unwrap();
            let text = message.strip_suffix(b"\0").expect(
                "chromium ended, or is not on PATH: install it (Debian: apt-get install -y \
                 chromium), or run `make setup-test`",
            );
            let mut message: Value = serde_json::from_slice(text).unwrap();
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
        }
    }

    /// The value of an expression in the page, once it is there when it is a promise. The page's
    /// policy does not hold here.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut message = self.call("Runtime.evaluate", parameters);
        assert!(message["exceptionDetails"].is_null(), "{message:#}");
        message["result"]["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
