"""How people and programs call the columns of a customer file, in hu, cs, fi, ru and en.

Names are compared without case, accents, signs and spaces (`headers.squeeze`), so "E-mail" is "email".
"""

from __future__ import annotations

from collections.abc import Mapping

# field -> its names, one or several a line, separated by commas
NAMES: Mapping[str, str] = {
    "first_name": """
        first name, firstname, given name, given names, forename, fname, first, christian name, name first,
        keresztnév, utónév, keresztneve, utóneve, keresztnevek,
        jméno křestní, křestní jméno, křestní,
        etunimi, etunimet, kutsumanimi,
        имя клиента имя, личное имя, имена, vorname, prénom, prenom, customer first name, meno, krstné meno,
    """,
    "last_name": """
        last name, lastname, surname, family name, lname, last, second name, name last,
        vezetéknév, családnév, vezetékneve, családneve, családi név,
        příjmení, prijmeni, přijmení,
        sukunimi,
        фамилия, фамилия клиента, nachname, nom de famille, customer last name, priezvisko,
    """,
    "name": """
        name, full name, fullname, display name, customer name, customer, client, client name, contact name,
        person name, person, member name, member, billing name, recipient name, your name, buyer name,
        név, teljes név, ügyfél neve, ügyfélnév, ügyfél, vásárló, vásárló neve, vevő, vevő neve, vevőnév, neve, tag neve,
        kapcsolat neve, megjelenítendő név, partner neve,
        celé jméno, jméno a příjmení, jméno zákazníka, zákazník, klient, člen, zobrazované jméno,
        zobrazit jako, odběratel,
        nimi, koko nimi, kokonimi, asiakas, asiakkaan nimi, asiakasnimi, jäsen, jäsenen nimi, etu ja sukunimi,
        etunimi ja sukunimi, yhteystieto, yhteyshenkilö, näyttönimi,
        имя и фамилия, имя фамилия, полное имя, клиент, покупатель, название контакта,
        отображаемое имя, участник,
    """,
    "name:family-first": """
        last name first name, last first, surname and name, surname name,
        vezetéknév keresztnév, vezetéknév és keresztnév, családnév és utónév, családi és utónév, családi és utónév neve,
        příjmení a jméno, příjmení jméno,
        suku ja etunimi, sukunimi etunimi, sukunimi ja etunimi,
        фио, ф и о, фио клиента, фио покупателя, фамилия имя, фамилия и имя, фамилия имя отчество, фио полностью,
    """,
    # One word for a given name beside a family name, and for the whole name without one.
    "first_name|name": "jméno, jmeno, имя, prénom nom, nimi etu, firstname name, voornaam",
    "middle_name": """
        middle name, additional name, middlename, additional names, отчество, patronymic, druhé jméno, prostřední jméno,
        toinen nimi, középső név, második keresztnév,
    """,
    "phone": """
        phone, phone number, phonenumber, phone no, phone nr, telephone, telephone number, tel, tel no, tel nr, telno,
        mobile, mobile phone, mobile number, mobilephone, mobile no, cell, cell phone, cellphone, cell number,
        contact number, contact phone, msisdn, gsm, gsm number, handphone, phone value, phone mobile, phone home,
        phone work, phone other, home phone, work phone, business phone, other phone, primary phone, main phone,
        personal phone, private phone, evening phone, daytime phone, car phone, radio phone, iphone, phone e164,
        default address phone, billing phone, customer phone, phones, phone numbers, landline,
        landline number, telegram phone, telegram number, telegram phone number, viber phone, viber number,
        viber phone number, smartphone, mobil, mobile telephone, whatsapp phone, phone formatted, full phone number,
        telefon, telefonszám, telefonszáma, tel szám, telszám, mobilszám, mobiltelefon, mobiltelefonszám, mobil szám,
        mobilszáma, mobil telefon, mobil telefonszám, kapcsolattartó telefon, elérhetőség telefon, telefon mobil,
        telefon 1, vezetékes, vezetékes telefon, otthoni telefon, munkahelyi telefon, üzleti telefon, telefonok,
        viber szám, viber telefonszám, telegram szám, telegram telefonszám, ügyfél telefonszáma, magántelefon,
        telefonní číslo, tel číslo, číslo telefonu, telefon číslo, mobilní telefon, mobil číslo, číslo mobilu,
        mobilní číslo, telefony, telefon domů, telefon do zaměstnání, pevná linka, telefon zákazníka, primární telefon,
        telefonné číslo,
        puhelin, puhelinnumero, puh, puh nro, puh numero, puhnro, matkapuhelin, matkapuhelinnumero, kännykkä,
        kännykkänumero, gsm numero, gsm nro, puhelin matkapuhelin, kotipuhelin, työpuhelin, puhelin koti, puhelin työ,
        numero puhelin, matkapuhelin 1,
        телефон, номер телефона, тел, тел номер, мобильный, мобильный телефон, мобильный номер,
        номер мобильного, номер мобильного телефона, сотовый, сотовый телефон, моб, моб телефон, моб тел, телефоны,
        контактный телефон, телефон клиента, домашний телефон, рабочий телефон, телефон мобильный, телефон рабочий,
        основной телефон, телефон для связи, телефон покупателя, телефон контакта,
        telefonnummer, handy, handynummer, téléphone, numéro de téléphone, telefono, teléfono, móvil,
    """,
    # Programs that write the country code without +.
    "phone:international": "sms, whatsapp, whatsapp number, landline number international, whatsapp id, wa number, вотсап",
    "email": """
        email, email address, emailaddress, mail, mail address, e mail value, email value, email addresses, emails,
        email primary, primary email, email home, email work, email other, personal email, work email, home email,
        business email, customer email, contact email, billing email, subscriber email, email id, emailid, user email,
        internet email, email 1 address, your email, electronic mail,
        e mail cím, email cím, e mail címe, email címe, elektronikus levélcím, emailcím, drótposta, levelezési e mail,
        emailová adresa, e mailová adresa, e mail zákazníka, mailová adresa, elektronická pošta, elektronická adresa,
        sähköposti, sähköpostiosoite, sposti, s posti, spostiosoite, meili, sähköposti 1,
        эл почта, электронная почта, почта, адрес электронной почты, эл адрес, емейл, имейл, емайл, мейл, и мейл,
        электронный адрес, адрес эл почты, почта email, e mailadresse, adresse e mail, adresse email, correo electrónico,
    """,
    "telegram": """
        telegram, telegram username, telegram user name, telegram user, telegram id, telegram account, telegram name,
        telegram handle, telegram nick, telegram nickname, telegram link, telegram contact, tg, tg username, tg id, tg nick,
        telegram felhasználónév, telegram név, telegram azonosító, telegram fiók, telegram cím,
        telegram uživatel, uživatel telegramu, telegram jméno, uživatelské jméno telegram, telegram přezdívka,
        telegram tunnus, telegram nimi, telegram käyttäjätunnus, telegram käyttäjä, telegram nimimerkki,
        телеграм, телеграмм, ник в телеграм, ник телеграм, телеграм ник, логин телеграм, телеграм логин, имя в телеграм,
        тг, ник тг, тг ник, username telegram, id telegram, ник в telegram, telegram ник, telegram логин,
    """,
    "viber": """
        viber, viber id, viber user id, viber account, viber user, viber contact, viber receiver, id viber, vb id,
        viber azonosító, viber felhasználó, viber cím, viber fiók, viber azonosítója,
        viber identifikátor, identifikátor viber, id ve viberu, viber kód, viber uživatel,
        viber tunnus, viber tunniste, viber käyttäjä,
        вайбер, вибер, вайбер id, id вайбер, viber идентификатор, идентификатор viber, идентификатор вайбер, viber ид,
    """,
    "language": """
        language, lang, locale, preferred language, language code, customer language, speaks, communication language,
        preferred locale, language preference,
        nyelv, nyelve, anyanyelv, beszélt nyelv, kapcsolattartás nyelve, nyelvkód,
        jazyk, jazyk komunikace, preferovaný jazyk, řeč, mateřský jazyk,
        kieli, äidinkieli, asiointikieli, kielikoodi, palvelukieli,
        язык, язык общения, родной язык, язык клиента, sprache, langue,
    """,
    "formal": """
        formal, is formal, formality, form of address, formal address, address form, tone, formal or informal,
        megszólítás, magázás, tegezés, magázás tegezés, tegezés magázás, magázódás, tegezzük, magázzuk,
        oslovení, vykání, tykání, vykání tykání, tykání vykání, vykat, tykat,
        puhuttelu, teitittely, sinuttelu, teitittely sinuttelu, puhuttelumuoto,
        обращение, на вы, на ты, вы ты, ты вы, на ты или на вы, форма обращения, на вы на ты,
    """,
    "birthday": """
        birthday, birth date, birthdate, date of birth, dob, born, birth, bday, customer birthday, born on,
        születésnap, születési dátum, születési idő, szül dátum, szül idő, szülinap, született, születésnapja, születés,
        születés napja, születési nap, születés dátuma, szül,
        datum narození, narozeniny, narozen, nar, dat nar, datum nar, den narození, narození, dátum narodenia,
        syntymäpäivä, syntymäaika, synt aika, syntynyt, syntymäpvm, synt pvm, syntymäpäivämäärä,
        дата рождения, день рождения, рождение, др, д р, дата рожд, родился, geburtstag, geburtsdatum,
        date de naissance,
    """,
    "messenger": """
        messenger, preferred messenger, preferred channel, messaging app, app, preferred app, channel,
        contact channel, messenger preference, preferred contact method, preferred contact, communication channel,
        üzenetküldő, üzenőapp, csatorna, kedvelt csatorna, kapcsolattartás módja, üzenetküldő app, kedvelt üzenetküldő,
        üzenetküldő alkalmazás, preferált csatorna, preferált üzenetküldő, messzendzser,
        komunikátor, kanál, preferovaný kanál, preferovaný messenger, aplikace, preferovaná aplikace,
        způsob komunikace, komunikační kanál,
        viestisovellus, viestin, kanava, pikaviestin, viestikanava, ensisijainen kanava, viestipalvelu, sovellus,
        мессенджер, канал, канал связи, предпочитаемый мессенджер, способ связи, предпочтительный мессенджер,
        предпочитаемый канал, мессенджеры, приложение,
    """,
    "consent_at": """
        consent at, consent, consent date, consent time, consent given at, consent given on, consented at, consented on,
        date of consent, consent given, opt in at, messenger consent at, messenger consent date, consent timestamp,
        consent datetime, messaging consent at, messaging consent date, gdpr consent date, date consent given,
        hozzájárulás ideje, hozzájárulás dátuma, hozzájárulás napja, hozzájárulás időpontja, hozzájárult,
        hozzájárulás kelte, hozzájárulás, beleegyezés dátuma, beleegyezés ideje, hozzájárulás dátum, gdpr dátum,
        hozzájáruló nyilatkozat dátuma, hozzájárulási dátum,
        souhlas udělen, datum souhlasu, souhlas dne, čas souhlasu, souhlas ze dne, datum udělení souhlasu,
        souhlas datum, souhlas, souhlas udělen dne, gdpr souhlas dne, dátum súhlasu,
        suostumuksen aika, suostumus annettu, suostumuksen päivä, suostumuspäivä, suostumuksen pvm, suostumus pvm,
        suostumuksen päivämäärä, suostumusaika, suostumus, suostumuksen ajankohta, suostumuspvm, lupa annettu,
        дата согласия, согласие дата, время согласия, согласие от, согласие получено, дата получения согласия,
        согласие, когда дал согласие, согласен с, согласие дано, дата и время согласия,
    """,
    "consent_source": """
        consent source, source of consent, consent method, consent obtained via, consent proof, consent evidence,
        consent origin, opt in source, messenger consent source, how consented, consent wording,
        hozzájárulás forrása, hozzájárulás módja, hozzájárulás helye, beleegyezés forrása, hozzájárulás forrás,
        hozzájárulás eredete, hozzájárulás alapja,
        zdroj souhlasu, způsob souhlasu, původ souhlasu, forma souhlasu, způsob udělení souhlasu,
        suostumuksen lähde, suostumuksen tapa, suostumuksen antotapa, suostumus lähde, luvan lähde,
        источник согласия, согласие источник, способ согласия, как получено согласие, способ получения согласия,
    """,
    "opted_out": """
        opted out, opt out, optout, opted out at, opt out date, opt out time, is opted out, unsubscribed,
        unsubscribed at, unsubscribe date, unsub time, unsubscribe time, unsubscribed on, unsub, unsub date,
        unsubscribed from all email, email opt out, has opted out of email, do not contact, do not call, donotcall,
        do not email, do not text, do not sms, dnc, sms opt out, email blacklisted, blacklisted, blacklist,
        email blacklist, sms blacklist, sms blacklisted, fax opt out all, email suppressed, has unsubscribed,
        email optout, opted out of email, opt out of marketing, unsubscribed emails, opted out email,
        leiratkozott, leiratkozás, leiratkozás ideje, leiratkozás dátuma, nem kér, nem kér értesítést, tiltólista,
        lemondta, letiltva, visszavonta, hozzájárulás visszavonva,
        odhlášen, odhlášeno, odhlášení, datum odhlášení, nekontaktovat, nezasílat, neposílat, odvolal souhlas,
        souhlas odvolán, odhlášen dne,
        peruttu, perunut, peruutettu, kielto, markkinointikielto, suoramarkkinointikielto, kieltänyt,
        ei saa lähettää, suostumus peruttu, tilaus peruttu, ei markkinointia,
        отписан, отписался, отписка, дата отписки, отказ, отказался, отказ от рассылки, не беспокоить,
        чёрный список, отозвал согласие, не писать, согласие отозвано, отписалась,
    """,
    "opted_out:accepts": """
        accepts marketing, accepts email marketing, accepts sms marketing, accepts whatsapp marketing,
        email marketing consent, sms marketing consent, marketing consent, marketing opt in, marketing permission,
        accept marketing, accepts marketing emails, marketing accepted, buyer accepts marketing, agreed to marketing,
        marketing allowed, allows marketing, marketing permissions, sms consent, email consent, email opt in, sms opt in,
        email subscription status, email subscriber status, sms subscriber status, sms subscription status,
        email permission status, email marketing status, sms marketing status, marketing emails, marketing email,
        opt in, opted in, subscribed, is subscribed,
        marketing hozzájárulás, hozzájárul a marketinghez, feliratkozott,
        souhlas s marketingem, marketingový souhlas, odběratel novinek, přihlášen k odběru,
        markkinointilupa, suoramarkkinointilupa, markkinointisuostumus,
        согласие на рассылку, согласие на маркетинг, подписан, подписка на рассылку,
    """,
    "opted_out:status": """
        status, subscription status, member status, subscriber status, contact status, email status, state,
        állapot, státusz, feliratkozás állapota, stav, stav odběru, status odběru, tila, tilauksen tila,
        статус, статус подписки, состояние,
    """,
    "note": """
        note, notes, comment, comments, remark, remarks, memo, customer note, customer notes, internal note,
        megjegyzés, megjegyzések, jegyzet, jegyzetek, hozzáfűzés,
        poznámka, poznámky, komentář,
        huomautus, huomautukset, muistiinpano, muistiinpanot, kommentti, huom, lisätiedot,
        примечание, примечания, комментарий, комментарии, заметка, заметки,
    """,
    "group": """
        group, groups, vip group, group name, vip groups, segment name vip, member group,
        csoport, csoportok, vip csoport, skupina, skupiny, vip skupina, ryhmä, ryhmät, vip ryhmä,
        группа, группы, вип группа, vip группа,
    """,
    "tags": """
        tags, tag list, labels, label, categories, category, group membership, keywords, contact groups, contact tags,
        címkék, címke, kategóriák, kategória, štítky, štítek, kategorie, tunnisteet, luokat, luokka, kategoriat,
        метки, метка, теги, тег, категории, категория, ярлыки,
    """,
    "country": """
        country, country code, country region, default address country code, billing country, billing country code,
        default address country, mailing country, primary address country, home country, address country,
        country iso code, home country region, cc, customer country, country name, delivery country, address 1 country,
        ország, országkód, země, stát, kód země, maa, maakoodi, asuinmaa, страна, код страны, land, pays,
    """,
}  # fmt: skip

# Columns that look like one of the above and must not be read as it, and why.
IGNORED: Mapping[str, str] = {
    "somebody else's or no number of a person": """
        fax, fax number, home fax, business fax, work fax, other fax, pager, telex, isdn, callback, phone type,
        phone label, email type, email label, email display name, assistants phone, assistant phone, company main phone,
        company phone, spouse, emergency contact, emergency phone, tty tdd phone, other phone fax, phone extension,
        phone country, phone country code, country calling code, fax szám, faxnumero, факс, manager, managers name,
        referred by, shipping phone, shipping name, shipping first name, shipping last name, shipping email,
        delivery phone, delivery name, phone verified, email verified, verified email, contact owner, owner, account name,
        company name, company, organization name, organization, cég, cégnév, firma, yritys, компания, организация,
        adószám, tax number, vat number, ičo, dič, y tunnus, инн, кпп, iban, bankszámlaszám, phone status,
        default address company, user name, username, felhasználónév, uživatelské jméno, käyttäjätunnus, логин,
        ir irsz, irányítószám, psč, postinumero, индекс, customer id, record id, contact id, id, phonetic first name,
        phonetic last name, phonetic middle name, yomi name, given name yomi, family name yomi, nickname, maiden name,
        anniversary, name prefix, name suffix, title, suffix, személyi szám, rodné číslo, henkilötunnus, паспорт, hetu
    """,
    "consent to e-mail or to an account's terms is no consent to messages": """
        optin time, optin ip, confirm time, confirm ip, email marketing consent timestamp, sms consent timestamp,
        email opt in date, opt in time, optin date, email optin date, double opt in, signup date, date added,
        customer since, subscribed at, subscribed on, subscription date, subscriber since, first subscribed,
        sms marketing consent timestamp, email consent timestamp, newsletter date, newsletter
    """,
}

# A name made of such words only, with exactly one core word, is that field: "Customer - Work e-mail 2".
CORE: Mapping[str, str] = {
    "phone": "phone telephone mobile cell tel telefon mobil telefonszam puhelin matkapuhelin телефон",
    "email": "email mail emails sahkoposti емейл",
    "telegram": "telegram",
    "viber": "viber",
    "birthday": "birthday birthdate",
}
# Words that may stand before any name: "Person - First name", "Billing phone".
PREFIXES = "person contact customer client billing buyer subscriber member user mailing primary default address your"
FILLERS = (
    "customer client contact person subscriber member primary main default billing personal private home work business "
    "other value number no nr address id user my your the of preferred best current first second third "
    "ugyfel vasarlo vevo elsodleges masodlagos otthoni munkahelyi szam cim privat "
    "zakaznik klient kontakt primarni osobni domu prace cislo adresa hlavni "
    "asiakas asiakkaan ensisijainen koti tyo numero osoite oma "
    "клиента покупателя основнои личныи домашнии рабочии номер адрес дополнительныи"
)
