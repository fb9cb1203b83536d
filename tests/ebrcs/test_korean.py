"""The Korean catalogue: complete, certain, and compiled as it stands."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation.template import templatize

BASE: Path = settings.BASE_DIR
CATALOGUE = BASE / "templates" / "locale" / "ko" / "LC_MESSAGES"
CODE_FOLDERS = ("accounts", "catalog", "checkout", "ebrcs", "orders", "recognition")
MARKERS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
CONTEXT_MARKERS = {"pgettext", "pgettext_lazy"}
IN_CONTEXT = "\x04"
"""Stands between a context and its string, as in a compiled catalogue."""
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def strings_in_code() -> Iterator[str]:
    """Yield what the Python code marks for translation."""
    for folder in CODE_FOLDERS:
        for path in (BASE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    not isinstance(node, ast.Call)
                    or not node.args
                    or not isinstance(node.args[0], ast.Constant)
                ):
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in MARKERS:
                    yield str(node.args[0].value)
                elif name in CONTEXT_MARKERS:
                    yield IN_CONTEXT.join(ast.literal_eval(argument) for argument in node.args[:2])


def strings_in_templates() -> Iterator[str]:
    """Yield what the templates mark for translation."""
    call = re.compile(r"""\b(?:_|gettext|ngettext)\(u?((?:'(?:[^'\\]|\\.)*')|(?:"(?:[^"\\]|\\.)*"))""")
    for path in (BASE / "templates").rglob("*.html"):
        for found in call.finditer(templatize(path.read_text())):
            yield str(ast.literal_eval(found.group(1))).replace("%%", "%")


def entries() -> dict[str, list[str]]:
    """Read the catalogue's text: each string, led by its context if it has one, with its translations."""
    found: dict[str, list[str]] = {}
    for block in (CATALOGUE / "django.po").read_text().split("\n\n")[1:]:
        texts: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if keyword := re.match(r'(msgctxt|msgid|msgid_plural|msgstr(?:\[\d])?) "', line):
                key = keyword.group(1)
            texts[key] = texts.get(key, "") + str(ast.literal_eval(line.removeprefix(f"{key} ")))
        marked = IN_CONTEXT.join(texts[part] for part in ("msgctxt", "msgid") if part in texts)
        found[marked] = [text for name, text in texts.items() if name.startswith("msgstr")]
    return found


def test_every_marked_string_is_translated() -> None:
    marked = {*strings_in_code(), *strings_in_templates()}
    translated = {key for key, texts in entries().items() if all(text.strip() for text in texts)}

    assert len(marked) > 150
    assert sorted(marked - translated) == [], "run `make messages`, translate, and compile"


def test_nothing_is_translated_that_no_page_says() -> None:
    marked = {*strings_in_code(), *strings_in_templates()}

    assert sorted(entries().keys() - marked) == []


def test_no_translation_is_a_guess() -> None:
    assert "fuzzy" not in (CATALOGUE / "django.po").read_text()


def test_translations_keep_their_placeholders() -> None:
    changed = {
        key: texts
        for key, texts in entries().items()
        if any(set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(key)) for text in texts)
    }

    assert changed == {}


def test_the_compiled_catalogue_is_the_one_in_the_text() -> None:
    with (CATALOGUE / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    said = {
        key: [compiled.ngettext(key, key, 2)] if compiled.gettext(key) == key else [compiled.gettext(key)]
        for key in entries()
    }
    assert said == entries()


@pytest.mark.parametrize(
    "source", ["{% translate 'Log in' %}", "{% blocktranslate %}Log in{% endblocktranslate %}"]
)
def test_the_search_for_marked_strings_finds_them(source: str) -> None:
    assert "Log in" in templatize("{% load i18n %}" + source)
