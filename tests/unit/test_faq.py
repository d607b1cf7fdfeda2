"""The shop's own answers: labelled questions, the files and their faults, and hostile text."""

from __future__ import annotations

import csv
import functools
import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vipcast.config import LANGUAGES
from vipcast.conversations.faq import THRESHOLD, Entry, Faq, as_entry, load, load_all
from vipcast.errors import InputError

ROOT = Path(__file__).parents[2]
REPLIES = ROOT / "templates" / "replies"
LABELLED = ROOT / "tests" / "data" / "replies" / "faq_labelled.csv"
IDS = [
    "opening-hours", "address", "returns", "gift", "payment", "reserve", "alterations", "delivery", "vip-group",
    "leave-group",
]  # fmt: skip
PRECISION = 0.98
# Seen, over all languages: 0.88 on the half it was tuned with, 0.73 on the other; Hungarian is the lowest.
RECALL = {"tuning": 0.84, "held-out": 0.70}
RECALL_OF_ONE = {"tuning": 0.80, "held-out": 0.52}


@functools.cache
def sample() -> dict[str, Faq]:
    return load_all(REPLIES)


def labelled() -> list[dict[str, str]]:
    with LABELLED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def half_of(row: dict[str, str]) -> str:
    """Stable: nothing but the row itself decides, so that new rows move no old one."""
    digest = hashlib.sha256(f"{row['language']}\n{row['message']}".encode()).digest()
    return "held-out" if digest[0] % 2 else "tuning"


def answered(language: str, message: str) -> str:
    match = sample()[language].best(message)
    return match.entry.id if match else ""


def measure(rows: list[dict[str, str]], label: str) -> tuple[float, float]:
    """Print and return precision and recall."""
    answers = [(answered(row["language"], row["message"]), row["entry"]) for row in rows]
    right = sum(given == wanted != "" for given, wanted in answers)
    precision = right / max(1, sum(given != "" for given, _ in answers))
    recall = right / max(1, sum(wanted != "" for _, wanted in answers))
    print(f"{label}: {len(rows)} messages, precision {precision:.3f}, recall {recall:.3f}")
    return precision, recall


@pytest.mark.parametrize("half", ["tuning", "held-out"])
def test_answers_are_right_on_labelled_messages(half: str):
    rows = [row for row in labelled() if half_of(row) == half]
    for language in LANGUAGES:
        precision, recall = measure(
            [row for row in rows if row["language"] == language], f"{half} {language}"
        )
        assert precision >= PRECISION
        assert recall >= RECALL_OF_ONE[half]
    precision, recall = measure(rows, f"{half} all")
    assert precision >= PRECISION
    assert recall >= RECALL[half]


def test_labelled_set_has_both_kinds_in_every_language():
    rows = labelled()
    assert {row["entry"] for row in rows} == {"", *IDS}
    for language in LANGUAGES:
        own = [row for row in rows if row["language"] == language]
        assert len(own) >= 60
        assert len({row["message"] for row in own}) == len(own)
        assert 0.4 <= sum(not row["entry"] for row in own) / len(own) <= 0.6


def test_sample_has_the_same_entries_in_every_language():
    assert {
        language: [entry.id for entry in faq.entries] for language, faq in sample().items()
    } == dict.fromkeys(sorted(LANGUAGES), IDS)


def test_every_variant_and_every_button_of_the_sample_is_answered():
    for language, faq in sample().items():
        for entry in faq.entries:
            assert {answered(language, question) for question in entry.questions} == {entry.id}
            assert all(answered(language, button) for button in entry.buttons)


def test_sample_says_the_hours_of_the_sample_shop():
    for faq in sample().values():
        answer = faq.entries[0].answer
        assert "{{ shop.name }}" in answer
        assert re.findall(r"\d+(?=[:.]|[–\s]|$)", answer.split("\n\n")[1])[0] == "9"
        assert "12:30" in answer.replace(".", ":")


SMALL = Faq(
    "en",
    (
        Entry("hours", ("When are you open?", "Are you open on Saturday?", "Opening hours"), "9 to 5"),
        Entry("card", ("Can I pay by card?",), "Yes"),
        Entry("where", ("Where are you?",), "Here"),
    ),
)


@pytest.mark.parametrize(
    ("message", "entry"),
    [
        ("When are you open?", "hours"),
        ("HI!!! when are you OPEN, please? 😊 Thanks!", "hours"),
        ("are you open saturday", "hours"),
        ("Can I pay by crad?", "card"),
        ("by card can I pay?", "card"),
        ("opening hours", "hours"),
        ("When are you open? Are you open on Saturday?", "hours"),
        ("Hello. Could you tell me when you are open?", "hours"),
        ("Where are you?", "where"),
    ],
)
def test_question_is_answered_however_it_is_typed(message: str, entry: str):
    match = SMALL.best(message)
    assert match is not None
    assert match.entry.id == entry
    assert THRESHOLD <= match.score <= 100
    assert match.question in match.entry.questions


@pytest.mark.parametrize(
    "message",
    [
        "When are you open? Can I pay by card?",  # two matters
        "When are you open and can I pay by card?",
        "When are you open? My sister likes the blue dress.",
        "Are you open on Saturday 24 December?",
        "Are you open at Christmas?",
        "Are you not open on Saturday?",
        "When are you open? The coat is broken!",
        "When are you open? I want to talk to a person",
        "When are you open? Order 12345",
        "I can pay by card",
        "Where is it?",
        "Where?",
        "open",
        "👍",
        "",
        "?!",
        "When are you open? " * 30,
    ],
)
def test_second_matter_or_another_question_is_left_to_a_person(message: str):
    assert SMALL.best(message) is None


def test_what_the_shop_wrote_is_answered_whatever_it_sounds_like():
    faq = Faq("en", (Entry("broken", ("What if it is broken? Who pays, order 123?",), "We do"),))
    assert faq.best("hi, WHAT if it is broken, who pays order 123") is not None
    assert faq.best("What if it is broken?") is None


def test_two_entries_that_come_equally_near_are_left_to_a_person():
    faq = Faq(
        "en", (Entry("a", ("Do you repair red shoes?",), "A"), Entry("b", ("Do you repair red bags?",), "B"))
    )
    assert faq.best("Do you repair red shoes?") is not None
    assert faq.best("Do you repair red?", threshold=10) is None


def test_no_entries_answer_nothing():
    assert Faq("en").best("When are you open?") is None


def write(folder: Path, text: str, name: str = "faq.en.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_missing_file_or_folder_is_an_empty_faq(tmp_path: Path):
    assert load(tmp_path, "hu") == Faq("hu")
    assert load_all(tmp_path / "none") == {}


def test_file_is_read_with_its_defaults(tmp_path: Path):
    write(tmp_path, '\n[[entry]]\nquestions = [" Where are you? "]\nanswer = " Here, {{ shop.name }}. "\n')
    (entry,) = load(tmp_path, "en").entries
    assert entry == Entry(
        "entry-1", ("Where are you?",), "Here, {{ shop.name }}.", (), f"{tmp_path / 'faq.en.toml'}:2"
    )


def test_other_files_of_the_folder_are_not_read(tmp_path: Path):
    write(tmp_path, "not TOML", "welcome.toml")
    assert list(load_all(write(tmp_path, "", "faq.fi.toml"))) == ["fi"]


GOOD = '[[entry]]\nid = "a"\nquestions = ["Where are you?"]\nanswer = "Here"\n'


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        (GOOD + "[[entry]\n", 5, ["not valid TOML"]),
        (GOOD + '[[entry]]\nquestions = ["x"]\nanser = "y"\n', 7, ["entry 2", "`anser`"]),
        (GOOD + '[[entry]]\nquestions = ["x"]\n', 5, ["entry 2", "`answer`", "missing"]),
        (GOOD + '[[entry]]\nquestions = []\nanswer = "y"\n', 6, ["entry 2", "`questions`", "empty"]),
        (GOOD + '[[entry]]\nquestions = ["b", " "]\nanswer = "y"\n', 6, ["entry 2", "`questions`", "empty"]),
        (GOOD + '[[entry]]\nquestions = ["?!"]\nanswer = "y"\n', 6, ["entry 2", "`questions`", "no words"]),
        (GOOD + '[[entry]]\nquestions = ["b"]\nanswer = " "\n', 7, ["entry 2", "`answer`", "empty"]),
        (
            GOOD + '[[entry]]\nquestions = ["b"]\nanswer = "y"\nbuttons = [""]\n',
            8,
            ["entry 2", "`buttons`", "empty"],
        ),
        (GOOD + '[[entry]]\nquestions = "b"\nanswer = "y"\n', 6, ["entry 2", "`questions`", "list"]),
        (
            GOOD + '[[entry]]\nquestions = ["c",\n"where ARE you"]\nanswer = "y"\n',
            7,
            ["entry 2", "`questions`", "a (line 1)"],
        ),
        (GOOD + '[[entry]]\nid = "a"\nquestions = ["c"]\nanswer = "y"\n', 6, ["entry 2", "`id`", '"a"']),
        ('[[entries]]\nquestions = ["c"]\nanswer = "y"\n', 1, ["`entries`"]),
        ('[entry]\nquestions = ["c"]\nanswer = "y"\n', 1, ["`entry`"]),
        ('title = "x"\n' + GOOD, 1, ["`title`"]),
    ],
)
def test_wrong_file_names_line_entry_and_key(tmp_path: Path, text: str, line: int, parts: list[str]):
    with pytest.raises(InputError) as caught:
        load(write(tmp_path, text), "en")
    message = caught.value.message
    assert message.startswith("faq.en.toml")
    assert [part for part in parts if part not in message] == []
    assert caught.value.where == f"{tmp_path / 'faq.en.toml'}:{line}"
    assert caught.value.hint


def test_file_of_an_unknown_language_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="xx") as caught:
        load_all(write(tmp_path, GOOD, "faq.xx.toml"))
    assert caught.value.where == str(tmp_path / "faq.xx.toml")
    assert caught.value.hint


@pytest.mark.parametrize("language", LANGUAGES)
def test_sample_question_is_ready_to_paste(language: str, tmp_path: Path):
    question = sample()[language].entries[1].questions[0]
    pasted = as_entry(question).replace('answer = ""', 'answer = "Here"')
    assert load(write(tmp_path, pasted, f"faq.{language}.toml"), language).entries[0].questions == (question,)


def test_pasted_entry_without_an_answer_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="answer"):
        load(write(tmp_path, GOOD + as_entry("What now?")), "en")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
@example('quote " and \\ backslash')
@example("\ud800\x00\x7f\u2028")
def test_whatever_was_asked_becomes_valid_toml(question: str):
    entry = tomllib.loads(as_entry(question))["entry"][0]
    assert entry["answer"] == ""
    (shown,) = entry["questions"]
    assert shown == " ".join(question.split()).translate(dict.fromkeys(range(0xD800, 0xE000), "\ufffd"))


WORDS = [
    "when",
    "are",
    "you",
    "open",
    "nyitva",
    "ma",
    "?",
    ".",
    "и",
    "sobota",
    "card",
    "12",
    "vip",
    "tilaus",
    "\0",
    "\u0301",
]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(LANGUAGES),
    st.one_of(st.text(max_size=400), st.lists(st.sampled_from(WORDS), max_size=80).map(" ".join)),
)
@example("hu", "\u0301\u0316" * 2048)
@example("ru", "a " * 2048)
@example("en", "\ud800 when are you open?")
def test_any_text_is_answered_or_not_and_never_raises(language: str, text: str):
    match = sample()[language].best(text)
    assert match is None or (THRESHOLD <= match.score <= 100 and match.question in match.entry.questions)
