"""Ten durable steps on DBOS, for `cargo xtask bench peers`.

DBOS is a library: what serves it is the application's. Here that is Python's own threaded HTTP server, which
runs the workflow in the thread of its connection: `POST /` with a number gives that number and ten. Called in
process by threads instead, it would be spared some 0.3 ms a request, of twenty and more, and could not be measured
by the same load as the others.

DBOS has its defaults, on a SQLite file in the folder that is named on the command line. Prints where it serves,
and runs until it is killed.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dbos import DBOS

STEPS = 10


@DBOS.step()
def add_one(count: int) -> int:
    return count + 1


@DBOS.workflow()
def ten(count: int) -> int:
    for _ in range(STEPS):
        count = add_one(count)
    return count


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    # Headers and body are two writes: without this the second waits for the first to be acknowledged.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        begin = json.loads(self.rfile.read(int(self.headers["content-length"])))
        try:
            status, body = 200, json.dumps(ten(begin)).encode()
        except Exception as error:  # Whatever it is, the load is told and ends.
            status, body = 500, repr(error).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Not a line a request: that would be measured too."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # The load opens all of its connections at once.
    request_queue_size = 128


if __name__ == "__main__":
    DBOS(
        config={
            "name": "ten",
            "system_database_url": f"sqlite:///{sys.argv[1]}/ten.sqlite",
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    server = Server(("127.0.0.1", 0), Handler)
    print(f"ready at http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
