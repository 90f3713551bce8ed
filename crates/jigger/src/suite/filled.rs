//! Texts of a contender that are filled when it is started: each is checked as far as it is known.

use jigger_load::Url;

use super::fault::{Checked, at, refused};
use super::{Contender, ImageRecipe, Placeholders, Scenario, service};

/// Checks that the URL is one, and that all placeholders will have a value where they stand.
pub fn check(contender: &Contender) -> Checked<()> {
    let is_chosen = super::has_chosen_port(&contender.url);
    for (key, texts, known) in texts(contender, is_chosen) {
        texts.iter().try_for_each(|text| match text.contains("{port}") && !is_chosen {
            true if !key.contains("build") => refused(format!(
                "{key} = '{text}': {{port}} is the free port of the url, which names none; write \
                 url = \"http://127.0.0.1:{{port}}/\""
            )),
            _ if key == "image.build" => Placeholders::check(key, text, known),
            _ => check_text(key, text, known, contender),
        })?;
    }
    check_url(&contender.url)
}

/// Checks what stands in the suite for all contenders: each has to use the services that it names.
pub fn check_shared(
    contenders: &[Contender],
    scenarios: &[Scenario],
    hooks: [(&str, &[Vec<String>]); 2],
) -> Checked<()> {
    let requests = scenarios.iter().flat_map(|scenario| &scenario.requests);
    let commands = requests.filter_map(|(request, _)| request.expectation.command.as_ref());
    let mut texts: Vec<(&str, Vec<String>)> =
        commands.map(|words| ("expect.command", words.clone())).collect();
    texts.extend(hooks.map(|(key, commands)| (key, commands.concat())));
    for contender in contenders {
        let place = format!("contender '{}'", contender.name);
        for (key, texts) in &texts {
            let checked = texts.iter().try_for_each(|text| check_text(key, text, &[], contender));
            checked.map_err(at(&place))?;
        }
    }
    Ok(())
}

/// Checks a text in which these have a value, and the ports and folders of the services that the
/// contender uses.
fn check_text(key: &str, text: &str, known: &[&str], contender: &Contender) -> Checked<()> {
    let of_services = service::placeholders(&contender.uses);
    let known: Vec<&str> =
        known.iter().copied().chain(of_services.iter().map(String::as_str)).collect();
    Placeholders::check(key, text, &known)
}

/// The texts by their keys, and the placeholders that have a value in them beside those of services.
fn texts(
    contender: &Contender,
    is_chosen: bool,
) -> [(&'static str, Vec<String>, &'static [&'static str]); 11] {
    let image = &contender.image_start;
    let (port, inside, started): (&[_], &[_], &[_]) = match is_chosen {
        true => (&["port"], &["port", "host"], &["port", "certificate", "key"]),
        false => (&[], &["host"], &["certificate", "key"]),
    };
    let built = match &contender.image {
        Some(ImageRecipe::Build(command)) => command.clone(),
        _ => Vec::new(),
    };
    let values = |environment: &[(String, String)]| -> Vec<String> {
        environment.iter().map(|(_, value)| value.clone()).collect()
    };
    [
        ("url", vec![contender.url.clone()], port),
        ("start", contender.start.clone().unwrap_or_default(), started),
        ("env", values(&contender.environment), started),
        ("build", contender.build.concat(), &["arch"]),
        ("clean_build", contender.clean_build.concat(), &["arch"]),
        ("image.build", built, &["engine", "tag"]),
        ("image.args", image.arguments.clone(), inside),
        ("image.env", values(&image.environment), inside),
        ("prepare", contender.prepare.concat(), &[]),
        ("conclude", contender.conclude.concat(), &[]),
        ("expect.command", contender.expectation.command.clone().unwrap_or_default(), &[]),
    ]
}

/// Checks the URL as it will be on some port. What the environment puts into it is known later.
fn check_url(url: &str) -> Checked<()> {
    let filled = Placeholders::default().with("port", 1).fill(url);
    match filled.map(|filled| Url::parse(&filled)) {
        Ok(Err(error)) if !url.contains("{env:") => refused(format!("url = '{url}': {error}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::suite::Suite;

    fn fault(url: &str, line: &str) -> String {
        let text = format!(
            "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://{url}\"\n{line}\n\
             [[scenario]]\nname = \"q\"\nrequests = 1\n"
        );
        Suite::parse(&text, "s", Path::new("/")).unwrap_err().to_string()
    }

    #[test]
    fn what_could_not_be_filled_is_found_at_once() {
        let (chosen, fixed) = ("h:{port}/", "h:80/");
        for (url, line, wanted) in [
            (fixed, "start = \"x {port}\"", "the free port of the url, which names none"),
            (chosen, "start = \"x {prot}\"", "unknown placeholder 'prot'; did you mean 'port'?"),
            (chosen, "start = \"x\"\nenv = { P = \"{prot}\" }", "env = '{prot}': unknown"),
            (fixed, "build = \"x {arhc}\"", "did you mean 'arch'?"),
            (fixed, "image = { build = \"b {tga}\" }", "did you mean 'tag'?"),
            (chosen, "start = \"x {db.port}\"", "unknown placeholder 'db.port'"),
            (fixed, "prepare = \"x {port}\"", "the free port of the url, which names none"),
            (fixed, "conclude = [\"x {prot}\"]", "{prot} has no value here"),
            (fixed, "expect = { command = \"x {db.dir}\" }", "{db.dir} has no value here"),
            ("h:{prot}/", "start = \"x\"", "{prot} has no value here; known here: {env:NAME"),
            ("h:99999/", "", "`99999` is not a port"),
            ("a b/", "", "names no valid host"),
        ] {
            let message = fault(url, line);
            assert!(
                message.starts_with("s: contender 'a': ") && message.contains(wanted),
                "{message}"
            );
        }
    }
}
