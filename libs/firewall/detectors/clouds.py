"""Keys of clouds, hosts and content networks."""

from libs.firewall.detectors.vendor import token

CLOUDS = (
    token(
        "aws_access_key",
        "AWS access key id",
        r"\bAKIA[A-Z0-9]{16}\b",
        r"\bASIA[A-Z0-9]{16}\b",
        r"\bABIA[A-Z0-9]{16}\b",
        r"\bACCA[A-Z0-9]{16}\b",
        longest=20,
    ),
    token("aws_session_token", "AWS session token", r"\b(?:FwoGZXIvYXdz|IQoJb3JpZ2luX2)[A-Za-z0-9/+=]{40,}"),
    token("aws_bedrock_key", "Amazon Bedrock API key", r"\bABSK[A-Za-z0-9+/]{80,}={0,2}", r"\bbedrock-api-key-[A-Za-z0-9+/]{30,}={0,2}"),
    token(
        "aws_secret_key",
        "AWS secret access key",
        r"(?i)(?:aws[_. -]|amazon|secret_?access)[\w .-]{0,32}[\"'\\\]]{0,3}\s{0,3}(?:=>|:=|=|:|>|\bis\b|,)\s{0,3}[\"'\\`]{0,2}(?P<value>"
        r"[a-z0-9/+]{40})(?:[^a-z0-9/+=]|$)",
    ),
    token("google_api_key", "Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
    token("google_oauth_secret", "Google OAuth client secret", r"\bGOCSPX-[A-Za-z0-9_-]{24,32}"),
    token("google_oauth_token", "Google OAuth access or refresh token", r"\bya29\.[A-Za-z0-9_.-]{30,}", r"\b1//0[A-Za-z0-9_-]{40,}"),
    token("firebase_server_key", "Firebase server key", r"\bAAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{80,}"),
    token("google_hmac_key", "Google Cloud Storage HMAC key", r"\bGOOG1E[A-Z0-9]{18,55}\b"),
    token("azure_client_secret", "Microsoft Entra client secret", r"(?:^|[^\w~.-])(?P<value>[\w~.-]{3}\dQ~[\w~.-]{31,34})(?:[^\w~.-]|$)"),
    token(
        "azure_shared_key",
        "Azure key with a signature in it",
        r"(?:^|[^A-Za-z0-9+/])(?P<value>[A-Za-z0-9+/]{30,80}(?:AzFu|AzSe|AzCa|\+ASt|\+ACR|\+AMC|ACDb|\+ABa|APIM|AIoT|\+ARm|\+AEh|ACOG"
        r"|AZDO)[A-Za-z0-9+/]{4,12}={0,2})",
    ),
    token("azure_sas", "Azure shared access signature", r"(?i)[?&]sv=[\w%&=.:-]{10,180}&sig=(?P<value>[a-z0-9%+/=_-]{40,})", longest=255),
    token("digitalocean_token", "DigitalOcean token", r"\bdo[por]_v1_[0-9a-f]{64}\b"),
    token("digitalocean_spaces_key", "DigitalOcean Spaces access key", r"\bDO(?:00|801)[A-Z0-9]{16,17}\b"),
    token("alibaba_access_key", "Alibaba Cloud access key id", r"\bLTAI[A-Za-z0-9]{16,24}\b"),
    token("tencent_secret_id", "Tencent Cloud secret id", r"\bAKID[A-Za-z0-9]{32}\b"),
    token("yandex_key", "Yandex Cloud key", r"\bAQVN[A-Za-z0-9_-]{34,38}\b", r"\bt1\.[A-Za-z0-9_-]{3,}\.[A-Za-z0-9_-]{80,}"),
    token("scaleway_key", "Scaleway access key", r"\bSCW[A-Z0-9]{17}\b"),
    token("ibm_key", "IBM Cloud API key", r"(?i)\bibm[\w .-]{0,24}[\"']?\s?[:=]\s?[\"']?(?P<value>[a-z0-9_-]{44})\b"),
    token(
        "cloudflare_token", "Cloudflare token", r"\bcf(?:ut|at|k)_[A-Za-z0-9_-]{36,}", r"\bv1\.0-[0-9a-f]{24}-[0-9a-f]{146}\b", longest=180
    ),
    token(
        "flyio_token",
        "Fly.io token",
        r"\b(?:FlyV1 )?fm\d[ar]?_[A-Za-z0-9+/_-]{60,}={0,3}(?:,fm\d[ar]?_[A-Za-z0-9+/_-]{20,}={0,3})*",
        r"\bfo1_[A-Za-z0-9_-]{40,}",
    ),
    token(
        "heroku_key",
        "Heroku API key",
        r"\bHRKU-[A-Za-z0-9_-]{36,}",
        r"(?i)\bheroku[\w .-]{0,24}[\"']?\s?(?:=>|:=|=|:|is|>)\s?[\"']?(?P<value>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-"
        r"[0-9a-f]{12})\b",
    ),
    token("netlify_token", "Netlify token", r"\b(?:nfp_|nfc_|nfu_)[A-Za-z0-9_-]{36,}"),
    token("vercel_token", "Vercel token", r"\bvc[piark]_[A-Za-z0-9]{24,}", r"\bvercel_blob_rw_[A-Za-z0-9_]{30,}"),
    token("render_key", "Render API key", r"\brnd_[A-Za-z0-9]{24,40}\b"),
    token("supabase_key", "Supabase secret key or token", r"\bsb_secret_[A-Za-z0-9_-]{28,}", r"\bsbp_[A-Za-z0-9_]{40,60}\b"),
    token("planetscale_secret", "PlanetScale token or password", r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,}"),
    token("neon_key", "Neon API key", r"\b(?:napi|neon)_[a-z0-9]{48,}"),
    token("clickhouse_key", "ClickHouse Cloud secret key", r"\b4b1d[A-Za-z0-9]{38}\b"),
    token("databricks_token", "Databricks token", r"\bdapi[0-9a-f]{32}(?:-\d)?\b", r"\bdose[0-9a-f]{32}\b"),
    token("terraform_token", "HCP Terraform token", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    token("vault_token", "HashiCorp Vault token", r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}"),
    token("doppler_token", "Doppler token", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}\b"),
    token("pulumi_token", "Pulumi access token", r"\bpul-[0-9a-f]{40}\b"),
    token("scalingo_token", "Scalingo API token", r"\btk-us-[A-Za-z0-9_-]{48}"),
    token("openshift_token", "OpenShift user token", r"\bsha256~[A-Za-z0-9_-]{43}\b"),
    token("akamai_token", "Akamai EdgeGrid token", r"\bakab-[a-z0-9]{16}-[a-z0-9]{16}\b"),
    token("infracost_key", "Infracost API key", r"(?:^|[^\w.])(?P<value>ico-[A-Za-z0-9]{32})\b"),
    token("defined_networking_key", "Defined Networking key", r"\bdnkey-[a-z0-9=_-]{26}-[a-z0-9=_-]{52}\b"),
    token("tailscale_key", "Tailscale key", r"\btskey-(?:api|auth|client|scim|webhook)-[A-Za-z0-9]{8,}-[A-Za-z0-9]{16,}"),
    token(
        "ngrok_token", "ngrok token", r"(?i)\bngrok[\w .:-]{0,24}[\"']?\s?[:=]?\s?[\"']?(?P<value>[12][a-zA-Z0-9]{26}_[a-zA-Z0-9]{20,22})\b"
    ),
)
