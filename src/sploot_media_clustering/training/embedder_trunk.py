"""What the frozen layers of an embedder make of every view of every photo, computed once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from jaxtyping import Float16, Float32, UInt8

from sploot_media_clustering.domain.album import WHOLE, Box
from sploot_media_clustering.domain.detection import square_crop
from sploot_media_clustering.services.ports import Picture
from sploot_media_clustering.training.embedder_sampling import TrunkFeatures
from sploot_media_clustering.training.embedder_tail import trunk_of
from sploot_media_clustering.training.embedder_views import varied_crop, varied_whole
from sploot_media_clustering.training.export_graph import Network, float_model
from sploot_media_clustering.training.tuning_photos import Opens, TuningPhoto, Watch, indices, kept_rows

VARIED_CROPS: Final = 6
VARIED_WHOLES: Final = 2
_BACKGROUNDS: Final = 64
_SEED: Final = 0


class Runner:
    """A network on ONNX Runtime, one output, in float.

    Args:
        network: with any outputs; the first is used.
        threads: that one run may use; 0: all there are.
    """

    def __init__(self, network: Network, *, threads: int = 0) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        model: Any = float_model(network)
        self._session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self._input, self._output = network.input_name, next(iter(network.outputs))

    def __call__(self, views: UInt8[np.ndarray, "n s s 3"]) -> Float32[np.ndarray, "n ..."]:
        """The first output for some views."""
        output: np.ndarray = self._session.run([self._output], {self._input: views})[0]
        return output


def trunk_features(
    network: Network,
    photos: Sequence[TuningPhoto],
    opens: Opens,
    cache: Path,
    *,
    threads: int = 0,
    watch: Watch = iter,
) -> TrunkFeatures:
    """Run every view of every photo through the frozen layers.

    Args:
        network: the original one.
        photos: one or more.
        opens: a photo by its key.
        cache: folder of these photos and this network, where half a megabyte is kept a photo; what is there
            is gone on with.
        threads: that the network may use; 0: all there are.
        watch: see :data:`~.tuning_photos.Watch`.
    """
    trunk = Runner(trunk_of(network), threads=threads)
    some = np.random.default_rng(_SEED).permutation(len(photos))[:_BACKGROUNDS]
    backgrounds = [opens(photos[row].key).view(WHOLE, network.input_px, network.input_px) for row in some]

    def computed(row: int) -> Float16[np.ndarray, "v c h w"]:
        photo = photos[row]
        views = views_of(opens(photo.key), photo.box, network.input_px, backgrounds, seed=row)
        return trunk(views).astype(np.float16)

    return TrunkFeatures(
        values=kept_rows(cache / "trunk.npy", photos, computed, watch),
        animals=indices(photo.animal for photo in photos),
        sets=indices(photo.data_set for photo in photos),
        varied_crops=VARIED_CROPS,
    )


def views_of(
    picture: Picture,
    box: Box,
    side_px: int,
    backgrounds: Sequence[UInt8[np.ndarray, "s s 3"]],
    *,
    seed: int,
) -> UInt8[np.ndarray, "v s s 3"]:
    """The whole photo, the crop as the product makes it, varied crops, varied wholes."""
    rng = np.random.default_rng((_SEED, seed))
    crop = square_crop(box, picture.size_px[0] / picture.size_px[1]) if box != WHOLE else WHOLE
    return np.stack(
        [
            picture.view(WHOLE, side_px, side_px),
            picture.view(crop, side_px, side_px),
            *(varied_crop(picture, box, side_px, backgrounds, rng) for _ in range(VARIED_CROPS)),
            *(varied_whole(picture, side_px, rng) for _ in range(VARIED_WHOLES)),
        ]
    )
