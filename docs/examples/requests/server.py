"""Items, kept in memory: GET /items/ID, POST /items, DELETE /items/ID."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INDENT = 2 if "--indent" in sys.argv else None
SEEN = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.respond(200, {"item": self.path.rpartition("/")[2]})

    def do_DELETE(self):
        self.respond(204, None)

    def do_POST(self):
        item = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != "Bearer secret":
            self.respond(401, {"error": "who are you?"})
        elif self.headers["Content-Type"] not in ("application/json", None):
            self.respond(415, {"error": "JSON, please"})
        elif item["id"] in SEEN:
            self.respond(409, {"error": "there is one already"})
        else:
            SEEN.add(item["id"])
            self.respond(201, {"ok": bool(item["name"])})

    def respond(self, status, value):
        body = b"" if value is None else json.dumps(value, indent=INDENT).encode()
        self.send_response(status)
        if value is not None:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
