"""What nobody waits for is done last, and makes way for a person."""

from __future__ import annotations


def test_a_person_does_not_wait_for_the_background(engine, until):
    lingering = engine.request("linger", background=True, seconds=20)
    until(lambda: engine._running is lingering)
    assert engine.request("echo", value="now").result(5) == "now"
    assert lingering.result(5) == "hurried"


def test_what_waits_in_the_background_is_overtaken_and_then_undisturbed(engine):
    order = []

    def note(reply):
        order.append(reply.value)

    first = engine.request("linger", seconds=0.3)
    waiting = [
        engine.request("linger", background=True, then=note, seconds=0.05),
        engine.request("echo", then=note, value="person"),
        engine.request("linger", background=True, then=note, seconds=0.05),
    ]
    assert [job.result(20) for job in (first, *waiting)][2] == "person"
    engine.request("echo", value="last").result(20)
    assert order == ["person", "done", "done"], "the hurry is over when its turn comes"


def test_the_background_ends_with_its_client(engine):
    job = engine.request("linger", background=True, seconds=60)
    engine.request("echo", value=1).result(20)
    engine.close()
    assert job.done
