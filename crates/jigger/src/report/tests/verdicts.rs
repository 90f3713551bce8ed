//! How sure the sentences and verdicts of a report are.

use jigger_stats::Verdict;

use super::drawn::{contender, record, trial, visit};
use super::render;
use crate::analysis::Analysis;
use crate::plan::PLACEBO;
use crate::record::{Ended, LookRecord, Record, Status, VisitRecord};
use crate::report::Format;

/// What gin's and flask's rates in seven rounds come to, when gin's are `ratio` times flask's, give
/// or take `spread`.
fn told(ratio: f64, spread: f64) -> String {
    let mut record = record(7);
    // A look that may spend but a thousandth.
    record.suite.looks = vec![LookRecord { rounds: 7, level: 0.001 }];
    record.ended = Ended::Decided;
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        let round = f64::from(u32::try_from(visit.round).unwrap());
        let rate = 2_000.0 * (1.0 + 0.01 * round) * (ratio + spread * ((2.0 * round) % 5.0 - 2.0));
        visit.trials[1] = trial("saturation", rate, 32.0);
    }
    render(&Analysis::of(&record), Format::Text, false)
}

/// A sentence has its certainty: sure with the end that is sure, probable with the interval, and
/// what was not shown with the size that it may have.
#[test]
fn every_sentence_says_how_sure_it_is() {
    let sure = told(1.3, 0.02);
    let sentence =
        "saturation: gin served 1.29 times as many requests per second as flask, at least 1.27";
    assert!(sure.contains(sentence), "{sure}");
    let probable = told(1.08, 0.045);
    let sentence = "saturation: gin probably served 1.07 times as many requests per second as \
                    flask (1.0";
    assert!(probable.contains(sentence), "{probable}");
    let open = told(1.02, 0.05);
    let sentence = "saturation: no difference was shown between gin and flask; if there is one, it \
                    is below 7.5 %.";
    assert!(open.contains(sentence), "{open}");
}

/// The more comparisons a report has, the more each of them has to show.
#[test]
fn what_is_sure_alone_may_be_only_probable_among_many() {
    let verdict = |contenders: usize| {
        let mut record = record(7);
        for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
            let round = f64::from(u32::try_from(visit.round).unwrap());
            visit.trials[1] =
                trial("saturation", 2_170.0 * (1.0 + 0.02 * ((2.0 * round) % 5.0 - 2.0)), 32.0);
        }
        for at in 0..contenders {
            let name = format!("other-{at}");
            let as_flask = record.visits.iter().filter(|visit| visit.entry == "flask").cloned();
            let visits: Vec<_> =
                as_flask.map(|visit| VisitRecord { entry: name.clone(), ..visit }).collect();
            record.visits.extend(visits);
            record.contenders.push(contender(&name, Status::Measured, 12_000_000));
        }
        let analysis = Analysis::of(&record);
        analysis.comparison("saturation.requests_per_second".into(), "gin").unwrap().verdict
    };
    assert_eq!(verdict(0), Some(Verdict::Better));
    assert_eq!(verdict(6), Some(Verdict::ProbablyBetter));
}

const RATE: &str = "saturation.requests_per_second";

/// Seven rounds in which flask, the baseline, has a second entry with so many times the rate of the
/// first.
fn with_second_entry(times: f64) -> Record {
    let mut record = record(7);
    for round in 0..7_u8 {
        let rate = 2_000.0 * times * (1.0 + 0.01 * f64::from(round + round % 2));
        let evidence = record.visits[1].evidence.clone();
        record.visits.push(VisitRecord { evidence, ..visit(PLACEBO, round.into(), rate) });
    }
    record
}

/// The ratio in a table is that of the figures beside it, and both entries are in them.
#[test]
fn both_entries_make_the_baselines_figure() {
    let record = with_second_entry(1.21);
    let analysis = Analysis::of(&record);
    let rate = |name: &str| analysis.contender(name).unwrap().summary(RATE).unwrap().estimate;
    let found = analysis.comparison(RATE.into(), "gin").unwrap();
    assert!((rate("gin") / rate("flask") / found.ratio - 1.0).abs() < 1e-9, "{found:?}");
    assert!((found.ratio - 10.0 / 1.1).abs() < 0.1, "{found:?}");
    let entries = &analysis.contender("flask").unwrap().summary(RATE).unwrap().entries;
    assert_eq!(entries.iter().map(Vec::len).collect::<Vec<_>>(), [7, 7]);
}

#[test]
fn a_baseline_that_differs_from_itself_is_said_to() {
    let text = |times| render(&Analysis::of(&with_second_entry(times)), Format::Text, false);
    let warning = "baseline-differs-from-itself: flask (all scenarios): its two entries differ by \
                   more than chance in sequential.requests_per_second, \
                   saturation.requests_per_second";
    assert!(text(1.21).contains(warning), "{}", text(1.21));
    assert!(!text(1.0).contains("baseline-differs-from-itself"), "{}", text(1.0));
}

/// Three contenders of which the second and the third are alike: no difference between two of them is shown by
/// their order in the suite.
#[test]
fn those_without_a_shown_difference_share_a_rank() {
    let mut record = record(7);
    record.contenders[2] = contender("axum", Status::Measured, 3_000_000);
    for round in 0..7_u8 {
        let rate = 20_000.0 * (1.0 + 0.01 * f64::from(round + round % 2));
        record.visits.push(visit("axum", round.into(), rate));
    }
    let analysis = Analysis::of(&record);
    let scenario = &record.suite.scenarios[1];
    let ranking = analysis.ranking(scenario);
    let ranks: Vec<(Option<usize>, &str)> =
        ranking.iter().map(|it| (it.rank, it.contender.record.name.as_str())).collect();
    assert_eq!(ranks, [(Some(1), "axum"), (Some(1), "gin"), (Some(3), "flask")]);
    assert_eq!(analysis.between(RATE.into(), "gin", "axum").unwrap().verdict, Some(Verdict::Same));
    let there = analysis.between(RATE.into(), "axum", "gin").unwrap();
    let back = analysis.between(RATE.into(), "gin", "axum").unwrap();
    assert!((there.ratio * back.ratio - 1.0).abs() < 1e-12);
    let text = render(&analysis, Format::Text, false);
    assert!(text.contains("saturation: 1. axum, gin; 3. flask."), "{text}");
}

/// A run is settled when every headline comparison is decided, or known well enough.
#[test]
fn a_look_ends_a_run_that_has_its_verdicts() {
    let settled = |record: &Record, half_width| Analysis::of(record).is_settled(half_width);
    let mut record = record(7);
    assert!(settled(&record, 0.001));
    for visit in record.visits.iter_mut().filter(|visit| visit.entry == "gin") {
        let round = f64::from(u32::try_from(visit.round).unwrap());
        visit.trials[1] = trial("saturation", 2_050.0 * (1.0 + 0.05 * (round % 3.0)), 32.0);
    }
    assert!(!settled(&record, 0.03));
    assert!(settled(&record, 0.3), "it is known to 30 %");
    record.contenders[0].status = Status::Failed;
    assert!(settled(&record, 0.03), "no round to come would tell more");
    let alone = Record { contenders: record.contenders[1..2].to_vec(), ..record };
    assert!(!settled(&alone, 0.3), "nothing to compare");
}

#[test]
fn a_report_says_at_which_look_it_ended() {
    let head = |ended: Ended, rounds: usize| {
        let mut record = record(rounds);
        let look = |rounds| LookRecord { rounds, level: 0.01 };
        record.suite.looks = vec![look(5), look(10), look(20)];
        record.ended = ended;
        render(&Analysis::of(&record), Format::Text, false).lines().next().unwrap().to_owned()
    };
    let of = |text: &str| format!("pong: 3 servers, {text}, seed 42, baseline flask");
    assert_eq!(
        head(Ended::Decided, 5),
        of("5 rounds (ended at look 1 of 3: every comparison decided)")
    );
    assert_eq!(
        head(Ended::Decided, 10),
        of("10 rounds (ended at look 2 of 3: every comparison decided)")
    );
    assert_eq!(head(Ended::MaxRounds, 20), of("20 rounds (ended at the last look)"));
    assert_eq!(head(Ended::Budget, 8), of("8 rounds (time budget used up)"));
    assert_eq!(head(Ended::NotYet, 1), of("1 round"));
}
