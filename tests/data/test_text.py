import hashlib

from graphrnn.data import text
from graphrnn.errors import UserError

import numpy as np
import pytest


def write(path, data):
    path.write_bytes(data)
    return str(path)


def test_vocabulary_is_sorted_with_padding_first():
    vocabulary = text.Vocabulary.of("hello\n")
    assert vocabulary.characters == ("\0", "\n", "e", "h", "l", "o")


@pytest.mark.parametrize("sample", ["abc", "", "Ünï — ✓ 🙂", "\t\n"])
def test_decode_undoes_encode(sample):
    vocabulary = text.Vocabulary.of(sample + "x")
    indices = vocabulary.encode(sample)
    assert indices.dtype == np.int32
    assert indices.shape == (len(sample),)
    assert vocabulary.decode(indices) == sample


def test_unknown_characters_are_listed():
    with pytest.raises(UserError, match=r"never seen: '\\u2713', 'q'|never seen: 'q', '\\u2713'"):
        text.Vocabulary.of("abc").encode("abq✓")


def test_many_unknown_characters_are_cut_short():
    with pytest.raises(UserError, match="and 15 more"):
        text.Vocabulary.of("0").encode("abcdefghijklmnopqrstuvwxy")


@pytest.mark.parametrize("character", ["\0", "\udc80"])
def test_padding_and_mangled_arguments_are_unknown(character):
    with pytest.raises(UserError, match="never seen"):
        text.Vocabulary.of("abc").encode(character)


def test_python_docs_is_the_language_reference():
    corpus = text.load_corpus("python-docs")
    assert len(corpus.text) > 300_000
    assert 'The "if" statement' in corpus.text


def test_file_without_bom_and_carriage_returns(in_tmp):
    name = write(in_tmp / "dos.txt", b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert text.load_corpus(name) == text.Corpus("dos", "one\ntwo\nthree\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"ab\x00c", "is binary .byte 2 is zero"),
        (b"abc\xffdef", "not UTF-8 .byte 0xff at offset 3"),
        ("naïve".encode("latin-1"), "offset 2"),
    ],
)
def test_unusable_files(in_tmp, data, message):
    with pytest.raises(UserError, match=message):
        text.load_corpus(write(in_tmp / "bad.txt", data))


def test_folder_and_missing_file(in_tmp):
    with pytest.raises(UserError, match="has no text in it"):
        text.load_corpus(str(in_tmp))
    with pytest.raises(UserError, match="no such file"):
        text.load_corpus("nowhere.txt")


def test_unreadable_file(in_tmp, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    name = write(in_tmp / "secret.txt", b"abc")
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(UserError, match="permission denied"):
        text.load_corpus(name)


def test_unknown_corpus_has_near_matches():
    with pytest.raises(UserError, match="unknown corpus 'nietsche'; did you mean 'nietzsche'"):
        text.load_corpus("nietsche")


def test_nietzsche_offline_is_one_line_that_says_what_to_do(in_tmp, monkeypatch):
    def offline(**options):
        raise OSError("no route")

    monkeypatch.setattr(text, "cache_folder", lambda: in_tmp)
    monkeypatch.setattr("graphrnn.data.text.pooch.retrieve", lambda *a, **k: offline())
    with pytest.raises(UserError, match="--corpus path/to/nietzsche.txt"):
        text.load_corpus("nietzsche")


@pytest.fixture
def cached(in_tmp, monkeypatch):
    """A file in the place of the corpus, and no network."""
    monkeypatch.setattr(text, "cache_folder", lambda: in_tmp)
    monkeypatch.setattr(text, "_NIETZSCHE_URL", "http://127.0.0.1:9/nietzsche.txt")
    (in_tmp / "corpora").mkdir()
    (in_tmp / "corpora" / "nietzsche.txt").write_text("not Nietzsche")


def test_another_text_in_the_cache_is_not_taken_for_the_corpus(cached):
    with pytest.raises(UserError, match="could not be downloaded"):
        text.load_corpus("nietzsche")


def test_the_corpus_comes_from_the_cache_without_a_network(cached, monkeypatch):
    digest = hashlib.sha256(b"not Nietzsche").hexdigest()
    monkeypatch.setattr(text, "_NIETZSCHE_SHA256", digest)
    assert text.load_corpus("nietzsche").text == "not Nietzsche"


def test_a_name_that_is_too_long_is_one_line(in_tmp):
    with pytest.raises(UserError, match="file name too long"):
        text.load_corpus("x" * 300)


def test_split_is_at_the_end_and_a_view():
    indices = np.arange(100, dtype=np.int32)
    train, held_out = text.split(indices, 0.1)
    assert train.tolist() == list(range(90))
    assert held_out.tolist() == list(range(90, 100))
    assert np.shares_memory(indices, train)
    assert np.shares_memory(indices, held_out)


def test_a_folder_or_a_pattern_is_one_corpus_in_the_order_of_paths(in_tmp):
    (in_tmp / "books" / "more").mkdir(parents=True)
    (in_tmp / "books" / "b.txt").write_text("second", encoding="utf-8")
    (in_tmp / "books" / "a.txt").write_bytes("\ufefffirst\r\nline".encode())
    (in_tmp / "books" / "more" / "c.md").write_text("third", encoding="utf-8")
    (in_tmp / "books" / ".hidden.txt").write_text("no", encoding="utf-8")
    (in_tmp / "books" / "picture.png").write_bytes(b"\x89PNG\0")
    (in_tmp / "books" / "latin.txt").write_bytes("ä".encode("latin-1"))
    corpus = text.load_corpus("books")
    assert (corpus.name, corpus.text) == ("books", "first\nline\nsecond\nthird")
    corpus = text.load_corpus("books/*.txt")
    assert (corpus.name, corpus.text) == ("books", "first\nline\nsecond")
    assert text.load_corpus(str(in_tmp / "books" / "[ab].txt")).text == "first\nline\nsecond"
    for nothing in ("books/*.rst", "books/more/none*"):
        with pytest.raises(UserError, match="has no text in it"):
            text.load_corpus(nothing)


def test_links_in_a_folder_that_a_run_names_are_left_out(in_tmp):
    (in_tmp / "books").mkdir()
    (in_tmp / "secret").write_text("secret", encoding="utf-8")
    (in_tmp / "books" / "a.txt").write_text("mine", encoding="utf-8")
    (in_tmp / "books" / "b.txt").symlink_to(in_tmp / "secret")
    assert text.load_corpus("books").text == "mine\nsecret"
    assert text.load_corpus("books", tell=lambda line: None).text == "mine"
