"""Where a user's call takes place, and how it gives the parameters: all that a file could make a difference by."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gem_symbolic.checkers.flint import FlintAlgebra
from gem_symbolic.definitions import Activation
from gem_symbolic.readback.elements import FLOATS
from gem_symbolic.readback.kernels import ROOM
from gem_symbolic.readback.tensors import PARAMETER
from gem_symbolic.readback.values import INTEGER, TENSOR, Layout, Scalar, Shape, Type
from gem_symbolic.readback.versions import ACCURATE, KERNEL, SHORT, TORCH, WIDE, Version

#: Incoming gradients, and the tensors that a call gives besides x.
GRADIENTS = ("g0", "g1", "g2")
GIVEN = ("bias", "other")
PARAMETERS = ("N", "eps", "eps_of_scale", "eps_by_default", "eps_fixed", "scale")
FUNCTIONS = tuple(f"f{k}" for k in range(16))
#: Sizes of tensors and of the rows that kernels see them in, and the number of dimensions; what `kernels` counts.
SIZES = ("lines", "columns", "pieces", "length", "dimensions")
COUNTS = tuple(f"{name}{k}" for name, most in (("blocks", 4), ("first", 2), ("count", 2)) for k in range(most))
STRIDES = tuple(f"stride{k}" for k in range(5))
CALLS = FlintAlgebra(
    (
        *PARAMETERS,
        *("s", "s_low", "inv_s_low", "up", "x", "row", "block", "lane", "total"),
        *SIZES,
        *COUNTS,
        *STRIDES,
        *GIVEN,
        *GRADIENTS,
        *FUNCTIONS,
    )
)
#: What is positive where tensors have elements.
POSITIVE = [(CALLS.gens[name], 1) for name in SIZES]
POSITIVE += [(CALLS.gens[rows] * CALLS.gens[size], 1) for rows, size in (("lines", "columns"), ("pieces", "length"))]
#: What a function may depend on, and where it is evaluated.
KNOWN = {name: CALLS.gens[name] for name in ("N", "s", "s_low", "inv_s_low", "up")}
KNOWN |= {"inv_s": CALLS.number(1) / KNOWN["s"], "down": CALLS.number(1) / KNOWN["up"]}
PLAIN, BIASED = "x", "x + bias"
PLACES = {PLAIN: CALLS.gens["x"], BIASED: CALLS.gens["x"] + CALLS.gens["bias"]}
#: Of a lane: what is left after its block, and from the lane on, as signs.
LANES = ((1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1))
SHAPE, NUMBER = Shape((CALLS.gens["lines"], CALLS.gens["columns"])), Shape()
SINGLE = Shape((CALLS.number(1), CALLS.gens["columns"]))
#: A class of tensors that no kernel takes.
SUBCLASS = "a subclass"


@dataclass(frozen=True)
class Setting:
    """Where a call takes place: the device, the type and class of x, whether triton is installed and code compiled.

    What is `exported` counts as compiled too, and must leave autograd to whoever runs the graph.
    `layouts` are those of x and of what else is given; `lane` is that of the kernel, if any, and `crowd` the sign of
    how many rows there are beyond those that a grid has room for; no tensor has elements if `empty`. What is not
    `parametric` has no parameters, and neither pairs nor plans of its own for narrow types.
    """

    device: str
    type: Type
    triton: bool
    compiled: bool = False
    exported: bool = False
    kind: str = TENSOR
    shape: Shape = SHAPE
    layouts: tuple[Layout, Layout] = (Layout.CONTIGUOUS, Layout.CONTIGUOUS)
    lane: tuple[int, int] = LANES[0]
    crowd: int = -1
    empty: bool = False
    parametric: bool = True

    @property
    def facts(self) -> list[tuple[Any, int]]:
        """What is known of numbers of rows, if there is more than one."""
        rows = [CALLS.gens[name] for name in ("lines", "pieces")]
        return [*POSITIVE, *((row - 1, 1) for row in rows), *((row - ROOM, self.crowd) for row in rows)]

    @property
    def ordinary(self) -> bool:
        """Whether nothing but device, type, triton and compiling is special."""
        return self == Setting(self.device, self.type, self.triton, self.compiled, parametric=self.parametric)

    @property
    def thorough(self) -> bool:
        """Whether this is one of the settings where calls are made in every way: a CPU's, or that of a kernel."""
        return self.ordinary and self.device != "xpu" and self.triton == (self.device == "cuda")

    @property
    def writes(self) -> bool:
        """Whether there is an element at the place that is looked at."""
        return self.lane[1] > 0 and not self.empty

    @property
    def compute(self) -> Type:
        """Eager code on a CPU computes in binary64, all other in binary32 unless x is wider."""
        wide = (self.device == "cpu" and not self.compiled) or self.type == FLOATS["float64"]
        return FLOATS["float64" if wide else "float32"]

    def kernel(self, at: str) -> bool:
        """Whether a kernel runs: eagerly, for what has at most 32 bits, and a bias that is a row."""
        fitting = self.device == "cuda" and self.triton and not self.compiled and self.type != FLOATS["float64"]
        return fitting and self.kind in (TENSOR, PARAMETER) and (at == PLAIN or self.shape != NUMBER)

    def version(self, order: int, accurate: bool, at: str = PLAIN) -> Version:
        """What computes: kernels on 32 bits in pairs if asked to, a wider type than that of x by its own plan."""
        if not self.kernel(at):
            return WIDE if self.parametric and self.compute == FLOATS["float64"] != self.type else TORCH
        if not self.parametric:
            return KERNEL
        if self.type != FLOATS["float32"]:
            return SHORT
        return ACCURATE if accurate and order < len(ACCURATE.orders) else KERNEL

    def __str__(self) -> str:
        notes = {
            ", with triton": self.triton,
            ", compiled": self.compiled and not self.exported,
            ", exported": self.exported,
            f", {self.kind}": self.kind != TENSOR,
            ", a number": self.shape == NUMBER,
            ", a single row": self.shape == SINGLE,
            ", many rows": self.crowd >= 0,
            f", {self.layouts[0].value}, {self.layouts[1].value}": self.layouts != (Layout.CONTIGUOUS,) * 2,
            ", a lane beyond the end": self.lane[1] <= 0,
            ", empty": self.empty,
        }
        return f"{self.type} on {self.device}" + "".join(note for note, holds in notes.items() if holds)


NARROW = (FLOATS["float16"], FLOATS["float32"])  # of what kernels take, one type for each way to compute
MIXED = tuple(zip(Layout, (Layout.STRIDED, Layout.CONTIGUOUS, Layout.STRIDED)))
ALONG = tuple(zip(NARROW, (SINGLE, SHAPE)))
#: A kernel sees every tensor as rows, or is refused: so layouts and lanes need not be combined, nor classes and shapes.
SETTINGS = (
    *(
        Setting(device, kind, triton, compiled)
        for device in ("cpu", "cuda", "xpu")
        for kind in FLOATS.values()
        for triton in (False, True)
        for compiled in (False, True)
    ),
    *(Setting(device, kind, True, True, exported=True) for device in ("cpu", "cuda") for kind in FLOATS.values()),
    *(Setting("cuda", kind, True, layouts=layouts) for kind in NARROW for layouts in MIXED),
    *(Setting("cuda", kind, True, shape=shape, lane=lane) for kind, shape in ALONG for lane in LANES[1:]),
    *(Setting("cuda", kind, True, crowd=crowd) for kind in NARROW for crowd in (0, 1)),
    *(Setting("cuda", kind, True, shape=SINGLE) for kind in NARROW),
    *(Setting("cuda", kind, True, empty=True) for kind in NARROW),
    *(Setting("cuda", kind, True, kind=name) for kind in NARROW for name in (PARAMETER, SUBCLASS)),
    *(Setting(device, kind, True, shape=NUMBER) for device in ("cpu", "cuda") for kind in NARROW),
)


def requests(activation: Activation) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """The ways to give N and eps: what eps is then, whether as a float, and the arguments."""
    gens = CALLS.gens
    if not activation.parameters:
        yield "", False, {}
        return
    N = {"N": Scalar(gens["N"], INTEGER)}
    if any(p.fixed for p in activation.parameters):
        yield "eps_fixed", False, N
        return
    for floating in (False, True):
        yield "eps", floating, N | {"eps": Scalar(gens["eps"], INTEGER)}
        yield "eps_of_scale", floating, N | {"scale": Scalar(gens["scale"], INTEGER)}
    yield "eps_by_default", False, N


def requested(setting: Setting, activation: Activation) -> Iterator[tuple[str, bool, bool | None, dict[str, Any]]]:
    """These, and `accurate`, which is False where it is None: in all ways where it has a meaning, in one elsewhere.

    Lanes, layouts, classes and shapes make no difference by how the parameters are given, but for pairs.
    """
    meant, paired = setting.version(0, True) is ACCURATE, setting.parametric
    for place, (eps, floating, given) in enumerate(requests(activation)):
        if place == 0 or setting.thorough:
            yield eps, floating, None, given
            for accurate in (False, True) if paired and (meant or place == 0) else ():
                if accurate or setting.thorough:
                    yield eps, floating, accurate, given | {"accurate": accurate}
