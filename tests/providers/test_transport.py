"""How requests leave: proxies, certificates, headers, and what a stop does to them."""

from __future__ import annotations

import gzip
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from chatcli import __version__
from chatcli.conversation.events import TextDelta
from chatcli.conversation.messages import Message
from chatcli.conversation.ports import Finish
from chatcli.errors import ProviderError, Refused, Unreachable
from chatcli.providers import proxies
from chatcli.providers.base import Endpoint, Network, PumpedReply, Waits, is_loopback, is_openai
from chatcli.providers.client import MOST_OF_AN_ERROR
from chatcli.providers.openai import OpenAIProvider
from tests.support.exchange import Exchange
from tests.support.loopback import HOST, closed_port
from tests.support.mischief import Fault
from tests.support.program import run_chatcli
from tests.support.protocol import MODELS, encode, event
from tests.support.relay import Authority, Encrypted, HTTPProxy, SOCKSProxy
from tests.support.server import ChatServer

QUESTION = [Message("user", "Hello")]
KEY = "sk-of-this-endpoint"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls(chat_server: ChatServer, authority: Authority) -> Iterator[str]:
    """The base URL of the server's encrypted front."""
    with Encrypted(chat_server.port, authority.server_context()) as front:
        yield f"https://{HOST}:{front.port}/v1"


def provider(url: str, waits: Waits | None = None, **network: Any) -> OpenAIProvider:
    endpoint = Endpoint(url, KEY, "gpt-4o", network=Network(**network))
    return OpenAIProvider("openai:gpt-4o", lambda: endpoint, waits=waits)


def said(asked: OpenAIProvider) -> str:
    """Ask, and return the reply."""
    try:
        deltas = list(asked.stream(QUESTION))
    finally:
        asked.close()
    assert isinstance(deltas[-1], Finish)
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def named(url: str) -> str:
    """Return a server's address by a name that only a proxy knows."""
    return url.replace(HOST, "model.test")


# Proxies


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
def test_a_proxy_of_the_environment_is_asked(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with HTTPProxy() as proxy:
        monkeypatch.setenv(variable, f"{HOST}:{proxy.port}")
        assert said(provider(named(chat_server.url))) == "Echo: Hello"
        assert proxy.asked_for == [("model.test", chat_server.port)]


def test_a_proxy_makes_a_tunnel_for_what_is_encrypted(
    tls: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    with HTTPProxy(user="me:secret") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@{HOST}:{proxy.port}")
        url = tls.replace(HOST, "localhost")
        assert said(provider(url, proxy=os.environ["HTTPS_PROXY"])) == "Echo: Hello"
        assert [host for host, _ in proxy.asked_for] == ["localhost"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_said_to(tls: str, scheme: str) -> None:
    url = tls.replace("https", scheme)
    with HTTPProxy(user="me:secret") as proxy, pytest.raises(ProviderError) as caught:
        said(provider(url, proxy=f"http://me:wrong@{HOST}:{proxy.port}"))
    assert "proxy" in caught.value.message
    assert not caught.value.retryable
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
@pytest.mark.parametrize("host", [HOST, "nowhere.invalid"])
def test_a_proxy_that_can_not_be_reached_is_named_and_not_the_endpoint(
    scheme: str, host: str
) -> None:
    with closed_port() as url:
        address = url.removeprefix("http://").removesuffix("/v1").replace(HOST, host)
        asked = provider("https://model.test/v1", proxy=f"{scheme}://me:secret@{address}")
        with pytest.raises(Unreachable) as caught:
            said(asked)
    assert caught.value.message.startswith(f"the proxy {scheme}://{address} can't be reached")
    assert caught.value.retryable
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
def test_a_socks_proxy_is_asked_and_looks_the_name_up_itself(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with SOCKSProxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{HOST}:{proxy.port}/")
        url = chat_server.url.replace(HOST, "localhost")
        assert said(provider(url, proxy=os.environ["ALL_PROXY"])) == "Echo: Hello"
        assert proxy.asked_for == [("localhost", chat_server.port)]


def test_a_socks_proxy_without_its_package_is_one_clear_line(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(Refused) as caught:
        said(provider(chat_server.url, proxy="socks5://me:secret@127.0.0.1:1080"))
    assert "pip install socksio" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://q:2"}, "https://a.b/v1", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://q:2"}, "http://a.b/v1", "http://q:2"),
        ({"HTTPS_PROXY": "p:1"}, "http://a.b/v1", None),
        ({"ALL_PROXY": "socks://p:1"}, "https://a.b/v1", "socks5h://p:1"),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "*"}, "https://a.b/v1", None),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "b"}, "https://a.b/v1", None),
        ({"ALL_PROXY": "p:1", "NO_PROXY": ".a.b, c"}, "https://x.a.b/v1", None),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "a.b:8443"}, "https://a.b:8443/v1", None),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "a.b:8443"}, "https://a.b/v1", "http://p:1"),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "bb"}, "https://a.b/v1", "http://p:1"),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3:8000/v1", None),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "10.0.0.0/8"}, "http://11.1.2.3/v1", "http://p:1"),
        ({"ALL_PROXY": "p:1", "NO_PROXY": "fd00::/8"}, "http://[fd00::1]/v1", None),
        ({"ALL_PROXY": "p:1"}, "http://127.0.0.1:8000/v1", None),
        ({"ALL_PROXY": "p:1"}, "http://localhost/v1", None),
        ({}, "https://a.b/v1", None),
    ],
)
def test_the_environment_is_read_as_other_programs_read_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxies.proxy_for(url, None) == proxy


def test_a_profile_s_own_proxy_comes_first_and_an_empty_one_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://p:1")
    assert proxies.proxy_for("https://a.b/v1", "http://q:2") == "http://q:2"
    assert proxies.proxy_for("https://a.b/v1", "") is None


@pytest.mark.parametrize("proxy", ["ftp://me:secret@p:1", "http://", "http://p:x", "http://p q:1"])
def test_what_is_no_proxy_is_one_line_without_the_password(proxy: str) -> None:
    with pytest.raises(Refused) as caught:
        proxies.proxy_for("https://a.b/v1", proxy)
    assert "`proxy` of the profile" in str(caught.value)
    assert "secret" not in str(caught.value)


# Certificates


def test_a_server_of_an_unknown_authority_is_not_trusted(tls: str) -> None:
    with pytest.raises(ProviderError, match="ca_bundle"):
        said(provider(tls))


@pytest.mark.parametrize("how", ["profile", "environment"])
def test_an_authority_can_be_named(
    tls: str, authority: Authority, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    network: dict[str, Any] = {"ca_bundle": str(authority.bundle)} if how == "profile" else {}
    if how == "environment":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    assert said(provider(tls, **network)) == "Echo: Hello"


def test_a_server_that_wants_a_certificate_is_shown_one(
    chat_server: ChatServer, authority: Authority
) -> None:
    context = authority.server_context(asks_for_a_certificate=True)
    with Encrypted(chat_server.port, context) as front:
        url = f"https://{HOST}:{front.port}/v1"
        trusting: dict[str, Any] = {"ca_bundle": str(authority.bundle)}
        with pytest.raises(ProviderError):
            said(provider(url, **trusting))
        own: dict[str, Any] = {
            "client_cert": str(authority.certificate),
            "client_key": str(authority.key),
        }
        assert said(provider(url, **trusting, **own)) == "Echo: Hello"


@pytest.mark.parametrize("name", ["ca_bundle", "client_cert"])
@pytest.mark.parametrize("content", [None, "", "not a certificate\n"])
def test_a_file_that_holds_no_certificate_is_one_line(
    tls: str, tmp_path: Path, name: str, content: str | None
) -> None:
    file = tmp_path / "some.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Refused) as caught:
        said(provider(tls, None, **{name: str(file)}))
    assert str(file) in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_variable_that_names_nothing_is_one_line(
    tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "gone"))
    with pytest.raises(Refused, match=name):
        said(provider(tls))


# Headers


def test_only_what_an_endpoint_needs_is_in_the_headers(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Own: secret\nAuthorization: Bearer secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-secret")
    said(provider(chat_server.url))
    headers = chat_server.requests[0].headers
    assert headers.keys() == {
        *("host", "accept", "accept-encoding", "connection", "content-type", "content-length"),
        *("user-agent", "authorization"),
    }
    assert headers["user-agent"] == f"chatcli/{__version__}"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert "secret" not in str(headers)


def test_the_client_s_own_log_stays_out_of_what_is_read(chat_server: ChatServer) -> None:
    environment = {"OPENAI_LOG": "debug", "OPENAI_BASE_URL": chat_server.url}
    done = run_chatcli("ask", "--no-save", "Hello", env=environment, anew=True)
    assert (done.stdout, done.stderr) == ("Echo: Hello\n", "")


def test_without_a_key_none_is_sent(
    chat_server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / ".netrc"
    passwords.write_text("default login me password secret\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(passwords))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    endpoint = Endpoint(chat_server.url, None, "gpt-4o")
    assert said(OpenAIProvider("mine:gpt-4o", lambda: endpoint)) == "Echo: Hello"
    assert "authorization" not in chat_server.requests[0].headers


def test_a_profile_s_headers_go_with_every_request(chat_server: ChatServer) -> None:
    asked = provider(chat_server.url, headers={"X-Team": "seven", "User-Agent": "ours"})
    asked.models()
    said(asked)
    for request in chat_server.requests:
        assert request.headers["x-team"] == "seven"
        assert request.headers["user-agent"] == "ours"


def test_an_endpoint_s_list_can_want_the_key_in_a_header_of_its_own(
    chat_server: ChatServer,
) -> None:
    asked = provider(chat_server.url, listing_key="x-api-key")
    asked.models()
    said(asked)
    listing, chat = chat_server.requests
    assert listing.headers["x-api-key"] == KEY
    assert "x-api-key" not in chat.headers


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("http://api.openai.com/v1", False),
        ("https://api.openai.com.example.org/v1", False),
        ("https://notapi.openai.com/v1", False),
        ("https://x.openai.azure.com/openai/v1", False),
        ("https://[", False),
    ],
)
def test_what_is_meant_for_openai_goes_to_openai(url: str, ours: bool) -> None:
    assert is_openai(url) == ours


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://127.0.0.1.example.org/v1", False),
        ("http://10.0.0.1/v1", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_what_is_on_this_machine_is_told(url: str, here: bool) -> None:
    assert is_loopback(url) == here


# Giving up


def first_of(reply: PumpedReply) -> Iterator[object]:
    deltas = iter(reply)
    assert isinstance(next(deltas), TextDelta)
    return deltas


@pytest.mark.parametrize("way", ["plain", "tls", "tunnel", "socks"])
def test_a_stop_ends_the_request_itself(
    chat_server: ChatServer, tls: str, authority: Authority, way: str
) -> None:
    chat_server.delay = 0.05
    chat_server.reply_with("word " * 500)
    bundle: dict[str, Any] = {"ca_bundle": str(authority.bundle)}
    with HTTPProxy() as tunnel, SOCKSProxy() as socks:
        asked = {
            "plain": lambda: provider(chat_server.url),
            "tls": lambda: provider(tls, **bundle),
            "tunnel": lambda: provider(tls, proxy=f"http://{HOST}:{tunnel.port}", **bundle),
            "socks": lambda: provider(tls, proxy=f"socks5://{HOST}:{socks.port}", **bundle),
        }[way]()
        for round_number in (1, 2):  # a connection that is used again is ended as well
            reply = asked.stream(QUESTION)
            rest = first_of(reply)
            reply.close()
            assert list(rest) == []
            chat_server.wait_for_disconnect(round_number, timeout=5)
        asked.close()


def test_a_stop_on_a_connection_that_served_before_ends_it_too(
    chat_server: ChatServer, tls: str, authority: Authority
) -> None:
    asked = provider(tls, ca_bundle=str(authority.bundle))
    assert "".join(d.text for d in asked.stream(QUESTION) if isinstance(d, TextDelta))
    chat_server.delay = 0.05
    chat_server.reply_with("word " * 500)
    reply = asked.stream(QUESTION)
    first_of(reply)
    reply.close()
    chat_server.wait_for_disconnect(timeout=5)
    asked.close()


def test_a_request_that_was_given_up_in_its_handshake_never_leaves(
    chat_server: ChatServer, authority: Authority
) -> None:
    go_on = threading.Event()

    class Slow(Encrypted):
        def _serve(self, wire: object, incoming: object) -> None:
            shaking.set()
            go_on.wait(5)
            super()._serve(wire, incoming)  # type: ignore[arg-type]  # passed on as they came

    shaking = threading.Event()
    with Slow(chat_server.port, authority.server_context()) as front:
        url = f"https://{HOST}:{front.port}/v1"
        asked = provider(url, ca_bundle=str(authority.bundle))
        reply = asked.stream(QUESTION)
        reading = threading.Thread(target=lambda: list(reply))
        reading.start()
        assert shaking.wait(5)
        reply.close()
        reading.join(5)
        go_on.set()
        for thread in threading.enumerate():
            if thread.name == "reply":
                thread.join(5)
    assert chat_server.requests == []


def test_the_key_is_not_asked_for_before_a_reply_is(chat_server: ChatServer) -> None:
    asked_in: list[str] = []

    def endpoint() -> Endpoint:
        asked_in.append(threading.current_thread().name)
        return Endpoint(chat_server.url, KEY, "gpt-4o")

    asked = OpenAIProvider("mine:gpt-4o", endpoint)
    reply = asked.stream(QUESTION)
    assert asked_in == []
    assert list(reply)
    assert asked_in == ["reply"]
    asked.close()


def test_getting_ready_is_no_silence_of_the_server(chat_server: ChatServer) -> None:
    ready = threading.Event()
    threading.Timer(0.4, ready.set).start()

    def endpoint() -> Endpoint:
        ready.wait(5)
        return Endpoint(chat_server.url, KEY, "gpt-4o")

    asked = OpenAIProvider("mine:gpt-4o", endpoint, waits=Waits(0.2, 0.2))
    assert said(asked) == "Echo: Hello"


# Bodies


def endless(exchange: Exchange) -> None:
    """Say everything, and then neither end the body nor the connection."""
    exchange.wire.head_of_frames()
    for chunk in exchange.chunks():
        exchange.wire.frame(event(chunk))
    exchange.wire.frame(b"data: [DONE]\n\n")
    exchange.wire.hang()


def compressed(exchange: Exchange) -> None:
    """Send each event in a block of its own, as a proxy that compresses does."""
    body = b"".join(map(event, exchange.chunks())) + b"data: [DONE]\n\n"
    exchange.wire.answer(
        200, gzip.compress(body), "text/event-stream", {"content-encoding": "gzip"}
    )


def carriage_returns(exchange: Exchange) -> None:
    exchange.wire.head_of_frames()
    for chunk in exchange.chunks():
        exchange.wire.frame(event(chunk).replace(b"\n", b"\r"))
    exchange.wire.frame(b"data: [DONE]\r\r")
    exchange.wire.end()


def comments(exchange: Exchange) -> None:
    exchange.wire.head_of_frames()
    while True:
        exchange.wire.frame(b": keep-alive\n\n")
        exchange.wire.pause(0.05)


@pytest.mark.parametrize("act", [endless, compressed, carriage_returns])
def test_odd_bodies_are_read_whole_and_hold_nobody_up(
    chat_server: ChatServer, act: Callable[[Exchange], None]
) -> None:
    chat_server.fail_next(Fault("odd", "an odd body", act))
    assert said(provider(chat_server.url, Waits(5, 5))) == "Echo: Hello"


def without_end(exchange: Exchange) -> None:
    exchange.wire.head(400, {"content-type": "text/plain"})
    while True:
        exchange.wire.send(b"no " * 20_000)


def packed(exchange: Exchange) -> None:
    """Send 60 MB of an error in 60 kB."""
    body = gzip.compress(b"no " * 20_000_000)
    exchange.wire.answer(400, body, "text/plain", {"content-encoding": "gzip"})


@pytest.mark.parametrize("act", [without_end, packed])
def test_of_an_error_s_body_no_more_is_read_than_anybody_reads(
    chat_server: ChatServer, act: Callable[[Exchange], None]
) -> None:
    chat_server.fail_next(Fault("endless-error", "an error without an end", act))
    asked = provider(chat_server.url)
    with pytest.raises(Refused, match="no no no") as caught:
        list(asked.stream(QUESTION))
    told = caught.value.__cause__
    assert isinstance(told, openai.APIStatusError)
    assert len(told.response.content) == MOST_OF_AN_ERROR
    asked.close()


def test_comments_are_no_tokens(chat_server: ChatServer) -> None:
    chat_server.fail_next(Fault("comments", "nothing but comments", comments))
    with pytest.raises(Unreachable, match="nothing"):
        said(provider(chat_server.url, Waits(0.3, 0.3)))


# Lists of models


def listing(answer: object) -> Fault:
    def act(exchange: Exchange) -> None:
        exchange.wire.answer(200, encode(answer))

    return Fault("listing", "a list of its own kind", act)


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ({"data": [{"id": "b"}, {"id": "a"}, {"id": "b"}]}, ["b", "a"]),
        ([{"id": "a"}, {"id": "b"}], ["a", "b"]),
        ({"models": [{"name": "a"}, "b"]}, ["a", "b"]),
        ({"data": [{"id": "models/g-1"}, {"id": "models/g-2"}]}, ["g-1", "g-2"]),
        ({"data": [{"id": 5}, {"id": None}, {}, 7, {"id": ""}, {"id": "x" * 201}]}, []),
        ({"data": [{"id": "a\x1b[31m"}, {"id": "b\nc"}, {"id": "ok"}]}, ["ok"]),
        ({"data": [{"id": f"m{number}"} for number in range(5_001)]}, 5_000),
        ({"data": "none"}, []),
        ({}, []),
    ],
)
def test_a_list_of_models_may_be_anything(
    chat_server: ChatServer, answer: object, names: list[str] | int
) -> None:
    chat_server.fail_next(listing(answer), path=MODELS)
    asked = provider(chat_server.url)
    found = asked.models()
    asked.close()
    assert (len(found) if isinstance(names, int) else found) == names


def test_a_list_goes_on_over_its_pages_and_comes_to_an_end(chat_server: ChatServer) -> None:
    more = {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}
    chat_server.fail_next(listing(more), path=MODELS)
    chat_server.fail_next(listing({"data": [{"id": "b"}], "has_more": False}), path=MODELS)
    asked = provider(chat_server.url)
    with pytest.raises(ProviderError, match="Invalid URL"):
        asked.models()  # our own server knows no pages, and its path shows what it was asked
    asked.close()
    assert [request.path for request in chat_server.requests] == [
        "/v1/models",
        "/v1/models?after=a&after_id=a",
    ]


def test_the_first_model_of_the_list_is_asked_where_none_is_named(chat_server: ChatServer) -> None:
    endpoint = replace(Endpoint(chat_server.url, KEY), model=None)
    assert said(OpenAIProvider("mine", lambda: endpoint)) == "Echo: Hello"
    assert chat_server.requests[-1].body["model"] == "test-model"


def test_a_socket_that_is_closed_already_is_no_trouble() -> None:
    from chatcli.providers.lines import Call, Lines

    lines = Lines()
    with socket.socket() as line:
        lines.add(line)
    Call(lines).break_off()
