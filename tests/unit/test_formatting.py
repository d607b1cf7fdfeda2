from __future__ import annotations

import pytest

from vipcast.announcements.formatting import append_lines, compose, parse, plain_preview, write
from vipcast.announcements.templates import TemplateFault
from vipcast.messengers.base import Formatting, Media, Message


def entities(source: str) -> tuple[str, list[tuple[str, str, str]]]:
    """Return the text and (kind, covered text, url) of each span, cut as Telegram cuts."""
    text, spans = write(compose(parse(source)), Formatting.ENTITIES)
    units = text.encode("utf-16-le")
    return text, [
        (span.kind, units[span.offset * 2 : (span.offset + span.length) * 2].decode("utf-16-le"), span.url)
        for span in spans
    ]


def plain(source: str, formatting: Formatting = Formatting.PLAIN) -> str:
    text, spans = write(compose(parse(source)), formatting)
    assert spans == ()
    return text


@pytest.mark.parametrize(
    ("source", "text", "spans"),
    [
        ("**b** *i* ~~s~~ `c`", "b i s c", [("bold", "b"), ("italic", "i"), ("strike", "s"), ("code", "c")]),
        ("**b *both* b**", "b both b", [("bold", "b both b"), ("italic", "both")]),
        ("**😀** ő **x**", "😀 ő x", [("bold", "😀"), ("bold", "x")]),
        ("# Head\n\ntext", "Head\n\ntext", [("bold", "Head")]),
        ("> a\n> b\n>\n> c", "a b\n\nc", [("quote", "a b\n\nc")]),
        ("> a\n>\n> > b", "a\n\nb", [("quote", "a\n\nb")]),
        ("```\nx * _y_\n```", "x * _y_", [("pre", "x * _y_")]),
        ("a\n\n    code\n", "a\n\ncode", [("pre", "code")]),
        ("**a `c` b**", "a c b", [("bold", "a"), ("code", "c"), ("bold", "b")]),
        ("**`c`**", "c", [("code", "c")]),
        ("- **a**\n- b", "• a\n• b", [("bold", "a")]),
        ("> - a\n> - b", "• a\n• b", [("quote", "• a\n• b")]),
    ],
)
def test_entities_cover_what_is_formatted(source, text, spans):
    found, covered = entities(source)
    assert found == text
    assert [(kind, part) for kind, part, _ in covered] == spans


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a\nb", "a b"),
        ("a  \nb\\\nc", "a\nb\nc"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("- a\n- b\n  - c\n- d\n\ne", "• a\n• b\n  • c\n• d\n\ne"),
        ("3. a\n4. b\n   - c", "3. a\n4. b\n  • c"),
        ("- a\n\n- b", "• a\n\n• b"),
        ("- \n- b", "• b"),
        ("a\n\n***\n\nb", "a\n\n———\n\nb"),
        (r"\*a\* 1\. &amp; <b>x</b> & <br>", "*a* 1. & <b>x</b> & <br>"),
        ("<div>\nx\n</div>", "<div> x </div>"),
        ("snake_case_name 2*3*4 https://t.me/a_b_c", None),
        ("https://x.example", "https://x.example"),
        ("", ""),
    ],
)
def test_blocks_and_breaks_in_plain_text(source, text):
    if text is None:
        assert "snake_case_name" in plain(source)
        assert "https://t.me/a_b_c" in plain(source)
    else:
        assert plain(source) == text


def test_link_is_an_entity_where_telegram_takes_its_scheme():
    text, spans = entities("[**our** shop](https://x.example/a_b) and [mail](mailto:a@x.example)")
    assert text == "our shop and mail (a@x.example)"
    assert spans == [("link", "our shop", "https://x.example/a_b"), ("bold", "our", "")]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("[shop](https://x.example)!", "shop (https://x.example)!"),
        ("[https://x.example](https://x.example)", "https://x.example"),
        ("<https://x.example/a>", "https://x.example/a"),
        ("<a@x.example>", "a@x.example"),
        ("[call](tel:+3612345678)", "call (+3612345678)"),
        (
            "[a](https://x.example/1)[b](https://x.example/2)",
            "a (https://x.example/1)b (https://x.example/2)",
        ),
        ("> [a](https://x.example)\n>\n> b", "> a (https://x.example)\n> \n> b"),
    ],
)
def test_links_are_written_out_in_plain_text(source, text):
    assert plain(source) == text
    assert plain(source, Formatting.HTML) == text


@pytest.mark.parametrize("url", ["page", "", "javascript:alert(1)", "https://", "#top", "data:text/html,x"])
def test_link_that_leads_nowhere_is_a_fault(url):
    with pytest.raises(TemplateFault) as caught:
        compose(parse(f"[x]({url})"))
    assert caught.value.kind == "bad-link"


def test_link_addresses_are_checked_after_values_come_in():
    with pytest.raises(TemplateFault):
        compose(parse("[x](slot)"), lambda text: text.replace("slot", "javascript:x"))
    rich = compose(parse("[x](slot)"), lambda text: text.replace("slot", "https://x.example/_*_"))
    assert rich.marks[0].url == "https://x.example/_*_"


def test_picture_in_the_text_is_a_fault_that_says_where_it_belongs():
    with pytest.raises(TemplateFault) as caught:
        compose(parse("![x](a.jpg)"))
    assert "media" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("**b** *i* ~~s~~ `c`", "*b* _i_ ~s~ `c`"),
        ("**a *b***", "*a _b_*"),
        ("**a\\\nb**", "*a*\n*b*"),
        ("un**believ**able", "unbelievable"),
        ("**2\\*3**", "2*3"),
        ("> a\\\n> **b**", "> a\n> *b*"),
        ("```\na\nb\n```", "```a\nb```"),
        ("**[shop](https://x.example)** now", "*shop* (https://x.example) now"),
    ],
)
def test_whatsapp_signs_stand_only_where_they_work(source, text):
    assert plain(source, Formatting.WHATSAPP) == text


def test_no_span_begins_or_ends_in_white_space_whatever_value_comes_in():
    rich = compose(parse("**A** *A* A"), lambda text: text.replace("A", " \n x \n"))
    text, spans = write(rich, Formatting.ENTITIES)
    assert spans
    for span in spans:
        part = text[span.offset : span.offset + span.length]
        assert part == part.strip() == "x"


def test_a_value_of_white_space_alone_leaves_no_span():
    rich = compose(parse("x **A** y"), lambda text: text.replace("A", "  "))
    assert write(rich, Formatting.ENTITIES) == ("x    y", ())
    assert write(rich, Formatting.WHATSAPP) == ("x    y", ())


@pytest.mark.parametrize("value", ["", " "])
def test_a_link_whose_words_are_empty_shows_its_address(value):
    rich = compose(parse("go [A](https://x.example) on"), lambda text: text.replace("A", value))
    assert "https://x.example" in write(rich, Formatting.PLAIN)[0]
    assert write(rich, Formatting.ENTITIES)[1][0].url == "https://x.example"


def test_append_lines_makes_a_paragraph():
    assert append_lines(compose(parse("a")), ["b", "c"]).text == "a\n\nb\nc"
    assert append_lines(compose(parse("")), ["b"]).text == "b"
    assert append_lines(compose(parse("a")), []).text == "a"


def test_preview_shows_media_and_formatting():
    text, spans = write(compose(parse("😀 **b *i*** [x](https://x.example)")), Formatting.ENTITIES)
    message = Message(text, spans, (Media("picture", "a.jpg", 1001), Media("video", "b.mp4", 0)))
    assert plain_preview(message, color=False) == (
        "[picture] a.jpg, 2 KB\n[video] b.mp4\n\n😀 b i x (https://x.example)"
    )
    assert plain_preview(message, color=True).endswith(
        "😀 \x1b[1mb \x1b[0m\x1b[1;3mi\x1b[0m x (https://x.example)"
    )


def test_preview_lets_no_control_character_reach_the_terminal():
    assert plain_preview(Message("a\x1b[2J\rb\x9b\tc\nd"), color=False) == "a\ufffd[2J\ufffdb\ufffd\tc\nd"
