//! Open loops whose rate has to be found: shares of a capacity, and capacities. The server `serial`
//! serves one request at a time and takes 5 ms for each, so that 200 a second are all it can do.

use serde_json::Value;

use crate::lab::{Lab, contender, never_ready};

fn run(lab: &Lab, more: &[&str]) -> crate::lab::Outcome {
    let arguments = ["run", "suite.toml", "--no-images", "--record", "record.json", "-q"];
    lab.run(&[&arguments[..], more].concat())
}

fn trials(record: &Value) -> Vec<&Value> {
    let visits = record["visits"].as_array().unwrap();
    visits.iter().flat_map(|visit| visit["trials"].as_array().unwrap()).collect()
}

#[test]
fn all_get_the_rate_that_the_slowest_can_bear() {
    let scenario = "[[scenario]]\nname = \"calm\"\nconnections = 2\nduration = \"500ms\"\n\
                    rate = \"50% of slowest\"\narrivals = \"exponential\"\nburst = 2\n";
    let contenders = [contender("quick", "pong", ""), contender("slow", "serial", "")];
    let lab = Lab::new("", &contenders, scenario);
    let outcome = run(&lab, &["--rounds", "1", "--details"]);
    outcome.expect(
        0,
        &["50 % of the slowest server's rate in a closed loop (slow: ", "at random times"],
    );
    let record = lab.record();
    let found = &record["calibrations"][0];
    let rate = found["rate_per_second"].as_f64().unwrap();
    assert!(rate > 0.0 && rate <= 100.0, "{found:#}");
    assert_eq!(found["capacities"].as_array().unwrap().len(), 2);
    let scenario = &record["suite"]["scenarios"][0];
    assert_eq!(scenario["rate_per_second"], found["rate_per_second"]);
    assert_eq!((&scenario["exponential"], &scenario["burst"]), (&true.into(), &2.into()));
    assert_eq!(trials(&record).len(), 2);
    for trial in trials(&record) {
        // Twice the mean of a Poisson process that lasts half a second, whatever the server.
        assert!(trial["due"].as_f64().unwrap() <= 100.0, "{trial:#}");
    }
    lab.assert_nothing_left();
}

#[test]
fn who_cannot_be_calibrated_is_left_out_and_the_others_go_on() {
    let scenario =
        "[[scenario]]\nname = \"calm\"\nduration = \"300ms\"\nrate = \"50% of slowest\"\n";
    let contenders = [contender("good", "pong", ""), never_ready("bad", "status-500")];
    let lab = Lab::new("", &contenders, scenario);
    run(&lab, &["--rounds", "1"]).expect(3, &["failed: bad: while its capacity was measured"]);
    let record = lab.record();
    assert_eq!(record["calibrations"][0]["capacities"].as_array().unwrap().len(), 1);
    assert_eq!(trials(&record).len(), 1);
}

#[test]
fn the_capacity_of_a_server_that_serves_one_at_a_time() {
    let scenario = "[[scenario]]\nname = \"capacity\"\nconnections = 4\nduration = \"500ms\"\n\
                    objective = \"p50 < 100ms\"\n";
    let lab = Lab::new("", &[contender("one", "serial", "")], scenario);
    let outcome = run(&lab, &["--rounds", "2"]);
    outcome.expect(0, &["capacity: 4 connections, keep-alive, highest rate with p50 < 100ms"]);
    let found: Vec<Option<f64>> = trials(&lab.record()).into_iter().map(capacity).collect();
    assert_eq!(found.len(), 2);
    let csv = lab.run(&["report", "record.json", "--format", "csv"]).stdout;
    let metric = "one,capacity.requests_per_second,1/s,";
    let values = csv.lines().filter_map(|line| line.strip_prefix(metric));
    let values = values.map(|rest| rest.split(',').nth(1).unwrap().parse().ok());
    // A metric without any value is left out.
    let told = if found.iter().all(Option::is_none) { Vec::new() } else { found };
    assert_eq!(values.collect::<Vec<Option<f64>>>(), told, "{csv}");
    lab.assert_nothing_left();
}

/// The capacity that a trial found, once it has been held against the rates that were tried. How
/// high it is depends on the machine; what is asserted does not.
fn capacity(trial: &Value) -> Option<f64> {
    let probes = trial["probes"].as_array().unwrap();
    let rates = |kept: bool| {
        let such = probes.iter().filter(move |probe| probe["kept"] == kept);
        such.map(|probe| probe["rate_per_second"].as_f64().unwrap())
    };
    let found = trial["capacity_per_second"].as_f64();
    assert_eq!(found, rates(true).reduce(f64::max), "{trial:#}");
    for probe in probes {
        let number = |field: &str| probe[field].as_f64().unwrap();
        let most = number("elapsed_ns") / 5e6 + 1.0;
        assert!(number("requests") <= most, "more than one answer in 5 ms: {probe:#}");
        let is_good = || number("statistic_ns") < 100e6 && number("errors") == 0.0;
        assert!(probe["kept"] == false || is_good(), "{probe:#}");
    }
    // Of 300 a second the 60th gets its response 100 ms after it was due, and 150 come in half a second.
    assert!(found.is_none_or(|found| found <= 300.0), "{trial:#}");
    let missed = rates(false).reduce(f64::min).expect("no server bears every rate");
    let is_near = found.is_none_or(|found| missed > found && missed <= found * 1.03001);
    assert!(is_near || probes.len() == 20, "{probes:#?}");
    found
}

#[test]
fn an_objective_that_no_rate_keeps_is_told_and_gives_no_figure() {
    let scenario = "[[scenario]]\nname = \"capacity\"\nduration = \"200ms\"\n\
                    objective = \"p50 < 1ms\"\n";
    let lab = Lab::new("", &[contender("one", "serial", "")], scenario);
    run(&lab, &["--rounds", "1", "--details"])
        .expect(0, &["objective-missed: one (capacity): no rate met p50 < 1ms in 1 of 1 rounds"]);
    let json = lab.run(&["report", "record.json", "--format", "json"]);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    let metrics = report["contenders"][0]["metrics"].as_object().unwrap();
    assert!(metrics.keys().all(|name| !name.starts_with("capacity.")), "{metrics:#?}");
}
