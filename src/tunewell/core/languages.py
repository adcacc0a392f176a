"""Codes of languages: which names are such codes, or stand for one, and when two name one language.

A code is a language of ISO 639, such as `de` or `deu`, alone or with a script and a region: `zh_CN`, `pt-BR`,
`deu_Latn`, `en_XX`. Not for: what a text is written in (`scripts`), or names of files
(`tunewell.data.languages`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_TWO_AND_THREE = (
    "aa aar ab abk ae ave af afr ak aka am amh an arg ar ara as asm av ava ay aym az aze ba bak be bel bg bul bi bis "
    "bm bam bn ben bo bod br bre bs bos ca cat ce che ch cha co cos cr cre cs ces cu chu cv chv cy cym da dan de deu "
    "dv div dz dzo ee ewe el ell en eng eo epo es spa et est eu eus fa fas ff ful fi fin fj fij fo fao fr fra fy fry "
    "ga gle gd gla gl glg gn grn gu guj gv glv ha hau he heb hi hin ho hmo hr hrv ht hat hu hun hy hye hz her ia ina "
    "id ind ie ile ig ibo ii iii ik ipk io ido is isl it ita iu iku ja jpn jv jav ka kat kg kon ki kik kj kua kk kaz "
    "kl kal km khm kn kan ko kor kr kau ks kas ku kur kv kom kw cor ky kir la lat lb ltz lg lug li lim ln lin lo lao "
    "lt lit lu lub lv lav mg mlg mh mah mi mri mk mkd ml mal mn mon mr mar ms msa mt mlt my mya na nau nb nob nd nde "
    "ne nep ng ndo nl nld nn nno no nor nr nbl nv nav ny nya oc oci oj oji om orm or ori os oss pa pan pi pli pl pol "
    "ps pus pt por qu que rm roh rn run ro ron ru rus rw kin sa san sc srd sd snd se sme sg sag si sin sk slk sl slv "
    "sm smo sn sna so som sq sqi sr srp ss ssw st sot su sun sv swe sw swa ta tam te tel tg tgk th tha ti tir tk tuk "
    "tl tgl tn tsn to ton tr tur ts tso tt tat tw twi ty tah ug uig uk ukr ur urd uz uzb ve ven vi vie vo vol wa wln "
    "wo wol xh xho yi yid yo yor za zha zh zho zu zul"
)
_OTHERS = (
    "sq alb hy arm eu baq my bur zh chi zh cmn cs cze nl dut fr fre ka geo de ger el gre is ice mk mac mi mao ms may "
    "fa per ro rum sk slo bo tib cy wel ar arb fa pes fa prs lv lvs sq als az azj mn khk ne npi or ory mg plt ps pbt "
    "sw swh uz uzn yi ydd ms zsm om gaz ku kmr qu quy ay ayr et ekk"
)
"""Older codes for books, and the single languages that stand for a group in FLORES and NLLB."""

_TWO_LETTERS = {
    long: short
    for codes in (_TWO_AND_THREE.split(), _OTHERS.split())
    for short, long in zip(codes[::2], codes[1::2], strict=True)
}
_KNOWN = {*_TWO_LETTERS, *_TWO_LETTERS.values()}

_CODES_AND_NAMES = (
    "ar arabic bg bulgarian bn bengali ca catalan cs czech da danish de german el greek en english es spanish "
    "et estonian fa persian fi finnish fr french ga irish gu gujarati he hebrew hi hindi hr croatian "
    "hu hungarian hy armenian id indonesian is icelandic it italian ja japanese ka georgian kk kazakh ko korean "
    "la latin lt lithuanian lv latvian mk macedonian mr marathi ms malay mt maltese nl dutch no norwegian "
    "pl polish pt portuguese ro romanian ru russian sk slovak sl slovene sl slovenian sq albanian sr serbian "
    "sv swedish sw swahili ta tamil te telugu th thai tl tagalog tr turkish uk ukrainian ur urdu vi vietnamese "
    "zh chinese zh mandarin"
)
"""The English names of languages, as columns of tables have them, each after its code."""

_CODE_OF_NAME = dict(zip(_CODES_AND_NAMES.split()[1::2], _CODES_AND_NAMES.split()[::2], strict=True))

_SCRIPTS = (
    "latn cyrl arab hans hant hani jpan kore hang hebr grek deva beng guru gujr orya taml telu knda mlym sinh thai "
    "laoo tibt mymr khmr ethi geor armn mong tfng olck mtei nkoo thaa syrc cher cans"
)
_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?")


def language_of(code: str) -> str | None:
    """The language that a code names, by two letters where it has two, else by three; None for what is no code.

    Capitals are ignored. A code of three letters that is not known is taken only with a script (`ace_Latn`).
    """
    match = _CODE.fullmatch(code)
    if match is None:
        return None
    language, script = match[1].lower(), (match[2] or "").lower()
    if script and script not in _SCRIPTS.split():
        return None
    if language not in _KNOWN and not (script and len(language) == 3):
        return None
    return _TWO_LETTERS.get(language, language)


def language_said(name: str) -> str | None:
    """The code that a name is, as it is written, or that an English name of a language stands for (`German`: `de`)."""
    return name if language_of(name) is not None else _CODE_OF_NAME.get(name.strip().lower())


def alike(code: str, others: Sequence[str]) -> list[str]:
    """Those of the `others` that mean what `code` means: the same code, else one spelt otherwise, else the language.

    `zh_CN` goes before `zh-cn`, that before `zho_Hans`, and all of them before `zh`'s other kinds.
    """
    spelt = {other: other.casefold().replace("-", "_") for other in others}
    wanted = code.casefold().replace("-", "_")
    language = language_of(code)
    for is_meant in (
        lambda other: other == code,
        lambda other: spelt[other] == wanted,
        lambda other: language is not None and language_of(other) == language,
    ):
        found = [other for other in others if is_meant(other)]
        if found:
            return found
    return []
