"""The README's generated parts say what the committed data says, and follow it."""

import json
import re
from dataclasses import replace

import pytest

from gem_symbolic import accuracy, readme
from gem_symbolic.definitions import VARIANTS, Branch, find


def write_certificate(folder, activation, **statuses):
    """A certificate file with the claims that the table reads, proved unless said otherwise."""
    ids = ["T4.alive", *(id for id, *_ in readme.PROVED.values())]
    claims = [{"id": id, "status": statuses.get(id.replace(".", "_"), "proved")} for id in ids]
    (folder / f"{activation.name}.json").write_text(json.dumps({"claims": claims}))


def test_the_readme_is_up_to_date():
    text = (readme.ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.rewrite(text, readme.parts(readme.ROOT)) == text


def test_the_snippets_run():
    text = (readme.ROOT / "README.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert snippets
    for snippet in snippets:
        exec(compile(snippet, "README.md", "exec"), {})


def test_the_commands_are_targets():
    text = (readme.ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", (readme.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"verify", "test"} <= set(re.findall(r"\bmake (\w+) ", text)) <= targets
    assert "make test" in (readme.ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_accuracy_is_that_of_the_committed_kernels():
    data = json.loads(accuracy.DATA.read_text(encoding="utf-8"))["variants"]
    emitted = [a for a in VARIANTS.values() if a.emitted]
    assert {name: d["code"] for name, d in data.items()} == {
        a.name: accuracy.fingerprint(accuracy.source(a)) for a in emitted
    }
    assert all(m["ok"] for d in data.values() for m in d["measurements"].values())


def test_the_definitions_follow():
    changed = replace(find("segem"), branches=(Branch("x <= 0", "2*x*S"), Branch("x > 0", "x")))
    assert "`2*x*S` for x <= 0" in readme.definitions([changed])


def test_a_claim_that_is_not_proved_is_marked(tmp_path):
    write_certificate(tmp_path, find("segem"), T3_lipschitz="refuted")
    row = readme.proved([find("segem")], tmp_path).splitlines()[-1]
    assert "3 of 4" in row
    assert "(refuted)" in row


def test_a_measurement_beyond_its_limit_is_marked():
    assert "beyond" in readme.error({"max_ulp": 3.0, "kind": "sampled", "ok": False})


def test_missing_data_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        readme.proved([find("segem")], tmp_path)
    (tmp_path / "segem.json").write_text('{"claims": [{"id": "T4.alive", "status": "proved"}]}')
    with pytest.raises(KeyError):
        readme.proved([find("segem")], tmp_path)


def test_a_missing_marker_is_an_error():
    with pytest.raises(ValueError, match="must stand in the text once"):
        readme.rewrite("no markers", {"results": str})
