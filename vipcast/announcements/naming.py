"""Which names a template uses, read from its syntax tree."""

from __future__ import annotations

from collections.abc import Container

from jinja2 import nodes

from vipcast.announcements.expressions import METHODS


def dotted_names(tree: nodes.Template, owners: Container[str]) -> dict[str, int]:
    """Return what is read of `owners`, such as member.name or member.fields.shoe, with its first line."""
    found: dict[str, int] = {}
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        owner, _, part = (_dotted_name(node) or "").partition(".")
        is_field = part.startswith("fields.") and part.removeprefix("fields.") not in METHODS
        if owner in owners and part and (is_field or "." not in part):
            found.setdefault(f"{owner}.{part}", node.lineno)
    return found


def guarded_names(tree: nodes.Template) -> set[str]:
    """Return the names that the text itself provides for: `| default(…)` or `is defined`."""
    tests = (node for node in tree.find_all(nodes.Test) if node.name in {"defined", "undefined"})
    filters = (node for node in tree.find_all(nodes.Filter) if node.name in {"default", "d"})
    owners = (node.node for node in (*tests, *filters))
    return {name for owner in owners if owner and (name := _dotted_name(owner))}


def _dotted_name(node: nodes.Node) -> str | None:
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            part: object = node.attr
        case nodes.Getitem(arg=nodes.Const() as key):
            part = key.value
        case _:
            return None
    owner = _dotted_name(node.node)
    return f"{owner}.{part}" if owner else None
