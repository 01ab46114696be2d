"""What a user types into an app, done in the test's own process, and what it shows of it."""

from __future__ import annotations

from pathlib import Path

from chatcli.app import App, Options
from chatcli.commands.registry import Run, Say
from chatcli.conversation.events import Event, Notice, Table
from chatcli.settings import load
from tests.support.server import ChatServer


class Desk:
    """An app on a server, and what its user types."""

    def __init__(self, home: Path, server: ChatServer, options: Options | None = None) -> None:
        self.server = server
        settings = load(
            {"base_url": server.url, "model": "gpt-4o"},
            environ={"CHATCLI_HOME": str(home), "OPENAI_API_KEY": "sk-test"},
            cwd=home,
        )
        self.app = App(settings, options or Options())
        self.app.wait_for_counting()

    def type(self, *lines: str) -> list[Event]:
        """Do what each line says, and return what the last one showed."""
        seen: list[Event] = []
        for line in lines:
            self.app.session.ready()
            match self.app.commands.interpret(line):
                case Say(text):
                    seen = list(self.app.session.ask(text))
                case Run(command, arguments):
                    seen = list(command.run(self.app, arguments))
        return seen

    def notice(self) -> str:
        """Have the model asked for what is worth remembering, and return what is told."""
        return notices(list(self.app.notice() or ()))

    def system(self, request: int = -1) -> str:
        """The system message that was sent."""
        messages = self.server.requests[request].messages
        return messages[0]["content"] if messages[0]["role"] == "system" else ""


def table(events: list[Event]) -> Table:
    return next(event for event in events if isinstance(event, Table))


def notices(events: list[Event]) -> str:
    return "\n".join(f"{e.text}; {e.hint}" for e in events if isinstance(e, Notice))
