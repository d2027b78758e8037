"""Passwords inside connection strings, addresses and command lines."""

from libs.firewall.detectors.checks import placeholder
from libs.firewall.detectors.detector import Detector

_OPEN = {
    "password",
    "pass",
    "passwd",
    "pw",
    "pwd",
    "secret",
    "user",
    "username",
    "token",
    "changeit",
    "test",
    "xxx",
    "yyy",
    "key",
    "x-oauth-basic",
    "x-token-auth",
}
"""What stands in a manual in the place of a password."""


def _kept(_: str, value: str) -> bool:
    """The password of `user:password` or `name=password` is filled in, and is not a variable."""
    bare = value.strip("\"'`{}")
    return len(bare) > 2 and bare.lower() not in _OPEN and not placeholder(bare) and not bare.startswith(("$", "<", "[", "%", "{", "*"))


def _address(whole: str, _: str) -> bool:
    userinfo = whole.partition("://")[2].rpartition("@")[0]
    return _kept(whole, userinfo.partition(":")[2])


def _assigned(whole: str, _: str) -> bool:
    for part in whole.replace("&", ";").replace("?", ";").split(";"):
        name, _equals, value = part.partition("=")
        if name.strip().lower() in _NAMES and _kept(whole, value):
            return True
    return False


_NAMES = {"password", "pwd", "accountkey", "sharedaccesskey", "sharedsecret", "trustpassword", "sslpassword"}


def _login(_: str, value: str) -> bool:
    """`user:password` of a command line, with or without quotes."""
    if value.startswith("<") or "{{" in value:
        return False
    user, _colon, secret = value.strip("\"'`").partition(":")
    secret = secret.strip("\"'`")
    if not secret:
        # A key with nothing behind the colon: who calls so has the key as the user.
        return len(user) > 8 and any(map(str.isdigit, user)) and _kept("", user)
    return _kept("", secret) and "$" not in secret[:1] and (len(secret) > 5 or len(user) > 8)


CONNECTIONS = (
    Detector(
        name="credentials_url",
        pack="secrets",
        title="Address with a user and password",
        valid=_address,
        longest=255,
        patterns=(r"(?i)\b[a-z][a-z0-9+.-]{1,24}://[^\s:/@\"'`<>]{0,64}:[^\s/\"'`<>@][^\s\"'`<>@]{1,99}@[^\s\"'`<>,;)]{2,}",),
    ),
    Detector(
        name="connection_string",
        pack="secrets",
        title="Connection string with a password or key",
        valid=_assigned,
        longest=255,
        patterns=(
            r"(?i)\b(?:server|data source|host|addr(?:ess)?|endpoint|defaultendpointsprotocol|accountname|hostname|driver|provider"
            r"|initial catalog|database|uid|user id|user)"
            r"\s?=\s?[^;\"'`\n]{1,80};(?:[\w ]{2,30}=[^;\"'`\n]{0,80};){0,8}?\s?(?:password|pwd|accountkey|sharedaccesskey)\s?=\s?"
            r"[^;\"'`\s]{3,}(?:;[\w ]{2,30}=[^;\"'`\n]{0,80})*",
            r"(?i)\b(?:accountkey|sharedaccesskey|sharedsecret)=[a-z0-9+/=%_-]{20,}",
            r"(?i)\bjdbc:[a-z0-9:]{2,30}:[^\s\"'`<>]{3,160}?[?&;:](?:password|pwd)=[^\s\"'`<>&;]{3,}[^\s\"'`<>]*",
            r"(?i)\bjdbc:oracle:[a-z]{2,5}:[^\s/\"'`]{1,40}/[^\s@\"'`]{3,60}@[^\s\"'`]{3,}",
        ),
    ),
    Detector(
        name="command_line_login",
        pack="secrets",
        title="User and password on a command line",
        valid=_login,
        longest=250,
        patterns=(
            r"(?i)\b(?:curl|wget|httpie)\b[^\n]{0,120}?\s(?:-[a-z]{0,4}u ?|--(?:proxy-)?user[ =])(?P<value>\"[^\"\n]{2,120}\"(?::\""
            r"[^\"\n]{2,80}\")?|'[^'\n]{2,120}'|[^\s\"'`:]{0,64}:(?:\"[^\"\n]{2,80}\"|'[^'\n]{2,80}'|[^\s\"'`]{3,80}))",
        ),
    ),
    Detector(
        name="command_line_password",
        pack="secrets",
        title="Password on a command line or in a call",
        valid=_kept,
        longest=200,
        patterns=(
            r"(?i)\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n|;]{0,100}?\s-p(?P<value>[^\s\"'`=-][^\s\"'`]{4,64}|'[^'\n]{4,64}'|\""
            r"[^\"\n]{4,64}\")",
            r"(?i)\bsshpass\s+-p\s?(?P<value>[^\s\"'`]{4,64}|'[^'\n]{4,64}'|\"[^\"\n]{4,64}\")",
            r"(?i)\bredis-cli\b[^\n|;]{0,80}?\s(?:-a|--pass)\s(?P<value>[^\s\"'`]{5,100}|'[^'\n]{4,64}'|\"[^\"\n]{4,64}\")",
            r"(?i)\b(?:docker|podman|helm|az|oc|vault|smbclient|net use|ldapsearch|rclone|pg_dump|mongo|mongosh|sqlcmd|isql|ftp|lftp"
            r"|openssl)\b[^\n|;]{0,100}?\s-(?:p|w|pw|P)\s(?P<value>[^\s\"'`=-][^\s\"'`]{5,100}|'[^'\n]{6,64}'|\"[^\"\n]{6,64}\")",
            r"(?i)(?:\bauth=\(|\bauth = \(|\.login\(|basic_?auth\(|authenticate\(|set_?credentials\()\s?[\"'][^\"'\n]{1,64}[\"'],\s?[\"']"
            r"(?P<value>"
            r"[^\"'\n]{4,100})[\"']",
            r"(?i)\bmachine\s+\S{1,80}\s+login\s+\S{1,80}\s+password\s+(?P<value>\S{4,100})",
            r"(?i)\b(?:identified\s+(?:with\s+\w{1,40}\s+)?by|with\s+(?:encrypted\s+)?password|set\s+password"
            r"(?:\s+for\s+\S{1,60})?\s*=?)\s*(?:password\s?\(\s?)?'(?P<value>[^'\n]{4,100})'",
        ),
    ),
    Detector(
        name="authorization_header",
        pack="secrets",
        title="Authorization header or bearer token",
        valid=lambda _, value: (
            len(value) > 11 and not placeholder(value) and any(map(str.isdigit, value)) | (len(value) > 24 and value != value.lower())
        ),
        longest=200,
        patterns=(
            r"(?i)\bbearer[\"']?(?:\s+token)?(?:\s?(?:=|:|\bis\b)\s?|\s+)[\"'`]?(?P<value>[a-z0-9][a-z0-9._~+/-]{11,}={0,2})",
            r"(?i)\bauthorization[\"']?\s?[:=]\s?[\"'`]?basic[ :=]{1,2}[\"'`]?(?P<value>[a-z0-9+/]{12,}={0,2})(?:[^\w.-]|$)",
            r"(?i)\bauthorization[\"']?\s?[:=]\s?[\"'`]?(?:token|apikey|api-key|digest|negotiate|key|aws4-hmac-sha256)[ :=]{1,2}[\"'`]?"
            r"(?P<value>[a-z0-9][a-z0-9._~+/-]{11,}={0,2})",
            r"(?i)\bbasic (?P<value>[a-z0-9+/]{16,}={1,2})",
        ),
    ),
)
