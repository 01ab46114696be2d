"""Models that are small, good for their size and free to use, by names that can be remembered.

Each is an instruction-tuned model whose licence (Apache-2.0 or MIT) is that of the weights
themselves, in a repository of its maker or of a well-known packer. Sizes are what the hub states
for the file, rounded to a megabyte (10^6 bytes); its SHA-256 is asked for when it is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chatcli.providers.hub.names import Reference


@dataclass(frozen=True, slots=True)
class Curated:
    """A model of the list. `megabytes` is the size of its file."""

    reference: Reference
    megabytes: int
    licence: str
    about: str


def _model(repo: str, file: str, megabytes: int, licence: str, about: str) -> Curated:
    return Curated(Reference(repo, file=file), megabytes, licence, about)


CURATED: Final[Mapping[str, Curated]] = {
    "smollm2-360m": _model(
        "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF",
        "smollm2-360m-instruct-q8_0.gguf",
        386,
        "Apache-2.0",
        "quick anywhere",
    ),
    "qwen3-0.6b": _model(
        "Qwen/Qwen3-0.6B-GGUF",
        "Qwen3-0.6B-Q8_0.gguf",
        639,
        "Apache-2.0",
        "many languages; thinks first",
    ),
    "olmo2-1b": _model(
        "allenai/OLMo-2-0425-1B-Instruct-GGUF",
        "OLMo-2-0425-1B-Instruct-Q4_K_M.gguf",
        936,
        "Apache-2.0",
        "its training data is open too",
    ),
    "smollm2-1.7b": _model(
        "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF",
        "smollm2-1.7b-instruct-q4_k_m.gguf",
        1_056,
        "Apache-2.0",
        "English; for 4 GB of memory",
    ),
    "qwen2.5-1.5b": _model(
        "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        "qwen2.5-1.5b-instruct-q4_k_m.gguf",
        1_117,
        "Apache-2.0",
        "many languages",
    ),
    "granite3.3-2b": _model(
        "ibm-granite/granite-3.3-2b-instruct-GGUF",
        "granite-3.3-2b-instruct-Q4_K_M.gguf",
        1_545,
        "Apache-2.0",
        "summaries and long texts",
    ),
    "qwen3-1.7b": _model(
        "Qwen/Qwen3-1.7B-GGUF",
        "Qwen3-1.7B-Q8_0.gguf",
        1_834,
        "Apache-2.0",
        "many languages; thinks first",
    ),
    "smollm3-3b": _model(
        "ggml-org/SmolLM3-3B-GGUF",
        "SmolLM3-Q4_K_M.gguf",
        1_915,
        "Apache-2.0",
        "six European languages",
    ),
    "phi4-mini": _model(
        "unsloth/Phi-4-mini-instruct-GGUF",
        "Phi-4-mini-instruct-Q4_K_M.gguf",
        2_492,
        "MIT",
        "reasoning and mathematics",
    ),
    "qwen3-4b": _model(
        "Qwen/Qwen3-4B-GGUF",
        "Qwen3-4B-Q4_K_M.gguf",
        2_497,
        "Apache-2.0",
        "the best for 8 GB of memory",
    ),
    "qwen3-8b": _model(
        "Qwen/Qwen3-8B-GGUF",
        "Qwen3-8B-Q4_K_M.gguf",
        5_028,
        "Apache-2.0",
        "the best here; for 16 GB of memory",
    ),
}
"""A new one is a line here: its name, repository, file, size and licence."""
