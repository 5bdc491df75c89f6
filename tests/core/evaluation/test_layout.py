from collections.abc import Callable

import torch
from torch import Tensor, nn

from neuromosaic.core.evaluation.layout import arrangement, as_it_is
from neuromosaic.core.evaluation.training import predict

IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Viewed(nn.Module):
    """Takes the order that PyTorch makes by itself, and no other."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(144, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.conv(x)).view(len(x), -1))


def last(x: Tensor) -> bool:
    return x.stride(1) == 1


def test_images_go_channels_last_with_the_same_values() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2))
    arranged = arrangement(module, IMAGES)(IMAGES)
    assert last(arranged)
    assert torch.equal(arranged, IMAGES)
    torch.testing.assert_close(predict(module, arranged), predict(module, IMAGES))


def test_a_network_that_takes_one_order_alone_gets_it_and_is_left_as_it_was() -> None:
    module = Viewed()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert not last(arrangement(module, IMAGES)(IMAGES))
    assert module.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_the_trial_changes_no_running_statistics(small_cnn: Callable[[], nn.Module]) -> None:
    module = small_cnn().eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    images = IMAGES[:, :1]
    assert last(arrangement(module, images)(images))
    assert not module.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_batches_of_one_channel_keep_the_order_that_kernels_choose_by() -> None:
    images = IMAGES[:, :1].contiguous()
    arranged = arrangement(nn.Conv2d(1, 2, 3), images)(images)
    assert arranged.stride(1) == arranged[torch.tensor([2, 0])].stride(1) == 1


def test_rows_and_ids_stay_as_they_are() -> None:
    for x in (torch.randn(4, 3), torch.zeros(4, 2, 2, 2, dtype=torch.int64)):
        assert arrangement(nn.Identity(), x)(x) is x


def test_images_for_a_network_that_flattens_them_at_once_stay_as_they_are() -> None:
    x = torch.randn(4, 1, 8, 8)
    assert arrangement(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), x) is as_it_is
