"""The Augmentation panel: what the steps do to the chosen sample, live while they are edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fuse_engine.core import document
from fuse_engine.core.catalog import describe
from fuse_engine.core.errors import FuseError, Problem
from fuse_engine.core.experiment import Experiment
from fuse_gui.models.bound import in_short
from fuse_gui.models.calm import CALM, Calm
from fuse_gui.models.draw import DrawModel
from fuse_gui.models.field import Item
from fuse_gui.models.flicker import Flicker
from fuse_gui.models.form import Slot
from fuse_gui.models.guards import Guards
from fuse_gui.models.histograms import Histograms
from fuse_gui.models.look import Look, Plane
from fuse_gui.models.network import Network
from fuse_gui.models.presets import Presets
from fuse_gui.models.project import OVERLAYS, Project
from fuse_gui.models.screen import Screen
from fuse_gui.models.sheet import Sheet
from fuse_gui.models.stage import Stage, tensor_picture
from fuse_gui.models.step_facts import StepFacts, facts_of, top
from fuse_gui.models.steps import StepsModel
from fuse_gui.models.subject import subject
from fuse_gui.models.wipe import Wipe

PAUSE = 0.0
"""Seconds between an edit and the request for its plane; edits that come meanwhile share the next one."""
SWITCH = "enabled"
"""The field that switches a step off."""


class AugmentationModel(StepsModel):
    """The steps, the draw that is looked at, and what they make of the sample.

    Every edit asks for the plane that is looked at, and once the hand rests for the whole sample. The planes are
    written into the pictures on the screen, where they are.
    """

    method = "augment_plane"
    no_sample = "Choose a sample in the Data panel."
    late = ""

    title = "Augmentation"
    show_label, side_labels = "Show", {"after": "After", "before": "Before", "network": "Network"}
    side_helps = {  # noqa: RUF012
        "after": "The sample as it is trained on",
        "before": "The sample without augmentation",
        "network": "The tensor that the network gets: cut, collated and normalised",
    }
    wipe_label, wipe_help = "Wipe", "Draw the sample before augmentation over the left part of the picture"
    copy_label, copy_help = "Copy YAML", "Copy the steps as they stand in an experiment file"
    undo_label, redo_label = "Undo", "Redo"
    on_label, on_help = "on", "Switched off, a step keeps its place and its settings and changes nothing"
    step_help = "Click: the sample right after this step; click again: after all steps"

    def __init__(
        self, project: Project, pause: float = PAUSE, screen: Screen | None = None, calm: float = CALM
    ) -> None:
        """Follow the open project; nothing is asked for until the panel is looked at.

        What the panel shows is put on its own `screen`, or on that of the project.
        """
        spec = next(spec for spec in describe(Experiment).fields if spec.name == "augmentation")
        self.screen = screen or project.screen
        self.draw, self.look, self.stage = DrawModel(project), Look(), Stage(self.screen)
        self.guards, self.wipe = Guards(project), Wipe(self.screen)
        self.presets = Presets(project, self.stage)
        super().__init__(project, spec, ("augmentation",), pause)
        self.steps.offers.starts = self.presets.starts
        self.sheet = Sheet(project, self.draw, self.look, self.stage)
        self.histograms = Histograms(project, self.draw)
        self.network = Network(project, self.draw, self._put)
        self.parts = (self.sheet, self.histograms, self.network)
        self.flicker = Flicker(project, self._turn)
        self.side, self.step = "after", -1
        self.applied: Sequence[Mapping[str, Any]] = ()
        """What was drawn, one entry an operation, as the engine records it."""
        self._times: Sequence[Mapping[str, Any]] = ()
        self._exact, self._fits = True, True
        self._whole: object = None
        self._edited = self._drawn_from
        self._calm = Calm(project, self._ask_whole, calm)
        self.draw.changed.connect(self._again)
        self.look.changed.connect(self._moved)
        project.values_changed.connect(self._sample_read)

    # -- what a person sees ---------------------------------------------------------------------------------------

    @property
    def is_whole(self) -> bool:
        """Whether what is shown is the exact result for the whole sample, as it is trained on."""
        return self.step < 0 and self._whole == self._asked_for and not self.refresh.stale

    @property
    def tag(self) -> str:
        """In what way the picture is not yet that of the whole sample; empty when it is."""
        if self.is_whole or not self.applied:
            return ""
        if not self._fits:
            return "another size: the whole sample follows …"
        return "" if self._exact else "≈ approximate: the whole sample follows …"

    @property
    def step_text(self) -> str:
        """Which step the sample is shown after; empty after all of them."""
        names = [getattr(item, "chosen", "") for item in self.steps.items]
        return f"After step {self.step + 1}, {names[self.step]}" if 0 <= self.step < len(names) else ""

    @property
    def drawn(self) -> tuple[str, ...]:
        """What every step drew, a line each."""
        found = [(index, self.facts(item)) for index, item in enumerate(self.steps.items)]
        names = [getattr(item, "chosen", "") for item in self.steps.items]
        return tuple(f"{index + 1}  {names[index]}: {facts.drawn}" for index, facts in found if facts)

    def facts(self, item: Item) -> StepFacts | None:
        """Return what a step drew and how long it took; None where that is not known."""
        index = self.position(item)
        return facts_of(index, self.applied, self._times, index == self.step) if index >= 0 else None

    # -- what a person does ---------------------------------------------------------------------------------------

    def show(self, side: str) -> None:
        """Choose what is on the screen, one of `side_labels`."""
        if side == self.side or side not in self.side_labels:
            return
        self.side = side
        self.network.set_open(side == "network")
        self._put()
        self.changed.emit()

    def show_step(self, item: Item) -> None:
        """Show the sample right after a step; after all steps when that is what is shown."""
        index = self.position(item)
        self.step = -1 if index == self.step else index
        self.side = "after"
        self._again()

    def is_on(self, item: Item) -> bool:
        """Whether a step is switched on."""
        field = _switch(item)
        return field is None or bool(field.value)

    def switch(self, item: Item, on: bool) -> None:
        """Switch a step on or off; it keeps its place and its settings."""
        field = _switch(item)
        if field is not None:
            field.set(on)

    def as_yaml(self) -> str:
        """Return the steps as they stand in an experiment file."""
        return document.dump({"augmentation": self.steps.plain() or []})

    def draw_wipe(self, share: float) -> None:
        """Draw the sample as it was before over a share [0, 1] of the screen."""
        self._hang()
        self.wipe.draw_to(share)
        self.stage.share = self.wipe.share
        if self.side == "after" and self._active:
            self.stage.wipe_labels()

    # -- the plane ------------------------------------------------------------------------------------------------

    @property
    def _trouble(self) -> str:
        if self.error or self.steps.items:
            return self.error or self._lack
        return "No steps yet: samples are trained on as they are."

    @property
    def _lack(self) -> str:
        """Why there is no picture of the sample, in words; empty where there is one, or it is being read."""
        if self.stage.before or not self._active or self.project.requests.is_running("sample"):
            return ""
        known = self.project.neighbours.kept(self.project.sample_id) is not None
        return "This sample has no image." if known else "This sample could not be read."

    @property
    def _ready(self) -> bool:
        return super()._ready and bool(self.stage.before)

    @property
    def _asked_for(self) -> object:
        return self._drawn_from, self.project.sample_id, dict(self.draw.plain)

    @property
    def _drawn_from(self) -> object:
        """What of the experiment decides what is drawn."""
        experiment = self.project.experiment
        return (experiment.augmentation, experiment.seed) if experiment else None

    def _question(self) -> Mapping[str, Any]:
        plane = self.look.stored
        keys = list(self.stage.keys.values())
        return {"draw": dict(self.draw.plain), "axis": plane.axis, "place": plane.place, "keys": keys}

    def _ask(self) -> None:
        if not self._ready:
            self.refresh.arrived()
            return
        self.project.requests.cancel("augment")  # the whole is asked for again once the hand rests
        self.sheet.make_way()
        asked, plane = (self.project.sample_id, self.bound.place), self.look.stored
        method = self.method if self.step < 0 else "augment_steps"
        self.project.ask(
            method, self.method, lambda reply: self._arrived(asked, (plane, reply)), failed=self._failed,
            about=subject(self.project), id=self.project.sample_id, **self._question(),
        )  # fmt: skip

    def _read(self, reply: Any) -> Any:
        return reply

    def _take(self, preview: tuple[Plane, Mapping[str, Any]]) -> None:
        plane, reply = preview
        if "steps" in reply:
            planes, self._exact = self._after_step(reply["steps"]), True
        else:
            planes, self._exact, self.applied = reply["planes"], bool(reply["exact"]), tuple(reply["applied"])
        self._whole = None
        self._fits = self.stage.write(planes, plane)
        if self.side == "after" and self._active and self._fits:
            self._touch()
        self._calm.poke()

    def _after_step(self, steps: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return the planes right after the chosen step: those of the last entry at or below it."""
        own = [found for found in steps if top(found["step"]) <= self.step]
        self.applied = [found for found in steps if top(found["step"]) >= 0]
        planes: Mapping[str, Any] = own[-1]["planes"] if own else {}
        return planes

    def _lose(self, problems: Sequence[Problem]) -> None:
        self.applied, self._times, self._whole = (), (), None
        self.guards.forget()

    # -- the whole sample -----------------------------------------------------------------------------------------

    def _ask_whole(self) -> None:
        if not self._ready or self.refresh.stale or self.is_whole:
            return
        asked = self._asked_for
        self.project.ask(
            "augment", "augment", lambda reply: self._take_whole(asked, reply), failed=self._fail_whole,
            background=True, about=subject(self.project), id=self.project.sample_id, draw=dict(self.draw.plain),
        )  # fmt: skip

    def _take_whole(self, asked: object, reply: Mapping[str, Any] | None) -> None:
        if asked != self._asked_for:
            return
        if reply is None:  # it made way for something else
            self._calm.poke()
            return
        self.guards.take(reply)
        self.applied, self._times = tuple(reply["applied"]), tuple(reply.get("times", ()))
        if self.step < 0:
            self.stage.take(reply["after"])
            self._whole, self._fits = asked, True
            self._put()
        self.changed.emit()

    def _fail_whole(self, error: FuseError) -> None:
        self.error = "\n".join(map(in_short, error.problems))
        self.changed.emit()

    # -- the screen -----------------------------------------------------------------------------------------------

    def _lay(self) -> None:
        """Take the sample that was read."""
        kept = self.project.neighbours.kept(self.project.sample_id)
        if kept is None:
            return
        same = all(kept[place] is self.stage.before.get(place) for place in ("image", "gt"))
        if not same:
            self.stage.lay(kept)
            self.wipe.hang(None)
            if "image" in self.stage.before:
                self.look.lie_on(self.stage.before["image"])
            self._whole = None
        if self._active:
            self._put()
            if not same:
                self._again()

    def _sample_read(self) -> None:
        """Take the sample, or show nothing where it could not be read."""
        if self.project.neighbours.kept(self.project.sample_id) is not None:
            self._lay()
            return
        self._forget()
        for part in self.parts:
            part.forget()
        self.changed.emit()

    def _forget(self) -> None:
        self.project.requests.cancel("augment")
        self.stage.clear()
        self.applied, self._times, self._whole, self.error = (), (), None, ""
        self.guards.forget()

    def _put(self) -> None:
        if not self._active or not self.stage.before:
            return
        if self.side == "network":
            self._put_tensors()
            return
        if self.side == "after":
            for name in OVERLAYS:
                self.screen.hide(name)  # they are of the sample as it is, and would lie beside what is shown
        self.stage.put(self.side)
        self._hang()

    def _put_tensors(self) -> None:
        self.wipe.hang(None)
        for place, key in self.stage.keys.items():
            if key in self.network.tensors:
                picture = tensor_picture(self.network.tensors[key]["array"], self.stage.after[place])
                self.screen.show_picture(place, picture, limits=None)

    def _touch(self) -> None:
        """Draw the planes that were written; the first ones bring the pictures to the screen."""
        shown, after = self.screen.picture("image"), self.stage.after.get("image")
        if shown is not None and after is not None and shown.array is after["array"]:
            self.stage.touch()
        else:
            self._put()

    def _hang(self) -> None:
        """Hang the curtain of the wipe while the sample after augmentation is shown."""
        before, after = self.stage.before.get("image"), self.stage.after.get("image")
        if self.side != "after" or before is None or not self._active:
            self.wipe.hang(None)
            return
        self.screen.restyle("before", limits=self.stage.limits)
        self.wipe.hang(before, after)

    def _turn(self) -> None:
        self.show("before" if self.side == "after" else "after")

    # -- what happens around --------------------------------------------------------------------------------------

    def set_active(self, active: bool) -> None:
        """Say whether the panel is looked at; only then it computes and uses the screen."""
        if active == self._active:
            return
        super().set_active(active)
        for part in self.parts:
            part.set_seen(active)
        if active:
            self._lay()
            self._put()
            return
        self.wipe.hang(None)
        self.stage.leave()
        if self.screen is self.project.screen:
            self.project.shown.again()

    def _leave(self) -> None:
        self.flicker.set_on(False)
        self.project.requests.cancel("augment")

    def _experiment_changed(self) -> None:
        if self._drawn_from != self._edited:
            self._edited = self._drawn_from
            self.draw.edited()
            self._again()

    def _sample_changed(self, sample: str) -> None:
        self._forget()
        self.draw.edited()
        self._lay()
        self._again()

    def _moved(self) -> None:
        if self._ready and not self.is_whole:
            self.refresh.poke()
        self.changed.emit()

    def _again(self) -> None:
        """Ask again for all that depends on steps, draw and sample."""
        self._poke()
        for part in self.parts:
            part.poke()


def _switch(item: Item) -> Any:
    form = item.form if isinstance(item, Slot) else None
    return form.items.get(SWITCH) if form is not None else None
