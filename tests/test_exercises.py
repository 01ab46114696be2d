"""The tutorial's five exercises, from Python and in a chat."""

from __future__ import annotations

from tests.support.server import ChatServer
from tests.support.tutorial import HELPFUL, QUESTIONS, Chat, asked, chat, own_home, sent, session

__all__ = ["chat", "own_home"]


class TestPreferences:
    """What the user prefers is known in later turns, and in later conversations."""

    def test_from_python(self, chat_server: ChatServer) -> None:
        talk = session(chat_server, memory=True)
        talk.remember("I prefer metric units")
        talk.send("How tall is a mast?")
        talk.send("And how long?")
        later = session(chat_server, memory=True)
        later.send("How heavy is an anchor?")
        for number in range(3):
            role, prompt = sent(chat_server, number)[0]
            assert role == "system"
            assert prompt.startswith(HELPFUL)
            assert "I prefer metric units" in prompt

    def test_in_a_chat(self, chat: Chat, chat_server: ChatServer) -> None:
        chat("/remember I prefer metric units", "How tall is a mast?")
        shown = chat("/memory", "How long?", "/forget 1", "How heavy?")
        assert "I prefer metric units" in shown
        assert ["metric" in sent(chat_server, n)[0][1] for n in range(3)] == [True, True, False]


class TestFivePairs:
    """Only the last five pairs are sent, and all of them are kept."""

    def test_from_python(self, chat_server: ChatServer) -> None:
        talk = session(chat_server, strategy="window")
        for number in range(8):
            talk.send(f"q{number}")
        assert asked(chat_server) == ["q2", "q3", "q4", "q5", "q6", "q7"]
        assert len(talk.history) == 17

    def test_in_a_chat(self, chat: Chat, chat_server: ChatServer) -> None:
        shown = chat(*(f"q{number}" for number in range(8)), "/history", "/strategy window 5", "q8")
        assert asked(chat_server) == ["q3", "q4", "q5", "q6", "q7", "q8"]
        assert "Echo: q0" in shown.partition("Echo: q7")[2], "the history has the first pair"


class TestTheTurnCounter:
    """The model is told which turn it is, and says so."""

    def test_from_python(self, chat_server: ChatServer) -> None:
        chat_server.reply_with(counting)
        talk = session(chat_server, None, persona="turnkeeper")
        replies = [talk.send("Ahoy!") for _ in range(3)]
        assert replies == [f"[Turn {number}] Aye." for number in (1, 2, 3)]
        assert talk.turn_count == 3
        talk.clear()
        assert talk.send("Ahoy!") == "[Turn 1] Aye."

    def test_in_a_chat(self, chat: Chat, chat_server: ChatServer) -> None:
        chat_server.reply_with(counting)
        flags = ("--persona", "turnkeeper", "--session", "count")
        chat("Ahoy!", "Ahoy!", flags=flags)
        shown = chat("Ahoy!", "/undo", "Ahoy again!", flags=("--session", "count"))
        assert shown.count("[Turn 3] Aye.") == 2, "the third turn, and the one in its place"


def counting(messages: list[dict[str, str]]) -> str:
    """Answer with the number of the turn as the system prompt has it."""
    _, _, rest = messages[0]["content"].partition("[Turn ")
    return f"[Turn {rest.partition(']')[0]}] Aye."


class TestEarlierQuestions:
    """The model is told the questions that were asked, and the user can go back to them."""

    def test_from_python(self, chat_server: ChatServer) -> None:
        talk = session(chat_server, inject=["questions"], strategy="window", window=1)
        for question in QUESTIONS:
            talk.send(question)
        assert asked(chat_server) == QUESTIONS[-2:], "the window holds one pair"
        prompt = sent(chat_server)[0][1]
        assert all(question in prompt for question in QUESTIONS[:-1])
        assert [text for text in talk.questions if text in QUESTIONS] == QUESTIONS

    def test_in_a_chat(self, chat: Chat, chat_server: ChatServer) -> None:
        flags = ("--persona", "tutor")
        shown = chat(*QUESTIONS[:3], "/questions", "/questions 2", flags=flags)
        assert QUESTIONS[0] in sent(chat_server)[0][1]
        assert shown.count(f"Echo: {QUESTIONS[1]}") == 2, "as it came, and beside its question"


class TestBranching:
    """Different paths from the same point, each of them kept."""

    def test_from_python(self, chat_server: ChatServer) -> None:
        talk = session(chat_server)
        talk.send("We are at sea.")
        talk.branch("north")
        talk.send("Sail north.")
        talk.switch("main")
        talk.send("Sail south.")
        assert asked(chat_server) == ["We are at sea.", "Sail south."]
        talk.switch("north")
        assert [m["content"] for m in talk.history if m["role"] == "user"][-1] == "Sail north."
        assert set(talk.branches) == {"main", "north"}

    def test_in_a_chat(self, chat: Chat, chat_server: ChatServer) -> None:
        lines = ("We are at sea.", "/branch north", "Sail north.", "/switch main", "Sail south.")
        shown = chat(*lines, "/tree", "/switch north", "Still north?")
        assert asked(chat_server, 2) == ["We are at sea.", "Sail south."]
        assert asked(chat_server, 3) == ["We are at sea.", "Sail north.", "Still north?"]
        assert "north" in shown
