//! The suite's text, with what a reader may want to change.

use std::fmt::Write as _;

use super::compose::ComposeService;
use super::routes::Route;
use super::{Found, Port, fit};

const HEAD: &str = "\
# What is compared, and how. Every key: docs/suite.md of jigger.
#
#     jigger check FILE     builds, starts and verifies; measures nothing
#     jigger run FILE       measures; --quick for a first look

[suite]
name = NAME
# All others are compared with this one.
baseline = BASELINE
# When it ends; these are the defaults. Many short rounds show more than a few long ones.
# rounds = { max = 20, until_half_width = 0.03, budget = \"5m\" }

# What a correct response is. Check more than the status: a wrong response is often a fast one.
[expect]
status = 200
# json = { message = \"pong\" }    # or text, regex, sha256, length
# headers = { \"Content-Type\" = \"application/json\" }
";

const SCENARIOS: &str = "
# One request after another, each over a new connection.
[[scenario]]
name = \"sequential\"
connection = \"fresh\"
requests = 250

# As many as the server can handle.
[[scenario]]
name = \"saturation\"
connections = 32
duration = \"800ms\"

# The same rate for all, so that response times can be compared; choose one that all can sustain.
# [[scenario]]
# name = \"steady\"
# connections = 32
# rate = 500
# duration = \"800ms\"
";

/// The text of a suite of that name for the servers found, one at least of which can be started.
/// What a compose file has beside them, and their routes, are comments: they need a hand.
pub fn suite_text(
    name: &str,
    file: &str,
    found: &[Found],
    compose: Option<(&str, &[ComposeService])>,
) -> String {
    let baseline = found.iter().find(|server| server.start.is_some());
    let baseline = baseline.map_or("", |server| server.name.as_str());
    let mut text = HEAD
        .replace("FILE", file)
        .replace("NAME", &quoted(name))
        .replace("BASELINE", &quoted(baseline));
    for server in found {
        text.push('\n');
        text.push_str(&contender(server));
    }
    if let Some((file, services)) = compose {
        text.extend(services.iter().map(|it| service(file, it)));
    }
    text.push_str(SCENARIOS);
    text + &routes(found)
}

fn service(file: &str, service: &ComposeService) -> String {
    let variables = service.environment.iter();
    let variables: Vec<String> =
        variables.map(|(name, value)| format!("{} = {}", key(name), quoted(value))).collect();
    let environment = match variables.is_empty() {
        true => String::new(),
        false => format!(", env = {{ {} }}", variables.join(", ")),
    };
    let port = service.port.map_or_else(String::new, |port| format!(", port = {port}"));
    let name = fit(&service.name);
    format!(
        "\n# From {file}. A contender that needs it has uses = [{}], and gets its port as {{{name}.port}}.\n\
         # [[service]]\n# name = {}\n# image = {{ ref = {}{environment}{port} }}\n",
        quoted(&name),
        quoted(&name),
        quoted(&service.image),
    )
}

/// One request for each route, as a mix.
fn routes(found: &[Found]) -> String {
    let mut routes: Vec<&Route> = Vec::new();
    for route in found.iter().flat_map(|server| &server.routes) {
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    if routes.is_empty() {
        return String::new();
    }
    let requests = routes.iter().map(|Route { method, path }| {
        let body =
            if ["POST", "PUT", "PATCH"].contains(&method.as_str()) { ", json = {}" } else { "" };
        format!("#     {{ method = {}, path = {}{body} }},\n", quoted(method), quoted(path))
    });
    format!(
        "\n# The routes found in the sources. Keep those that all servers have, and write values for the\n\
         # parameters (1) and bodies. Remove the path from each `url`: these paths are appended to it.\n\
         # [[scenario]]\n# name = \"routes\"\n# connections = 32\n# duration = \"800ms\"\n\
         # requests_mix = [\n{}# ]\n",
        requests.collect::<String>()
    )
}

/// A name as a key of TOML.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

fn contender(server: &Found) -> String {
    let mut text = format!("# {}.\n", server.what);
    let Some(start) = &server.start else {
        text.push_str(&only_image(server));
        return text;
    };
    let _ = match &server.port {
        Port::Variable(name) => writeln!(text, "# It reads its port from {name}."),
        Port::Argument => Ok(()),
        Port::Fixed(port) => {
            writeln!(text, "# Its sources name the port {port}; no other program may use it.")
        }
        Port::Unknown => writeln!(
            text,
            "# A guess: its sources do not show how it gets its port. If its port is fixed,\n\
             # write that port in `url` and remove `env`."
        ),
    };
    let _ = write!(text, "[[contender]]\nname = {}\n", quoted(&server.name));
    let _ = writeln!(text, "dir = {}", quoted(&server.dir));
    let needs: Vec<String> = server.needs.iter().map(|need| quoted(need)).collect();
    let _ = writeln!(text, "needs = [{}]", needs.join(", "));
    text.push_str(&build(&server.build));
    let _ = writeln!(text, "start = {}", quoted(start));
    if let Some(name) = variable(&server.port) {
        let _ = writeln!(text, "env = {{ {name} = \"{{port}}\" }}");
    }
    let _ = writeln!(text, "url = {}", quoted(&url(server)));
    if server.has_dockerfile {
        text.push_str("# For its size; `jigger run --no-images` leaves it out.\n");
        text.push_str("image = { build = \"{engine} build -t {tag} .\" }\n");
    }
    text
}

fn build(commands: &[String]) -> String {
    match commands {
        [] => String::new(),
        [one] => format!("build = {}\n", quoted(one)),
        many => {
            let lines: Vec<String> =
                many.iter().map(|line| format!("    {},\n", quoted(line))).collect();
            format!("build = [\n{}]\n", lines.concat())
        }
    }
}

fn variable(port: &Port) -> Option<&str> {
    match port {
        Port::Variable(name) => Some(name),
        Port::Unknown => Some("PORT"),
        Port::Argument | Port::Fixed(_) => None,
    }
}

fn url(server: &Found) -> String {
    match server.port {
        Port::Fixed(port) => format!("http://127.0.0.1:{port}{}", server.path),
        _ => format!("http://127.0.0.1:{{port}}{}", server.path),
    }
}

/// What can only be built is written down as a comment, to be completed by hand.
fn only_image(server: &Found) -> String {
    let port = match server.port {
        Port::Fixed(port) => port.to_string(),
        _ => "8080".to_owned(),
    };
    format!(
        "# jigger starts contenders as processes of this machine. Complete this, or start the\n\
         # image yourself and leave `start` out:\n\
         # [[contender]]\n# name = {}\n# dir = {}\n# start = \"...\"\n\
         # url = \"http://127.0.0.1:{port}/\"\n\
         # image = {{ build = \"{{engine}} build -t {{tag}} .\" }}\n",
        quoted(&server.name),
        quoted(&server.dir)
    )
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
