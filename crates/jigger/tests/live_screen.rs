//! The live screen on a real terminal: a pseudo-terminal, whose other end is read as an emulator
//! would read it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use jigger::live::Screen;
use jigger_load::{Address, NullOptions, NullServer};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

/// A terminal with a program on it.
struct Terminal {
    /// The user's end.
    user: File,
    /// The program's end, kept so that its settings can be asked for.
    program: OwnedFd,
    before: Termios,
    parser: vt100::Parser,
    child: Child,
    /// All that was ever written to it.
    written: Vec<u8>,
}

impl Terminal {
    /// Starts a program whose standard input and error are a terminal, and whose output is not.
    fn with(mut command: Command) -> Self {
        let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        unlockpt(&user).unwrap();
        let path = ptsname(&user, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let program = open(path, flags, Mode::empty()).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&program, size).unwrap();
        let before = tcgetattr(&program).unwrap();
        let end = || Stdio::from(program.try_clone().unwrap());
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        let child = command.stdin(end()).stderr(end()).stdout(Stdio::piped()).spawn().unwrap();
        let parser = vt100::Parser::new(24, 80, 0);
        Self { user: user.into(), program, before, parser, child, written: Vec::new() }
    }

    /// Reads on until what is shown is what is waited for. The screen is drawn again and again, so
    /// that there is always more to read; the load's own end is the limit.
    fn wait_for(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let mut buffer = [0; 4096];
        while !holds(self.parser.screen()) {
            let length = self.user.read(&mut buffer).unwrap();
            assert!(length > 0, "{what} never came: {}", self.parser.screen().contents());
            self.written.extend_from_slice(&buffer[..length]);
            self.parser.process(&buffer[..length]);
            let text = String::from_utf8_lossy(&self.written);
            let gave_back = text.matches("\u{1b}[?1049l").count() > 0 && what.starts_with("live");
            assert!(!gave_back, "it ended before {what}: {}", self.parser.screen().contents());
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.user.write_all(keys).unwrap();
    }

    /// Waits for the program's end, and checks that the terminal is as it was.
    fn end(mut self) -> (Option<i32>, String) {
        self.wait_for("the way back", |screen| !screen.alternate_screen());
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code();
        let after = tcgetattr(&self.program).unwrap();
        assert_eq!(after.local_modes, self.before.local_modes, "echo and lines are back");
        assert_eq!(after.input_modes, self.before.input_modes);
        (code, stdout)
    }
}

fn null_server() -> (NullServer, String) {
    let server = NullServer::start(&NullOptions::default()).unwrap();
    let Address::Tcp(address) = server.address() else { panic!("the default is TCP") };
    let url = format!("http://{address}/");
    (server, url)
}

/// A load that lasts far longer than the test.
fn load(url: &str, more: &[&str]) -> Terminal {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
    command.args(["load", url, "-c", "4", "--rate", "400", "-d", "10m"]).args(more);
    Terminal::with(command)
}

/// Whether every part of the picture has come to life.
fn is_alive(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    let parts =
        ["responses per second", "response times, up to", "status", "200: ", "no errors", "p50 "];
    screen.alternate_screen() && parts.iter().all(|part| text.contains(part)) && text.contains('█')
}

#[test]
fn q_ends_with_the_report() {
    let (_server, url) = null_server();
    let mut terminal = load(&url, &[]);
    terminal.wait_for("live figures", is_alive);
    let text = terminal.parser.screen().contents();
    assert!(text.contains("4 connections, 1 thread, 400 requests/s"), "{text}");
    assert!(text.contains("s left") && text.contains("q: stop and report"), "{text}");
    terminal.press(b"q");
    let (code, stdout) = terminal.end();
    assert_eq!(code, Some(0));
    assert!(stdout.contains("requests in") && stdout.contains("response time: mean"), "{stdout}");
    assert!(!stdout.contains('\u{1b}'), "the report is plain: {stdout:?}");
}

#[test]
fn ctrl_c_ends_with_the_report_and_says_so() {
    let (_server, url) = null_server();
    let mut terminal = load(&url, &["--format", "json"]);
    terminal.wait_for("live figures", is_alive);
    terminal.press(b"\x03");
    let (code, stdout) = terminal.end();
    assert_eq!(code, Some(130));
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert!(report["requests"].as_u64().unwrap() > 0);
}

#[test]
fn without_it_there_is_a_line() {
    let (_server, url) = null_server();
    let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
    command.args(["load", &url, "-d", "500ms", "--no-tui"]);
    let mut terminal = Terminal::with(command);
    terminal.wait_for("the line of progress", |screen| screen.contents().contains(" requests, "));
    assert!(!terminal.parser.screen().alternate_screen());
    let (code, stdout) = terminal.end();
    assert_eq!(code, Some(0));
    assert!(stdout.contains("requests in"), "{stdout}");
}

/// Runs in a process of its own, on the terminal that the test below gives it.
#[test]
#[ignore = "it panics; the next test starts it"]
fn it_panics_on_its_screen() {
    let mut screen = Screen::new().unwrap();
    screen.draw(|_| {}).unwrap();
    panic!("as the test wants it");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "it_panics_on_its_screen", "--ignored", "--nocapture"]);
    let mut terminal = Terminal::with(command);
    let message = |screen: &vt100::Screen| screen.contents().contains("as the test wants it");
    terminal.wait_for("the panic's message", message);
    assert!(!terminal.parser.screen().alternate_screen(), "it stands on the screen that stays");
    assert!(String::from_utf8_lossy(&terminal.written).contains("\u{1b}[?1049h"), "it was taken");
    let (code, _) = terminal.end();
    assert_eq!(code, Some(101));
}

#[test]
fn no_terminal_no_screen() {
    let (_server, url) = null_server();
    let mut command = Command::new(env!("CARGO_BIN_EXE_jigger"));
    command.args(["load", &url, "-n", "10", "--tui"]).stdin(Stdio::null());
    let output = command.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("the live screen needs a terminal; leave it out with --no-tui"));
}
