"""The way from any thread to the thread of the widgets."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QCoreApplication, QObject, Signal, Slot

Action = Callable[[], None]


class _Hop(QObject):  # type: ignore[misc]
    go = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        application = QCoreApplication.instance()
        if application is not None:
            self.moveToThread(application.thread())
        self.go.connect(self._run)

    @Slot(object)  # type: ignore[untyped-decorator]
    def _run(self, action: Action) -> None:
        action()


def qt_deliver() -> Callable[[Action], None]:
    """Return a function that runs a callable on the thread of the widgets: now when called there, else soon.

    What arrives after the application has ended is dropped.
    """
    hop = _Hop()

    def deliver(action: Action) -> None:
        # The closure keeps `hop` alive: a bound `hop.go.emit` alone would let it be collected, and crash.
        try:
            hop.go.emit(action)
        except RuntimeError:
            if QCoreApplication.instance() is not None:
                raise

    return deliver
