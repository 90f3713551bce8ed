//! The suite's text, with what a reader may want to change.

use std::fmt::Write as _;

use super::{Found, Port};

const HEAD: &str = "\
# What is compared, and how. Every key: docs/suite.md of jigger.
#
#     jigger check FILE     builds, starts and verifies; measures nothing
#     jigger run FILE       measures; --quick for a first look

[suite]
name = NAME
# The one that the others are divided by.
baseline = BASELINE
# When it ends; these are the defaults. Many short rounds tell more than a few long ones.
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

# The same rate for all, so that response times can be compared; choose one that all can keep.
# [[scenario]]
# name = \"steady\"
# connections = 32
# rate = 500
# duration = \"800ms\"
";

/// The text of a suite of that name for the servers found, one at least of which can be started.
pub fn suite_text(name: &str, file: &str, found: &[Found]) -> String {
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
    text.push_str(SCENARIOS);
    text
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
        Port::Fixed(port) => writeln!(
            text,
            "# Its sources name the port {port}; another program on it would be in the way."
        ),
        Port::Unknown => writeln!(
            text,
            "# A guess: its sources do not show how it gets its port. If it listens on a port of\n\
             # its own, write that in `url` and take out `env`."
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
