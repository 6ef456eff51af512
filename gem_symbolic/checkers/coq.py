"""A Coq development, given as texts: compiled, checked again by coqchk, and asked what its theorems rest on.

A development is a mapping from the names of its files, without `.v`, to their texts, under one logical prefix. It is
compiled in a folder named by the digest of the texts and of the version of Coq, so that nothing is compiled twice.
"""

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

TOOLS = ("coqc", "coqchk")
PREFIX = "Gem"
#: What a proof may rest on: the axioms of the real numbers in Coq's standard library.
AXIOMS = {
    "ClassicalDedekindReals.sig_not_dec",
    "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}
#: What may not stand in a file. A hypothesis outside a section is an axiom, and shows as one.
OPEN = (
    "Admitted",
    "admit",
    "give_up",
    "Axioms?",
    "Parameters?",
    "Conjecture",
    "Unset +[A-Z][a-z]+ +Checking",
    "bypass_check",
)
REQUIRED = re.compile(rf"^From {PREFIX} Require (?:Import |Export )?([^.]*)\.", re.MULTILINE)
PROVED = re.compile(r"^(?:Theorem|Lemma|Corollary) (\w+)", re.MULTILINE)
#: Seconds for one run of a tool.
SECONDS = 900
#: So many theorems are asked about in one run.
BATCH = 8
MARK = "== "
CHECK, ASSUMED = "Check ({theorem} : {proposition}).", "Print Assumptions {theorem}."


class Refused(Exception):
    """It is not proved."""


@dataclass(frozen=True)
class Proof:
    """What became of a theorem: whether it is proved, from which axioms, or why not."""

    theorem: str
    holds: bool
    why: str = ""
    axioms: tuple[str, ...] = ()


def missing(libraries: Sequence[str] = ()) -> list[str]:
    """The tools that are not installed; where all are, the libraries that are not."""
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent or not libraries:
        return absent
    where = Path(subprocess.run(["coqc", "-where"], capture_output=True, text=True, check=True).stdout.strip())
    return [name for name in libraries if not (where / "user-contrib" / name).is_dir()]


def run(command: Sequence[str], seconds: float, text: str | None = None, folder: Path | None = None):
    """(exit status, output, errors). Raises Refused."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=folder, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Refused(f"{command[0]} takes more than {seconds} s") from None
    return done.returncode, done.stdout, done.stderr


def assumed(answer: str) -> set[str] | None:
    """The axioms in what Print Assumptions says; None where it says nothing that is understood."""
    if "Closed under the global context" in answer:
        return set()
    _, found, names = answer.partition("Axioms:")
    return set(re.findall(r"^(\S+)\s*(?::|$)", names, re.MULTILINE)) if found else None


def bare(text: str) -> str:
    """The text without its comments, which may be nested."""
    kept, depth = [], 0
    for piece in re.split(r"(\(\*|\*\))", text):
        if piece in ("(*", "*)"):
            depth = max(0, depth + (1 if piece == "(*" else -1))
        elif not depth:
            kept.append(piece)
    return "".join(kept)


def opening(text: str) -> str | None:
    """The first word outside comments that leaves something unproved."""
    found = re.search(rf"\b(?:{'|'.join(OPEN)})\b", bare(text))
    return found and found[0]


@dataclass(frozen=True)
class Development:
    """The texts, the folder that compiled ones are kept in, and who is told what is going on."""

    texts: Mapping[str, str]
    store: Path
    tell: Callable[[str], None] = lambda _: None

    @cached_property
    def requires(self) -> dict[str, list[str]]:
        """The files of the development that each file needs."""
        needs = {name: " ".join(REQUIRED.findall(text)).split() for name, text in self.texts.items()}
        return {name: sorted(self.texts.keys() & found) for name, found in needs.items()}

    @cached_property
    def order(self) -> list[str]:
        return list(TopologicalSorter(self.requires).static_order())

    @cached_property
    def homes(self) -> dict[str, str]:
        """The file that each theorem is proved in."""
        return {theorem: name for name in self.order for theorem in PROVED.findall(bare(self.texts[name]))}

    @cached_property
    def folder(self) -> Path:
        version = subprocess.run(["coqc", "--version"], capture_output=True, text=True, check=True).stdout
        digest = hashlib.sha256(json.dumps([version, sorted(self.texts.items())]).encode()).hexdigest()
        return self.store / digest[:16]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The folder for this process alone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def coqc(self, name: str, text: str) -> str:
        """What Coq prints about a file. Raises Refused."""
        (self.folder / f"{name}.v").write_text(text, encoding="utf-8")
        code, out, err = run(["coqc", "-q", "-w", "none", "-Q", ".", PREFIX, f"{name}.v"], SECONDS, folder=self.folder)
        if code:
            raise Refused(err.strip())
        return out

    def compiled(self, name: str) -> None:
        """Compiles a file, unless that was done before. Raises Refused."""
        done = self.folder / f"{name}.compiled"
        if done.exists():
            return
        if word := opening(self.texts[name]):
            raise Refused(f"{name}.v contains {word}")
        try:
            self.coqc(name, self.texts[name])
        except Refused as refusal:
            raise Refused(f"Coq refuses {name}.v: {refusal}") from None
        done.touch()

    def compile(self) -> dict[str, str]:
        """Compiles what can be compiled; for each other file why it cannot."""
        failed: dict[str, str] = {}
        for i, name in enumerate(self.order, 1):
            self.tell(f"Coq: {name}.v, {i} of {len(self.order)}")
            blocked = next((failed[n] for n in self.order if n in self.requires[name] and n in failed), None)
            try:
                if blocked:
                    raise Refused(blocked)
                self.compiled(name)
            except Refused as refusal:
                failed[name] = str(refusal)
        return failed

    def question(self, template: str, theorems: Mapping[str, str]) -> str:
        """A file that asks Coq about theorems, a line for each: the template is one in `theorem` and `proposition`."""
        homes = {self.homes[t] for t in theorems} | {p.partition(".")[0] for p in theorems.values() if "." in p}
        lines = [f"From {PREFIX} Require {' '.join(sorted(homes))}."]
        for theorem, proposition in theorems.items():
            asked = template.format(theorem=f"{self.homes[theorem]}.{theorem}", proposition=proposition)
            lines.append(f'Goal True. idtac "{MARK}{theorem}". Abort. {asked}')
        return "\n".join(lines) + "\n"

    def ask(self, template: str, theorems: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """(Coq's answers, why there is none), by theorem. Where Coq refuses one theorem the others are asked again."""
        left, refused = dict(theorems), {}
        while left:
            try:
                out = self.coqc("question", self.question(template, left))
            except Refused as refusal:
                line = re.search(r"line (\d+)", str(refusal))
                place = int(line[1]) - 2 if line else -1  # the first line loads the files
                if not 0 <= place < len(left):
                    return {}, refused | dict.fromkeys(left, str(refusal))
                theorem = list(left)[place]
                refused[theorem] = str(refusal)
                del left[theorem]
                continue
            parts = [part.partition("\n") for part in f"\n{out}".split(f"\n{MARK}")[1:]]
            return {name.strip(): answer for name, _, answer in parts}, refused
        return {}, refused

    def recheck(self, modules: Sequence[str], thorough: bool) -> str:
        """Why coqchk refuses the compiled files, if it does; `thorough` checks all libraries they rest on, too."""
        scopes = ("all",) if thorough else ("all", "own")
        done = self.folder / f"rechecked.{scopes[-1]}"
        if any((self.folder / f"rechecked.{scope}").exists() for scope in scopes):
            return ""
        self.tell("coqchk" + ", with all libraries" * thorough)
        names = [word for m in modules for word in ((() if thorough else ("-norec",)) + (f"{PREFIX}.{m}",))]
        code, out, err = run(["coqchk", "-silent", "-o", "-Q", ".", PREFIX, *names], SECONDS, folder=self.folder)
        if code:
            return f"coqchk refuses the development: {(err or out).strip().splitlines()[-1]}"
        listed = re.search(r"^\* Axioms:(.*?)^\s*$", out + err, re.MULTILINE | re.DOTALL)
        found = set(listed[1].split()) if listed else {"no list of axioms"}
        known = tuple(f".{a}" for a in AXIOMS)
        more = {a for a in found - {"<none>"} if not (a.startswith("Coq.") and a.endswith(known))}
        if thorough and more:
            return f"coqchk finds that it rests on {', '.join(sorted(more))}"
        if len(modules) == len(self.order):
            done.touch()
        return ""

    def axioms(self, theorems: Mapping[str, str], thorough: bool) -> dict[str, set[str] | None]:
        """What each theorem rests on. Where that is not `thorough`, what all together rest on, if it is in AXIOMS."""
        known = self.folder / "axioms.json"
        found = {k: set(v) for k, v in json.loads(known.read_text()).items()} if known.exists() else {}
        wanted = {t: p for t, p in theorems.items() if t not in found}
        if wanted and not thorough:
            self.tell("what the theorems rest on")
            names = " ".join(f"let _ := {self.homes[t]}.{t} in" for t in wanted)
            homes = " ".join(sorted({self.homes[t] for t in wanted}))
            text = f"From {PREFIX} Require {homes}.\nDefinition all := {names} I.\nPrint Assumptions all.\n"
            together = assumed(self.coqc("question", text))
            if together is not None and together <= AXIOMS:
                return {t: found.get(t, together) for t in theorems}
        for start in range(0, len(wanted), BATCH):
            batch = dict(list(wanted.items())[start : start + BATCH])
            self.tell(f"what {next(iter(batch))} rests on, {start + 1} of {len(wanted)}")
            answers, _ = self.ask(ASSUMED, batch)
            found |= {t: rests for t, answer in answers.items() if (rests := assumed(answer)) is not None}
            known.write_text(json.dumps({k: sorted(v) for k, v in found.items()}), encoding="utf-8")
        return {t: found.get(t) for t in theorems}

    def prove(self, theorems: Mapping[str, str], thorough: bool = False) -> dict[str, Proof]:
        """What became of each theorem, by its name: `theorems` says which proposition each is to prove.

        `thorough` has coqchk check all libraries as well, and asks what each theorem rests on one by one.
        """
        with self.locked():
            failed = self.compile()
            proofs = {t: Proof(t, False, f"no file proves {t}") for t in theorems if t not in self.homes}
            proofs |= {t: Proof(t, False, failed[h]) for t in theorems if (h := self.homes.get(t, "")) in failed}
            stated = {t: p for t, p in theorems.items() if t not in proofs}
            if not stated:
                return {t: proofs[t] for t in theorems}
            self.tell("the statements")
            _, refused = self.ask(CHECK, stated)
            proofs |= {t: Proof(t, False, f"it does not prove {theorems[t]}: {why}") for t, why in refused.items()}
            stated = {t: p for t, p in stated.items() if t not in refused}
            flaw = self.recheck([name for name in self.order if name not in failed], thorough)
            for theorem, rests in self.axioms(stated, thorough).items():
                proofs[theorem] = Proof(theorem, not flaw, flaw, tuple(sorted(rests or ())))
                if rests is None or not rests <= AXIOMS:
                    more = ", ".join(sorted((rests or set()) - AXIOMS)) or "something that is not understood"
                    proofs[theorem] = replace(proofs[theorem], holds=False, why=f"it rests on {more}")
            return {t: proofs[t] for t in theorems}
