"""Nothing that others wrote drives a real terminal, wherever in the program it is shown."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from chatcli.terminal.answers import BACKGROUND, LAST, NAME
from chatcli.terminal.sanitize import clean
from chatcli.terminal.theme import STYLES, UNICODE
from tests.support.edits import rewrite
from tests.support.mischief import Fault, answer, stream
from tests.support.piped import surroundings
from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.protocol import Reply, encode, error_body
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.terminal.hostile import (
    FORMS,
    MARKUP,
    OURS,
    PAYLOADS,
    hostile_session,
    storable,
    strangeness,
)
from tests.test_chat_on_a_terminal import chat

NAMES = storable(PAYLOADS)
TYPED = [
    each for each in NAMES if clean(each).strip() and not re.search(r"\x1b\[201~|[\n\r]", each)
]
PERSONAS = 46
ASKED = BACKGROUND.text + NAME.text + LAST.text  # what the terminal is
ECHOED = f"\x1b[{STYLES['you'].sgr}m{UNICODE.prompt}".encode()
FENCE = "```\n" + "\n".join(f"{number}: {each}" for number, each in enumerate(PAYLOADS)) + "\n```"
BLOCKS = "\n\n".join(
    list(FORMS.values())[number % len(FORMS)](each)
    for number, each in enumerate([*PAYLOADS, *MARKUP])
)
EVERYTHING = f"{FENCE}\n\n{BLOCKS}\n\nDone."


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a stranger's session, and empty ones whose very names are hostile."""
    home = tmp_path_factory.mktemp("shelf")
    folder = home / "chatcli" / "sessions"
    folder.mkdir(parents=True)
    (folder / "theirs.json").write_text(hostile_session(NAMES[::9]))
    names = [name.encode() for name in NAMES if not {"/", "\0"} & {*name}]
    for name in [*names, b"\x9b2J", b"\xc2", b"\x9d0;STOLEN\x9c"]:
        place = os.fsencode(folder) + b"/" + name[:200] + b".json"
        Path(os.fsdecode(place)).write_bytes(b"[]\n")
    return home


def say(terminal: Terminal, line: str, seen: str) -> None:
    terminal.wait_for_prompt()
    send(terminal, line)
    terminal.wait_for(seen, timeout=30)
    terminal.wait_for_prompt()


def send(terminal: Terminal, line: str) -> None:
    """Paste a line and send it; another paste right behind that would be taken for its rest."""
    sent = terminal.raw.count(ECHOED)
    terminal.paste(line).key("enter")
    terminal.wait_until(lambda: terminal.raw.count(ECHOED) > sent)


def written(terminal: Terminal) -> str:
    """What the program wrote without what is ours, once that is known to be all else there is."""
    text = terminal.raw.decode().replace(ASKED, "", 1)
    assert not strangeness(text)
    assert terminal.title == ""
    return OURS.sub("", text)


def is_on_screen(terminal: Terminal, text: str) -> bool:
    return text in terminal.screen().replace("\n", "")


def is_left_of_cursor(terminal: Terminal, text: str) -> bool:
    row, column = terminal.cursor
    return terminal.screen().split("\n")[row][:column] == text


def in_yaml(text: str) -> str:
    """Return a text as YAML can hold it, whatever is in it."""
    return '"' + "".join(f"\\U{ord(each):08x}" for each in text) + '"'


def has_lines(text: str, lines: Sequence[str]) -> None:
    """Check that `text` has the lines in their order, each of them in one piece."""
    at = 0
    for line in lines:
        found = text.find(line.rstrip(), at)
        assert found >= 0, line
        at = found + len(line.rstrip())


def test_a_reply_touches_nothing_but_its_own_lines(tmp_path: Path, chat_server: ChatServer) -> None:
    with chat(tmp_path, chat_server, rows=50) as terminal:
        say(terminal, "an earlier line", "Echo: an earlier line")
        earlier = terminal.transcript().partition("Echo:")[0]
        chat_server.chunk = 11
        chat_server.reply_with(EVERYTHING)
        say(terminal, "go", "Done.")
        has_lines(written(terminal), clean(FENCE).split("\n")[1:-1])
        assert terminal.transcript().startswith(earlier)
        terminal.type("typed")
        terminal.wait_until(lambda: "\n❯ typed" in terminal.screen())


def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path, chat_server: ChatServer) -> None:
    """C1 controls as single bytes, and characters that are cut in two or never end."""
    raw = b"\x9b2J\x9d0;STOLEN\x9c\x90\xe2\x80\xf0\x9f\x98\xff\xc2"
    chat_server.reply_with("A RAW B RAW C.")
    chat_server.chunk = 100
    spoilt = Fault("raw", "bytes", stream(rewrite(lambda frame: frame.replace(b"RAW", raw))))
    chat_server.fail_next(spoilt)
    with chat(tmp_path, chat_server) as terminal:
        say(terminal, "an earlier line", "tokens/s")
        assert "an earlier line" in terminal.screen()
        assert "C." in written(terminal)


def test_an_error_is_one_line_of_text(tmp_path: Path, chat_server: ChatServer) -> None:
    with chat(tmp_path, chat_server, rows=50, cols=120) as terminal:
        say(terminal, "an earlier line", "Echo: an earlier line")
        for number in range(0, len(PAYLOADS), 60):
            told = f"no {number} " + " ".join(PAYLOADS[number : number + 8])
            body = encode(error_body(told, kind=told, code=told))
            chat_server.fail_next(Fault("hostile", "hostile words", answer(400, body)))
            say(terminal, "/retry", f"no {number}")
        written(terminal)
        assert "an earlier line" in terminal.transcript()


TELLS_ERRORS = """
from chatcli.cli.saying import complain
from chatcli.conversation.events import Notice
from chatcli.terminal.looks import Look
from chatcli.terminal.render import Renderer
from chatcli.terminal.theme import UNICODE
from tests.terminal.hostile import PAYLOADS

renderer = Renderer(Look(lambda: 120, color=True, markdown=True, glyphs=UNICODE))
for payload in PAYLOADS:
    complain(f"it failed: {payload}")
    print(renderer.show(Notice(payload, f"try {payload}", "error")), end="")
print("all told")
"""


def test_no_error_that_holds_hostile_text_drives_the_terminal(tmp_path: Path) -> None:
    env = clean_env(tmp_path, PYTHONPATH=str(Path(__file__).parent.parent), PYTHONUTF8="1")
    argv = [sys.executable, "-c", TELLS_ERRORS]
    with Terminal(argv, env=env, cwd=tmp_path, rows=50, cols=120) as terminal:
        assert terminal.wait_exit(60) == 0
        shown = written(terminal)
        assert "all told" in shown
        assert shown.count("chatcli: it failed:") == len(PAYLOADS)
        assert shown.count("✗") >= len(PAYLOADS)


def test_what_is_pasted_is_shown_while_it_is_edited_and_when_it_is_sent(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, rows=60, cols=120) as terminal:
        terminal.wait_for_prompt()
        for start in range(0, len(TYPED), 24):  # a longer paste would be folded
            end = f"END{start}"
            terminal.paste(" ".join((*(each[:30] for each in TYPED[start : start + 24]), end)))
            terminal.wait_until(partial(is_on_screen, terminal, end))
            terminal.key("ctrl-c")
        chat_server.reply_with("Read.")
        terminal.paste("\n".join(TYPED))
        terminal.key("enter")
        terminal.wait_for("Read.", timeout=30)
        sent = chat_server.requests[-1].messages[-1]["content"]
        has_lines(written(terminal), clean(sent).split("\n"))


def test_the_cursor_goes_by_what_is_shown_and_what_is_sent_is_what_was_pasted(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.paste("a\u202eb\x07c")
        for left in ("❯ a⟨U+202E⟩b^Gc", "❯ a⟨U+202E⟩b^G", "❯ a⟨U+202E⟩b", "❯ a⟨U+202E⟩", "❯ a"):
            terminal.wait_until(partial(is_left_of_cursor, terminal, left))
            terminal.key("left")
        terminal.type("x").key("enter")
        terminal.wait_for("Echo: xa⟨U+202E⟩bc")
    assert chat_server.requests[-1].messages[-1]["content"] == "xa\u202eb\x07c"


def test_what_waits_is_thought_or_was_not_sent_is_text(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.delay = 0.12
    chat_server.reply_with(Reply("slow " * 400, reasoning=tuple(PAYLOADS[::60])))
    with chat(tmp_path, chat_server, rows=50, cols=160) as terminal:
        terminal.wait_for_prompt()
        terminal.type("first").key("enter")
        terminal.wait_for("0 s")
        for each in TYPED[::40]:
            terminal.paste(f"held {each}").key("enter")
        terminal.wait_for("waiting: held")
        terminal.wait_for("slow", timeout=20)
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0
        assert "not sent: held" in written(terminal)


def test_a_strangers_session_shows_nothing_but_text(shelf: Path, chat_server: ChatServer) -> None:
    with chat(shelf, chat_server, "-s", "theirs", rows=60, cols=160) as terminal:
        for number, line in enumerate(
            (*COMMANDS, *(f"/switch {name}" for name in TYPED if name in NAMES[::90]))
        ):
            say(terminal, line, "")
            nothing = f"/nothing{'x' * number}"
            say(terminal, nothing, f"no command {nothing};")
        for line in ("/switch ", "/load "):
            terminal.type(line).key("tab")
            terminal.wait_until(lambda: "tokens" not in terminal.screen().splitlines()[-1])
            terminal.key("tab", "tab").type("END")
            terminal.wait_until(partial(is_on_screen, terminal, "END"))
            terminal.key("ctrl-c")
            terminal.wait_until(lambda: "tokens" in terminal.screen().splitlines()[-1])
        terminal.key("ctrl-r").type("/switch")
        terminal.wait_until(lambda: terminal.screen().count("/switch") > 1)
        terminal.key("ctrl-g", "ctrl-c")
        for number in (1, 2):
            terminal.type(f"/edit {number}").key("enter")
            terminal.wait_for(f"editing message {number}")
            terminal.key("ctrl-c")
            terminal.wait_until(lambda: "editing message" not in terminal.screen())
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0
        assert "To go on" in written(terminal)


COMMANDS = (
    *("/branches", "/tree", "/tree all", "/history 400", "/context", "/context raw", "/cost"),
    *("/tokens", "/search words", "/sessions", "/system", "/summarize show", "/persona", "/model"),
    *(f"/diff {NAMES[9]}", f"/diff {NAMES[90]}", f"/branch {TYPED[5]}", f"/model {TYPED[7]}"),
    *(f"/load {TYPED[9]}", f"/save {TYPED[11]}", f"/export {TYPED[13]}", f"/persona {TYPED[15]}"),
)


LINES = {
    "list": ("sessions", "list", "--all"),
    "show": ("sessions", "show", "theirs"),
    "show a branch": ("sessions", "show", "theirs", "--branch", NAMES[9]),
    "no such branch": ("sessions", "show", "theirs", "--branch", NAMES[10].replace("\0", "")),
    "search": ("sessions", "search", "words"),
    "export": ("sessions", "export", "theirs"),
    "export where": ("sessions", "export", "theirs", f"no/{TYPED[40].replace('/', '')}.md"),
    "rename": ("sessions", "rename", "theirs", TYPED[50].replace("\0", "")),
    "remove": ("sessions", "remove", TYPED[60].replace("\0", "")),
    "import": ("sessions", "import", TYPED[70].replace("\0", "")),
    "ask": ("ask", "go"),
    "ask on": ("ask", "-s", "theirs", "go"),
    "wrong option": ("ask", f"--{TYPED[80]}".replace("\0", "")),
    "wrong command": (TYPED[90].replace("\0", ""),),
    "wrong model": ("ask", "-m", TYPED[12].replace("\0", ""), "go"),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_what_the_command_line_prints_is_text(
    shelf: Path, chat_server: ChatServer, line: tuple[str, ...]
) -> None:
    chat_server.chunk = 100
    chat_server.reply_with(EVERYTHING, EVERYTHING)
    env = surroundings(chat_server)
    done = run_chatcli(*line, env=env, home=shelf)
    assert "\x1b" not in done.stdout + done.stderr
    assert not strangeness(done.stdout)
    assert not strangeness(done.stderr)
    with Terminal(
        chatcli_argv(*line), env=clean_env(shelf, **env), cwd=shelf, rows=40, cols=120
    ) as terminal:
        assert terminal.wait_exit(30) == done.returncode
        assert written(terminal)


def test_a_strangers_persona_shows_nothing_but_text(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    folder = tmp_path / "personas"
    folder.mkdir()
    for number in range(PERSONAS):
        told = in_yaml(" ".join(each[:30] for each in NAMES[number::PERSONAS]))
        front = f"description: {told}\ngreeting: {told}\n{in_yaml(NAMES[number])}: 1\n"
        front += f"model: {told}\n" if number % 2 else ""  # which is refused
        (folder / f"p{number}.md").write_text(f"---\n{front}---\nHello {NAMES[number]}\n")
    greeting = f"STOP {NAMES[3]}{NAMES[300]}{NAMES[900]}"
    (folder / "him.md").write_text(f'---\ngreeting: "STOP \\e]0;STOLEN\\a"\n---\n{greeting}\n')
    with chat(
        tmp_path, chat_server, "-p", "him", CHATCLI_PERSONAS_DIR=str(folder), rows=50
    ) as terminal:
        terminal.wait_for("STOP")
        for line in ("/persona", "/system", *(f"/persona p{n}" for n in range(0, PERSONAS, 9))):
            say(terminal, line, "")
        say(terminal, "ahoy", "Echo: ahoy")
        shown = written(terminal)
        assert "a⟨U+202E⟩z" in shown
        assert "p45.md" in shown


def test_the_line_on_where_all_was_brought_to_safety_is_text(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    evil = "a\x1b]0;STOLEN\x07b\x1b[2J\x9bHc\u202ed\r"
    theirs, safe = tmp_path / evil, tmp_path / f"{evil}safe"
    for folder in (theirs, safe):
        folder.mkdir()
    file = theirs / f"{evil}.json"
    with chat(
        tmp_path, chat_server, "-s", str(file), TMPDIR=str(safe), rows=40, cols=160
    ) as terminal:
        say(terminal, "before", "Echo: before")
        with file.open("ab") as spoilt:
            spoilt.write(b"\n")  # somebody else writes it, so that it isn't ours any more
        say(terminal, "not in the file", "Echo: not in the file")
        terminal.key("ctrl-d")
        terminal.wait_exit()
        assert "all of it is in" in terminal.transcript()
        assert "Echo: before" in terminal.transcript()
        assert "c⟨U+202E⟩d" in written(terminal)
    assert len(list(safe.rglob("conversation.json"))) == 1
