"""What a failure of torch means: memory ran out, or the card is lost to this process."""

# cuBLAS, cuDNN, CUDA graphs and the CPU allocator raise a plain RuntimeError where memory ran out.
_OUT_OF_MEMORY = ("out of memory", "alloc_failed", "can't allocate memory")

# CUDA's words for the errors after which, as its runtime API says of each, the process must be terminated
# and relaunched (https://docs.nvidia.com/cuda/cuda-runtime-api, cudaError), and for what broken hardware gives.
_LOST = (
    "device-side assert",
    "illegal memory access",
    "illegal instruction",
    "misaligned address",
    "invalid program counter",
    "hardware stack error",
    "global/shared address space",
    "unspecified launch failure",
    "launch timed out",
    "uncorrectable ecc",
    "uncorrectable nvlink",
    "busy or unavailable",
    "gpu is lost",
)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether the device's or the host's memory did not suffice: less at once may still do."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and _says(error, _OUT_OF_MEMORY)


def is_lost(error: Exception) -> bool:
    """Return whether the card answers this process no more, whatever it is asked.

    Its libraries may report such a fault in words of their own; the card is then asked itself.
    """
    return isinstance(error, RuntimeError) and (_says(error, _LOST) or not _answers())


def _answers() -> bool:
    """Whether a card that is in use does what it is told; what is not in use is not lost."""
    import torch

    if not torch.cuda.is_initialized():
        return True
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return False
    return True


def _says(error: Exception, signs: tuple[str, ...]) -> bool:
    text = str(error).lower()
    return any(sign in text for sign in signs)
