"""Write the sample shop's member files, byte for byte as Excel saves them in four countries.

    python tools/make_recipients.py [FOLDER]

The people are invented, and their Telegram names carry the name of the shop. The telephone numbers have to
be valid, so they are made like the 555-01xx of films; only North America reserves those, and elsewhere
somebody may have such a number: send to these files in the sandbox alone. One number in `hungary.csv` ends
in 0000, which the sandbox treats as not being on Telegram.
"""
# ruff: noqa: E501 - a folder of scripts, not a package; rows of a table are not wrapped

from __future__ import annotations

import base64
import codecs
import csv
import hashlib
import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

RECIPIENTS = Path(__file__).resolve().parent.parent / "recipients"
ON_VIBER = "yes"  # in the tables below; written as an id, which Viber gives per person and per bot
VIBER_COLUMN = 4
LONG_NAME = "Ő" * 5_000


@dataclass(frozen=True)
class Sheet:
    """One file: how it is encoded and separated, its header row, and its rows, cells parted by `|`."""

    name: str
    encoding: str
    delimiter: str
    header: str
    rows: str
    bom: bytes = b""

    def table(self) -> list[list[str]]:
        """Return all rows, the header first, with a Viber id wherever one is due."""
        rows = [[cell.strip() for cell in line.split("|")] for line in self.rows.strip().splitlines()]
        for row in rows:
            if row[VIBER_COLUMN] == ON_VIBER:
                row[VIBER_COLUMN] = viber_id(f"{row[0]} {row[1]}")
        return [self.header.split("|"), *rows]

    def content(self) -> bytes:
        return self.bom + as_excel(self.table(), self.delimiter).encode(self.encoding)


def viber_id(name: str) -> str:
    """Return an id that looks like Viber's: 16 bytes in base64, always the same for one name."""
    return base64.b64encode(hashlib.sha256(f"viber {name}".encode()).digest()[:16]).decode("ascii")


def as_excel(rows: Iterable[list[str]], delimiter: str) -> str:
    """Return rows as Excel writes them: CRLF, and quotes only around cells that need them."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


HUNGARY = Sheet(
    name="hungary.csv",
    encoding="cp1250",
    delimiter=";",
    header="Vezetéknév|Keresztnév|Telefonszám|Telegram|Viber azonosító|Üzenetküldő|Nyelv|Megszólítás"
    "|Születésnap|Hozzájárulás ideje|Hozzájárulás forrása",
    rows="""
Kovács|Anna|06 30 555 0101|@anna_regidivat||Telegram|hu|tegezés|1984. 05. 12.|2025. 03. 04.|papíron a boltban
Őze|Ödön|06 20 555 0102|||Telegram|hu|magázás|1957. 11. 30.|2025. 03. 04.|papíron a boltban
Szűcs|Tünde|+36 70 555 0103||yes|Viber|hu|tegezés|1991. 02. 17.|2025. 04. 22.|Viberen kérte
Kovácsné Tóth|Mária|06-30-555-0104||yes|Viber|hu|magázás|1949. 08. 20.|2025. 04. 25.|papíron; átvette Judit
Győrffy|Zsófia|06 20 555 0105|@zsofi_regidivat|yes|Telegram|hu|tegezés|1988. 12. 06.|2025. 05. 09.|törzskártya
Lőrincz|Ágoston|06 70 555 0000|||Telegram|hu|magázás|1962. 03. 15.|2025. 05. 16.|törzskártya
Hajdú|Réka|06/30 555-0106||yes|Viber|hu|tegezés|1995. 07. 03.|2025. 06. 11.|Viberen kérte
Bíró|Gergő|+36 20 555 0107|@gergo_regidivat||Telegram|hu|tegezés||2025. 09. 02.|Telegramon kérte
Németh|Ilona|06 30 555 0108|||Telegram|hu|magázás|1953. 01. 28.||
Fűzesi|Borbála|0036 70 555 0109|@bori_regidivat||Telegram|hu|tegezés|1999. 10. 21.|2025. 10. 14.|papíron a boltban
Wéber|Márton|06 20 555 0110||yes|Viber|hu|magázás|1971. 06. 09.|2025. 11. 20.|papíron a boltban
Orosz|Nyina|06 30 555 0111|@nyina_regidivat||Telegram|ru|magázás|1966. 04. 01.|2026. 01. 15.|törzskártya
Brown|Charlotte|+36 70 555 0112|@charlotte_regidivat|yes|Viber|en|tegezés||2026. 02. 03.|webes űrlap
Vörös|Kálmán|06 20 555 0113|||Telegram|hu|magázás|1960. 09. 24.||
""",
)

CZECHIA = Sheet(
    name="czechia.csv",
    encoding="cp1250",
    delimiter=";",
    header="Příjmení|Jméno|Telefon|Telegram|Viber ID|Messenger|Jazyk|Oslovení|Datum narození|Souhlas udělen"
    "|Zdroj souhlasu",
    rows="""
Nováková|Šárka|+420 603 555 101|@sarka_regidivat||Telegram|cs|tykání|14.2.1987|5.3.2025|papírově v obchodě
Dvořák|Řehoř|777 555 102|||Telegram|cs|vykání|30.9.1959|5.3.2025|papírově v obchodě
Ďuricová|Žaneta|602 555 103||yes|Viber|cs|tykání|8.12.1993|17.4.2025|zpráva přes Viber
Ječmínek|Ondřej|00420 731 555 104|@ondra_regidivat|yes|Telegram|cs|tykání||29.5.2025|webový formulář
Růžičková|Květoslava|+420 608 555 105||yes|Viber|cs|vykání|21.6.1951|12.6.2025|věrnostní karta
Šťastný|Jiří|724 555 106|||Telegram|cs|vykání|3.11.1968||
Krížová|Ľubica|+420 605 555 107|@lubica_regidivat||Telegram|cs|tykání|27.7.1990|18.9.2025|věrnostní karta
Černý|Přemysl|739 555 108||yes|Viber|cs|vykání|19.1.1975|23.10.2025|papírově v obchodě; převzala Jana
Petrovová|Naďa|+420 776 555 109|@nada_regidivat||Telegram|ru|vykání||20.1.2026|webový formulář
""",
)

FINLAND = Sheet(
    name="finland.csv",
    encoding="utf-8",
    bom=codecs.BOM_UTF8,
    delimiter=";",
    header="Sukunimi|Etunimi|Puhelin|Telegram|Viber-tunnus|Viestisovellus|Kieli|Puhuttelu|Syntymäaika"
    "|Suostumuksen aika|Suostumuksen lähde",
    rows="""
Äijälä|Yrjö|040 555 0101|||Telegram|fi|teitittely|24.12.1950|6.3.2025|paperilla myymälässä
Virtanen|Anna-Liisa|050 555 0102|@annaliisa_regidivat||Telegram|fi|sinuttelu|13.5.1986|6.3.2025|paperilla myymälässä
Mäkelä|Päivi|+358 45 555 0103||yes|Viber|fi|sinuttelu|1.8.1979|24.4.2025|viesti Viberissä
Öhman|Åke|044 555 0104||yes|Viber|fi|teitittely|17.3.1956|15.5.2025|kanta-asiakaslomake
Hämäläinen|Väinö|041 555 0105|@vaino_regidivat|yes|Telegram|fi|sinuttelu||28.8.2025|verkkolomake
Yli-Härsilä|Säde|040 555 0106|||Telegram|fi|sinuttelu|30.11.1997||
Lindström|Göran|+358 50 555 0107||yes|Viber|en|teitittely|9.6.1963|13.11.2025|kanta-asiakaslomake
Jääskeläinen|Helmi|045 555 0108|@helmi_regidivat||Telegram|fi|sinuttelu|22.2.1992|5.2.2026|verkossa; linkki kuitissa
""",
)

RUSSIA = Sheet(
    name="russia.csv",
    encoding="utf-16-le",
    bom=codecs.BOM_UTF16_LE,
    delimiter="\t",
    header="Фамилия|Имя|Телефон|Telegram|Viber ID|Мессенджер|Язык|Обращение|Дата рождения|Дата согласия"
    "|Источник согласия",
    rows="""
Ёлкина|Ольга|8 (916) 555-01-01|@olga_regidivat||Telegram|ru|на Вы|31.12.1981|07.03.2025|на бумаге в магазине
Щукин|Пётр|+7 926 555-01-02|||Telegram|ru|на Вы|19.05.1958|07.03.2025|на бумаге в магазине
Подъяпольская|Юлия|8 903 555 01 03||yes|Viber|ru|на ты|04.10.1994|22.04.2025|сообщение в Viber
Цветкова|Эльвира|89855550104||yes|Viber|ru|на Вы|28.02.1967|16.05.2025|анкета постоянного покупателя
Жуков|Семён|8 (909) 555-01-05|@semyon_regidivat|yes|Telegram|ru|на ты||03.06.2025|форма на сайте
Хомякова|Мария-Анна|+7 (915) 555-01-06|||Telegram|ru|на Вы|13.07.1973||
Яшин|Фёдор|8-925-555-01-07||yes|Viber|ru|на ты|25.11.1989|30.09.2025|сообщение в Viber
Ким|Виктория|8 (967) 555-01-08|@vika_regidivat||Telegram|ru|на ты|02.01.1998|18.12.2025|форма на сайте
Бородач|Игорь|+7 977 555 01 09|||Telegram|ru|на Вы|16.08.1955||
""",
)

ENGLISH = Sheet(
    name="english.csv",
    encoding="utf-8",
    delimiter=",",
    header="Last name|First name|Phone|Telegram|Viber ID|Messenger|Language|Formal|Birthday|Consent at"
    "|Consent source",
    rows="""
O'Neill|Siobhán|+353 85 555 0101|@siobhan_regidivat||Telegram|en|no|1985-03-17|2025-03-10|on paper, in the shop
Brontë-Hall|Zoë|+1 202 555 0102||yes|Viber|en|no|1990-07-30|2025-04-24|message on Viber
Whitfield|Arthur|+353 86 555 0103|||Telegram|en|yes|1948-11-05|2025-06-19|loyalty card
Rosenberg|Miriam|+36 30 555 0131|@miriam_regidivat|yes|Viber|en|yes|1959-01-22|2026-01-08|web form
Okafor|Daniel|+1 202 555 0105|@daniel_regidivat||Telegram|en|no|||
""",
)

# The first column says what is wrong with the row, so that it can be laid beside what the import says.
FAULTY_HEADER = (
    "Note|Last name|First name|Phone|Telegram|Viber ID|Messenger|Language|Formal|Birthday|Consent at"
    "|Consent source"
)
FAULTY = f"""
no address at all|Sóvári|Elek||||Telegram|hu|yes|1970-01-31|2025-09-01|on paper
phone number too short|Rövid|Ella|06 30 12||||hu|yes||2025-09-01|on paper
phone number with a digit too many|Hosszú|Lajos|06 30 555 01201||||hu|yes||2025-09-01|on paper
birthday in the phone column|Kelemen|Dóra|1984-05-12||||hu|no||2025-09-01|on paper
tax number in the phone column|Adorján|Imre|8412345671||||hu|yes||2025-09-01|on paper
number that Excel turned into 3.63E+10|Tábla|Edit|3.63E+10||||hu|yes||2025-09-01|on paper
formula in the phone column|Képlet|Géza|=1+1||||hu|yes||2025-09-01|on paper
words in the phone column|Hívő|Hedvig|ask her daughter||||hu|yes||2025-09-01|on paper
Russian number without its country code|Ильина|Вера|8 (916) 555-01-12||||ru|yes||2025-09-01|on paper
e-mail address in the Telegram column|Kukac|Tamás||tamas@example||Telegram|hu|no||2025-09-01|on paper
Telegram name too short|Kis|Pál||@kp||Telegram|hu|no||2025-09-01|on paper
sentence in the Viber column|Talán|Vilma|||I do not know it|Viber|hu|yes||2025-09-01|on paper
preferred messenger has no address|Bokor|Kinga|06 30 555 0202|||Viber|hu|no||2025-09-01|on paper
messenger that does not exist|Galamb|Posta|06 30 555 0203|||pigeon|hu|yes||2025-09-01|on paper
language that does not exist|Klingon|Árpád|06 30 555 0204|||Telegram|tlh|no||2025-09-01|on paper
same phone as in the row above|Klingon|Árpádné|+36 (30) 555-0204|||Telegram|hu|no||2025-09-01|on paper
neither formal nor informal|Közép|Olga|06 30 555 0205|@kozep_olga||Telegram|hu|perhaps||2025-09-01|on paper
addresses of two people|Ketten|Vagyunk|06 30 555 0203|@kozep_olga||Telegram|hu|no||2025-09-01|on paper
birthday that no calendar has|Február|Ottó|06 30 555 0206|||Telegram|hu|yes|1990-02-30|2025-09-01|on paper
birthday in the future|Holnap|Luca|06 30 555 0207|||Telegram|hu|no|2093-04-18|2025-09-01|on paper
consent date that may be March or April|Tavasz|Flóra|06 30 555 0208|||Telegram|hu|no||03/04/2025|on paper
consent date in the future|Jövő|Noémi|06 30 555 0209|||Telegram|hu|no||2093-09-01|on paper
consent without a date|Mikor|Benő|06 30 555 0210|||Telegram|hu|yes|||on paper
name of 5,000 letters|{LONG_NAME}|Ibolya|06 30 555 0211|||Telegram|hu|no||2025-09-01|on paper
zero byte in the name|Nul\0la|Aranka|06 30 555 0214|||Telegram|hu|no||2025-09-01|on paper
row cut short|Csonka|Rudolf
row with too many cells|Sok|Piroska|06 30 555 0212|||Telegram|hu|no||2025-09-01|on paper|and|more|and|more
{FAULTY_HEADER.replace("Note", "header row pasted a second time")}
sum below the table|28 members
"""
NEVER_CLOSED = 'quote that never closes,"Nyitott,Zita,06 30 555 0213,,,Telegram,hu,no,,,\r\n'


def faulty() -> bytes:
    """Return a file with a fault in every row, each another one; the open quote has to be the last."""
    lines = [FAULTY_HEADER, *FAULTY.strip().splitlines()]
    return (as_excel((line.split("|") for line in lines), ",") + NEVER_CLOSED).encode()


def main(folder: Path) -> None:
    """Write all files into `folder`, over what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in (HUNGARY, CZECHIA, FINLAND, RUSSIA, ENGLISH):
        (folder / sheet.name).write_bytes(sheet.content())
    (folder / "faulty.csv").write_bytes(faulty())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RECIPIENTS)
