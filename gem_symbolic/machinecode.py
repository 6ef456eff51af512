"""The machine code of a GPU as text: instructions, the way of a full block through them, and what each is for."""

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Instruction:
    """One instruction: where it stands, its predicate or "", and its text."""

    address: int
    predicate: str
    text: str

    @property
    def opcode(self) -> str:
        return self.text.split(maxsplit=1)[0]

    @property
    def loads(self) -> bool:
        """Whether it reads global memory."""
        return self.opcode.startswith("LDG")

    @property
    def following(self) -> tuple[int, ...]:
        """The addresses where execution may go on."""
        after, op = self.address + 16, self.opcode.partition(".")[0]
        if op in ("EXIT", "RET"):
            return (after,) if self.predicate else ()
        if op == "BRA":
            parts = self.text.replace(",", " ").split()
            target = int(next(p for p in parts if p.startswith("0x")), 16)
            # Without a predicate of its own, `BRA !P5, 0x40` has one as its operand.
            return (target, after) if self.predicate or len(parts) > 2 else (target,)
        return (after,)


LINE = re.compile(r"^\s*/\*([0-9a-f]{4,})\*/\s+(?:(@!?U?P\w+)\s+)?([^;]+?)\s*;", re.MULTILINE)


def instructions(sass: str) -> dict[int, Instruction]:
    found = (Instruction(int(address, 16), predicate, text) for address, predicate, text in LINE.findall(sass))
    return {i.address: i for i in found}


def shortest(code: Mapping[int, Instruction], start: int, ends: Iterable[int]) -> list[int]:
    """The addresses on the way with the fewest instructions from the start to one of the ends, both included."""
    before: dict[int, int] = {}
    ends, queue = set(ends), [(0, start, -1)]
    while queue:
        length, at, came = heapq.heappop(queue)
        if at in before or at not in code:
            continue
        before[at] = came
        if at in ends:
            way = [at]
            while before[way[-1]] >= 0:
                way.append(before[way[-1]])
            return way[::-1]
        for target in code[at].following:
            heapq.heappush(queue, (length + 1, target, at))
    raise ValueError(f"no way leads from {start:#x} to {sorted(map(hex, ends))}")


def full_block(code: Mapping[int, Instruction]) -> list[Instruction]:
    """What a thread of a full block executes: it loads without a mask. Raises ValueError where no such way is found."""
    stores = [a for a, i in code.items() if i.opcode.startswith("STG") and ".128" in i.opcode]
    if not stores:
        raise ValueError("no store of 128 bits: the full block is not to be told from the last one")
    ways = {store: shortest(code, min(code), [store]) for store in stores}
    masked = {store for store, way in ways.items() if any(code[a].loads and code[a].predicate for a in way)}
    way = max((way for store, way in ways.items() if store not in masked), key=len, default=[])
    if not set(stores) - masked <= set(way) or not way:
        raise ValueError("the stores of 128 bits without a mask do not lie on one way")
    ends = [a for a, i in code.items() if i.opcode == "EXIT" and not i.predicate]
    return [code[a] for a in [*way, *shortest(code, way[-1], ends)[1:]]]


def narrowest(way: Iterable[Instruction], opcode: str) -> int:
    """The bits that each of the instructions moves at least; 32 where it does not say how many."""
    found = (re.search(r"\.[US]?(8|16|64|128)\b", i.opcode) for i in way if i.opcode.startswith(opcode))
    return min(int(match[1]) if match else 32 for match in found)


#: What an instruction is for, by the beginning of its opcode; the first row that fits. The branches are those around
#: the routine for quotients of extreme size.
PURPOSES = {
    "reciprocals, fma": ("MUFU", "FCHK", "FFMA", "BSSY", "BSYNC", "BRA", "CALL"),
    "arithmetic": ("FMUL", "FADD"),
    "comparing, selecting": ("FSETP", "FSEL", "FMNMX", "P2R", "R2P", "PLOP3", "SEL"),
    "converting": ("HADD2", "F2F", "PRMT", "F2FP", "HMUL2"),
    "memory": ("LDG", "STG"),
    "addresses, the rest": ("",),
}


def purposes(way: Iterable[Instruction]) -> Counter[str]:
    return Counter(next(p for p, starts in PURPOSES.items() if i.opcode.startswith(starts)) for i in way)
