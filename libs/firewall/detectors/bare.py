"""Vendors' tokens whose prefix is too short to look for by itself. They are one pattern, so that a text is read once for all of them."""

from libs.firewall.detectors.vendor import token

_HEX = "[0-9a-f]"
_FORMS = (
    r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",  # Discord bot
    r"YC[A-Za-z0-9_-]{38}",  # Yandex Cloud
    rf"SK{_HEX}{{32}}",  # Twilio
    r"[sbr]\.[A-Za-z0-9]{24}",  # Vault before 1.10
    rf"pat[A-Za-z0-9]{{14}}\.{_HEX}{{64}}",  # Airtable
    r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,30}",  # Resend
    r"cio[A-Za-z0-9]{32}",  # crates.io
    rf"{_HEX}{{32}}-us\d{{1,2}}",  # Mailchimp
    rf"{_HEX}{{32}}-{_HEX}{{8}}-{_HEX}{{8}}",  # Mailgun
    rf"(?:key|private)-{_HEX}{{32}}",  # Mailgun
    rf"[012]/\d{{13,20}}(?:/\d{{13,20}})?:{_HEX}{{32}}",  # Asana
    r"\d{15,16}(?:\||%7C)[A-Za-z0-9_-]{26,40}",  # Facebook app
    rf"sk_{_HEX}{{48}}",  # ElevenLabs
    rf"fc-{_HEX}{{32}}",  # Firecrawl
    rf"(?:live|test)_{_HEX}{{35}}",  # Lob
    r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9_.]{60,}",  # Salesforce
    rf"[ps]at\.[A-Za-z0-9_-]{{22}}\.{_HEX}{{24}}\.[A-Za-z0-9]{{20}}",  # Harness
    rf"(?:api|sdk|mob)-{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",  # LaunchDarkly
    rf"tr_{_HEX}{{32}}",  # TokenRouter
    r"sl\.(?:u\.)?[A-Za-z0-9_=-]{100,}",  # Dropbox
)

BARE = (
    token(
        "short_prefix_token",
        "Token with a short prefix (Discord, Twilio, Yandex, Airtable, Resend, Mailgun, Mailchimp, Asana, Lob, Dropbox and others)",
        rf"(?:^|[^\w./-])(?P<value>{'|'.join(_FORMS)})\b",
    ),
)
