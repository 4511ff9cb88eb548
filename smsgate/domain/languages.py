"""English names of the languages that keyword sets, replies and pages are written in."""

from __future__ import annotations

import re

NAMES = {
    "af": "Afrikaans",
    "am": "Amharic",
    "ar": "Arabic",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "en-IN": "English (India)",
    "en-NG": "English (Nigeria)",
    "es": "Spanish",
    "et": "Estonian",
    "fa": "Persian",
    "fi": "Finnish",
    "fil": "Filipino",
    "fr": "French",
    "fr-CA": "French (Canada)",
    "gu": "Gujarati",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "ht": "Haitian Creole",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "km": "Khmer",
    "kn": "Kannada",
    "ko": "Korean",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "ml": "Malayalam",
    "mr": "Marathi",
    "ms": "Malay",
    "my": "Burmese",
    "nb": "Norwegian",
    "ne": "Nepali",
    "nl": "Dutch",
    "pa": "Punjabi",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "si": "Sinhala",
    "sk": "Slovak",
    "sl": "Slovenian",
    "so": "Somali",
    "sr": "Serbian",
    "sv": "Swedish",
    "sw": "Swahili",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "und": "All languages",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "yo": "Yoruba",
    "zh-Hans": "Chinese (Simplified)",
    "zh-Hant": "Chinese (Traditional)",
    "zu": "Zulu",
}
"""By the code of BCP 47, as Unicode's CLDR names them; ``und`` belongs to every language."""

SPOKEN_IN = {
    region: languages.split(",")
    for region, languages in re.findall(
        r"(\w+):(\S+)",
        """
        AE:ar AF:fa AO:pt AR:es AT:de AU:en BA:hr,sr BD:bn BE:nl,fr,de BG:bg BH:ar BI:fr BJ:fr BN:ms
        BO:es BR:pt BY:ru CA:en,fr CD:fr CF:fr CG:fr CH:de,fr,it CI:fr CL:es CM:fr,en CN:zh-Hans
        CO:es CR:es CU:es CV:pt CY:el,tr CZ:cs DE:de DJ:so,fr,ar DK:da DO:es DZ:ar,fr EC:es EE:et,ru
        EG:ar ES:es,ca ET:am,so FI:fi,sv FR:fr GA:fr GB:en GH:en GN:fr GQ:es GR:el GT:es GW:pt
        HK:zh-Hant,en HN:es HR:hr HT:ht,fr HU:hu ID:id IE:en IL:he,ar,ru
        IN:en-IN,en,hi,bn,te,mr,ta,gu,kn,ml,pa,ur IQ:ar IR:fa IT:it JM:en JO:ar JP:ja KE:sw,en,so
        KG:ru KH:km KR:ko KW:ar KZ:ru LB:ar,fr LI:de LK:si,ta,en LT:lt LU:fr,de LV:lv,ru LY:ar
        MA:ar,fr MD:ro,ru ME:sr,hr MG:fr ML:fr MM:my MO:zh-Hant,pt MX:es MY:ms,zh-Hans,en,ta MZ:pt
        NA:en,af NG:en-NG,en,yo NI:es NL:nl NO:nb NP:ne NZ:en OM:ar PA:es PE:es PH:fil,en
        PK:ur,pa,en PL:pl PR:es,en PS:ar PT:pt PY:es QA:ar RO:ro RS:sr RU:ru RW:fr,sw,en SA:ar SD:ar
        SE:sv SG:en,zh-Hans,ms,ta SI:sl SK:sk SM:it SN:fr SO:so SR:nl SV:es SY:ar TG:fr TH:th
        TN:ar,fr TR:tr TT:en TW:zh-Hant TZ:sw,en UA:uk,ru UG:en,sw US:en,es UY:es VE:es VN:vi XK:sr
        YE:ar ZA:en,af,zu ZM:en ZW:en
        """,
    )
}
"""By region, its main languages that we know, the most usual first."""


def language_name(code: str) -> str:
    """The English name of a language; its code where there is none, as of an operator's own set."""
    return NAMES.get(code, code)
