"""Every error this package raises on purpose.

The branches follow what the caller does next::

    SplootError
    ├── ConfigurationError            fix the configuration
    │   ├── ModelPackageError         the model package is damaged or does not fit
    │   └── MissingExtraError         an optional dependency is not installed
    ├── InputError                    fix the input
    │   ├── UnreadablePhotoError      one photo; the others go on
    │   │   ├── EmptyFileError        no bytes at all
    │   │   ├── NotAnImageError       no known image format
    │   │   ├── TruncatedImageError   an image that ends too early, or whose data is damaged
    │   │   ├── ImageTooSmallError    fewer pixels than an animal can be seen in
    │   │   ├── ImageTooLargeError    more bytes or pixels than we are ready to hold
    │   │   └── ForbiddenUriError     a place that this installation does not read from
    │   ├── NoPhotosError             nothing to work on
    │   ├── AlbumTooLargeError        more photos than an album may have
    │   ├── DatasetError              a labelled data set that does not read as one
    │   ├── StateError                an album state that is damaged or of an unknown version
    │   │   └── OtherModelError       an album of another model than the one that runs
    │   ├── UnknownError              no such album, photo, decision, job or dead letter
    │   ├── ConflictError             it contradicts what was told or read before
    │   └── DamagedDataError          packed bytes that do not hold what they should
    └── TemporaryError                try again later
        ├── SourceUnavailableError    a store or a network did not answer
        ├── StoreUnavailableError     the store of jobs and albums did not answer
        └── EmbedderUnavailableError  the embedding server did not answer, or is another model's
"""

from __future__ import annotations


class SplootError(Exception):
    """The root: catch this to catch all of ours."""


class ConfigurationError(SplootError):
    """Something was set up wrongly; trying again will not help."""


class ModelPackageError(ConfigurationError):
    """A model package is damaged, incomplete, or does not do what its manifest says."""


class MissingExtraError(ConfigurationError):
    """An optional dependency is needed for what was asked; the message names the extra."""


class InputError(SplootError):
    """What came in can't be used as it is."""


class UnreadablePhotoError(InputError):
    """One photo can't be read; the photos beside it are not touched by that."""


class EmptyFileError(UnreadablePhotoError):
    """The file holds no bytes."""


class NotAnImageError(UnreadablePhotoError):
    """The bytes are of no image format that we read."""


class TruncatedImageError(UnreadablePhotoError):
    """The image ends too early or its data is damaged."""


class ImageTooSmallError(UnreadablePhotoError):
    """The image has fewer pixels than an animal can be told by."""


class ImageTooLargeError(UnreadablePhotoError):
    """The image has more bytes, pixels or a longer side than the limits allow."""


class ForbiddenUriError(UnreadablePhotoError):
    """The photo lies where this installation does not read: its scheme, host, address, bucket or folder."""


class NoPhotosError(InputError):
    """There is nothing to work on."""


class AlbumTooLargeError(InputError):
    """An album has, or would have, more photos than can be settled together."""


class DatasetError(InputError):
    """A labelled data set does not have the documented layout."""


class StateError(InputError):
    """An album state is damaged or was written by an unknown version."""


class OtherModelError(StateError):
    """An album was made by another model; it has to be carried over first."""


class UnknownError(InputError):
    """There is no such album, photo, decision, job or dead letter."""


class ConflictError(InputError):
    """What came contradicts what was told before under the same name, or what was read meanwhile changed."""


class DamagedDataError(InputError):
    """Packed bytes are damaged, or hold something else than was expected."""


class TemporaryError(SplootError):
    """What failed may pass; try again later."""


class SourceUnavailableError(TemporaryError):
    """A file store or the network did not answer as expected."""


class StoreUnavailableError(TemporaryError):
    """The store of jobs and albums did not answer, or could not keep what it was given."""


class EmbedderUnavailableError(TemporaryError):
    """The embedding server did not answer as it should, or has other networks; nothing of it is used."""
