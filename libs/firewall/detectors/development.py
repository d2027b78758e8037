"""Keys of code hosts, registries, builds and tools of development."""

from libs.firewall.detectors.vendor import token

DEVELOPMENT = (
    token(
        "github_token", "GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b", r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{40,}", longest=255
    ),
    token(
        "gitlab_token",
        "GitLab token",
        r"\bgl(?:pat|dt|ft|ptt|soat|rtr|agent|oas|imt|cbt|ffct|wt|rt|at)-[A-Za-z0-9_=-]{20,}(?:\.[A-Za-z0-9_.]{4,24})?",
        r"\bGR1348941[A-Za-z0-9_-]{20}",
        r"\b_gitlab_session=(?P<value>[0-9a-z]{32})\b",
    ),
    token("bitbucket_token", "Bitbucket token", r"\bAT(?:BB|CTT3)[A-Za-z0-9_=-]{28,}"),
    token("atlassian_token", "Atlassian API token", r"\bATATT3[A-Za-z0-9_=-]{60,}"),
    token("npm_token", "npm token", r"\bnpm_[A-Za-z0-9]{36}\b", r"_authToken\s?=\s?(?P<value>[A-Za-z0-9_-]{20,})"),
    token("pypi_token", "PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
    token("rubygems_key", "RubyGems API key", r"\brubygems_[0-9a-f]{48}\b"),
    token("nuget_key", "NuGet API key", r"\boy2[a-z0-9]{43}\b"),
    token("clojars_token", "Clojars deploy token", r"\bCLOJARS_[a-f0-9]{60}\b"),
    token("dockerhub_token", "Docker Hub token", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}"),
    token("circleci_token", "CircleCI token", r"\bCCI(?:PAT|PRJ)_[A-Za-z0-9]{10,}_[0-9a-f]{40}\b"),
    token("buildkite_token", "Buildkite token", r"\bbk(?:ua|at|pt|aj|ct)_[A-Za-z0-9]{32,}"),
    token("sonar_token", "SonarQube token", r"\bsq[upa]_[0-9a-f]{40}\b"),
    token("sourcegraph_token", "Sourcegraph access token", r"\bsgp_(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}\b", r"\bsl[kd]_[0-9a-f]{64}\b"),
    token("artifactory_token", "Artifactory key or reference token", r"\bAKCp[A-Za-z0-9]{60,}\b", r"\bcmVmd[A-Za-z0-9+/=]{55,}"),
    token("octopus_key", "Octopus Deploy API key", r"(?:^|[^\w/-])(?P<value>API-[A-Z0-9]{26})\b"),
    token(
        "snyk_token",
        "Snyk token",
        r"(?i)\bsnyk_?token[\"']?\s?[:=]\s?[\"']?(?P<value>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b",
        r"\bsnyk_(?:uat|sat)\.[A-Za-z0-9_.-]{40,}",
    ),
    token("postman_key", "Postman API key", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b", r"\bPMAT-[A-Z0-9]{26}\b"),
    token("prefect_key", "Prefect API key", r"\bpnu_[A-Za-z0-9]{36}\b"),
    token("readme_key", "ReadMe API key", r"\brdme_[a-z0-9]{60,}"),
    token("rapidapi_key", "RapidAPI key", r"\b[a-z0-9]{10}msh[a-z0-9]{15}p1[a-z0-9]{5}jsn[a-z0-9]{12}\b"),
    token("travis_token", "Travis CI token", r"(?i)\btravis[\w .-]{0,20}[\"']?\s?[:=]\s?[\"']?(?P<value>[a-z0-9_-]{22})\b"),
    token("figma_token", "Figma token", r"\b(?:figd_|figo_|figu_|figdr_|figor_|figoh_|figur_|figuh_)[A-Za-z0-9_-]{36,}"),
    token(
        "codecov_token",
        "Codecov token",
        r"(?i)\bcodecov[\w .-]{0,20}[\"']?\s?[:=]\s?[\"']?(?P<value>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b",
    ),
    token(
        "onepassword_secret",
        "1Password key or service account token",
        r"\bA3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\b",
        r"\bops_eyJ[A-Za-z0-9+/]{100,}={0,3}",
    ),
    token("adafruit_key", "Adafruit IO key", r"\baio_[A-Za-z0-9]{28}\b"),
    token("laravel_key", "Laravel application key", r"(?i)\bAPP_KEY\s?=\s?[\"']?(?P<value>base64:[a-z0-9+/]{42,44}={0,2})"),
    token(
        "authress_key",
        "Authress key",
        r"\b(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.(?:acc|access)[_-][a-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,}",
    ),
)
