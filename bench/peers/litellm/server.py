"""
LiteLLM's proxy as it is shipped, in front of workers that it posts to as it posts to any OpenAI-compatible service.
It reads the addresses of all of them from its configuration at its start, so this waits until they have registered,
writes that file, and becomes the proxy, under the same process id.
"""

import ctypes
import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

PR_SET_PDEATHSIG = 1

setting = json.loads(os.environ["PEER_SETTING"])
workers = []


class Registry(BaseHTTPRequestHandler):
    """Takes the addresses of one process's workers."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        workers.extend(json.loads(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_config(path):
    params = [{"model": "openai/" + setting["model"], "api_base": url, "api_key": "none"} for url in workers]
    models = [{"model_name": setting["model"], "litellm_params": one} for one in params]
    quiet = {"telemetry": False, "num_retries": 0, "set_verbose": False}
    # JSON is YAML.
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"model_list": models, "litellm_settings": quiet}, file)


# It ends with the runner, as all processes of peers do.
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
port = free_port()
registry = HTTPServer(("127.0.0.1", 0), Registry)
urls = {"url": f"http://127.0.0.1:{port}", "registry": f"http://127.0.0.1:{registry.server_port}"}
print("ready " + json.dumps(urls), flush=True)
while len(workers) < setting["workers"]:
    registry.handle_request()
registry.server_close()
config = os.path.join(setting["folder"], "litellm.yaml")
write_config(config)
# It would fetch the prices of all models, and print each request.
os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR", LITELLM_MODE="PRODUCTION")
litellm = os.path.join(os.path.dirname(sys.executable), "litellm")
os.execv(litellm, [litellm, "--config", config, "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"])
