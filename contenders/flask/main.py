"""Answers GET / with {"message":"pong"}: Flask's own development server."""

import os

from flask import Flask, Response, json

app = Flask(__name__)


@app.get("/")
def ping():
    # jsonify would end the body in a newline, which no other contender sends.
    body = json.dumps({"message": "pong"}, separators=(",", ":"))
    return Response(body, mimetype="application/json")


if __name__ == "__main__":
    app.run(
        host=os.environ.get("HOST") or "127.0.0.1",
        port=int(os.environ.get("PORT") or 5000),
    )
