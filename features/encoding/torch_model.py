"""Loads a sentence-transformers model with torch, which only export and fine-tuning need."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from features.encoding.encoder_export import hash_file
from features.errors import EncoderUnavailable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_TOKENS = 128


def require_torch() -> None:
    """Raise `EncoderUnavailable` if torch and sentence-transformers are not installed."""
    if any(find_spec(package) is None for package in ("torch", "sentence_transformers")):
        raise EncoderUnavailable(
            "this home holds no exported encoder, and exporting or adapting one needs PyTorch: run "
            "precedent train, on this home and where precedent[training] is installed, or install "
            "precedent[training] here"
        )


def load_torch_model(weights: Path) -> "SentenceTransformer":
    """Load the model with the token limit that its files state.

    MiniLM reads 128 tokens, as it was trained (Reimers and Gurevych 2019, model card of
    all-MiniLM-L6-v2), although its files allow 256. Raises `EncoderUnavailable` without torch.
    """
    require_torch()
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = SentenceTransformer(str(weights), device="cpu")
    if hash_file(weights / "model.safetensors") == MINILM:
        model.max_seq_length = MINILM_TOKENS
    return model


def prompt_of(model: "SentenceTransformer") -> str:
    """Return what the model wants before a text that is compared with texts of its own kind.

    That is its default prompt, or else its prompt for queries, which E5 (Wang et al. 2022) also
    recommends for symmetric comparisons and for vectors that are features.
    """
    name = model.default_prompt_name or "query"
    return str(model.prompts.get(name) or "")
