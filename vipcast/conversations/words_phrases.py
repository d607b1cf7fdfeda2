"""The phrases by which short messages are known, in the notation of `words_folding.Phrases`.

Five languages in one list: members write in whichever they like. Accents are written here and not needed
there.
"""

from __future__ import annotations

from vipcast.conversations.words_folding import Phrases

GREETING_WORDS = """
    szia, sziasztok, helló, hello, hali, üdv, üdvözlöm, üdvözlet, jó napot|reggelt|estét kívánok?
    szép napot|estét, tisztelt hölgyem|uram|cím?, kedves régi? divat?, viszlát, viszontlátásra
    ahoj, ahojte, čau, čus, dobrý den|večer, dobré ráno|odpoledne, dobrej den|večer?, zdravím
    zdravim vás?
    hezký|pěkný|krásný den|večer přeji?, na shledanou, nashledanou
    hei, hei hei, heippa, moi, moikka, moro, terve, tervehdys
    hyvää päivää|huomenta|iltaa|päivänjatkoa|viikonloppua
    huomenta, päivää, näkemiin
    привет, приветик, здравствуйте, здраствуйте, добрый день|вечер, доброе утро|время суток?
    доброго дня|вечера
    до свидания, хорошего|доброго дня|вечера, всего доброго|хорошего
    hi, hiya, hey, hello, hi|hey|hello there|all|everyone|guys|again|team, dear shop|team|all
    good morning|afternoon|evening|day
    bye, goodbye, have a nice|good|lovely day|evening|weekend
"""
PLEASE_WORDS = """
    kérem szépen?, kérjük, legyen|legyenek szíves|szívesek, légyszi, légyszíves, lsz, pls, plz, please
    kindly, sorry
    prosím vás|tě?, prosim, prosimvas, buďte tak hodní|hodný|hodná, olkaa hyvä|hyvät, ole hyvä|kiltti
    olkaa ystävällinen
    pliis, пожалуйста, пожалуйсто, пжл, пжлст, плиз, будьте добры|любезны, прошу вас?, elnézést, bocsánat
    promiňte
    anteeksi, извините, простите, excuse me
"""
THANKS_WORDS = """
    köszönöm nagyon? szépen?, nagyon? szépen? köszönöm, köszönöm előre is, előre is köszönöm
    köszönjük szépen?, köszi szépen?, köszike, kösz, kösz szépen?
    köszi, hálásan köszönöm, ezer köszönet, köszönet, köszcsi
    děkuji moc|mockrát|předem|vám|pěkně|krásně? vám|moc?, děkuju moc|mockrát|předem|vám|pěkně? vám|moc?
    moc|mockrát|předem děkuji|děkuju, díky moc|mockrát|předem?
    díky, dík, diky moc?, dekuji moc?, moc díky, díkec, děkujeme moc?
    kiitos paljon|kovasti|oikein|etukäteen|teille|sinulle|vastauksesta|tiedosta|avusta? paljon?, kiitti
    kiitoksia paljon?, kiits, kiitän, suuri|suuret kiitos|kiitokset, paljon kiitoksia, tack
    спасибо большое|огромное|вам|заранее|за? вам|помощь|ответ|информацию?, большое|огромное спасибо вам?
    спс, спасибки, благодарю вас?, спасибо, мерси
    благодарна|благодарен вам?
    thank you very|so|for? much|kindly|all|the|your? info|help|answer|reply?, thank u so? much?
    thanks a lot, thanks so much, many|much thanks, thanks in advance, thanks, thanx, thx, ty, tysm
    cheers, thankyou, much appreciated
"""
_FINE = """
    ok, oké, okay, okey, okej, okidoki, k, rendben van?, rendben, jó, jól van, szuper, remek, csodás
    értem, értettem, megkaptam, minden jót
    dobře, dobrá, jasně, super, skvělé, skvěle, výborně, paráda, rozumím, fajn, chápu, v pořádku
    selvä, selvä homma, selvis, hyvä, hyvä juttu, hienoa, mahtavaa, loistavaa, mainiota, ymmärrän, okei
    joo ok
    ок, окей, хорошо, отлично, супер, понятно, поняла, понял, ясно, прекрасно, замечательно, ладно
    принято, класс
    great, perfect, super, nice, lovely, wonderful, cool, awesome, brilliant, fine, good, all good
    alright, got it, understood, noted, will do, no problem
    minden rendben, za všechno|vše, за все, for everything
"""
POLITE = Phrases([GREETING_WORDS, PLEASE_WORDS, THANKS_WORDS])
THANKS = Phrases([GREETING_WORDS, THANKS_WORDS, _FINE])
# What may stand between words of thanks, and says nothing alone.
BETWEEN = Phrases(
    [
        "és, a, ja, и, and, so, very, nagyon, moc, oikein, очень, mindent",
        "vám, önnek, önöknek, nektek, teille, kaikesta, вам",
    ]
)

COMMANDS_OUT = frozenset({"stop", "unsubscribe", "optout"})
COMMANDS_IN = frozenset({"start", "subscribe", "optin"})

AT_ONCE = Phrases(
    ["now, immediately, azonnal, most, hned, ihned, okamžitě, heti, nyt, сейчас, немедленно, сразу"]
)

# "Peruuta tilaus" and "peru tilaus" are left out: a tilaus is an order as well as a subscription.
# "Отпишитесь" and "отпишите мне" are left out: they mean "write back to me".
_OUT = """
    stop, stopp, stop all|this|everything, stopall, s t o p
    stop the|these|all|your? messages|messaging|msgs|spam|spamming|ads|news|newsletter|texts me?
    stop sending|texting|messaging me? the|these|any|all|this|your? messages|news|texts|ads|things|stuff?
    stop writing to? me? messages?
    unsubscribe, unsubscribe me, unsubscirbe, unsuscribe, unsubcribe, unsubscibe
    opt out, optout, opt me out, i want|wish|would like? to unsubscribe, id like to unsubscribe
    i want|wish|would like? to opt out, i want|would like? to be removed, id like to be removed
    i am|im unsubscribing, unsubscribe from all? messages|everything|news|newsletter|this list?, remove me
    remove|delete|take me from|off the|your|this list|group? list?
    no more messages|news|texts|ads, dont send me? any|more|your? more? messages|news|texts|anything?
    do not send me? any|more|your? more? messages|news|texts|anything?
    dont write|message|text to? me any? more|anymore?, do not write|message|text to? me any? more|anymore?
    i dont want any|these|your|more? more? messages|news|texts any? more|anymore?
    i do not want any|these|your|more? more? messages|news|texts any? more|anymore?
    i dont want to get|receive any|these|your|more? more? messages|news|texts any? more|anymore?
    i do not want to get|receive any|these|your|more? more? messages|news|texts any? more|anymore?
    end subscription, cancel my|the? subscription
    leiratkozás, leiratkozas, leiratkozom, leiratkozok, leiratkozni, leíratkozás, leíratkozom, leiratkzás
    leiratkozás a|az? üzenetekről|hírekről|hírlevélről|listáról
    leiratkozom a|az? üzenetekről|hírekről|hírlevélről|listáról|mindenről, a leiratkozást
    leiratkozást kérek|szeretnék, leiratkozást, leiratkoznék, szeretnék|akarok|kívánok|óhajtok leiratkozni
    leiratkozni szeretnék|akarok|kívánok, le szeretnék|akarok|kívánok|szeretnek iratkozni
    le szeretném|akarom mondani a|az? üzeneteket|hírlevelet|híreket
    lemondom a|az? üzeneteket|hírlevelet|híreket|feliratkozást
    iratkoztasson|iratkoztassanak|iratkoztass le
    töröljenek|töröljön|törölj|vegyenek|vegyen|vegyél le? a|az? listáról|listájukról|címlistáról le?
    töröljenek|töröljön|törölj, leállítás, állítsák le a|az? üzeneteket
    ne küldjenek|küldjön|küldj nekem? több|többet|többé|többször|ilyen? üzenetet|hírt|hírlevelet|üzeneteket?
    ne írjanak|írjon|írj nekem? több|többet|többé|többször? üzenetet|üzeneteket?
    nem kérek|kérem|szeretnék|akarok több|az|ilyen? üzenetet|üzeneteket|hírlevelet|híreket kapni?
    nem szeretnék|akarok több|többé|többet? ilyen? üzenetet|üzeneteket|hírlevelet|híreket kapni
    nem szeretnék|akarok kapni több|ilyen? üzenetet|üzeneteket, több üzenetet nem kérek
    odhlásit, odhlásit se|mě|mne, odhlásit odběr, odhlašuji se?, odhlašuju se?, odhlášení
    odhlaste|odhlašte|odhlas mě|mne|me ze? seznamu|odběru|všeho?
    chci|chtěl|chtěla|přeji|rád|ráda bych? se|si? odhlásit, odhlásit se? chci
    nechci už? dostávat|odebírat vaše|žádné|další|už|od? vás? zprávy|novinky|reklamy|nic?
    už nechci dostávat|odebírat vaše|žádné|další? zprávy|novinky|nic?
    nechci žádné|další|vaše zprávy|novinky, nepište mi už?, už mi nepište
    neposílejte mi už|žádné|další? zprávy|novinky|nic?, už mi nic? neposílejte zprávy|nic?
    zrušit|zrušte odběr|zasílání zpráv?, ruším odběr
    vymažte|vyřaďte|smažte|odstraňte|odeberte mě|mne ze? seznamu|databáze|kontaktů?
    lopeta, lopettakaa, lopeta|lopettakaa viestit|viestien lähettäminen?, lopeta tilaus, lopetan tilauksen
    peruuta|peru|peruuttakaa|perukaa viestit|uutiskirje
    haluan perua|lopettaa|peruuttaa viestit|viestien tilauksen?
    poista|poistakaa minut listalta|listaltanne|postituslistalta|jakelusta?, poistakaa|poista minut
    en halua enää? viestejä|viestejänne|uutisia|mainoksia enää?
    en halua enää? saada|vastaanottaa viestejä|viestejänne|uutisia|mainoksia enää?
    älkää lähettäkö minulle? enää? viestejä|mitään?, älä lähetä minulle? enää? viestejä|mitään?
    ei enää viestejä|uutisia, haluan pois listalta
    стоп, стопп, отписаться, отписатся, отписка, отписываюсь, отпишите меня от? рассылки|сообщений|всего?
    хочу|желаю|хотел|хотела бы? отписаться от? рассылки|сообщений?
    отписаться от рассылки|сообщений|всего|новостей
    больше не пишите мне?, не пишите мне больше, не пишите больше мне?, не пишите мне
    не присылайте|шлите|отправляйте мне? больше? ничего|сообщения|рассылку|новости|сообщений?
    больше не присылайте|шлите|отправляйте мне? ничего|сообщения|рассылку|новости|сообщений?
    удалите|уберите|исключите|вычеркните меня из|с? рассылки|списка|базы|подписки?
    отмените|отменить подписку|рассылку, отказ|отказываюсь от рассылки|сообщений|подписки
    прекратите рассылку|присылать|писать мне? сообщения?
    не хочу больше? получать больше|ваши|эти? сообщения|рассылку|новости|сообщений?
    не надо мне? больше? писать|присылать сообщения?, otpisatsya, otpisatsa, otpishite menya
"""
# Asked for as a question, and still nothing but the wish.
_OUT_REQUESTS = """
    can|could|would|will you unsubscribe|remove|delete|take me from|off? the|your|this? list?
    can|could|would you stop sending|writing|texting|messaging to? me these|any|the? messages?
    le tudna|tudnának|tudnátok|tudnák iratkoztatni|venni engem? a|az? listáról?
    törölnének|levennének|leiratkoztatnának engem? a|az? listáról, kérhetném|kérhetem a leiratkozást
    můžete|mohli|mohl|mohla mě|byste? mě|mne? odhlásit|vyřadit ze? seznamu|odběru?
    voitteko|voisitteko|voitko poistaa minut listalta|listaltanne?, voitteko|voisitteko lopettaa viestit
    можете|могли|не бы? меня? отписать|удалить|убрать меня? из|от? рассылки|списка?, отпишете меня
"""
_OUT_MORE = """
    id like to opt out, i am|im opting out, stop contacting me
    remove my number|contact|details from? your|the? list?
    no more please, no more of? these messages, ne zaklassanak|zaklasson|zaklass többet?
    nem kérek több értesítést|reklámot
    vegyenek|vegyél|vegyen le, ne küldjenek|küldjön|küldj semmit|reklámot többet?
    töröljék|törölje a|az? adataimat|számomat
    nechci od vás|vas už? nic|žádné? dostávat? zprávy|novinky|reklamy?
    zrušte|zruš mi odběr|zasílání zpráv?
    chci|chtěl|chtěla bych? zrušit odběr|zasílání zpráv?, vymažte|smažte moje|mé číslo
    nepřeji|nepřeju si zprávy|dostávat zprávy|nic?
    haluan perua|peruuttaa|lopettaa tilauksen, poistakaa|poista numeroni|yhteystietoni
    haluan erota|poistua listalta
    lopettakaa|lopeta viestittely|lähettäminen|mainonta, ei mainoksia|viestejä kiitos?
    älkää laittako viestejä
    отключите рассылку|сообщения|уведомления
    удалите|уберите мой номер|телефон|контакт из|с? рассылки|базы?
    хватит писать|слать|присылать мне?, больше не надо|нужно мне? писать|присылать|слать сообщения?
    не нужна|нужны рассылка|сообщения
    прекратите|перестаньте мне? писать|слать|присылать мне? сообщения?, не беспокойте меня? больше?
"""
OPT_OUT = Phrases([_OUT, _OUT_MORE, _OUT_REQUESTS])
# Words that mean nothing but an opt-out, and the few that may stand around them.
OPT_OUT_CORE = Phrases(
    [
        """
    unsubscribe, leiratkozás, leiratkozást, leiratkozásomat, leiratkozom, leiratkozok, leiratkozni
    leiratkoznék, le szeretnék|akarok|kívánok iratkozni
    odhlásit, odhlaste, odhlašte, odhlášení, odhlašuji, odhlašuju, отписаться, отписать, отписку
    отписка, отписываюсь
"""
    ]
)
OPT_OUT_AROUND = Phrases(
    [
        """
    i, we, want, would, id, like, wish, to, me, my, from, the, this, these, your, vip, list, group
    messages, news, newsletter, all
    a, az, szeretnék, szeretnem, akarok, kívánok, kérem, kérek, listáról, csoportról, csoportból
    üzenetekről, hírekről, hírlevélről
    értesítésekről, le, innen, erről, teljesen, engem, chci, chtěl, chtěla, bych, se, si, přeji, rád
    ráda, mě, mne, z, ze, od, o, odběru, odběr
    seznamu, skupiny, zpráv, novinek, vip, я, мы, хочу, хотел, хотела, бы, прошу, меня, от, из, вашей
    вашу, рассылки, сообщений, группы, новостей
"""
    ]
)
OPT_OUT_REQUEST = Phrases([_OUT_REQUESTS])

OPT_IN = Phrases(
    [
        """
    start, start again, sign me up again, sign up, subscribe, subscribe me, resubscribe, opt in, optin
    opt me in, sign me up
    i want|would|wish like? to subscribe|resubscribe again?, id like to subscribe, subscribe again
    i want to join
    feliratkozás, feliratkozom, feliratkozok, feliratkozom újra, újra feliratkozom, feliratkozni
    feliratkoznék, szeretnék|akarok|kívánok újra? feliratkozni, feliratkozni szeretnék|akarok|kívánok
    fel szeretnék|akarok iratkozni
    iratkoztasson|iratkoztassanak|iratkoztass fel, a feliratkozást, feliratkozást kérek, feliratkozást
    přihlásit, přihlásit se, přihlašuji se, přihlašuju se, přihlášení, přihlaste|přihlas mě|mne
    chci|chtěl|chtěla bych? se přihlásit k|do? odběru|skupiny?, chci odebírat|dostávat zprávy|novinky
    přihlásit odběr, přihlásit k odběru
    tilaa, tilaa viestit|uutiskirje, liity, liityn, liityn mukaan|ryhmään?
    haluan|haluaisin liittyä mukaan|ryhmään?, aloita, haluan tilata viestit|uutiskirjeen, haluan viestejä
    старт, подписаться, подписатся, подписка, подписываюсь, подпишите меня
    хочу|хотел|хотела бы? подписаться снова|на? рассылку|новости?, подписаться на рассылку|новости
    хочу получать сообщения|рассылку|новости, podpisatsya
"""
    ]
)
OPT_IN_CORE = Phrases(
    [
        """
    subscribe, resubscribe, feliratkozás, feliratkozást, feliratkozom, feliratkozni, feliratkoznék
    fel szeretnék|akarok|kívánok iratkozni
    přihlásit, přihlaste, přihlášení, подписаться, подписку, liittyä, liityn
"""
    ]
)
OPT_IN_AROUND = Phrases(
    [
        """
    i, we, want, would, id, like, wish, to, me, the, this, your, vip, list, group, messages, news
    newsletter, again
    a, az, szeretnék, akarok, kívánok, kérem, kérek, listára, csoportba, üzenetekre, hírekre, hírlevélre
    fel, újra, ismét
    chci, chtěl, chtěla, bych, se, si, přeji, rád, ráda, mě, mne, k, do, odběru, skupiny, znovu, opět
    я, хочу, хотел, хотела, бы, прошу, меня, на, в, вашу, рассылку, новости, группу, снова, опять
    haluan, haluaisin, ryhmään, mukaan, takaisin
"""
    ]
)
