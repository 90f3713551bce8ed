//! A machine that runs out of files; in a process of its own, as the limit holds for all of it.

use jigger_load::{ErrorKind, Extent, Load, LoadError, NullOptions, NullServer, Request, Url, run};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::ops::ControlFlow;
use std::time::Duration;

const LIMIT: u64 = 200;

#[test]
fn running_out_of_files_is_an_error_of_its_own_kind_with_a_remedy() {
    let server = NullServer::start(&NullOptions::default()).unwrap();
    let limit = Rlimit { current: Some(LIMIT / 2), maximum: Some(LIMIT) };
    setrlimit(Resource::Nofile, limit).unwrap();
    let url = Url::parse("http://localhost/").unwrap();
    let load = Load {
        connections: 1000,
        extent: Extent::Time(Duration::from_millis(200)),
        ..Load::new(server.address().clone(), Request::get(&url))
    };
    let error = run(&load, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, LoadError::OpenFiles { limit: LIMIT, .. }), "{error}");
    assert!(error.to_string().contains("ulimit -n 1033"), "{error}");
    assert_eq!(getrlimit(Resource::Nofile).current, Some(LIMIT), "the soft limit was raised");
    // Few enough by the limit, but other parts of the process hold all files but ten.
    let mut held: Vec<File> = (0..LIMIT).map_while(|_| File::open("/dev/null").ok()).collect();
    held.truncate(held.len() - 10);
    let sample =
        run(&Load { connections: 50, ..load }, &mut |_| ControlFlow::Continue(())).unwrap();
    let message = sample.errors.first(ErrorKind::LocalLimit).unwrap();
    assert!(message.contains("ulimit -n"), "{message}");
    assert_eq!(sample.errors.count(ErrorKind::LocalLimit), sample.errors.total());
}
