"""Keys of payments, shops, mail, chat and office services."""

from libs.firewall.detectors.vendor import token

BUSINESS = (
    # Payments and shops. Publishable keys (pk_…) are public by design.
    token(
        "stripe_key",
        "Stripe secret or restricted key",
        r"\b(?:sk|rk|ek|sk_org)_(?:live|test|prod)_[A-Za-z0-9]{10,}",
        r"\bwhsec_[A-Za-z0-9+/=]{24,}",
    ),
    token("square_token", "Square token or secret", r"\bEAAA[A-Za-z0-9_-]{22,60}\b", r"\bsq0(?:atp|csp|idb)-[A-Za-z0-9_-]{22,43}"),
    token("paypal_token", "PayPal Braintree access token", r"\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}\b"),
    token(
        "shopify_token", "Shopify token or shared secret", r"\bshp(?:at|ca|pa|ss|ua)_[A-Fa-f0-9]{32}\b", r"\bshp[a-z]{2}_[A-Za-z0-9]{32}\b"
    ),
    token("razorpay_key", "Razorpay key id", r"\brzp_(?:live|test)_[A-Za-z0-9]{14,24}\b"),
    token("flutterwave_key", "Flutterwave secret key", r"\bFLWSECK(?:_TEST)?-[A-Za-z0-9]{12,}(?:-X)?\b"),
    token(
        "plaid_token",
        "Plaid access token",
        r"\baccess-(?:sandbox|development|production)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    ),
    token("adyen_key", "Adyen API key", r"\bAQE[A-Za-z0-9+/]{60,}[A-Za-z0-9+/.<>{}()^$&%#@!*:;,=_\[\]|~?-]*"),
    token("easypost_key", "EasyPost API key", r"\bEZ[AT]K[A-Za-z0-9]{54}\b"),
    token("shippo_token", "Shippo token", r"\bshippo_(?:live|test)_[0-9a-f]{40}\b"),
    token("duffel_token", "Duffel token", r"\bduffel_(?:live|test)_[A-Za-z0-9_=-]{43}"),
    token("gocardless_token", "GoCardless token", r"(?i)gocardless[^\n]{0,60}\b(?P<value>live_[a-z0-9_=-]{40})"),
    token("coinbase_key", "Coinbase key name", r"\borganizations/[0-9a-f-]{36}/apiKeys/[0-9a-f-]{36}\b"),
    # Chat.
    token(
        "slack_token",
        "Slack token",
        r"\bxoxb-\d{8,14}-(?:\d{8,14}-)?[A-Za-z0-9-]{16,}",
        r"\bxox[pe]-(?:\d{8,14}-){2,3}[A-Za-z0-9-]{24,}",
        r"\bxox[os]-(?:\d+-){3}[A-Fa-f0-9]{8,}",
        r"\bxox[ar]-(?:\d-)?[A-Za-z0-9-]{9,}",
        r"\bxoxc-\d{8,}-\d{8,}-\d{8,}-[0-9a-f]{64}\b",
        r"\bxoxd-[A-Za-z0-9%+/=_-]{40,}",
        r"\bxoxe(?:\.xox[bp])?-\d-[A-Za-z0-9]{90,}",
        r"(?i)\bxapp-\d-[A-Z0-9]{9,}-\d{8,}-[a-z0-9]{32,}",
    ),
    token(
        "webhook_url",
        "Webhook address that lets anybody post",
        r"(?:https://)?hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{40,}",
        r"(?:https://)?(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{17,20}/[A-Za-z0-9_-]{60,}",
        r"(?:https://)?[\w-]{1,60}\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{60,}",
        r"(?:https://)?hooks\.zapier\.com/hooks/catch/\d{4,}/[A-Za-z0-9]{5,}",
        r"(?:https://)?chat\.googleapis\.com/v1/spaces/[\w-]{8,20}/messages\?key=[\w%&=-]{40,}",
        longest=200,
    ),
    token(
        "discord_secret",
        "Discord client secret",
        r"(?i)\bdiscord[\w .-]{0,24}[\"']?\s{0,2}(?:=>|:=|=|:|>)\s{0,2}[\"']?(?P<value>[a-z0-9_-]{32}|\d{18})\b",
    ),
    token("telegram_token", "Telegram bot token", r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,34}"),
    token("facebook_token", "Facebook access token", r"\bEAA(?:[A-Z][A-Za-z0-9]|[a-zA-Z0-9][A-Z0-9])[A-Za-z0-9]{80,}\b"),
    token("twitter_token", "X (Twitter) bearer token", r"\bAAAAAAAAAAAAAAAAAAAAA[A-Za-z0-9%]{60,}"),
    token("twitch_token", "Twitch OAuth token", r"\boauth:[a-z0-9]{30}\b"),
    # Mail and messages.
    token("sendgrid_key", "SendGrid API key", r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{36,64}"),
    token("mandrill_key", "Mandrill API key", r"\bmd-[A-Za-z0-9_-]{22}\b"),
    token("brevo_key", "Brevo API key", r"\bx(?:keysib|smtpsib)-[0-9a-f]{64}-[A-Za-z0-9]{16}\b"),
    token("messagebird_key", "Bird API key", r"(?i)\b(?:message)?bird[\w .-]{0,24}[\"']?\s?[:=]\s?[\"']?(?P<value>[a-z0-9]{25})\b"),
    # Office.
    token("notion_token", "Notion token", r"\bntn_\d{11}[A-Za-z0-9]{35}\b", r"\bsecret_[A-Za-z0-9]{43}\b"),
    token("linear_key", "Linear API key", r"\blin_(?:api|oauth|wh)_[A-Za-z0-9]{32,64}\b"),
    token("clickup_token", "ClickUp token", r"\bpk_\d{5,9}_[A-Z0-9]{32}\b"),
    token("typeform_token", "Typeform token", r"\btfp_[A-Za-z0-9_.=-]{40,60}"),
    token("mapbox_token", "Mapbox secret token", r"\bsk\.eyJ[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{20,}", longest=240),
    token("maxmind_key", "MaxMind licence key", r"\b[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk\b"),
    token("hubspot_token", "HubSpot token", r"\bpat-(?:na|eu|ap)\d-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    token("contentful_token", "Contentful management token", r"\bCFPAT-[A-Za-z0-9_-]{43}"),
    token(
        "okta_token",
        "Okta API token",
        r"(?i)\bokta[\w .-]{0,40}[\"'\]]{0,2}\s{0,3}(?:=>|:=|=|:|,|is|>)\s{0,3}[\"']?(?P<value>00[\w=-]{40})\b",
    ),
    token("clerk_key", "Clerk secret key", r"\bsk_(?:live|test)_[A-Za-z0-9]{30,}"),
    token("frameio_token", "Frame.io token", r"\bfio-u-[A-Za-z0-9_=-]{64}"),
    token("intra42_secret", "42 client secret", r"\bs-s4t2(?:ud|af)-[0-9a-f]{64}\b"),
    token("settlemint_token", "SettleMint token", r"\bsm_(?:aat|pat|sat)_[A-Za-z0-9]{16}\b"),
)
