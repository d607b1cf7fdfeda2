from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from capabilities import TELEGRAM, VIBER

from vipcast.announcements.expressions import plain_value
from vipcast.announcements.rendering import GroupView, MemberView, Renderer, Support
from vipcast.announcements.templates import TemplateFault, load_template
from vipcast.errors import InputError
from vipcast.messengers.base import Capabilities, Message, Span, Unit

ANNA = MemberView(
    "Kovács Anna", "Anna", "Kovács", "en", birthday=date(1990, 3, 4), fields={"shoe": "38"}, messenger="viber"
)
GROUP = GroupView("Budapest", "news", 15)
SUPPORT = Support("Régi Divat segít", "https://t.me/regi_divat_segit")


def renderer(
    folder: Path, body: str, *, settings: str = "", support: Support | None = SUPPORT, **more
) -> Renderer:
    """Return a renderer of a template whose English body starts on line 4, or after `settings`."""
    own = folder / "spring"
    own.mkdir(exist_ok=True)
    (own / "en.md").write_text(f'+++\ntitle = "Spring"\n{settings}+++\n{body}', encoding="utf-8")
    more = {"shop_name": "Régi Divat", "shop_language": "hu"} | more
    return Renderer(load_template(folder, "spring"), support=support, **more)


def rendered(folder: Path, body: str, member: MemberView = ANNA, **more) -> Message:
    return renderer(folder, body, **more).render(member, GROUP, TELEGRAM)


def fault(folder: Path, body: str, capabilities: Capabilities = TELEGRAM, member=ANNA, group=GROUP, **more):
    made = renderer(folder, body, **more)
    with pytest.raises(TemplateFault) as caught:
        made.render(member, group, capabilities)
    assert caught.value.message.startswith("spring/en.md: ")
    assert caught.value.problems[0].code == caught.value.kind
    return caught.value


def line_of(error: InputError) -> int:
    return int(error.where.rpartition(":")[2])


def test_values_of_member_group_shop_support_and_variables(tmp_path):
    body = (
        "{{ member.first_name }} {{ member.last_name }} {{ member.language }} {{ member.messenger }} "
        "{{ member.fields.shoe }} {{ group.name }} {{ group.purpose }} {{ group.cap }} {{ shop.name }} "
        "{{ support.name }} {{ day }}"
    )
    message = rendered(tmp_path, body, variables={"day": "Thursday"})
    assert message.text == "Anna Kovács en viber 38 Budapest news 15 Régi Divat Régi Divat segít Thursday"


def test_value_inside_formatting_keeps_the_formatting_and_appears_exactly(tmp_path):
    message = rendered(tmp_path, "**{{ member.name }}** _{{ member.name }}_", replace(ANNA, name="*_["))
    assert message.text == "*_[ *_["
    assert message.spans == (Span("bold", 0, 3), Span("italic", 4, 3))


def test_value_as_link_address_is_taken_as_it_is(tmp_path):
    message = rendered(
        tmp_path, "[ask]({{ support.link }})", support=Support("S", "https://x.example/_a_*b*(c)")
    )
    assert message.spans == (Span("link", 0, 3, "https://x.example/_a_*b*(c)"),)


def test_value_with_jinja_in_it_is_not_evaluated(tmp_path):
    message = rendered(tmp_path, "{{ member.name }}", replace(ANNA, name="{{ 7*7 }}{% if %}{# x #}"))
    assert message.text == "{{ 7*7 }}{% if %}{# x #}"


def test_value_with_a_placeholder_of_ours_is_not_filled(tmp_path):
    message = rendered(tmp_path, "{{ shop.name }} {{ member.name }}", replace(ANNA, name="\ufdd00\ufdd1"))
    assert message.text == "Régi Divat \ufdd00\ufdd1"


@pytest.mark.parametrize("formal", [True, False])
def test_formal_and_informal_branch(tmp_path, formal):
    body = "{% if member.formal %}\nDear {{ member.name }},\n{% else %}\nHi {{ member.first_name }},\n{% endif %}\n\nNews."
    message = rendered(tmp_path, body, replace(ANNA, formal=formal))
    assert message.text == ("Dear Kovács Anna,\n\nNews." if formal else "Hi Anna,\n\nNews.")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("- a\n{% if group %}\n- b\n{% endif %}\n- c", "• a\n• b\n• c"),
        ("a {% if group %}b{% endif %}\nc", "a b c"),
        ("a {% if group %}b{% endif %}\n\nc", "a b\n\nc"),
        ("a {% if group %}b{% endif %}  \nc", "a b\nc"),
        ("a {# note #}\nb", "a b"),
        ("{# note\n more #}\na", "a"),
        ("{% raw %}{{ x }} {% y %}\n{% endraw %}z", "{{ x }} {% y %} z"),
        ('{{ "%}" }}\n{% if group %}x{% endif %}\ny', "%} x y"),
        (
            "{% for n in range(3) %}\n- {{ n }}{% if not loop.last %},{% endif %}\n{% endfor %}",
            "• 0,\n• 1,\n• 2",
        ),
        ("**{{ member.fields.get('no', '') }}** a", "a"),
        ("{{ [3, 1] | sort | join(' ') }} {{ 'x' | upper }} {{ 1 + 2 }} {{ 'a' ~ 1 }}", "1 3 X 3 a1"),
        ("{{ missing | default('-') }} {{ member.fields.hat | default('none') }}", "- none"),
    ],
)
def test_tags_and_expressions(tmp_path, body, text):
    assert rendered(tmp_path, body).text == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "March 4, 1990"),
        ("hu", "1990. március 4."),
        ("fi", "4. maaliskuuta 1990"),
        ("cs", "4. března 1990"),
    ],
)
def test_date_is_written_in_the_language_of_the_text(tmp_path, language, text):
    made = renderer(tmp_path, "{{ member.birthday | date }}")
    (tmp_path / "spring" / f"{language}.md").write_text("+++\ntitle = 'x'\n+++\n{{ member.birthday | date }}")
    made = Renderer(load_template(tmp_path, "spring"), shop_name="S", shop_language="hu")
    assert made.render(replace(ANNA, language=language), GROUP, TELEGRAM).text == text


def test_date_takes_a_variable_and_a_pattern(tmp_path):
    message = rendered(tmp_path, "{{ until | date('d MMMM') }}", variables={"until": "2026-12-01"})
    assert message.text == "1 December"


def test_language_falls_back_to_the_shop_and_then_english(tmp_path):
    made = renderer(tmp_path, "English")
    assert made.render(replace(ANNA, language="fi"), GROUP, TELEGRAM).text == "English"


@pytest.mark.parametrize(
    ("body", "kind", "line", "words"),
    [
        ("a\n\n{{ nope }}", "undefined-name", 6, "nope"),
        ("a\n{% if member.nam %}x{% endif %}", "undefined-name", 5, "nam"),
        ("{{ member.fields.hat }}", "undefined-name", 4, "hat"),
        ("a\n{% if %}", "syntax", 5, "expression"),
        ("a\n{{ 'x' | safe }}", "syntax", 5, "safe"),
        ("a\n{{ 'x' | e }}", "syntax", 5, "'e'"),
        ("{{ 'x' | attr('y') }}", "syntax", 4, "attr"),
        ("{{ 'x' | format }}", "syntax", 4, "format"),
        ("a\n{% include 'en.md' %}", "not-allowed", 5, "include"),
        ("{% import 'x' as x %}", "not-allowed", 4, "import"),
        ("{% extends 'x' %}", "not-allowed", 4, "extends"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "not-allowed", 4, "macro"),
        ("{% autoescape false %}{% endautoescape %}", "not-allowed", 4, "autoescape"),
        ("{% for a in [[1]] recursive %}{{ loop(a) }}{% endfor %}", "not-allowed", 4, "recursive"),
        ("a\n{{ ''.__class__ }}", "not-allowed", 5, "__class__"),
        ("{{ member['__class__'] }}", "not-allowed", 4, "__class__"),
        ("{{ '{0.__class__}'.format(1) }}", "not-allowed", 4, "called"),
        ("{{ ['x'.upper][0]() }}", "not-allowed", 4, "called"),
        ("{{ 9 ** 9 }}", "not-allowed", 4, "numbers"),
        ("{{ 'x' * 9 }}", "not-allowed", 4, "numbers"),
        ("{{ '%99999999d' % 1 }}", "not-allowed", 4, "numbers"),
        ("a\n{{ 1 / 0 }}", "bad-expression", 5, "division"),
        ("{{ 'x' + 1 }}", "bad-expression", 4, "work out"),
        ("{{ 'soon' | date }}", "bad-expression", 4, "soon"),
        ("{{ none }}", "not-printable", 4, "empty"),
        ("a\n{{ member.birthday }}", "not-printable", 5, "date"),
        ("{{ member.formal }}", "not-printable", 4, "bool"),
        ("{{ member.fields }}", "not-printable", 4, "dict"),
        ("{{ member.name.upper }}", "not-printable", 4, "text"),
        ("a\n\n![x](y.jpg)", "picture-in-text", 6, "picture"),
        ("a\n\n[x](page)", "bad-link", 6, "page"),
        ("  \n{# nothing #}\n", "empty", 4, "empty"),
    ],
)
def test_fault_names_line_and_reason(tmp_path, body, kind, line, words):
    error = fault(tmp_path, body)
    assert (error.kind, line_of(error)) == (kind, line)
    assert words in error.message


@pytest.mark.parametrize(
    "body",
    [
        "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000000) %}{% endfor %}",
        "{% for a in range(9000) %}" + "x" * 1000 + "{% endfor %}",
        "{% for a in range(9000) %}{{ shop.name * 1 if false else 'x' }}{{ long }}{% endfor %}",
        "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 60,
        "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 60,
        "{% set a = [1] %}" + "{% set a = a + a %}" * 60,
        "{% set a = 'x' %}" + "{% set a = [a, a] | join %}" * 60,
        "{% set a = 9 %}" + "{% set a = a * a %}" * 60,
    ],
)
def test_template_that_runs_away_is_stopped(tmp_path, body):
    assert fault(tmp_path, body, variables={"long": "x" * 1000}).kind == "runs-away"


def test_group_and_support_that_are_not_there_are_false(tmp_path):
    made = renderer(tmp_path, "a{% if group %}b{% endif %}{% if support %}c{% endif %}", support=None)
    assert made.render(ANNA, None, TELEGRAM).text == "a"


def test_group_and_support_that_are_not_there_are_named_when_used(tmp_path):
    assert "no group" in fault(tmp_path, "{{ group.name }}", group=None).message
    assert "support account" in fault(tmp_path, "{{ support.link }}", support=None).message


@pytest.mark.parametrize("name", ["member", "group", "shop", "support", "a-b", "1a", "", "range"])
def test_variable_with_a_taken_or_wrong_name_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="variable"):
        renderer(tmp_path, "a", variables={name: "x"})


def test_buttons_become_lines_at_the_end_with_values(tmp_path):
    settings = 'buttons = [{ text = "Ask {{ support.name }}", url = "{{ support.link }}" }]\n'
    message = rendered(tmp_path, "Hello", settings=settings)
    assert message.text == f"Hello\n\nAsk {SUPPORT.name}: {SUPPORT.link}"


def test_button_that_leads_nowhere_is_a_fault(tmp_path):
    error = fault(tmp_path, "\nHello", settings='buttons = [{ text = "Ask", url = "page" }]\n')
    assert (error.kind, line_of(error)) == ("bad-link", 3)


def test_button_fault_names_its_line(tmp_path):
    settings = 'formal = true\nbuttons = [{ text = "Ask", url = "{{ nope }}" }]\n'
    assert line_of(fault(tmp_path, "Hello", settings=settings)) == 4


def with_pictures(folder: Path, *names: str, size: int = 5) -> str:
    (folder / "spring").mkdir(exist_ok=True)
    for name in names:
        (folder / "spring" / name).write_bytes(b"x" * size)
    return f"media = [{', '.join(repr(name) for name in names)}]\n"


def test_message_carries_media(tmp_path):
    settings = with_pictures(tmp_path, "a.jpg", "b.mp4")
    made = renderer(tmp_path, "Hi", settings=settings, media_url="https://x.example/t")
    message = made.render(ANNA, GROUP, TELEGRAM)
    assert [(media.kind, media.url) for media in message.media] == [
        ("picture", "https://x.example/t/spring/a.jpg"),
        ("video", "https://x.example/t/spring/b.mp4"),
    ]


def test_media_alone_makes_a_message(tmp_path):
    assert rendered(tmp_path, "", settings=with_pictures(tmp_path, "a.jpg")).text == ""


def test_picture_without_an_address_names_the_remedy_for_messengers_that_fetch(tmp_path):
    error = fault(tmp_path, "Hi", VIBER, settings=with_pictures(tmp_path, "a.jpg"))
    assert error.kind == "media-without-url"
    assert "[shop] media_url in vipcast.toml" in error.hint
    assert "https://" in error.hint
    assert line_of(error) == 3


def test_picture_on_the_web_needs_no_media_url(tmp_path):
    made = renderer(tmp_path, "Hi", settings='media = ["https://x.example/a.jpg"]\n')
    assert made.render(ANNA, GROUP, VIBER).media[0].url == "https://x.example/a.jpg"


@pytest.mark.parametrize(
    ("names", "size", "kind", "words"),
    [
        (["a.jpg", "b.jpg"], 5, "too-many-media", "carries 1"),
        (["a.pdf"], 5, "media-kind", "carries no file"),
        (["a.webp"], 5, "media-kind", ".webp"),
        (["a.jpg"], 10_007, "media-too-large", "7 bytes over"),
    ],
)
def test_media_beyond_what_the_messenger_carries_is_a_fault(tmp_path, names, size, kind, words):
    settings = with_pictures(tmp_path, *names, size=size)
    error = fault(tmp_path, "Hi", VIBER, settings=settings, media_url="https://x.example")
    assert error.kind == kind
    assert words in error.message
    assert line_of(error) == 3


def test_file_that_carries_no_text_is_refused_beside_one_with_the_remedy(tmp_path):
    plain_files = replace(
        VIBER,
        media_kinds=frozenset({"picture", "video", "file"}),
        caption_kinds=frozenset({"picture", "video"}),
    )
    settings = with_pictures(tmp_path, "list.pdf")
    error = fault(tmp_path, "Hi", plain_files, settings=settings, media_url="https://x.example")
    assert (error.kind, line_of(error)) == ("text-beside-media", 3)
    assert error.message == "spring/en.md: list.pdf: viber carries no text beside a file."
    assert error.hint == "Send the text without the file, or the file as a picture or video."
    alone = renderer(tmp_path, "", settings=settings, media_url="https://x.example")
    assert alone.render(ANNA, GROUP, plain_files).media[0].name == "list.pdf"


def test_text_is_measured_in_utf16_and_never_cut(tmp_path):
    made = renderer(tmp_path, "{{ long }}", variables={"long": "😀" * 2048})
    assert len(made.render(ANNA, GROUP, TELEGRAM).text) == 2048
    error = fault(tmp_path, "{{ long }}", variables={"long": "😀" * 2049})
    assert error.kind == "too-long"
    assert "4098" in error.message
    assert "2 too long" in error.message
    assert "(4096)" in error.message


def test_text_is_measured_in_bytes_where_the_messenger_counts_them(tmp_path):
    counted = replace(TELEGRAM, unit=Unit.BYTES, text_limit=10)
    assert renderer(tmp_path, "ő" * 5).render(ANNA, GROUP, counted).text == "ő" * 5
    assert "2 too long" in fault(tmp_path, "ő" * 6, counted).message


def test_text_with_a_picture_has_the_captions_limit(tmp_path):
    settings = with_pictures(tmp_path, "a.jpg")
    made = renderer(tmp_path, "x" * 1024, settings=settings)
    assert made.render(ANNA, GROUP, TELEGRAM).text == "x" * 1024
    assert "1 too long" in fault(tmp_path, "x" * 1025, settings=settings).message


def test_limit_counts_what_links_written_out_add(tmp_path):
    counted = replace(VIBER, text_limit=30)
    assert "8 too long" in fault(tmp_path, "[a](https://x.example/0123456789012345)", counted).message


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\r\nb\rc\vd\u2028e\u2029f\x85g", "a\nb\nc\nd\ne\nf\ng"),
        ("a\x00\x1b\x07b\x7fc\x9b", "abc"),
        ("a\tb", "a\tb"),
        ("a\ud800b", "ab"),
        ("שלום محمد", "שלום محمد"),
        ("a\u202eb", "a\u202eb\u202c"),
        ("\u2067\u202ba", "\u2067\u202ba\u202c\u2069"),
        ("\u2067\u202ba\u2069", "\u2067\u202ba\u2069"),
        ("\u202ea\u202c", "\u202ea\u202c"),
        ("\u202ea\nb", "\u202ea\nb"),
        ("a\u202c\u2069", "a\u202c\u2069"),
    ],
)
def test_plain_value_settles_line_ends_and_closes_bidi_controls(value, shown):
    assert plain_value(value) == shown
