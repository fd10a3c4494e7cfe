"""Ed25519 signatures (RFC 8032) of model packages: who made what a machine is about to run.

A manifest holds the checksum of every file of its package, so signing it signs the package.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sploot_media_clustering.adapters.registry_shelf import Signature
from sploot_media_clustering.errors import ConfigurationError, ModelPackageError

_CONTEXT: Final = b"sploot-media-clustering model manifest 1\n"
"""Before what is signed, so that a signature of ours is of nothing else."""
_PUBLIC_KEY_BYTES: Final = 32


def new_private_key() -> bytes:
    """A private key, as PEM without a password."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_key(private_key: bytes) -> str:
    """The public key of a private one, as the settings name it.

    Raises:
        ConfigurationError: it is no Ed25519 key as PEM without a password.
    """
    return base64.b64encode(_loaded(private_key).public_key().public_bytes_raw()).decode()


def sign(manifest: bytes, private_key: bytes) -> Signature:
    """Sign a manifest.

    Raises:
        ConfigurationError: it is no Ed25519 key as PEM without a password.
    """
    value = _loaded(private_key).sign(_CONTEXT + manifest)
    return Signature(public_key(private_key), base64.b64encode(value).decode())


def require_trusted(manifest: bytes, signatures: Sequence[Signature], trusted: Collection[str]) -> None:
    """Refuse a manifest that none of these keys signed.

    Raises:
        ModelPackageError: none did.
        ConfigurationError: a trusted key is no public key.
    """
    keys = {name: _public(name) for name in trusted}
    if not any(_holds(keys[one.key], one, manifest) for one in signatures if one.key in keys):
        raise ModelPackageError(
            f"expected a manifest signed by one of {len(keys)} trusted keys, got {len(signatures)} "
            "signatures, none of them such a one; don't use it, or trust the key of whoever signed it"
        )


def _holds(key: Ed25519PublicKey, signature: Signature, manifest: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature.value, validate=True), _CONTEXT + manifest)
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _public(name: str) -> Ed25519PublicKey:
    try:
        raw = base64.b64decode(name, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != _PUBLIC_KEY_BYTES:
        raise ConfigurationError(
            f"expected a public key, {_PUBLIC_KEY_BYTES} bytes in base64, got {name!r}; "
            "'model keys' prints one"
        )
    return Ed25519PublicKey.from_public_bytes(raw)


def _loaded(private_key: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(private_key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            "expected an Ed25519 private key as PEM without a password; 'model keys' makes one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError("expected an Ed25519 private key, got another kind; 'model keys' makes one")
    return key
