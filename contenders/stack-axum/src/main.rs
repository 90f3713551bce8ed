//! The six kinds of work of the suite `stack` with axum and tokio-postgres.

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::NoTls;

const ROWS: i32 = 10_000;
const MOST_QUERIES: usize = 500;
const CONNECTIONS: usize = 16;

const SELECT_WORLD: &str = "SELECT id, random_number FROM world WHERE id = $1";
const SELECT_FORTUNES: &str = "SELECT id, message FROM fortune";
const UPDATE_WORLDS: &str = "UPDATE world SET random_number = changed.random_number \
     FROM unnest($1::integer[], $2::integer[]) AS changed (id, random_number) \
     WHERE world.id = changed.id";

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Serialize)]
struct World {
    id: i32,
    #[serde(rename = "randomNumber")]
    random_number: i32,
}

struct Fortune {
    id: i32,
    message: String,
}

#[derive(Template)]
#[template(path = "fortunes.html")]
struct Fortunes {
    fortunes: Vec<Fortune>,
}

/// As text, because a request may have a value that is not a number.
#[derive(Deserialize)]
struct Asked {
    queries: Option<String>,
}

impl Asked {
    /// 1 if the value is not a number, at most 500.
    fn count(&self) -> usize {
        let number = self.queries.as_deref().and_then(|text| text.parse::<i64>().ok());
        let number = number.unwrap_or(1).max(1);
        usize::try_from(number).unwrap_or(MOST_QUERIES).min(MOST_QUERIES)
    }
}

/// What went wrong, as a response with status 500.
struct Failure(String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0).into_response()
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self(error.to_string())
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(error.to_string())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = connect(&env::var("DATABASE")?).await?;
    let port = env::var("PORT")?.parse()?;
    let router = Router::new()
        .route("/plaintext", get(async || "Hello, World!"))
        .route("/json", get(async || Json(Message { message: "Hello, World!" })))
        .route("/db", get(db))
        .route("/queries", get(queries))
        .route("/fortunes", get(fortunes))
        .route("/updates", get(updates))
        .with_state(pool);
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let ended = async move {
        terminate.recv().await;
    };
    axum::serve(listener, router).with_graceful_shutdown(ended).await?;
    Ok(())
}

/// Opens all connections at the start, as the other contenders do.
async fn connect(url: &str) -> Result<Pool, Box<dyn Error>> {
    let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(url.parse()?, NoTls, config);
    let pool = Pool::builder(manager).max_size(CONNECTIONS).build()?;
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        held.push(pool.get().await?);
    }
    drop(held);
    Ok(pool)
}

async fn db(State(pool): State<Pool>) -> Result<Json<World>, Failure> {
    let client = pool.get().await?;
    Ok(Json(world(&client, random_id()).await?))
}

async fn queries(
    State(pool): State<Pool>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<World>>, Failure> {
    let client = pool.get().await?;
    let mut worlds = Vec::with_capacity(asked.count());
    for _ in 0..asked.count() {
        worlds.push(world(&client, random_id()).await?);
    }
    Ok(Json(worlds))
}

async fn updates(
    State(pool): State<Pool>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<World>>, Failure> {
    // In ascending order: two updates that lock rows in different orders could deadlock.
    let mut ids = BTreeSet::new();
    while ids.len() < asked.count() {
        ids.insert(random_id());
    }
    let client = pool.get().await?;
    let mut worlds = Vec::with_capacity(ids.len());
    for id in ids {
        let found = world(&client, id).await?;
        worlds.push(World { random_number: random_id(), ..found });
    }
    let ids: Vec<i32> = worlds.iter().map(|world| world.id).collect();
    let numbers: Vec<i32> = worlds.iter().map(|world| world.random_number).collect();
    let statement = client.prepare_cached(UPDATE_WORLDS).await?;
    client.execute(&statement, &[&ids, &numbers]).await?;
    Ok(Json(worlds))
}

async fn fortunes(State(pool): State<Pool>) -> Result<Html<String>, Failure> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(SELECT_FORTUNES).await?;
    let rows = client.query(&statement, &[]).await?;
    let of = |row: &tokio_postgres::Row| Fortune { id: row.get(0), message: row.get(1) };
    let mut fortunes: Vec<Fortune> = rows.iter().map(of).collect();
    let message = "A fortune added at the time of the request.".to_owned();
    fortunes.push(Fortune { id: 0, message });
    fortunes.sort_by(|one, other| one.message.cmp(&other.message));
    let page = Fortunes { fortunes }.render().map_err(|error| Failure(error.to_string()))?;
    Ok(Html(page))
}

async fn world(client: &Client, id: i32) -> Result<World, Failure> {
    let statement = client.prepare_cached(SELECT_WORLD).await?;
    let row = client.query_one(&statement, &[&id]).await?;
    Ok(World { id: row.get(0), random_number: row.get(1) })
}

fn random_id() -> i32 {
    fastrand::i32(1..=ROWS)
}
