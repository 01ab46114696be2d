"""What is done beside the keys: the collector of garbage rests while libraries are imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import cast

import pytest

from chatcli.conversation.events import Event, Notice
from chatcli.errors import ChatcliError
from chatcli.terminal.beside import _get_ready
from chatcli.terminal.host import Host
from chatcli.terminal.render import Renderer


class GettingReady:
    """Tells whether the collector works while something gets ready, and may fail at it."""

    def __init__(self, failure: ChatcliError | None = None) -> None:
        self._failure = failure

    def warm_up(self) -> Iterator[Event]:
        yield Notice(f"collecting: {gc.isenabled()}")
        if self._failure is not None:
            raise self._failure


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def ready(host: GettingReady) -> list[Event]:
    return list(_get_ready(cast("Host", host), cast("Renderer", GettingReady())))


def test_the_collector_rests_until_all_is_imported() -> None:
    assert ready(GettingReady()) == [Notice("collecting: False"), Notice("collecting: False")]
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_the_collector_works_again_where_the_model_can_not_be_had() -> None:
    with pytest.raises(ChatcliError):
        ready(GettingReady(ChatcliError("no weights")))
    assert gc.isenabled()
