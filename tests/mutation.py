"""Makes small changes to the code, one at a time, and lists those that no test notices.

The changes are Cosmic Ray's, except that fractions are halved and doubled instead of moved by one. A seed
draws the sample: first places (an operator, a number, a loop), then one change for each place; annotations
and changes that are no Python are left out. Files are overwritten while a change is tried, so work in a clone
that has ``shared/`` beside it::

    git clone . /tmp/mutants/ebrcs && cd /tmp/mutants/ebrcs
    python3 -m venv .venv
    .venv/bin/pip install -r requirements-dev.txt cosmic-ray~=8.7 coverage~=7.17
    export DATABASE_URL=postgresql://... REDIS_URL=redis://...
    .venv/bin/python -m tests.mutation learn tests/checkout tests/recognition
    .venv/bin/python -m tests.mutation try checkout/cart recognition/vision/lane --size 40 --seed 20261127

``learn`` runs the tests once and writes to ``mutants.json`` which lines each of them runs; a second call adds
to it. ``try`` runs, for each change, the tests that run its line, the module's own and the quickest first,
until one fails; for a constant, the tests that run any line of its module. It prints a line for each change
and a summary for each folder. Several processes of one clone would meet in its files.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEARNT = ROOT / "mutants.json"
SERVER = "server"
"""The fixture of tests that talk to a server process, whose lines are not recorded."""
SERVED = "checkout/live"
"""The folder whose code that server runs."""
SAME = ("Is_Eq", "IsNot_NotEq", "Eq_Is", "NotEq_IsNot", "Eq_IsNot", "NotEq_Is")
"""Replacements that change nothing, or too much to say anything."""
ENOUGH_S = 20.0
"""Tests are chosen for a change until they take so much time of the processor, by what they took once."""


@dataclass(frozen=True, order=True)
class Change:
    """One change: an operator applied to a place of a file."""

    path: str
    place: tuple[int, int]
    operator: str
    occurrence: int


@dataclass
class Seen:
    """What is known of a test."""

    seconds: float
    lines: dict[str, list[int]]
    uses_server: bool


class Learner:
    """Tells coverage which test runs, and keeps how long each takes and which ones fail."""

    def __init__(self, coverage: Any) -> None:
        self.coverage = coverage
        self.seen: dict[str, Seen] = {}
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self.coverage.switch_context(item.nodeid)
        started_s = time.process_time()
        result = yield
        uses_server = SERVER in getattr(item, "fixturenames", ())
        self.seen[item.nodeid] = Seen(time.process_time() - started_s, {}, uses_server)
        self.coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.failed.add(report.nodeid)


def learn(tests: Sequence[str]) -> None:
    """Run the tests once and write down which lines each of them runs."""
    from coverage import Coverage

    coverage = Coverage(data_file=None, source=[str(ROOT / "checkout"), str(ROOT / "recognition")])
    learner = Learner(coverage)
    coverage.start()
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests], plugins=[learner])
    coverage.stop()
    data = coverage.get_data()
    for path in data.measured_files():
        for line, names in data.contexts_by_lineno(path).items():
            for name in learner.seen.keys() & set(names):
                learner.seen[name].lines.setdefault(str(Path(path).relative_to(ROOT)), []).append(line)
    known = json.loads(LEARNT.read_text()) if LEARNT.exists() else {}
    passed = {name: vars(seen) for name, seen in learner.seen.items() if name not in learner.failed}
    LEARNT.write_text(json.dumps(known | passed))


@cache
def operators() -> dict[str, Any]:
    """Return all operators that apply, by name."""
    import cosmic_ray.plugins
    from cosmic_ray.ast import is_number
    from cosmic_ray.operators.number_replacer import NumberReplacer

    class Scale(NumberReplacer):
        """Halves and doubles fractions."""

        def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
            if is_number(node) and not node.value.isdigit():
                yield from [(node.start_pos, node.end_pos)] * 2

        def mutate(self, node: Any, index: int) -> Any:
            return type(node)(f" {ast.literal_eval(node.value) * (0.5, 2)[index]}", node.start_pos)

    class Step(NumberReplacer):
        """Adds one to whole numbers, and takes one away."""

        def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
            if is_number(node) and node.value.isdigit():
                yield from super().mutation_positions(node)

    found = {}
    for name in cosmic_ray.plugins.operator_names():
        of_name = cosmic_ray.plugins.get_operator(name)
        if not (of_name.arguments() or name.endswith((*SAME, "/NoOp", "RemoveDecorator", "NumberReplacer"))):
            found[name] = of_name()
    return {**found, "step": Step(), "scale": Scale()}


def changes_of(path: Path) -> list[Change]:
    """List every change that a file allows, but for its annotations."""
    from cosmic_ray.ast import ast_nodes, get_ast

    code = path.read_text()
    nodes = list(ast_nodes(get_ast(code)))
    spans = [
        ((each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0))
        for node in ast.walk(ast.parse(code))
        for each in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if each is not None
    ]
    return [
        Change(str(path.relative_to(ROOT)), tuple(place), name, occurrence)
        for name, operator in operators().items()
        for occurrence, (place, _) in enumerate(
            position for node in nodes for position in operator.mutation_positions(node)
        )
        if not any(start <= place < end for start, end in spans)
    ]


def sample(folder: str, size: int, seed: int) -> list[Change]:
    """Draw places of a folder's files, and one change for each; subfolders are not looked into."""
    places: dict[tuple[str, tuple[int, int]], list[Change]] = defaultdict(list)
    for path in sorted((ROOT / folder).glob("*.py")):
        for change in changes_of(path):
            places[change.path, change.place].append(change)
    chance = random.Random(f"{seed} {folder}")
    drawn = chance.sample(sorted(places), len(places))
    chosen = (chance.choice(sorted(places[place])) for place in drawn)
    return list(islice((change for change in chosen if compiles(change)), size))


def compiles(change: Change) -> bool:
    """Tell whether what a change makes of a file is Python still, and not the same."""
    code = (ROOT / change.path).read_text()
    try:
        return ast.dump(ast.parse(changed_by(change, code))) != ast.dump(ast.parse(code))
    except SyntaxError:
        return False


def changed_by(change: Change, code: str) -> str:
    """Return what a change makes of a file."""
    from cosmic_ray.mutating import mutate_code

    changed: str = mutate_code(code, operators()[change.operator], change.occurrence)
    return changed


def lines_of(code: str, line: int) -> set[int]:
    """Return the lines of the statement that a line belongs to, of a compound one those of its head."""
    best = {line}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or 0
            if line <= max(last, node.lineno):
                best = set(range(node.lineno, max(last, node.lineno) + 1))
    return best


def tests_for(change: Change, seen: dict[str, Seen]) -> list[str]:
    """Name the tests that can see a change: its module's own first, then the quickest."""
    lines = lines_of((ROOT / change.path).read_text(), change.place[0])
    folder = str(Path(change.path).parent)
    chosen = {name for name, test in seen.items() if lines & set(test.lines.get(change.path, ()))}
    chosen = chosen or {name for name, test in seen.items() if change.path in test.lines}
    chosen = chosen or {
        name for name, test in seen.items() if any(str(Path(path).parent) == folder for path in test.lines)
    }
    if folder == SERVED:
        chosen |= {name for name, test in seen.items() if test.uses_server}
    stem = Path(change.path).stem
    ranked = sorted(chosen, key=lambda name: (stem not in name, seen[name].uses_server, seen[name].seconds))
    until = accumulate(seen[name].seconds for name in ranked)
    return [name for name, taken_s in zip(ranked, until, strict=True) if taken_s < ENOUGH_S] or ranked[:1]


def ends_within(command: Sequence[str], limit_s: float, log: Path) -> int | None:
    """Run pytest in a process forked from this one; return its exit status, None if it takes too long.

    The limit is one of processor time, so that a busy machine does not matter; one who sleeps gets more.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s), int(limit_s) + 5))
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = 3
        try:
            code = int(pytest.main(list(command)))
        except BaseException:  # noqa: BLE001 - what ends a forked process has to be told before it is left
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    deadline_s = time.monotonic() + 20 * limit_s
    while time.monotonic() < deadline_s:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return None if code == -signal.SIGXCPU else code
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def judged(names: Sequence[str], seen: dict[str, Seen]) -> tuple[str, str]:
    """Run the tests over a changed file; return what became of the change, and the test that noticed it."""
    if not names:
        return "survived", "no test runs it"
    log = ROOT / "mutants.log"
    options = ["-x", "-q", "-p", "no:cacheprovider", "--tb=no", "--reuse-db"]
    status = ends_within([*options, *names], 3 * sum(seen[name].seconds for name in names) + 30, log)
    if status is None:
        return "timeout", ""
    if status == pytest.ExitCode.OK:
        return "survived", f"{len(names)} tests"
    lines = log.read_text(errors="replace").splitlines()
    return "killed", next((line for line in lines if line.startswith(("FAILED", "ERROR"))), f"exit {status}")


def attempt(folder: str, size: int, seed: int, seen: dict[str, Seen]) -> Counter[str]:
    """Try a sample of a folder's changes, and print what becomes of each."""
    found: Counter[str] = Counter()
    changes = sample(folder, size, seed)
    if changes and judged(tests_for(changes[0], seen)[:3], seen)[0] != "survived":
        raise RuntimeError((ROOT / "mutants.log").read_text())
    for change in changes:
        path = ROOT / change.path
        code = path.read_text()
        changed = changed_by(change, code)
        pairs = zip(code.splitlines(), changed.splitlines(), strict=False)
        before, after = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
        names = tests_for(change, seen)
        started_s = time.monotonic()
        path.write_text(changed)
        try:
            outcome, by = judged(names, seen)
        finally:
            path.write_text(code)
        found[outcome] += 1
        where = f"{change.path}:{change.place[0]}"
        took_s = time.monotonic() - started_s
        say(f"{outcome:9}{where}  {before.strip()}  ->  {after.strip()}  [{by}] {took_s:.0f} s")
    return found


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def warm_up() -> None:
    """Load the heavy libraries once for all tries."""
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import cv2  # noqa: F401
    import django.test  # noqa: F401
    import faiss  # noqa: F401
    import torch  # noqa: F401


def main() -> None:
    """Read what to do."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("learn").add_argument("tests", nargs="+")
    trying = actions.add_parser("try")
    trying.add_argument("folders", nargs="+")
    trying.add_argument("--size", type=int, default=40)
    trying.add_argument("--seed", type=int, default=20261127)
    arguments = parser.parse_args()
    if arguments.action == "learn":
        learn(arguments.tests)
        return
    warm_up()
    seen = {name: Seen(**fields) for name, fields in json.loads(LEARNT.read_text()).items()}
    for folder in arguments.folders:
        found = attempt(folder, arguments.size, arguments.seed, seen)
        total = found.total()
        say(f"== {folder}: {total} changes, {dict(found)}, noticed {1 - found['survived'] / total:.0%}")


if __name__ == "__main__":
    main()
