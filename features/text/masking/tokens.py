"""Rules for tokens and keys: forms of providers, headers, cookies and settings.

The forms are those that the providers document; the list was compared with the rules of gitleaks
(https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml).
"""

import re

from features.text.masking.kinds import Secret
from features.text.masking.rule import MaskingRule, RuleGroup, always, has_long_word

_HEX = "[0-9a-fA-F]"
# A prefix and what follows it, by provider.
_FORMS: tuple[tuple[str, str], ...] = (
    # Amazon, Alibaba, Google, Azure
    *((prefix, r"[0-9A-Z]{16}(?![0-9A-Za-z])") for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")),
    ("LTAI", r"[A-Za-z0-9]{12,24}(?!\w)"),
    ("AIza", r"[\w-]{35}"),
    ("ya29.", r"[\w.-]{20,2048}"),
    ("GOCSPX-", r"[\w-]{20,40}"),
    # GitHub, GitLab, Bitbucket, Atlassian
    *((f"gh{kind}_", r"[A-Za-z0-9_.-]{20,512}") for kind in "oprsu"),
    ("github_pat_", r"\w{22,255}"),
    *(
        (prefix, r"[\w.-]{18,300}[\w-]")
        for prefix in (
            *("glpat-", "gldt-", "glptt-", "glrt-", "glrtr-", "glcbt-", "glft-", "glimt-"),
            *("glagent-", "gloas-", "glsoat-", "glffct-", "glwt-", "GR1348941"),
        )
    ),
    *((prefix, r"[\w=-]{20,255}") for prefix in ("ATATT3", "ATCTT3", "ATBB", "BBDC-")),
    # Slack, Microsoft Teams, Discord, Telegram
    ("xox", r"[abcdeoprs](?:\.xox[bp])?-[\w-]{10,255}"),
    ("xapp-", r"\d-[\w-]{10,255}"),
    ("hooks.slack.com/", r"(?:services|workflows|triggers)/[\w/+-]{10,255}"),
    ("webhook.office.com/", r"webhookb2/[\w@/-]{36,300}"),
    ("discord.com/api/webhooks/", r"\d{15,22}/[\w-]{40,100}"),
    ("discordapp.com/api/webhooks/", r"\d{15,22}/[\w-]{40,100}"),
    # Payment, shops, messages
    *((f"{kind}_{mode}_", r"\w{10,255}") for kind in ("sk", "rk") for mode in ("live", "test")),
    ("whsec_", r"[\w+/=-]{20,100}"),
    *((f"shp{kind}_", rf"{_HEX}{{32,64}}") for kind in ("at", "ca", "pa", "ss", "tka", "ua")),
    ("sq0", r"(?:atp|csp|idp)-[\w-]{22,64}"),
    ("EAA", r"[\w-]{56,255}"),
    ("SK", r"[0-9a-f]{32}(?!\w)"),
    ("SG.", r"[\w-]{16,64}\.[\w-]{16,64}"),
    ("key-", r"[0-9a-f]{32}(?!\w)"),
    ("xkeysib-", r"[\w-]{40,120}"),
    ("xsmtpsib-", r"[\w-]{40,120}"),
    ("shippo_", rf"(?:live|test)_{_HEX}{{40}}"),
    ("duffel_", r"(?:live|test)_[\w=-]{30,60}"),
    ("FLWSECK", r"[\w-]{12,60}"),
    ("EZAK", r"[A-Za-z0-9]{50,60}"),
    ("EZTK", r"[A-Za-z0-9]{50,60}"),
    ("access-", r"(?:sandbox|development|production)-[0-9a-f-]{36}"),
    # Language models
    ("sk-", r"(?=[\w-]{0,200}\d)[\w-]{20,255}"),
    *((prefix, r"[A-Za-z0-9]{30,100}") for prefix in ("hf_", "api_org_", "gsk_", "r8_")),
    ("xai-", r"[A-Za-z0-9]{60,100}"),
    ("pplx-", r"[A-Za-z0-9]{40,64}"),
    ("pcsk_", r"\w{40,100}"),
    # Registries of packages and images
    ("npm_", r"[A-Za-z0-9]{36}"),
    ("pypi-Ag", r"[\w-]{50,1000}"),
    ("rubygems_", rf"{_HEX}{{48}}"),
    ("oy2", r"[a-z0-9]{43}(?!\w)"),
    ("dckr_pat_", r"[\w-]{20,64}"),
    ("dckr_oat_", r"[\w-]{20,64}"),
    ("AKCp", r"[A-Za-z0-9]{60,80}"),
    ("cmVmd", r"[A-Za-z0-9]{55,64}"),
    ("CLOJARS_", r"[A-Za-z0-9]{60}"),
    # Infrastructure and delivery
    *((f"{prefix}.", r"[\w-]{20,512}") for prefix in ("hvs", "hvb", "hvr")),
    *((f"do{kind}_v1_", rf"{_HEX}{{40,80}}") for kind in "por"),
    ("dapi", rf"{_HEX}{{32}}(?:-\d)?(?!\w)"),
    ("dkea", rf"{_HEX}{{32}}(?!\w)"),
    ("dp.", r"(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]{2,40}\.)?[A-Za-z0-9]{40,48}"),
    ("pul-", rf"{_HEX}{{40}}"),
    ("HRKU-", r"[\w-]{36,80}"),
    ("fo1_", r"[\w-]{40,60}"),
    ("fm1", r"[ar]_[\w+/=]{60,2000}"),
    ("fm2_", r"[\w+/=]{60,2000}"),
    ("sha256~", r"[\w-]{43}"),
    ("pscale_", r"(?:tkn|pw|oauth)_[\w=.-]{32,64}"),
    ("tskey-", r"[\w-]{16,100}"),
    ("CCIPAT_", r"\w{20,100}"),
    ("bkua_", rf"{_HEX}{{40}}"),
    ("nfp_", r"[A-Za-z0-9]{36,64}"),
    ("rnd_", r"[A-Za-z0-9]{28,40}"),
    ("sbp_", r"[\w]{40,64}"),
    ("sb_secret_", r"[\w-]{20,64}"),
    ("snyk_", r"[a-z]{2,4}\.[\w.-]{20,200}"),
    ("API-", r"[A-Z0-9]{25,34}(?!\w)"),
    ("v1.0-", r"[0-9a-f]{24}-[0-9a-f]{60,146}"),
    ("4b1d", r"[A-Za-z0-9]{38}(?!\w)"),
    ("pnu_", r"[A-Za-z0-9]{36}"),
    ("ops_ey", r"J[\w+/=-]{100,2000}"),
    ("A3-", r"[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){4,5}"),
    ("AGE-SECRET-KEY-1", r"[A-Z0-9]{40,70}"),
    ("PMAK-", r"[\w-]{40,80}"),
    ("PMAT-", r"[A-Z0-9]{20,40}"),
    # Observability and on-call
    ("glsa_", r"\w{32,64}"),
    ("glc_", r"[\w+/=-]{32,400}"),
    ("eyJrIjoi", r"[\w+/=]{40,400}"),
    *((f"NR{kind}-", r"[\w-]{16,64}") for kind in ("AK", "II", "JS", "RA", "AA", "IQ")),
    ("sntrys_", r"[\w+/=-]{40,500}"),
    ("sntryu_", rf"{_HEX}{{40,80}}"),
    ("sntrya_", rf"{_HEX}{{40,80}}"),
    ("dt0", r"[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    ("hcaik_", r"\w{30,100}"),
    *((f"sq{kind}_", rf"{_HEX}{{40}}") for kind in "upa"),
    ("sgp_", rf"\w{{0,20}}{_HEX}{{40}}"),
    ("phx_", r"[A-Za-z0-9]{40,60}"),
    # Work management and others
    ("lin_api_", r"[A-Za-z0-9]{32,64}"),
    ("lin_oauth_", r"[A-Za-z0-9]{32,80}"),
    ("ntn_", r"[A-Za-z0-9]{40,60}"),
    ("secret_", r"[A-Za-z0-9]{43}(?!\w)"),
    ("figd_", r"[\w-]{36,80}"),
    ("figo_", r"[\w-]{36,80}"),
    ("pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("pat-", r"(?:na|eu|ap)\d-[0-9a-f-]{36}"),
    ("CFPAT-", r"[\w-]{40,64}"),
    ("tfp_", r"[\w.=-]{40,80}"),
    ("rdme_", r"[a-z0-9]{60,80}"),
    ("p8e-", r"[a-z0-9]{32}"),
    ("ico-", r"[A-Za-z0-9]{32}(?!\w)"),
    ("fio-u-", r"[\w=-]{50,70}"),
    ("AQVN", r"[\w-]{35,38}"),
)
# A hint, and a form that does not begin with a fixed prefix.
_OTHER_FORMS: tuple[tuple[str, str], ...] = (
    ("eyj", r"eyJ(?<![\w.-]...)[\w-]{8,4096}\.[\w-]{8,8192}\.[\w-]{0,2048}"),
    (".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{50,80}"),
    (":aa", r"\b\d{8,11}:AA[\w-]{30,36}"),
    ("discord", r"\b[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,40}"),
    ("vault", r"(?<![\w.])s\.(?=[A-Za-z]{0,23}\d)[A-Za-z0-9]{24}(?!\w)"),
    ("q~", r"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}"),
    ("jqqj9", r"\b[A-Za-z0-9]{52}JQQJ9[\w+/]{20,40}"),
    ("nral", r"\b[0-9a-f]{36}NRAL\b"),
    ("-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    ("mailgun", r"\b[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b"),
    ("_mmk", r"\b[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk\b"),
    ("1//0", r"(?<!\w)1//0[\w-]{30,200}"),
    ("okta", r"(?<![\w-])00[\w-]{40}(?![\w-])"),
    ("datadog", r"\b(?:[0-9a-f]{40}|[0-9a-f]{32})\b"),
    ("pagerduty", r"(?<![\w+-])(?:[uy][+_-][\w-]{18}|[0-9a-f]{32})(?![\w-])"),
    ("==", r"(?<![\w+/])[A-Za-z0-9+/]{86}=="),
    ("pat.", r"\bpat\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
    ("sat.", r"\bsat\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
)
_ASSIGNED = r"(?:\\?[\"'])?\s{0,3}(?:=>|:=|[:=])\s{0,3}(?:\\[\"'])?[\"']?"
_KEY_KINDS = (
    *("api", "access", "auth", "account", "private", "application", "app", "routing", "service"),
    *("integration", "license", "licence", "encryption", "signing", "master", "shared", "storage"),
    *("subscription", "function", "consumer", "webhook", "deploy", "session"),
)
_AFTER_KIND = "|".join(rf"(?<={kind})|(?<={kind}[_ -])" for kind in _KEY_KINDS)
_KEYWORD = (
    rf"(?:token|secret|(?:{_AFTER_KIND})key(?:[_ -]?base)?|(?<![^\W_])sig"
    r"|(?<=(?:amz|oog)-)signature|credentials?|(?<![\w-])auth(?=\W{1,6}[\w+/=]{16}))"
)
# A value without a digit is a token only if it is long and changes between small and large letters.
_VALUE = (
    r"(?:(?=[^\s\"']{0,64}\d)[\w./+=~%-]{8,8192}"
    r"|(?=[\w./+=~%-]{0,64}(?-i:[a-z][A-Z]+[a-z]{0,3}[A-Z]))[\w/+=~%-]{24,8192})"
)
_COOKIE_ATTRIBUTE = r"(?:path|domain|expires|max-age|samesite|version|lang|language|locale|theme)"
_COOKIE = re.compile(
    rf"(?<![\w.-])(?!{_COOKIE_ATTRIBUTE}=)([\w.$-]{{1,64}}=)\"?[^\s;,\"'<>]{{8,4096}}",
    re.IGNORECASE,
)


def _form_rule(prefix: str, rest: str) -> MaskingRule:
    pattern = re.compile(rf"(?<![A-Za-z0-9]){re.escape(prefix)}{rest}", re.ASCII)
    return MaskingRule(Secret.TOKEN, (prefix.lower(),), pattern, "<token>", at_hint=True)


def _mask_cookies(match: re.Match[str]) -> str:
    return match[1] + _COOKIE.sub(r"\1<token>", match[2])


_HEADER_RULES = (
    MaskingRule(
        Secret.TOKEN,
        ("authorization",),
        re.compile(
            r"(authorization(?:\\?[\"'])?\s{0,3}[:=]\s{0,3}(?:\\?[\"'])?"
            r"(?:basic|bearer|digest|token|apikey|negotiate|ntlm|sso-key|splunk|genie ?key"
            r"|aws4-hmac-sha256)\s{1,3})[^\s\"'\\<>]{1,8192}",
            re.IGNORECASE,
        ),
        r"\1<token>",
        at_hint=True,
    ),
    MaskingRule(
        Secret.TOKEN,
        ("authorization",),
        re.compile(
            r"(authorization(?:\\?[\"'])?\s{0,3}[:=]\s{0,3}(?:\\?[\"'])?)"
            r"(?=[^\s\"']{0,64}\d)[\w.~+/=-]{16,8192}",
            re.IGNORECASE,
        ),
        r"\1<token>",
        at_hint=True,
    ),
    MaskingRule(
        Secret.TOKEN,
        ("bearer",),
        re.compile(r"(bearer\s{1,3})[\w.~+/=-]{16,8192}", re.IGNORECASE),
        r"\1<token>",
        at_hint=True,
    ),
    MaskingRule(
        Secret.TOKEN,
        ("cookie",),
        re.compile(
            r"(cookies?2?(?:\\?[\"'])?\s{0,3}[:=]\s{0,3}(?:\\?[\"'])?)"
            r"((?:[\w.$-]{1,64}=[^\s;,\"'<>]{0,4096}(?:;\s?|$)?){1,64})",
            re.IGNORECASE,
        ),
        _mask_cookies,
        at_hint=True,
    ),
    MaskingRule(
        Secret.TOKEN,
        ("sess", "sid", "csrf", "xsrf"),
        re.compile(
            r"((?:sess(?:ion)?(?:[ _.-]?(?:id|token|key|cookie))?|(?<![^\W_])sid"
            r"|[cx]srf[\w-]{0,16})(?:\\?[\"'])?\s{0,2}[:=]\s{0,2}(?:\\?[\"'])?)"
            r"(?=[\w.%~+/!*-]{0,64}\d)(?=[\w.%~+/!*-]{0,64}[a-zA-Z])[\w.%~+/=!*-]{16,4096}",
            re.IGNORECASE,
        ),
        r"\1<token>",
        at_hint=True,
    ),
)
# The secret key beside the id of an access key.
_SECRET_BESIDE_ID = MaskingRule(
    Secret.TOKEN,
    ("akia", "asia"),
    re.compile(
        r"((?:AKIA|ASIA)[0-9A-Z]{16}[^\w+][\s\S]{0,60}?(?<![\w+/=]))"
        r"(?=[^\s]{0,39}[a-z])(?=[^\s]{0,39}[A-Z])(?=[^\s]{0,39}\d)"
        r"[A-Za-z0-9+/]{40}(?![\w+/=])"
    ),
    r"\1<token>",
    at_hint=True,
)

TOKEN_GROUPS: tuple[RuleGroup, ...] = (
    RuleGroup(always, _HEADER_RULES),
    RuleGroup(
        has_long_word,
        (
            _SECRET_BESIDE_ID,
            *(_form_rule(prefix, rest) for prefix, rest in _FORMS),
            *(
                MaskingRule(Secret.TOKEN, (hint,), re.compile(pattern, re.ASCII), "<token>")
                for hint, pattern in _OTHER_FORMS
            ),
        ),
    ),
)
# These come after the passwords, whose keywords say more.
SETTING_GROUPS: tuple[RuleGroup, ...] = (
    RuleGroup(
        always,
        (
            MaskingRule(
                Secret.TOKEN,
                ("token", "secret", "key", "sig", "auth", "credential"),
                re.compile(rf"({_KEYWORD}{_ASSIGNED}){_VALUE}", re.IGNORECASE),
                r"\1<token>",
                at_hint=True,
            ),
        ),
    ),
    RuleGroup(
        has_long_word,
        (
            MaskingRule(
                Secret.TOKEN,
                ("api", "access", "secret", "auth", "session", "refresh"),
                re.compile(
                    r"((?<![^\W_])(?:api|access|secret|auth|session|refresh)[ _-]?(?:key|token)"
                    r"(?:\s(?:is|was|ist|lautet|est|es))?\s{1,2}[\"'`(]?)"
                    r"(?=[^\s]{0,64}\d)(?=[^\s]{0,64}[A-Za-z])[\w+/=-]{16,512}",
                    re.IGNORECASE,
                ),
                r"\1<token>",
                at_hint=True,
            ),
        ),
    ),
)
