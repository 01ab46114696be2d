"""The real weights for tests that talk to the embedded model."""

from __future__ import annotations

from pathlib import Path

import pytest
from platformdirs import user_cache_path

from chatcli.providers.weights import fetch_default


@pytest.fixture(scope="session")
def weights() -> Path:
    """Return the verified default weights from the cache that chatcli itself uses.

    They are fetched at most once per machine, 93 MB. Without the extra `local` the test is skipped.
    """
    pytest.importorskip("xllamacpp")
    cache = user_cache_path("chatcli", appauthor=False)
    return fetch_default(cache, progress=lambda done, total: None, cancelled=lambda: False)
