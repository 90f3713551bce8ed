"""The six kinds of work of the suite `stack` with Flask and psycopg, for gunicorn."""

import os
import random
from operator import itemgetter

from flask import Flask, Response, json, render_template, request
from psycopg_pool import ConnectionPool

ROWS = 10_000
MOST_QUERIES = 500
# Per worker process; there are two.
CONNECTIONS = 8

SELECT_WORLD = "SELECT id, random_number FROM world WHERE id = %s"
SELECT_FORTUNES = "SELECT id, message FROM fortune"
UPDATE_WORLDS = """UPDATE world SET random_number = changed.random_number
    FROM unnest(%s::integer[], %s::integer[]) AS changed (id, random_number)
    WHERE world.id = changed.id"""

app = Flask(__name__)
pool = ConnectionPool(
    os.environ["DATABASE"],
    min_size=CONNECTIONS,
    max_size=CONNECTIONS,
    # Prepares statements at their first use, as the other contenders do.
    kwargs={"autocommit": True, "prepare_threshold": 0},
    open=True,
)


@app.get("/plaintext")
def plaintext():
    return Response("Hello, World!", mimetype="text/plain")


@app.get("/json")
def message():
    return as_json({"message": "Hello, World!"})


@app.get("/db")
def db():
    with pool.connection() as connection:
        return as_json(world(connection, random_id()))


@app.get("/queries")
def queries():
    with pool.connection() as connection:
        return as_json([world(connection, random_id()) for _ in range(count())])


@app.get("/updates")
def updates():
    # In ascending order: two updates that lock rows in different orders could deadlock.
    ids = sorted(random.sample(range(1, ROWS + 1), count()))
    with pool.connection() as connection:
        worlds = [world(connection, row) | {"randomNumber": random_id()} for row in ids]
        numbers = [found["randomNumber"] for found in worlds]
        connection.execute(UPDATE_WORLDS, (ids, numbers))
    return as_json(worlds)


@app.get("/fortunes")
def fortunes():
    with pool.connection() as connection:
        found = connection.execute(SELECT_FORTUNES).fetchall()
    found.append((0, "A fortune added at the time of the request."))
    found.sort(key=itemgetter(1))
    return render_template("fortunes.html", fortunes=found)


def world(connection, row):
    found = connection.execute(SELECT_WORLD, (row,)).fetchone()
    return {"id": found[0], "randomNumber": found[1]}


def count():
    """The requested number of rows: 1 if the parameter is not a number, at most 500."""
    try:
        asked = int(request.args.get("queries", ""))
    except ValueError:
        return 1
    return min(max(asked, 1), MOST_QUERIES)


def random_id():
    return random.randint(1, ROWS)


def as_json(value):
    # jsonify would end the body in a newline, which no other contender sends.
    return Response(json.dumps(value, separators=(",", ":")), mimetype="application/json")
