"""Writes the network of the shipped encoder without torch, whose import takes longer than that.

all-MiniLM-L6-v2 is BERT (Devlin et al. 2019), the mean of its token vectors, and their length set
to 1 (Reimers and Gurevych 2019). Only the weights are read from a file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

_LAYERS, _HEADS, _DIMENSION = 6, 12, 384
_LAYER_NORM_EPSILON = _LEAST_LENGTH = 1e-12
_NEVER = float(np.finfo(np.float32).min)  # added to the score of a token, it gets no attention
_OPSET, _IR_VERSION = 17, 8
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OUTPUT = "vectors"

Weights = Mapping[str, NDArray[np.float32]]


def write_minilm_network(weights: Path, file: Path) -> None:
    """Write the network with the weights of `model.safetensors` in a folder."""
    from onnx import TensorProto, helper
    from safetensors.numpy import load_file

    graph = _Graph(load_file(weights / "model.safetensors"))
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    _write_pooling(graph, _write_transformer(graph, mask), mask)
    network = helper.make_graph(
        graph.nodes,
        "all-MiniLM-L6-v2",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
            for name in _INPUTS
        ],
        [helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, ["texts", _DIMENSION])],
        graph.tensors,
    )
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(network, opset_imports=[opset], ir_version=_IR_VERSION)
    file.write_bytes(model.SerializeToString())


class _Graph:
    """The nodes and tensors of a network that is being written."""

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []
        self._weights = weights

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:  # noqa: ANN401
        """Add a node, and return the name of its output."""
        from onnx import helper

        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def number(self, value: float) -> str:
        """Add a number, and return its name."""
        return self._tensor(f"number_{len(self.tensors)}", np.array([value], dtype=np.float32))

    def integers(self, *values: int) -> str:
        """Add a list of integers, and return its name."""
        return self._tensor(f"integers_{len(self.tensors)}", np.array(values, dtype=np.int64))

    def weight(self, name: str) -> str:
        """Add a weight as it is in the file, and return its name."""
        return self._tensor(name, self._weights[name])

    def dense(self, vectors: str, name: str) -> str:
        """Add a dense layer."""
        matrix = self._tensor(f"{name}.weight", self._weights[f"{name}.weight"].T)
        return self.add("Add", self.add("MatMul", vectors, matrix), self.weight(f"{name}.bias"))

    def norm(self, vectors: str, name: str) -> str:
        """Add a layer norm."""
        names = (self.weight(f"{name}.weight"), self.weight(f"{name}.bias"))
        return self.add("LayerNormalization", vectors, *names, epsilon=_LAYER_NORM_EPSILON)

    def _tensor(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _write_transformer(graph: _Graph, mask: str) -> str:
    """Add the transformer, and return its token vectors of shape (texts, tokens, dimension)."""
    words, kinds, places = (
        graph.weight(f"embeddings.{name}_embeddings.weight")
        for name in ("word", "token_type", "position")
    )
    length = graph.add("Shape", "input_ids", start=1, end=2)
    first_places = graph.add("Slice", places, graph.integers(0), length, graph.integers(0))
    embedded = graph.add("Gather", words, "input_ids")
    embedded = graph.add("Add", embedded, graph.add("Gather", kinds, "token_type_ids"))
    vectors = graph.norm(graph.add("Add", embedded, first_places), "embeddings.LayerNorm")
    rows = graph.add("Unsqueeze", mask, graph.integers(1, 2))
    padding = graph.add("Sub", graph.number(1), rows)
    hidden = graph.add("Mul", padding, graph.number(_NEVER))
    for number in range(_LAYERS):
        layer = f"encoder.layer.{number}"
        attended = _write_attention(graph, vectors, hidden, f"{layer}.attention")
        wide = _write_gelu(graph, graph.dense(attended, f"{layer}.intermediate.dense"))
        narrow = graph.dense(wide, f"{layer}.output.dense")
        vectors = graph.norm(graph.add("Add", narrow, attended), f"{layer}.output.LayerNorm")
    return vectors


def _write_attention(graph: _Graph, vectors: str, hidden: str, name: str) -> str:
    shape = graph.integers(0, 0, _HEADS, _DIMENSION // _HEADS)

    def heads(part: str, order: Sequence[int]) -> str:
        parted = graph.add("Reshape", graph.dense(vectors, f"{name}.self.{part}"), shape)
        return graph.add("Transpose", parted, perm=order)

    query, key = heads("query", (0, 2, 1, 3)), heads("key", (0, 2, 3, 1))
    scores = graph.add("MatMul", query, key)
    scores = graph.add("Div", scores, graph.number((_DIMENSION / _HEADS) ** 0.5))
    weights = graph.add("Softmax", graph.add("Add", scores, hidden), axis=-1)
    mixed = graph.add("MatMul", weights, heads("value", (0, 2, 1, 3)))
    mixed = graph.add("Transpose", mixed, perm=(0, 2, 1, 3))
    joined = graph.add("Reshape", mixed, graph.integers(0, 0, _DIMENSION))
    output = graph.dense(joined, f"{name}.output.dense")
    return graph.norm(graph.add("Add", output, vectors), f"{name}.output.LayerNorm")


def _write_gelu(graph: _Graph, values: str) -> str:
    """Add the exact GELU (Hendrycks and Gimpel 2016)."""
    share = graph.add("Erf", graph.add("Div", values, graph.number(2**0.5)))
    doubled = graph.add("Mul", values, graph.add("Add", share, graph.number(1)))
    return graph.add("Mul", doubled, graph.number(0.5))


def _write_pooling(graph: _Graph, vectors: str, mask: str) -> None:
    """Add the mean of the vectors of all tokens but padding, with length 1."""
    tokens = graph.add("Unsqueeze", mask, graph.integers(2))
    sums = graph.add("ReduceSum", graph.add("Mul", vectors, tokens), graph.integers(1), keepdims=0)
    # The length of the sum does not matter, so it need not be divided by the number of tokens.
    lengths = graph.add("ReduceL2", sums, axes=[1])
    graph.add("Div", sums, graph.add("Max", lengths, graph.number(_LEAST_LENGTH)), output=_OUTPUT)
