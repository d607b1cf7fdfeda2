"""What `template new` writes: a text in each language that can be sent as it stands, to be rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vipcast.announcements.templates import validate_name
from vipcast.config import LANGUAGES
from vipcast.errors import InputError, did_you_mean

_TITLES = {
    "hu": "Hírek a boltból",
    "cs": "Novinky z obchodu",
    "fi": "Uutisia myymälästä",
    "ru": "Новости магазина",
    "en": "News from the shop",
}

_BODIES = {
    "hu": """\
{% if member.formal %}
Tisztelt {{ member.name }}!

Szeretnénk, ha Ön az elsők között értesülne a híreinkről. Szívesen látjuk üzletünkben.

Szívélyes üdvözlettel: {{ shop.name }}

Kérdése van? Írjon nekünk [privát üzenetben]({{ support.link }}).
{% else %}
Kedves {{ member.first_name or member.name }}!

Szeretnénk, ha te az elsők között értesülnél a híreinkről. Szívesen látunk az üzletünkben.

Szeretettel: {{ shop.name }}

Kérdésed van? Írj nekünk [privát üzenetben]({{ support.link }}).
{% endif %}
""",
    "cs": """\
{% if member.formal %}
Dobrý den,

rádi Vám o našich novinkách dáme vědět mezi prvními. Těšíme se na Vás v obchodě.

S přátelským pozdravem {{ shop.name }}

Máte otázku? Napište nám [soukromou zprávu]({{ support.link }}).
{% else %}
Ahoj,

rádi ti o našich novinkách dáme vědět mezi prvními. Těšíme se na tebe v obchodě.

Měj se hezky, {{ shop.name }}

Máš otázku? Napiš nám [soukromou zprávu]({{ support.link }}).
{% endif %}
""",
    "fi": """\
{% if member.formal %}
Hyvä asiakkaamme,

haluamme kertoa uutisemme Teille ensimmäisten joukossa. Olette lämpimästi tervetullut myymäläämme.

Ystävällisin terveisin {{ shop.name }}

Onko Teillä kysyttävää? Kirjoittakaa meille [yksityisviesti]({{ support.link }}).
{% else %}
Hei {{ member.first_name or member.name }},

haluamme kertoa uutisemme sinulle ensimmäisten joukossa. Olet lämpimästi tervetullut myymäläämme.

Lämpimin terveisin {{ shop.name }}

Onko sinulla kysyttävää? Kirjoita meille [yksityisviesti]({{ support.link }}).
{% endif %}
""",
    "ru": """\
{% if member.formal %}
Здравствуйте, {{ member.name }}!

Мы хотим, чтобы Вы узнавали наши новости одними из первых. Будем рады видеть Вас в магазине.

С уважением, {{ shop.name }}

Есть вопрос? Напишите нам [личное сообщение]({{ support.link }}).
{% else %}
Привет, {{ member.first_name or member.name }}!

Мы хотим, чтобы наши новости доходили до тебя раньше, чем до других. Будем рады видеть тебя в магазине.

С теплом, {{ shop.name }}

Есть вопрос? Напиши нам [личное сообщение]({{ support.link }}).
{% endif %}
""",
    "en": """\
{% if member.formal %}Dear {{ member.name }}{% else %}Hello {{ member.first_name or member.name }}{% endif %},

We would like you to be among the first to hear our news. You are warmly welcome in our shop.

{% if member.formal %}With kind regards{% else %}Warmly{% endif %}, {{ shop.name }}

A question? Send us a [private message]({{ support.link }}).
""",
}

_FILE = """\
+++
title = "{title}"
# media = ["picture.jpg"]   # a picture that stands beside this file
+++
{body}"""


def new_template(folder: Path, name: str, languages: Sequence[str]) -> list[Path]:
    """Write a template into the templates folder and return its files.

    Raises:
        InputError: the name is taken or cannot be one, a language is not known, or writing fails.

    """
    validate_name(name)
    for language in languages:
        if language not in LANGUAGES:
            raise InputError(
                f'"{language}" is no language that templates can be in.',
                hint=did_you_mean(language, LANGUAGES) or f"Choose from {', '.join(LANGUAGES)}.",
            )
    if not languages:
        raise InputError("A template needs a language.", hint=f"Choose from {', '.join(LANGUAGES)}.")
    own = folder / name
    paths = [own / f"{language}.md" for language in dict.fromkeys(languages)]
    try:
        own.mkdir(parents=True)
        for path in paths:
            text = _FILE.format(title=_TITLES[path.stem], body=_BODIES[path.stem])
            path.write_text(text, encoding="utf-8", newline="\n")
    except FileExistsError as error:
        raise InputError(
            f'There is a template "{name}" already; nothing was written.',
            hint="Choose another name, or edit the files that are there.",
            where=str(own),
        ) from error
    except OSError as error:
        raise InputError(
            f"{own} cannot be written: {error.strerror}.",
            hint="See that you may write to the templates folder.",
            where=str(own),
        ) from error
    return paths
