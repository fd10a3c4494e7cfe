from __future__ import annotations

import contextlib

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from strategies_embedding import beartype_draws, photo_embeddings, same_bits

from sploot_media_clustering.adapters.embedding_codec import (
    DamagedEntryError,
    decode_embedding,
    encode_embedding,
)
from sploot_media_clustering.domain.album import PhotoEmbedding

PHOTO = PhotoEmbedding("1.jpg", None, 40, 30, np.arange(64, dtype=np.float16), (), "net-1")


@beartype_draws
@given(photo=photo_embeddings(), key=st.text(max_size=20))
def test_decoding_undoes_encoding(photo: PhotoEmbedding, key: str) -> None:
    """Bit by bit; the arrays can't be changed by accident."""
    decoded = decode_embedding(key, encode_embedding(key, photo))
    assert same_bits(decoded, photo)
    assert not decoded.embedding.flags.writeable


def test_the_same_photo_gives_the_same_bytes() -> None:
    """A store can be compared and copied."""
    assert encode_embedding("a", PHOTO) == encode_embedding("a", PHOTO)


def test_half_precision_is_kept_as_such() -> None:
    """An entry of 1280 numbers takes little more than 2560 bytes."""
    noise = np.random.default_rng(1).standard_normal(1280).astype(np.float16)
    photo = PhotoEmbedding("1.jpg", None, 40, 30, noise, (), "net-1")
    assert len(encode_embedding("a", photo)) < 2560 + 150


def test_an_entry_under_another_key_is_refused() -> None:
    """Files that were renamed or swapped don't pass for each other."""
    with pytest.raises(DamagedEntryError, match="expected the entry of b, got that of a"):
        decode_embedding("b", encode_embedding("a", PHOTO))


def test_an_entry_of_another_version_is_refused() -> None:
    """The version is read before anything else."""
    data = bytearray(encode_embedding("a", PHOTO))
    data[4] += 1
    with pytest.raises(DamagedEntryError, match="header"):
        decode_embedding("a", bytes(data))


def test_a_length_that_is_too_large_is_refused_before_unpacking() -> None:
    """A few bytes can claim terabytes."""
    bomb = encode_embedding("a", PHOTO)[:5] + zstandard.ZstdCompressor().compress(bytes(17 * 2**20))
    with pytest.raises(DamagedEntryError, match="16,777,216 is the most"):
        decode_embedding("a", bomb)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7), kept=st.integers(0, 10_000))
def test_no_damage_goes_unseen(at: int, bit: int, kept: int) -> None:
    """One flipped bit, or one missing byte, anywhere: refused with the one error.

    Two bits of a frame's header say nothing of what is in it: whether there is a checksum, and an unused one.
    """
    whole = encode_embedding("a", PHOTO)
    data = bytearray(whole)
    data[at % len(data)] ^= 1 << bit
    seen = None
    with contextlib.suppress(DamagedEntryError):
        seen = decode_embedding("a", bytes(data))
    assert seen is None or encode_embedding("a", seen) == whole
    with pytest.raises(DamagedEntryError):
        decode_embedding("a", whole[: kept % len(whole)])
