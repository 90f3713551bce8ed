//! Reads the program's arguments; what clap says of wrong ones, without tips that lead nowhere.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory as _, Error, FromArgMatches as _};

use super::Cli;
use crate::wording::is_near;

/// # Errors
/// What clap found wrong, or the help that was asked for.
pub fn parse(arguments: Vec<OsString>) -> Result<Cli, Error> {
    let mut command = with_numbers(Cli::command());
    let found = command.try_get_matches_from_mut(&arguments);
    let cli = found.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    cli.map_err(|error| to_the_point(error, &mut command, &arguments))
}

/// The same command whose flags take `-5` for a value, which their own messages then refuse.
fn with_numbers(command: Command) -> Command {
    let takes = |arg: Arg| {
        let is_flag_with_value = !arg.is_positional() && arg.get_action().takes_values();
        if is_flag_with_value { arg.allow_negative_numbers(true) } else { arg }
    };
    command.mut_args(takes).mut_subcommands(with_numbers)
}

/// clap offers `-- -H` for a flag that it does not know, which makes the flag a URL or a file, and
/// flags that look like it only from far. What helps is a flag or a command that is near, how a
/// value that begins with a dash is written, or that the flag is one of another command.
fn to_the_point(mut error: Error, command: &mut Command, arguments: &[OsString]) -> Error {
    if let Some(message) = no_command(&error, command, arguments) {
        return command.error(ErrorKind::InvalidSubcommand, message);
    }
    let Some(given) = text(&error, ContextKind::InvalidArg) else { return error };
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    error.remove(ContextKind::Suggested);
    let name = |text: &str| text.trim_start_matches('-').to_owned();
    let suggested = text(&error, ContextKind::SuggestedArg);
    if suggested.is_some_and(|near| !is_near(&name(&given), &name(&near))) {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Usage);
    }
    if error.get(ContextKind::SuggestedArg).is_none()
        && let Some(tip) = tip(&given, command, arguments)
    {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

fn text(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// What to say of a first word that is not a command, where more follows than a suite has with it.
fn no_command(error: &Error, command: &Command, arguments: &[OsString]) -> Option<String> {
    let verb = arguments.get(1)?.to_str().filter(|verb| !verb.starts_with('-'))?;
    let is_wrong =
        [ErrorKind::ArgumentConflict, ErrorKind::UnknownArgument].contains(&error.kind());
    if !is_wrong || command.find_subcommand(verb).is_some() {
        return None;
    }
    match nearest_command(command, verb) {
        Some(near) => Some(format!("'{verb}' is not a command; did you mean '{near}'?")),
        None if error.kind() == ErrorKind::ArgumentConflict => Some(format!(
            "'{verb}' is not a command, and nothing else can follow a suite but flags"
        )),
        None => None,
    }
}

fn nearest_command<'c>(command: &'c Command, verb: &str) -> Option<&'c str> {
    command.get_subcommands().map(Command::get_name).find(|name| is_near(verb, name))
}

/// What to say of a word alone that is neither a command nor a suite.
pub fn no_command_or_suite(word: &str) -> Option<String> {
    let command = Cli::command();
    let near = nearest_command(&command, word)?;
    Some(format!("'{word}' is neither a command nor a suite; did you mean `jigger {near}`?"))
}

fn tip(given: &str, command: &Command, arguments: &[OsString]) -> Option<String> {
    let verb = arguments.get(1)?.to_str()?;
    let known = command.find_subcommand(verb)?;
    let at =
        arguments.iter().position(|word| word.to_str().is_some_and(|it| it.starts_with(given)));
    let before = at.and_then(|at| arguments.get(at - 1)?.to_str());
    let takes_it = |flag: &&str| {
        known.get_arguments().any(|arg| arg.get_action().takes_values() && is_called(arg, flag))
    };
    match before.filter(|flag| flag.starts_with('-')).filter(takes_it) {
        Some(flag) => {
            Some(format!("for a value of {flag} that begins with a dash write {flag}={given}"))
        }
        None => elsewhere(given, command, verb),
    }
}

pub(super) fn is_called(arg: &Arg, flag: &str) -> bool {
    arg.get_long().is_some_and(|long| flag == format!("--{long}"))
        || arg.get_short().is_some_and(|short| flag == format!("-{short}"))
}

/// Which other commands have the flag.
fn elsewhere(given: &str, command: &Command, verb: &str) -> Option<String> {
    let others = command.get_subcommands().filter(|other| other.get_name() != verb);
    let having = others.filter(|it| it.get_arguments().any(|arg| is_called(arg, given)));
    let names: Vec<String> = having.map(|it| format!("jigger {}", it.get_name())).collect();
    (!names.is_empty()).then(|| format!("'{given}' is a flag of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        let arguments = line.split(' ').map(OsString::from).collect();
        parse(arguments).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn tips_lead_somewhere() {
        let message = refusal("jigger compare a=u b=u -n 5");
        assert!(!message.contains("as a value"), "{message}");
        assert!(message.contains("'-n' is a flag of jigger load, jigger timeit"), "{message}");
        let message = refusal("jigger load http://h/ --nonsense");
        assert!(!message.contains("similar") && !message.contains("tip"), "{message}");
        let message = refusal("jigger load http://h/ --duratoin 3");
        assert!(message.contains("'--duration'"), "{message}");
        let message = refusal("jigger load http://h/ -b -x");
        assert!(message.contains("write -b=-x"), "{message}");
        let message = refusal("jigger laod http://h/");
        assert!(message.contains("'laod' is not a command; did you mean 'load'?"), "{message}");
        let message = refusal("jigger a.toml b.toml");
        assert!(message.contains("'a.toml' is not a command, and nothing else"), "{message}");
    }

    #[test]
    fn a_negative_number_is_a_value() {
        let line = ["jigger", "load", "http://h/", "-b", "-5"].map(OsString::from).to_vec();
        let Some(super::super::Command::Load(args)) = parse(line).unwrap().command else {
            panic!("another command")
        };
        assert_eq!(args.asked.body.as_deref(), Some("-5"));
    }

    #[test]
    fn no_flag_is_refused_in_words_of_rust() {
        let mut tried = 0;
        let command = Cli::command();
        for verb in command.get_subcommands() {
            let flags = verb.get_arguments().filter(|arg| arg.get_action().takes_values());
            for flag in flags.filter_map(|flag| flag.get_long()) {
                for wrong in ["-5", "x", "99999999999999999999", "", "nan"] {
                    let line = ["jigger", verb.get_name(), &format!("--{flag}"), wrong];
                    let arguments = line.iter().map(OsString::from).collect();
                    let Err(error) = parse(arguments) else { continue };
                    if error.kind() == ErrorKind::MissingRequiredArgument {
                        continue;
                    }
                    let message = error.to_string();
                    tried += 1;
                    for word in ["digit", "literal", "parse", "integer", "..", "as a value"] {
                        assert!(!message.contains(word), "{line:?}: {message}");
                    }
                }
            }
        }
        assert!(tried > 50, "{tried}");
    }
}
