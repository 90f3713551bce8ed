//! How what is spoken with a contender differs: TLS, and the settings of HTTP/2.

use super::{Confounder, all, counted};
use crate::caveat::Code;
use crate::numbers::number;
use crate::record::{
    ContenderRecord, Record, ScenarioRecord, TlsAgreementRecord, TlsTrialRecord, TrialRecord,
    VisitRecord,
};

/// Share of the handshakes of a scenario with resumed sessions that resume one.
const RESUMED_SHARE: f64 = 0.5;

/// What servers allow their clients over HTTP/2 decides how much of a body goes out before the
/// client waits, and how many requests are under way.
pub fn settings_differ(record: &Record, name: &str) -> Option<Confounder> {
    let own = |contender: &&ContenderRecord| contender.protocol.as_deref() == Some("h2");
    // Where contenders have versions of their own, the first of this one stands for the baseline.
    let reference = record.contender(name).filter(own).and(record.contenders.iter().find(own));
    let reference = reference.map_or(record.suite.baseline.as_str(), |it| it.name.as_str());
    let said = |contender: &str, scenario: &str| {
        let trials = record.visits_of(contender).flat_map(|visit| &visit.trials);
        let mut trials = trials.filter(|trial| trial.scenario == scenario);
        trials.find_map(|trial| trial.http2_settings)
    };
    let differences = |scenario: &str| -> Vec<String> {
        let settings = said(name, scenario).zip(said(reference, scenario));
        settings.map(|(mine, theirs)| mine.differences(&theirs)).unwrap_or_default()
    };
    let mut touches = all(record);
    touches.retain(|scenario| !differences(scenario).is_empty());
    let detail = differences(touches.first()?).join(", ");
    Some(Confounder {
        code: Code::H2SettingsDiffer,
        detail: format!("its HTTP/2 settings differ from {}: {detail}", whose(record, reference)),
        remedy: "give all servers the same limits",
        touches,
    })
}

/// `the baseline's`, or a contender's by its name.
fn whose(record: &Record, name: &str) -> String {
    if name == record.suite.baseline { "the baseline's".to_owned() } else { format!("{name}'s") }
}

/// What was agreed on with the contender when it was verified, and with the baseline. In a suite with
/// counterparts TLS and the version of HTTP are what is compared: there those that speak TLS are to
/// speak the same.
pub fn tls_differs(record: &Record, name: &str) -> Option<Confounder> {
    let is_compared = record.contenders.iter().any(|it| it.counterpart.is_some());
    let words = |name: &str| match record.tls_of(name).filter(|_| is_compared) {
        Some(tls) => Some(TlsAgreementRecord { alpn: None, ..tls.clone() }.words()),
        None => record.tls_words(name),
    };
    let speaks = |it: &&ContenderRecord| record.tls_of(&it.name).is_some();
    let reference = match is_compared {
        false => record.suite.baseline.as_str(),
        true => {
            record.tls_of(name)?;
            record.contenders.iter().find(speaks)?.name.as_str()
        }
    };
    let (mine, theirs) = words(name).zip(words(reference))?;
    let reference = if is_compared { reference } else { "the baseline" };
    (mine != theirs).then(|| Confounder {
        code: Code::TlsDiffers,
        detail: format!("it speaks {mine}; {reference} {theirs}"),
        remedy: "give all servers the same kind of certificate, TLS versions, cipher suites and \
                 groups",
        touches: all(record),
    })
}

/// Servers that want another group than the client's first ones.
pub fn hello_retries(record: &Record, visits: &[&VisitRecord]) -> Option<Confounder> {
    let retries = |trial: &TrialRecord| trial.tls.as_ref().map_or(0, |tls| tls.hello_retries);
    let mut touches = all(record);
    touches.retain(|scenario| counted(visits, scenario, retries).0 > 0);
    (!touches.is_empty()).then(|| Confounder {
        code: Code::TlsHelloRetry,
        detail: "it responds to the first handshake message with a HelloRetryRequest, which costs \
                 an extra round trip and doubles the client's work"
            .to_owned(),
        remedy: "put a group that the server supports first (groups in the suite's tls), or \
                 enable one of the client's groups in the server",
        touches,
    })
}

/// A scenario that is to resume sessions measures full handshakes where the server resumes none.
pub fn not_resumed(record: &Record, visits: &[&VisitRecord]) -> Option<Confounder> {
    let of = |count: fn(&TlsTrialRecord) -> u64, scenario: &str| -> u64 {
        let trials = visits.iter().flat_map(|visit| &visit.trials);
        let trials = trials.filter(|trial| trial.scenario == scenario);
        trials.filter_map(|trial| trial.tls.as_ref()).map(count).sum()
    };
    let is_resumed = |scenario: &ScenarioRecord| {
        let handshakes = of(|tls| tls.handshakes, &scenario.name);
        number(of(|tls| tls.resumed, &scenario.name)) >= RESUMED_SHARE * number(handshakes)
    };
    let scenarios = record.suite.scenarios.iter().filter(|scenario| scenario.resumed);
    let touches: Vec<String> =
        scenarios.filter(|scenario| !is_resumed(scenario)).map(|it| it.name.clone()).collect();
    (!touches.is_empty()).then(|| Confounder {
        code: Code::TlsNotResumed,
        detail: "less than half of its handshakes resumed a session, although the scenario \
                 resumes sessions"
            .to_owned(),
        remedy: "let the server send session tickets, or compare with full handshakes (connection = \
                 \"fresh\")",
        touches,
    })
}

#[cfg(test)]
mod tests {
    use super::super::of_contender;
    use super::*;
    use crate::report::tests::drawn::record;

    fn agreed(certificate_key: &str) -> TlsAgreementRecord {
        let certificate_key = Some(certificate_key.to_owned());
        TlsAgreementRecord {
            version: "1.3".to_owned(),
            certificate_key,
            ..TlsAgreementRecord::default()
        }
    }

    fn codes(record: &Record, name: &str) -> Vec<&'static str> {
        of_contender(record, name).iter().map(|found| found.code.name()).collect()
    }

    #[test]
    fn tls_that_differs_from_the_baselines_is_told() {
        let mut record = record(3);
        let mut agree = |entry: &str, tls: Option<TlsAgreementRecord>| {
            for visit in record.visits.iter_mut().filter(|visit| visit.entry == entry) {
                visit.evidence.iter_mut().for_each(|evidence| evidence.tls = tls.clone());
            }
            record.clone()
        };
        let baseline = agree("flask", Some(agreed("RSA 2048"))).suite.baseline.clone();
        let plain = agree(&baseline, Some(agreed("RSA 2048")));
        let found = of_contender(&plain, "gin");
        let told = found.iter().find(|found| found.code == Code::TlsDiffers).unwrap();
        assert!(told.detail.contains("no TLS; the baseline TLS 1.3, "), "{}", told.detail);
        assert!(codes(&agree("gin", Some(agreed("EC secp256r1"))), "gin").contains(&"tls-differs"));
        assert!(!codes(&agree("gin", Some(agreed("RSA 2048"))), "gin").contains(&"tls-differs"));
    }

    #[test]
    fn handshakes_that_cost_more_than_asked_for_are_told() {
        let mut record = record(3);
        record.suite.scenarios[0].resumed = true;
        let scenario = record.suite.scenarios[0].name.clone();
        let mut shake = |resumed: u64, hello_retries: u64| {
            let (handshakes, agreed) = (100, None);
            let tls = TlsTrialRecord {
                handshakes,
                resumed,
                hello_retries,
                handshake_time: String::new(),
                agreed,
            };
            let visits = record.visits.iter_mut().filter(|visit| visit.entry == "gin");
            for trial in visits.flat_map(|visit| &mut visit.trials) {
                trial.tls = (trial.scenario == scenario).then(|| tls.clone());
            }
            codes(&record, "gin")
        };
        assert!(!shake(99, 0).contains(&"tls-not-resumed"));
        assert!(shake(49, 0).contains(&"tls-not-resumed"));
        assert!(!shake(99, 0).contains(&"tls-hello-retry"));
        assert!(shake(99, 1).contains(&"tls-hello-retry"));
    }

    #[test]
    fn of_variants_those_that_speak_tls_are_to_speak_the_same() {
        let mut record = record(3);
        let variant = |name: &str, of: &str| ContenderRecord {
            name: name.to_owned(),
            counterpart: Some(of.to_owned()),
            ..record.contenders[0].clone()
        };
        let variants = [variant("gin-https", "gin"), variant("flask-https", "flask")];
        record.contenders.extend(variants);
        let mut speaking = |key: &str| {
            let visits = record.visits.clone().into_iter();
            record.visits = visits.filter(|visit| !visit.entry.ends_with("-https")).collect();
            for (entry, of, key) in
                [("gin-https", "gin", "EC secp256r1"), ("flask-https", "flask", key)]
            {
                let mut visit = record.visits_of(of).next().unwrap().clone();
                visit.entry = entry.to_owned();
                visit.evidence.iter_mut().for_each(|it| it.tls = Some(agreed(key)));
                record.visits.push(visit);
            }
            record.clone()
        };
        let same = speaking("EC secp256r1");
        for name in ["gin", "gin-https", "flask-https"] {
            assert!(!codes(&same, name).contains(&"tls-differs"), "{name}");
        }
        let other = speaking("RSA 2048");
        assert!(!codes(&other, "gin-https").contains(&"tls-differs"));
        let found = of_contender(&other, "flask-https");
        let told = found.iter().find(|found| found.code == Code::TlsDiffers).unwrap();
        assert!(
            told.detail.ends_with("RSA 2048; gin-https TLS 1.3, , EC secp256r1"),
            "{}",
            told.detail
        );
    }
}
