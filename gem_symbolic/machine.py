"""Which machine figures come from: by name, with what runs on it."""

import importlib.metadata
import os
import platform
from pathlib import Path


class DeviceError(RuntimeError):
    """The device that is asked for is not there."""


def machine(device: str) -> str:
    """The device, by name, and what runs on it. Raises DeviceError for "cuda" where PyTorch finds no GPU."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("PyTorch finds no CUDA device here; --device cpu is the processor")
    name = torch.cuda.get_device_name() if device == "cuda" else processor()
    found = f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, PyTorch {torch.__version__}"
    return f"{found}, Triton {importlib.metadata.version('triton')}" if device == "cuda" else found


def processor() -> str:
    """The name of the processor, or of its kind where the system does not say."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
