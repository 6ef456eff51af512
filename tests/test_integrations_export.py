"""docs/drop-in.md runs as it stands, and patched models are exported: torch.export and ONNX."""

import importlib
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gem_symbolic.integrations import patch
from gem_symbolic.nn import SEGEM

pytestmark = [
    # Dynamo makes an instance of the class, to stand for the context, and autograd warns that one should not.
    pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'> should not be instantiated"),
    # PyTorch copies its own old description of arguments.
    pytest.mark.filterwarnings("ignore:`isinstance\\(treespec, LeafSpec\\)` is deprecated:FutureWarning"),
]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "drop-in.md"
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
#: What a section needs besides, from an extra: what cannot be imported is a reason to skip it.
NEEDS = {
    "Names for transformers": ["transformers"],
    "Names for timm": ["timm"],
    "ONNX and torch.export": ["onnx", "onnxscript", "onnxruntime"],
}


def run(section, capsys):
    """Runs the blocks of a section in turn, each held to what it is said to print."""
    names = {"__name__": "drop_in"}
    blocks = BLOCK.findall(section)
    assert blocks
    for code, printed in blocks:
        exec(compile(code, str(PAGE), "exec"), names)
        assert not printed or capsys.readouterr().out == printed


@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_runs_as_it_stands(title, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in NEEDS.get(title, ()):
        try:
            importlib.import_module(name)
        except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision for another PyTorch
            pytest.skip(f"{name} cannot be imported, which an extra installs: {error}")
    torch.manual_seed(0)
    run(SECTIONS[title], capsys)


def test_the_page_is_held_to_what_it_prints(capsys):
    with pytest.raises(AssertionError):
        run("```python\nprint(1)\n```\n\n```text\n2\n```\n", capsys)


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return F.gelu(self.linear(x))


@pytest.mark.parametrize("strict", [False, True], ids=["not strict", "strict"])
def test_a_rewritten_model_is_exported_for_any_batch(strict):
    torch.manual_seed(0)
    model = nn.Sequential(Functional(), nn.GELU()).eval()
    patch(model, {"gelu": SEGEM(N=2)})
    batch = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(model, (torch.randn(3, 4),), dynamic_shapes=batch, strict=strict)
    called = {str(node.target) for node in program.run_decompositions().graph.nodes if node.op == "call_function"}
    assert called
    assert not any("gelu" in name for name in called)
    for size in (2, 7):
        x = torch.randn(size, 4)
        torch.testing.assert_close(program.module()(x), model(x), rtol=1e-5, atol=1e-6)
