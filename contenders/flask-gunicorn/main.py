"""Answers GET / with {"message":"pong"}: the same Flask application, for gunicorn."""

from flask import Flask, Response, json

app = Flask(__name__)


@app.get("/")
def ping():
    # jsonify would end the body in a newline, which no other contender sends.
    body = json.dumps({"message": "pong"}, separators=(",", ":"))
    return Response(body, mimetype="application/json")
