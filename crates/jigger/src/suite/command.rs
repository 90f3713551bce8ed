//! Commands of a suite: split into words as a shell splits them, and held to what runs without one.

use super::fault::{Checked, refused};
use super::raw::{RawBuild, RawCommand};

/// The words of `build` and its like, which may be several commands.
pub fn commands(key: &str, raw: Option<RawBuild>) -> Checked<Vec<Vec<String>>> {
    let commands = match raw {
        None => Vec::new(),
        Some(RawBuild::Line(line)) => vec![RawCommand::Line(line)],
        Some(RawBuild::Commands(commands)) => commands,
    };
    commands.into_iter().map(|command| arguments(key, command)).collect()
}

/// The words of one command.
pub fn arguments(key: &str, raw: RawCommand) -> Checked<Vec<String>> {
    let arguments = match raw {
        RawCommand::Line(line) => words(key, &line)?,
        RawCommand::Arguments(arguments) => arguments,
    };
    let Some(program) = arguments.first() else {
        return refused(format!("{key} is empty; leave it out or name a program"));
    };
    if let Some((name, value)) = assignment(program) {
        return refused(format!(
            "{key} begins with {program}, which only a shell understands, and no shell runs; set \
             the variable in env instead: env = {{ {name} = \"{value}\" }}"
        ));
    }
    Ok(arguments)
}

fn words(key: &str, line: &str) -> Checked<Vec<String>> {
    let words = shell_words::split(line)
        .map_err(|_| format!("{key} = '{line}': a quote is missing at its end"))?;
    if let Some(word) = words.iter().find(|word| is_for_a_shell(word)) {
        return refused(format!(
            "{key} = '{line}': no shell runs, so '{word}' would be passed on literally; {}",
            instead(key)
        ));
    }
    if let Some(variable) = words.iter().find_map(|word| variable(word)) {
        return refused(format!(
            "{key} = '{line}': no shell runs, so ${variable} would be passed on literally; write \
             {{env:{variable}}} for the variable of jigger's environment, or for a shell [\"sh\", \
             \"-c\", \"...\"]"
        ));
    }
    Ok(words)
}

fn instead(key: &str) -> &'static str {
    match key {
        "build" | "clean_build" | "setup" | "populate" | "prepare" | "conclude" => {
            "write several commands as an array, [\"first\", \"second\"], and what needs a shell \
             as [[\"sh\", \"-c\", \"...\"]]"
        }
        "start" => {
            "write [\"sh\", \"-c\", \"...\"] if it needs a shell, with exec before the server"
        }
        _ => "write [\"sh\", \"-c\", \"...\"] if it needs a shell",
    }
}

/// Whether a word joins or redirects commands (POSIX.1-2024, Shell & Utilities, 2.10.2).
fn is_for_a_shell(word: &str) -> bool {
    let joins = ["|", "||", "&", "&&", ";", "|&"].contains(&word) || word.ends_with(';');
    let redirects = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&');
    joins || redirects.starts_with('>') || redirects == "<" || redirects.starts_with("<<")
}

/// The name in `$NAME` or `${NAME}`.
fn variable(word: &str) -> Option<&str> {
    let rest = word.split_once('$')?.1;
    let rest = rest.strip_prefix('{').unwrap_or(rest);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
    (is_name(name)).then_some(name)
}

/// Name and value of `NAME=value`.
fn assignment(word: &str) -> Option<(&str, &str)> {
    word.split_once('=').filter(|(name, _)| is_name(name))
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: &str, text: &str) -> Result<Vec<String>, String> {
        arguments(key, RawCommand::Line(text.to_owned())).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_only_a_shell_understands_is_refused_with_what_to_write() {
        for (text, word) in [
            ("./app | tee log", "'|'"),
            ("cd x && ./app", "'&&'"),
            ("make; ./app", "'make;'"),
            ("./app > log", "'>'"),
            ("./app 2>&1", "'2>&1'"),
            ("./app &>log", "'&>log'"),
            ("./app < in", "'<'"),
            ("./app &", "'&'"),
        ] {
            let message = line("start", text).unwrap_err();
            assert!(message.contains("no shell runs") && message.contains(word), "{message}");
            assert!(message.contains("[\"sh\", \"-c\", \"...\"]"), "{message}");
        }
        assert!(line("build", "a && b").unwrap_err().contains("[\"first\", \"second\"]"));
        let message = line("start", "PORT=1 ./app").unwrap_err();
        assert!(message.contains("env = { PORT = \"1\" }"), "{message}");
        let message = line("start", "./app -p ${PORT}0").unwrap_err();
        assert!(message.contains("{env:PORT}"), "{message}");
    }

    #[test]
    fn what_a_shell_would_pass_on_is_taken() {
        for text in
            ["./app --a=b", "sh -c 'a | b && c > d'", "./app 'a;b'", "./app 5$ $ 1>", "x <a"]
        {
            let taken = line("start", text);
            assert_eq!(taken.is_ok(), text != "./app 5$ $ 1>", "{taken:?}");
        }
        let list = ["sh", "-c", "exec \"$APP\" | x", "|"].map(str::to_owned).to_vec();
        assert_eq!(arguments("start", RawCommand::Arguments(list.clone())), Ok(list));
    }
}
