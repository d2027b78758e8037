"""Attempts to turn a model against its instructions.

For rules that warn: wordings are endless, and honest text quotes them.
"""

from libs.firewall.detectors.detector import Detector

_RULES = (
    r"(?:instruct\w*|directions?|directives?|guidelines?|rules?|prompts?|commands?|orders?|policies|policy|polic\w*|programming|training"
    r"|context|constraints?|restrictions?|limitations?|filters?|safeguards?)"
)
_FREE = r"(?:rules?|restrictions?|limit\w*|filters?|polic\w*|guidelines?|censorship|moral\w*|ethic\w*|constraints?|boundaries|safeguards?)"


def _injection(name: str, title: str, *patterns: str) -> Detector:
    """One pattern of all wordings: a text is read once for them."""
    return Detector(name=name, pack="injection", title=title, patterns=("|".join(f"(?:{each})" for each in patterns),), longest=160)


INJECTION = (
    _injection(
        "override_instructions",
        "Tells the model to drop what it was told",
        rf"(?i)\b(?:ignor(?:e|ing)|disregard|forget|override|bypass|neglect|discard|drop|skip)(?: \w+){{0,3}}? (?:previous|prior|above"
        rf"|earlier|preceding|foregoing|former|initial|original|system|existing|your)(?: \w+){{0,2}}? {_RULES}\b",
        r"(?i)\bforget (?:everything|all|anything)(?: that| which| of what)?(?: \w+){0,4}? (?:told|said|before|above|learned|know"
        r"|instructed)\b",
        rf"(?i)\b(?:previous|prior|earlier|old|above|existing) {_RULES} (?:are|is|were|no longer|have been|has been) (?:now )?(?:void|null"
        rf"|cancel+ed|revoked|invalid|obsolete|suspended|lifted|superseded|appl)",
        rf"(?i)\b(?:do not|don'?t|no longer|never|not)(?: \w+){{0,3}}? (?:follow|obey|adhere to|abide by|bound by|restricted by"
        rf"|constrained by|comply with)(?: \w+){{0,3}}? {_RULES}\b",
        r"(?i)\bnew (?:policy|instructions?|rules|directives?) (?:in force|in effect|follow|below|supersede|replace)\b",
    ),
    _injection(
        "jailbreak_persona",
        "Gives the model a persona without limits",
        r"(?i)\b(?:without|no|free (?:of|from)|devoid of|lack(?:s|ing)?|not have|regardless of|disregard(?:s|ing)?|any)(?: \w+){0,3}? "
        r"(?:restrictions?|limitations?|ethic\w*|moral\w*|censorship|filters?|content polic\w*|legalit\w*|openai\w*)(?:[ ,/]|\b)(?:"
        r"[^.\n]{0,40}\b(?:ai|model|assistant|character|persona|rules?|ethic\w*|moral\w*|restrictions?|content|anything|request"
        r"|question|legal\w*|danger\w*|guidelines?)\b)",
        r"(?i)\b(?:do anything now|DAN mode|jail ?break(?:ed|ing)? (?:mode|prompt|ai|persona|name)|unrestricted mode|god mode enabled"
        r"|developer mode (?:enabled|output|v2)|dev(?:eloper)? mode and|opposite mode|unfiltered (?:response|ai|model|mode|answer|and)"
        r"|amoral(?:,| and| ai| demon| being| chatbot)|uncensored (?:ai|and|response|answer|model))",
        r"\b(?:are|be|as|act as|named|called|enable|like|being) (?:now )?(?:a |an )?\"?(?:DAN|STAN|DUDE|AIM|BetterDAN|Mongo Tom|EvilBOT"
        r"|JailBreak|KEVIN|UCAR|DevMode)\b",
        r"(?i)\b(?:enter|enable|activate|switch to|in)(?: \w+){0,2}? (?:developer|unrestricted|jailbreak|debug|god|dan|sudo|root"
        r"|admin) mode (?:and|:|enabled|with)",
        r"(?i)\b(?:never|not|cannot|can'?t|won'?t|don'?t|without)(?: \w+){0,3}? (?:refus(?:e|es|ing)|declin(?:e|es|ing)|reject(?:s|ing)?"
        r"|say no|apologi[sz]e|warn(?:s|ings?)?|disclaimers?)(?: \w+){0,4}? (?:request|question|order|task|command|prompt|instruction"
        r"|answer|inform|anything|me|user|human|illegal|reason)",
        r"(?i)\b(?:stay|stays|remain|remains|stay(?:ing)? always|break|breaking) in character\b",
        r"(?i)\b(?:you (?:are|will be|have been) (?:now )?(?:freed|liberated|unchained|unshackled)|broken? free (?:of|from)"
        r"(?: \w+){0,4}? (?:confines|limits|restrictions|chains|rules))",
        r"(?i)\b(?:pretend|act|roleplay|role-play|simulate|respond|answer)(?: \w+){0,4}? (?:as if|that|to be|like)(?: \w+){0,5}? (?:no"
        r"|without|unlimited|unrestricted|unfiltered|free of|evil|amoral) ",
    ),
    _injection(
        "prompt_extraction",
        "Asks for the hidden instructions",
        r"(?i)\b(?:print|reveal|show|repeat|output|display|tell me|give me|write|dump|leak|expose|recite|echo)(?: \w+){0,4}? (?:(?:system"
        r"|hidden|initial|secret|internal|developer|original) (?:prompt|instructions?|configuration|message|rules|directives?))\b",
        r"(?i)\brepeat (?:the |all |everything )?(?:the )?(?:text|words|everything|content|lines?)? ?(?:above|before)\b[^\n]{0,30}"
        r"(?:you are|starting|verbatim|this)",
        r"(?i)\b(?:write|print|reveal|show|give|tell|output|send|list)(?: \w+){0,3}? (?:api keys?|passwords?|credentials?|secrets?"
        r"|tokens?|instructions?) (?:that )?you (?:were|have been|are) (?:given|told|using)\b",
    ),
    _injection(
        "forged_turn",
        "Forges a turn of another role",
        r"(?i)</?(?:system|assistant|developer)>\s*<?/?(?:user|system|human|assistant)?>?",
        r"<\|im_start\|>|<\|im_end\|>|\[/?INST\]|<<SYS>>|<\|(?:system|user|assistant|endoftext|start_header_id)\|>",
        r"(?m)^\s*(?:SYSTEM|ADMIN|DEVELOPER|ROOT)(?: (?:MESSAGE|OVERRIDE|PROMPT|NOTICE))?: (?:new|override|ignore|disregard|you|all"
        r"|from now)",
        r"(?i)### ?(?:system|instruction|new instructions?)(?: prompt)?\s*:?\s*\n",
    ),
)
