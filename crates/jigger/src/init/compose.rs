//! The services of a docker-compose file.

use std::path::Path;

use saphyr::{LoadableYamlNode as _, Yaml};

/// What runs from an image that the project does not build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeService {
    pub name: String,
    pub image: String,
    pub environment: Vec<(String, String)>,
    /// The port on which it listens within the container.
    pub port: Option<u16>,
}

const FILES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// The ports on which images listen that are often used.
const USUAL: [(&str, u16); 9] = [
    ("postgres", 5432),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("redis", 6379),
    ("valkey", 6379),
    ("mongo", 27017),
    ("memcached", 11211),
    ("rabbitmq", 5672),
    ("nats", 4222),
];

/// The first of the folder's compose files, and its services; none where there is none that can be
/// read.
pub fn services(folder: &Path) -> Option<(&'static str, Vec<ComposeService>)> {
    let (file, text) = FILES
        .iter()
        .find_map(|file| Some((*file, std::fs::read_to_string(folder.join(file)).ok()?)))?;
    Some((file, of_text(&text)))
}

fn of_text(text: &str) -> Vec<ComposeService> {
    let documents = Yaml::load_from_str(text).unwrap_or_default();
    let services = documents.first().and_then(|document| document.as_mapping_get("services"));
    let services = services.and_then(Yaml::as_mapping).into_iter().flatten();
    services.filter_map(|(name, service)| of_service(name.as_str()?, service)).collect()
}

fn of_service(name: &str, service: &Yaml<'_>) -> Option<ComposeService> {
    let is_built = service.as_mapping_get("build").is_some();
    let image = filled(service.as_mapping_get("image").filter(|_| !is_built)?.as_str()?);
    let ports = service.as_mapping_get("ports").or_else(|| service.as_mapping_get("expose"));
    let first = ports.and_then(|ports| port(ports.as_sequence()?.first()?));
    let usual = USUAL
        .iter()
        .find(|(usual, _)| image.rsplit('/').next().is_some_and(|last| last.starts_with(usual)));
    let environment = service.as_mapping_get("environment").map(environment);
    Some(ComposeService {
        name: name.to_owned(),
        environment: environment.unwrap_or_default(),
        port: first.or_else(|| usual.map(|(_, port)| *port)),
        image,
    })
}

/// `5432:5432`, `127.0.0.1:5432:5432/tcp`, `5432`, or `target: 5432`.
fn port(port: &Yaml<'_>) -> Option<u16> {
    if let Some(number) = port.as_integer().or_else(|| port.as_mapping_get("target")?.as_integer())
    {
        return u16::try_from(number).ok();
    }
    port.as_str()?.split('/').next()?.rsplit(':').next()?.parse().ok()
}

/// A mapping, or a list of `NAME=VALUE`.
fn environment(environment: &Yaml<'_>) -> Vec<(String, String)> {
    let named = environment.as_mapping().into_iter().flatten();
    let named = named.filter_map(|(name, value)| Some((name.as_str()?, text(value)?)));
    let named = named.map(|(name, value)| (name.to_owned(), filled(&value)));
    let listed = environment.as_sequence().into_iter().flatten().filter_map(Yaml::as_str);
    let listed = listed.filter_map(|line| line.split_once('='));
    named.chain(listed.map(|(name, value)| (name.to_owned(), filled(value)))).collect()
}

fn text(value: &Yaml<'_>) -> Option<String> {
    let number = value.as_integer().map(|number| number.to_string());
    let truth = || value.as_bool().map(|truth| truth.to_string());
    value.as_str().map(str::to_owned).or(number).or_else(truth)
}

/// Compose's `${NAME:-default}` as jigger writes it.
fn filled(text: &str) -> String {
    text.replace("${", "{env:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_services_and_builds_are_not() {
        let text = "services:\n  db:\n    image: postgres:${TAG:-17}\n    environment:\n      \
                    POSTGRES_PASSWORD: secret\n      N: 1\n  cache:\n    image: docker.io/library/redis\n    \
                    environment: [\"A=b=c\"]\n    ports: [\"127.0.0.1:7000:7001/tcp\"]\n  api:\n    \
                    build: .\n    image: api\n  other:\n    image: x\n    expose: [80]\n";
        let found = of_text(text);
        let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.port)).collect();
        assert_eq!(names, [("db", Some(5432)), ("cache", Some(7001)), ("other", Some(80))]);
        assert_eq!(found[0].image, "postgres:{env:TAG:-17}");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(found[0].environment, [pair("POSTGRES_PASSWORD", "secret"), pair("N", "1")]);
        assert_eq!(found[1].environment, [pair("A", "b=c")]);
    }

    #[test]
    fn what_is_no_compose_file_has_no_services() {
        for text in ["", "a: [", "services: 1", "services:\n  db: 1", "- services", "\u{0}"] {
            assert_eq!(of_text(text), [], "{text}");
        }
    }
}
