from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from fuse_engine.core.errors import FuseError
from fuse_engine.libraries import library
from fuse_engine.models import GlobalPoolingClassifier, MultiHead
from fuse_engine.models.backbones import DenseNet, NASNetMobile, ResNet, SEResNet, ViT, Xception, hub, restored
from fuse_engine.models.backbones.pretrained import PretrainedBackbone
from fuse_engine.models.backbones.weights import adapt

HEAD = GlobalPoolingClassifier(classes=2)
TINY = ResNet(depth=10, width=0.125)
ODD: list[tuple[str, Callable[[Tensor], Tensor]]] = [
    ("are no arrays of real numbers: conv1", Tensor.to_sparse),
    ("are no arrays of real numbers: conv1", lambda kernel: kernel.to(torch.complex64)),
    ("are no arrays of real numbers: conv1", lambda kernel: kernel.to("meta")),
    ("holds no weights at conv1.weight; expected finite", lambda kernel: kernel / 0),
    ("holds no weights at conv1.weight; expected finite", lambda kernel: (100 * kernel).to(torch.int8)),
]


def published(model: str) -> nn.Module:
    """Return one of timm's networks with weights and statistics that are not all alike."""
    torch.manual_seed(3)
    network: nn.Module = library("timm").create_model(model)
    for name, item in network.state_dict().items():
        if item.is_floating_point() and item.ndim == 1:
            item.copy_(torch.rand(item.shape) + 0.5 * ("var" in name))
    return network.eval()


def made(backbone: PretrainedBackbone, channels: int = 3) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return backbone.build(channels, 2).state_dict()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of weights for the small network, with the published names."""
    torch.manual_seed(2)
    _, network = TINY.assemble(3, 2)
    save_file(network.state_dict(), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


@pytest.mark.parametrize(
    ("model", "backbone"),
    [("resnet18", ResNet()), ("densenet121", DenseNet()), ("legacy_seresnet50", SEResNet())],
)
def test_imagenet_weights_fit_monais_networks_and_give_the_same(
    model: str, backbone: PretrainedBackbone, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = published(model)
    save_file(network.state_dict(), tmp_path / "published.safetensors")
    with caplog.at_level(logging.WARNING):
        module = backbone.model_copy(update={"weights": tmp_path / "published.safetensors"}).build(3, 2).eval()
    assert caplog.messages == []
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected: Any = network.forward_features(image)  # type: ignore[operator]
        torch.testing.assert_close(module(image)[-1], expected, rtol=1e-4, atol=1e-4)


def test_the_first_layer_is_adapted_to_the_channels(file: Path) -> None:
    backbone = TINY.model_copy(update={"weights": file})
    kernels = {channels: made(backbone, channels)["levels.0.0.weight"] for channels in (1, 2, 3, 5)}
    rgb = kernels[3]
    assert torch.equal(kernels[1], rgb.sum(1, keepdim=True))
    assert torch.equal(kernels[2], torch.stack([rgb[:, 0], rgb[:, 1] + rgb[:, 2]], 1))
    assert torch.equal(kernels[5][:, :3], rgb)
    assert not kernels[5][:, 3:].any()
    copied = made(backbone.model_copy(update={"copy_weights": True}), 5)["levels.0.0.weight"]
    assert torch.equal(copied, rgb[:, [0, 1, 2, 2, 2]])


@pytest.mark.parametrize("dims", [1, 3])
def test_one_channel_serves_several(dims: int) -> None:
    kernel = torch.arange(2.0).reshape(2, 1, *[1] * dims)
    assert torch.equal(adapt(kernel, 3, copy=True), kernel.expand(-1, 3, *[1] * dims))
    assert torch.equal(adapt(kernel, 2, copy=False)[:, 1:], torch.zeros_like(kernel))


@pytest.mark.parametrize("where", ["module.", "model.backbone.", "_orig_mod.module."])
@pytest.mark.parametrize("nested", [(), ("state_dict",), ("epochs", "model")])
def test_prefixes_and_wrappers_are_seen_through(
    file: Path, where: str, nested: tuple[str, ...], tmp_path: Path
) -> None:
    expected = made(TINY.model_copy(update={"weights": file}))
    _, network = TINY.assemble(3, 2)
    network.load_state_dict(library("safetensors", "torch").load_file(file))
    state: Any = {f"{where}{name}": item for name, item in network.state_dict().items()}
    state[f"{where}fc.weight"] = torch.zeros(4, 4)
    for name in reversed(nested):
        state = {name: state, "optimizer": {"state": {0: {"step": torch.zeros(1)}}}, "epoch": 3}
    torch.save(state, tmp_path / "wrapped.pth")
    found = made(TINY.model_copy(update={"weights": tmp_path / "wrapped.pth"}))
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_weights_of_our_own_runs_fit(tmp_path: Path) -> None:
    torch.manual_seed(5)
    model = nn.ModuleDict({"backbone": TINY.build(3, 2)})
    torch.save({"format": 1, "model": model.state_dict(), "average": None}, tmp_path / "best0.pt")
    found = made(TINY.model_copy(update={"weights": tmp_path / "best0.pt"}))
    assert all(torch.equal(item, found[name]) for name, item in model["backbone"].state_dict().items())


def test_what_did_not_fit_is_named(file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = library("safetensors", "torch").load_file(file)
    del state["layer4.0.bn2.weight"]
    state["layer1.0.conv1.weight"] = torch.zeros(8, 8, 1, 1)
    state["fc.weight"] = torch.zeros(2, 2)
    save_file(state, tmp_path / "partial.safetensors")
    with caplog.at_level(logging.INFO, "fuse_engine"):
        made(TINY.model_copy(update={"weights": tmp_path / "partial.safetensors"}))
    text = "\n".join(caplog.messages)
    assert "1 of 60 tensors are not in the file and stay random: layer4.0.bn2.weight" in text
    assert "have another shape and stay random: layer1.0.conv1.weight (8, 8, 1, 1), not (8, 8, 3, 3)" in text
    assert "not used: fc.weight" in text


class Code:
    def __reduce__(self) -> Any:
        return print, ("code in a file of weights was run",)


def test_a_file_that_cannot_be_used_is_refused(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"model": Code()}, tmp_path / "code.pt")
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    torch.save({"somewhere": torch.zeros(3)}, tmp_path / "other.pt")
    (tmp_path / "broken.safetensors").write_bytes(b"no tensors")
    (tmp_path / "broken.pth").write_bytes(b"no tensors")
    for name, message in {
        "absent.pt": "weights: there is no such file; .*absent.pt", "code.pt": "does not hold weights alone",
        "empty.pt": "there are no tensors", "other.pt": "does not fit: 0 of 60 tensors; .*not used: some",
        "broken.safetensors": "no safetensors file", "broken.pth": "does not hold weights alone",
    }.items():  # fmt: skip
        with pytest.raises(FuseError, match=message):
            made(TINY.model_copy(update={"weights": tmp_path / name}))
    with pytest.raises(FuseError, match="of another shape: .*conv1.weight"):
        made(ResNet(depth=10, width=0.25, weights=file))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("message", "spoilt"), ODD)
def test_what_no_network_can_compute_with_is_named(
    file: Path, tmp_path: Path, message: str, spoilt: Callable[[Tensor], Tensor]
) -> None:
    state = library("safetensors", "torch").load_file(file)
    torch.save({**state, "conv1.weight": spoilt(state["conv1.weight"])}, tmp_path / "odd.pt")
    with pytest.raises(FuseError, match=rf"^weights: .*odd\.pt.*{message}"):
        made(TINY.model_copy(update={"weights": tmp_path / "odd.pt"}))


def test_nothing_is_read_where_the_weights_are_not_needed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuse_engine.models.backbones.pretrained.fetch", lambda model: pytest.fail("downloads"))
    monkeypatch.setattr("fuse_engine.models.backbones.pretrained.read_weights", lambda path: pytest.fail("reads"))
    with torch.device("meta"):
        TINY.model_copy(update={"weights": file}).build(3, 2)
        ResNet(pretrained=True).build(3, 2)
    file.unlink()
    with restored():
        TINY.model_copy(update={"weights": file}).build(3, 2)
        ResNet(pretrained=True).build(3, 2)


def test_positions_of_another_grid_are_interpolated(tmp_path: Path) -> None:
    _, network = ViT(size="tiny", grid=2).assemble(1, 3)
    places = torch.linspace(0, 1, 8).reshape(2, 2, 2)
    with torch.no_grad():
        network.patch_embedding.position_embeddings.copy_(places.reshape(1, 8, 1).expand(-1, -1, 192))
    torch.save({f"vit.{name}": item for name, item in network.state_dict().items()}, tmp_path / "unetr.pt")
    module = ViT(size="tiny", grid=3, weights=tmp_path / "unetr.pt").build(1, 3)
    found = module.state_dict()["embedding.positions"][0, :, 0].reshape(3, 3, 3)
    assert found[1, 1, 1].item() == pytest.approx(places.mean().item())
    assert found[0, 0, 0].item() == pytest.approx(0)


def test_imagenet_weights_are_taken_from_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = published("resnet18")
    folder = tmp_path / "models--timm--resnet18.a1_in1k"
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    save_file(network.state_dict(), folder / "snapshots" / "abc" / hub.FILE)
    monkeypatch.setattr(library("huggingface_hub").constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(library("huggingface_hub").constants, "HF_HUB_OFFLINE", True)
    found = made(ResNet(pretrained=True), 1)
    first = network.get_parameter("conv1.weight")
    torch.testing.assert_close(found["levels.0.0.weight"], first.detach().sum(1, keepdim=True))
    with pytest.raises(FuseError, match=r"pretrained: HF_HUB_OFFLINE .*resnet34\S+ downloaded and given"):
        made(ResNet(depth=34, pretrained=True))


@pytest.mark.parametrize("silent", [False, True])
def test_without_a_network_the_way_around_it_is_said_at_once(
    silent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = library("huggingface_hub").constants
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if silent:
            server.listen()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(hub, "PATIENCE", 0.2)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        expected = r"pretrained: no network: .*; expected http://127\S+model.safetensors downloaded and given"
        with pytest.raises(FuseError, match=expected):
            made(ResNet(pretrained=True))


@pytest.mark.parametrize(
    ("backbone", "dims", "message"),
    [
        (ResNet(pretrained=True, depth=10), 2, "pretrained: .*expected depth 18 to 152.*got depth 10"),
        (ResNet(pretrained=True), 3, "pretrained: ImageNet weights are for images of 2 axes"),
        (Xception(pretrained=True), 2, r"no weights of legacy_xception; expected https\S+xception\S+ downloaded"),
        (NASNetMobile(pretrained=True), 2, "pretrained: timm's hub has no weights of NASNet Mobile"),
        (ViT(pretrained=True, size="tiny", patch=8), 2, "pretrained: .*expected patch 16"),
    ],
)
def test_weights_that_do_not_exist_are_refused(backbone: PretrainedBackbone, dims: int, message: str) -> None:
    with pytest.raises(FuseError, match=message):
        backbone.build(3, dims)


def test_one_origin_of_the_weights_is_enough(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected pretrained or weights, got both"):
        ResNet(pretrained=True, weights=tmp_path / "one.pt")
    model = MultiHead(inputs=["data.input.image"], backbone=ResNet(weights=Path("a.pt")), heads={"side": HEAD})
    assert model.located(tmp_path).backbone == ResNet(weights=tmp_path / "a.pt")
