"""Word pieces of several kinds of vocabulary; the first word is found, not assumed."""

from small_encoders import unigram_tokenizer, word_piece_tokenizer

from features.encoding.word_pieces import WordPieces


def test_special_tokens_and_single_characters_are_no_pieces() -> None:
    pieces = WordPieces(word_piece_tokenizer())
    assert pieces.words[:3] == ("the", "disk", "full")
    assert not any(word.startswith(("##", "[")) for word in pieces.words)
    (ids,) = pieces.ids(["The disk, the DISK is full!"])
    assert ids.tolist()[:3] == [0, 1, 2]


def test_words_of_a_sentence_piece_vocabulary_lose_their_mark() -> None:
    pieces = WordPieces(unigram_tokenizer())
    assert pieces.words[:3] == ("the", "disk", "full")
    assert pieces.ids(["the disk"])[0].tolist()[:2] == [0, 1]
    assert pieces.background.argmax() == 0


def test_without_a_tokenizer_every_text_has_no_pieces() -> None:
    assert WordPieces().ids(["disk full"])[0].tolist() == []
    assert WordPieces().words == ()
