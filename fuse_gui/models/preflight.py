"""One step of the open experiment in a process of its own: what training will need, and how its losses share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psygnal import Signal

from fuse_engine.core.errors import FuseError
from fuse_gui.models.bound import in_short
from fuse_gui.models.graph import fixes_of
from fuse_gui.models.guards import Fix
from fuse_gui.models.project import Project

CHANNEL = "preflight"
_GIB, _MIB = 2**30, 2**20
_NEAR = 0.15
"""Share of the chance value within which a first loss is as expected."""


@dataclass(frozen=True)
class Bar:
    """A share or a cosine as a bar."""

    label: str
    value: float
    """[0, 1] for a share, [-1, 1] for a cosine."""
    text: str
    signed: bool = False


@dataclass(frozen=True)
class Proposal:
    """Changes under which the step fits."""

    title: str
    fixes: tuple[Fix, ...]


@dataclass(frozen=True)
class Card:
    """What one step has shown."""

    fits: bool
    facts: tuple[tuple[str, str], ...]
    bars: tuple[tuple[str, tuple[Bar, ...]], ...]
    """Groups of bars, each under a heading."""
    notes: tuple[str, ...]
    proposal: Proposal | None


class PreflightModel:
    """Asks for a preflight in the background, follows it, and keeps its card."""

    title = "Preflight"
    start_label, cancel_label, apply_label = "Preflight", "Cancel", "Apply"
    help = "Try one real step in a process of its own: memory, time, first losses, who pulls at the backbone"
    apply_help = "Change the experiment as proposed; Undo takes it back"
    idle = "Nothing was tried yet."
    late = "The experiment was changed since."
    given_up = "The experiment was changed, so the try was given up."

    changed = Signal()

    def __init__(self, project: Project) -> None:
        """Follow the open project; nothing is tried yet."""
        self.project = project
        self.card: Card | None = None
        self.error = ""
        self.running, self._progress, self._share = False, "", 0.0
        self._of = ""
        """The experiment that is tried, as text."""
        project.experiment_changed.connect(self._experiment_changed)
        project.requests.progressed.connect(self._progressed)

    @property
    def state(self) -> str:
        """What goes on, or why there is no card."""
        if self.running:
            return self._progress or "Waiting for the engine …"
        if self.error:
            return self.error
        if self.card is None:
            return self.idle
        return self.late if self._of != self.project.as_yaml() else ""

    @property
    def share(self) -> float:
        """How far it is, [0, 1]."""
        return self._share

    @property
    def can_start(self) -> bool:
        """Whether there is something to try."""
        return self.project.experiment is not None and not self.running

    def start(self) -> None:
        """Try a step."""
        if not self.can_start:
            return
        self.running, self.error, self._progress, self._share = True, "", "", 0.0
        self._of = self.project.as_yaml()
        self.changed.emit()
        self._ask()

    def cancel(self) -> None:
        """Give the step up."""
        if self.running:
            self.project.requests.cancel(CHANNEL)
            self._stop("Cancelled.")

    def apply(self) -> None:
        """Change the experiment as proposed, in one step."""
        experiment = self.project.experiment
        if experiment is None or self.card is None or self.card.proposal is None:
            return
        with self.project.reporting("edit"):
            for fix in self.card.proposal.fixes:
                experiment = experiment.changed(fix.path, fix.value)
            self.project.set_experiment(experiment)
            self.project.say(f"applied: {self.card.proposal.title}")

    def _ask(self) -> None:
        """Ask, or go on where the engine put the try aside for what is waited for in front of the window."""
        self.project.ask(
            CHANNEL, CHANNEL, self._take, failed=self._failed, read=_card_or_none, background=True, in_turns=True
        )

    def _take(self, card: Card | None) -> None:
        if card is not None:
            self.card = card
            self._stop("")
        elif self._of == self.project.as_yaml():
            self._ask()
        else:
            self._stop(self.given_up)

    def _failed(self, error: FuseError) -> None:
        self._stop("\n".join(map(in_short, error.problems)))

    def _stop(self, error: str) -> None:
        self.running, self.error = False, error
        self.changed.emit()

    def _progressed(self, channel: str, share: float, text: str) -> None:
        if channel == CHANNEL and self.running:
            self._share, self._progress = share, text
            self.changed.emit()

    def _experiment_changed(self) -> None:
        if self.running and not self.project.requests.is_running(CHANNEL):  # another experiment was opened
            self.running = False
        if self.project.experiment is None:
            self.card = None
        self.changed.emit()


def _card_or_none(reply: Mapping[str, Any]) -> Card | None:
    return None if reply.get("waiting") else card_of(reply)


def card_of(reply: Mapping[str, Any]) -> Card:
    """Return the engine's answer, ready to be drawn."""
    proposal = reply.get("proposal")
    return Card(
        bool(reply["fits"]),
        tuple(_facts(reply)),
        tuple((title, bars) for title, bars in _bars(reply) if bars),
        tuple(map(str, reply.get("notes") or ())),
        Proposal(str(proposal["title"]), fixes_of(proposal["fixes"])) if proposal else None,
    )


def _facts(reply: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    facts = [("Fits", "yes" if reply["fits"] else "no, not enough memory")]
    for label, name, words in (
        ("Peak memory", "peak_bytes", lambda v: f"{memory(v)} on {reply.get('device') or 'the device'}"),
        ("A step", "seconds_per_step", duration),
        ("Samples", "samples_per_second", lambda v: f"{v:.3g} a second"),
        ("All epochs", "eta_seconds", duration),
        ("Loading", "loading_share", lambda v: f"{v:.0%} of the time"),
    ):  # fmt: skip
        if reply.get(name) is not None:
            facts.append((label, words(float(reply[name]))))
    chance = reply.get("chance") or {}
    for name, value in (reply.get("first_loss") or {}).items():
        facts.append((f"First {name}", against(float(value), chance.get(name))))
    return facts


def _bars(reply: Mapping[str, Any]) -> Sequence[tuple[str, tuple[Bar, ...]]]:
    shares = {"Gradient of each loss": "gradient_share", "Gradient of each head": "heads_share"}
    groups = [
        (
            title,
            tuple(Bar(label, float(value), f"{value:.0%}") for label, value in (reply.get(name) or {}).items()),
        )
        for title, name in shares.items()
    ]
    cosines = tuple(
        Bar(f"{pair['a']}, {pair['b']}", float(pair["value"]), agreement(float(pair["value"])), signed=True)
        for pair in reply.get("cosine") or ()
    )
    return [*groups, ("Agreement of gradients (cosine)", cosines)]


def against(value: float, chance: float | None) -> str:
    """Return a first loss beside what guessing gives."""
    if chance is None:
        return f"{value:.4g}"
    near = abs(value - chance) <= _NEAR * max(abs(chance), 1e-9)
    return f"{value:.4g}, chance is {chance:.4g}" + ("" if near else " ⚠")


def agreement(cosine: float) -> str:
    """Return a cosine with its meaning."""
    meaning = "against each other" if cosine < -0.1 else "the same way" if cosine > 0.5 else "hardly related"
    return f"{cosine:+.2f} {meaning}"


def memory(count: float) -> str:
    """Return bytes in words."""
    return f"{count / _GIB:.2f} GiB" if count >= _GIB else f"{count / _MIB:.0f} MiB"


def duration(seconds: float) -> str:
    """Return seconds in words."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
