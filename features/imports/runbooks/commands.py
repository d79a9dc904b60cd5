"""Finds the commands in fenced texts, without prompts, output and settings."""

import re
from collections.abc import Iterator

from features.imports.runbooks.blocks import Block, BlockKind

_SHELLS = frozenset(
    [
        "bash",
        "sh",
        "shell",
        "zsh",
        "fish",
        "console",
        "shell-session",
        "sh-session",
        "shellsession",
        "terminal",
        "cmd",
        "bat",
        "batch",
        "powershell",
        "ps1",
        "pwsh",
        "commandline",
    ]
)
_QUERIES = frozenset(
    ["promql", "logql", "sql", "psql", "mysql", "kql", "spl", "cypher", "traceql", "influxql"]
)
_PROGRAMS = re.compile(
    r"(?:sudo |watch |time |env )?(?:kubectl|oc|k|helm|docker|podman|crictl|nerdctl|systemctl"
    r"|journalctl|service|curl|wget|ssh|aws|gcloud|az|psql|mysql|mongo|mongosh|redis-cli|etcdctl"
    r"|amtool|promtool|ansible|ansible-playbook|terraform|vault|consul|nomad|git|make|cat|tail"
    r"|grep|less|ls|df|du|top|ps|free|netstat|ss|lsof|dig|nslookup|ping|traceroute|ip|iptables"
    r"|rabbitmqctl|kafka-[\w.-]+|ceph|rbd|nginx|apachectl|pg_ctl|repmgr|patronictl|cqlsh|nodetool"
    r"|mimirtool|cortextool|logcli|tempo-cli|jq|tsh|knife|salt|supervisorctl|kill|pkill|crontab"
    r"|Get-|Restart-|Stop-|Start-|Test-|Set-|Invoke-)\b"
)
_PROMPT = re.compile(r"^\s{0,8}(?:[\w.@~/-]{1,60}\s?)?(?:\$|PS [^>\n]{0,80}>|[A-Z]:\\[^>\n]*>)\s+")
_ROOT_PROMPT = re.compile(r"^\s{0,8}(?:\[?[\w.-]{1,40}@[^#\n]{1,60}\]?)?#\s+")
_SESSIONS = frozenset(("console", "shell-session", "sh-session", "shellsession", "terminal"))
_COMPOUND = re.compile(
    r"(?:\\|\||&&|\{|\(|`)\s*$|<<|^[ \t]+\S|^(?:for|while|until|if|case|function|do|then|done|fi"
    r"|else|esac|\}|\))\b",
    re.MULTILINE,
)
_TABLE_HEAD = re.compile(r"^[A-Z][A-Z()/_-]*(?: {2,}|\t)[A-Z]", re.MULTILINE)


def commands_of(block: Block) -> tuple[str, ...]:
    """Return the commands of a fenced text without their prompts, empty if there are none.

    >>> commands_of(Block("$ kubectl get pods\\nNAME READY", BlockKind.CODE))
    ('kubectl get pods',)
    """
    if block.kind is not BlockKind.CODE or not block.text.strip():
        return ()
    prompt_commands = _prompt_commands(block)
    if prompt_commands:
        return tuple(prompt_commands)
    if block.language in _QUERIES:
        return (block.text.strip(),)
    if block.language in _SHELLS or (not block.language and _PROGRAMS.match(block.text.strip())):
        return tuple(_commands_in_script(block.text))
    return ()


def _prompt_commands(block: Block) -> list[str]:
    """Return the commands after a prompt, with continuation lines; other lines are left out."""
    commands: list[str] = []
    is_continued = False
    for line in block.text.splitlines():
        prompt = _PROMPT.match(line) or (
            _ROOT_PROMPT.match(line) if block.language in _SESSIONS else None
        )
        if prompt:
            commands.append(line[prompt.end() :])
        elif is_continued:
            commands[-1] += f"\n{line}"
        is_part = bool(commands) and (bool(prompt) or is_continued)
        is_continued = is_part and line.rstrip().endswith("\\")
    return [command.strip() for command in commands if command.strip()]


def _commands_in_script(script: str) -> Iterator[str]:
    """Yield each line with the comments above it; a script with multi-line commands stays whole.

    The header of a printed table marks the start of output, which is left out.
    """
    script = _TABLE_HEAD.split(script, maxsplit=1)[0]
    if _COMPOUND.search(script):
        yield script.strip()
        return
    lines: list[str] = []
    for line in filter(str.strip, script.splitlines()):
        lines.append(line.strip())
        if not line.startswith("#"):
            yield "\n".join(lines)
            lines = []
