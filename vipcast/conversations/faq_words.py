"""Which words of a question carry it: light ones that hardly count, and changing ones that must be known.

In the notation of `words_folding.Phrases`, five languages at once; a shop's own questions bring the rest.
"""

from __future__ import annotations

from vipcast.conversations.words_folding import Phrases

# The same said in two ways.
SAME = {
    "dont": "do not", "doesnt": "does not", "didnt": "did not", "cant": "can not", "cannot": "can not",
    "isnt": "is not", "arent": "are not", "wont": "will not", "whats": "what is", "wheres": "where is",
    "whens": "when is", "hows": "how is", "youre": "you are", "im": "i am", "id": "i would", "u": "you",
    "ur": "your", "ootteko": "oletteko", "вип": "vip", "skolka": "сколько", "mobil": "mobilem",
}  # fmt: skip

# How people lead up to a question; taken off before it is compared.
LEADING = Phrases(
    [
        """
    can|could|would you please? tell me|us
    please? tell|advise me|us?, let me know, i would like to know|ask if|whether?
    i wanted|want to know|ask if|whether?, i was? wondering|wonder if|whether?, do you know, any idea
    quick question
    meg tudnák|tudná|tudnátok|tudnád|tudják|tudja mondani|írni
    megmondaná|megmondanák|megírná|megírnák
    szeretném|szeretnék megkérdezni|kérdezni|megtudni|tudni|érdeklődni hogy?
    azt szeretném megkérdezni|kérdezni hogy?
    érdeklődnék hogy?, érdeklődöm hogy?, kérdezném hogy?, kérem írják|írja|mondják|mondja meg hogy?
    lenne egy kérdésem
    chtěl|chtěla bych|jsem se? zeptat|vědět jestli|zda?
    ráda|rád bych se? zeptala|zeptal|věděla|věděl jestli|zda?
    zajímá|zajímalo by? mě|mne jestli|zda?, můžete|mohli mi|byste mi? říct|poradit|napsat jestli|zda?
    poraďte mi?
    prosím vás, nevíte jestli|zda?, mám dotaz
    haluaisin|haluan tietää|kysyä että?, saanko|saisinko kysyä|tietää, kertokaa|kerro minulle?
    voitteko|voisitteko kertoa|sanoa
    osaatteko sanoa, kysyisin
    подскажите, скажите, хотел|хотела|хочу|хотелось бы? узнать|спросить|уточнить
    можно узнать|спросить|уточнить
    не подскажете, интересует, напишите
"""
    ]
)

LIGHT = Phrases(
    [
        """
    a, an, the, i, you, we, it, me, my, your, us, our, they, there, here, is, are, am, be, do, does, can
    could, will
    would, may, of, to, for, in, at, on, by, with, from, and, or, some, any, one, have, has, please
    like, want, get, possible
    something, anything, someone, also, too, near, there, s, if, still, item, items, thing, things
    piece, clothes, shop, store
    az, egy, is, van, vannak, vagytok, vagy, lehet, tud, tudnak, tudja, tudják, tudtok, tudnátok
    tudnának, nekem, önök, önöknek, önöknél, nálatok
    nálunk, ha, hogy, amit, aki, meg, még, kell, esetleg, valamit, valami, szeretnék, szeretném
    kérhetek, kérhetnék, üzlet, üzletben, bolt
    boltban, boltnál, ruha, ruhát, ruhák, darabot, terméket, e, lesznek, lesz, itt, ott, mi, nekünk
    to, se, si, je, jsou, by, bych, byste, mi, mě, mně, vás, vám, váš, vaše, máte, mám, můžu, mohu
    můžete, mohli, mohla, mohl, dá, lze, možné, u, v, ve
    na, do, k, ke, z, s, i, a, nebo, něco, něčem, zboží, šaty, obchod, obchodu, kousek, jsem, jste, tam
    také, taky, prosím, nějaké, nějaký, že
    on, ovat, onko, voiko, voinko, voi, voin, voitteko, voisitteko, voisiko, saako, saanko, saa, olette
    oletteko, te, teidän, teillä, teiltä, teille, minä, minulle, minun, se, sen, sitä, sinne, siellä
    tuotteen, tuote, tuotetta, vaatteen, mekon, liike, liikkeen, liikkeenne, kauppa, jos, ja, tai
    jotain, yhden, haluaisin, haluan, täällä
    вы, вас, вам, ваш, ваша, ваши, я, мне, меня, мы, ли, у, в, во, на, с, со, к, ко, по, до, из, от, за
    и, или, а, для, бы, же, есть, можно, можете, могу
    могли, быть, вещь, вещи, товар, платье, магазин, магазина, одну, что нибудь, если, нужно, хочу
    хотела, хотел, рядом, вашего, там, тут
"""
    ]
)
ASKING = Phrases(
    [
        """
    what, when, where, how, which, who, this, that, these, those, many, much, long, late, time, cost
    costs, take, takes
    ez, ezt, ezek, azt, mikor, hol, hová, hogy, hogyan, mit, milyen, melyik, mennyi, mennyibe, hány
    merre, kerül, tudok, mennyit, idő, tart
    ten, ta, tu, toto, tohle, tahle, tuhle, kdy, kde, jak, jaký, jaká, jaké, jakou, kolik, co, proč
    kolika, stojí, trvá, dlouho
    tämä, tämän, nämä, tuo, tuon, milloin, missä, mistä, miten, mikä, mitä, mitkä, kuinka, paljonko
    montako, kauan, kauanko, mihin, minkä, maksaa, kestää, pitkä
    это, эта, эту, этот, эти, когда, где, как, какой, какая, какие, какое, каких, сколько, что, скольки
    какую, стоит, занимает, займет, времени
"""
    ]
)

# A message with one of these asks something else than a question without it.
CHANGING = Phrases(
    [
        """
    new, another, later, back, új, újra, később, utólag, vissza, nový, novou, nové, znovu, později, zpět
    uusi, uuden, uudestaan, myöhemmin, takaisin
    новый, новая, снова, позже, потом, обратно, назад
    not, no, never, without, nem, nincs, nincsen, sem, nélkül, ne, není, nemám, nemáte, bez, ei, en
    ette, ilman, не, нет, без
    christmas*, xmas*, easter*, eve, eves, holiday*, bank, boxing, thanksgiving, halloween, public
    january, february, march, april, june, july, august, september, october, november, december
    tomorrow, yesterday, tonight, next, last
    karácsony*, húsvét*, ünnep*, szilveszter*, pünkösd*, mikulás*, advent*, újév*, szenteste*
    mindenszentek*
    január*, február*, március*, április*, május*, június*, július*, augusztus*, szeptember*, október*
    november*, december*, holnap*, tegnap*, jövő*, múlt*
    vánoc*, vánoč*, velikono*, svát*, štědr*, silvestr*, mikuláš*, zítra, včera, příští*, minul*, pozítří
    leden, ledna, lednu, únor*, březn*, dubn*, květn*, červn*, červen*, srpn*, září, říjn*, listopad*
    prosin*
    joulu*, pääsiäi*, juhannu*, vapu*, pyhä*, uusivuosi, uudenvuoden*, uutenavuotena, helatorstai*
    itsenäisyys*, loppiai*, huomen*, eilen, ensi, viime, arkipyhä*
    tammikuu*, helmikuu*, maaliskuu*, huhtikuu*, toukokuu*, kesäkuu*, heinäkuu*, elokuu*, syyskuu*
    lokakuu*, marraskuu*, joulukuu*
    рожд*, пасх*, праздн*, завтра*, вчера*, январ*, феврал*, март*, апрел*, мая, май, июн*, июл*
    август*, сентябр*, октябр*, ноябр*, декабр*, следующ*, прошл*, майск*
    order*, parcel*, package*, arrived*, ready, did, was, were, had, yet, already, sale, discount*, lost
    receipt*, used, cancel*, elsewhere
    rendelés*, megrendel*, csomagom*, kész, elkészül*, megjött*, megérkez*, már, akciós*, leárazás*
    akció*, elhagy*, elveszt*, blokk*, használt*, lemond*, máshol*
    objednáv*, objednal*, můj, moje, mého, hotov*, dorazil*, dorazí, přijde, už, zlevněn*, slev*, akc*
    ztratil*, účten*, použit*, zruš*, jinde*, jinud*
    tilaukse*, tilaamani, pakettini, valmi*, saapu*, joko, jo, alennu*, ale, hukka*, kadot*, kuit*
    käytet*, peru*, muualta
    заказ*, мой, моя, моё, мои, готов*, приш*, придет, придёт, уже, скидк*, распродаж*, акци*, потеря*
    чек*, ношен*, отмен*
"""
    ]
)
