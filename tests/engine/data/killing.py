"""Fills the cache of an experiment by processes that are killed at random, then to the end.

python tests/engine/data/killing.py EXPERIMENT KILLS SEED
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

from fuse_engine.core.experiment import Experiment
from fuse_engine.data import Dataset


def fill(path: str, order: random.Random) -> None:
    dataset = Dataset.from_experiment(Experiment.load(path))
    for name in order.sample(dataset.ids, len(dataset)):
        dataset.sample(name)


def main(path: str, kills: int, seed: int) -> None:
    order = random.Random(seed)
    wanted = 0.02
    for _ in range(kills):
        child = os.fork()
        if not child:
            fill(path, order)
            os._exit(0)
        time.sleep(order.uniform(0.0, wanted))
        os.kill(child, signal.SIGKILL)
        # the next ones live longer where this one had not got anywhere: the machine may be slow
        wanted = min(wanted * 1.3, 0.3) if os.waitpid(child, 0)[1] else 0.02
    fill(path, order)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
