#!/usr/bin/env python3
"""moto's S3, DynamoDB and DynamoDB Streams on a free loopback port, one request at a time.

Prints the port. Ends when standard input ends, so that it never outlives the test that holds it.
One at a time, since moto's `moto_server` lets two transactions at a time both pass their
conditions (seen: two alerts with one number), which DynamoDB's never do.
"""
import os, sys, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
print(server.server_port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
