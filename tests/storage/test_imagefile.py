"""Image files: the kind and the size are read from the bytes, and bytes that lie are refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.conversation.images import MOST_BYTES
from chatcli.errors import AttachmentError
from chatcli.storage.dataurls import image_of_url
from chatcli.storage.imagefile import image_from, is_image, kind_of
from tests.support.pictures import gif, jpeg, png, webp

KINDS: dict[str, tuple[str, Callable[[int, int], bytes]]] = {
    "png": ("image/png", png),
    "jpeg": ("image/jpeg", jpeg),
    "jpeg, progressive": ("image/jpeg", partial(jpeg, frame=0xC2)),
    "jpeg, with a long comment": ("image/jpeg", partial(jpeg, comment=b"\xff\xc0" * 9000)),
    "gif": ("image/gif", gif),
    "webp": ("image/webp", webp),
    "webp, lossless": ("image/webp", partial(webp, form="VP8L")),
    "webp, lossy": ("image/webp", partial(webp, form="VP8 ")),
}


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (3, 4000)])
def test_kind_and_size_are_read_from_the_bytes_whatever_the_name(
    what: str, size: tuple[int, int]
) -> None:
    kind, make = KINDS[what]
    image = image_from("notes.txt", make(*size))
    assert (image.media_type, image.width, image.height) == (kind, *size)


@pytest.mark.parametrize("what", KINDS)
def test_an_image_that_was_cut_anywhere_is_refused(what: str) -> None:
    whole = KINDS[what][1](640, 480)
    for end in {*range(min(len(whole), 200)), *range(0, len(whole), 997), len(whole) - 1}:
        with pytest.raises(AttachmentError):
            image_from("cut.png", whole[:end])


@pytest.mark.parametrize(
    "data",
    [
        png(0, 3),
        png(70_000, 1),
        jpeg(0, 0),
        gif(0, 5),
        webp(4, 0, "VP8 "),
        png()[:8] + png()[33:],
        b"\xff\xd8\xff\xe0\x00\x00" + jpeg()[6:],
        b"\xff\xd8\xff\xda" + jpeg()[4:],
    ],
    ids=range(8),
)
def test_a_header_that_lies_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(AttachmentError, match="torn or whose header lies; save it again") as error:
        image_from("odd.png", data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("magic", [b"BM6", b"II*\0", b"MM\0*", b"8BPS", b"\0\0\0\x20ftypheic"])
def test_a_picture_of_another_kind_says_what_to_make_of_it(magic: bytes) -> None:
    data = magic + bytes(100)
    assert is_image(data)
    with pytest.raises(AttachmentError, match="make a PNG or a JPEG of it"):
        image_from("old.bmp", data)


def test_an_image_that_is_too_large_is_refused() -> None:
    with pytest.raises(AttachmentError, match="larger than 5 MiB"):
        image_from("big.png", png() + bytes(MOST_BYTES))


MAGICS = st.sampled_from([make(4, 3)[:cut] for _, make in KINDS.values() for cut in (4, 12, 26)])


@given(MAGICS, st.binary(max_size=80))
def test_whatever_follows_the_first_bytes_costs_an_error_at_most(magic: bytes, rest: bytes) -> None:
    data = magic + rest
    if kind_of(data) is None:
        return
    try:
        image = image_from("x", data)
    except AttachmentError:
        return
    assert 0 < image.width <= 65_535
    assert 0 < image.height <= 65_535


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/cat.png",
        "file:///etc/passwd",
        "data:text/plain;base64,aGVsbG8=",
        "data:image/png;base64,not base64",
        "data:image/png;base64,aGVsbG8=",
        "data:image/png,raw",
        "",
    ],
)
def test_only_a_data_url_that_holds_an_image_is_one(url: str) -> None:
    with pytest.raises(AttachmentError):
        image_of_url("image 1", url)
