"""What a short message is, told by its words alone: an opt-out, thanks, a complaint, a question.

Hungarian, Czech, Finnish, Russian and English at once, whatever the member's own language is; with or
without accents, capitals, punctuation and emoji. Each function says which mistake it would rather make.
All are pure and linear in the length of the text, look at its first 4096 characters and never raise.
"""

from __future__ import annotations

import re

from vipcast.conversations import words_moods as moods
from vipcast.conversations import words_phrases as phrases
from vipcast.conversations.words_folding import (
    LONGEST,
    Phrases,
    Sentence,
    fold,
    has_emoji,
    sentences,
    without_links,
)

_LONGEST_WISH = 200  # characters; who says more than a wish to stop is read by a person
_COMMAND = re.compile(r"\s*/(\w+)(?:@\w+)?(?=\s|$)")  # a bot's command, in a group with the bot's name
_ENDING_E = re.compile(r"\w-e\b(?!-)")  # the Hungarian question ending: nyitva vannak-e
_LI = re.compile(r"(?<!\S)ли ")
_NO_ANSWER_MARKS = frozenset("?❓❔🤔⁉？؟")
_QUESTION_MARKS = frozenset("?？؟❓❔⁉")
_PAST = re.compile(r"(?:when|what|where|how|which|who) (?:i|we) ")


def is_opt_out(text: str) -> bool:
    """Return whether the whole message says that news is no longer wanted.

    Errs towards no: a message that says anything else besides is for a person to read.
    """
    if len(text) > _LONGEST_WISH:
        return False
    if (command := _COMMAND.match(text)) and command[1].casefold() in phrases.COMMANDS_OUT:
        return not _wish(text[command.end() :])
    wish = _wish(text)
    if _asks(text):
        return phrases.OPT_OUT_REQUEST.are_all_of(wish)
    return phrases.OPT_OUT.are_all_of(wish) or _is_core(phrases.OPT_OUT_CORE, phrases.OPT_OUT_AROUND, wish)


def is_opt_in(text: str) -> bool:
    """Return whether the whole message asks for news; a `/start` that carries a code is not one.

    Errs towards no: without consent nothing is sent.
    """
    if len(text) > _LONGEST_WISH or _asks(text):
        return False
    if (command := _COMMAND.match(text)) and command[1].casefold() in phrases.COMMANDS_IN:
        return not _wish(text[command.end() :])
    wish = _wish(text)
    return phrases.OPT_IN.are_all_of(wish) or _is_core(phrases.OPT_IN_CORE, phrases.OPT_IN_AROUND, wish)


def wants_person(text: str) -> bool:
    """Return whether the message asks, among other things, to talk with a person.

    Errs towards yes: then a person reads one message more.
    """
    folded = fold(without_links(text))
    return moods.PERSON.are_in(folded) or moods.PERSON_ALONE.are_all_of(phrases.POLITE.removed_from(folded))


def is_complaint(text: str) -> bool:
    """Return whether the message sounds angry or unhappy, or tells of something broken or wrong.

    Errs towards yes: it only flags the message to people. Thanks alone never fire.
    """
    if any(one in moods.ANGRY for one in text[:LONGEST]):
        return True
    if is_thanks(text):
        return False
    return moods.COMPLAINT.are_in(moods.CALM.removed_from(fold(without_links(text))))


def is_question(text: str) -> bool:
    """Return whether a person would expect an answer.

    A question mark counts always, a web address's excepted; without one, how its sentences begin, and
    words such as "please tell me". Errs towards yes, but not for "What a lovely dress!".
    """
    bare = without_links(text)
    if _asks(bare) or _ENDING_E.search(bare):
        return True
    folded = fold(bare)
    return (
        moods.ASKING.are_in(folded) or bool(_LI.search(folded)) or any(map(_begins_asking, sentences(bare)))
    )


def is_thanks(text: str) -> bool:
    """Return whether the message is nothing but thanks, a greeting, "ok" or a friendly emoji.

    Errs towards no: an answer too many is better than a question nobody reads. An empty text is none,
    for a picture may have come with it.
    """
    text = text[:LONGEST]
    if any(one in _NO_ANSWER_MARKS or one in moods.ANGRY for one in text):
        return False
    folded = fold(text)
    if not folded:
        return has_emoji(text)
    rest = phrases.THANKS.removed_from(folded)
    return rest != folded and not phrases.BETWEEN.removed_from(rest)


def without_polite_words(folded: str) -> str:
    """Return folded text without greetings, thanks and please."""
    return phrases.POLITE.removed_from(folded)


def _wish(text: str) -> str:
    """Return a message's folded words without polite ones, and each that is said twice in a row once."""
    kept: list[str] = []
    for word in phrases.AT_ONCE.removed_from(phrases.POLITE.removed_from(fold(text))).split():
        if kept[-1:] != [word]:
            kept.append(word)
    return " ".join(kept) + " " if kept else ""


def _is_core(core: Phrases, around: Phrases, folded: str) -> bool:
    """Return whether a phrase of the core stands there, and else nothing but words of the other list."""
    rest = core.removed_from(folded)
    return rest != folded and not around.removed_from(rest)


def _asks(text: str) -> bool:
    return any(one in _QUESTION_MARKS for one in text[:LONGEST])


def _begins_asking(sentence: Sentence) -> bool:
    folded = phrases.POLITE.removed_from(" ".join(sentence.words) + " ")
    if "!" in sentence.end and moods.EXCLAMATION.begin(folded):
        return False
    return moods.QUESTION_START.begin(folded) and not _PAST.match(folded)
