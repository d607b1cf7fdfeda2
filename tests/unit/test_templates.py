from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vipcast.announcements.scaffold import new_template
from vipcast.announcements.templates import (
    TemplateFault,
    list_templates,
    load_template,
    resolve_media,
)
from vipcast.config import LANGUAGES
from vipcast.errors import InputError

HEAD = '+++\ntitle = "Spring"\n+++\n'


def put(folder: Path, name: str, **texts: str | bytes) -> Path:
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    for language, text in texts.items():
        (own / f"{language}.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    return own


def fault_of(folder: Path, text: str | bytes) -> InputError:
    put(folder, "x", en=text)
    with pytest.raises(InputError) as caught:
        load_template(folder, "x")
    return caught.value


def test_list_names_folders_with_a_text_and_leaves_out_replies(tmp_path):
    put(tmp_path, "sale", hu=HEAD)
    put(tmp_path, "news", en=HEAD)
    put(tmp_path, "replies", en=HEAD)
    put(tmp_path, "pictures")
    put(tmp_path, ".git", en=HEAD)
    put(tmp_path, "german", de=HEAD)
    (tmp_path / "en.md").write_text(HEAD)
    assert list_templates(tmp_path) == ["news", "sale"]


def test_list_is_empty_without_a_folder(tmp_path):
    assert list_templates(tmp_path / "none") == []


def test_load_reads_settings_and_body(tmp_path):
    put(
        tmp_path,
        "sale",
        en='+++\ntitle = " Spring sale "\n'
        'media = ["a.jpg", "https://x.example/b%20c.mp4", { file = "list.pdf", alt = "Prices" },'
        ' { file = "scan.jpg", kind = "file" }]\n'
        'buttons = [{ text = "Shop", url = "https://x.example" }]\nformal = true\npreview = false\n'
        "+++\n\nHello\n",
    )
    text = load_template(tmp_path, "sale").texts["en"]
    assert (text.title, text.formal, text.preview, text.language) == ("Spring sale", True, False, "en")
    assert [(ref.source, ref.kind, ref.is_remote) for ref in text.media] == [
        ("a.jpg", "picture", False),
        ("https://x.example/b%20c.mp4", "video", True),
        ("list.pdf", "file", False),
        ("scan.jpg", "file", False),
    ]
    assert text.media[2].alt == "Prices"
    assert (text.buttons[0].text, text.buttons[0].url) == ("Shop", "https://x.example")
    assert (text.body, text.body_line) == ("\nHello\n", 8)
    assert text.where(9) == f"{text.path}:9"


def test_load_takes_notepads_byte_order_mark_and_line_ends(tmp_path):
    put(tmp_path, "sale", hu="\ufeff+++\r\ntitle = 'Ő'\r\n+++\r\nA\r\nB\r\n".encode())
    text = load_template(tmp_path, "sale").texts["hu"]
    assert (text.title, text.body) == ("Ő", "A\nB\n")


@pytest.mark.parametrize(
    "name", ["../sale", "..", "", ".", "a/b", "a\\b", "/etc", "C:x", "replies", "-x", "a\n", "a\x00"]
)
def test_load_refuses_names_that_could_leave_the_folder(tmp_path, name):
    put(tmp_path, "sale", en=HEAD)
    put(tmp_path, "replies", en=HEAD)
    with pytest.raises(InputError):
        load_template(tmp_path / "sale" / "..", name)


def test_load_names_the_nearest_template_when_there_is_none(tmp_path):
    put(tmp_path, "new-collection", en=HEAD)
    with pytest.raises(InputError) as caught:
        load_template(tmp_path, "new-colection")
    assert 'no template "new-colection"' in caught.value.message
    assert "new-collection" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "line", "message", "hint"),
    [
        ("Hello", 1, "does not start with +++", "+++"),
        ("", 1, "does not start with +++", "+++"),
        ("+++\ntitle = 'x'\nHello", 1, "second +++", "+++"),
        ("+++\ntitle = 'x'\nmedia = [\n+++\n", 3, "not valid TOML", ""),
        ("+++\ntitle = 'x'\nformal = maybe\n+++\n", 3, "not valid TOML", ""),
        ("+++\ntitle = 'x'\n\nmedai = []\n+++\n", 4, "`medai`", "`media`"),
        ("+++\nformal = true\n+++\n", 1, "`title` is missing", "title"),
        ("+++\n# title\ntitle = 3\n+++\n", 3, "`title` must be a text", ""),
        ("+++\ntitle = 'x'\nformal = 'yes'\n+++\n", 3, "true or false", ""),
        ("+++\ntitle = 'x'\nmedia = [{ file = 'a', knd = 'file' }]\n+++\n", 3, "`knd`", ""),
        ("+++\ntitle = 'x'\nmedia = [{ file = 'a', kind = 'film' }]\n+++\n", 3, "film", ""),
        ("+++\ntitle = 'x'\nbuttons = [{ text = 'a' }]\n+++\n", 3, "`url` is missing", "url"),
        ("+++\ntitle = 'x'\nmedia = ['a.jpg',\n'../b.jpg']\n+++\n", 4, "../b.jpg", "picture.jpg"),
        ("+++\ntitle = 'x'\nmedia = ['/etc/passwd']\n+++\n", 3, "/etc/passwd", ""),
        ("+++\ntitle = 'x'\nmedia = ['C:\\a.jpg']\n+++\n", 3, "C:", ""),
        ("+++\ntitle = 'x'\nmedia = ['']\n+++\n", 1, '""', ""),
        ("+++\ntitle = 'x'\nmedia = ['ftp://x.example/a.jpg']\n+++\n", 3, "ftp:", ""),
        ("+++\ntitle = 'x'\n+++\nA\nB\ufdd00\ufdd1\n", 5, "U+FDD0", "Delete"),
        ("+++\ntitle = 'x'\n+++\n\x1b[1m\n", 4, "U+001B", "Delete"),
        ("+++\ntitle = 'x'\n+++\nŐ\nű".encode("cp1250"), 4, "not UTF-8", "UTF-8"),
    ],
)
def test_load_names_line_and_remedy_of_a_wrong_file(tmp_path, content, line, message, hint):
    fault = fault_of(tmp_path, content)
    assert message in fault.message
    assert hint in fault.hint
    assert fault.where == f"{tmp_path / 'x' / 'en.md'}:{line}"
    assert fault.exit_code == 2


def test_text_falls_back_from_member_to_shop_to_english(tmp_path):
    put(tmp_path, "sale", hu=HEAD, en=HEAD, fi=HEAD)
    template = load_template(tmp_path, "sale")
    assert template.text_for("fi", "hu").language == "fi"
    assert template.text_for("cs", "hu").language == "hu"
    assert template.text_for("cs", "ru").language == "en"


def test_text_for_says_what_to_write_when_no_language_fits(tmp_path):
    put(tmp_path, "sale", fi=HEAD)
    with pytest.raises(TemplateFault) as caught:
        load_template(tmp_path, "sale").text_for("cs", "hu")
    assert caught.value.kind == "missing-language"
    assert "fi" in caught.value.message
    assert "cs.md" in caught.value.hint


def test_digest_covers_every_file_and_no_litter(tmp_path):
    own = put(tmp_path, "sale", en=HEAD, hu=HEAD)
    (own / "a.jpg").write_bytes(b"one")
    before = load_template(tmp_path, "sale").digest
    (own / ".DS_Store").write_bytes(b"x")
    (own / "Thumbs.db").write_bytes(b"x")
    (own / "en.md~").write_bytes(b"x")
    assert load_template(tmp_path, "sale").digest == before
    (own / "a.jpg").write_bytes(b"two")
    changed_picture = load_template(tmp_path, "sale").digest
    (own / "hu.md").write_text(HEAD + "x")
    changed_text = load_template(tmp_path, "sale").digest
    (own / "a.jpg").rename(own / "b.jpg")
    renamed = load_template(tmp_path, "sale").digest
    assert len({before, changed_picture, changed_text, renamed}) == 4
    assert len(before) == 64


def test_digest_is_of_the_texts_that_were_read(tmp_path):
    own = put(tmp_path, "sale", en=HEAD)
    loaded = load_template(tmp_path, "sale")
    (own / "en.md").write_text(HEAD + "changed since")
    assert loaded.digest != load_template(tmp_path, "sale").digest


def test_media_carries_path_size_digest_and_public_address(tmp_path):
    own = put(tmp_path, "sale", en='+++\ntitle = "x"\nmedia = ["tavaszi kép.jpg"]\n+++\n')
    (own / "tavaszi kép.jpg").write_bytes(b"picture")
    template = load_template(tmp_path, "sale")
    text = template.texts["en"]
    media = resolve_media(template, text, text.media[0], "https://x.example/t/")
    assert media.url == "https://x.example/t/sale/tavaszi%20k%C3%A9p.jpg"
    assert (media.kind, media.name, media.size) == ("picture", "tavaszi kép.jpg", 7)
    assert media.digest == hashlib.sha256(b"picture").hexdigest()
    assert Path(media.path).is_absolute()
    assert Path(media.path).read_bytes() == b"picture"
    assert resolve_media(template, text, text.media[0], "").url == ""


def test_media_on_the_web_keeps_its_address(tmp_path):
    put(tmp_path, "sale", en='+++\ntitle = "x"\nmedia = ["https://x.example/a/b%20c.png?v=1"]\n+++\n')
    template = load_template(tmp_path, "sale")
    text = template.texts["en"]
    media = resolve_media(template, text, text.media[0], "")
    assert (media.url, media.name, media.kind, media.path) == (
        "https://x.example/a/b%20c.png?v=1",
        "b c.png",
        "picture",
        "",
    )


@pytest.mark.parametrize(("name", "content"), [("pictur.jpg", b"x"), ("picture.jpg", b"")])
def test_media_that_is_missing_or_empty_is_named_with_its_line(tmp_path, name, content):
    own = put(tmp_path, "sale", en='+++\ntitle = "x"\n\nmedia = ["picture.jpg"]\n+++\n')
    (own / name).write_bytes(content)
    template = load_template(tmp_path, "sale")
    text = template.texts["en"]
    with pytest.raises(TemplateFault) as caught:
        resolve_media(template, text, text.media[0], "")
    assert caught.value.kind == "missing-media"
    assert caught.value.where == f"{text.path}:4"
    assert "picture.jpg" in caught.value.message
    assert name == "picture.jpg" or name in caught.value.hint


def test_media_does_not_follow_a_link_out_of_the_folder(tmp_path):
    own = put(tmp_path, "sale", en='+++\ntitle = "x"\nmedia = ["a.jpg"]\n+++\n')
    (tmp_path / "secret").write_bytes(b"secret")
    try:
        (own / "a.jpg").symlink_to(tmp_path / "secret")
    except OSError:
        pytest.skip("this system makes no symbolic links")
    template = load_template(tmp_path, "sale")
    text = template.texts["en"]
    with pytest.raises(TemplateFault):
        resolve_media(template, text, text.media[0], "")


def test_new_template_writes_a_file_a_language_that_loads(tmp_path):
    paths = new_template(tmp_path, "spring", LANGUAGES)
    assert [path.name for path in paths] == [f"{language}.md" for language in LANGUAGES]
    assert set(load_template(tmp_path, "spring").texts) == set(LANGUAGES)


def test_new_template_refuses_to_overwrite(tmp_path):
    own = put(tmp_path, "spring", hu=HEAD)
    with pytest.raises(InputError, match="already"):
        new_template(tmp_path, "spring", ["hu", "en"])
    assert [path.name for path in own.iterdir()] == ["hu.md"]
    assert (own / "hu.md").read_text() == HEAD


@pytest.mark.parametrize(
    ("name", "languages"), [("replies", ["hu"]), ("../x", ["hu"]), ("x", ["de"]), ("x", [])]
)
def test_new_template_refuses_wrong_names_and_languages(tmp_path, name, languages):
    with pytest.raises(InputError):
        new_template(tmp_path / "templates", name, languages)
    assert list(tmp_path.iterdir()) == []
