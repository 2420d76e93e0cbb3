#!/bin/sh
# asciinema 2.4.0 plays a recording from a file, and refuses the same bytes over HTTP, where a program had printed a line
# separator (U+2028): JSON may hold it as it is, but over HTTP the file is read by Python's codecs.StreamReader, which ends a
# line there. The same goes for U+2029 and U+0085. Needs Python 3.9 or newer with pip.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet asciinema==2.4.0
cat >try.py <<'PYTHON'
import http.server
import json
import subprocess
import sys
import threading
from importlib.metadata import version

print("asciinema", version("asciinema"))
event = json.dumps([0.01, "o", "one\u2028two"], ensure_ascii=False)
with open("demo.cast", "w", encoding="utf-8") as file:
    file.write('{"version": 2, "width": 80, "height": 24}\n' + event + "\n")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *about):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()


def shown(place):
    done = subprocess.run([sys.executable, "-m", "asciinema", "cat", place], capture_output=True, encoding="utf-8")
    return done.stdout.strip() if done.returncode == 0 else "refused: " + done.stderr.strip().splitlines()[-1]


from_file, over_http = shown("demo.cast"), shown(f"http://127.0.0.1:{server.server_port}/demo.cast")
print("from a file: expected", repr("one\u2028two"), "seen", repr(from_file))
print("over HTTP:   expected the same, seen", repr(over_http))
sys.exit(0 if from_file == "one\u2028two" and over_http.startswith("refused") else 1)
PYTHON
env/bin/python try.py
