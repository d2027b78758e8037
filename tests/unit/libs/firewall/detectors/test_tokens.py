"""Every vendor's token: an example of its published form is found whole, wherever it stands; the same form filled with x or cut short is not."""

import pytest

from libs.firewall.detectors.ai import AI
from libs.firewall.detectors.bare import BARE
from libs.firewall.detectors.business import BUSINESS
from libs.firewall.detectors.clouds import CLOUDS
from libs.firewall.detectors.development import DEVELOPMENT
from libs.firewall.detectors.keys import KEYS
from libs.firewall.detectors.monitoring import MONITORING
from tests.unit.libs.firewall.detectors.finding import ALNUM, DIGITS, HEX, LOWER, UPPER, URLSAFE, drawn, found, uuid

B64 = ALNUM + "+/"
LOWNUM, UPNUM = LOWER + DIGITS, UPPER + DIGITS
H = "-"

# Detector → pieces: what every such token begins with, and what is drawn for each. A third piece is what comes before it, of no account to it.
TOKENS: dict[str, list[tuple[str, ...]]] = {
    "openai_key": [
        ("sk-" + "proj-", drawn(80, URLSAFE)),
        ("sk-", drawn(20) + "T3Blbk" + "FJ" + drawn(20, seed=2)),
        ("sk-" + "svcacct-", drawn(60, URLSAFE)),
    ],
    "anthropic_key": [("sk-" + "ant-api03-", drawn(93, URLSAFE) + "AA"), ("sk-" + "ant-admin01-", drawn(93, URLSAFE) + "AA")],
    "openrouter_key": [("sk-" + "or-v1-", drawn(64, HEX))],
    "groq_key": [("gsk" + "_", drawn(52))],
    "xai_key": [("xai" + H, drawn(80))],
    "perplexity_key": [("pplx" + H, drawn(48))],
    "huggingface_token": [("hf" + "_", drawn(34, UPPER + LOWER)), ("api_" + "org_", drawn(34, UPPER + LOWER))],
    "replicate_token": [("r8" + "_", drawn(37))],
    "nvidia_key": [("nvapi" + H, drawn(64, URLSAFE))],
    "fireworks_key": [("fw" + "_", drawn(24))],
    "cerebras_key": [("csk" + H, drawn(48, LOWNUM))],
    "langsmith_key": [("lsv2" + "_pt_", drawn(32, HEX) + "_" + drawn(10, HEX))],
    "langfuse_key": [("sk-" + "lf-", uuid())],
    "pinecone_key": [("pcsk" + "_", drawn(60))],
    "tavily_key": [("tvly" + H, drawn(32))],
    "jina_key": [("jina" + "_", drawn(60))],
    "voyage_key": [("pa" + H, drawn(43))],
    "e2b_key": [("e2b" + "_", drawn(40, HEX))],
    "wandb_key": [("wandb" + "_v1_", drawn(60))],
    "brave_search_key": [("BSA", drawn(28))],
    "apify_token": [("apify" + "_api_", drawn(36))],
    "aws_access_key": [("AK" + "IA", drawn(16, UPNUM)), ("AS" + "IA", drawn(16, UPNUM, 2))],
    "aws_session_token": [("FwoGZXIv" + "YXdz", drawn(300))],
    "aws_bedrock_key": [("AB" + "SK", drawn(128)), ("bedrock-" + "api-key-", drawn(80))],
    "aws_secret_key": [("", drawn(40, B64), "aws_secret" + "_access_key = ")],
    "google_api_key": [("AI" + "za", drawn(35, URLSAFE))],
    "google_oauth_secret": [("GOC" + "SPX-", drawn(28))],
    "google_oauth_token": [("ya" + "29.", drawn(120, URLSAFE)), ("1/" + "/0", drawn(60))],
    "firebase_server_key": [("AAAA" + drawn(7) + ":APA" + "91b", drawn(134))],
    "google_hmac_key": [("GOOG" + "1E", drawn(55, UPNUM))],
    "azure_client_secret": [("ab1" + "8Q~", drawn(34))],
    "azure_shared_key": [("", drawn(42) + "+AS" + "t" + drawn(6) + "=="), ("", drawn(76) + "AZ" + "DO" + drawn(4))],
    "azure_sas": [("", drawn(43) + "%3D", "https://a.blob.example.com/c?sv=2022-11-02&ss=b&srt=o&sp=r&si" + "g=")],
    "digitalocean_token": [("dop" + "_v1_", drawn(64, HEX))],
    "digitalocean_spaces_key": [("DO" + "00", drawn(16, UPNUM))],
    "alibaba_access_key": [("LT" + "AI", drawn(20))],
    "tencent_secret_id": [("AK" + "ID", drawn(32))],
    "yandex_key": [("AQ" + "VN", drawn(36)), ("t" + "1.", drawn(7) + "." + drawn(86))],
    "scaleway_key": [("SC" + "W", drawn(17, UPNUM))],
    "ibm_key": [("", drawn(44), "ibm_cloud_api_key = ")],
    "cloudflare_token": [("cf" + "ut_", drawn(40)), ("v1" + ".0-", drawn(24, HEX) + "-" + drawn(146, HEX))],
    "flyio_token": [("fm" + "2_", drawn(400, B64)), ("fo" + "1_", drawn(43))],
    "heroku_key": [("HR" + "KU-", drawn(60)), ("", uuid(), "heroku_api_key: ")],
    "netlify_token": [("nf" + "p_", drawn(36))],
    "vercel_token": [("vc" + "p_", drawn(56))],
    "render_key": [("rn" + "d_", drawn(28))],
    "supabase_key": [("sb_" + "secret_", drawn(31)), ("sb" + "p_", drawn(40, HEX))],
    "planetscale_secret": [("pscale" + "_tkn_", drawn(43)), ("pscale" + "_pw_", drawn(43))],
    "neon_key": [("na" + "pi_", drawn(64, LOWNUM))],
    "clickhouse_key": [("4b" + "1d", drawn(38))],
    "databricks_token": [("da" + "pi", drawn(32, HEX))],
    "terraform_token": [("", drawn(14) + ".atlas" + "v1." + drawn(67))],
    "vault_token": [("hv" + "s.", drawn(90)), ("hv" + "b.", drawn(140))],
    "doppler_token": [("dp" + ".pt.", drawn(43)), ("dp" + ".st.prd.", drawn(43))],
    "pulumi_token": [("pu" + "l-", drawn(40, HEX))],
    "scalingo_token": [("tk-" + "us-", drawn(48))],
    "openshift_token": [("sha256" + "~", drawn(43))],
    "akamai_token": [("ak" + "ab-", drawn(16, LOWNUM) + "-" + drawn(16, LOWNUM, 2))],
    "infracost_key": [("ic" + "o-", drawn(32))],
    "defined_networking_key": [("dn" + "key-", drawn(26, LOWNUM) + "-" + drawn(52, LOWNUM))],
    "tailscale_key": [("ts" + "key-auth-", drawn(12) + "-" + drawn(32))],
    "ngrok_token": [("", "2" + drawn(26) + "_" + drawn(21), "ngrok authtoken: ")],
    "github_token": [("gh" + "p_", drawn(36)), ("gh" + "s_", drawn(36)), ("github" + "_pat_", drawn(22) + "_" + drawn(59))],
    "gitlab_token": [("gl" + "pat-", drawn(20)), ("gl" + "rt-", drawn(27)), ("GR13" + "48941", drawn(20))],
    "bitbucket_token": [("AT" + "BB", drawn(32)), ("AT" + "CTT3", drawn(180))],
    "atlassian_token": [("AT" + "ATT3", drawn(186))],
    "npm_token": [("np" + "m_", drawn(36)), ("", drawn(36), "//registry.example.com/:_auth" + "Token=")],
    "pypi_token": [("py" + "pi-AgE", drawn(150, URLSAFE))],
    "rubygems_key": [("ruby" + "gems_", drawn(48, HEX))],
    "nuget_key": [("oy" + "2", drawn(43, LOWNUM))],
    "clojars_token": [("CLO" + "JARS_", drawn(60, HEX))],
    "dockerhub_token": [("dckr" + "_pat_", drawn(27))],
    "circleci_token": [("CCI" + "PAT_", drawn(22) + "_" + drawn(40, HEX))],
    "buildkite_token": [("bk" + "ua_", drawn(40))],
    "sonar_token": [("sq" + "u_", drawn(40, HEX))],
    "sourcegraph_token": [("sg" + "p_", drawn(40, HEX)), ("sg" + "p_" + drawn(16, HEX) + "_", drawn(40, HEX))],
    "artifactory_token": [("AK" + "Cp", drawn(69)), ("cm" + "Vmd", drawn(59))],
    "octopus_key": [("AP" + "I-", drawn(26, UPNUM))],
    "snyk_token": [("", uuid(), "SNYK_TOKEN=")],
    "postman_key": [("PM" + "AK-", drawn(24, HEX) + "-" + drawn(34, HEX))],
    "prefect_key": [("pn" + "u_", drawn(36))],
    "readme_key": [("rd" + "me_", drawn(70, LOWNUM))],
    "rapidapi_key": [("", drawn(10, LOWNUM) + "ms" + "h" + drawn(15, LOWNUM) + "p1" + drawn(5, LOWNUM) + "js" + "n" + drawn(12, LOWNUM))],
    "travis_token": [("", drawn(22), "travis_token: ")],
    "figma_token": [("fi" + "gd_", drawn(40))],
    "codecov_token": [("", uuid(), "CODECOV_TOKEN=")],
    "onepassword_secret": [
        ("A" + "3-", "-".join(drawn(size, UPNUM, at) for at, size in enumerate((6, 11, 5, 5, 5)))),
        ("ops" + "_eyJ", drawn(300)),
    ],
    "adafruit_key": [("ai" + "o_", drawn(28))],
    "laravel_key": [("base" + "64:", drawn(43) + "=", "APP_KEY=")],
    "authress_key": [("sc" + "_", drawn(12, LOWNUM) + "." + drawn(4, LOWNUM) + ".acc_" + drawn(20, LOWNUM) + "." + drawn(60))],
    "stripe_key": [("sk" + "_live_", drawn(24)), ("rk" + "_live_", drawn(99)), ("wh" + "sec_", drawn(32))],
    "square_token": [("EA" + "AA", drawn(60)), ("sq0" + "csp-", drawn(43))],
    "paypal_token": [("access_" + "token$production$", drawn(16, LOWNUM) + "$" + drawn(32, HEX))],
    "shopify_token": [("shp" + "at_", drawn(32, HEX)), ("shp" + "ss_", drawn(32, HEX))],
    "razorpay_key": [("rzp" + "_live_", drawn(14))],
    "flutterwave_key": [("FLW" + "SECK-", drawn(32, HEX) + "-X")],
    "plaid_token": [("access-" + "production-", uuid())],
    "adyen_key": [("AQ" + "E", drawn(90))],
    "easypost_key": [("EZ" + "AK", drawn(54))],
    "shippo_token": [("shippo" + "_live_", drawn(40, HEX))],
    "duffel_token": [("duffel" + "_live_", drawn(43))],
    "gocardless_token": [("live" + "_", drawn(40), "GOCARDLESS_TOKEN=")],
    "coinbase_key": [("organi" + "zations/", uuid() + "/api" + "Keys/" + uuid(7))],
    "slack_token": [
        ("xo" + "xb-", drawn(12, DIGITS) + "-" + drawn(13, DIGITS) + "-" + drawn(24)),
        ("xo" + "xp-", "-".join(drawn(12, DIGITS, n) for n in (1, 2, 3)) + "-" + drawn(32, HEX)),
        ("xa" + "pp-1-A", drawn(10, UPNUM) + "-" + drawn(13, DIGITS) + "-" + drawn(64, HEX)),
        ("xo" + "xe-1-", drawn(146)),
    ],
    "webhook_url": [
        ("https://hooks.sl" + "ack.com/services/", "T" + drawn(9, UPNUM) + "/B" + drawn(10, UPNUM) + "/" + drawn(24)),
        ("https://discord.com/api/web" + "hooks/", drawn(18, DIGITS) + "/" + drawn(68)),
    ],
    "discord_secret": [("", drawn(32), "discord_client_secret = ")],
    "telegram_token": [("", drawn(10, "123456789") + ":A" + "A" + drawn(33, URLSAFE))],
    "facebook_token": [("EA" + "AJ", drawn(160))],
    "twitter_token": [("A" * 21, drawn(90))],
    "twitch_token": [("oau" + "th:", drawn(30, LOWNUM))],
    "sendgrid_key": [("S" + "G.", drawn(22) + "." + drawn(43))],
    "mandrill_key": [("m" + "d-", drawn(22))],
    "brevo_key": [("xkey" + "sib-", drawn(64, HEX) + "-" + drawn(16))],
    "messagebird_key": [("", drawn(25), "messagebird_key = ")],
    "notion_token": [("nt" + "n_", drawn(11, DIGITS) + drawn(35)), ("sec" + "ret_", drawn(43))],
    "linear_key": [("lin" + "_api_", drawn(40))],
    "clickup_token": [("pk" + "_4823910_", drawn(32, UPNUM))],
    "typeform_token": [("tf" + "p_", drawn(59))],
    "mapbox_token": [("sk" + ".eyJ", drawn(80) + "." + drawn(22))],
    "maxmind_key": [("", drawn(6) + "_" + drawn(29) + "_m" + "mk")],
    "hubspot_token": [("pat" + "-na1-", uuid())],
    "contentful_token": [("CF" + "PAT-", drawn(43))],
    "okta_token": [("0" + "0", drawn(40), "okta_api_token = ")],
    "clerk_key": [("sk" + "_test_", drawn(42))],
    "frameio_token": [("fio" + "-u-", drawn(64))],
    "intra42_secret": [("s-s4t2" + "ud-", drawn(64, HEX))],
    "settlemint_token": [("sm" + "_aat_", drawn(16))],
    "grafana_token": [("gl" + "sa_", drawn(32) + "_" + drawn(8, HEX)), ("gl" + "c_", drawn(80)), ("eyJr" + "Ijoi", drawn(90))],
    "newrelic_key": [("NR" + "AK-", drawn(27, UPNUM)), ("", drawn(36, HEX) + "NR" + "AL")],
    "sentry_token": [("sntrys" + "_eyJ", drawn(120)), ("sntry" + "u_", drawn(64, HEX))],
    "dynatrace_token": [("dt0" + "c01.", drawn(24, UPNUM) + "." + drawn(64, UPNUM))],
    "datadog_key": [("", drawn(32, HEX), "datadog_api_key: ")],
    "sumologic_key": [("su", drawn(12), "SUMO_ACCESS_ID = "), ("", drawn(64), "SUMO_ACCESS_KEY = ")],
    "honeycomb_key": [("hca" + "ik_", drawn(58, LOWNUM))],
    "posthog_key": [("ph" + "x_", drawn(43))],
    "pagerduty_key": [("", drawn(20), "pagerduty_token: ")],
    "fastly_token": [("", drawn(32), "FASTLY_API_TOKEN=")],
    "splunk_token": [("", uuid(), "Authorization: Splunk ")],
    "logdna_key": [("", drawn(32, HEX), "LOGDNA_INGESTION_KEY=")],
    "short_prefix_token": [
        ("S" + "K", drawn(32, HEX)),
        ("YC", drawn(38)),
        ("re" + "_", drawn(8) + "_" + drawn(24)),
        ("", drawn(32, HEX) + "-u" + "s12"),
        ("key" + H, drawn(32, HEX)),
        ("M", drawn(25) + "." + drawn(6) + "." + drawn(38)),
        ("pat", drawn(14) + "." + drawn(64, HEX)),
        ("s" + ".", drawn(24)),
        ("tr" + "_", drawn(32, HEX)),
        ("", drawn(16, "123456789") + "|" + drawn(27)),
        ("1/", drawn(16, "123456789") + ":" + drawn(32, HEX)),
        ("sdk" + H, uuid()),
        ("sl" + ".", drawn(130)),
    ],
    "age_key": [("AGE-SEC" + "RET-KEY-1", drawn(58, UPNUM))],
    "jwt": [("ey" + "JhbGciOi", drawn(28) + ".ey" + "J" + drawn(80, URLSAFE) + "." + drawn(43, URLSAFE))],
    "paseto": [("v4" + ".local.", drawn(120, URLSAFE))],
    "kubeadm_token": [("", drawn(6, LOWNUM) + "." + drawn(16, LOWNUM), "kubeadm join 10.2.0.4:6443 --token ")],
}
CASES = [(name, *pieces) for name, each in TOKENS.items() for pieces in each]
IDS = [f"{name}-{number}" for name, each in TOKENS.items() for number in range(len(each))]
PLACES = ("{}", "Is {} still valid?", '{{"value": "{}"}}', "export VALUE={}\nrun", "<p>{}</p>", "Rotate `{}`, please.", "a\n{}\nb")


def test_every_vendor_has_an_example() -> None:
    assert {each.name for each in (*AI, *CLOUDS, *DEVELOPMENT, *BUSINESS, *MONITORING, *BARE, *KEYS)} - {"private_key"} == set(TOKENS)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_an_example_is_found_whole_wherever_it_stands(case: tuple[str, ...]) -> None:
    name, prefix, body, *rest = case
    before = rest[0] if rest else ""
    for place in PLACES:
        text = before + prefix + body if before else place.format(prefix + body)
        [hit] = found(name, text)
        assert prefix + body in hit
        assert len(hit) <= len(prefix + body) + len("FlyV1 ")


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_form_to_be_filled_in_and_a_fragment_are_not(case: tuple[str, ...]) -> None:
    name, prefix, body, *rest = case
    before = rest[0] if rest else ""
    filled = "".join("x" if char.isalnum() else char for char in body)
    assert found("secrets", before + prefix + filled) == []
    assert found(name, before + prefix + body[:5]) == []


@pytest.mark.parametrize("case", [case for case in CASES if len(case) == 3 and case[1]], ids=lambda case: case[0])
def test_a_prefix_inside_a_word_is_none(case: tuple[str, ...]) -> None:
    name, prefix, body, *_ = case
    if prefix[0].isalnum() and name != "webhook_url":
        assert found(name, f"Q{prefix}{body}") == []


def test_all_of_the_pack_is_found_by_the_pack() -> None:
    for _, prefix, body, *rest in CASES:
        text = f"{rest[0] if rest else ''}{prefix}{body}"
        assert any(prefix + body in hit for hit in found("secrets", text)), text[:20]
