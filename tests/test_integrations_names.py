"""Names that carry their parameters: each reads back as the very module, and what is no name is refused."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gem_symbolic.definitions import VARIANTS
from gem_symbolic.integrations import names, register
from gem_symbolic.integrations.family import FAMILY
from gem_symbolic.nn import GEM, SEGEM, SEGEMGLU


def back(module):
    cls, arguments = names.read(names.written(module))
    return cls(**arguments)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (SEGEM(N=2, eps=1e-4), "segem_n2_e1e-4"),
        (SEGEM(), "segem_n1_e1e-4"),
        (SEGEM(N=2, scale=0.1), "segem_n2_s0.1"),
        (SEGEM(N=12, eps=Fraction(1, 3), accurate=True), "segem_n12_e1/3_accurate"),
        (GEM(N=3), "gem_n3"),
    ],
    ids=str,
)
def test_names(module, name):
    assert names.written(module) == name
    assert repr(back(module)) == repr(module)


numbers = st.one_of(
    st.fractions(min_value="1/1000000", max_value=1000).filter(bool),
    st.floats(min_value=1e-12, max_value=1e6),
    st.integers(1, 10**6),
    st.from_regex(r"[1-9]\d{0,3}(\.\d{1,4})?(e-?\d)?", fullmatch=True),
)


@pytest.mark.parametrize("variant", FAMILY)
@given(N=st.integers(1, 40), number=numbers, key=st.sampled_from(["eps", "scale"]), accurate=st.booleans())
def test_a_name_reads_back_as_the_very_module(variant, N, number, key, accurate):
    fixed = any(p.fixed for p in VARIANTS[variant].parameters)
    module = FAMILY[variant](N=N, accurate=accurate, **({} if fixed else {key: number}))
    same = back(module)
    assert type(same) is type(module)
    assert same.setting == module.setting
    assert (same.accurate, repr(same)) == (accurate, repr(module))


@pytest.mark.parametrize(
    "name",
    [
        "gelu",
        "segem",
        "segem_n2_",
        "segem_n_e1",
        "segem_n2_e",
        "segem_n2_e1e-4_",
        "SEGEM_n2_e1",
        "segem_gated_n2_e1",
        "gem_n2_e1",
        "segem_n2",
    ],
)
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="no name of an activation"):
        names.read(name)


@pytest.mark.parametrize(("name", "why"), [("segem_n0_e1", "N must be"), ("segem_n1_e0", "eps must be > 0")])
def test_a_name_with_impossible_parameters_is_refused(name, why):
    cls, arguments = names.read(name)
    with pytest.raises(ValueError, match=why):
        cls(**arguments)


@pytest.mark.parametrize("module", [torch.nn.GELU(), SEGEMGLU()])
def test_another_module_has_no_name(module):
    with pytest.raises(ValueError, match="have names; got"):
        names.written(module)


def test_the_family_is_what_is_emitted():
    assert list(FAMILY) == [name for name, activation in VARIANTS.items() if activation.emitted]


def test_without_the_libraries_register_says_what_it_needs(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(names.importlib, "import_module", absent)
    with pytest.raises(ImportError, match="transformers or timm"):
        register()
