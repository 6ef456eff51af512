"""The README's generated parts say what the committed data says, and follow it."""

import json
import re
from dataclasses import replace

import pytest

from gem_symbolic import accuracy, exhaustive, figures, measure, readme
from gem_symbolic.definitions import VARIANTS, Branch, find
from gem_symbolic.formats import FORMATS


def write_certificate(folder, activation, **statuses):
    """A certificate file with the claims that the table reads, proved unless said otherwise."""
    ids = ["T4.alive", *(id for id, *_ in readme.PROVED.values())]
    claims = [{"id": id, "status": statuses.get(id.replace(".", "_"), "proved")} for id in ids]
    (folder / f"{activation.name}.json").write_text(json.dumps({"claims": claims}))


def test_the_readme_is_up_to_date():
    text = (readme.ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.rewrite(text, readme.parts(readme.ROOT)) == text


def test_the_page_of_accuracy_is_up_to_date():
    text = (readme.ROOT / "codegen" / "ACCURACY.md").read_text(encoding="utf-8")
    assert readme.accuracy_page(figures.accuracy(readme.ROOT), figures.on_gpu(readme.ROOT)) == text


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
    for m in (m for d in data.values() for m in d["measurements"].values()):
        assert m["ok"]
        assert 0 <= m["misrounded"] < m["inputs"]


ON_GPU = figures.on_gpu(readme.ROOT)
of_a_gpu = pytest.mark.skipif(not ON_GPU, reason="no figures of a GPU are committed")


@of_a_gpu
def test_the_figures_of_a_gpu_are_those_of_the_committed_kernels():
    """Of those variants that were measured there. Where kernels change and there is no GPU, the figures must go."""
    data = ON_GPU
    for name, found in data["variants"].items():
        assert found["code"] == accuracy.fingerprint(accuracy.source(find(name)))
    missed = {
        f"{name} {id}" for name, d in data["variants"].items() for id, m in d["measurements"].items() if not m["ok"]
    }
    assert missed == {"segem compiled.bfloat16.value", "segem compiled.binary32.value"}  # a zero's sign, by Triton 3.6
    assert data["sweeps"].keys() <= VARIANTS.keys()
    for name, records in data["sweeps"].items():
        settings = {(r["N"], r["eps"]) for r in records}
        assert {N for N, _ in settings} == set(accuracy.NS)
        assert len(records) == len(settings) * len(exhaustive.TRITON) * len(measure.QUANTITIES)
        for r in records:
            plan, _ = r["id"].split(".")
            assert r["ok"]
            assert r["code"] == exhaustive.fingerprint(name, plan)
            assert r["inputs"] == figures.INPUTS
            assert plan != "plain" or r["more"] == 0


def test_without_figures_of_a_gpu_the_readme_says_so():
    assert readme.gpu({}) == "On a GPU nothing was measured yet."


@of_a_gpu
def test_the_readme_says_what_a_gpu_gave():
    data = figures.on_gpu(readme.ROOT)
    before = readme.gpu(data)
    assert data["machine"] in before
    assert "beyond them: SE-GEM, torch.compile, bfloat16, value" in before
    data["variants"]["gem"]["measurements"]["triton.binary16.value"]["ok"] = False
    data["sweeps"]["gem"][0]["ok"] = False
    after = readme.gpu(data)
    assert "GEM, Triton, float16, value" in after
    assert len({before, after, readme.gpu(ON_GPU)}) == 2


def test_sweeps_of_another_gpu_are_left_out(tmp_path):
    (tmp_path / "codegen" / "exhaustive" / "cuda").mkdir(parents=True)
    for name, machine in (("accuracy-cuda.json", "one"), ("exhaustive/cuda/gem.json", "another")):
        (tmp_path / "codegen" / name).write_text(json.dumps({"machine": machine, "variants": {}, "records": []}))
    assert figures.on_gpu(tmp_path)["sweeps"] == {}
    assert figures.on_gpu(tmp_path / "nothing") == {}


def test_the_accuracy_is_held_to_the_present_bars():
    data = json.loads(accuracy.DATA.read_text(encoding="utf-8"))
    assert (tuple(data["N"]), tuple(data["eps"])) == (accuracy.NS, accuracy.EPS)
    for name, found in data["variants"].items():
        settings = len(accuracy.NS) * (1 if any(p.fixed for p in find(name).parameters) else len(accuracy.EPS))
        ids = {f"{p}.{f}.{q}" for p, plans in measure.PLANS.items() for f in plans for q in measure.QUANTITIES}
        assert found["measurements"].keys() == ids
        for id, m in found["measurements"].items():
            path, format, quantity = id.split(".")
            bar = measure.BARS[measure.PLANS[path][format], format, measure.QUANTITIES.index(quantity)]
            assert (m["limit"], m["absolute"]) == (bar.ulps(m["N"]), bar.beside(m["N"]))
            if FORMATS[format].bits == 16:
                assert (m["kind"], m["inputs"]) == ("exhaustive", 65536 * settings)
            else:  # with all of the numbers next to a zero of the derivative
                zeros = "zero_u" in find(name).claims["T4"]
                assert m["inputs"] > (measure.SPREAD + zeros * 2 * measure.NEAR_CRITICAL) * settings


def test_sweeps_stand_for_the_plans_that_are_measured():
    assert {path: plans[figures.FORMAT] for path, plans in measure.PLANS.items()} == figures.PLANS
    assert measure.QUANTITIES == figures.QUANTITIES


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


def test_the_page_of_accuracy_follows():
    data = figures.accuracy(readme.ROOT)
    before = readme.accuracy_page(data, {})
    found = data["variants"]["segem"]["measurements"]
    found["triton.binary16.gradient"] |= {"misrounded": 1234, "ok": False, "max_ulp": 7.5}
    (row,) = set(readme.accuracy_page(data, {}).splitlines()) - set(before.splitlines())
    assert row.startswith("| Triton | float16 | gradient | 7.5000 **beyond its limit** | 0.51 + 2^-20 | exhaustive |")
    assert "| 1,234 of 1,310,720 |" in row
    del found["triton.binary16.gradient"]
    with pytest.raises(KeyError):
        readme.accuracy_page(data, {})


def test_missing_data_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        readme.proved([find("segem")], tmp_path)
    (tmp_path / "segem.json").write_text('{"claims": [{"id": "T4.alive", "status": "proved"}]}')
    with pytest.raises(KeyError):
        readme.proved([find("segem")], tmp_path)


def test_what_is_not_claimed_is_left_blank(tmp_path):
    modest = replace(find("segem"), claims={"T2": find("segem").claims["T2"]})
    write_certificate(tmp_path, modest)
    assert readme.proved([modest], tmp_path).endswith("| `C^(2 N)` |  |  |  |")


def test_a_missing_marker_is_an_error():
    with pytest.raises(ValueError, match="must stand in the text once"):
        readme.rewrite("no markers", {"results": str})
