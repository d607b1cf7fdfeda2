"""The floors of the house: imports run downward only, and the tree stays readable."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import vipcast

ROOT = Path(vipcast.__file__).parent
FEATURES = ("members", "groups", "announcements", "delivery", "conversations", "chats", "schedules")
CONTRACT = ("vipcast.messengers.base", "vipcast.messengers.base_chats")
BY_HAND = "vipcast.messengers._by_hand"  # the networks that no messenger serves: the shop knows them
MAX_LINES = 400

# Which floor may stand on which; features additionally keep to their order.
BASE = {"by_hand", "config", "errors", "faults", "clock", "places", "tomlfile"}
MAY_IMPORT = {
    "errors": set(),
    "account_rules": {"errors"},
    "clock": set(),
    "faults": set(),
    "tomlfile": {"errors"},
    "by_hand": {"errors", "places"},
    "config": {"account_rules", "by_hand", "errors", "places", "tomlfile"},
    "places": set(),
    "settings_file": {"config", "errors", "tomlfile"},
    "sample": {"config", "errors", "places"},
    "storage": BASE,
    "messengers": BASE | {"messengers"},
    "sandbox": BASE | {"sandbox"},
    "shop": BASE | {*FEATURES, "messengers", "storage"},
    "shop_desk": BASE | {*FEATURES, "messengers.base", "shop", "storage"},
    "shop_chats": BASE | {*FEATURES, "messengers.base", "shop", "shop_desk", "storage"},
    "cli": {"*"},
    "web": {"*"},
    "__main__": {"cli", "places", "schedules"},
} | {
    name: BASE | {"storage", "messengers.base", *FEATURES[: place + 1]} for place, name in enumerate(FEATURES)
}
MODULES = sorted(ROOT.rglob("*.py"))


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path):
    """Return (line, module) of every import of ours, inside functions and under TYPE_CHECKING as well."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, one.name) for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            # `from vipcast.members import consent` names a module, `from vipcast.shop import Shop` a thing.
            found += [(node.lineno, f"{module}.{one.name}") for one in node.names]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("import_module", "__import__"):
            found += [(node.lineno, one.value) for one in node.args[:1] if isinstance(one, ast.Constant)]
    return [(line, name) for line, name in found if name.split(".")[0] == "vipcast"]


def real_module(name):
    """Return the longest beginning of a dotted name that is a module."""
    parts = name.split(".")
    while parts:
        place = ROOT.parent.joinpath(*parts)
        if place.with_suffix(".py").is_file() or (place / "__init__.py").is_file():
            return ".".join(parts)
        parts.pop()
    raise AssertionError(f"{name} is no module")


def floor_of(module):
    return module.split(".")[1] if "." in module else ""


def wrong_imports(path):
    own = floor_of(module_name(path))
    if own == "" and path.name == "__init__.py":
        return []
    allowed = MAY_IMPORT.get(own)
    assert allowed is not None, f"{path}: say in this test what `{own}` may import"
    wrong = []
    for line, name in imported(path):
        target = real_module(name)
        floor = floor_of(target)
        if floor in ("", own) or "*" in allowed or floor in allowed:
            continue
        if target in CONTRACT and "messengers.base" in allowed:
            continue
        wrong.append(f"{path.relative_to(ROOT.parent)}:{line}: {own} imports {target}")
    return wrong


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_run_downward(path):
    assert wrong_imports(path) == []


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_only_the_command_line_knows_the_sandbox(path):
    if floor_of(module_name(path)) in ("sandbox", "cli"):
        return
    assert [name for _, name in imported(path) if real_module(name).startswith("vipcast.sandbox")] == []


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_only_shop_and_the_messengers_name_a_concrete_messenger(path):
    if floor_of(module_name(path)) == "messengers":
        return
    concrete = [
        name
        for _, name in imported(path)
        if real_module(name).startswith("vipcast.messengers.")
        and real_module(name) not in CONTRACT
        and (floor_of(module_name(path)), real_module(name)) != ("shop", BY_HAND)
    ]
    assert concrete == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.parent.name == "messengers"], ids=module_name
)
def test_a_messenger_does_not_know_another(path):
    own = path.stem.lstrip("_")
    if own in ("base", "base_chats", "init__"):
        return
    for _, name in imported(path):
        target = real_module(name)
        if target.startswith("vipcast.messengers.") and target not in CONTRACT:
            assert target.split(".")[2].lstrip("_") == own


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=module_name)
def test_no_package_re_exports_anything(path):
    body = ast.parse(path.read_text(encoding="utf-8")).body
    statements = [
        node for node in body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    if path.parent == ROOT:  # the one place of the version
        assert [type(node) for node in statements] == [ast.Assign]
    else:
        assert statements == []


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("members/x.py", "from vipcast.groups import seats"),
        ("members/x.py", "from vipcast.storage import tables\ndef f():\n    import vipcast.delivery.ledger"),
        (
            "members/x.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from vipcast.shop import Shop",
        ),
        ("delivery/x.py", "from vipcast.messengers.telegram import Telegram"),
        ("delivery/x.py", "from ..messengers import telegram"),
        ("delivery/x.py", "from vipcast.conversations import hours"),
        ("storage/x.py", "from vipcast.members import roster"),
        ("shop/x.py", "from vipcast.cli import app"),
        ("sandbox/x.py", "from vipcast.delivery import ledger"),
        ("errors/x.py", "import vipcast.config"),
    ],
)
def test_this_test_sees_an_import_upward(tmp_path, monkeypatch, place, text):
    path = ROOT / place  # never written: only its name counts
    monkeypatch.setattr(Path, "read_text", lambda _self, **_: text)
    assert wrong_imports(path) != []
