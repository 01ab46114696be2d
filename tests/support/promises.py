"""What a chat has promised before it was killed, and what of that its session does not hold.

A promise is what the user could see: a question that the server got, a reply whose end was printed,
the part of a reply that had been on the screen for half a second, a branch that was announced.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from chatcli.errors import StorageError
from chatcli.storage.library import Library
from chatcli.storage.opening import open_stored
from tests.support.piped import PipedChat
from tests.support.server import ChatServer

GRACE = 0.5
"""Seconds for which text has to be on the screen before it counts as promised."""

ANNOUNCED = re.compile(r"(?:you are on|what was said is on) `([^`]+)`")


@dataclass
class Promises:
    """What a session has to hold from now on: replies and their beginnings by question."""

    questions: set[str] = field(default_factory=set)
    replies: dict[str, str] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)
    branches: set[str] = field(default_factory=set)


def reply_to(question: str) -> str:
    """The reply that the server gives: it tells whose it is, and how far it has come.

    That to a second question, NAME.1, is mostly a long one.
    """
    lengths = (12, 300, 500) if question.endswith(".1") else (3, 40, 120)
    words = " ".join(f"wörd{number}" for number in range(random.Random(question).choice(lengths)))
    return f"[{question}] {words} end."


def note(
    promises: Promises,
    chat: PipedChat,
    server: ChatServer,
    prefix: str,
    questions: Sequence[str],
    killed_at: float,
) -> None:
    """Write down what the killed chat has promised."""
    # A kill may cut a request off in its middle: that one has no messages.
    asked = {sent[-1]["content"] for request in server.requests if (sent := request.messages)}
    promises.questions |= {each for each in asked if each.startswith(prefix)}
    text, settled = chat.text(), chat.text(before=killed_at - GRACE)
    promises.branches |= set(ANNOUNCED.findall(text))
    for question in questions:
        whole = reply_to(question)
        if f"{whole}\n" in text:
            promises.replies[question] = whole
        elif f"[{question}]" in settled:
            promises.begun[question] = settled[settled.index(f"[{question}]") :].rstrip("\n")


def losses(library: Library, name: str, promises: Promises) -> list[str]:
    """Open a session as the next chat would, and say which promises it does not keep."""
    path = library.path(name)
    if not path.exists():
        return ["there is no file"] if promises.questions else []
    try:
        opened = open_stored(library, path)
    except StorageError as error:
        return [f"it does not open: {error}"]
    opened.journal.close()
    tree = opened.conversation.tree
    asked = [node.content for node in tree.nodes() if node.role == "user"]
    replies: dict[str, list[str]] = {question: [] for question in asked}
    for node in tree.nodes():
        if node.role == "assistant" and node.parent is not None:
            replies[node.parent.content].append(node.content)
    return [
        *(f"the question {each} is lost" for each in promises.questions - set(asked)),
        *(f"{each} is there twice" for each, count in Counter(asked).items() if count > 1),
        *(
            f"the reply to {each} is lost: there is {replies.get(each)!r:.80}"
            for each, whole in promises.replies.items()
            if whole not in replies.get(each, ())
        ),
        *(
            f"of the reply to {each}, {seen[-30:]!r} is lost: there is {replies.get(each)!r:.80}"
            for each, seen in promises.begun.items()
            if not any(reply.startswith(seen) for reply in replies.get(each, ()))
        ),
        *(f"the branch {each} is lost" for each in promises.branches - set(tree.heads)),
    ]
