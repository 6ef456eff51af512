"""Elementwise operators on a DTensor: each process computes its own shard, and what comes out lies as what went in."""

import sys
from collections.abc import Callable
from typing import Any


def sharded(x: Any) -> bool:
    """Whether x is a DTensor. Where its module was not imported, nothing is."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(x, module.DTensor)


def each(function: Callable[..., Any], x: Any, g: Any, row: Any) -> Any:
    """function(x, g, row) for a DTensor x, shard by shard; g has its shape, row is of its last dimension, or None.

    The result is placed as x is; only where x is a sum not yet added up is it added up first. What lies otherwise is
    brought to where x lies. Raises TypeError where a DTensor meets a tensor that is none, as its gradient could not
    be one either.
    """
    from torch.distributed.tensor import DTensor, Replicate, Shard

    mesh, last = x.device_mesh, x.dim() - 1
    placements = [Replicate() if p.is_partial() else p for p in x.placements]
    along = [Shard(0) if p.is_shard(last) else Replicate() for p in placements]

    def local(t: Any, places: Any) -> Any:
        if t is None:
            return None
        if not isinstance(t, DTensor):
            raise TypeError("got mixed torch.Tensor and DTensor: what an activation takes beside a DTensor must be one")
        return t.redistribute(placements=places).to_local()

    y = function(local(x, placements), local(g, placements), local(row, along))
    return DTensor.from_local(y, mesh, placements, run_check=False, shape=x.shape, stride=x.stride())
