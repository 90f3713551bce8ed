//! Waiting for the first correct response, and each way of not getting it.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use crate::world::{PATIENCE, World};
use jigger::server::port::Ports;
use jigger::server::ready::{NotReady, PROBE_INTERVAL, Probe, WRONG_LIMIT, wait_ready};
use jigger::server::{Diagnostic, Exit, Server};

const NEVER: &dyn Fn() -> bool = &|| false;

/// How long a probe waits for a response that may never come.
const SHORT: Duration = Duration::from_millis(20);

/// Responds to each connection with the next of `ANSWERS`, the last for ever; `-` is no response.
const ANSWERER: &str = "
import os, socket
listener = socket.create_server((os.environ.get('HOST', '127.0.0.1'), int(os.environ['PORT'])))
answers, open_ones = os.environ['ANSWERS'].split(','), []
while True:
    connection, _ = listener.accept()
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    if answer == '-': open_ones.append(connection)
    else: connection.sendall(answer.encode()); connection.close()
";

fn responder(port: u16, answers: &str) -> World {
    let world = World::python(ANSWERER);
    world.with_variable("PORT", &port.to_string()).with_variable("ANSWERS", answers)
}

fn free_port() -> u16 {
    static PORTS: LazyLock<Mutex<Ports>> = LazyLock::new(Mutex::default);
    PORTS.lock().unwrap().pick().unwrap()
}

fn probe_once(port: u16, patience: Duration) -> Probe {
    let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)) else {
        return Probe::NotListening;
    };
    connection.set_read_timeout(Some(patience)).unwrap();
    let mut answer = String::new();
    match connection.read_to_string(&mut answer) {
        Ok(_) if answer == "pong" => Probe::Correct,
        Ok(_) => Probe::Wrong(format!("body {answer:?}")),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Probe::NoResponse(format!("nothing within {} ms", patience.as_millis()))
        }
        Err(error) => Probe::NoResponse(error.to_string()),
    }
}

fn outcome(server: &mut Server, port: u16, limit: Duration) -> Result<Duration, NotReady> {
    wait_ready(server, &mut || probe_once(port, SHORT), limit, NEVER)
}

#[test]
fn wrong_responses_at_first_do_not_matter_once_a_correct_one_comes() {
    let port = free_port();
    let mut server = responder(port, "starting,-,pong").start();
    let ready = outcome(&mut server, port, PATIENCE).unwrap();
    assert!(ready > Duration::ZERO && ready <= server.elapsed_since_spawn());
    assert_eq!(server.listening(), [format!("127.0.0.1:{port}").parse().unwrap()]);
    server.stop().unwrap();
}

#[test]
fn a_daemon_becomes_ready_after_its_first_process_has_ended() {
    let port = free_port();
    let mut world = responder(port, "pong");
    let source = format!("import os\nif os.fork(): os._exit(0)\nos.setsid()\n{ANSWERER}");
    *world.spec.argv.last_mut().unwrap() = source;
    let mut server = world.start();
    outcome(&mut server, port, PATIENCE).unwrap();
    assert_eq!(server.exit(), None);
    server.stop().unwrap();
    assert_eq!(world.marked(), [0; 0]);
}

#[test]
fn a_server_that_ends_at_once_is_not_waited_for() {
    let world = World::new(&["sh", "-c", "echo no module named app; exit 7"]);
    let (mut server, begun) = (world.start(), Instant::now());
    let error = outcome(&mut server, free_port(), PATIENCE).unwrap_err();
    assert!(begun.elapsed() < PATIENCE);
    assert!(matches!(&error, NotReady::Exited { exit: Exit::Code(7), .. }), "{error:?}");
    assert!(error.to_string().contains("exit code 7"), "{error}");
    assert_eq!(server.log_tail(1), "no module named app");
}

#[test]
fn a_server_on_another_port_is_told_where_it_listens() {
    let (probed, taken) = (free_port(), free_port());
    let world = responder(taken, "pong");
    let mut server = world.start();
    let error = error_once_listening(&mut server, probed, SHORT);
    let address = format!("127.0.0.1:{taken}").parse().unwrap();
    let NotReady::NeverListened { elsewhere, .. } = &error else { panic!("{error:?}") };
    assert_eq!(elsewhere, &[address]);
    assert!(error.in_full().contains(&format!("it listens on {address} instead")));
}

/// Lets the time run out only when the server listens somewhere: after one probe.
fn error_once_listening(server: &mut Server, probed: u16, patience: Duration) -> NotReady {
    crate::world::until("listens", || !server.listening().is_empty());
    let limit = server.elapsed_since_spawn();
    wait_ready(server, &mut || probe_once(probed, patience), limit, NEVER).unwrap_err()
}

#[test]
fn a_server_that_listens_nowhere_is_said_to() {
    let mut server = World::new(&["sleep", "1000"]).start();
    let error = outcome(&mut server, free_port(), SHORT).unwrap_err();
    let NotReady::NeverListened { elsewhere, .. } = &error else { panic!("{error:?}") };
    assert!(elsewhere.is_empty());
    assert!(error.in_full().contains("nowhere else"));
}

#[test]
fn the_last_wrong_response_is_shown() {
    let port = free_port();
    let mut server = responder(port, "ping").start();
    let error = error_once_listening(&mut server, port, PATIENCE);
    assert!(matches!(error, NotReady::WrongResponse { .. }), "{error:?}");
    assert!(error.to_string().contains("body \"ping\""), "{error}");
}

/// The limit is reached where that rule does not hold.
#[test]
fn a_server_that_responds_wrongly_is_waited_for_only_while_it_can_be_starting() {
    let port = free_port();
    let mut server = responder(port, "ping").start();
    let begun = Instant::now();
    let error = outcome(&mut server, port, PATIENCE).unwrap_err();
    let NotReady::WrongResponse { within, .. } = &error else { panic!("{error:?}") };
    assert!(*within >= WRONG_LIMIT && begun.elapsed() < PATIENCE, "{error:?}");
    assert!(error.to_string().contains("body \"ping\""), "{error}");
}

/// However long it says so, and however long it responds wrongly in between.
#[test]
fn a_server_that_says_that_it_is_not_ready_is_waited_for() {
    let port = free_port();
    let mut server = responder(port, "pong").start();
    let begun = Instant::now();
    let mut probe = || match begun.elapsed() {
        elapsed if elapsed < WRONG_LIMIT + SHORT => Probe::NotReadyYet("status 503".to_owned()),
        _ => probe_once(port, SHORT),
    };
    let ready = wait_ready(&mut server, &mut probe, PATIENCE, NEVER).unwrap();
    assert!(ready > WRONG_LIMIT, "{ready:?}");
    server.stop().unwrap();
}

#[test]
fn a_server_that_does_not_respond_hangs() {
    let port = free_port();
    let mut server = responder(port, "-").start();
    let error = error_once_listening(&mut server, port, SHORT);
    assert!(matches!(error, NotReady::Hung { .. }), "{error:?}");
    assert!(error.to_string().contains("nothing within 20 ms"), "{error}");
}

#[test]
fn an_interrupt_ends_the_waiting() {
    let mut server = World::new(&["sleep", "1000"]).start();
    let probes = Cell::new(0);
    let mut probe = || {
        probes.set(probes.get() + 1);
        Probe::NotListening
    };
    let outcome = wait_ready(&mut server, &mut probe, PATIENCE, &|| probes.get() == 3);
    assert_eq!(outcome, Err(NotReady::Interrupted));
}

/// The quickest of many, since a busy machine can delay any of them. A wait in the kernel's ticks,
/// which are 4 ms long on many machines, would delay all.
#[test]
fn probes_follow_each_other_after_one_millisecond() {
    let mut server = World::new(&["sleep", "1000"]).start();
    let begun = RefCell::new(Vec::new());
    let mut probe = || {
        begun.borrow_mut().push(Instant::now());
        Probe::NotListening
    };
    let outcome = wait_ready(&mut server, &mut probe, PATIENCE, &|| begun.borrow().len() == 100);
    assert_eq!(outcome, Err(NotReady::Interrupted));
    let begun = begun.into_inner();
    let quickest = begun.windows(2).map(|two| two[1] - two[0]).min().unwrap();
    assert!(quickest > PROBE_INTERVAL / 2 && quickest < 2 * PROBE_INTERVAL, "{quickest:?}");
}
