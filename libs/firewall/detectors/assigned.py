"""Passwords, tokens and keys of no known format that a name assigns: environment files, JSON, YAML, code, markup, flags, query strings."""

import re

from libs.firewall.detectors.checks import password, random_token
from libs.firewall.detectors.detector import Detector

# `x{0}` keeps RE2 from drawing first letters of short words together, which would leave the filter less than the three characters it needs.
_PASSWORDS = (
    r"pass(?:word|wd|[ -]?phrase|code|wort)?|x{0}pwd|x{0}psw|x{0}pswd|kennwort|contrase(?:ñ|n)a|clave|senha|mot[ _]?de[ _]?passe|x{0}mdp"
    r"|wachtwoord"
    r"|parola|has(?:ł|l)o|adgangskode|lösenord|口令|пароль|密码|パスワード|비밀번호"
)
_KEYS = (
    r"secret|token|api[ _.-]?key|apikey|access[ _.-]?key|auth[ _.-]?key|(?:private|signing|encryption|encrypt|master|service|client|admin"
    r"|account|shared|session|license|hmac|webhook|deploy|write|app|application|consumer|jwt|crypto|cipher|aes|root|host|storage"
    r"|subscription|user|storage|integration|security|ssh|bot|server|rest|live|prod|production|backup)[ _.-]?key"
    r"|credentials?|bearer|x-auth|auth|cookie[_ -]?secret|jwt|access[_ -]?code"
)
# Between the name and its value: closing quotes and brackets, a sign, perhaps `"value":` in a list of names and values.
_SIGN = (
    r"[\"'`\\\])]{0,4}\s{0,8}(?:: ?[a-z]{2,16} ?=|=>|:=|==|=|:|->|>|是|为|は"
    r"|,?\s{0,12}[\"'\\]{0,2}value[\"'\\]{0,2}\s{0,2}[=:])\s{0,8}(?:r|b|f|\$|@)?"
    r"[\"'`\\]{0,3}"
)
# Tokens of pages, forms and cursors open nothing, nor do keys of tables and caches.
_PUBLIC = (
    r"(?:(?:authenticity|csrf|xsrf|nonce|next|page|next_page|continuation|pagination|cursor|sync|public"
    r"|publishable|cache|primary|foreign|partition|sort|hash"
    r"|object|bucket|idempotency|dedup|lookup|lock|row|search|translation|i18n|react"
    r"|registry|unique|composite|candidate|instance|resource|stream|group"
    r"|routing|message|event|dict|json|map|config|setting|issue|project|shortcut|hot|arrow)[_ -]?)?"
)
_SUFFIX = r"[\w.-]{0,24}?"
# The filter looks for three characters at least.
_SHORT = r"(?:pw |pw:|pw=|pw =|pw :|pw\":|pw\" :|pw':|pw' :|pin:|pin=|pin =|pin\":)\s{0,4}[\"'`]{0,2}"
# What a name's end says that its value is not.
_HARMLESS = re.compile(
    r"(?:url|uri|name|file|path|type|len(?:gth)?|size|count|limit|expir\w*|ttl|format|policy|hint|label|field|version|algo(?:rithm)?|hash"
    r"(?:ed)?|digest|ref|arn|prefix"
    r"|header|endpoint|host|id|ids|at|usage|used|uses|tokens|credits|model|class|dir|store|method|mode|page|index|column|scope|provider"
    r"|manager|selector|alias|env|var|check"
    r"|required|enabled|valid|reset|strength|min|max|count|sum|izer|ize|izes|ized|encoder|budget|accessor|vault|board|word|words|map|code"
    r"|press|pressed|down|up|frame|space|note|pair"
    r"|points?|stone|board|ed|ing|s3|meshing)$",
    re.IGNORECASE,
)
_NAME = re.compile(rf"[^a-z]*(?P<public>{_PUBLIC})(?:{_PASSWORDS}|pw|pin|{_KEYS}|key)(?P<suffix>[\w .\-\[]*)", re.IGNORECASE)


def _named_password(whole: str, value: str) -> bool:
    return not _harmless(whole, value) and password(value.rstrip(",)"))


def _named_key(whole: str, value: str) -> bool:
    return not _harmless(whole, value) and random_token(value, 16)


def _harmless(whole: str, value: str) -> bool:
    name = _NAME.match(whole[: whole.rindex(value)])
    return name is not None and bool(name["public"] or _HARMLESS.search(name["suffix"].rstrip(" _-.")))


ASSIGNED = (
    Detector(
        name="assigned_password",
        pack="secrets",
        title="Password given to a name",
        valid=_named_password,
        longest=200,
        patterns=(
            rf"(?i)(?:(?:{_PASSWORDS}){_SUFFIX}(?:{_SIGN})|(?:^|[^a-z])(?:{_SHORT}))(?P<value>[^\s\"'`\\;<>]{{6,}})",
            r"(?i)--(?:password|passwd|pass|pwd|passphrase)[ =][\"'`]?(?P<value>[^\s\"'`\\;<>]{6,})",
        ),
    ),
    Detector(
        name="assigned_key",
        pack="secrets",
        title="Key or token given to a name",
        valid=_named_key,
        longest=220,
        patterns=(
            rf"(?i)(?:{_PUBLIC}(?:{_KEYS}|(?:^|[^a-z]){_PUBLIC}key){_SUFFIX}(?:{_SIGN}|[\"'],\s?[\"'])|--[a-z-]{{0,20}}(?:token|secret|key"
            rf"|auth)[ =][\"'`]?)"
            r"(?P<value>[^\s\"'`\\;<>,&(){}\[\]]*[0-9][^\s\"'`\\;<>,&(){}\[\]]{4,})",
        ),
    ),
)
