//! Runs an engine's program: for its answer, or line by line.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// An answer is a few lines; the rest of a longer one is read and dropped.
const ANSWER_MAX_BYTES: u64 = 1 << 20;

/// A line of a build's output longer than this is handed on in pieces.
const LINE_MAX_BYTES: u64 = 8 << 10;

/// What a program answered.
pub(super) struct Answer {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Answer {
    /// The last line of its errors that says something, else how it ended.
    pub(super) fn complaint(&self) -> String {
        let line = self.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
        line.map_or_else(|| format!("it ended with {}", self.status), str::to_owned)
    }
}

/// Runs `command` to its end and gives what it wrote.
///
/// # Errors
/// It cannot be started, or has not ended within `limit`: then it is killed, and the error's kind
/// is [`io::ErrorKind::TimedOut`].
pub(super) fn answer(command: &mut Command, limit: Duration) -> io::Result<Answer> {
    let deadline = Instant::now() + limit;
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdout = read_aside(child.stdout.take());
    let stderr = read_aside(child.stderr.take());
    let output = text_before(&stdout, deadline).zip(text_before(&stderr, deadline));
    let Some((stdout, stderr)) = output else {
        child.kill()?;
        child.wait()?;
        let message = format!("no answer within {} s", limit.as_secs());
        return Err(io::Error::new(io::ErrorKind::TimedOut, message));
    };
    Ok(Answer { status: child.wait()?, stdout, stderr })
}

/// Runs `command` and hands on each line of its output and its errors as it comes.
///
/// Both go through one pipe, so the lines keep the order in which they were written. What is not
/// UTF-8 is replaced; of a line that was drawn over with carriage returns, the last state is kept.
///
/// # Errors
/// It cannot be started, or its output cannot be read.
pub(super) fn stream(
    command: &mut Command,
    on_line: &mut dyn FnMut(&str),
) -> io::Result<ExitStatus> {
    let (reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // The command holds the writing end as well; the pipe ends when only the child's is left.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let lines = hand_on_lines(BufReader::new(reader), on_line);
    let status = child.wait()?;
    lines.map(|()| status)
}

/// Reads a pipe on a thread of its own, so that neither of two pipes fills up.
pub(super) fn read_aside(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // An unreadable pipe is an empty answer; the exit status tells what happened.
            let _ = (&mut pipe).take(ANSWER_MAX_BYTES).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        // The other side is gone when it stopped waiting.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

fn text_before(text: &Receiver<String>, deadline: Instant) -> Option<String> {
    match text.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(text) => Some(text),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(String::new()),
    }
}

fn hand_on_lines(mut output: impl BufRead, on_line: &mut dyn FnMut(&str)) -> io::Result<()> {
    let mut line = Vec::new();
    while (&mut output).take(LINE_MAX_BYTES).read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        on_line(text.rsplit('\r').next().unwrap_or(text));
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(output: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        hand_on_lines(output, &mut |line| lines.push(line.to_owned())).unwrap();
        lines
    }

    #[test]
    fn lines_lose_their_ends_and_what_was_drawn_over() {
        assert_eq!(lines(b"one\ntwo\r\n 10%\r 90%\rdone\nlast"), ["one", "two", "done", "last"]);
        assert_eq!(lines(b"a\xffb\n\n"), ["a\u{fffd}b", ""]);
    }

    #[test]
    fn an_endless_line_comes_in_pieces() {
        let pieces = lines(&[b'x'; 20_000]);
        assert_eq!(pieces.iter().map(String::len).collect::<Vec<_>>(), [8_192, 8_192, 3_616]);
    }

    #[test]
    fn output_and_errors_keep_their_order() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; echo three; exit 3"]);
        let status = stream(&mut command, &mut |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two", "three"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn an_answer_has_both_streams_and_the_complaint() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo fine; printf 'warning\\nbad thing\\n\\n' >&2; exit 1"]);
        let answer = answer(&mut command, Duration::from_secs(30)).unwrap();
        assert_eq!((answer.stdout.as_str(), answer.status.code()), ("fine\n", Some(1)));
        assert_eq!(answer.complaint(), "bad thing");
    }

    #[test]
    fn a_program_that_hangs_is_killed_in_time() {
        let error = answer(Command::new("sleep").arg("600"), Duration::from_millis(50)).err();
        assert_eq!(error.unwrap().kind(), io::ErrorKind::TimedOut);
    }
}
