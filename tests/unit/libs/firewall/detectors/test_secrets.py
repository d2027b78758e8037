"""Secrets with no format of their own: what gives them away is what stands beside them."""

import pytest

from tests.unit.libs.firewall.detectors.finding import ALNUM, HEX, URLSAFE, drawn, found, uuid

PASSWORD = "Falc" + "on082#GPJrx"
WORDY = "sunsh" + "ine4711"
OPAQUE, DIGEST, KEY = drawn(48, URLSAFE), drawn(40, HEX), drawn(32, ALNUM)
PEM = "-----BEGIN {0}PRIVATE " + "KEY{1}-----\n" + drawn(64) + "\n" + drawn(40) + "=\n-----END {0}PRIVATE " + "KEY{1}-----"


def left(text: str, value: str) -> int:
    """Characters in a row of the value that no hit covers."""
    for hit in found("secrets", text):
        text = text.replace(hit, "\0" * len(hit), 1) if hit in text else text
    rest, longest = text.split("\0"), 0
    for part in rest:
        for size in range(longest + 1, len(value) + 1):
            if not any(value[at : at + size] in part for at in range(len(value) - size + 1)):
                break
            longest = size
    return longest


def assert_gone(text: str, value: str) -> None:
    assert found("secrets", text), text
    assert left(text, value) < min(6, len(value)), text


@pytest.mark.parametrize(
    "sentence",
    [
        "password: {}",
        "DB_PASSWORD={}",
        "export PGPASSWORD='{}'",
        '{{"password": "{}", "timeout": 30}}',
        "spring.datasource.password={}",
        "<password>{}</password>",
        '<add key="DbPassword" value="{}"/>',
        "- name: DB_PASSWORD\n  value: {}",
        '$password = "{}";',
        "--password {} --verbose",
        "user=admin&password={}&go=1",
        "the admin password is {}",
        "The password for the staging server is {}.",
        "my password's {}",
        "after the reset my password became {}",
        "pw: {}",
        "pass is {}",
        "Use {} as the root password.",
        "{} is the password for the database",
        "I changed the password from old to {}",
        "Das Passwort lautet {}",
        "Le mot de passe est {}",
        "La contraseña es {}",
        "пароль: {}",
        "密码是 {}",
        "credentials: admin:{}",
        "login: admin / {}",
        "log in with user admin and password {}",
        "The root password ({}) leaked",
        "sshpass -p '{}' ssh root@host",
        "mysql -u root -p{} shop",
        "ALTER USER app WITH PASSWORD '{}';",
        "machine api.example.com login bob password {}",
        'requests.get(url, auth=("bob", "{}"))',
        "| admin | password | {} |",
        "curl -u bob:{} https://example.com",
        "docker login -u ci -p {} registry.example.com",
    ],
)
@pytest.mark.parametrize("value", [PASSWORD, WORDY])
def test_passwords(sentence: str, value: str) -> None:
    assert_gone(sentence.format(value), value)


@pytest.mark.parametrize(
    "sentence",
    [
        "api_key={}",
        '{{"apiKey": "{}"}}',
        "X-Api-Key: {}",
        "const client_secret = '{}';",
        'TOKEN = "{}"',
        "auth_token: {}",
        "https://example.com/v1?access_token={}&page=2",
        "Authorization: Bearer {}",
        "-H 'authorization: token {}'",
        'Authorization: Bearer="{}"',
        "helm install --set auth.token={} chart",
        "--api-key={}",
        "key: {}",
        "use token {} to log in",
        "The api token is {}",
        "my session token was {} yesterday",
        "{} is our API token",
        "here's the key: {}",
        "please store this secret: {}",
        "I accidentally committed the API key {} to git",
        'os.getenv("API_TOKEN", "{}")',
        "the signing key is {}",
        "My auth_token is {} , can you check that it works?",
    ],
)
@pytest.mark.parametrize("value", [OPAQUE, DIGEST, KEY], ids=["opaque", "hex", "key"])
def test_keys_and_tokens(sentence: str, value: str) -> None:
    assert_gone(sentence.format(value), value)


def test_a_uuid_is_a_secret_where_it_is_called_one() -> None:
    assert found("secrets", f"api_key: {uuid()}")
    for name in ("clientId", "kms_key_id", "credentialsId", "request_id", "UserSecretsId"):
        assert found("secrets", f'{name}: "{uuid()}"') == []


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://etl:{}@db.example.org:5432/orders",
        "mongodb+srv://app:{}@cluster.example.net/x",
        "redis://:{}@cache:6379/0",
        "amqp://guest:{}@mq/vhost",
        "https://bob:{}@git.example.com/r.git",
        "Server=tcp:db.example.com,1433;Database=app;User Id=sa;Password={};Encrypt=True",
        "jdbc:mysql://db.example.com:3306/app?user=bob&password={}",
        "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={}==;EndpointSuffix=core.example.net",
        "Endpoint=sb://x.example.net/;SharedAccessKeyName=Root;SharedAccessKey={}=",
    ],
)
def test_a_connection_string_goes_as_a_whole(text: str) -> None:
    filled = text.format(drawn(40))
    assert left(f"Why does {filled} time out?", filled) < 12


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_private_keys(kind: str) -> None:
    block = PEM.format(kind, "")
    assert found("private_key", f"Here it is:\n{block}\nThanks") == [block]
    assert found("private_key", PEM.format("PGP ", " BLOCK")) == [PEM.format("PGP ", " BLOCK")]


def test_a_private_key_whose_end_is_missing_goes_up_to_the_end_of_the_text() -> None:
    block = PEM.format("RSA ", "").partition("\n-----END")[0]
    assert found("private_key", f"See {block}") == [block]


def test_an_empty_block_and_talk_of_one_are_no_key() -> None:
    line = "-----BEGIN OPENSSH PRIVATE " + "KEY-----"
    assert found("secrets", line + "-----END OPENSSH PRIVATE " + "KEY-----") == []
    assert found("secrets", f"It starts with {line} and ends likewise; do not paste it.") == []


@pytest.mark.parametrize(
    "text",
    [
        "The password must have at least 12 characters, one digit and one symbol.",
        'password = getpass.getpass("Password: ")',
        'password = os.environ["DB_PASSWORD"]',
        "password: ${DB_PASSWORD}",
        'token = response.json()["access_token"]',
        "apiKey: process.env.API_KEY",
        "Authorization: Bearer <token>",
        "Authorization: Bearer YOUR_TOKEN_HERE",
        "curl -u user:password https://example.com",
        'curl -u "$USER:$PASSWORD" https://example.com',
        "mysql://user:password@localhost/db",
        "postgres://${USER}:${PASS}@db/x",
        "The commit " + DIGEST + " fixes the token refresh.",
        "max_tokens: 4096, token limit 128000",
        'cache_key = "' + DIGEST + '"',
        "next_page_token: " + KEY,
        'etag for the credentials file: "' + DIGEST + '"',
        "sha256:" + drawn(64, HEX),
        "How often should API keys be rotated?",
        "Why is a bearer token called a bearer token?",
        "The key to success is 80% persistence.",
        'token_type: "bearer"',
        "SecretArn: arn:aws:secretsmanager:eu:1:x",
        "pk_live_" + drawn(24),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" + drawn(44) + " dev@host",
        "data:image/png;base64,iVBORw0KGgo" + drawn(400),
        "Passwords are hashed with bcrypt12 rounds",
        "log in with your Office365 account",
        "Sign in using SAML2.0 or OAuth2.",
        'key: "user:1234:profile"',
        "Chrome/120.0.0.0 Safari/537.36",
        "integrity=sha512-" + drawn(86) + "==",
    ],
)
def test_what_is_no_secret(text: str) -> None:
    assert found("secrets", text) == []


def test_basic_authorization_needs_base64() -> None:
    assert found("secrets", "Authorization: Basic " + drawn(24) + "==")
    assert found("authorization_header", "Authorization: Basic ...") == []


def test_a_long_token_is_found_to_its_end() -> None:
    for size in (300, 2000):
        value = drawn(size)
        assert_gone(f"access_token={value}", value)
