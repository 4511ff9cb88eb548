"""What texts are understood as, phenomenon by phenomenon."""

# ruff: noqa: E501 - tables of texts
from __future__ import annotations

from functools import partial

import pytest

from smsgate.classifier import Classifier, classify, reply_text
from smsgate.classifier.sets import load_sets, shipped
from smsgate.decision_text import facts
from smsgate.domain.messages import Intent
from tests.classifier.program import classifier, program

FCC = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
DRESSES = (
    "{}", " {} ", "{}.", "{}!!!", "“{}”", '"{}"', "'{}'", "({})", "*{}*", "{}…", "{} 🛑", "{} please",
    "Please {}", "{}\n", "{}\u200b", "\u202a{}\u202c", "{} 😡", "ok {}", "{} thanks", "{}, thank you",
    "{}?!", "{}!?", "[{}]", "«{}»", "{}\nSent from my iPhone", "{} Sent from my iPhone",
    "{}\n\n- Marla", "{}\nأُرسلت من iPhone", "{}\nInviato da iPhone", "{}\niPhone'umdan gönderildi",
    "{}\nThanks,\nBob Hill", "{} - Bob", "{}, Bob", "{} -- Bob Smith", "{}. Bob", "{}, thanks - Bob",
    "{}\nBob Smith 555-123-4567", "{}\n- Bob, 415-555-0123", "{}\n(415) 555-0123", "{}2", "{} 22395",
    "{} period", "{} comma", "{}. Exclamation point", "\x1b{}", "😡😡{}😡",
    "❌{}❌", "👍🏽{}",
    "👨\u200d👩\u200d👧{}", "{} ❤️\u200d🔥", "🇺🇸{}🇺🇸", "{}\nbob@example.com", "{}\nTel: 555-123-4567 ext 12",
    "{}-Bob", "{} - J. Smith", "{} - Bob Smith, CPA", "{}\nMr. Smith", "{}\nBob\nbob@x.com\n(555) 123-4567",
    "{} - Bob\n555-123-4567", "{} semicolon", "{} to 22395",
)  # fmt: skip


@pytest.mark.parametrize("word", FCC)
def test_each_word_of_the_fcc_suppresses_however_it_is_dressed(word):
    for cased in (word, word.upper(), word.title(), word.swapcase()):
        for dress in DRESSES:
            text = dress.format(cased)
            assert classifier().classify(text).intent == "opt_out", text


@pytest.mark.parametrize("text", ["oopt out", "stop2emd", "Stop to end", "B A J A", "🛑🛑🛑"])
def test_a_name_behind_a_dash_below_a_text_changes_nothing(text):
    plain = classifier().classify(text)
    assert plain.intent.stops
    for name in ("\n- Maria", "\n\n-- Bob Smith", "\n– Dr. Ana"):
        signed = classifier().classify(text + name)
        assert (signed.intent, "signature" in signed.steps) == (plain.intent, True)
    assert classifier().classify(text + "\n- the onions").steps != ("signature",)


OPT_OUTS = """
stop the mailing list|end the mailing list|no more mailing list|cancel the newsletter
S T O P|S\\nT\\nO\\nP|s.t.o.p|s-t-o-p|S T 0 P|СТ0П|ＳＴＯＰ|ЅТОР|stoppp|STOP STOP STOP|st0p|$top|5top|🛑|🛑🛑
stop2end|Stop 2 End|quit to end|wuit2end|quit2enf|stop3end|STOP2STOP|txt STOP to end|reply stop
stpo|sotp|cancle|unsubcribe|unsusbcribe|qiut|un subscribe|pls stpo
take me off your list|Remove my number from your database|lose my number|stop texting me
please don't contact me again|I never signed up for this, stop|wrong number|You have the wrong number
no more texts please|I don't want to receive these messages anymore|leave me alone|fuck off
can you please take me off this list?|would you stop texting me|I'd like to unsubscribe
STOP I already told you|Stop, I'm a minor|I already voted. Stop|no Felicia here stop
I revoke my consent|cease and desist|put me on your do not call list
qu1t|un5ub5cr1be|â€œSTOPâ€|StOpTeXtInGmE|I beg you to stop|Don&#39;t text me anymore|please don?t text me anymore|stop Acme|ACME STOP|cancel acme
Stop\\n\\nAcme: 20% off everything! Reply STOP to opt out.|Acme: 20% off everything! Reply STOP to unsubscribe.\\nSTOP|STOP\\n\\n--- Original message ---\\nAcme sale today 20% off. Reply STOP to end
Cancel\\n--\\nJohn Smith\\nSales Director|Quit\\n\\nJohn Smith\\nAcme Corp\\n555-010-2233|stop -- sent via TextNow|cancel. who is this?|quit. who even are you
uit\\nPieter de Vries|ΔIAΓPAΦH|STOP!!1|cancelar!!1|END\\nMary|不要订阅|no, baja|no gracias, baja|nein danke, abmelden|nee, uitschrijven|不要，退订|tolong berhenti|berhenti tolong|s̶t̶o̶p̶
P A R A R|S T O P   I   S A I D|can u delete my nbr|DO NOT MESSAGE?!|At no point did I agree to receive these. Remove.
stopstopstop|🆂🆃🅾🅿|ꜱᴛᴏᴘ|"STOP TEXTING ME"|(DO NOT MESSAGE)|«stop texting me»|STOP2END?!|ÇIK lütfen|lütfen ÇIK
do not subscribe me|f*** off|F*CK OFF|f@ck right off|Kindly f*** right off
STOP to cancel\\nAnna|hi there\\nMaria\\nSTOP|how are you\\n--\\nSTOP|st0p\\n\\nAnna Smith|un-sub\\nMaria Garcia\\nmaria@example.com|let me out of this list\\nDr. Pat Lee, MD\\nAcme Health|STOP\\nSent from my iPhone|Stop\\n\\n--\\nJ. Rivera\\nRivera Plumbing
Stop, and call me at home|STOP. Call me
Stop. How do I unsubscribe?|how many times do I have to tell you to stop texting me
who put me back on this list|never going to opt back in|start texting me again and I sue|Don?t text me again|no me vuelvan a suscribir
🇸🇹🇴🇵|🇪🇳🇩|1️⃣ STOP 1️⃣|STOP#️⃣
الغ
ရပ္ေပးပါ|စာမပို႔ပါနဲ႔
સ્ટોપ|મેસેજ ન મોકલો|mane msg na moklo|ಸ್ಟಾಪ್|ಮೆಸೇಜ್ ಕಳಿಸಬೇಡಿ|inmele msg kalisbedi|സ്റ്റോപ്പ്|മെസേജ് അയക്കരുത്|ini msg ayakkanda
നിര്‍ത്തുക|നിർത്തുക|തെറ്റായ നമ്പര്‍|തെറ്റായ നമ്പർ
unsubscribe me from the Acme newsletter|take me off Acme's mailing list|désabonnez-moi de la newsletter d'Acme|take me off your VIP list
My number is on the National Do Not Call Registry, take it off your list|Remove me from this list, Karen|take me off the list|Unsubscribe Mary Jones from this list
borren a Juan de su lista|Sáquenme de la lista Gracias|Удалите меня из списка рассылки Acme|请取消Acme订阅|remove me from the newsletter|désabonnez-moi de votre newsletter
i'd like to be taken off the damn texting list|Nehmt mich bitte aus dem Verteiler|I cancelled my membership in May. Please stop texting me
滚，别烦我|别烦我|滚犊子别他娘的发了|你们别再联系我了|你发错人了|請別再聯絡我
ыещз|ЫЕЩЗ|στοπ|דאםפ|ST🛑P|sstop|stopp|unsubbscribe|STOP\\nLive, laugh, love|STOP\\n\\nThis message is confidential.|Have a nice day\\nSTOP|BAJA, ya no vivo aquí
STOP je ne suis plus client|STOP au 36111|TD
Ring inte, skicka sms. STOPP|Ring inte, skicka inte sms|别打电话，也别发短信|别打电话，发短信也不要|别打电话，发短信也不行|ne hívj, írj se
Ruf nicht an, schreib mir auch nicht|No llame, mande mensajes tampoco|Jangan telepon, sms juga jangan|je veux en finir avec vos messages
väärä numero, en ole Pekka, poistakaa listalta|mesaj atıp durmayın ya
"""
NONES = """
no help needed|stop gap measure|You're unsubscribed. Text UNSTOP to start again.|Joe's Pizza: Text JOIN to 85555 for deals!|stop hitting your brother - sent from mom lol
cancel\\nmy order please|remove\\nthe onions|Cancel\\nMonday|no quiero cancelar|non voglio cancellarmi|не хочу отписку|por favor não me descadastrem|не удаляйте мой номер|tidak mau berhenti
Anmeldung|huit|cháu|reed|missä|söta|guitar|Kendall|Presente!|pareja|shopping|qui
Ce numéro ne reçoit pas de SMS.|Diese Rufnummer nimmt keine SMS an.|Bu numara mesaj kabul etmemektedir. Lütfen yanıtlamayın.
對「Acme：全場八折。回覆STOP取消訂閱」做出了👍回應|強調「Acme：全場八折。回覆STOP取消訂閱」|Benadrukte ‘Acme: aanbieding. STOP om af te melden’|BricoMax: -30% samedi. Stop SMS 36105|You're now unsubscribed from Joe's Deli deals. Reply START to resubscribe.
cam on ban|cảm ơn nhé|merci bonjour|don't stop|please don't stop sending the coupons|can't stop laughing|never stop being you
Baja California es bonita|END of month works|STOP sign at the corner|I want off this medication
meet me at the bus stop|stop by at 5?|I'll stop by tomorrow|next stop is mine|one-stop shop
cancel my appointment|please cancel my order 4471|end of day works|he is trying to quit smoking
remove the onions please|full stop.|shop|step|top|quiet|cancer|and|send|no|ok|thanks!|👍
Liked “Reply STOP to opt out”|Loved "Sale! Reply STOP to end"|Le gustó “Responda STOP para cancelar”
Hat „Antworten Sie mit STOP“ mit „Gefällt mir“ markiert|Hat ein Herz von „Antworten Sie mit STOP“ entfernt|Reacted 😂 to “Reply STOP to unsubscribe”
Auto-reply: I am out of the office. Text STOP to stop receiving these.|> Reply STOP to end\\nIs this open?
Acme: your table is ready. Reply STOP to opt out|does “Reply STOP to end” cost anything per text?
do not drop me from the list|Whatever you do, don't drop me from the waitlist texts|quito|no quiero salir|Sent from my iPhone
help with the sofa\\n- Bob|see you at the end\\n\\n- Marla|the photo was sent from my iphone yesterday
We need to stop this bill|my car stopped working|why didn't you text me|I unsubscribed from your emails
Stop. Dinner is at 8, bring the kids
stops by|yest|nos|starr
why am I getting texts again|so now I'm getting messages again
Cancel, Tuesday|Cancel - Appointment|CANCEL - MY ORDER|Ya. Giving.|Hello, how are you?|hey there, how are you doing today?|hola, ¿cómo estás?|No. Thank you. You've been wonderful
pease wait for me|Этот номер не принимает сообщения. Пожалуйста, не отвечайте.
pasal kati baje band hunchha?|කඩේ වහන්නේ කීයටද?|ဆိုင် ဘယ်အချိန်ပိတ်လဲ|ហាងបិទម៉ោងប៉ុន្មាន|gaariga halkaas ha joojin|ሱቁ ስንት ሰዓት ይዘጋል|e duro de mi ni bus stop
મેસેજ બંધ ન કરો|ಮೆಸೇಜ್ ನಿಲ್ಲಿಸಬೇಡಿ|മെസേജ് നിർത്തരുത്|દુકાન ક્યારે બંધ થાય છે?|ಬಸ್ ಸ್ಟಾಪ್ ಹತ್ರ ಇದ್ದೀನಿ|വണ്ടി നിർത്തൂ
ಠ_ಠ ok|see you ಥ﹏ಥ|спасибо|明日行きます|ขอบคุณ
remove me from the mailing list of Verizon|unsubscribe me from the Target newsletter|Please stop sending the paper catalogue by post, texts are fine|请取消牛奶订阅|取消我的Netflix订阅
Netflixの購読を解除して|unsubscribe me from the emails but keep the texts|please stop my repeat of the drops|I want to opt out of the pension|who took me off the list
on już do mnie nie pisze|stop ignoring me
严重怀疑你发错人。。。
this traffic is killing me|I'm dying to see you|my phone died|Liked “I want to die”|that joke killed me lol|live your life|end my life insurance
call the suicide hotline at 988, they can help|If you or someone you know is suicidal call 988|tired of living with roommates|quiero morir de risa|我想死你了|baterai mau mati
【商城】全场五折，快来抢购！退订回T|falsche Nummer, zu wem willst du denn|salah sambung mas, cari siapa?
"""
REVIEWS = """
don't want|I don't want it|no quiero|não quero|istemiyorum|नहीं चाहिए|tidak mau|いりません|nie chcę|KESİN|KAPAT|PAROU|SAI|LASS DAS|बंद|QUITTER|annuler|anuluj|取消
BAJA porque recibo muchos|ARRET je suis déjà client|CANCEL because I moved|STOP porque recibo muchos
no more flyers|stop the flyers|stop mailing me
acha anza|anza acha|don't text before 9|do not text after 8|dont text me before 9am|stop texting me after 10pm|no texts on weekends|no texts after 9pm please
arrêt\\nde bus|off|red|non-stop
not interested|too many texts|stop texting me at night|stop?|unsubscribe?|should I text STOP?
how did you get my number|stop start|help stop|subscribe stop|no start|nein start|não start|не старт|start no|stop lol|stop it 😂|spot|stoop|this is spam|X|enough|cancel it|fin|ENDE|PARA|Emphasized “STOP”
STOP! the yellow one is nicer|Stop, you're making me blush
why did you start texting me again|I won't opt back in|please do not start sending again|perché mi arrivano di nuovo i messaggi|waarom krijg ik weer berichten
CANCEL 1|end 2|QUIT 3
Cancel - Dr Smith|Cancel, Dr. Smith|Cancel - Bob's Appointment|Cancel - Spotify|Quit, Google|End, Amen|End, Will|Quit - Mark|end - bob|quit\\nbob smith|END 😂|😂 UNSUBSCRIBE 😂
Cancel\\n2026-11-28|CANCEL 1️⃣
NO QUIERO|simama|boleka
રાત્રે મેસેજ ન કરો|ರಾತ್ರಿ ಮೆಸೇಜ್ ಮಾಡಬೇಡಿ|രാത്രി മെസേജ് അയക്കരുത്
take me off Verizon's mailing list|please take me off verizon's list|désabonnez-moi de la newsletter de Carrefour|please stop sending flyers to my house
quítenme de la lista de correo de Movistar|Ta bort mig från ICA:s nyhetsbrev|remove me from the group chat|Bitte keine Werbung mehr in den Briefkasten|멤버십 해지해 주세요
unsubscribe me from T-Mobile's newsletter|Удалите меня из рассылки Озона|Wypiszcie mnie z newslettera Empiku
lose it|Désabonner Å €5, c'est trop à @_$
滚吧|滚蛋|滾開|别再联系了|谢谢你发错了。
"""
HELPS = """
HELP|my login doesn't work, need support|I need assistance logging in to my account|Reply HELP|Help\\n-Bob|info|who is this|who's this??|AYUDA|AIDE|HILFE
તમે કોણ છો?|ನೀವು ಯಾರು?|ഇത് ആരുടെ നമ്പർ?
"""
OPT_INS = """
START|START\\nSent from my iPhone|unstop|Unstop please|subscribe me|please start texting me again|add me back to the list|ALTA|再開お願いします
s t a r t|can I resubscribe|oops put me back|Could you put me back on the list for the Thursday fish specials?
I unsubscribed by mistake, add me back|opt me in please|oops didn't mean to stop, START
ચાલુ કરો|ಶುರು ಮಾಡಿ|തുടങ്ങുക
"""
ALLS = """
STOPALL|stop all|Stop ALL 🛑|unsubscribe from all lists|remove me from all of your lists|stop everything
stop all texts from your company|BAJA TODO|stop tout|Stopp alle|すべて停止してください|全部退订|إيقاف الكل
सबै बन्द गर्नुहोस्|ඔක්කොම නවත්තන්න|အကုန်ရပ်|ឈប់ទាំងអស់|jooji dhammaan|ሁሉንም አቁሙ|ẹ dá gbogbo rẹ̀ dúró
"""


def _each(texts: str) -> list[str]:
    return [
        part.replace("\\n", "\n") for line in texts.strip().splitlines() for part in line.split("|")
    ]


@pytest.mark.parametrize(
    ("intent", "text"),
    [
        (intent, text)
        for intent, texts in (
            ("opt_out", OPT_OUTS), ("none", NONES), ("review", REVIEWS), ("help", HELPS),
            ("opt_in", OPT_INS), ("opt_out_all", ALLS),
        )
        for text in _each(texts)
    ],
)  # fmt: skip
def test_a_text_is_understood(intent, text):
    decision = classifier().classify(text)
    assert decision.intent == intent, decision


@pytest.mark.parametrize(
    "text",
    ["how do I unsubscribe", "How do I stop getting these messages?", "whats the procedure to opt out",
     "¿cómo me doy de baja?", "Wie kann ich mich abmelden?", "怎样才能不再收到短信"],
)  # fmt: skip
def test_who_asks_how_to_leave_is_told_and_a_person_decides(text):
    decision = classifier().classify(text)
    assert (decision.intent, decision.rule, decision.wants_help) == ("review", "how_to_leave", True)
    assert "reply" in dict(facts(decision, partial(reply_text, program())))


@pytest.mark.parametrize(
    "text",
    [
        "YES",
        "Yes!",
        "y",
        "Sí",
        "oui",
        "ja",
        "да",
        "はい",
        "sí por favor",
        "ja graag",
        "oui\nClaire Dubois",
        "да, пожалуйста",
    ],
)
def test_yes_is_an_opt_in_only_while_our_question_is_open(text):
    decision = classifier().classify(text)
    assert (decision.intent, decision.condition) == ("opt_in", "question_open")


@pytest.mark.parametrize(
    ("text", "number", "intent"),
    [
        ("START 0", "+919876543210", "opt_out_all"), ("START DND", "+919876543210", "opt_out_all"),
        ("START 0", "", "opt_out_all"), ("START DND", "+14155550123", "review"),
        ("STOP DND", "+919876543210", "review"), ("T", "+8613800138000", "opt_out"),
        ("TD", "+85291234567", "opt_out"), ("td", "+886912345678", "opt_out"),
        ("T", "+14155550123", "review"), ("R", "+14155550123", "review"),
        ("ALLOW", "+2348012345678", "opt_in"), ("ALLOW", "+14155550123", "none"),
    ],
)  # fmt: skip
def test_some_words_mean_something_only_in_some_countries(text, number, intent):
    assert classifier().classify(text, number).intent == intent


def test_the_region_of_the_program_counts_where_the_number_is_not_known():
    assert classifier(region="CN").classify("T").intent == "opt_out"
    assert classifier(region="US").classify("T").intent == "review"


def test_what_our_texts_print_is_an_opt_out():
    printed = classifier(opt_out_words=("T", "1"))
    assert printed.classify("t.").intent == "opt_out"
    assert printed.classify("1").rule == "opt_out_word"
    assert classifier().classify("1").intent == "none"


@pytest.mark.parametrize(
    ("text", "language"),
    [("BAJA", "es"), ("arrêt", "fr"), ("abmelden", "de"), ("отписка", "ru"), ("退订", "zh-Hans"),
     ("no me manden más mensajes", "es"), ("Hören Sie auf mir zu schreiben", "de"),
     ("mesaj atmayın", "tr"), ("送らないでください", "ja"), ("stop texting me", "en")],
)  # fmt: skip
def test_the_language_is_that_of_the_text(text, language):
    assert classifier().classify(text).language == language


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("stop promos", "program"),
        ("STOP", ""),
        ("stop all", "all"),
        ("stop acme alerts texts", "program"),
    ],
)
def test_a_text_may_name_its_scope(text, scope):
    assert classifier().classify(text).scope == scope


def test_a_program_knows_only_its_own_languages():
    english = classifier(keywords=("en",))
    assert english.classify("отписка").intent == "none"
    assert english.classify("STOP").intent == "opt_out"
    assert english.version != classifier().version


def test_a_decision_says_what_normalisation_did():
    decision = classifier().classify("please ＳＴＯＰ")
    assert decision.steps == ("width", "politeness")
    assert (decision.keyword, decision.rule) == ("STOP", "keyword_politely")
    assert decision.version == classifier().version


def test_our_own_texts_are_known_without_quotation_marks():
    template = "Acme: {offer} this weekend only, text STOP and we remove your number. Have fun"
    knowing = classifier(templates=(template,))
    quote = "Acme: 20% off this weekend only, text STOP and we remove your number. Have fun"
    assert knowing.classify(f"{quote} is that for shoes too").intent == "none"
    assert knowing.classify(quote).rule in ("quotation", "nothing_known")
    assert knowing.classify(f"{quote} STOP").intent == "opt_out"


@pytest.mark.parametrize("word", ["stop", "STOP!", "cancel", "🛑", "stop,"])
@pytest.mark.parametrize("times", [7, 9, 60, 20_000])
def test_a_keyword_that_is_repeated_is_one_however_often(word, times):
    assert classifier().classify(f"{word} " * times).intent == "opt_out"


@pytest.mark.parametrize("word", FCC)
def test_all_behind_a_word_of_the_fcc_means_every_program(word):
    decision = classifier().classify(f"{word} all".upper())
    assert (decision.intent, decision.scope) == (Intent.OPT_OUT_ALL, "all")


@pytest.mark.parametrize("word", ["توقف", "СТОП", "退订", "STOP", "arret", "stop texting me"])
def test_a_part_of_a_long_text_is_the_opt_out_that_it_is_by_itself(word):
    for part in ("[part 1 of 2] ", "[part 12 of 12] "):
        assert classifier().classify(part + word).intent == "opt_out"


@pytest.mark.parametrize("text", ["START", "opt me back in", "turn texts back on", "resume texts"])
def test_no_part_of_a_long_text_is_an_opt_in(text):
    assert classifier().classify(text).intent == "opt_in"
    decision = classifier().classify(f"[part 2 of 3] {text}")
    assert (decision.intent, decision.rule) == ("review", "doubtful")
    assert "other parts" in decision.note


@pytest.mark.parametrize("text", ["", "yes", "see you at 5", "[part 1 of 2] "])
def test_other_parts_of_long_texts_are_what_they_say(text):
    assert classifier().classify(f"[part 1 of 2] {text}").intent == "none"


@pytest.mark.parametrize("words", ["tất cả", "כל", "सब", "alt sammen", "tout bagay", "from all"])
def test_all_of_other_languages_means_every_program(words):
    assert classifier().classify(f"END {words}").intent is Intent.OPT_OUT_ALL


@pytest.mark.parametrize("language", sorted(set(shipped()) - {"und", "en-IN", "en-NG"}))
def test_small_talk_gets_no_reply(language):
    sets, _ = load_sets(None, [language])
    talk = [one.words for one in sets.languages[language].entries if "Small talk" in one.note]
    for text in ",".join(talk).split(","):
        assert classifier().classify(f"{text.strip().capitalize()}?").intent is Intent.NONE, text
    assert talk


@pytest.mark.parametrize("text", ["ຢ່າສົ່ງຂໍ້ຄວາມມາອີກ", "ମେସେଜ ପଠାନ୍ତୁ ନାହିଁ", "མི་དགོས།", "მეტი აღარ"])
def test_a_text_in_a_script_of_no_keyword_set_waits_for_a_person(text):
    found = classifier().classify(text)
    assert (found.intent, found.rule) == (Intent.REVIEW, "unread_script")


def test_a_program_without_the_set_of_a_script_holds_its_texts():
    assert classifier(keywords=("en",)).classify("မနက်ဖြန် လာခဲ့မယ်").rule == "unread_script"
    assert classifier(keywords=("en", "my")).classify("မနက်ဖြန် လာခဲ့မယ်").intent is Intent.NONE


def test_the_script_of_an_operators_own_set_is_read(tmp_path):
    (tmp_path / "lo.toml").write_text(
        'language = "lo"\n\n[[entries]]\nintent = "opt_out"\nwords = "ຢຸດສົ່ງ"\n', encoding="utf-8"
    )
    sets, _ = load_sets(tmp_path, ("en", "lo"))
    own = Classifier(program(keywords=("en", "lo")), sets)
    assert own.classify("ຢຸດສົ່ງ").intent is Intent.OPT_OUT
    assert own.classify("ພົບກັນມື້ອື່ນ").intent is Intent.NONE


def test_the_brand_of_one_program_is_a_stranger_to_another():
    text = "unsubscribe me from the Target newsletter"
    assert classifier(title="Target").classify(text).intent is Intent.OPT_OUT
    assert classifier(title="Target Stores Inc.").classify(text).intent is Intent.OPT_OUT
    assert not classifier(title="Acme").classify(text).intent.stops
    partly = "take me off the Acme mailing list"
    assert classifier(title="Acme").classify(partly).intent is Intent.OPT_OUT


def test_a_decision_says_whose_list_it_is():
    decision = classifier().classify("take me off Verizon's mailing list")
    assert decision.note == "names a list of others: verizons"


@pytest.mark.parametrize(
    ("text", "told"),
    [("please take me off your mailing list", "off"), ("请不要再给我发短信了", "再")],
)
def test_a_decision_of_the_model_shows_the_words_that_weighed_most(text, told):
    decision = classifier().classify(text)
    assert (decision.intent, decision.rule) == (Intent.OPT_OUT, "model")
    assert told in decision.keyword
    assert all(part in text for part in decision.keyword.split(", "))
    assert 0.9 < (decision.confidence or 0) <= 1


def test_the_classifier_is_used_by_itself():
    assert classify("take me off your list").intent is Intent.OPT_OUT
    assert classify("see you at the bus stop").intent is Intent.NONE
    assert classify("T", "+8613800138000").intent is Intent.OPT_OUT
