"""Heat is where the reason is, never anywhere else, and as wide as the layer sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fuse_engine.core.batch import NestedDict
from fuse_engine.core.errors import FuseError, RunError
from fuse_engine.models.base import BatchModule
from fuse_engine.run.assembly import Assembly
from fuse_engine.run.explain import GradCAM, explain, upsampled
from fuse_engine.run.folder import RunFolder


class Bright(BatchModule):
    """Says `bright` (class 1) the more bright spots there are, and `dark` (class 0) the fewer."""

    last_features = "features"

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.AvgPool2d(8), nn.ReLU())

    def forward(self, batch: NestedDict) -> NestedDict:
        amount = self.features(batch["data.input.image"]).mean((1, 2, 3))
        result = batch.copy()
        result["model.logits.classifier"] = torch.stack([-amount, amount], 1)
        return result


def blob(y: int, x: int) -> NestedDict:
    image = torch.zeros(1, 1, 32, 32)
    image[..., y : y + 8, x : x + 8] = 1
    return NestedDict({"data.input.image": image})


def score(target: int) -> object:
    return lambda batch: batch["model.logits.classifier"][0, target]


@pytest.mark.parametrize(("y", "x"), [(0, 0), (8, 16), (24, 8)])
def test_the_heat_for_an_answer_lies_on_its_reason(y: int, x: int) -> None:
    cells = GradCAM()(Bright(), blob(y, x), score(1))  # type: ignore[arg-type]
    assert np.unravel_index(int(cells.argmax()), cells.shape) == (y // 8, x // 8)
    assert int((cells > 0).sum()) == 1


def test_the_heat_for_the_opposite_answer_is_not_the_same_picture() -> None:
    cells = GradCAM()(Bright(), blob(8, 16), score(0))  # type: ignore[arg-type]
    assert not cells.any()


def test_a_cell_is_drawn_in_the_middle_of_what_it_covers() -> None:
    cells = torch.zeros(4, 4)
    cells[1, 2] = 3.0
    heat = upsampled(cells, (32, 32)).numpy()
    y, x = (float((np.indices(heat.shape)[axis] * heat).sum() / heat.sum()) for axis in (0, 1))
    assert (y, x) == pytest.approx((1.5 * 8 - 0.5, 2.5 * 8 - 0.5), abs=1e-3)
    assert heat.max() == pytest.approx(1)


def test_the_layer_is_named_or_the_nearest_one_is() -> None:
    with pytest.raises(FuseError, match="no layer 'featurs'; did you mean 'features'"):
        GradCAM(layer="featurs")(Bright(), blob(0, 0), score(1))  # type: ignore[arg-type]


def test_a_run_explains_each_head_on_the_grid_of_its_image(trained: RunFolder) -> None:
    name = Assembly.of(trained.experiment()).folds.test[0]
    heat = explain(trained, name, target=1)
    assert (heat.head, heat.target, heat.image.array.shape) == ("classifier", 1, (1, 32, 32))
    assert 0 <= heat.image.array.min() <= heat.image.array.max() <= 1
    assert heat.cell_mm == pytest.approx((8.0, 8.0))
    assert explain(trained, name, head="segmentation").head == "segmentation"
    again = explain(trained, name, target=1)
    np.testing.assert_array_equal(heat.image.array, again.image.array)
    with pytest.raises(RunError, match="no class 2; expected 0 to 1"):
        explain(trained, name, target=2)


def test_explaining_leaves_the_weights_as_they_are(trained: RunFolder) -> None:
    from fuse_engine.run.infer import predictor_of

    module = predictor_of(trained).compute.module
    before: dict[str, Tensor] = {name: value.clone() for name, value in module.state_dict().items()}
    explain(trained, Assembly.of(trained.experiment()).folds.test[0])
    torch.testing.assert_close(dict(module.state_dict()), before, rtol=0, atol=0)
    assert all(weight.grad is None for weight in module.parameters())
