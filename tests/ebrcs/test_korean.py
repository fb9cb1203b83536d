"""The Korean catalogs: complete, in one style of address, compiled as they stand, before those of others."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation.template import templatize
from rest_framework_simplejwt import token_blacklist

from ebrcs import library_texts

BASE: Path = settings.BASE_DIR
CATALOG = BASE / "templates" / "locale" / "ko" / "LC_MESSAGES"
CODE_FOLDERS = ("accounts", "catalog", "checkout", "ebrcs", "orders", "recognition")
MARKERS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
CONTEXT_MARKERS = {"pgettext", "pgettext_lazy"}
IN_CONTEXT = "\x04"
"""Stands between a context and its string, as in a compiled catalog."""
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[.\d]*[sdrf]|\{\w*\}")
DOMAINS = pytest.mark.parametrize("domain", ["django", "djangojs"])
OTHER_STYLE = re.compile(
    r"(?<!세)(?<!필)(?<!아니)요(?=[\s.,:;?!…)]|$)"  # 해요체, where not a request (-세요), 필요 or 아니요
    r"|십시오|바랍니다"
    r"|(?:[는한된]|이)다(?=[.!]|$)"
)
"""Ends of sentences that are not in 합니다체; requests are in -세요 throughout."""
TWO_PARTICLES = re.compile(
    r"\((?:은|는|이|가|을|를|와|과|으)\)|을/를|를/을|이/가|가/이|은/는|는/은|와/과|과/와|으로/로"
)
PARTICLE_AFTER_VALUE = re.compile(
    r"(?:%(?:\(\w+\))?[.\d]*[sdrf]|\})[”\")]?(?:은|는|이|가|을|를|와|과|으로|로)(?=[\s.,]|$)"
)
"""Particles that would have to follow the last sound of what is filled in."""


def strings_in_code() -> Iterator[str]:
    """Yield what the Python code marks for translation."""
    for folder in CODE_FOLDERS:
        for path in (BASE / folder).rglob("*.py"):
            yield from strings_in_file(path)


def strings_in_file(path: Path) -> Iterator[str]:
    """Yield what one file of Python code marks for translation."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in MARKERS:
            yield str(node.args[0].value)
        elif name in CONTEXT_MARKERS:
            yield IN_CONTEXT.join(ast.literal_eval(argument) for argument in node.args[:2])


def strings_in_template(text: str) -> Iterator[str]:
    """Yield what a template marks for translation."""
    call = re.compile(r"""\b(?:_|gettext|ngettext)\(u?((?:'(?:[^'\\]|\\.)*')|(?:"(?:[^"\\]|\\.)*"))""")
    for found in call.finditer(templatize(text)):
        yield str(ast.literal_eval(found.group(1))).replace("%%", "%")


def strings_in_templates() -> Iterator[str]:
    """Yield what the templates mark for translation."""
    for path in (BASE / "templates").rglob("*.html"):
        yield from strings_in_template(path.read_text())


def entries(domain: str = "django") -> dict[str, list[str]]:
    """Read a catalog's text: each string, led by its context if it has one, with its translations."""
    found: dict[str, list[str]] = {}
    for block in (CATALOG / f"{domain}.po").read_text().split("\n\n")[1:]:
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


@DOMAINS
def test_no_translation_is_missing_or_a_guess(domain: str) -> None:
    assert "fuzzy" not in (CATALOG / f"{domain}.po").read_text()
    assert [key for key, texts in entries(domain).items() if not all(text.strip() for text in texts)] == []


@DOMAINS
def test_translations_keep_their_placeholders(domain: str) -> None:
    changed = {
        key: texts
        for key, texts in entries(domain).items()
        if any(set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(key)) for text in texts)
    }

    assert changed == {}


@DOMAINS
def test_the_compiled_catalog_is_the_one_in_the_text(domain: str) -> None:
    with (CATALOG / f"{domain}.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    said = {
        key: [compiled.ngettext(key, key, 2)] if compiled.gettext(key) == key else [compiled.gettext(key)]
        for key in entries(domain)
    }
    assert said == entries(domain)


@DOMAINS
def test_sentences_address_the_reader_in_one_style(domain: str) -> None:
    texts = [text for found in entries(domain).values() for text in found]

    assert [text for text in texts if OTHER_STYLE.search(text)] == []


@pytest.mark.parametrize(
    ("sentence", "is_other"),
    [
        ("담았습니다.", False),
        ("다시 시도해 주세요.", False),
        ("어느 상품입니까?", False),
        ("아니요, 돌아갑니다", False),
        ("사진 개선 필요", False),
        ("담았어요.", True),
        ("처음이신가요?", True),
        ("뺐어요: {name}", True),
        ("비어 있어요. 상품을 보여 주세요.", True),
        ("확인하십시오.", True),
        ("수정하기 바랍니다.", True),
        ("상품을 담는다.", True),
    ],
)
def test_the_search_for_another_style_finds_it(sentence: str, is_other: bool) -> None:
    assert bool(OTHER_STYLE.search(sentence)) == is_other


@DOMAINS
def test_no_particle_depends_on_what_is_filled_in(domain: str) -> None:
    texts = [text for found in entries(domain).values() for text in found]

    assert [text for text in texts if TWO_PARTICLES.search(text) or PARTICLE_AFTER_VALUE.search(text)] == []


@pytest.mark.parametrize(
    ("sentence", "is_dependent"),
    [
        ("%(name)s을(를) 뺐습니다", True),
        ("선택한 %(name)s 을/를 삭제합니다.", True),
        ("{name}와 비슷합니다", True),
        ("“%(name)s”이 없습니다.", True),
        ("%(checked)s장 중 %(right)s장", False),
        ("상품 {count}개를 찾았습니다", False),
        ("%(name)s 항목을 삭제했습니다.", False),
        ("%(first)s부터 %(day)s %(time)s까지", False),
    ],
)
def test_the_search_for_dependent_particles_finds_them(sentence: str, is_dependent: bool) -> None:
    assert bool(TWO_PARTICLES.search(sentence) or PARTICLE_AFTER_VALUE.search(sentence)) == is_dependent


def strings_of_libraries() -> set[str]:
    """Return what Django translates into Korean, and what the token app marks."""
    found: set[str] = set()
    for path in Path(django.__path__[0]).rglob("locale/ko/LC_MESSAGES/django.po"):
        found |= {
            ast.literal_eval(text) for text in re.findall(r'^msgid (".+")$', path.read_text(), re.MULTILINE)
        }
        for block in re.findall(r'^msgid ""\n((?:".*"\n)+)', path.read_text(), re.MULTILINE):
            found.add("".join(ast.literal_eval(line) for line in block.splitlines()))
    for path in Path(token_blacklist.__path__[0]).glob("*.py"):
        found |= set(re.findall(r'_\("([^"]+)"\)', path.read_text()))
    return found


def test_the_texts_we_translate_for_libraries_are_theirs() -> None:
    changed_fields = set(library_texts.CHANGED_FIELDS)
    listed = set(strings_in_file(Path(library_texts.__file__))) - changed_fields

    assert len(listed) > 100
    assert sorted(listed - strings_of_libraries()) == []


def test_our_translations_come_before_those_of_libraries() -> None:
    ours = entries()
    with translation.override("ko"):
        said = {
            text: translation.gettext(text)
            for text in strings_in_file(Path(library_texts.__file__))
            if translation.gettext(text) != text
        }

    assert said["Save and add another"] == "저장하고 하나 더 추가"
    assert {text: [said_text] for text, said_text in said.items()} == {text: ours[text] for text in said}


def test_dates_put_the_half_of_the_day_before_the_hour() -> None:
    moment = datetime(2026, 11, 27, 18, 30, tzinfo=UTC)
    with translation.override("ko"):
        assert date_format(moment, "DATETIME_FORMAT") == "2026년 11월 27일 오후 6:30"


@pytest.mark.parametrize(
    "source", ["{% translate 'Log in' %}", "{% blocktranslate %}Log in{% endblocktranslate %}"]
)
def test_the_search_for_marked_strings_finds_them(source: str) -> None:
    assert list(strings_in_template("{% load i18n %}" + source)) == ["Log in"]
