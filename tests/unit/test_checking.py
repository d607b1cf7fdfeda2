from __future__ import annotations

from pathlib import Path

import pytest
from capabilities import TELEGRAM, VIBER

from vipcast.announcements.checking import Finding, check_template
from vipcast.announcements.rendering import Support
from vipcast.announcements.scaffold import new_template
from vipcast.announcements.templates import load_template
from vipcast.config import LANGUAGES

MESSENGERS = {"telegram": TELEGRAM, "viber": VIBER}
SUPPORT = Support("Segít", "https://t.me/segit")
LAST = "\n\nAsk: {{ support.link }}\n"


def check(folder: Path, settings: str = "", *, needed=(), support=SUPPORT, **more) -> list[Finding]:
    """Check the template `spring`; a text given by language gets a title and a support line."""
    own = folder / "spring"
    own.mkdir(exist_ok=True)
    texts = {key: more.pop(key) for key in LANGUAGES if key in more}
    for language, body in texts.items():
        head = settings if "title" in settings else f'title = "Spring"\n{settings}'
        (own / f"{language}.md").write_text(f"+++\n{head}+++\n{body}{LAST}", encoding="utf-8")
    return check_template(
        load_template(folder, "spring"),
        capabilities=more.pop("capabilities", MESSENGERS),
        shop_name=more.pop("shop_name", "Régi Divat"),
        shop_language="hu",
        languages_needed=set(needed),
        support=support,
        **more,
    )


def told(findings: list[Finding]) -> list[tuple[str, str, int]]:
    return [(one.level, one.code, int(one.where.rpartition(":")[2])) for one in findings]


@pytest.mark.parametrize("name", ["new-collection", "vip-sale"])
def test_scaffold_has_nothing_to_object_to(tmp_path, name):
    new_template(tmp_path, name, LANGUAGES)
    findings = check_template(
        load_template(tmp_path, name),
        capabilities=MESSENGERS,
        shop_name="RÉGI DIVAT BUDAPEST",
        shop_language="hu",
        languages_needed=set(LANGUAGES),
        support=SUPPORT,
    )
    assert findings == []


def test_good_text_has_no_findings(tmp_path):
    body = (
        "Dear {{ member.first_name or member.name }},\n\n{% if member.birthday %}{{ member.birthday | date }}{% endif %}"
        "{{ member.fields.shoe | default('') }} **VIP** XXL (a) [1] 5 < 6 > 4!"
    )
    assert check(tmp_path, en=body, needed={"en"}) == []


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("a\n{% if member.formal %}x{% else %}{{ nope }}{% endif %}", 5, "nope"),
        ("{% if false %}\n{{ member.nam }}\n{% endif %}", 5, "member.nam"),
        ("{% if false %}{{ member['nam'] }}{% endif %}", 4, "member.nam"),
        ("{% if false %}{{ group.size }}{{ 1 }}{% endif %}", 4, "group.size"),
        ("{% if false %}{{ shop.link }}{% endif %}", 4, "shop.link"),
        ("{% if false %}{{ support.url }}{% endif %}", 4, "support.url"),
        ("{{ nope }}", 4, "nope"),
    ],
)
def test_undefined_names_are_found_in_every_branch_once(tmp_path, body, line, words):
    findings = check(tmp_path, en=body)
    faults = [one for one in findings if one.level == "fault"]
    assert told(faults) == [("fault", "undefined-name", line)]
    assert f'"{words}"' in faults[0].message


def test_undefined_name_hint_names_the_nearest_or_the_flag(tmp_path):
    hints = {one.hint for one in check(tmp_path, en="{{ member.frist_name }}\n\n{{ weekday }}")}
    assert any('"member.first_name"' in hint for hint in hints)
    assert any("--var weekday=" in hint for hint in hints)


@pytest.mark.parametrize(
    "body",
    [
        "{{ day }}",
        "{{ other | default('') }}",
        "{% if other is defined %}{{ other }}{% endif %}",
        "{% set other = 'x' %}{{ other }}",
        "{% for other in range(2) %}{{ other }}{{ loop.index }}{% endfor %}",
        "{{ member.name.title() }}{{ member.fields.get('x', '') }}",
        "{% if member.birthday and member.birthday.month == 3 %}x{% endif %}",
    ],
)
def test_names_that_are_provided_for_are_no_fault(tmp_path, body):
    assert check(tmp_path, en=f"A {body}", variables={"day": "Thursday"}) == []


def test_undefined_name_in_a_button_is_found(tmp_path):
    findings = check(tmp_path, 'buttons = [{ text = "a", url = "{{ nope }}" }]\n', en="A")
    assert ("fault", "undefined-name", 3) in told(findings)


def test_field_that_a_member_may_lack_is_a_warning(tmp_path):
    assert told(check(tmp_path, en="\n{{ member.fields.shoe }} {{ member.fields['hat'] }}")) == [
        ("warning", "unknown-field", 5),
        ("warning", "unknown-field", 5),
    ]


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ("\n{% if %}", "syntax", 5),
        ("\n{{ 'a' | safe }}", "syntax", 5),
        ("\n{% include 'x' %}", "not-allowed", 5),
        ("\n![x](y.jpg)", "picture-in-text", 5),
        ("\n[x](page)", "bad-link", 5),
        ("\n{{ none }}", "not-printable", 5),
    ],
)
def test_what_cannot_be_rendered_is_one_fault(tmp_path, body, code, line):
    findings = check(tmp_path, en=body)
    assert [one for one in told(findings) if one[0] == "fault"] == [("fault", code, line)]


def test_missing_language_is_a_warning_with_a_fallback_and_a_fault_without(tmp_path):
    findings = check(tmp_path, hu="Szia", needed={"hu", "fi"})
    assert [(one.level, one.code) for one in findings] == [("warning", "missing-language")]
    assert "hu" in findings[0].message
    assert "fi.md" in findings[0].hint
    (tmp_path / "spring" / "hu.md").unlink()
    findings = check(tmp_path, cs="Dobrý den", needed={"fi"})
    assert [(one.level, one.code) for one in findings] == [("fault", "missing-language")]


def test_file_of_no_language_is_pointed_out(tmp_path):
    check(tmp_path, en="A")
    (tmp_path / "spring" / "de.md").write_text("x")
    assert [one.code for one in check(tmp_path, en="A")] == ["unused-file"]


def test_too_long_is_found_for_each_messenger_with_the_figure(tmp_path):
    findings = check(tmp_path, en="{{ member.name }}" + "x" * 7000)
    assert [(one.level, one.code) for one in findings] == [("fault", "too-long")] * 2
    assert {word for one in findings for word in ("telegram", "viber") if word in one.message} == {
        "telegram",
        "viber",
    }


def test_too_long_for_a_long_name_only_is_a_warning(tmp_path):
    room = 4096 - len("Lemberg Anna") - len(LAST.replace("{{ support.link }}", SUPPORT.link).rstrip())
    assert check(tmp_path, en="x" * room) == []
    assert told(check(tmp_path, en="{{ member.name }}" + "x" * room)) == [("warning", "too-long", 4)]


def test_each_missing_picture_is_a_fault(tmp_path):
    findings = check(tmp_path, 'media = ["a.jpg",\n"b.jpg"]\n', en="A", capabilities={})
    assert told(findings) == [("fault", "missing-media", 3), ("fault", "missing-media", 4)]


def test_picture_without_an_address_is_a_fault_for_messengers_that_fetch(tmp_path):
    (tmp_path / "spring").mkdir()
    (tmp_path / "spring" / "a.jpg").write_bytes(b"x")
    settings = 'media = ["a.jpg"]\n'
    assert told(check(tmp_path, settings, en="A")) == [("fault", "media-without-url", 3)]
    assert check(tmp_path, settings, en="A", media_url="https://x.example") == []


def test_faults_of_media_do_not_hide_faults_of_words(tmp_path):
    codes = {one.code for one in check(tmp_path, 'media = ["a.jpg"]\n', en="Come!!!")}
    assert codes == {"missing-media", "shouting"}


def test_unequal_media_between_languages(tmp_path):
    (tmp_path / "spring").mkdir()
    (tmp_path / "spring" / "a.jpg").write_bytes(b"x")
    check(tmp_path, 'media = ["a.jpg"]\n', hu="Jó napot", media_url="https://x.example")
    findings = check(tmp_path, en="Hello", media_url="https://x.example")
    assert [one.code for one in findings] == ["unequal-media"]
    assert "en.md" in findings[0].where


@pytest.mark.parametrize(
    ("body", "settings", "support", "is_missing"),
    [
        ("A", "", SUPPORT, True),
        ("A [ask]({{ support.link }})", "", SUPPORT, False),
        ("A {{ support.name }}", "", SUPPORT, False),
        ("A https://t.me/segit", "", SUPPORT, False),
        ("A", 'buttons = [{ text = "Ask", url = "{{ support.link }}" }]\n', SUPPORT, False),
        ("A {% if member.formal %}{{ support.link }}{% endif %}", "", SUPPORT, True),
        ("A", "", None, True),
        ("A {% if support %}{{ support.link }}{% endif %}", "", None, False),
    ],
)
def test_missing_support_line(tmp_path, body, settings, support, is_missing):
    own = tmp_path / "spring"
    own.mkdir()
    (own / "en.md").write_text(f'+++\ntitle = "x"\n{settings}+++\n{body}')
    codes = [
        one.code
        for one in check_template(
            load_template(tmp_path, "spring"),
            capabilities=MESSENGERS,
            shop_name="S",
            shop_language="hu",
            languages_needed=set(),
            support=support,
        )
    ]
    assert codes == (["no-support-line"] if is_missing else [])


@pytest.mark.parametrize(
    ("language", "body", "code"),
    [
        ("hu", "Örömmel várjuk Önt, és neked is írunk.", "mixed-address"),
        ("cs", "Těšíme se na Vás a na tebe.", "mixed-address"),
        ("fi", "Odotamme Teitä ja sinua.", "mixed-address"),
        ("ru", "Ждём Вас и тебя.", "mixed-address"),
        ("cs", "Ty šaty a ti švadleny čekají na Vás.", None),
        ("hu", "Önálló szeretettel, tea, tetszik Önnek.", None),
        ("hu", "{% if member.formal %}Önt{% else %}téged{% endif %}", None),
        ("ru", "{% if member.formal %}Вас{% else %}тебя{% endif %}", None),
        ("fi", "{% if member.formal %}Teille{% else %}sinulle{% endif %}", None),
        ("cs", "{% if member.formal %}Vám{% else %}tobě{% endif %}", None),
        ("hu", "{% if member.formal %}Önt{% else %}téged, Önnek{% endif %}", "mixed-address"),
        ("cs", "{% if member.formal %}tebe{% else %}tobě{% endif %}", "wrong-address"),
        ("ru", "{% if not member.formal %}Вас{% else %}тебя{% endif %}", "wrong-address"),
        ("en", "Te Önt ты Вас", None),
    ],
)
def test_mixed_and_wrong_address(tmp_path, language, body, code):
    codes = {one.code for one in check(tmp_path, **{language: body})}
    assert codes == ({code} if code else set())


@pytest.mark.parametrize(("formal", "found"), [("true", True), ("false", False)])
def test_address_is_held_against_what_the_settings_say(tmp_path, formal, found):
    codes = [one.code for one in check(tmp_path, f"formal = {formal}\n", hu="Szeretettel várunk téged.")]
    assert codes == (["wrong-address"] if found else [])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("a\nCome now!!!", "!!!"),
        ("a\nREALLY?!?!", "?!?!"),
        ("a\nNEW COLLECTION today", "NEW COLLECTION"),
        ("a\nTERMÉSZETESEN, ÓRIÁSI", "TERMÉSZETESEN, ÓRIÁSI"),
        ("a\nБОЛЬШАЯ РАСПРОДАЖА", "БОЛЬШАЯ РАСПРОДАЖА"),
    ],
)
def test_shouting(tmp_path, body, words):
    findings = check(tmp_path, en=body)
    assert told(findings) == [("warning", "shouting", 5)]
    assert f'"{words}"' in findings[0].message


@pytest.mark.parametrize(
    "body", ["VIP news!", "XXL, VIP. USA", "Régi DIVAT", "Really?!", "A. B. C. D. E. F. G. H. I"]
)
def test_short_capitals_do_not_shout(tmp_path, body):
    assert check(tmp_path, en=body) == []


def test_a_shops_own_name_may_be_in_capitals(tmp_path):
    assert check(tmp_path, en="{{ shop.name }} invites you", shop_name="REGINA FASHION HOUSE") == []


@pytest.mark.parametrize(
    "left",
    [
        "[NAME]",
        "[FIRST NAME]",
        "[NÉV]",
        "{name}",
        "XXX",
        "TODO",
        "Lorem ipsum",
        "<your name>",
        "%name%",
    ],
)
def test_leftover_placeholders(tmp_path, left):
    findings = check(tmp_path, en=f"a\nDear {left}, hello")
    assert told(findings) == [("warning", "leftover-placeholder", 5)]
    assert left in findings[0].message


def test_leftover_placeholder_in_the_title(tmp_path):
    assert [one.code for one in check(tmp_path, 'title = "TODO"\n', en="A")] == ["leftover-placeholder"]


def test_empty_title_and_ignored_preview_setting(tmp_path):
    codes = [one.code for one in check(tmp_path, 'title = " "\npreview = false\n', en="A")]
    assert codes == ["empty-title", "preview"]


@pytest.mark.parametrize("body", ["Dear {{ member.first_name }},", "Hi {{ member.first_name }}! A"])
def test_gap_where_a_member_has_no_first_name(tmp_path, body):
    assert told(check(tmp_path, en=f"\n{body}")) == [("warning", "empty-name", 5)]


def test_value_that_some_members_lack_is_a_warning(tmp_path):
    findings = check(tmp_path, en="{{ member.birthday | date }}")
    assert told(findings) == [("warning", "not-printable", 4)]


def test_faults_stand_before_warnings(tmp_path):
    levels = [one.level for one in check(tmp_path, hu="Gyere!!!", en="{{ nope }}")]
    assert levels == ["fault", "warning"]
