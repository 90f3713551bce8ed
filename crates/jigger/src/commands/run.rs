//! `jigger run`: a suite to its report. `jigger compare`: servers that are running already.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jigger_load::{Http, TlsClient, Url};
use toml::{Table, Value};

use super::asked::Asked;
use super::load::{CONNECT_LIMIT, first_address};
use super::{Exit, measure, spoken, tls};
use crate::cli::{CompareArgs, RunArgs};
use crate::pipeline;
use crate::plan::Options;
use crate::prepare::Images;
use crate::suite::Suite;

pub fn run(args: &RunArgs) -> Result<Exit> {
    let options = args.options.clone();
    let suite = Suite::read(&super::suite_name(args.suite.as_deref()), &options.selection)?;
    let images = match options.no_images {
        true => Images::Skip,
        false => Images::detect(&suite, options.engine.as_deref()),
    };
    measure(&pipeline::plan(suite, options)?, images, &args.output)
}

/// A warm-up before `compare` takes so many times the scenario's length at most, so that a short
/// look is one; within these bounds. The servers run already and stay warm from one visit to the
/// next.
const WARM_UP_DURATIONS: u32 = 10;
const SHORTEST_CAP: Duration = Duration::from_secs(1);
const LONGEST_CAP: Duration = Duration::from_secs(10);
const WINDOW: Duration = Duration::from_millis(200);

pub fn compare(args: &CompareArgs) -> Result<Exit> {
    let text = suite_text(args)?;
    let suite = Suite::parse(&text, "the command line", Path::new("/"))?;
    let (method, cores) = (args.method.clone(), args.cores.clone());
    let options = Options { method, cores, ..Options::default() };
    measure(&pipeline::plan(suite, options)?, Images::Skip, &args.output)
}

/// The suite that these arguments stand for; it is kept in the record as any other.
fn suite_text(args: &CompareArgs) -> Result<String> {
    let cap = (args.duration.length * WARM_UP_DURATIONS).clamp(SHORTEST_CAP, LONGEST_CAP);
    let mut text = format!(
        "[suite]\nname = \"compare\"\nwarm_up = {{ window = \"{}ms\", cap = \"{}ms\" }}\n",
        (cap / 10).min(WINDOW).as_millis(),
        cap.as_millis()
    );
    let asked = Asked::read(&args.asked)?;
    write_table(&mut text, "[expect]", expect_keys(args))?;
    write_table(&mut text, "[request]", asked.request_keys()?)?;
    let options = args.tls.options();
    let is_https = |server: &str| server.contains("=https://");
    if !args.servers.iter().any(|server| is_https(server)) {
        tls::refuse_unused(&options, "no server has an https:// URL")?;
    }
    for server in &args.servers {
        if args.spoken.grpc {
            let (name, url) = name_and_url(server)?;
            asked.call(&Url::parse(url)?).with_context(|| name.to_owned())?;
        }
        let mut contender = contender_keys(server, asked.replaces_path())?;
        if is_https(server) {
            contender.extend(tls::keys(&options)?.map(|keys| ("tls".to_owned(), keys)));
        }
        write_table(&mut text, "[[contender]]", contender)?;
    }
    let http = spoken_with_all(args)?;
    let streams = args.spoken.streams_over(http)?;
    let (connections, duration) = (args.connections, &args.duration.text);
    let sequential = keys([("name", "sequential".into()), ("requests", 250.into())]);
    let saturation = keys([
        ("name", "saturation".into()),
        ("connections", connections.into()),
        ("duration", duration.as_str().into()),
    ]);
    for (mut scenario, streams) in [(sequential, 1), (saturation, streams)] {
        if http == Http::V2 {
            let streams = i64::try_from(streams)?;
            let protocol = if args.spoken.grpc { "grpc" } else { "h2" };
            scenario.extend(keys([("protocol", protocol.into()), ("streams", streams.into())]));
        }
        let each = args.spoken.requests_per_connection.map(i64::from);
        scenario.extend(keys(each.map(|each| ("requests_per_connection", each.into()))));
        scenario.insert("timeout".to_owned(), args.timeout.text.as_str().into());
        scenario.extend(asked.mix_keys()?.map(|mix| ("requests_mix".to_owned(), mix)));
        scenario.extend(asked.replay_key()?.map(|file| ("requests_file".to_owned(), file)));
        write_table(&mut text, "[[scenario]]", scenario)?;
    }
    Ok(text)
}

/// What is spoken with all servers, each of which may choose.
fn spoken_with_all(args: &CompareArgs) -> Result<Http> {
    let (version, mut chosen) = (args.spoken.version()?, Vec::new());
    if let Some(http) = version.fixed() {
        return Ok(http);
    }
    for server in &args.servers {
        let (name, text) = name_and_url(server)?;
        let url = Url::parse(text)?;
        let tls = url.is_https().then(|| TlsClient::new(&args.tls.options(), url.host()));
        let (tls, address) = (tls.transpose()?, first_address(&url)?);
        let limit = CONNECT_LIMIT.max(args.timeout.length);
        chosen.push((name, spoken::http(version, text, &address, tls.as_ref(), limit)?));
    }
    let Some((first, http)) = chosen.first().copied() else { return Ok(Http::V1) };
    match chosen.iter().find(|(_, other)| *other != http) {
        None => Ok(http),
        Some((other, _)) => {
            let (newer, older) = if http == Http::V2 { (first, *other) } else { (*other, first) };
            bail!(
                "--http auto: {newer} chooses HTTP/2 and {older} HTTP/1.1, but all servers of a \
                 comparison need the same version; pass --http 1.1, or turn on HTTP/2 in {older} \
                 and pass --http 2"
            )
        }
    }
}

fn expect_keys(args: &CompareArgs) -> Table {
    let status = args.expect_status.map(|status| ("status", Value::from(i64::from(status))));
    let body = args.expect_body.as_ref().map(|text| ("text", text.as_str().into()));
    keys([status, body].into_iter().flatten())
}

fn contender_keys(server: &str, replaces_path: bool) -> Result<Table> {
    let (name, url) = name_and_url(server)?;
    let url = match Url::parse(url) {
        Ok(url) if replaces_path => format!("{}/", url.origin()),
        _ => url.to_owned(),
    };
    Ok(keys([("name", name.into()), ("url", url.into())]))
}

fn name_and_url(server: &str) -> Result<(&str, &str)> {
    let Some(parts) = server.split_once('=') else {
        bail!("'{server}' is not NAME=URL; write for instance gin=http://127.0.0.1:8080/");
    };
    Ok(parts)
}

fn keys<'a>(keys: impl IntoIterator<Item = (&'a str, Value)>) -> Table {
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A table with a line for each of its keys; nothing for one without.
fn write_table(text: &mut String, head: &str, keys: Table) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    write!(text, "\n{head}\n")?;
    for (key, value) in keys {
        writeln!(text, "{key} = {value}")?;
    }
    Ok(())
}
