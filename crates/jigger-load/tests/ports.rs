//! A machine that runs out of local ports: in a network namespace of its own, where the kernel may
//! use a hundred.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jigger_load::{
    ConnectionPolicy, ErrorKind, Extent, Load, NullOptions, NullServer, Request, Url, run,
};
use std::ops::ControlFlow;
use std::process::Command;

const INSIDE: &str = "JIGGER_TEST_IN_NAMESPACE";
const NAME: &str = "fresh_connections_that_use_up_the_ports_say_so_and_how_to_go_on";

#[test]
fn fresh_connections_that_use_up_the_ports_say_so_and_how_to_go_on() {
    if std::env::var_os(INSIDE).is_none() {
        return again_in_a_namespace();
    }
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
    assert!(up.expect("ip is missing: install iproute2").success());
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40099").unwrap();
    // Otherwise a port in TIME_WAIT can be had again after a second, which a slow machine takes.
    std::fs::write("/proc/sys/net/ipv4/tcp_tw_reuse", "0").unwrap();
    let server = NullServer::start(&NullOptions::default()).unwrap();
    let url = Url::parse("http://localhost/").unwrap();
    let load = Load {
        connection: ConnectionPolicy::Fresh,
        extent: Extent::Count(150),
        ..Load::new(server.address().clone(), Request::get(&url))
    };
    let sample = run(&load, &mut |_| ControlFlow::Continue(())).unwrap();
    let failed = sample.errors.count(ErrorKind::LocalLimit);
    assert!(failed > 0, "{:?}", sample.errors);
    assert_eq!((sample.requests + failed, sample.errors.total()), (150, failed));
    let message = sample.errors.first(ErrorKind::LocalLimit).unwrap();
    assert!(message.contains("TIME_WAIT: use keep-alive"), "{message}");
}

/// Root in a user namespace of one's own may make a network namespace, whoever one is outside.
fn again_in_a_namespace() {
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare is missing: install util-linux");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
}
