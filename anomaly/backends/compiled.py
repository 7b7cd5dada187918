"""A network compiled for a few sizes of batch: what lies between is padded up to the next."""

import logging
from collections.abc import Callable
from typing import Any

from anomaly.backends.faults import is_out_of_memory
from anomaly.errors import ConfigurationError

log = logging.getLogger(__name__)

Tensor = Any


def buckets(largest: int) -> tuple[int, ...]:
    """Return the batches that are compiled for: 1, 2, 4 and so on below `largest`, and `largest`."""
    return (*(1 << power for power in range(largest.bit_length()) if 1 << power < largest), largest)


class Compiled:
    """`network`, compiled at its first batch of each of `buckets(largest)`; larger batches pass as they are.

    `network` maps one tensor (N, ...) to a tuple of tensors (N, ...), each row for itself. On a card it is
    recorded as CUDA graphs, and what it returns is copied out of their memory, which the next call overwrites.
    `backend` is torch.compile's. Raises `ConfigurationError` where this machine cannot compile.
    """

    def __init__(
        self, network: Callable[[Tensor], Any], largest: int, *, on_gpu: bool, backend: str = "inductor"
    ) -> None:
        import torch

        self._buckets = buckets(largest)
        self._on_gpu = on_gpu
        graphs = {"mode": "reduce-overhead"} if on_gpu and backend == "inductor" else {}
        self._run = torch.compile(network, dynamic=False, backend=backend, **graphs)

    def __call__(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Return what `network` returns for `batch`, in memory of its own."""
        import torch

        count = len(batch)
        size = next((each for each in self._buckets if each >= count), count)
        # Rows that are there already: whatever the network does with them it does without surprise.
        padded = (
            torch.cat([batch, batch[-1:].expand(size - count, *batch.shape[1:])]) if size > count else batch
        )
        try:
            if self._on_gpu:
                torch.compiler.cudagraph_mark_step_begin()
            answer = self._run(padded)
        except torch._dynamo.exc.TorchDynamoException as error:
            if is_out_of_memory(error):
                raise
            log.exception("compiling for batches of %d failed", size)
            raise ConfigurationError(
                "COMPILE=on, but the networks cannot be compiled on this machine; the log has the cause. Set"
                " COMPILE=off, or install what torch.compile needs: a C++ compiler, and Triton beside a card."
            ) from error
        return tuple(each[:count].clone() for each in answer)
