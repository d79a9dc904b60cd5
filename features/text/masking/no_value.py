"""What follows a word such as "password" and is no password."""

_ORDINARY = (
    r"(?:reset|expire[sd]?|expiring|expiration|change[sd]?|forgot(?:ten)?|required|incorrect|invalid"
    r"|wrong|null|nil|none|true|false|yes|no|not|is|was|are|were|has|have|had|be|been|n/a|must|should"
    r"|shall|will|would|can|cannot|could|may|needs?|too|for|of|to|the|a|an|and|or|with|from|in|on|at"
    r"|by|contains?|missing|empty|blank|unset|set|fail(?:ed|ure|s|ing)?|denied|rejected|accepted"
    r"|errors?|ok|okay|update[sd]?|unchanged|policy|protected|prompt|field|authentication|auth|login"
    r"|hidden|redacted|masked|removed|omitted|encrypted|hashed|mismatch|match(?:es)?|does|do|did|doesn"
    r"|minimum|maximum|min|max|length|string|str|text|varchar|strong|weak|sent|please|user|unknown"
    r"|abgelaufen|falsch|vergessen|ungültig|zurückgesetzt|zurücksetzen|gesperrt|geändert|ändern|ist"
    r"|wurde|wird|muss|nicht|fehlt|erforderlich|oublié|expiré|incorrecte?|invalide|requis|obligatoire"
    r"|refusé|perdu|olvidada|caducada|incorrecta|inválida|requerida|obligatoria|vencida)"
)
# What stands for a value: an ordinary word, a variable, a template, stars, a call.
NO_VALUE = (
    rf"(?!{_ORDINARY}(?![\w#$%^&*@-])|\*{{3,}}|[xX•]{{4,}}(?!\w)|\.{{3}}|\[?redacted|\$\{{|\$\(|\{{\{{"
    r"|\$[A-Z_]{2,}\b|%[A-Z_]{2,}%|os\.|getenv|process\.env|env\[|vault:|secretref|valueFrom"
    r"|/[\w.-]{1,64}/|[A-Za-z]:\\\\)"
)
