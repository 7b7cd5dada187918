"""Train the embedded network on generated photographs: `python -m training.train`.

Processes make the photographs of the next round while one thread learns from those of the last: threads
that wait for one another lose more on a shared machine than they gain, and one thread always adds up in
the same order. After every round the state is saved; started again, the trainer goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from anomaly.backends.starter.inputs import planes
from training.loss import punish, target
from training.network import build, count
from training.photo import photograph
from training.recipes import RECIPES
from training.schedule import SCHEDULES, Schedule, Stage

if TYPE_CHECKING:
    from torch import nn

Example = tuple[NDArray[np.float16], NDArray[np.uint8]]
"""The network's input (4, n, n) and the codes of its target (n, n)."""


def example(order: tuple[str, int, int, int]) -> Example:
    """Return the example of (recipe, seed, number, side in pixels)."""
    recipe, seed, number, side = order
    sample = photograph(RECIPES[recipe], seed, number, side)
    return planes(sample.image).astype(np.float16), target(sample)


def rate(schedule: Schedule, stage: Stage, share: float, step: int) -> float:
    """Return the learning rate after `share` (0..1) of a stage; `step` counts from the very first."""
    warm = min(1.0, (step + 1) / schedule.warm_up_steps)
    fall = (1 + math.cos(math.pi * share)) / 2
    return warm * (stage.last_rate + (stage.first_rate - stage.last_rate) * fall)


class Trainer:
    """The state of one training run, and how it goes on."""

    def __init__(self, schedule: Schedule) -> None:
        import torch

        torch.manual_seed(schedule.seed)
        self.schedule = schedule
        self.network = build().to(memory_format=torch.channels_last)
        self.averaged = build().to(memory_format=torch.channels_last)
        self.averaged.load_state_dict(self.network.state_dict())
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": schedule.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=0.0)
        self.done_rounds = 0
        self.steps = 0
        self.seconds = 0.0
        self.losses: list[float] = []

    def state(self) -> dict[str, object]:
        """Return everything needed to go on."""
        return {
            "network": self.network.state_dict(), "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(), "done_rounds": self.done_rounds,
            "steps": self.steps, "seconds": self.seconds, "losses": self.losses, "schedule": self.schedule.as_dict(),
        }  # fmt: skip

    def restore(self, state: dict[str, object]) -> None:
        """Go on from a saved state; `done_rounds` says where."""
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done_rounds, self.steps = state["done_rounds"], state["steps"]
        self.seconds, self.losses = state["seconds"], state["losses"]

    def learn(
        self,
        examples: Sequence[Example],
        order: NDArray[np.int64],
        learning_rate: float,
        turn: int,
        average: float,
    ) -> float:
        """Take one step on the examples named by `order`, mirrored by `turn` (0..3); return the loss.

        `average` is the share of the averaged weights that stays.
        """
        import torch

        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        inputs = torch.from_numpy(np.stack([examples[i][0] for i in order])).float()
        codes = torch.from_numpy(np.stack([examples[i][1] for i in order]))
        axes = [axis for axis, bit in ((-1, 1), (-2, 2)) if turn & bit]
        inputs, codes = torch.flip(inputs, axes), torch.flip(codes, axes)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(inputs)
        loss = punish(logits, codes)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        self._average(average)
        self.steps += 1
        return float(loss.detach())

    def _average(self, share: float) -> None:
        import torch

        # Young averages forget faster, or the untrained weights would linger in them.
        keep = min(share, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            theirs = self.network.state_dict()
            for name, mine in self.averaged.state_dict().items():
                if mine.is_floating_point():
                    mine.lerp_(theirs[name], 1 - keep)
                else:
                    mine.copy_(theirs[name])


def run(schedule: Schedule, folder: Path, processes: int, stop_after_rounds: int | None = None) -> nn.Module:
    """Train to the schedule's end, or on from what `folder` holds; return the averaged network.

    `processes` make photographs. With `stop_after_rounds` it stops early, to be started again.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    saved = folder / "state.pt"
    rounds = [(stage, index) for stage in schedule.stages for index in range(stage.rounds)]
    per_round = schedule.photographs_per_round
    last = len(rounds) if stop_after_rounds is None else min(len(rounds), stop_after_rounds)
    torch.set_num_threads(1)
    trainer = Trainer(schedule)
    if saved.exists():
        trainer.restore(torch.load(saved, weights_only=True))
    # Spawned, not forked: a fork of a process whose libraries run threads may wait for ever.
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(processes, context, cv2.setNumThreads, (1,)) as pool,
        tqdm(
            total=len(rounds) * per_round, initial=trainer.done_rounds * per_round, unit="photo"
        ) as progress,
    ):

        def order(number: int) -> Iterator[Example]:
            if number >= last:
                return iter(())
            recipe, side = rounds[number][0].recipe, schedule.side_pixels
            numbers = range(number * per_round, (number + 1) * per_round)
            return pool.map(example, [(recipe, schedule.seed, i, side) for i in numbers], chunksize=16)

        coming = order(trainer.done_rounds)
        for number in range(trainer.done_rounds, last):
            started = time.monotonic()
            examples, coming = list(coming), order(number + 1)
            waited_s = time.monotonic() - started
            losses = _round(trainer, *rounds[number], number, examples)
            trainer.done_rounds = number + 1
            trainer.losses.append(round(float(np.mean(losses)), 5))
            trainer.seconds += time.monotonic() - started
            _save(trainer, saved)
            progress.update(per_round)
            progress.set_postfix(loss=f"{trainer.losses[-1]:.4f}", waited=f"{waited_s:.0f}s")
    return trainer.averaged


def _save(trainer: Trainer, path: Path) -> None:
    """Write the state so that a run cut short in the writing still has the one before."""
    import torch

    unfinished = path.with_suffix(".new")
    torch.save(trainer.state(), unfinished)
    unfinished.replace(path)


def _round(
    trainer: Trainer, stage: Stage, index: int, number: int, examples: Sequence[Example]
) -> list[float]:
    schedule = trainer.schedule
    rng = np.random.default_rng((schedule.seed, 1_000_000, number))
    batches = len(examples) // schedule.batch
    in_stage, steps = index * stage.passes * batches, stage.rounds * stage.passes * batches
    losses: list[float] = []
    for turn in range(stage.passes):
        order = rng.permutation(len(examples))[: batches * schedule.batch].reshape(batches, schedule.batch)
        for chosen in order:
            share = (in_stage + len(losses)) / steps
            learning_rate = rate(schedule, stage, share, trainer.steps)
            losses.append(trainer.learn(examples, chosen, learning_rate, turn, stage.average))
    return losses


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and leave `averaged.pt` and `training.json` in the folder."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedule", choices=sorted(SCHEDULES), default="release")
    parser.add_argument("--folder", type=Path, default=Path("work/training"))
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--rounds", type=int, help="stop after so many, to be started again")
    options = parser.parse_args(arguments)
    schedule = SCHEDULES[options.schedule]
    network = run(schedule, options.folder, options.processes, options.rounds)
    torch.save(network.state_dict(), options.folder / "averaged.pt")
    facts = {"schedule": schedule.as_dict(), "parameters": count(network), "torch": str(torch.__version__)}
    (options.folder / "training.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(f"trained {count(network)} parameters into {options.folder}")


if __name__ == "__main__":
    main()
