"""The embedded model's own process: llama.cpp behind a key on 127.0.0.1.

It is a process and not a thread because llama.cpp holds Python's global lock while it loads a
model, for seconds, and nobody could type meanwhile. `providers.engine_run` starts this file as a
script and talks with it in three steps:

1. the parent writes one line of JSON to stdin: a `Request`. The key travels there because other
   users can read a command line, and children inherit an environment;
2. the child answers one line of JSON on stdout: `{"address": …, "context_window": …}`, in tokens,
   or `{"error": …}`;
3. the child serves until stdin ends. The kernel closes it with the parent, however that ends, so
   no engine outlives its chat.

It imports nothing of chatcli and next to nothing else: what it imports delays the first reply.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypedDict

if TYPE_CHECKING:
    import xllamacpp

# Longer contexts than this are cut: models are trained on up to a million tokens, and llama.cpp
# would fill the memory with room for them before the first word.
LONGEST_CONTEXT = 16_384

# States of earlier prompts that llama.cpp keeps, so that going back to a branch is quick.
PROMPT_CACHE_MIB = 512

ERRORS_ONLY = 1


class Request(TypedDict):
    """What the parent asks for.

    `weights` is the path of a GGUF file, `name` is what the endpoint calls the model, and
    `context` is the most tokens that are to fit, 0 for `LONGEST_CONTEXT`.
    """

    weights: str
    name: str
    api_key: str
    context: int


def main() -> None:
    report_to = _keep_stdout_for_the_report()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    request: Request = json.loads(sys.stdin.buffer.readline())
    _end_when_stdin_ends()
    try:
        server = _serve(request)
        report: dict[str, object] = {
            "address": server.listening_address,
            "context_window": _context_window(server.listening_address, request["api_key"]),
        }
    except Exception as error:  # noqa: BLE001  whatever it was, the parent puts it into words
        report = {"error": f"{type(error).__name__}: {error}"}
        server = None
    report_to.write(json.dumps(report) + "\n")
    report_to.close()
    if server is not None:
        sys.stdin.buffer.read()
    # Nothing here is worth a tidy end, and llama.cpp's own waits for the reply that it is writing.
    os._exit(0)


def _keep_stdout_for_the_report() -> TextIO:
    """Take stdout away from C++ libraries, which print there what nobody asked for."""
    mine = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(mine, "w", encoding="utf-8")


def _end_when_stdin_ends() -> None:
    """Die with the parent even while llama.cpp holds the lock that Python would need to notice.

    Linux sends SIGIO when the other end of a pipe closes, and its default is to end the process.
    Elsewhere the end is noticed once the model is loaded.
    """
    if sys.platform != "linux":
        return
    import fcntl  # Windows has none

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def _serve(request: Request) -> xllamacpp.Server:
    # Threads that wait for each other by spinning lose nearly everything when another program wants
    # a core: two threads on two cores fell from 80 tokens a second to 2. Read when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp  # optional, and its failure is to be reported

    params = xllamacpp.CommonParams()
    params.model.path = request["weights"]
    params.model_alias = {request["name"]}
    params.n_ctx = _context(Path(request["weights"]), request["context"] or LONGEST_CONTEXT)
    params.n_parallel = 1
    params.cpuparams.n_threads = _threads()
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.warmup = False

    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [request["api_key"]]
    params.cors_origins = ""
    params.endpoint_slots = False
    params.ui = False
    params.verbosity = ERRORS_ONLY
    return xllamacpp.Server(params)


def _context(weights: Path, longest: int) -> int:
    """`longest`, or 0 where the model was trained on less: then llama.cpp takes what fits.

    The number of tokens it was trained on stands in the GGUF header, before the large vocabulary:
    the key `ARCHITECTURE.context_length`, the type 4 for uint32, and the value.
    https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
    """
    with weights.open("rb") as file:
        head = file.read(1 << 20)
    found = re.search(rb"\.context_length\x04\0\0\0(.{4})", head, re.DOTALL)
    trained = int.from_bytes(found[1], "little") if found else 0
    return longest if trained > longest else 0


def _threads() -> int:
    """Half of the processors that this process may use.

    That is the number of cores where each counts as two processors. Where it doesn't, the other
    half stays free for the screen, and memory bounds the speed of generation anyway.
    """
    if sys.platform == "linux":
        return max(1, len(os.sched_getaffinity(0)) // 2)
    return max(1, (os.cpu_count() or 1) // 2)


def _context_window(address: str, api_key: str) -> int:
    # Not urllib, which would ask the proxy of the environment for 127.0.0.1.
    connection = HTTPConnection(address.removeprefix("http://"), timeout=10)
    connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {api_key}"})
    with connection.getresponse() as response:
        return int(json.load(response)["data"][0]["meta"]["n_ctx"])


if __name__ == "__main__":
    main()
