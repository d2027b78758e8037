"""What a fetched image or file really is. Its first bytes count for more than the declared type, which servers often get wrong:
providers refuse an image that is not what it is said to be."""

_UNDECLARED = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"),
)
# Brands behind "ftyp": https://nokiatech.github.io/heif/technical.html
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF = frozenset({b"mif1", b"msf1"})


def image(declared: str, content: bytes) -> str | None:
    """The media type of an image that models take; None for anything else, and for SVG."""
    if declared not in _UNDECLARED and not declared.startswith("image/"):
        return None
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        return "image/heic" if brand in _HEIC else "image/heif" if brand in _HEIF else None
    return next((kind for magic, kind in _IMAGES if content.startswith(magic)), None)


def file(declared: str, content: bytes) -> str | None:
    """The media type of a PDF or of text in UTF-8; None for anything else."""
    # Acrobat takes a header anywhere in the first kilobyte for that of a PDF.
    if declared in _UNDECLARED | {"application/pdf"} and b"%PDF-" in content[:1024]:
        return "application/pdf"
    if declared.startswith("text/") and _is_text(content):
        return declared
    return "text/plain" if declared in _UNDECLARED and _is_text(content) else None


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False
