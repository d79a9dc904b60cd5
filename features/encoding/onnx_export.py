"""Exports a sentence-transformers model to ONNX, checks it on golden texts, and keeps it.

The shipped encoder is exported without torch, whose import takes longer than all the rest.
"""

import logging
import shutil
import warnings
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from features.encoding.encoder_export import (
    NETWORK_FILE,
    TOKENIZER_FILE,
    EncoderDescription,
    EncoderExport,
    Precision,
    hash_export,
    hash_file,
    read_export,
    write_description,
)
from features.encoding.minilm_network import write_minilm_network
from features.encoding.onnx_network import OnnxNetwork, Vectors
from features.encoding.torch_model import MINILM, MINILM_TOKENS, load_torch_model, prompt_of
from features.errors import EncoderUnavailable

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_LOG = logging.getLogger(__name__)
_LOWEST_COSINE = 0.9999
_OPSET = 17
_EXPORTING = Lock()  # torch's exporter is not made for several threads

# The lengths differ from those of the export's example, so that an axis that was exported with a
# fixed length is found. The last text is cut at the token limit.
GOLDEN_TEXTS = (
    "x",
    "VPN down",
    "Der Drucker im zweiten Stock meldet einen Papierstau",
    "El disco del servidor está lleno: no se puede escribir",
    "java.lang.OutOfMemoryError: Java heap space at com.example.Cache.put(Cache.java:42)",
    "数据库连接超时 и очередь не обрабатывается",
    "The payment service answers 503 since the deployment at 10:42. " * 60,
)
MINILM_GOLDEN_VECTORS = Path(__file__).with_name("minilm_golden.npy")
_EXAMPLE_TEXTS = ("disk full", "the printer on the second floor is jammed again")


@dataclass(frozen=True, slots=True)
class _Draft:
    """An export that is not checked yet, and what its model answers to the golden texts."""

    description: EncoderDescription
    golden_vectors: Vectors


def needs_torch(reference: str) -> bool:
    """Whether torch is needed to export an encoder; only the shipped one is known without it."""
    return reference != MINILM or find_spec("onnx") is None


def export_encoder(weights: Path, exports: Path, precision: Precision) -> EncoderExport:
    """Export the model in `weights` to a folder of `exports` that is named by its weights' hash.

    The whole model is exported: transformer, pooling, and dense and normalising layers. The folder
    is written under another name and then renamed, so that processes can export at once. Raises
    `EncoderUnavailable` without torch, or if the model cannot be exported faithfully.
    """
    reference = hash_file(weights / "model.safetensors")
    folder = exports / reference
    with _EXPORTING:
        if not folder.is_dir():
            _export(weights, reference, folder, precision)
    return read_export(folder)


def _export(weights: Path, reference: str, folder: Path, precision: Precision) -> None:
    write = _write_with_torch if needs_torch(reference) else _write_minilm
    new_folder = folder.parent / f"{reference}.{uuid4().hex}.part"
    new_folder.mkdir(parents=True)
    try:
        _check(write(weights, reference, new_folder), new_folder, precision)
        new_folder.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process was faster
            raise
    finally:
        shutil.rmtree(new_folder, ignore_errors=True)


def _write_minilm(weights: Path, reference: str, folder: Path) -> _Draft:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights / TOKENIZER_FILE))
    tokenizer.enable_truncation(MINILM_TOKENS)
    tokenizer.enable_padding()
    tokenizer.save(str(folder / TOKENIZER_FILE))
    write_minilm_network(weights, folder / NETWORK_FILE)
    vectors = np.load(MINILM_GOLDEN_VECTORS)
    description = EncoderDescription(
        reference=reference,
        export_hash="",
        precision="float32",
        dimension=vectors.shape[1],
        token_limit=MINILM_TOKENS,
        prompt="",
        prompts={},
        pooling=("mean",),
        cosine=0.0,
    )
    return _Draft(description, vectors)


def _write_with_torch(weights: Path, reference: str, folder: Path) -> _Draft:
    model = load_torch_model(weights)
    model.eval()
    _write_tokenizer(model, folder / TOKENIZER_FILE)
    _write_network(model, folder / NETWORK_FILE)
    description = EncoderDescription(
        reference=reference,
        export_hash="",
        precision="float32",
        dimension=int(model.get_embedding_dimension() or 0),
        token_limit=_token_limit(model),
        prompt=prompt_of(model),
        prompts={name: prompt or "" for name, prompt in model.prompts.items()},
        pooling=_pooling(model),
        cosine=0.0,
    )
    return _Draft(description, golden_vectors(model))


def golden_vectors(model: "SentenceTransformer") -> Vectors:
    """Return what sentence-transformers answers to the golden texts."""
    vectors = model.encode(
        list(GOLDEN_TEXTS),
        prompt=prompt_of(model),
        normalize_embeddings=True,
        show_progress_bar=False,
    )
    return np.asarray(vectors, dtype=np.float32)


def _check(draft: _Draft, folder: Path, precision: Precision) -> None:
    """Compare an export with its model, quantise it if wanted, and write its description."""
    cosine = _lowest_cosine(draft, folder)
    if not cosine >= _LOWEST_COSINE:
        raise EncoderUnavailable(
            f"the exported encoder differs from its model (cosine {cosine:.4f}, at least "
            f"{_LOWEST_COSINE} is needed); choose another model, or another version of torch"
        )
    if precision == "int8":
        _quantise(folder / NETWORK_FILE)
        cosine = _lowest_cosine(draft, folder)
    description = replace(
        draft.description, export_hash=hash_export(folder), precision=precision, cosine=cosine
    )
    write_description(folder, description)
    _LOG.info("encoder exported with precision %s, cosine %.6f", precision, cosine)


def _write_tokenizer(model: "SentenceTransformer", file: Path) -> None:
    """Write the tokenizer with the model's truncation and padding."""
    tokenizer = model.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise EncoderUnavailable("the encoder's tokenizer cannot be written as tokenizer.json")
    fast_tokenizer = tokenizer.backend_tokenizer
    fast_tokenizer.enable_truncation(_token_limit(model), direction=tokenizer.truncation_side)
    fast_tokenizer.enable_padding(
        direction=tokenizer.padding_side,
        pad_id=tokenizer.pad_token_id,
        pad_type_id=tokenizer.pad_token_type_id,
        pad_token=tokenizer.pad_token,
    )
    fast_tokenizer.save(str(file))


def _write_network(model: "SentenceTransformer", file: Path) -> None:
    import torch

    features = model.preprocess(list(_EXAMPLE_TEXTS), prompt=prompt_of(model) or None)
    tensors = {name: value for name, value in features.items() if torch.is_tensor(value)}
    constants = {name: value for name, value in features.items() if name not in tensors}

    class SentenceNetwork(torch.nn.Module):
        """The model with its inputs in a fixed order."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: "torch.Tensor") -> Any:  # noqa: ANN401
            named_inputs = dict(zip(tensors, inputs, strict=True))
            vectors = self.model(named_inputs | constants)["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, dim=1)

    axes = {name: {0: "texts", 1: "tokens"} for name in tensors}
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of constants in the trace; the golden texts find them
        torch.onnx.export(
            SentenceNetwork(),
            tuple(tensors.values()),
            str(file),
            input_names=list(tensors),
            output_names=["vectors"],
            dynamic_axes=axes | {"vectors": {0: "texts"}},
            opset_version=_OPSET,
            dynamo=False,
        )


def _quantise(file: Path) -> None:
    """Replace the network by one with 8-bit weights, whose activations are quantised as it runs."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    full_precision = file.rename(file.with_suffix(".full"))
    quantize_dynamic(full_precision, file, weight_type=QuantType.QInt8, per_channel=True)
    full_precision.unlink()


def _lowest_cosine(draft: _Draft, folder: Path) -> float:
    """Compare single texts and a padded batch with the model."""
    network = OnnxNetwork(EncoderExport(folder, draft.description))
    ways = (
        network.run(GOLDEN_TEXTS),
        np.vstack([network.run([text]) for text in GOLDEN_TEXTS]),
    )
    expected = draft.golden_vectors
    return float(min(np.einsum("ij,ij->i", vectors, expected).min() for vectors in ways))


def _token_limit(model: "SentenceTransformer") -> int:
    return int(model.max_seq_length or model.tokenizer.model_max_length)


def _pooling(model: "SentenceTransformer") -> tuple[str, ...]:
    modes = [module.pooling_mode for module in model if hasattr(module, "pooling_mode")]
    return tuple(
        mode for kinds in modes for mode in ((kinds,) if isinstance(kinds, str) else kinds)
    )
