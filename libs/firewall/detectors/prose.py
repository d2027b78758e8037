"""Passwords, tokens and keys of no known format that a sentence gives away."""

import re
from itertools import pairwise

from libs.firewall.detectors.checks import classes, entropy, hexadecimal, password, placeholder, random_token, uuid, written
from libs.firewall.detectors.detector import Detector

_WORD = (
    r"(?:pass(?:word|wd|[ -]?phrase|code|wort)|x{0}pwd|kennwort|contraseña|senha|mot de passe|wachtwoord|parola|hasło"
    r"|adgangskode|lösenord|credentials?|creds)"
)
_KEY = (
    r"(?:secret|token|jwt|bearer|api[ -]?key|apikey|access key|secret key|auth(?:entication|orization)? (?:key|code|token)|(?:signing"
    r"|encryption|private|master|service|license|client|deploy|admin|account"
    r"|session|webhook|shared|hmac|aes) key|auth)"
)
_IS = r"(?:it's|value|became|becomes|remains|\||è|is|lautet|heißt|vaut|was|are|be|to|as|equals|reads|=|:|->|=>|→|\x{2013}|—|-|ist|est|es|é)"
_OPEN = r"[\"'`“\x{2018}«(\[*]{0,3}"
_CLOSE = ".,:!?)]*_|”\u2019»"
_PASSWORD = re.compile(rf"(?:\b|_){_WORD}|(?:\b|_)(?:pass|pw)\b", re.IGNORECASE)
# What a digest or an identifier is of.
_ABOUT = re.compile(
    r"\b(?:files?|hash|digest|checksum|sha\d*|md5|commit|revision|etag|fingerprint|ids?|uuid|version|module|build|image|layer|name)\b",
    re.IGNORECASE,
)
_PUBLIC = (
    r"(?:(?:public|primary|foreign|cache|partition|publishable|sort|host|page|next|csrf|xsrf|authenticity|continuation|cursor|sync)[ _-])"
)
# "… in the token module" is said of commits.
_WITHIN = re.compile(r"\W*(?:in|into)\s", re.IGNORECASE)
_NAMED = re.compile(rf"\W*{_PUBLIC}", re.IGNORECASE)
_REACH = 140
"""Characters between the name and the value, names included, over which a sentence is believed to speak of one thing."""


def _near(whole: str, value: str) -> bool:
    return whole.rfind(value) < _REACH


def _unguessable(value: str) -> bool:
    """Not 128-bit, 2nd, v1.2, base64-encoded, 10:30 or user2."""
    if value.isalnum() and not value.isalpha():
        return True
    kinds = classes(value)
    return kinds > 2 or (kinds == 2 and len(value) > 9 and _turns(value) > 3 and not re.search(r"[-_/]", value))


def _turns(value: str) -> int:
    """How often letters and digits alternate."""
    return sum(before.isdigit() != after.isdigit() for before, after in pairwise(value))


def _said(whole: str, value: str) -> bool:
    """By the word that it is called: a password may be anything but a word, a key is long."""
    if not _near(whole, value):
        return False
    said = whole.replace(value, " ", 1)
    if (_WITHIN.match(said) or _ABOUT.search(said)) and (hexadecimal(value) or uuid(value)):
        return False
    # A stream has let go of the beginning when the name comes so late.
    if len(value) > _REACH and whole.find(value) < 2:
        return False
    if _NAMED.match(whole) or re.match(r"[a-z_]+=", value):
        return False
    short = value.rstrip(_CLOSE)
    return random_token(short, 16) or (_PASSWORD.search(said) is not None and password(short) and _unguessable(short))


def _far_key(whole: str, value: str) -> bool:
    """A token in a sentence about tokens: long, and mixed beyond doubt. Digests and identifiers are not."""
    value = value.rstrip(".")
    if not _near(whole, value) or uuid(value) or hexadecimal(value) or written(value) or placeholder(value) or value.startswith("eyJ"):
        return False
    return len(value) >= 24 and classes(value) > 2 and entropy(value) > 3.8


def _logged_in(whole: str, value: str) -> bool:
    value = value.strip("([|" + _CLOSE)
    if not _near(whole, value) or re.match(r"\w+=", value):
        return False
    if whole[:4].strip().lower() in ("auth", "log", "logi", "logg", "sign") and random_token(value, 32):
        return True
    if hexadecimal(value):
        return False
    paired = whole[:5].lower() in ("login", "crede", "creds")
    return password(value) and (_unguessable(value) if paired else classes(value) > 2 and not written(value))


_GIVEN = r"(?P<value>[^\s\"'`“”<>]*[0-9!#$%^&*@][^\s\"'`“”<>]*)"

PROSE = (
    Detector(
        name="said_secret",
        pack="secrets",
        title="Password, key or token in a sentence",
        valid=_said,
        longest=255,
        patterns=(
            # As in: the admin password is …; token for the staging box …; Passwort lautet …
            rf"(?i)(?:(?:{_PUBLIC}|\b|_)(?:{_WORD}|{_KEY})s?|(?:{_PUBLIC}|\b)keys?|\b(?:pass is|pass:|pw is|pw was|pw:)|_pass (?:to|is))"
            rf"(?:'s|[ \t]+{_IS}|,?(?:[ \t]+"
            rf"[^\s:=]+){{1,6}}?(?:[ \t]+{_IS}|:|,)|:|,)?(?:[ \t]+(?:now|still|currently|just|set to|simply|:))?\s+{_OPEN}{_GIVEN}",
            # As in: use … as the password; … is our API token
            rf"(?i)(?:^|[\s\"'`“(])(?P<value>[^\s\"'`“”<>]*[0-9][^\s\"'`“”<>]*)[\"'`”)]?\s+"
            rf"(?:(?:is|as|for|was|be|=|in|into)\s+|an?\s+)(?:(?:the|my|our"
            rf"|your|his|her|their|a|an)\s+)?(?:[\w-]+\s+){{0,3}}?(?:{_WORD}|{_KEY}|key|authorization|x-api-key|x-auth)\b",
        ),
    ),
    Detector(
        name="said_login",
        pack="secrets",
        title="User and password in a sentence",
        valid=_logged_in,
        longest=200,
        patterns=(
            r"(?i)\b(?:log(?:ged|ging)?[ -]?in(?:to)?|sign(?:ed|ing)?[ -]?in|authenticat(?:e|es|ed|ing)|connect(?:ed|ing)?|unlock(?:s"
            r"|ed)?|ssh|decrypt(?:s|ed)?|enter|entering|type|typing)\b"
            r"(?:[ \t]+[^\s]+){0,5}?\s+(?:with|using|by|via|use|as)\s+(?:[^\s]+[ \t]+){0,4}?[\"'`“(]{0,2}"
            r"(?P<value>[^\s\"'`“”<>]*[0-9]"
            r"[^\s\"'`“”<>]*)",
            r"(?i)\b(?:(?:login|credentials?|creds)(?:[ \t]+[\w-]+){0,5}?|user(?:name)?|account|root|admin)\b[\"']?\s?(?:is|are|:|="
            r"|-)?\s?[\"'`]?[\w.@+-]{2,64}[\"'`]?\s?(?:/|:|\||,|;|and|with)\s?(?:pass(?:word)?|pw|pwd)?\s?[:=]?\s?[\"'`]?(?P<value>"
            r"[^\s\"'`“”<>]*[0-9][^\s\"'`“”<>]*)",
        ),
    ),
    Detector(
        name="token_in_talk",
        pack="secrets",
        title="Token in a sentence about tokens",
        valid=_far_key,
        longest=255,
        patterns=(
            r"(?i)\b(?:token|secret|api[ -]?key|credential|bearer|password|authorization|authenticate|login|log in)s?\b(?:[ \t:,(\"'`]+"
            r"[^\s\"'`]+){0,6}?[\s:,(\"'`=]+(?P<value>[a-z0-9_+/=.~-]{24,})",
        ),
    ),
)
