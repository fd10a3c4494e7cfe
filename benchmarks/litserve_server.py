"""LitServe with the built-in network, as its documentation has it; started by ``embedding_servers.py``."""

from __future__ import annotations

import base64
import sys

import litserve
import numpy as np

from sploot_media_clustering.adapters.images import ImageLimits, PillowDecoder
from sploot_media_clustering.adapters.model_package import default_package
from sploot_media_clustering.adapters.placement import CPU_BATCH
from sploot_media_clustering.domain.album import WHOLE


class Api(litserve.LitAPI):  # type: ignore[misc]
    """Photos to vectors."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's
        """Load the network."""
        self.embedder = default_package().open_embedder(threads=1)
        self.decoder = PillowDecoder(ImageLimits())

    def decode_request(self, request: dict[str, str]) -> np.ndarray:
        """A view of a photo."""
        side_px = self.embedder.input_px
        return self.decoder.decode(base64.b64decode(request["photo"])).view(WHOLE, side_px, side_px)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Views, which LitServe has stacked, to vectors."""
        return self.embedder.embed(x).embeddings

    def encode_response(self, output: np.ndarray) -> dict[str, str]:
        """A vector."""
        return {"embedding": base64.b64encode(output.tobytes()).decode()}


if __name__ == "__main__":
    port, delay_s = int(sys.argv[1]), float(sys.argv[2])
    api = Api(max_batch_size=CPU_BATCH, batch_timeout=delay_s)
    litserve.LitServer(api, accelerator="cpu", workers_per_device=1).run(
        host="127.0.0.1", port=port, generate_client_file=False, log_level="error"
    )
