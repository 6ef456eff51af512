"""The activations in models that are there: replaced, named in configs, and their weights initialised.

Torch is all that is needed; transformers and timm are served where they are imported. `gain` and `init_` need
python-flint besides, and load it when they are called.
"""

from gem_symbolic.integrations.gains import gain
from gem_symbolic.integrations.initial import init_
from gem_symbolic.integrations.names import register
from gem_symbolic.integrations.patching import patch

__all__ = ["gain", "init_", "patch", "register"]
