"""Devices, precision and failures of torch models."""

import hashlib

import pytest
import torch

from anomaly.backends import device
from anomaly.errors import ConfigurationError, DeviceLost, InvalidRequest, ModelError, OutOfMemory

no_card = pytest.mark.skipif(torch.cuda.is_available(), reason="describes a machine without an NVIDIA card")


@no_card
def test_auto_is_the_cpu_in_fp32_without_a_card() -> None:
    """Without a card the automatic choice is the CPU in fp32."""
    assert device.place() == device.Placement("cpu", "fp32")
    assert device.free_memory_mb() is None
    assert device.gpu("cpu") is None


def test_bf16_can_be_asked_for_on_the_cpu() -> None:
    """An explicit precision is taken as it is, and autocast follows it."""
    placement = device.place("cpu", "bf16")
    assert not placement.on_gpu
    with device.inference(placement):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == torch.bfloat16
    assert product.is_inference()


def test_fp32_stays_fp32() -> None:
    """In fp32 nothing is cast, and nothing is recorded for a backward pass."""
    with device.inference(device.place("cpu", "fp32")):
        product = torch.ones(2, 2, requires_grad=True) @ torch.ones(2, 2)
    assert product.dtype == torch.float32
    assert not product.requires_grad


@pytest.mark.parametrize("wanted", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", ""])
def test_an_unknown_device_is_refused(wanted: str) -> None:
    """A device that torch has no name for is refused with the ones that exist."""
    with pytest.raises(ConfigurationError, match="use auto, cpu, cuda or cuda:N"):
        device.place(wanted)


def test_a_card_that_is_not_there_is_refused() -> None:
    """Asking for a card that torch does not see says how many it sees."""
    with pytest.raises(ConfigurationError, match=r"torch sees \d+ NVIDIA card"):
        device.place("cuda:99")


def test_an_unknown_precision_is_refused() -> None:
    """A precision that no backend computes in is refused with the ones that exist."""
    with pytest.raises(ConfigurationError, match="auto, fp32 or bf16"):
        device.place("cpu", "int4")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_every_way_to_run_out_of_memory_is_one_error(error: Exception) -> None:
    """Whichever library ran out of memory, the answer is OutOfMemory without its words."""
    with pytest.raises(OutOfMemory) as caught, device.failures("RF-DETR Nano"):
        raise error
    assert str(caught.value) == "The memory did not suffice for RF-DETR Nano on this many photographs."


def test_an_allocation_that_really_fails_is_out_of_memory() -> None:
    """An allocation beyond any machine, made by torch itself, is OutOfMemory."""
    with pytest.raises(OutOfMemory), device.failures("RF-DETR Nano"):
        torch.empty(2**60, dtype=torch.uint8)


def test_out_of_memory_lets_go_of_the_failed_batch() -> None:
    """While the error is handled, the frames that failed hold no tensor that a retry would need room for."""
    alive: list[object] = []

    def forward() -> None:
        batch = torch.zeros(8)
        alive.append(_weak(batch))
        raise torch.OutOfMemoryError("CUDA out of memory")

    try:
        with device.failures("RF-DETR Nano"):
            forward()
    except OutOfMemory:
        assert alive[0]() is None  # type: ignore[operator]
    assert len(alive) == 1


def _weak(tensor: torch.Tensor) -> object:
    import weakref

    return weakref.ref(tensor)


@pytest.mark.parametrize(
    "message",
    [
        "device-side assert triggered",
        "an illegal memory access was encountered",
        "unspecified launch failure",
        "the launch timed out and was terminated",
        "an illegal instruction was encountered",
        "misaligned address",
        "uncorrectable ECC error encountered",
        "all CUDA-capable devices are busy or unavailable",
    ],
)
def test_a_fault_that_outlives_its_call_is_a_lost_device(
    message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What CUDA repeats to a process for ever is DeviceLost; the log alone has CUDA's words."""
    with pytest.raises(DeviceLost) as caught, device.failures("RF-DETR Nano"):
        raise torch.AcceleratorError(f"CUDA error: {message}\nCUDA kernel errors might be reported later")
    assert "CUDA" not in str(caught.value)
    assert message in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"),
        torch.AcceleratorError("CUDA error: invalid argument"),
        ValueError("unspecified launch failure"),
    ],
)
def test_a_fault_of_one_call_is_no_lost_device(error: Exception) -> None:
    """An error that leaves the card as it was is the photograph's, not the card's."""
    with pytest.raises(ModelError), device.failures("RF-DETR Nano"):
        raise error


def test_any_other_failure_is_a_model_error_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    """The caller learns which model failed; what torch said goes to the log."""
    with pytest.raises(ModelError) as caught, device.failures("RF-DETR Nano"):
        raise RuntimeError("secret /path/to/file")
    assert "secret" not in str(caught.value)
    assert "RF-DETR Nano" in str(caught.value)
    assert "secret /path/to/file" in caplog.text


def test_our_own_errors_pass_through() -> None:
    """An error of the tree is left as it is."""
    with pytest.raises(InvalidRequest, match="as it was"), device.failures("RF-DETR Nano"):
        raise InvalidRequest("as it was")


def test_torchvision_can_be_imported() -> None:
    """Beside any build of torch, torchvision imports, and again, as the same module."""
    first = device.import_torchvision()
    assert device.import_torchvision() is first
    assert first.transforms.functional.resize(torch.zeros(3, 4, 4), [2, 2]).shape == (3, 2, 2)


def test_sha256_is_that_of_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The digest is that of the file's bytes."""
    path = tmp_path_factory.mktemp("digest") / "weights.pth"
    path.write_bytes(b"weights")
    assert device.sha256(path) == hashlib.sha256(b"weights").hexdigest()
