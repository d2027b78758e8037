"""`python -m docs` writes every generated page; a test holds that the committed ones are what it would write."""

from pathlib import Path

from docs.pages import PAGES

HERE = Path(__file__).parent


def main() -> None:
    for name, make in PAGES.items():
        page = HERE / name
        text = make()
        changed = not page.exists() or page.read_text() != text
        page.write_text(text)
        print(f"docs/{name}{' written' if changed else ' is current'}")


if __name__ == "__main__":
    main()
