"""Private keys, and tokens of open standards."""

import re

from libs.firewall.detectors.checks import placeholder
from libs.firewall.detectors.detector import Detector
from libs.firewall.detectors.vendor import token

_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{16}")
_SEEN = 240


def _filled(whole: str, _: str) -> bool:
    """Key material follows the first line: told by the beginning, so that a block whose end is yet to come is one already."""
    return _MATERIAL.search(whole[10:_SEEN].partition("-----")[2] or whole[10:_SEEN]) is not None


def _signed(_: str, value: str) -> bool:
    return not placeholder(value[30:120])


KEYS = (
    Detector(
        name="private_key",
        pack="secrets",
        title="Private key (PEM, OpenSSH, PGP, PuTTY)",
        valid=_filled,
        longest=240,
        patterns=(
            r"(?s)-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----|\z)",
            r"(?s)PuTTY-User-Key-File-\d: .*?(?:Private-MAC: [0-9a-f]{16,64}|\z)",
        ),
    ),
    token("age_key", "age secret key", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b"),
    # A header segment begins with the base64 of `{"alg`, `{"typ`, `{"kid` and so on, with or without a space after the brace.
    token(
        "jwt",
        "JSON Web Token",
        r"\bey(?:JhbGci|J0eXAi|JraWQi|JjdHki|JlbmMi|J4NX|JqA3ci|JqaGci|IsInR5|IsImFs|AiYWxn|AiYWxnI|AidHlw|AidHlwI|AgImFs|AgInR5|AgImtp"
        r"|JpdiI6|JqdSI6|JqdWki|Jqa3ki|JqdWsi|JqA3U)"
        r"[A-Za-z0-9_-]{6,200}\.ey[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){0,3}",
        longest=255,
        valid=_signed,
    ),
    token("paseto", "PASETO", r"\bv[1-4]\.(?:local|public)\.[A-Za-z0-9_-]{40,}(?:\.[A-Za-z0-9_-]+)?"),
    token("kubeadm_token", "Kubernetes bootstrap token", r"(?i)\bkubeadm join[^\n]{0,80}--token (?P<value>[a-z0-9]{6}\.[a-z0-9]{16})\b"),
)
