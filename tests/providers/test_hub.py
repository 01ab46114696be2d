"""Weights from a hub: found, fetched through every fault, checked, and kept."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.errors import ChatcliError, StorageError
from chatcli.providers.hub import client, download, names, pulling, shelf
from chatcli.providers.hub.address import Address
from chatcli.providers.hub.client import Hub
from chatcli.providers.hub.curated import CURATED
from chatcli.providers.hub.names import Reference, RemoteFile, reference
from chatcli.providers.hub.progress import Pace, Progress, duration
from chatcli.providers.hub.pulling import Pulled, Wanted, pull, wanted
from chatcli.providers.local import weights_for
from chatcli.providers.verified import models_folder
from tests.support import hubserver
from tests.support.hubserver import (
    COMMIT,
    LISTING,
    RESOLVING,
    Fault,
    HubServer,
    Repository,
    cut_after,
    gguf,
    status,
)
from tests.support.loopback import closed_port

TINY = gguf(300_000)
PARTS = [gguf(4_000 + n, seed=n) for n in range(3)]
TOKEN = "hf_sesame"


def repositories() -> dict[str, Repository]:
    return {
        "alice/tiny-GGUF": Repository({"tiny-Q4_K_M.gguf": TINY}, licence="mit"),
        "alice/many-GGUF": Repository(
            {f"many-{quant}.gguf": gguf(900, seed=n) for n, quant in enumerate(QUANTS)}
            | {"mmproj-many-f16.gguf": gguf(9), "../../evil.gguf": gguf(9)}
        ),
        "alice/split-GGUF": Repository(
            {f"Q8/big-{n:05}-of-00003.gguf": part for n, part in enumerate(PARTS, 1)}
        ),
        "alice/none": Repository({"model.safetensors": b"x" * 9}),
        "alice/gated": Repository({"gated.gguf": gguf(50)}, token=TOKEN, gated=True),
        "alice/private": Repository({"private.gguf": gguf(50)}, token=TOKEN),
        "alice/old-name": Repository({"tiny-Q4_K_M.gguf": TINY}, moved_to="alice/tiny-GGUF"),
    }


QUANTS = ("Q2_K", "Q4_K_M", "Q8_0", "UD-Q4_K_XL")


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer(repositories()) as running:
        yield running


class Desk:
    """Somebody who pulls: it counts pauses in the place of making them."""

    def __init__(self, url: str, cache: Path, token: str | None = None) -> None:
        self.address = Address(url, token)
        self.cache = cache
        self.pauses: list[float] = []
        self.progress = Progress("tiny")

    def pull(self, text: str = "alice/tiny-GGUF", name: str | None = None) -> Pulled:
        hub = Hub(self.address)
        try:
            what = Wanted(reference(text), name)
            return pull(hub, what, self.cache, self.progress, pause=self.pauses.append)
        finally:
            hub.close()

    def fails(self, text: str = "alice/tiny-GGUF") -> str:
        """What is told when a pull fails; it is one line."""
        with pytest.raises(ChatcliError) as caught:
            self.pull(text)
        told = str(caught.value)
        assert "\n" not in told
        assert TOKEN not in told
        return told

    @property
    def files(self) -> dict[str, bytes]:
        """What is in the folder, but for locks and stamps."""
        there = models_folder(self.cache).iterdir()
        return {each.name: each.read_bytes() for each in there if _is_ours(each)}


def _is_ours(path: Path) -> bool:
    return path.suffix not in {".lock", ".verified", ".json"}


@pytest.fixture
def desk(server: HubServer, tmp_path: Path) -> Desk:
    return Desk(server.url, tmp_path)


# Pulling


def test_weights_are_fetched_checked_and_found_by_their_name(desk: Desk) -> None:
    pulled = desk.pull()
    assert pulled == Pulled("tiny-Q4_K_M", len(TINY), "alice/tiny-GGUF", "mit", fetched=True)
    assert desk.files == {"tiny-Q4_K_M.gguf": TINY}
    path = weights_for("tiny-Q4_K_M", desk.cache, progress=lambda *_: None, cancelled=lambda: False)
    assert path.read_bytes() == TINY
    assert [path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777] == [0o600, 0o700]


def test_what_is_here_already_is_not_fetched_again(server: HubServer, desk: Desk) -> None:
    desk.pull()
    assert not desk.pull().fetched
    assert len(server.storage_requests) == 1


def test_a_newer_version_takes_the_place_of_the_old_one(server: HubServer, desk: Desk) -> None:
    desk.pull()
    newer = gguf(1_000, seed=5)
    server.repositories["alice/tiny-GGUF"].files["tiny-Q4_K_M.gguf"] = newer
    assert desk.pull().fetched
    assert desk.files == {"tiny-Q4_K_M.gguf": newer}


def test_weights_of_another_repository_do_not_take_the_place(server: HubServer, desk: Desk) -> None:
    desk.pull()
    server.repositories["bob/tiny-GGUF"] = Repository({"tiny-Q4_K_M.gguf": gguf(99)})
    assert "is here already, from alice/tiny-GGUF; --name OTHER" in desk.fails("bob/tiny-GGUF")
    assert desk.pull("bob/tiny-GGUF", "bobs").name == "bobs"
    assert desk.files == {"tiny-Q4_K_M.gguf": TINY, "bobs.gguf": gguf(99)}


def test_weights_in_parts_are_fetched_with_all_of_them(desk: Desk) -> None:
    assert desk.pull("alice/split-GGUF", "big one").size == sum(map(len, PARTS))
    assert desk.files == {f"big one-{n:05}-of-00003.gguf": part for n, part in enumerate(PARTS, 1)}
    folder = models_folder(desk.cache)
    first = shelf.first_file(folder, "big one")
    assert first is not None
    assert first.name == "big one-00001-of-00003.gguf"
    (folder / "big one-00002-of-00003.gguf").unlink()
    assert shelf.first_file(folder, "big one") is None
    assert desk.pull("alice/split-GGUF", "big one").fetched
    assert len(desk.files) == 3


def test_a_repository_that_has_moved_is_followed(desk: Desk) -> None:
    assert desk.pull("alice/old-name").name == "tiny-Q4_K_M"


def test_a_revision_can_be_named(server: HubServer, desk: Desk) -> None:
    server.repositories["alice/tiny-GGUF"].revisions = ("v1", COMMIT)
    assert "has no revision `main`" in desk.fails()
    assert desk.pull("alice/tiny-GGUF@v1").fetched


# Who sees the token


def test_the_token_goes_to_the_hub_and_not_to_its_storage(
    server: HubServer, tmp_path: Path
) -> None:
    Desk(server.url, tmp_path, TOKEN).pull("alice/gated")
    assert {each.headers.get("authorization") for each in server.hub_requests} == {
        f"Bearer {TOKEN}"
    }
    assert [each.headers.get("authorization") for each in server.storage_requests] == [None]


def test_a_list_is_not_asked_for_at_another_host(server: HubServer, tmp_path: Path) -> None:
    desk = Desk(server.url, tmp_path, TOKEN)
    server.fail_next(hubserver.leading_to(f"{server.storage_url}/alice/x/y"), at=LISTING)
    assert "sends its visitors on to 127.0.0.1" in desk.fails()
    assert server.storage_requests == []


@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://[::1/x", "", "http://"]
)
def test_a_redirect_to_no_address_is_refused(server: HubServer, desk: Desk, location: str) -> None:
    server.fail_next(hubserver.leading_to(location), 9, at=RESOLVING)
    assert "127.0.0.1" in desk.fails()


def test_a_token_is_not_sent_in_the_clear_to_another_machine(tmp_path: Path) -> None:
    desk = Desk("http://mirror.invalid", tmp_path, TOKEN)
    assert "HF_TOKEN would go over http" in desk.fails()
    # However its scheme is written.
    assert "over http" in Desk("HTTP://mirror.invalid", tmp_path, TOKEN).fails()
    assert "holds what no token has" in Desk("https://x.invalid", tmp_path, "hf_\nx").fails()


def test_a_password_in_the_address_is_not_told_and_not_sent_in_the_place_of_the_token(
    server: HubServer, tmp_path: Path
) -> None:
    url = server.url.replace("http://", "HTTP://me:hush@")
    told = Desk(url, tmp_path).fails("alice/gated")
    assert f"accept its terms at {server.url}/alice/gated" in told
    assert "only one of them can be sent" in Desk(url, tmp_path, TOKEN).fails("alice/gated")
    assert Desk(url, tmp_path).pull().fetched


# Faults


def test_what_breaks_off_is_gone_on_with_in_the_same_pull(server: HubServer, desk: Desk) -> None:
    server.fail_next(cut_after(100_000))
    server.fail_next(hubserver.reset_after(70_000))
    server.fail_next(status(503))
    assert desk.pull().fetched
    begun = [each.headers.get("range") for each in server.storage_requests]
    assert begun[:2] == [None, "bytes=100000-"]
    assert begun[2] == begun[3]
    assert begun[2] is not None
    assert desk.files == {"tiny-Q4_K_M.gguf": TINY}


def test_a_storage_that_falls_silent_is_asked_again(
    server: HubServer, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SILENT_FOR", 0.2)
    server.fail_next(hubserver.hang_after(100_000))
    assert desk.pull().fetched
    assert server.storage_requests[1].headers["range"] == "bytes=100000-"


def test_what_a_killed_pull_has_left_is_gone_on_with(server: HubServer, desk: Desk) -> None:
    _leave_part(desk, TINY[:200_000])
    assert desk.pull().fetched
    assert server.storage_requests[0].headers["range"] == "bytes=200000-"


def test_a_part_that_is_whole_is_only_checked(server: HubServer, desk: Desk) -> None:
    _leave_part(desk, TINY)
    assert desk.pull().fetched
    assert server.storage_requests == []


@pytest.mark.parametrize("spoiled", [b"\0" * 200_000, b"x" * 400_000], ids=["nulls", "too long"])
def test_a_part_that_is_spoiled_is_fetched_anew(
    server: HubServer, desk: Desk, spoiled: bytes
) -> None:
    _leave_part(desk, spoiled)
    assert desk.pull().fetched
    assert desk.files == {"tiny-Q4_K_M.gguf": TINY}
    assert server.storage_requests[-1].headers.get("range") is None


def test_a_storage_that_knows_no_ranges_sends_it_all_again(server: HubServer, desk: Desk) -> None:
    _leave_part(desk, TINY[:200_000])
    server.fail_next(hubserver.from_the_beginning)
    assert desk.pull().fetched
    assert desk.files == {"tiny-Q4_K_M.gguf": TINY}


def _leave_part(desk: Desk, content: bytes) -> None:
    folder = models_folder(desk.cache)
    folder.mkdir(parents=True)
    file = RemoteFile("tiny-Q4_K_M.gguf", len(TINY), hashlib.sha256(TINY).hexdigest())
    download.part_path(folder / file.path, file).write_bytes(content)


REFUSED: dict[str, tuple[Fault, str]] = {
    "a page": (hubserver.page, "answered with a web page in the place of tiny-Q4_K_M.gguf"),
    "another size": (hubserver.instead(TINY[:-1]), "has not the size that it states"),
    "no weights": (hubserver.instead(b"PK\3\4" + TINY[4:]), "is no GGUF file"),
    "not found": (status(404), "the storage of 127.0.0.1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_the_file_is_refused_at_once(server: HubServer, desk: Desk, name: str) -> None:
    fault, told = REFUSED[name]
    server.fail_next(fault)
    assert told in desk.fails()
    assert "tiny-Q4_K_M.gguf" not in desk.files
    assert desk.pauses == []


def test_a_range_of_something_else_is_refused(server: HubServer, desk: Desk) -> None:
    _leave_part(desk, TINY[:100])
    server.fail_next(hubserver.of_another(len(TINY) + 5))
    assert "has not the size that it states" in desk.fails()


def test_another_content_of_the_same_size_is_deleted(server: HubServer, desk: Desk) -> None:
    server.fail_next(hubserver.instead(gguf(len(TINY), seed=9)), 2)
    assert "with another SHA-256 than it states; it was deleted" in desk.fails()
    assert desk.files == {}


def test_a_hub_that_contradicts_itself_is_not_downloaded_from(
    server: HubServer, desk: Desk
) -> None:
    server.repositories["alice/tiny-GGUF"].stated["tiny-Q4_K_M.gguf"] = {"sha256": "0" * 64}
    assert "states two different SHA-256" in desk.fails()
    assert server.storage_requests == []


def test_it_is_given_up_when_attempts_bring_nothing(server: HubServer, desk: Desk) -> None:
    server.fail_next(status(503), 20)
    assert "status 503; the same command goes on where it stopped" in desk.fails()
    assert len(server.storage_requests) == download.MOST_FAILURES + 1
    assert sum(desk.pauses) == 2 + 4 + 8 + 16 + 32


def test_a_server_that_asks_for_patience_gets_it(server: HubServer, desk: Desk) -> None:
    server.fail_next(status(429, {"retry-after": "7"}))
    assert desk.pull().fetched
    assert sum(desk.pauses) == 7


def test_nobody_is_kept_waiting_for_an_hour(server: HubServer, desk: Desk) -> None:
    server.fail_next(status(429, {"retry-after": "3600"}))
    assert "come back in 60 min" in desk.fails()
    assert desk.pauses == []


LISTS: dict[str, tuple[Fault, str]] = {
    "page": (hubserver.page, "answered with a web page that is no list of files"),
    "json": (status(200, body=b"[1]"), "answered with JSON that is no list of files"),
    "deep": (status(200, body=b"[" * 100_000), "something that is no list of files"),
    "commit": (
        status(200, body=b'{"sha": "../../x", "siblings": []}'),
        "answered with JSON that is no list of files",
    ),
    "busy": (status(429, {"retry-after": "90"}), "too many requests from here; go on in 90 s"),
    "down": (status(500), "answered with status 500; try again later"),
    "circles": (hubserver.leading_to("/api/models/alice/tiny-GGUF/revision/main?blobs=true"), ""),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_none_costs_a_line(server: HubServer, desk: Desk, name: str) -> None:
    fault, told = LISTS[name]
    server.fail_next(fault, client.MOST_REDIRECTS, at=LISTING)
    assert (told or "in circles") in desk.fails()


@pytest.mark.parametrize(
    ("text", "token", "told"),
    [
        ("alice/nothing", None, "shows no repository alice/nothing; check the spelling"),
        ("alice/nothing", TOKEN, "shows no repository alice/nothing"),
        ("alice/private", None, "a private one needs HF_TOKEN"),
        ("alice/private", "hf_other", "does not accept HF_TOKEN"),
        ("alice/gated", None, "accept its terms at http"),
        ("alice/gated", "hf_other", "with the account of your HF_TOKEN"),
        ("alice/none", None, "alice/none holds no whole GGUF weights"),
        ("alice/tiny-GGUF/nothing.gguf", None, "but no nothing.gguf: tiny-Q4_K_M.gguf"),
    ],
)
def test_what_can_not_be_had_says_why(
    server: HubServer, tmp_path: Path, text: str, token: str | None, told: str
) -> None:
    assert told in Desk(server.url, tmp_path, token).fails(text)


def test_a_hub_that_is_not_there_is_told(tmp_path: Path) -> None:
    with closed_port() as url:
        assert "can't be reached; check the network" in Desk(url, tmp_path).fails()
    assert "HF_ENDPOINT is no address" in Desk("huggingface.co", tmp_path).fails()


def test_a_full_disk_is_noticed_before(
    server: HubServer, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(desk.cache)._replace(free=pulling.SPARE + len(TINY) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage)
    with pytest.raises(StorageError, match=r"are to be fetched, and .* has room for"):
        desk.pull()
    assert server.storage_requests == []


def test_two_who_pull_the_same_fetch_it_once(server: HubServer, tmp_path: Path) -> None:
    both = [Desk(server.url, tmp_path) for _ in range(2)]
    done: list[Pulled] = []
    threads = [threading.Thread(target=lambda each=each: done.append(each.pull())) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(each.fetched for each in done) == [False, True]
    assert len(server.storage_requests) == 1


# Names


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a/b", Reference("a/b")),
        ("a/b@v1.0", Reference("a/b", "v1.0")),
        ("a/b:Q8_0", Reference("a/b", quant="Q8_0")),
        ("a/b@x/sub/f.gguf", Reference("a/b", "x", "sub/f.gguf")),
        ("https://huggingface.co/a/b", Reference("a/b")),
        ("hf.co/a/b/", Reference("a/b")),
        (
            "https://huggingface.co/a/b/resolve/main/f.gguf?download=true",
            Reference("a/b", "main", "f.gguf"),
        ),
        ("https://huggingface.co/a/b/blob/v2/f.gguf", Reference("a/b", "v2", "f.gguf")),
        ("https://huggingface.co/a/b/tree/v2", Reference("a/b", "v2")),
    ],
)
def test_a_reference_is_read_as_people_write_it(text: str, meant: Reference) -> None:
    assert reference(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "a", "../b", "a/..", "/a/b", "a/b@", "a/b@../x", "a/b/../c.gguf", "a/b//c", "a/b/c\0.gguf",
        "a/b/\x1b[2J.gguf", "a/b/" + "x" * 900, "a" * 99 + "/b", "a/b c", "a\n/b", "http://x/a/b",
        "a/b/.", "a/b/x/..", "", " ", "a/b:../x", "ü/b",
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ChatcliError) as caught:
        wanted(text)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=60))
def test_no_file_has_a_path_that_leads_out(path: str) -> None:
    sha256 = "0" * 64
    for weights in names.weights_in([RemoteFile(f"{path}.gguf", 1, sha256)]):
        assert ".." not in weights.stem.split("/")
        assert not weights.stem.startswith("/")
        try:
            name = names.check_local_name(weights.name)
        except ChatcliError:
            continue
        assert Path(name).name == name
        assert name.isprintable()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("alice/many-GGUF", "many-Q4_K_M"),
        ("alice/many-GGUF:q8_0", "many-Q8_0"),
        ("alice/many-GGUF:Q4_K_XL", "many-UD-Q4_K_XL"),
        ("alice/many-GGUF/many-q2_k", "many-Q2_K"),
        ("alice/split-GGUF/big-00002-of-00003.gguf", "big"),
        ("alice/split-GGUF/Q8/big", "big"),
    ],
)
def test_of_many_files_that_is_chosen_which_is_meant(desk: Desk, text: str, name: str) -> None:
    assert desk.pull(text).name == name


def test_where_none_suits_they_are_listed(server: HubServer, desk: Desk) -> None:
    del server.repositories["alice/many-GGUF"].files["many-Q4_K_M.gguf"]
    told = desk.fails("alice/many-GGUF")
    assert "has 3 models, but no Q4_K_M: many-Q2_K.gguf, many-Q8_0.gguf" in told
    assert "evil" not in told
    assert "mmproj" not in told
    assert told.endswith("name one: chatcli models pull alice/many-GGUF/FILE")


def test_weights_that_lack_a_part_are_none(server: HubServer, desk: Desk) -> None:
    del server.repositories["alice/split-GGUF"].files["Q8/big-00002-of-00003.gguf"]
    assert "holds no whole GGUF weights" in desk.fails("alice/split-GGUF")


def test_the_list_names_what_can_be_asked_for() -> None:
    for name, model in CURATED.items():
        assert names.check_local_name(name) == name
        assert model.reference == reference(f"{model.reference.repo}/{model.reference.file}")
        assert model.licence in {"Apache-2.0", "MIT"}
        assert wanted(name) == Wanted(model.reference, name)


def test_a_name_that_is_not_on_the_list_names_the_nearest() -> None:
    with pytest.raises(ChatcliError, match=r"did you mean qwen3-4b\?"):
        wanted("qwen3-4")
    with pytest.raises(ChatcliError, match="take another name"):
        wanted("alice/tiny-GGUF", "smollm2")


# Progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_tells_how_much_how_fast_and_how_long() -> None:
    clock = Clock()
    progress = Progress("qwen3-4b", Pace(clock))
    for second in range(4):
        clock.now = float(second)
        progress.arrived(second * 20_000_000, 200_000_000)
    line = progress.line()
    assert "60 of 200 MB  20.0 MB/s  7 s left" in line
    assert line.startswith("qwen3-4b ▰▰▰▰▱")
    progress.doing("waiting")
    assert progress.line() == "qwen3-4b: waiting"


def test_a_speed_is_that_of_the_last_seconds() -> None:
    clock = Clock()
    pace = Pace(clock)
    for second in range(100):
        clock.now = float(second)
        pace.note(second * 1_000_000 if second < 50 else 50_000_000 + (second - 50) * 10)
    assert pace.speed == 10


def test_durations_are_said_as_one_says_them() -> None:
    said = [duration(seconds) for seconds in (0.4, 59, 100, 3_600, 7_500)]
    assert said == ["0 s", "59 s", "2 min", "60 min", "2 h 5 min"]


# The shelf


def test_what_is_here_is_told_apart(desk: Desk) -> None:
    desk.pull()
    folder = models_folder(desk.cache)
    (folder / "own.gguf").write_bytes(gguf(7))
    (folder / f"big-00001-of-00002.gguf.{'a' * 12}.part").write_bytes(b"GGUF12")
    (folder / "big.json").write_text("[not json")
    kept = {each.name: (each.whole, each.size) for each in shelf.kept(folder)}
    assert kept == {"big": (False, 6), "own": (True, 7), "tiny-Q4_K_M": (True, len(TINY))}
    shelf.remove(shelf.find(folder, "big"))
    shelf.remove(shelf.find(folder, "tiny-Q4_K_M"))
    assert [each.name for each in shelf.kept(folder)] == ["own"]
    left = {each.suffix for each in folder.iterdir()}
    assert left <= {".gguf", ".lock"}
    with pytest.raises(ChatcliError, match="did you mean own"):
        shelf.find(folder, "owm")
