//! Every message that a wrong suite gives, and the defaults of a right one.

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
        (format!("{HEAD}{CONTENDER}"), "no [[scenario]]"),
        (format!("{HEAD}{CONTENDER}{CONTENDER}{SCENARIO}"), "two contenders are called 'a'"),
        (format!("{HEAD}{CONTENDER}start = \"./x 'y\"\n{SCENARIO}"), "a quote is missing"),
        (format!("{HEAD}{CONTENDER}{SCENARIO}duration = \"1s\"\n"), "not both"),
        (format!("{HEAD}{CONTENDER}{SCENARIO}threads = \"many\"\n"), "write a number or \"auto\""),
        (format!("{HEAD}{CONTENDER}{SCENARIO}timeout = \"soon\"\n"), "write a time above zero"),
        (format!("{HEAD}{CONTENDER}{SCENARIO}connection = \"frish\"\n"), "did you mean 'fresh'?"),
        (format!("{HEAD}{CONTENDER}{SCENARIO}threads = 4\n"), "more threads than connections"),
        (format!("{HEAD}margin = 2.0\n{CONTENDER}{SCENARIO}"), "such as 0.02"),
        (format!("{HEAD}{CONTENDER}{SCENARIO}rate = 0\n"), "rate must be above zero"),
        (format!("{HEAD}{CONTENDER}{SCENARIO}rate = \"60 of slowest\"\n"), "\"60% of slowest\""),
        (format!("{HEAD}{CONTENDER}{SCENARIO}rate = \"160% of slowest\"\n"), "60% of slowest"),
        (format!("{HEAD}{CONTENDER}{SCENARIO}burst = 3\n"), "need a rate or an objective"),
        (format!("{HEAD}{CONTENDER}{SCENARIO}rate = 9\nburst = 0\n"), "burst must be above zero"),
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
fn limits_of_disturbance_can_be_set_one_by_one() {
    let text = format!("{HEAD}disturbance = {{ cpu_pressure = 0.5 }}\n{CONTENDER}{SCENARIO}");
    let limits = parse(&text).unwrap().rounds.disturbance;
    assert!((limits.cpu_pressure - 0.5).abs() < 1e-12);
    assert!((limits.foreign_cpu - 0.05).abs() < 1e-12);
}

#[test]
fn the_busiest_kept_closed_loop_is_what_fresh_connections_are_tried_in() {
    let many = "[[scenario]]\nname = \"many\"\nconnections = 9\nduration = \"4s\"\n";
    let open = "[[scenario]]\nname = \"open\"\nconnections = 99\nrate = 9.0\nduration = \"1s\"\n";
    let counterpart = |head: &str, scenarios: &str| {
        parse(&format!("{HEAD}{head}{CONTENDER}{scenarios}")).unwrap().fresh_counterpart()
    };
    let found = counterpart("", &format!("{SCENARIO}{many}{open}")).unwrap();
    assert_eq!((found.name.as_str(), found.connections, found.is_fresh()), ("many-fresh", 9, true));
    assert_eq!(found.extent, Extent::Time(Duration::from_millis(150)));
    assert_eq!(found.fresh_for.as_deref(), Some("many"));
    assert_eq!(counterpart("measure_closing = false\n", many), None);
    assert_eq!(counterpart("", &format!("{SCENARIO}{open}")), None);
    let fresh = many.replace("many", "own") + "connection = \"fresh\"\n";
    assert_eq!(counterpart("", &format!("{many}{fresh}")), None);
}

#[test]
fn https_is_refused_by_name() {
    let contender = CONTENDER.replace("http:", "https:");
    assert!(fault(&format!("{HEAD}{contender}{SCENARIO}")).contains("https is not supported yet"));
}

/// With an image it may run in a container, where jigger says on which port.
#[test]
fn a_port_to_be_chosen_wants_something_that_takes_it() {
    let chosen = CONTENDER.replace("8080", "{port}");
    let message = fault(&format!("{HEAD}{chosen}{SCENARIO}"));
    assert!(message.starts_with("s.toml: contender 'a': url = "), "{message}");
    assert!(message.contains("there is no start") && message.contains("add start"), "{message}");
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
    assert_eq!(expectation.status, 200);
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
