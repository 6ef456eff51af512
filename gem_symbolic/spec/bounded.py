"""Deriving in a process of its own, which is stopped when its time is up and cannot take more than its memory.

What was found until then is kept; a claim that was not reached is undecided, and says why.
"""

import math
import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from gem_symbolic.spec.locate import SpecError
from gem_symbolic.spec.read import Spec

#: The memory of the process, in bytes.
MEMORY = 4 << 30


@dataclass
class Found:
    """The claims and facts of a function, as JSON data, and why there are not more of them, if so."""

    claims: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    ended: str = ""


def find(
    spec: Spec,
    given: Mapping[str, Any],
    seconds: float,
    tell: Callable[[str], None] = lambda what: None,
    work: Callable[..., None] | None = None,
) -> Found:
    """Decides the claims of a spec and derives the facts, within a time. Raises SpecError, in one sentence.

    `tell` is told of each claim; `work` takes the place of the derivation, in tests.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    target = work or partial(derive, seconds=seconds)
    process = context.Process(target=target, args=(sender, spec, dict(given)), daemon=True)
    process.start()
    sender.close()
    deadline = time.monotonic() + seconds
    found, expected = Found(), [("spec", "what the spec claims")]
    try:
        while True:
            if not receiver.poll(max(0.0, deadline - time.monotonic())):
                found.ended = f"not decided within {seconds:g} s"
                break
            kind, value = receiver.recv()
            if kind == "error":
                raise SpecError(value)
            if kind == "expected":
                expected = value
            elif kind == "claim":
                found.claims.append(value)
                tell(f"{value['id']}: {value['status']}")
            elif kind == "fact":
                found.facts[value[0]] = value[1]
            else:
                found.ended = value
                break
    except EOFError:
        process.join()
        found.ended = f"the derivation was stopped, with status {process.exitcode}; it may have run out of memory"
    finally:
        process.kill()
        process.join()
    decided = {claim["id"] for claim in found.claims}
    for name, statement in expected:
        if name not in decided:
            reason = found.ended or "f has a pole"
            found.claims.append(
                {"id": name, "statement": statement, "status": "undecided", "evidence": [], "reason": reason}
            )
    return found


def derive(sender: Connection, spec: Spec, given: Mapping[str, Any], seconds: float) -> None:
    """Sends what is found as it is found; the last message is ("ended", why), "" where nothing is missing.

    Whatever becomes of the process that waits for it, it computes for no longer than that time.
    """
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits is interrupted too, and ends this one
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    whole = math.ceil(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))
    try:
        send_all(sender, spec, given)
        sender.send(("ended", ""))
    except SpecError as error:
        sender.send(("error", str(error)))
    except Exception as error:  # the reason is for the reader of the report, whatever it is
        sender.send(("ended", f"the derivation failed: {type(error).__name__} {error}".strip()[:200]))


def send_all(sender: Connection, spec: Spec, given: Mapping[str, Any]) -> None:
    """Sends the claims, decided, and the facts. Raises SpecError."""
    function, companions = spec.function(given), spec.others()  # what cannot be read is said before SymPy is loaded
    from gem_symbolic.spec.claims import claims, no_poles
    from gem_symbolic.spec.facts import Facts

    facts = Facts(function, companions)
    first, others = no_poles(facts), list(claims(spec, facts))
    sender.send(("expected", [(claim.id, claim.statement) for claim in (first, *others)]))
    sender.send(("claim", first.decide()))
    for claim in () if facts.poles else others:
        sender.send(("claim", claim.decide()))
    for fact in facts.items():
        sender.send(("fact", fact))
