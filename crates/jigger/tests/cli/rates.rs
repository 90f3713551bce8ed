//! Open loops whose rate has to be found: shares of a capacity, and capacities. The server `serial`
//! answers one request at a time and takes 5 ms for each, so that 200 a second are all it can do.

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
    let outcome = run(&lab, &["--rounds", "1"]);
    outcome.expect(
        0,
        &["50 % of what the slowest can do in a closed loop (slow: ", "at random times"],
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
fn the_capacity_of_a_server_that_answers_one_at_a_time() {
    let scenario = "[[scenario]]\nname = \"capacity\"\nconnections = 4\nduration = \"500ms\"\n\
                    objective = \"p50 < 100ms\"\n";
    let lab = Lab::new("", &[contender("one", "serial", "")], scenario);
    let outcome = run(&lab, &["--rounds", "2"]);
    outcome.expect(0, &["capacity: 4 connections, keep-alive, the highest rate with p50 < 100ms"]);
    let record = lab.record();
    for trial in trials(&record) {
        let found = trial["capacity_per_second"].as_f64().unwrap();
        // Half a second's queue of at most a twentieth is not told from none.
        assert!((20.0..=220.0).contains(&found), "{trial:#}");
        let probes = trial["probes"].as_array().unwrap();
        let highest = probes.iter().filter(|probe| probe["kept"] == true);
        let highest = highest.map(|probe| probe["rate_per_second"].as_f64().unwrap());
        assert_eq!(highest.reduce(f64::max), Some(found));
        assert!(probes.iter().any(|probe| probe["kept"] == false), "{probes:#?}");
    }
    let csv = lab.run(&["report", "record.json", "--format", "csv"]);
    csv.expect(0, &["one,capacity.requests_per_second,1/s,2,"]);
    lab.assert_nothing_left();
}

#[test]
fn an_objective_that_no_rate_keeps_is_told_and_gives_no_figure() {
    let scenario = "[[scenario]]\nname = \"capacity\"\nduration = \"200ms\"\n\
                    objective = \"p50 < 1ms\"\n";
    let lab = Lab::new("", &[contender("one", "serial", "")], scenario);
    run(&lab, &["--rounds", "1"])
        .expect(0, &["objective-missed: one (capacity): no rate kept p50 < 1ms in 1 of 1 rounds"]);
    let json = lab.run(&["report", "record.json", "--format", "json"]);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    let metrics = report["contenders"][0]["metrics"].as_object().unwrap();
    assert!(metrics.keys().all(|name| !name.starts_with("capacity.")), "{metrics:#?}");
}
