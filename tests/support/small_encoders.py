"""Sentence-transformers models with random weights, which are made in a second."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

_WORDS = ("the", "disk", "full", "vpn", "down", "query", "passage", "find", "drucker", "java")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def save_small_encoder(
    folder: Path,
    *,
    pooling: str | tuple[str, ...] = "mean",
    prompts: Mapping[str, str] | None = None,
    dense: int | None = None,
    pools_prompt: bool = True,
    max_tokens: int = 48,
    tokenizer: Tokenizer | None = None,
    special: Sequence[str] = _SPECIAL,
) -> Path:
    """Save a BERT of two layers and 32 dimensions, and return its folder."""
    # Imported here because collecting the tests would take ten seconds longer.
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    fast_tokenizer = tokenizer or word_piece_tokenizer()
    pad, unknown, first, last, mask = special
    bert = folder.with_name(f"{folder.name}-bert")
    PreTrainedTokenizerFast(
        tokenizer_object=fast_tokenizer,
        pad_token=pad,
        unk_token=unknown,
        cls_token=first,
        sep_token=last,
        mask_token=mask,
        model_max_length=64,
    ).save_pretrained(bert)
    config = BertConfig(
        vocab_size=fast_tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.5,
        pad_token_id=fast_tokenizer.token_to_id(pad),
    )
    BertModel(config).save_pretrained(bert)
    transformer = Transformer(str(bert), max_seq_length=max_tokens)
    pool = Pooling(32, pooling_mode=pooling, include_prompt=pools_prompt)
    layers = [transformer, pool]
    if dense is not None:
        layers.append(Dense(pool.pooling_output_dimension, dense))
    model = SentenceTransformer(
        modules=[*layers, Normalize()], prompts=dict(prompts or {}), device="cpu"
    )
    model.save(str(folder), create_model_card=False)
    return folder


def word_piece_tokenizer() -> Tokenizer:
    """Return a tokenizer of a few words and all printable ASCII characters, as BERT's is made."""
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    pieces = [*_SPECIAL, *letters, *_WORDS, *(f"##{letter}" for letter in letters)]
    tokenizer = Tokenizer(
        models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def unigram_tokenizer() -> Tokenizer:
    """Return a tokenizer of words and characters of several scripts, as XLM-R's is made."""
    letters = [
        *(chr(code) for code in range(33, 127) if chr(code) not in ",."),
        *"äöüßéñйеьдактопр数据库连接失败",
    ]
    words = [f"▁{word}" for word in _WORDS]
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [(piece, 0.0) for piece in special] + [
        (piece, -float(rank)) for rank, piece in enumerate([",", ".", "▁", *words, *letters], 1)
    ]
    tokenizer = Tokenizer(models.Unigram([*pieces, ("<mask>", 0.0)], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer
