"""The phrases by which a wish for a person, a complaint and a question are known: `words_folding.Phrases`.

They are searched for anywhere in a message, in five languages at once.
"""

from __future__ import annotations

from vipcast.conversations.words_folding import Phrases

PERSON = Phrases(
    [
        """
    human, humans, a|real|live|actual person, person please, person, operator, representative
    customer service|support|care, speak|talk|chat|write to|with someone|somebody|anyone|anybody
    speak|talk|chat|write to|with a|an|the|your? manager|colleague|owner|seller|staff|salesperson|employee
    someone real, anybody|anyone|somebody|someone there, not a? bot|robot|machine, call me, connect me
    emberrel, embert, élő ember*, igazi ember*, hús vér ember*, ember kell, ügyintéző*, operátor*
    ügyfélszolgálat*, munkatárs*, kolléga*, kollégá*, kollega*, eladóval, üzletvezető*, tulajdonossal
    valakivel szeretnék|akarok|tudnék|tudok|lehet|lehetne|beszélhetnék|beszélni
    beszélhetnék|beszélhetek|beszélni valakivel|önnel|önökkel|veletek, nem géppel|robottal|bottal
    van ott valaki
    člověkem, člověka, živý|živá|skutečný|opravdový člověk|osoba, živ* osob*, operátor*
    s někým mluvit|promluvit|hovořit|psát
    mluvit|promluvit|hovořit s někým|vámi|prodavačkou|obsluhou|vedoucí*|pracovn*
    zákaznick* podpor*|servis*|link*|péč*, s vedoucí*, s prodavačkou, s obsluhou, je tam někdo
    ne robot*|bot*
    ihmisen kanssa, ihmiselle, ihmistä, ihminen, oike* ihmi*, elävä* ihmi*, asiakaspalvelija*
    asiakaspalvelu*, operaattori*, jonkun kanssa, myyjän|työntekijän|henkilön|johtajan|omistajan kanssa
    onko siellä ketään|joku
    оператор*, живой|живого|живым|живому человек*, с|со человеком, позовите, человека, нужен человек
    менеджер*, консультант*, сотрудник*, с кем нибудь|то поговорить|связаться
    поговорить|связаться|соедините с|со кем|человеком|продавц*|вами, продавцом, администратор*
    не робот*|бот*
    operatora, operatorom
"""
    ]
)
# Who writes nothing else asks for a person; within a sentence the same words mean anybody.
PERSON_ALONE = Phrases(
    [
        "ember, embert, élő ember, valaki, kolléga, člověk, někdo, ihminen, joku, человек, кто нибудь",
        "someone, somebody, anybody, anyone, staff",
    ]
)

# What sounds like a complaint and is none.
CALM = Phrases(
    [
        """
    no|any problem|problems, no worries, not a problem, not bad, nothing wrong, no complaints
    without problems, dont stop, not disappointed, never disappoint*
    terribly|awfully sorry|nice|kind|good
    semmi|nincs|nem gond|baj|probléma, nem rossz*, nem panasz*, semmi panasz*, panaszmentes*
    borzasztóan|szörnyen köszönöm|örülök|jó|szép|kedves*, nem csalódtam
    žádný|žádné|není|bez problém*, není špatn*, vůbec není špatn*
    strašně|hrozně|příšerně moc? děkuji|děkuju|rád|ráda|pěkn*|krásn*|hezk*|líbí|mil*|těším, nezklam*
    ei ongelma*, ei hätää, ei haittaa, ei valittamista, ei huono*
    kauhean|hirveän|kamalan kiva*|hyvä*|kaunis*|kaunii*|ihana*|mukava*, kiitos kauheasti|hirveästi
    kauheasti|hirveästi kiitoksia, en pettynyt
    без проблем, нет проблем, никаких проблем, неплохо, не плохо
    ужасно|страшно рада|рад|благодарна|красив*|нрав*, не разочаров*
"""
    ]
)
COMPLAINT = Phrases(
    [
        """
    broke, broken, damaged, defect*, faulty, refund*, money back, give me back my money, cheat*, scam*
    fraud*, rip off, ripoff, ripped, disgust*, terrible, terribly, awful*, horrible, horrid, worst, rude*
    unacceptable
    disappoint*, angry, furious, upset, annoy*, complain*, never again, lawyer*, consumer protection
    ridiculous, shame*, not happy|satisfied|ok|okay|acceptable|fair|good|what|amused, unhappy
    dissatisfied, wrong, still waiting|not|no|havent|nothing
    nobody|noone answer|reply|answers|replies|answered|replied|responds|cares
    no one answers|replies|answered|replied|responds|cares, fell|falling|falls|came apart, tore, torn
    doesnt|dont|didnt|not work*, does not work, stopped working, stain*, hole|holes, missing, fed up
    pathetic
    liar*, lied, lying, lies, spam*, harass*, leave me alone, never arrived|came|received|got
    havent|didnt received|receive|arrived|get|got, garbage, rubbish, crap*, wtf, shit*
    bad|poor|low service|quality|experience, badly, thanks for nothing, sue, report you, police, problem
    problems, overcharged, charged twice, steal*, stole*, thief, thieves, insult*, hate, outrage*
    appalling, dreadful, nightmare, waste of
    hibás*, rossz*, elszakad*, szétszakad*, kiszakad*, szétjött, szétment, szétesett, szétesik, szétfoszl*
    tönkre*, kilyukad*, lyukas*, foltos*, sérült*, törött*, eltör*, elromlott, leszakad*, pénzem*
    vissza a? pénz*, pénzt vissza, visszakérem, visszakövetel*, visszatérít*, becsap*, átver*, átvág*
    csalás*, csaló*, csaltak, lopás, loptak, tolvaj*
    undorító*, felháborít*, felháborod*, borzalmas*, borzasztó*, szörnyű*, botrány*, pofátlan*, arcátlan*
    panasz*, reklamá*, csalódott*, csalódtam, csalódás*, elegem, elegünk, elfogadhatatlan*, bunkó*
    udvariatlan*, goromba*, dühös*, dühít*, mérges*, soha többet|többé, fogyasztóvéd*, ügyvéd*
    nem működik, nem jó, nem válaszol*, senki nem|se|sem, hol marad*, még mindig, mióta várok|várom
    hetek|napok óta
    nem érkezett, nem jött, nem kaptam, nem vagyok elégedett, elégedetlen*, szégyen*, szégyell*, silány*
    gagyi*, vacak*, szemét*, szar*, hazud*, minősíthetetlen*, pocsék*, nem ezt, téves*, hiányzik
    kiábrándít*, kárpótl*, kártérít*, probléma*, problémá*, bajom, gondom, baj van, gond van
    tarthatatlan*, méltatlan*, nevetséges*
    rozbi*, roztrh*, natrž*, natrh*, utrh*, vadn*, poškozen*, zničen*, zkažen*, nefung*, nefunk*
    reklamac*, reklamov*, reklamuj*, vrátit|vraťte|chci|zpátky|zpět mi|moje|své|zpět|zpátky? peníze
    peníze zpět|zpátky|nazpět, vrácení peněz, podvod*, podvedl*, podvád*, okrad*, ukradl*, zloděj*, hnus*
    odporn*, hrozn*, strašn*, příšern*, otřesn*, skandál*, nehoráz*, nepřijateln*, nepřípustn*
    zklaman*, zklamán*, naštv*, nasran*, nespokojen*, stížnost*, stěžovat, stěžuj*, ostuda, hanba, drzost*
    drzá, drzí, drzý, nikdy více|víc|už, už nikdy, právník*, čoi, obchodní inspekc*
    stále|pořád|furt|už čekám|nic|nepřiš*|nedoraz*|týden|dlouho, nedorazil*, nepřišl*
    nikdo neodpov*|nereag*|nepíše, neodpovíd*, špatn*, díra, díru, děrav*, skvrn*, flek*, lžete, lhali
    katastrof*, hrůza, šmejd*, nekvalit*, chybí, problém*, nepříjemn*, neslušn*, vztek*, hrub*, odškodn*
    neuvěřiteln*, absurdn*
    rikki, rikko*, hajo*, repes*, repei*, revennyt, vialli*, vika, vikaa, rahat takaisin, rahani takaisin
    rahaa takaisin, rahojani, rahanpalaut*, hyvity*, huija*, petos, petty*, pettymy*, petetty*, varas*
    ällö*, kamala*, kauhe*, hirve*, surkea*, törke*, häpe*, hävyt*, hävet*, vihai*, suuttu*, raivo*
    ärsyttä*, reklamaatio*, reklamoi*, valitus*, valittaa, valitan, valituksen, ei toimi, ei toiminut
    en ole tyytyväinen, tyytymät*
    ei koskaan enää, en enää koskaan|ikinä, enää ikinä, kuluttaja*, asianajaja*, lakimies*, vieläkään
    edelleenkään, kukaan ei|vasta*, ei kukaan, ette vastaa, töykeä*, virheel*, väärä*, väärän, väärin
    reikä*, reikiä, tahra*, puuttuu, valehtel*, roskaa, paska*, ei ole tullut|saapunut, ei saapunut|tullut
    huono*, ongelma*, järkyttä*, naurettava*, kelvoton*, pilalla, pilaan*, korvau*, epäasialli*
    mennyt rikki, meni rikki
    слома*, поломал*, порвал*, порван*, разорвал*, рваное, рваная, рваный, разошел*, разошл*, брак, брака
    браком, бракован*, дефект*, испорч*, испорт*, не работает, верните|вернуть|отдайте мне? мои? деньги
    деньги назад|обратно|верн*, возврат денег, обман*, мошен*, кидал*, кинули, жулик*, воры, украли
    отврат*, ужас*, кошмар*, безобраз*, возмут*, возмущ*, хам, хамы, хамств*, хамит*, хамят, нахам*, груб*
    недовол*, разочаров*, жалоб*, жаловат*, пожалуюсь, жалуюсь, претензи*, никогда больше, больше никогда
    ноги моей
    роспотреб*, защит* прав, в суд, юрист*, адвокат*, до сих пор, все|всё еще|ещё не|жду, никто не
    не отвечает*, не приш*, не приех*, сколько можно, плохо*, плохая, плохое, позор*, стыд*, дыра, дырка
    дырявое, пятно, пятна, не тот, не та, не то, не те, врете, врёте, вранье, врали, достали, надоел*
    злюсь, злая, зла, бесит, проблем*, халтур*, мерзк*, гадость, дерьмо, фигня, наглост*, наглые
    невозможно, недопустим*, компенсац*, скандал*
"""
    ]
)
ANGRY = frozenset("😡🤬👎😠💩😤🤮🖕😾🤢👿")

# How questions begin that carry no question mark.
QUESTION_START = Phrases(
    [
        """
    who, whose, what, when, where, why, how, which, whats, wheres, whens, hows, any chance|idea|news
    can|could|may|might|should|shall|do|does|did you|u|i|we|it|they|he|she
    will|would|have|has|dont|cant|doesnt|wont you|u|i|we|it|they|he|she
    can|could|do|does|did|will|would|has the|this|that|your|my|these|those|any|anyone|anybody|somebody|someone
    is|are|was|were you|i|we|it|they|he|she|there|this|that|the|your|my|these|those|any|anyone|anybody
    am|isnt|arent you|i|we|it|they|he|she|there|this|that|the|your|my|these|those|any|anyone|anybody
    mikor, mikortól, hol, hova, hová, honnan, hogy, hogyan, miért, mit, mennyi, mennyibe, mennyiért, hány
    hánykor, hánytól, hányig, milyen, melyik, melyiket, kinek, kitől, meddig, merre, van, vannak, lehet
    lehetne, lehetséges, tudnak, tudnának, tudna, tudnátok, tudtok, tudják, tudnák
    mi a|az|ez|van|lesz|volt|történt, ki az|ez|van|tudja
    meg|le|be|fel|el|ki|át|vissza|félre tudja|tudná|tudják|tudnák|tudnátok|tudjátok|lehet|lehetne, vajon
    kaphatok, kaphatnék, kérhetek, kérhetnék, szabad, elérhető
    kdy, do|od kdy, kde, kam, odkud, jak, jaký, jaká, jaké, jakou, jakej, kolik, proč, co, kdo, komu
    který, která
    které, kterou, čí, zda, jestli, od|do|v kolika|kolik, můžu, mohu, můžete, mohli|mohl|mohla byste|bych
    dá|dají se, lze, berete, posíláte, prodáváte, budete, bude
    máte ještě|nějak*|to|i|v|otevřeno|dnes|teď|taky|také, nemáte, nevíte, je|jsou možn*|ještě|už|u|tam|k
    milloin, koska, missä, mistä, mihin, mikä, mitä, mitkä, minkä, kuka, kenelle, ketkä, miten, kuinka
    paljonko, montako, miksi, monelta, moneltako, kauanko, millainen, millaisia, kumpi, onko, onkos, voiko
    voinko, voitteko, voitko, voisitteko, voisiko, voisinko, saako, saanko, saisiko, saisinko, oletteko
    ootteko, olisiko, olisikohan, käykö, löytyykö, tuleeko, tuletteko, myyttekö, pitääkö, kannattaako
    ehtiikö, toimiiko, eikö, joko, riittääkö, maksaako, teettekö, lähetättekö, tiedättekö, pystyttekö
    haluatteko, vieläkö, sopiiko, tarvitseeko, pääseekö
    когда, где, куда, откуда, как, какой, какая, какие, какое, каков*, сколько, скока, почему, зачем, что
    кто, кому, чей, чья, до|во|со|с|на скольки|сколько|какого|какой, есть, можно, можете, могу, могли
    не подскажете, нельзя, а|и когда|где|сколько|как|можно|есть|какой|какая|какие
"""
    ]
)
# A cry of joy that begins like a question, where an exclamation mark ends it.
EXCLAMATION = Phrases(
    [
        """
    what a|an|lovely|beautiful|nice|great
    how nice|lovely|beautiful|kind|wonderful|cute|sweet|pretty|cool|great, milyen, mennyire, mennyi szép*
    micsoda, de, hogy tetszik, jak krásn*|hezk*|mil*|pěkn*, jaká|jaké|jaký krás*|nádher*|paráda|škoda
    to je, co za krásu, kuinka|miten|mikä kaunis|ihana|kiva|hieno|upea*
    как|какая|какое|какой|какие красив*|прекрасн*|мил*|здорово|хорошо|классн*|красот*|прелест*|чудесн*
    что за
"""
    ]
)
ASKING = Phrases(
    [
        """
    please tell, tell me, let me know, can you|u tell, could you|u tell, i would|id like|love to know|ask
    i want|wanted to know|ask, i was? wondering, i wonder if|whether|when|what|how
    wondering if|whether|when, a|one|quick question, question
    kérem írja|írják|mondja|mondják|jelezze|jelezzék, írja|írják|írd|írjátok|mondja|mondják|mondd meg
    megírná*|megmondaná*|megírják|megmondják, meg tudná*|tudja|tudják, érdeklődnék, érdeklődöm
    szeretném|szeretnék megkérdezni|kérdezni|megtudni|érdeklődni|tudni, kérdésem|kérdés lenne|van|volna
    azt szeretném|szeretnem|szeretném kérdezni|megkérdezni, tudnátok|tudnának|tudna mondani|segíteni
    řekněte|napište|sdělte|poraďte|dejte mi|nám|prosím|vědět, poraďte, dejte vědět
    chtěl|chtěla|ráda|rád bych|jsem se? zeptat|ptát|vědět, zajímá|zajímalo by? mě|mne, nevíte
    mám|měla|měl bych? dotaz|otázku, dotaz, zeptat se, můžete mi říct|poradit|napsat
    kertokaa|kerro|kertoisitteko|voisitteko|voitteko kertoa|minulle|meille|mikä|milloin, kertokaa, kerro
    haluaisin|haluan tietää|kysyä, saisinko|saanko kysyä|tietää, kysymys, osaatteko|osaatko sanoa
    tiedoksi kiitos, kysyisin, kyselisin
    подскажите, скажите, напишите мне?, сообщите, ответьте
    хотел|хотела|хочу|хотелось бы? узнать|спросить|уточнить, можно узнать|спросить|уточнить, интересует
    есть вопрос, у меня есть? вопрос, дайте знать, уточните, не знаете
"""
    ]
)
