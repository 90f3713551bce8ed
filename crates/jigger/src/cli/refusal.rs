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
    cli.map_err(|error| to_the_point(error, &command, arguments.get(1)))
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
/// flags that look like it only from far. What helps is a flag that is near, or that it is one of
/// another command.
fn to_the_point(mut error: Error, command: &Command, verb: Option<&OsString>) -> Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let text = |error: &Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let Some(given) = text(&error, ContextKind::InvalidArg) else { return error };
    error.remove(ContextKind::Suggested);
    let name = |text: &str| text.trim_start_matches('-').to_owned();
    let suggested = text(&error, ContextKind::SuggestedArg);
    if suggested.is_some_and(|near| !is_near(&name(&given), &name(&near))) {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Usage);
    }
    if error.get(ContextKind::SuggestedArg).is_none()
        && let Some(tip) = elsewhere(&given, command, verb)
    {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Which other commands have the flag.
fn elsewhere(given: &str, command: &Command, verb: Option<&OsString>) -> Option<String> {
    let has = |command: &&Command| {
        command.get_arguments().any(|arg| {
            let long = arg.get_long().map(|long| format!("--{long}"));
            let short = arg.get_short().map(|short| format!("-{short}"));
            [long, short].iter().flatten().any(|flag| flag == given)
        })
    };
    let others =
        command.get_subcommands().filter(|it| verb.is_none_or(|verb| *verb != *it.get_name()));
    let names: Vec<String> =
        others.filter(has).map(|it| format!("jigger {}", it.get_name())).collect();
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
        let message = refusal("jigger compare a=u b=u -H x:y");
        assert!(!message.contains("as a value"), "{message}");
        assert!(message.contains("'-H' is a flag of jigger load, jigger wrk"), "{message}");
        let message = refusal("jigger load http://h/ --nonsense");
        assert!(!message.contains("similar") && !message.contains("tip"), "{message}");
        let message = refusal("jigger load http://h/ --duratoin 3");
        assert!(message.contains("'--duration'"), "{message}");
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
