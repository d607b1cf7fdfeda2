"""Whatever a shop calls a group's chat and says of it, that stands in its texts exactly, or there is a fault."""

from __future__ import annotations

import re
from pathlib import Path

from capabilities import TELEGRAM, VIBER
from hypothesis import example, given
from hypothesis import strategies as st

from vipcast.announcements.expressions import plain_value
from vipcast.announcements.rendering import GroupView, MemberView, Support
from vipcast.announcements.templates import TemplateFault
from vipcast.config import LANGUAGES
from vipcast.conversations.replies import ABOUT_LIMIT, Replies

REPLIES = Replies(
    Path("nowhere"), shop_name="Régi Divat", shop_language="hu", support=Support("S", "https://t.me/segit")
)
LINK = "https://t.me/+A_b*c__d"
languages = st.sampled_from(LANGUAGES)
words = st.one_of(
    st.text(min_size=1, max_size=80),
    st.text("*_[]()<>#`~\\ \n.1-!&{}%|", min_size=1, max_size=40),
).filter(lambda text: plain_value(text).strip())


@given(words, words, languages, st.booleans())
@example("a\n\n# b", "*_[", "hu", True)
def test_title_and_purpose_appear_exactly(title, purpose, language, formal):
    group, member = GroupView("gold", purpose), MemberView("Anna", language=language, formal=formal)
    invitation = REPLIES.message(
        "invitation", member, VIBER, group=group, link=LINK, until="29 November 2026", chat=title
    )
    welcome = REPLIES.to_chat(
        "chat_welcome",
        group,
        language=language,
        formal=formal,
        capabilities=VIBER,
        messenger="viber",
        members_write="yes",
    )
    assert plain_value(title).strip() in invitation.text
    assert LINK in invitation.text
    for message in (invitation, welcome):
        assert plain_value(purpose).strip() in message.text


@given(st.one_of(words, st.text("я👩a \n", min_size=100, max_size=300)), languages)
@example("x" * 400, "ru")
@example(" " * 300 + "x", "en")
def test_description_holds_the_purpose_in_one_paragraph_or_is_refused(purpose, language):
    group = GroupView("gold", purpose)
    try:
        message = REPLIES.to_chat(
            "about", group, language=language, formal=True, capabilities=TELEGRAM, messenger="telegram"
        )
    except TemplateFault as fault:
        refused = fault
    else:
        refused = None
    if refused:
        assert refused.kind == "too-long"
        assert len(purpose) > ABOUT_LIMIT // 3
    else:
        assert len(message.text) <= ABOUT_LIMIT
        assert "\n" not in message.text
        assert re.sub(r"\s*\n\s*", " ", plain_value(purpose)).strip() in message.text
