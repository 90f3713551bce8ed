//! `[[service]]`: what contenders need beside them, such as a database, and how it is read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jigger_load::Url;

use super::fault::{Checked, Fault, at, distinct, duration, plain_name, refused, unknown};
use super::raw::{RawCommand, RawImage, RawService, RawServiceImage};
use super::{ImageRecipe, ImageStart, Placeholders, command, image};

/// A program that runs beside the contenders which use it.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Unique within the suite.
    pub name: String,
    /// All services that it needs itself, those that others need first.
    pub uses: Vec<String>,
    pub needs: Vec<String>,
    /// Folders besides PATH in which its programs may be; `*` stands for any name.
    pub path: Vec<String>,
    pub user: Option<RunAs>,
    pub start: ServiceStart,
    /// Commands before it is started; argument lists, as are those below.
    pub setup: Vec<Vec<String>>,
    pub ready: Ready,
    /// Commands once it is ready.
    pub populate: Vec<Vec<String>>,
    /// The command whose first line is its version.
    pub version: Option<Vec<String>>,
    /// Environment added to that of all its commands.
    pub environment: Vec<(String, String)>,
    /// Its port; `None` for a free one.
    pub port: Option<u16>,
    pub scope: Scope,
    /// Whether it has cores of its own where there are enough.
    pub wants_own_cpus: bool,
    /// Time allowed for each command of `setup` and `populate`.
    pub setup_limit: Duration,
    /// Time allowed from its start until it is ready.
    pub start_limit: Duration,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
}

/// The user that a process of the host runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAs {
    pub name: String,
    /// Whether a jigger that is not root runs it as its own user; otherwise it is refused.
    pub only_if_root: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ServiceStart {
    Command(Vec<String>),
    /// In a container of this image.
    Image {
        reference: String,
        start: ImageStart,
    },
}

/// What tells that a service can be used.
#[derive(Debug, Clone, PartialEq)]
pub enum Ready {
    /// It accepts connections at its port.
    Tcp,
    /// A GET of this URL has a response with a status below 400.
    Http(String),
    /// This command ends with 0.
    Command(Vec<String>),
}

/// How long one start of a service serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Run,
    Visit,
}

/// The services of a suite, each after those that it uses.
pub fn validated(raw: Vec<RawService>) -> Checked<Vec<Service>> {
    let services = raw.into_iter().map(service).collect::<Checked<Vec<_>>>()?;
    distinct("service", services.iter().map(|service| service.name.as_str()))?;
    let mut ordered = Vec::new();
    for service in &services {
        add(service, &services, &mut Vec::new(), &mut ordered)?;
    }
    for service in &ordered {
        check_placeholders(service).map_err(at(&place(&service.name)))?;
    }
    Ok(ordered)
}

/// The services of these names and all that they use, in the order of `all`.
pub fn with_used(names: &[String], all: &[Service]) -> Checked<Vec<String>> {
    let known: Vec<&str> = all.iter().map(|service| service.name.as_str()).collect();
    for name in names {
        if !known.contains(&name.as_str()) {
            return refused(format!("uses: {}", unknown("service", name, &known)));
        }
    }
    let is_used = |service: &&Service| {
        let name = &service.name;
        let users = all.iter().filter(|user| names.contains(&user.name));
        names.contains(name) || users.flat_map(|user| &user.uses).any(|used| used == name)
    };
    Ok(all.iter().filter(is_used).map(|service| service.name.clone()).collect())
}

/// `{NAME.port}` and `{NAME.dir}` of each, without braces.
pub fn placeholders(services: &[String]) -> Vec<String> {
    services.iter().flat_map(|name| [format!("{name}.port"), format!("{name}.dir")]).collect()
}

/// `user` or `user_if_root`.
pub fn run_as(user: Option<String>, user_if_root: Option<String>) -> Checked<Option<RunAs>> {
    let (name, only_if_root) = match (user, user_if_root) {
        (None, None) => return Ok(None),
        (Some(name), None) => (name, false),
        (None, Some(name)) => (name, true),
        (Some(_), Some(_)) => return refused("give either user or user_if_root"),
    };
    if name.is_empty() {
        return refused("user is empty; leave it out or name a user of this machine");
    }
    Ok(Some(RunAs { name, only_if_root }))
}

fn place(name: &str) -> String {
    format!("service '{name}'")
}

fn service(raw: RawService) -> Checked<Service> {
    let name = plain_name("service", raw.name.clone())?;
    service_body(raw).map_err(at(&place(&name)))
}

fn service_body(raw: RawService) -> Checked<Service> {
    if raw.port == Some(0) {
        return refused("port must be above zero; leave it out for a free one");
    }
    let start = match (raw.start, raw.image) {
        (Some(start), None) => ServiceStart::Command(command::arguments("start", start)?),
        (None, Some(image)) => image_start(image)?,
        _ => return refused("give either start or image"),
    };
    let user = run_as(raw.user, raw.user_if_root)?;
    if user.is_some() && matches!(start, ServiceStart::Image { .. }) {
        return refused("user is for a start; an image names its own user");
    }
    Ok(Service {
        name: raw.name,
        uses: raw.uses,
        needs: raw.needs,
        path: raw.path,
        user,
        start,
        setup: command::commands("setup", raw.setup)?,
        ready: raw.ready.map_or(Ok(Ready::Tcp), ready)?,
        populate: command::commands("populate", raw.populate)?,
        version: raw.version.map(|it| command::arguments("version", it)).transpose()?,
        environment: raw.env.into_iter().collect(),
        port: raw.port,
        scope: scope(raw.scope.as_deref())?,
        wants_own_cpus: wants_own_cpus(raw.cpus.as_deref())?,
        setup_limit: duration("setup_limit", raw.setup_limit.as_deref().unwrap_or("5m"))?,
        start_limit: duration("start_limit", raw.start_limit.as_deref().unwrap_or("30s"))?,
        grace: duration("grace", raw.grace.as_deref().unwrap_or("5s"))?,
    })
}

fn image_start(raw: RawServiceImage) -> Checked<ServiceStart> {
    let raw = match raw {
        RawServiceImage::Table(raw) => raw,
        RawServiceImage::Reference(reference) => {
            RawImage { reference: Some(reference), ..RawImage::default() }
        }
    };
    match image::recipe(raw)? {
        (ImageRecipe::Reference(reference), start) => Ok(ServiceStart::Image { reference, start }),
        (ImageRecipe::Build(_), _) => refused(
            "image: jigger does not build a service's image; build it first, and give its ref",
        ),
    }
}

fn ready(raw: RawCommand) -> Checked<Ready> {
    match raw {
        RawCommand::Line(word) if word == "tcp" => Ok(Ready::Tcp),
        RawCommand::Line(url) if url.starts_with("http://") => Ok(Ready::Http(url)),
        command => command::arguments("ready", command).map(Ready::Command),
    }
}

fn scope(word: Option<&str>) -> Checked<Scope> {
    match word {
        None | Some("run") => Ok(Scope::Run),
        Some("visit") => Ok(Scope::Visit),
        Some(other) => refused(format!("scope: {}", unknown("scope", other, &["run", "visit"]))),
    }
}

fn wants_own_cpus(word: Option<&str>) -> Checked<bool> {
    match word {
        None | Some("servers") => Ok(false),
        Some("services") => Ok(true),
        Some(other) => {
            refused(format!("cpus: {}", unknown("word", other, &["servers", "services"])))
        }
    }
}

/// Adds a service after all that it uses. `users` are those on the way to it.
fn add<'a>(
    service: &'a Service,
    all: &'a [Service],
    users: &mut Vec<&'a str>,
    ordered: &mut Vec<Service>,
) -> Checked<()> {
    if ordered.iter().any(|known| known.name == service.name) {
        return Ok(());
    }
    let wrong = |fault: Fault| at(&place(&service.name))(fault);
    if users.contains(&service.name.as_str()) {
        let circle: Vec<&str> = users.iter().copied().chain([service.name.as_str()]).collect();
        return Err(wrong(Fault::from(format!(
            "uses: the services use each other in a circle ({}); leave one of them out",
            circle.join(" -> ")
        ))));
    }
    users.push(&service.name);
    for name in &service.uses {
        let used = all.iter().find(|other| other.name == *name);
        let known = || all.iter().map(|other| other.name.as_str()).collect::<Vec<_>>();
        let used = used.ok_or_else(|| format!("uses: {}", unknown("service", name, &known())));
        add(used.map_err(Fault::from).map_err(wrong)?, all, users, ordered)?;
    }
    users.pop();
    let uses = with_used(&service.uses, ordered).map_err(wrong)?;
    check_scope(service, &uses, ordered).map_err(wrong)?;
    ordered.push(Service { uses, ..service.clone() });
    Ok(())
}

/// What lasts for a run cannot stand on what ends with each visit.
fn check_scope(service: &Service, uses: &[String], all: &[Service]) -> Checked<()> {
    let ends = |other: &&Service| other.scope == Scope::Visit && uses.contains(&other.name);
    match all.iter().find(ends).filter(|_| service.scope == Scope::Run) {
        None => Ok(()),
        Some(other) => refused(format!(
            "it lasts for the run and uses '{}', which ends with each visit; write scope = \
             \"visit\" here, or scope = \"run\" there",
            other.name
        )),
    }
}

/// Checks that all placeholders will have a value, and the URL that tells that it is ready.
fn check_placeholders(service: &Service) -> Checked<()> {
    let mut known = vec!["port".to_owned(), "dir".to_owned()];
    known.extend(placeholders(&service.uses));
    let environment = || service.environment.iter().map(|(_, value)| value.clone()).collect();
    let mut texts: Vec<(&str, Vec<String>)> = vec![
        ("setup", service.setup.concat()),
        ("populate", service.populate.concat()),
        ("version", service.version.clone().unwrap_or_default()),
        ("env", environment()),
    ];
    match &service.ready {
        Ready::Tcp => {}
        Ready::Http(url) => {
            let filled = Placeholders::default().with("port", 1).fill(url);
            if let Some(Err(error)) = filled.ok().map(|filled| Url::parse(&filled)) {
                return refused(format!("ready = '{url}': {error}"));
            }
            texts.push(("ready", vec![url.clone()]));
        }
        Ready::Command(words) => texts.push(("ready", words.clone())),
    }
    let mut inside = known.clone();
    match &service.start {
        ServiceStart::Command(words) => texts.push(("start", words.clone())),
        ServiceStart::Image { start, .. } => {
            inside.push("host".to_owned());
            let env = start.environment.iter().map(|(_, value)| value.clone());
            let texts: Vec<String> = start.arguments.iter().cloned().chain(env).collect();
            check("image", &texts, &inside)?;
        }
    }
    texts.iter().try_for_each(|(key, texts)| check(key, texts, &known))
}

fn check(key: &str, texts: &[String], known: &[String]) -> Checked<()> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    texts.iter().try_for_each(|text| Placeholders::check(key, text, &known))
}

/// The folders that a pattern names, in the order of their names; `*` stands for any one name.
pub fn folders(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from(if pattern.starts_with('/') { "/" } else { "." })];
    for part in Path::new(pattern.trim_start_matches('/')).iter() {
        let below = |folder: PathBuf| match part.to_str() {
            Some("*") => entries(&folder),
            _ => vec![folder.join(part)],
        };
        found = found.into_iter().flat_map(below).collect();
    }
    found.retain(|folder| folder.is_dir());
    found.sort();
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;

    const HEAD: &str = "[suite]\nname = \"s\"\n";
    const REST: &str = "[[contender]]\nname = \"a\"\nurl = \"http://h/\"\nuses = [\"db\"]\n\
         [[scenario]]\nname = \"q\"\nrequests = 1\n";
    const START: &str = "start = \"x -p {port} -d {dir}\"\n";

    fn named(name: &str, lines: &str) -> String {
        format!("[[service]]\nname = \"{name}\"\n{lines}\n")
    }

    fn parse(services: &str) -> Result<Suite, String> {
        let text = format!("{HEAD}{services}{REST}");
        Suite::parse(&text, "s", Path::new("/base")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_service_of_one_line_has_the_defaults() {
        let service = parse(&named("db", START)).unwrap().services.remove(0);
        assert_eq!((service.ready, service.scope), (Ready::Tcp, Scope::Run));
        assert_eq!(service.start_limit, Duration::from_secs(30));
        assert_eq!(service.setup_limit, Duration::from_secs(300));
        assert!(!service.wants_own_cpus && service.user.is_none() && service.port.is_none());
    }

    #[test]
    fn services_stand_after_those_that_they_use_and_so_do_the_contenders() {
        let text = [
            named("db", &format!("{START}uses = [\"pool\"]\n")),
            named("pool", &format!("{START}uses = [\"disk\"]\nenv = {{ D = \"{{disk.dir}}\" }}")),
            named("disk", START),
        ];
        let suite = parse(&text.concat()).unwrap();
        let names: Vec<&str> = suite.services.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["disk", "pool", "db"]);
        assert_eq!(suite.contenders[0].uses, names);
    }

    #[test]
    fn what_tells_that_it_is_ready_has_three_forms() {
        let of = |value: &str| {
            let text = named("db", &format!("{START}ready = {value}"));
            parse(&text).unwrap().services.remove(0).ready
        };
        assert_eq!(of("\"tcp\""), Ready::Tcp);
        let url = "http://127.0.0.1:{port}/up";
        assert_eq!(of(&format!("\"{url}\"")), Ready::Http(url.to_owned()));
        let words = ["ask", "-p", "{port}"].map(str::to_owned).to_vec();
        assert_eq!(of("\"ask -p {port}\""), Ready::Command(words.clone()));
        assert_eq!(of("[\"ask\", \"-p\", \"{port}\"]"), Ready::Command(words));
    }

    #[test]
    fn each_wrong_service_has_its_message() {
        let circle = named("db", &format!("{START}uses = [\"b\"]"))
            + &named("b", &format!("{START}uses = [\"db\"]"));
        let short = named("db", &format!("{START}uses = [\"b\"]"))
            + &named("b", &format!("{START}scope = \"visit\""));
        for (text, wanted) in [
            (named("db", ""), "service 'db': give either start or image"),
            (named("d b", START), "service name 'd b': use letters"),
            (named("db", START).repeat(2), "two services are called 'db'"),
            (named("dbs", START), "contender 'a': uses: unknown service 'db'; did you mean 'dbs'?"),
            (named("db", &format!("{START}uses = [\"bd\"]")), "uses: unknown service 'bd'"),
            (circle, "service 'db': uses: the services use each other in a circle (db -> b -> db)"),
            (short, "service 'db': it lasts for the run and uses 'b', which ends with each visit"),
            (named("db", "start = \"x {prot}\""), "start = 'x'"),
            (named("db", "start = \"x {other.port}\""), "{other.port}"),
            (
                named("db", &format!("{START}ready = \"http://h:{{prot}}/\"")),
                "did you mean 'port'?",
            ),
            (named("db", &format!("{START}ready = \"http:///\"")), "ready = 'http:///'"),
            (named("db", &format!("{START}scope = \"round\"")), "scope: unknown scope 'round'"),
            (named("db", &format!("{START}cpus = \"service\"")), "did you mean 'services'?"),
            (named("db", &format!("{START}port = 0")), "port must be above zero"),
            (
                named("db", &format!("{START}user = \"a\"\nuser_if_root = \"b\"")),
                "give either user or user_if_root",
            ),
            (named("db", "image = \"i\"\nuser = \"u\""), "an image names its own user"),
            (named("db", "image = { build = \"b\" }"), "does not build a service's image"),
            (named("db", &format!("{START}setup = \"a > b\"")), "no shell runs"),
        ] {
            let message = parse(&text).unwrap_err();
            let wanted = wanted.replace("start = 'x'", "start = '{prot}': unknown placeholder");
            assert!(message.contains(&wanted), "{message:?} lacks {wanted:?}");
        }
    }

    #[test]
    fn a_pattern_names_the_folders_that_there_are() {
        let root = tempfile::tempdir().unwrap();
        for version in ["15", "17"] {
            std::fs::create_dir_all(root.path().join(version).join("bin")).unwrap();
        }
        std::fs::create_dir_all(root.path().join("old")).unwrap();
        let found = folders(&format!("{}/*/bin", root.path().display()));
        assert_eq!(found, ["15/bin", "17/bin"].map(|name| root.path().join(name)));
        assert_eq!(folders("/no/such/*"), [] as [PathBuf; 0]);
    }
}
