//! Raw suite to validated suite: defaults filled in, texts parsed, names checked.

use std::path::{Path, PathBuf};

use super::expectation::ExpectationChange;
use super::fault::{Checked, Fault, at, distinct, duration, plain_name, refused, unknown};
use super::own_request::OwnRequest;
use super::raw::RawContender;
use super::raw::{RawContainers, RawDisturbance, RawExpect, RawHead, RawSuite, RawWarmUp};
use super::scenario::Common;
use super::{ContainerLimits, Contender, Expectation, Network, Protocol};
use super::{
    Rounds, Service, Suite, SuiteError, WarmUp, command, filled, image, matrix, request, scenario,
    service, setup, threshold, tls, together,
};
use crate::disturbance::Limits;

/// Turns what was read into a suite that later stages can rely on.
pub fn validate(
    raw: RawSuite,
    text: &str,
    place: &str,
    folder: &Path,
) -> Result<Suite, SuiteError> {
    checked(raw, text, folder)
        .map_err(|fault| SuiteError::Meaning { suite: place.to_owned(), fault })
}

fn checked(raw: RawSuite, text: &str, folder: &Path) -> Checked<Suite> {
    let mut raw = matrix::expanded(raw, text)?;
    let expectation = expectation(raw.expect.as_ref(), folder).map_err(at("[expect]"))?;
    let default = raw.request.unwrap_or_default();
    if default.weight.is_some() {
        return Err(at("[request]")(request::lone_weight()));
    }
    setup::read(raw.setup_request.clone(), false, folder)?;
    let services = service::validated(raw.service)?;
    let contenders = raw
        .contender
        .into_iter()
        .map(|contender| validated_contender(contender, &expectation, &services, folder))
        .collect::<Checked<Vec<_>>>()?;
    let scenarios = raw
        .scenario
        .into_iter()
        .map(|scenario| {
            let (request, setup) = (&default, &raw.setup_request[..]);
            scenario::validated(scenario, Common { request, setup, folder })
        })
        .collect::<Checked<Vec<_>>>()?;
    together::check(&contenders, &scenarios)?;
    let prepare = command::commands("prepare", raw.suite.prepare.take())?;
    let conclude = command::commands("conclude", raw.suite.conclude.take())?;
    filled::check_shared(
        &contenders,
        &scenarios,
        [("prepare", &prepare), ("conclude", &conclude)],
    )?;
    some_and_distinct("contender", contenders.iter().map(|c| c.name.as_str()))?;
    some_and_distinct("scenario", scenarios.iter().map(|s| s.name.as_str()))?;
    let thresholds = raw
        .threshold
        .into_iter()
        .map(|threshold| threshold::validated(threshold, &contenders, &scenarios))
        .collect::<Checked<Vec<_>>>()?;
    for published in &raw.published {
        threshold::check_published(published, &contenders, &scenarios)?;
    }
    let baseline = baseline_index(raw.suite.baseline.as_deref(), &contenders)?;
    let margin = raw.suite.margin.unwrap_or(0.02);
    if !(0.0..1.0).contains(&margin) {
        return refused(format!("margin = {margin}: write a share such as 0.02, for 2 %"));
    }
    let rounds = rounds(&raw.suite)?;
    Ok(Suite {
        name: plain_name("suite", raw.suite.name)?,
        source: text.to_owned(),
        baseline,
        placebo: raw.suite.placebo.unwrap_or(true),
        rounds,
        warm_up: warm_up(&raw.suite.warm_up)?,
        folder: folder.to_owned(),
        services,
        prepare,
        conclude,
        contenders,
        scenarios,
        thresholds,
        published: raw.published,
        margin,
        measure_closing: raw.suite.measure_closing.unwrap_or(true),
        container_limits: container_limits(&raw.containers).map_err(at("[containers]"))?,
    })
}

/// The suite's own, for every contender.
fn expectation(raw: Option<&RawExpect>, folder: &Path) -> Checked<Expectation> {
    let change = raw.map(|raw| ExpectationChange::read(raw, folder)).transpose()?;
    Ok(Expectation::default().with(&change.unwrap_or_default()))
}

fn baseline_index(name: Option<&str>, contenders: &[Contender]) -> Checked<usize> {
    let Some(name) = name else { return Ok(0) };
    let known: Vec<&str> = contenders.iter().map(|c| c.name.as_str()).collect();
    let found = known.iter().position(|known| *known == name);
    found.ok_or_else(|| Fault::from(unknown("contender", name, &known))).map_err(at("baseline"))
}

fn some_and_distinct<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Checked<()> {
    match distinct(kind, names)? {
        0 => refused(format!("no [[{kind}]]; a suite needs at least one")),
        _ => Ok(()),
    }
}

/// Looks are then due after about 5, 10 and 20 rounds.
const MAX_ROUNDS: usize = 20;

fn rounds(head: &RawHead) -> Checked<Rounds> {
    let raw = &head.rounds;
    let max = raw.max.unwrap_or_else(|| raw.min.unwrap_or(0).max(MAX_ROUNDS));
    let rounds = Rounds {
        min: raw.min.unwrap_or_else(|| max.min(jigger_stats::FEWEST_ROUNDS)),
        max,
        until_half_width: raw.until_half_width.unwrap_or(0.03),
        budget: duration("rounds.budget", raw.budget.as_deref().unwrap_or("5m"))?,
        disturbance: disturbance(&head.disturbance)?,
    };
    if rounds.min == 0 || rounds.max < rounds.min {
        return refused(format!(
            "rounds: min = {}, max = {}: min must be at least 1, and max at least min",
            rounds.min, rounds.max
        ));
    }
    if !(rounds.until_half_width > 0.0 && rounds.until_half_width < 1.0) {
        return refused("rounds.until_half_width: write a share such as 0.03, for 3 %");
    }
    Ok(rounds)
}

fn disturbance(raw: &RawDisturbance) -> Checked<Limits> {
    let default = Limits::default();
    let limit = |name: &str, given: Option<f64>, default: f64| {
        let limit = given.unwrap_or(default);
        if (0.0..=1.0).contains(&limit) {
            return Ok(limit);
        }
        refused(format!(
            "disturbance.{name} = {limit}: write a share such as 0.05, for 5 %, or 1 for no limit"
        ))
    };
    Ok(Limits {
        steal: limit("steal", raw.steal, default.steal)?,
        foreign_cpu: limit("foreign_cpu", raw.foreign_cpu, default.foreign_cpu)?,
        cpu_pressure: limit("cpu_pressure", raw.cpu_pressure, default.cpu_pressure)?,
        throttled: limit("throttled", raw.throttled, default.throttled)?,
    })
}

fn warm_up(raw: &RawWarmUp) -> Checked<WarmUp> {
    let warm_up = WarmUp {
        window: duration("warm_up.window", raw.window.as_deref().unwrap_or("200ms"))?,
        windows: raw.windows.unwrap_or(5),
        cap: duration("warm_up.cap", raw.cap.as_deref().unwrap_or("10s"))?,
    };
    if warm_up.windows == 0 || warm_up.window.is_zero() {
        return refused("warm_up: window and windows must be above zero");
    }
    Ok(warm_up)
}

fn validated_contender(
    raw: RawContender,
    default: &Expectation,
    services: &[Service],
    folder: &Path,
) -> Checked<Contender> {
    let name = plain_name("contender", raw.name.clone())?;
    if name == super::PLACEBO {
        return refused(format!(
            "a contender cannot be called '{name}': that is the baseline's second entry"
        ));
    }
    contender_body(raw, default, services, folder).map_err(at(&format!("contender '{name}'")))
}

fn contender_body(
    raw: RawContender,
    default: &Expectation,
    services: &[Service],
    folder: &Path,
) -> Checked<Contender> {
    let url = raw.url;
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return refused(format!("url = '{url}': write http://HOST:PORT/PATH, or https://"));
    }
    let tls = tls::validated(raw.tls, &url, folder)?;
    if raw.start.is_none() && raw.image.is_none() && super::has_chosen_port(&url) {
        return refused(format!(
            "url = '{url}': {{port}} is a free port, and there is no start to make a server \
             listen on it; add start, or write the port of a server that runs already"
        ));
    }
    if raw.clean_build.is_some() && raw.build.is_none() {
        return refused("clean_build takes the place of build, which is not given");
    }
    let (image, image_start) = raw.image.map(image::recipe).transpose()?.unzip();
    let contender = Contender {
        name: raw.name,
        variant: raw.variant,
        directory: folder.join(raw.dir.as_deref().unwrap_or(".")),
        needs: raw.needs,
        build: command::commands("build", raw.build)?,
        clean_build: command::commands("clean_build", raw.clean_build)?,
        artifact: raw.artifact.map(artifact).transpose()?,
        start: raw.start.map(|command| command::arguments("start", command)).transpose()?,
        environment: raw.env.into_iter().collect(),
        url,
        tls,
        protocol: Protocol::validated(raw.protocol.as_deref(), raw.streams)?,
        counterpart: raw.counterpart,
        start_limit: duration("start_limit", raw.start_limit.as_deref().unwrap_or("30s"))?,
        grace: duration("grace", raw.grace.as_deref().unwrap_or("5s"))?,
        expectation: match &raw.expect {
            Some(expect) => default.with(&ExpectationChange::read(expect, folder)?),
            None => default.clone(),
        },
        image,
        image_start: image_start.unwrap_or_default(),
        container: None,
        uses: service::with_used(&raw.uses, services)?,
        user: service::run_as(raw.user, raw.user_if_root)?,
        prepare: command::commands("prepare", raw.prepare)?,
        conclude: command::commands("conclude", raw.conclude)?,
        own_request: OwnRequest::read(raw.headers, raw.path)?,
    };
    filled::check(&contender)?;
    Ok(contender)
}

fn artifact(path: String) -> Checked<PathBuf> {
    if path.is_empty() {
        return refused("artifact is empty; leave it out or name what the build makes");
    }
    Ok(PathBuf::from(path))
}

fn container_limits(raw: &RawContainers) -> Checked<ContainerLimits> {
    let network = match raw.network.as_deref() {
        None | Some("host") => Network::Host,
        Some("bridge") => Network::Bridge,
        Some(other) => return refused(unknown("network", other, &["host", "bridge"])),
    };
    Ok(ContainerLimits {
        network,
        cpus: raw.cpus.map(super::cpus).transpose()?,
        memory_bytes: raw.memory.as_deref().map(super::memory_bytes).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use jigger_load::{Arrivals, Extent};

    use crate::suite::{Pacing, Spread, Suite};

    const HEAD: &str = "[suite]\nname = \"s\"\n";
    const CONTENDER: &str = "[[contender]]\nname = \"a\"\nurl = \"http://127.0.0.1:8080/\"\n";
    const SCENARIO: &str = "[[scenario]]\nname = \"q\"\nrequests = 10\n";

    fn parse(text: &str) -> Result<Suite, String> {
        Suite::parse(text, "s.toml", Path::new("/base")).map_err(|error| error.to_string())
    }

    fn fault(text: &str) -> String {
        parse(text).unwrap_err()
    }

    #[test]
    fn defaults_are_those_of_the_method() {
        let suite = parse(&format!("{HEAD}{CONTENDER}{SCENARIO}")).unwrap();
        assert_eq!((suite.rounds.min, suite.rounds.max), (3, 20));
        assert_eq!(suite.rounds.budget, Duration::from_secs(300));
        assert!((suite.margin - 0.02).abs() < 1e-12);
        assert!(suite.placebo);
        assert_eq!(suite.scenarios[0].extent, Extent::Count(10));
        assert_eq!(suite.contenders[0].directory, Path::new("/base/."));
    }

    #[test]
    fn an_unknown_key_names_the_line_and_the_nearest() {
        let text = format!("{HEAD}{CONTENDER}{SCENARIO}conections = 3\n");
        assert_eq!(fault(&text), "s.toml:9: unknown key 'conections'; did you mean 'connections'?");
    }

    #[test]
    fn an_unknown_baseline_names_the_nearest() {
        let text = format!("{HEAD}baseline = \"aa\"\n{CONTENDER}{SCENARIO}");
        assert_eq!(fault(&text), "s.toml: baseline: unknown contender 'aa'; did you mean 'a'?");
    }

    #[test]
    fn each_wrong_value_has_its_message() {
        let cases = [
            (format!("{HEAD}{SCENARIO}"), "no [[contender]]"),
            (
                format!("{HEAD}{CONTENDER}{SCENARIO}connection = \"resumed\"\n"),
                "no contender has an https url",
            ),
            (
                format!("{HEAD}{CONTENDER}counterpart = \"b\"\n{SCENARIO}"),
                "contender 'a': counterpart: unknown contender 'b'",
            ),
            (format!("{HEAD}{CONTENDER}counterpart = \"a\"\n{SCENARIO}"), "it is its own"),
            (format!("{HEAD}{CONTENDER}"), "no [[scenario]]"),
            (format!("{HEAD}{CONTENDER}{CONTENDER}{SCENARIO}"), "two contenders are called 'a'"),
            (format!("{HEAD}{CONTENDER}start = \"./x 'y\"\n{SCENARIO}"), "a quote is missing"),
            (format!("{HEAD}{CONTENDER}{SCENARIO}duration = \"1s\"\n"), "not both"),
            (
                format!("{HEAD}{CONTENDER}{SCENARIO}threads = \"many\"\n"),
                "write a number or \"auto\"",
            ),
            (format!("{HEAD}{CONTENDER}{SCENARIO}timeout = \"soon\"\n"), "write a time above zero"),
            (
                format!("{HEAD}{CONTENDER}{SCENARIO}connection = \"frish\"\n"),
                "did you mean 'fresh'?",
            ),
            (format!("{HEAD}{CONTENDER}{SCENARIO}threads = 4\n"), "more threads than connections"),
            (format!("{HEAD}margin = 2.0\n{CONTENDER}{SCENARIO}"), "such as 0.02"),
            (format!("{HEAD}{CONTENDER}{SCENARIO}rate = 0\n"), "rate must be above zero"),
            (
                format!("{HEAD}{CONTENDER}{SCENARIO}rate = \"60 of slowest\"\n"),
                "\"60% of slowest\"",
            ),
            (format!("{HEAD}{CONTENDER}{SCENARIO}rate = \"160% of slowest\"\n"), "60% of slowest"),
            (format!("{HEAD}{CONTENDER}{SCENARIO}burst = 3\n"), "need a rate or an objective"),
            (
                format!("{HEAD}{CONTENDER}{SCENARIO}rate = 9\nburst = 0\n"),
                "burst must be above zero",
            ),
            (
                format!("{HEAD}{CONTENDER}{SCENARIO}rate = 9\narrivals = \"exponental\"\n"),
                "did you mean 'exponential'?",
            ),
            (
                format!("{HEAD}{CONTENDER}{SCENARIO}objective = \"p99 < 20ms\"\n"),
                "leave out rate and requests",
            ),
            (format!("{HEAD}disturbance = {{ steal = 5 }}\n{CONTENDER}{SCENARIO}"), "for 5 %"),
            (
                format!("{HEAD}rounds = {{ min = 9, max = 3 }}\n{CONTENDER}{SCENARIO}"),
                "max at least min",
            ),
        ];
        let placebo = CONTENDER.replace("\"a\"", "\"placebo\"");
        assert!(fault(&format!("{HEAD}{placebo}{SCENARIO}")).contains("second entry"));
        for (text, wanted) in cases {
            let message = fault(&text);
            assert!(message.contains(wanted), "{message:?} lacks {wanted:?}");
        }
    }

    #[test]
    fn brackets_and_regular_expressions() {
        let single = CONTENDER.replace("[[", "[").replace("]]", "]");
        let message = fault(&format!("{HEAD}{single}{SCENARIO}"));
        assert_eq!(
            message,
            "s.toml:3: write [[contender]] with two brackets, as there may be several"
        );
        let expect = "[expect]\nregex = \"(\"\n";
        assert!(fault(&format!("{HEAD}{expect}{CONTENDER}{SCENARIO}")).contains("'(': it is no"));
    }

    /// Every key with a value of every kind: the message has its line and its name, and no word of
    /// the types that it is read into.
    #[test]
    fn wrong_kinds_of_values_are_refused_without_words_of_rust() {
        let keys = [
            (HEAD.to_owned(), "baseline placebo margin measure_closing rounds warm_up disturbance"),
            (format!("{HEAD}[expect]\n"), "status headers text regex sha256 length"),
            (
                format!("{HEAD}{CONTENDER}"),
                "dir needs build clean_build artifact start env start_limit grace expect image",
            ),
            (
                format!("{HEAD}{SCENARIO}"),
                "connections threads connection duration rate arrivals burst objective timeout",
            ),
            (format!("{HEAD}[containers]\n"), "network cpus memory"),
        ];
        let mut refusals = 0;
        for (head, keys) in &keys {
            for (key, value) in keys.split(' ').flat_map(|key| {
                ["true", "-1", "1.5", "[[[1]]]", "{ zz = 1 }", "1979-05-27"].map(|it| (key, it))
            }) {
                let text = format!("{head}{key} = {value}\n");
                let message = fault(&text);
                let place = format!("s.toml:{}: ", text.lines().count());
                if !message.starts_with(&place) {
                    continue;
                }
                refusals += 1;
                for word in ["expected", "invalid type", "usize", "u16", "enum", "sequence", "map"]
                {
                    assert!(!message.contains(word), "{text}{message}");
                }
            }
        }
        assert!(refusals > 120, "{refusals}");
    }

    #[test]
    fn limits_of_disturbance_can_be_set_one_by_one() {
        let text = format!("{HEAD}disturbance = {{ cpu_pressure = 0.5 }}\n{CONTENDER}{SCENARIO}");
        let limits = parse(&text).unwrap().rounds.disturbance;
        assert!((limits.cpu_pressure - 0.5).abs() < 1e-12);
        assert!((limits.foreign_cpu - 0.05).abs() < 1e-12);
    }

    #[test]
    fn the_busiest_kept_closed_loop_is_what_fresh_connections_are_tried_in() {
        let many = "[[scenario]]\nname = \"many\"\nconnections = 9\nduration = \"4s\"\n";
        let open =
            "[[scenario]]\nname = \"open\"\nconnections = 99\nrate = 9.0\nduration = \"1s\"\n";
        let counterpart = |head: &str, scenarios: &str| {
            parse(&format!("{HEAD}{head}{CONTENDER}{scenarios}")).unwrap().fresh_counterpart()
        };
        let found = counterpart("", &format!("{SCENARIO}{many}{open}")).unwrap();
        assert_eq!(
            (found.name.as_str(), found.connections, found.is_fresh()),
            ("many-fresh", 9, true)
        );
        assert_eq!(found.extent, Extent::Time(Duration::from_millis(150)));
        assert_eq!(found.fresh_for.as_deref(), Some("many"));
        assert_eq!(counterpart("measure_closing = false\n", many), None);
        assert_eq!(counterpart("", &format!("{SCENARIO}{open}")), None);
        let fresh = many.replace("many", "own") + "connection = \"fresh\"\n";
        assert_eq!(counterpart("", &format!("{many}{fresh}")), None);
    }

    #[test]
    fn another_scheme_is_refused() {
        let contender = |scheme: &str| CONTENDER.replace("http:", scheme);
        assert!(fault(&format!("{HEAD}{}{SCENARIO}", contender("ftp:"))).contains("or https://"));
        assert!(parse(&format!("{HEAD}{}{SCENARIO}", contender("https:"))).is_ok());
    }

    #[test]
    fn a_port_to_be_chosen_wants_something_that_takes_it() {
        let chosen = CONTENDER.replace("8080", "{port}");
        let message = fault(&format!("{HEAD}{chosen}{SCENARIO}"));
        assert!(message.starts_with("s.toml: contender 'a': url = "), "{message}");
        assert!(
            message.contains("there is no start") && message.contains("add start"),
            "{message}"
        );
        for line in ["start = \"./app\"", "image = { ref = \"i\" }"] {
            let suite = parse(&format!("{HEAD}{chosen}{line}\n{SCENARIO}")).unwrap();
            assert_eq!(suite.contenders[0].is_image_only(), line.starts_with("image"));
        }
    }

    #[test]
    fn build_may_be_a_line_or_several_commands() {
        let build = |value: &str| {
            let text = format!("{HEAD}{CONTENDER}build = {value}\n{SCENARIO}");
            parse(&text).unwrap().contenders[0].build.clone()
        };
        assert_eq!(build("\"go build -o 'my app'\""), [["go", "build", "-o", "my app"]]);
        assert_eq!(build("[\"a b\", [\"c\", \"d e\"]]"), [["a", "b"], ["c", "d e"]]);
    }

    #[test]
    fn a_contender_overrides_the_expectation_in_part() {
        let text = format!(
            "{HEAD}[expect]\nstatus = 201\njson = {{ message = \"pong\" }}\n\
         {CONTENDER}expect = {{ status = 200 }}\n{SCENARIO}"
        );
        let expectation = parse(&text).unwrap().contenders[0].expectation.clone();
        assert_eq!(expectation.status, crate::suite::StatusRule::Is(200));
        assert_eq!(expectation.fault(200, &[], b"{\"message\":\"pong\"}"), None);
    }

    #[test]
    fn rates_and_objectives() {
        let scenario = |lines: &str| {
            let text = format!("{HEAD}{CONTENDER}[[scenario]]\nname = \"q\"\n{lines}\n");
            parse(&text).unwrap().scenarios.remove(0)
        };
        let fixed = scenario("requests = 5\nrate = 500\narrivals = \"exponential\"\nburst = 4");
        let spread = Spread { arrivals: Arrivals::Exponential, burst: 4 };
        assert_eq!(fixed.pacing, Pacing::Rate { per_second: 500.0, spread });
        let share = scenario("duration = \"3s\"\nrate = \"60% of slowest\"");
        let spread = Spread { arrivals: Arrivals::Even, burst: 1 };
        assert_eq!(share.pacing, Pacing::ShareOfSlowest { share: 0.6, spread });
        let capacity = scenario("connections = 8\nobjective = \"p99 < 20ms\"");
        assert_eq!(capacity.extent, Extent::Time(Duration::from_secs(2)));
        let Pacing::Capacity { objective, .. } = capacity.pacing else { panic!("{capacity:?}") };
        assert_eq!(objective.text, "p99 < 20ms");
    }
}
