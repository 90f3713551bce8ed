//! `[[setup_request]]`: what is sent for each connection before its load, and what is kept of the
//! responses.

use std::path::Path;
use std::sync::Arc;

use super::capture::Capture;
use super::fault::{Checked, at, refused};
use super::raw::RawRequest;
use super::request::{self, Setup, SetupRequest};

/// Reads the requests in their order; each may use what those before it have kept.
pub fn read(raw: Vec<RawRequest>, keeps_cookies: bool, folder: &Path) -> Checked<Arc<Setup>> {
    let mut setup = Setup { requests: Vec::new(), keeps_cookies };
    for (raw, number) in raw.into_iter().zip(1..) {
        let read = request(raw, &setup, folder).map_err(at(&format!("setup_request {number}")))?;
        setup.requests.push(read);
    }
    Ok(Arc::new(setup))
}

/// Of its response only an error is wrong, unless it says otherwise: the contender's expectation is
/// for the requests of the load.
fn request(mut raw: RawRequest, before: &Setup, folder: &Path) -> Checked<SetupRequest> {
    if raw.weight.is_some() {
        return refused("weight: setup requests are sent in turn; leave it out");
    }
    if raw.cookies.is_some() {
        return refused("cookies: write it in [request], or in the scenario's request");
    }
    let captures = raw.capture.take().unwrap_or_default();
    let captures = captures.into_iter().map(|(name, from)| Capture::read(name, &from));
    let captures = captures.collect::<Checked<Vec<_>>>()?;
    let known = before.names();
    if let Some(twice) = captures.iter().find(|capture| known.contains(&capture.name)) {
        return refused(format!(
            "capture: an earlier setup request captures '{}'; give each value its own name",
            twice.name
        ));
    }
    let mut spec = request::spec(raw, &Arc::new(before.clone()), folder)?;
    if spec.expectation.command.is_some() {
        return refused("expect: command is for the requests of the load; leave it out");
    }
    spec.expectation = std::mem::take(&mut spec.expectation).or_no_error();
    Ok(SetupRequest { spec, captures })
}

#[cfg(test)]
mod tests {
    use jigger_load::{Session, Url};

    use crate::suite::{RequestSpec, Suite};

    const HEAD: &str = "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://h/\"\n";
    const LOGIN: &str = "[[setup_request]]\npath = \"/login\"\njson = { user = \"{{line}}\" }\n\
                         lines = \"users\"\ncapture = { token = \"json:/token\" }\n";
    const SCENARIO: &str = "[[scenario]]\nname = \"q\"\nrequests = 1\n";

    fn parse(lines: &str) -> Result<Suite, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("users"), "ann\nben\n").unwrap();
        std::fs::write(folder.path().join("log"), "GET http://h/a\nCookie: old=1\n").unwrap();
        Suite::parse(&format!("{HEAD}{lines}"), "s", folder.path())
            .map_err(|error| error.to_string())
    }

    fn sent(spec: &RequestSpec, values: &[&str]) -> String {
        let mut session = Session::default();
        values.iter().for_each(|value| session.keep(value.as_bytes().to_vec()));
        let request = spec.encode(&Url::parse("http://h/").unwrap()).unwrap();
        String::from_utf8(request.numbered(1, &session).unwrap().bytes()).unwrap()
    }

    #[test]
    fn what_setup_requests_capture_is_filled_into_those_that_follow() {
        let more = "[[setup_request]]\npath = \"/cart\"\nheaders = { A = \"{{token}}\" }\n\
                    capture = { cart = \"header:Location\" }\nexpect = { status = 201 }\n";
        let suite = parse(&format!(
            "{LOGIN}{more}[request]\npath = \"/items?{{{{cart}}}}\"\nheaders = {{ A = \"{{{{token}}}}\" }}\n\
             {SCENARIO}[[scenario]]\nname = \"r\"\nrequests = 1\nsetup_request = []\n\
             request = {{ path = \"/\", headers = {{}} }}\n"
        ));
        let suite = suite.unwrap();
        let spec = &suite.scenarios[0].requests[0].0;
        let setup = suite.scenarios[0].setup();
        assert_eq!(setup.names(), ["token", "cart"]);
        assert!(sent(&setup.requests[0].spec, &[]).ends_with("{\"user\":\"ben\"}"));
        assert!(sent(&setup.requests[1].spec, &["t"]).contains("A: t\r\n"));
        assert!(sent(spec, &["t", "c"]).starts_with("GET /items?c HTTP/1.1\r\nHost: h\r\nA: t"));
        assert!(!spec.is_plain_get() && suite.scenarios[1].requests[0].0.is_plain_get());
        assert!(suite.scenarios[1].setup().is_empty(), "a scenario may have none");
        let expectation = crate::suite::Expectation::default();
        let of_setup = |at: usize| expectation.with(&setup.requests[at].spec.expectation);
        assert_eq!(of_setup(0).fault(302, &[], b""), None, "only an error is wrong");
        assert!(of_setup(1).fault(302, &[], b"").is_some());
    }

    #[test]
    fn cookies_are_a_scenarios_and_recorded_ones_are_left_out() {
        let suite = parse(&format!(
            "[request]\ncookies = true\n{SCENARIO}[[scenario]]\nname = \"r\"\nrequests = 1\n\
             request = {{ cookies = false }}\n[[scenario]]\nname = \"f\"\nrequests = 1\n\
             requests_file = \"log\"\n"
        ));
        let suite = suite.unwrap();
        let keeps: Vec<bool> = suite.scenarios.iter().map(|it| it.setup().keeps_cookies).collect();
        assert_eq!(keeps, [true, false, true]);
        let replay = suite.scenarios[2].replay.as_ref().unwrap();
        assert!(replay.requests[0].headers.is_empty());
    }

    #[test]
    fn each_wrong_setup_has_its_message() {
        let capture = |text: &str| format!("[[setup_request]]\ncapture = {{ {text} }}\n");
        let tail = SCENARIO.to_owned();
        for (lines, wanted) in [
            (format!("{LOGIN}[request]\npath = \"/{{{{tokn}}}}\"\n"), "did you mean '{{token}}'?"),
            (
                capture("t = \"jso:/t\""),
                "setup_request 1: capture: t = 'jso:/t': write json:/POINTER",
            ),
            (capture("t = \"json:t\""), "a JSON pointer begins with /"),
            (capture("t = \"header:a b\""), "'a b' is not a header name"),
            (capture("t = \"regex:(\""), "it is not a regular expression"),
            (capture("line = \"json:/t\""), "'line' has a meaning of its own"),
            (capture("\"a b\" = \"json:/t\""), "use letters, digits"),
            (
                format!("{LOGIN}{LOGIN}"),
                "setup_request 2: capture: an earlier setup request captures",
            ),
            ("[[setup_request]]\nweight = 1\n".to_owned(), "sent in turn"),
            ("[[setup_request]]\ncookies = true\n".to_owned(), "write it in [request]"),
            ("[[setup_request]]\nexpect = { command = \"x\" }\n".to_owned(), "leave it out"),
            ("[[setup_request]]\npath = \"x\"\n".to_owned(), "s: setup_request 1: path = 'x'"),
            ("[setup_request]\npath = \"x\"\n".to_owned(), "write [[setup_request]] with two"),
        ] {
            let message = parse(&format!("{lines}{tail}")).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
        let mixed =
            format!("{SCENARIO}requests_mix = [{{ cookies = true }}, {{ path = \"/b\" }}]\n");
        assert!(parse(&mixed).unwrap_err().contains("share its connections"));
    }
}
