"""Exports a sentence-transformers model to ONNX, checks it on golden texts, and keeps it."""

import logging
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import replace
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
from features.encoding.onnx_network import OnnxNetwork
from features.encoding.torch_model import load_torch_model, prompt_of
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
_EXAMPLE_TEXTS = ("disk full", "the printer on the second floor is jammed again")


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
    model = load_torch_model(weights)
    new_folder = folder.parent / f"{reference}.{uuid4().hex}.part"
    new_folder.mkdir(parents=True)
    try:
        _write_export(model, reference, new_folder, precision)
        new_folder.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process was faster
            raise
    finally:
        shutil.rmtree(new_folder, ignore_errors=True)


def _write_export(
    model: "SentenceTransformer", reference: str, folder: Path, precision: Precision
) -> None:
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
    cosine = _lowest_cosine(model, EncoderExport(folder, description))
    if not cosine >= _LOWEST_COSINE:
        raise EncoderUnavailable(
            f"the exported encoder differs from its model (cosine {cosine:.4f}, at least "
            f"{_LOWEST_COSINE} is needed); choose another model, or another version of torch"
        )
    if precision == "int8":
        _quantise(folder / NETWORK_FILE)
        cosine = _lowest_cosine(model, EncoderExport(folder, description))
    write_description(
        folder,
        replace(description, export_hash=hash_export(folder), precision=precision, cosine=cosine),
    )
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


def _lowest_cosine(model: "SentenceTransformer", export: EncoderExport) -> float:
    """Compare single texts and a padded batch with sentence-transformers."""
    network = OnnxNetwork(export)
    expected = model.encode(
        list(GOLDEN_TEXTS),
        prompt=prompt_of(model),
        normalize_embeddings=True,
        show_progress_bar=False,
    )
    ways: Sequence[Any] = (
        network.run(GOLDEN_TEXTS),
        np.vstack([network.run([text]) for text in GOLDEN_TEXTS]),
    )
    return float(min(np.einsum("ij,ij->i", vectors, expected).min() for vectors in ways))


def _token_limit(model: "SentenceTransformer") -> int:
    return int(model.max_seq_length or model.tokenizer.model_max_length)


def _pooling(model: "SentenceTransformer") -> tuple[str, ...]:
    modes = [module.pooling_mode for module in model if hasattr(module, "pooling_mode")]
    return tuple(
        mode for kinds in modes for mode in ((kinds,) if isinstance(kinds, str) else kinds)
    )
